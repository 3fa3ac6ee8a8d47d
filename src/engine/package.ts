// A package as `nix-env` sees it: a derivation among values with its meta attributes, an element of a user environment, or a bare store
// path. What it says is read when asked for. libexpr/get-drvs.cc (PackageInfo). Texts are byte strings.

import { compareStrings } from '../base/bytes.ts';
import { EvalError } from '../base/errors.ts';
import { Attrs } from '../eval/attrs.ts';
import { coerceToStorePath, forceAttrs, forceBool, forceList, forceStringNoContext } from '../eval/coerce.ts';
import { NO_POSITION, type PositionId } from '../eval/position.ts';
import type { EvalState } from '../eval/state.ts';
import { ContextAccumulator } from '../eval/string-context.ts';
import { internSymbol, symbolName, symbols } from '../eval/symbol.ts';
import { force, isInteger, isString, NixFloat, positionOf, type Slot, stringText, type Value } from '../eval/value.ts';
import { enterCall, leaveCall } from '../eval/call.ts';
import type { StorePath } from '../model/store-path.ts';
import { FoundDerivation } from './derivation-values.ts';

/** Output names in order; a path is undefined where it was not asked for. */
export type PackageOutputs = ReadonlyMap<string, StorePath | undefined>;

const OUT_PATH = symbols.outPath;

/** What a package is that no value describes. */
export interface BarePackage {
  readonly name: string;
  readonly drvPath: StorePath | undefined;
  readonly outPath: StorePath;
}

export class Package {
  private readonly state: EvalState;
  /** Undefined for a bare store path. */
  private readonly attrs: Attrs | undefined;
  private readonly bare: BarePackage | undefined;
  readonly attrPath: string;
  /** Its output path could not be evaluated: it is passed over. */
  hasFailed = false;
  private givenName: string | undefined;
  private readonly givenMeta = new Map<string, Value>();
  private knownOutputs: PackageOutputs | undefined;

  private constructor(state: EvalState, attrs: Attrs | undefined, bare: BarePackage | undefined, attrPath: string) {
    this.state = state;
    this.attrs = attrs;
    this.bare = bare;
    this.attrPath = attrPath;
  }

  static of(state: EvalState, { attrs, attrPath }: FoundDerivation): Package {
    return new Package(state, attrs, undefined, attrPath);
  }

  static bare(state: EvalState, bare: BarePackage): Package {
    return new Package(state, undefined, bare, '');
  }

  private text(symbol: number, pos: PositionId, what: string): string | undefined {
    const slot = this.attrs?.get(symbol);
    return slot === undefined ? undefined : forceStringNoContext(this.state, slot, pos, what);
  }

  get name(): string {
    return this.givenName ?? this.bare?.name ?? new FoundDerivation(this.state, this.attrs!, this.attrPath).name;
  }

  rename(name: string): void {
    this.givenName = name;
  }

  /** "unknown" where the derivation does not say; "" for a bare store path. */
  get system(): string {
    if (this.attrs === undefined) return '';
    const pos = this.attrs.position(symbols.system);
    return this.text(symbols.system, pos, "while evaluating the 'system' attribute of a derivation") ?? 'unknown';
  }

  get drvPath(): StorePath | undefined {
    if (this.attrs === undefined) return this.bare!.drvPath;
    return this.attrs.has(symbols.drvPath) ? new FoundDerivation(this.state, this.attrs, this.attrPath).drvPath : undefined;
  }

  private storePath(attrs: Attrs, what: string): StorePath | undefined {
    const slot = attrs.get(OUT_PATH);
    return slot === undefined ? undefined : coerceToStorePath(this.state, attrs.position(OUT_PATH), slot, new ContextAccumulator(), what);
  }

  get outPath(): StorePath {
    if (this.attrs === undefined) return this.bare!.outPath;
    const path = this.storePath(this.attrs, 'while evaluating the output path of a derivation');
    if (path === undefined) throw new EvalError("derivation does not have attribute 'outPath'");
    return path;
  }

  get outputName(): string {
    return this.text(symbols.outputName, NO_POSITION, 'while evaluating the output name of a derivation') ?? '';
  }

  /** All outputs. What was said first stays: names alone, where paths were not asked for. */
  outputs(withPaths = true): PackageOutputs {
    return (this.knownOutputs ??= new Map([...this.readOutputs(withPaths)].sort(([a], [b]) => compareStrings(a, b))));
  }

