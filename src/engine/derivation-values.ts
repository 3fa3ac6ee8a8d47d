// Derivations among values: what `-A path`, `-f file attr` and flake outputs point at, and which outputs of them are wanted.
// libexpr/get-drvs.cc and libcmd/installable-value.cc for the rules and the words.

import { compareStrings } from '../base/bytes.ts';
import { AssertionError, EvalError, FloeError, WrongTypeError } from '../base/errors.ts';
import { nearestNames } from '../base/suggestions.ts';
import { Attrs } from '../eval/attrs.ts';
import { autoCallFunction } from '../eval/auto-call.ts';
import { enterCall, leaveCall } from '../eval/call.ts';
import { coerceToStorePath, forceBool, forceList, forceStringNoContext } from '../eval/coerce.ts';
import { isDerivation } from '../eval/equality.ts';
import { addFrame } from '../eval/error-position.ts';
import { NO_POSITION } from '../eval/position.ts';
import { printForError } from '../eval/print.ts';
import type { EvalState } from '../eval/state.ts';
import { singleDerivedPathOf } from '../eval/single-derived-path.ts';
import { ContextAccumulator } from '../eval/string-context.ts';
import { internSymbol, symbolName, symbols } from '../eval/symbol.ts';
import { describeType, force, isString, NixPath, positionOf, type Slot, stringText, type Value } from '../eval/value.ts';
import { type DerivedPath, type OutputsSpec, unionOutputsSpec } from '../model/derived-path.ts';
import { parseAttrPath } from '../model/attr-path.ts';
import { isDerivationPath, parseStorePath, type StorePath } from '../model/store-path.ts';

/** A set with this attribute is a folder of expressions: each is called with `--arg`s and searched (nix-env). */
export const COMBINE_CHANNELS = '_combineChannels';

/** A value found by walking along a path as users write it, functions on the way called with `autoArgs`. */
export function findAlongAttrPath(state: EvalState, path: string, autoArgs: Attrs, root: Slot): Value {
  let value = force(root);
  for (const name of parseAttrPath(path)) {
    value = autoCallFunction(state, autoArgs, value);
    const index = /^[0-9]+$/.test(name) ? Number(name) : undefined;
    if (index === undefined) {
      if (!(value instanceof Attrs)) {
        throw new WrongTypeError(`the expression selected by the selection path '${path}' should be a set but is ${describeType(value)}`);
      }
      if (name === '') throw new EvalError(`empty attribute name in selection path '${path}'`);
      const slot = value.get(internSymbol(name));
      if (slot === undefined) {
        const suggestions = nearestNames(value.keys().map(symbolName), name);
        throw new EvalError(`attribute '${name}' in selection path '${path}' not found`, { code: 'FLOE_ATTR_PATH_NOT_FOUND', suggestions });
      }
      value = force(slot);
    } else {
      if (!Array.isArray(value)) {
        throw new WrongTypeError(`the expression selected by the selection path '${path}' should be a list but is ${describeType(value)}`);
      }
      if (index >= value.length) {
        throw new EvalError(`list index ${index} in selection path '${path}' is out of range`, { code: 'FLOE_ATTR_PATH_NOT_FOUND' });
      }
      value = force(value[index]!);
    }
  }
  return value;
}

/** One derivation found in a value; its attributes are read when asked for. */
export class FoundDerivation {
  private readonly state: EvalState;
  readonly attrs: Attrs;
  /** Where it was found, "" for the value itself. */
  readonly attrPath: string;

  constructor(state: EvalState, attrs: Attrs, attrPath: string) {
    this.state = state;
    this.attrs = attrs;
    this.attrPath = attrPath;
  }

  get name(): string {
    const slot = this.attrs.get(symbols.name);
    if (slot === undefined) throw new WrongTypeError('derivation name missing');
    return forceStringNoContext(this.state, slot, NO_POSITION, "while evaluating the 'name' attribute of a derivation");
  }

  get drvPath(): StorePath {
    const slot = this.attrs.get(symbols.drvPath);
    if (slot === undefined) throw new EvalError("derivation does not contain a 'drvPath' attribute");
    const what = "while evaluating the 'drvPath' attribute of a derivation";
    const pos = this.attrs.position(symbols.drvPath);
    const path = coerceToStorePath(this.state, pos, slot, new ContextAccumulator(), what);
    if (!isDerivationPath(path)) throw addFrame(new EvalError(`store path '${path}' is not a valid derivation path`), pos, what);
    return path;
  }