  private *readOutputs(withPaths: boolean): Generator<[string, StorePath | undefined], void, undefined> {
    const { state, attrs } = this;
    const list = attrs?.get(symbols.outputs);
    if (attrs === undefined || list === undefined) return yield ['out', withPaths ? this.outPath : undefined];
    const pos = attrs.position(symbols.outputs);
    for (const slot of forceList(state, list, pos, "while evaluating the 'outputs' attribute of a derivation")) {
      const name = forceStringNoContext(state, slot, pos, 'while evaluating the name of an output of a derivation');
      if (!withPaths) {
        yield [name, undefined];
        continue;
      }
      const output = attrs.get(internSymbol(name));
      if (output === undefined) continue;
      const path = this.storePath(
        forceAttrs(state, output, pos, 'while evaluating an output of a derivation'),
        'while evaluating an output path of a derivation',
      );
      if (path !== undefined) yield [name, path];
    }
  }

  /** The outputs that come into a user environment: the one the value names, else meta.outputsToInstall, else all. */
  outputsToInstall(): ReadonlyMap<string, StorePath> {
    const outputs = this.outputs() as ReadonlyMap<string, StorePath>;
    const specified = this.attrs?.get(symbols.outputSpecified);
    const what = "while evaluating the 'outputSpecified' attribute of a derivation";
    if (specified !== undefined && forceBool(this.state, specified, this.attrs!.position(symbols.outputSpecified), what)) {
      const { outputName } = this;
      const path = outputs.get(outputName);
      if (path === undefined) throw new EvalError(`derivation does not have output '${outputName}'`);
      return new Map([[outputName, path]]);
    }
    const wanted = this.meta('outputsToInstall');
    if (wanted === undefined) return outputs;
    const names = Array.isArray(wanted) ? wanted.map((slot) => force(slot)) : [undefined];
    const chosen = names.map((name): [string, StorePath] => {
      const path = name !== undefined && isString(name) ? outputs.get(stringText(name)) : undefined;
      if (path === undefined) throw new EvalError("this derivation has bad 'meta.outputsToInstall'");
      return [stringText(name as string), path];
    });
    return new Map(chosen.sort(([a], [b]) => compareStrings(a, b)));
  }

  private get metaAttrs(): Attrs | undefined {
    const slot = this.attrs?.get(symbols.meta);
    if (slot === undefined) return undefined;
    return forceAttrs(this.state, slot, this.attrs!.position(symbols.meta), "while evaluating the 'meta' attribute of a derivation");
  }

  /** In order. */
  metaNames(): string[] {
    const { metaAttrs } = this;
    const names = metaAttrs === undefined ? [] : metaAttrs.keys().map(symbolName);
    return [...new Set([...names, ...this.givenMeta.keys()])].sort(compareStrings);
  }

  /** A meta attribute with everything in it evaluated; undefined where it is missing, or holds what is no plain data. */
  meta(name: string): Value | undefined {
    const given = this.givenMeta.get(name);
    if (given !== undefined) return given;
    const slot = this.metaAttrs?.get(internSymbol(name));
    return slot !== undefined && isPlainData(slot) ? force(slot) : undefined;
  }

  setMeta(name: string, value: string): void {
    this.givenMeta.set(name, value);
  }

  /** "" for what is no string. */
  metaString(name: string): string {
    const value = this.meta(name);
    return value !== undefined && isString(value) ? stringText(value) : '';
  }

  /** A number, also one that is written as a string. */
  metaInteger(name: string, otherwise: bigint): bigint {
    const value = this.meta(name);
    if (value !== undefined && isInteger(value)) return BigInt(value);
    const text = value !== undefined && isString(value) ? stringText(value) : '';
    return /^-?[0-9]{1,18}$/.test(text) ? BigInt(text) : otherwise;
  }

  metaBoolean(name: string, otherwise: boolean): boolean {
    const value = this.meta(name);
    if (typeof value === 'boolean') return value;
    const text = value !== undefined && isString(value) ? stringText(value) : '';
    return text === 'true' ? true : text === 'false' ? false : otherwise;
  }
}

/** Numbers, truth values, strings, and lists and sets of these; no derivations. */
function isPlainData(slot: Slot): boolean {
  enterCall(positionOf(slot));
  const value = force(slot);
  const isPlain = Array.isArray(value)
    ? value.every(isPlainData)
    : value instanceof Attrs
      ? !value.has(OUT_PATH) && value.slots().every(isPlainData)
      : isInteger(value) || typeof value === 'boolean' || isString(value) || value instanceof NixFloat;
  leaveCall();
  return isPlain;
}