  get outputName(): string {
    const slot = this.attrs.get(symbols.outputName);
    if (slot === undefined) return '';
    return forceStringNoContext(this.state, slot, NO_POSITION, 'while evaluating the output name of a derivation');
  }

  private get outputNames(): string[] {
    const slot = this.attrs.get(symbols.outputs);
    if (slot === undefined) return ['out'];
    const pos = this.attrs.position(symbols.outputs);
    const list = forceList(this.state, slot, pos, "while evaluating the 'outputs' attribute of a derivation");
    return list.map((name) => forceStringNoContext(this.state, name, pos, 'while evaluating the name of an output of a derivation'));
  }

  /** The outputs that `nix-build` and `nix build -f` take: the one the value names, else meta.outputsToInstall, else all. */
  get outputsToInstall(): string[] {
    const outputs = this.outputNames;
    const specified = this.attrs.get(symbols.outputSpecified);
    const pos = this.attrs.position(symbols.outputSpecified);
    const what = "while evaluating the 'outputSpecified' attribute of a derivation";
    if (specified !== undefined && forceBool(this.state, specified, pos, what)) {
      if (!outputs.includes(this.outputName)) throw new EvalError(`derivation does not have output '${this.outputName}'`);
      return [this.outputName];
    }
    const wanted = outputsToInstallOf(this.attrs);
    if (wanted === undefined) return outputs;
    if (!Array.isArray(wanted)) throw new EvalError("this derivation has bad 'meta.outputsToInstall'");
    return wanted.map((slot) => {
      const name = force(slot);
      if (!isString(name) || !outputs.includes(stringText(name))) throw new EvalError("this derivation has bad 'meta.outputsToInstall'");
      return stringText(name);
    });
  }
}

function outputsToInstallOf(derivation: Attrs): Value | undefined {
  const meta = derivation.force(symbols.meta);
  return meta instanceof Attrs ? meta.force(internSymbol('outputsToInstall')) : undefined;
}

const ATTR_PATH_COMPONENT = /^[A-Za-z_][A-Za-z0-9\-_+]*$/;

/**
 * All derivations in a value: itself, or those of a set (and of sets in it with recurseForDerivations) or list, in order of names.
 * `prefix` is where the value was found.
 */
export function findDerivations(
  state: EvalState,
  root: Slot,
  autoArgs: Attrs,
  ignoreAssertionFailures = false,
  prefix = '',
): FoundDerivation[] {
  const found: FoundDerivation[] = [];
  const done = new Set<Attrs>();
  // Gives the value where it makes sense to look for derivations inside it.
  const takeDerivation = (slot: Slot, path: string): Value | undefined => {
    try {
      const value = force(slot);
      if (!isDerivation(value)) return value;
      if (done.has(value)) return undefined;
      done.add(value);
      const derivation = new FoundDerivation(state, value, path);
      void derivation.name;
      found.push(derivation);
      return undefined;
    } catch (error) {
      if (ignoreAssertionFailures && error instanceof AssertionError) return undefined;
      throw error;
    }
  };
  const visitAttribute = (value: Attrs, index: number, path: string): void => {
    const slot = value.slots()[index]!;
    if (value.has(internSymbol(COMBINE_CHANNELS))) return visit(slot, path);
    const child = takeDerivation(slot, path);
    if (!(child instanceof Attrs)) return;
    const recurse = child.get(symbols.recurseForDerivations);
    if (recurse === undefined) return;
    if (forceBool(state, recurse, child.position(symbols.recurseForDerivations), 'while evaluating the attribute `recurseForDerivations`'))
      visit(child, path);
  };
  const visit = (slot: Slot, path: string): void => {
    enterCall(positionOf(slot));
    visitHere(slot, path);
    leaveCall();
  };
  const visitHere = (slot: Slot, path: string): void => {
    const value = takeDerivation(autoCallFunction(state, autoArgs, slot), path);
    if (value === undefined) return;
    if (value instanceof Attrs) {
      for (const index of value.order()) {
        const name = symbolName(value.keys()[index]!);
        if (!ATTR_PATH_COMPONENT.test(name)) continue;
        try {
          visitAttribute(value, index, path === '' ? name : `${path}.${name}`);
        } catch (error) {
          if (error instanceof FloeError) addFrame(error, value.positionAt(index), `while evaluating the attribute '${name}'`);
          throw error;
        }
      }
    } else if (Array.isArray(value)) {
      value.forEach((element, index) => {
        const below = path === '' ? String(index) : `${path}.${index}`;
        const child = takeDerivation(element, below);
        if (child !== undefined) visit(child, below);
      });
    } else {
      throw new WrongTypeError('expression does not evaluate to a derivation (or a set or list of those)');
    }
  };
  visit(root, prefix);
  return found;
}

/** A path or a string with one element of context, as something to build; undefined for any other value. */
export function singleDerivedPath(state: EvalState, value: Value, what: string): DerivedPath | undefined {
  if (value instanceof NixPath) {
    const { host } = state;
    // NIX: whatever it is called.
    return { kind: 'opaque', path: host.addToStore({ path: value.path, name: 'source', method: 'nar', algorithm: 'sha256' }) };
  }
  if (!isString(value)) return undefined;
  try {
    const path = singleDerivedPathOf(state, value);
    return path.kind === 'opaque' ? path : { kind: 'built', derivation: path.derivation, outputs: [path.output] };
  } catch (error) {
    if (error instanceof FloeError) error.frames.push({ text: what });
    throw error;
  }
}

/** What a flake output attribute stands for; libcmd/installable-flake.cc. */
export function flakeOutputDerivedPath(state: EvalState, value: Value, attrPath: string, wanted: OutputsSpec | undefined): DerivedPath {
  if (!isDerivation(value)) {
    const single = singleDerivedPath(state, value, `while evaluating the flake output attribute '${attrPath}'`);
    if (single) return single;
    const found = `${describeType(value)}: ${printForError(value)}`;
    throw new EvalError(`expected flake output attribute '${attrPath}' to be a derivation or path but found ${found}`, {
      code: 'FLOE_NOT_A_DERIVATION',
    });
  }
  const derivation = flakeText(value, symbols.drvPath, attrPath);
  if (derivation === undefined) throw new EvalError(`attribute '${attrPath}.drvPath' does not exist`);
  const path = parseStorePath(derivation, state.host.constants.storeDir);
  if (!isDerivationPath(path)) throw new EvalError(`store path '${path}' is not a valid derivation path`);
  return { kind: 'built', derivation: path, outputs: wanted ?? defaultFlakeOutputs(state, value, attrPath) };
}

/** A text of a flake output. Messages name the attribute by its whole path, as C++ Nix's cache of flakes does. */
function flakeText(attrs: Attrs, name: number, attrPath: string): string | undefined {
  const value = attrs.force(name);
  if (value === undefined || isString(value)) return value && stringText(value);
  if (value instanceof NixPath) return value.path;
  throw new WrongTypeError(`'${attrPath}.${symbolName(name)}' is not a string but ${describeType(value)}`);
}

function defaultFlakeOutputs(state: EvalState, attrs: Attrs, attrPath: string): string[] {
  const specified = attrs.force(symbols.outputSpecified);
  if (specified !== undefined) {
    if (typeof specified !== 'boolean') throw new WrongTypeError(`'${attrPath}.outputSpecified' is not a Boolean`);
    const name = specified ? flakeText(attrs, symbols.outputName, attrPath) : undefined;
    return [name ?? 'out'];
  }
  const wanted = outputsToInstallOf(attrs);
  if (wanted === undefined) return ['out'];
  if (!Array.isArray(wanted)) throw new WrongTypeError(`'${attrPath}.meta.outputsToInstall' is not a list`);
  const what = 'while evaluating an attribute for caching';
  const outputs = new Set(wanted.map((slot) => forceStringNoContext(state, slot, NO_POSITION, what)));
  return outputs.size === 0 ? ['out'] : [...outputs].sort();
}

/** What `-f file attr` or `--expr e attr` stands for: perhaps several derivations; libcmd/installable-attr-path.cc. */
export function attrPathDerivedPaths(
  state: EvalState,
  value: Value,
  attrPath: string,
  autoArgs: Attrs,
  wanted: OutputsSpec | undefined,
): DerivedPath[] {
  const single = singleDerivedPath(state, value, `while evaluating the attribute '${attrPath}'`);
  if (single) return [single];
  const byDerivation = new Map<StorePath, OutputsSpec>();
  for (const found of findDerivations(state, value, autoArgs)) {
    if (!found.attrs.has(symbols.drvPath)) throw new EvalError(`'${attrPath}' is not a derivation`);
    const { drvPath } = found;
    const installed = found.outputsToInstall;
    const outputs = wanted ?? (installed.length === 0 ? ['out'] : [...new Set(installed)].sort(compareStrings));
    const known = byDerivation.get(drvPath);
    byDerivation.set(drvPath, known ? unionOutputsSpec(known, outputs) : outputs);
  }
  return [...byDerivation]
    .sort(([a], [b]) => compareStrings(a, b))
    .map(([derivation, outputs]): DerivedPath => ({ kind: 'built', derivation, outputs }));
}
