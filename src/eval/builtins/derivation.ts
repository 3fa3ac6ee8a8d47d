// Derivations: from a set of attributes to a derivation, its store path and those of its outputs. What each attribute means: Nix
// manual, "Derivations" and "Advanced Attributes"; libexpr/primops.cc, derivationStrict. The text of .drv files is model/aterm.ts,
// the hash that paths follow from model/derivation-hash.ts; the function `derivation`, which calls derivationStrict, is nixlang and stands in
// ../internal-sources.ts. PERF: in real package sets a quarter of all time is spent in here, so
// attributes are gone through once, in the order the derivation wants them.

import { compareStrings, utf8ToByteString } from '../../base/bytes.ts';
import { type Json, parseJson, printJson } from '../../base/canonical-json.ts';
import { EvalError, FloeError, FormatError } from '../../base/errors.ts';
import { type Hash, type HashAlgorithm, isHashAlgorithm } from '../../base/hash.ts';
import { printATerm } from '../../model/aterm.ts';
import {
  type ContentAddressMethod,
  makeContentPath,
  makeTextPathOf,
  NO_REFERENCES,
  parseIngestionMode,
} from '../../model/content-address.ts';
import {
  type Derivation,
  type DerivationOutput,
  derivationReferences,
  type DynamicInput,
  type DynamicInputs,
} from '../../model/derivation.ts';
import { type DerivationRef, derivationRefOf, outputPlaceholder } from '../../model/derived-path.ts';
import { SortedMap } from '../../model/sorted-map.ts';
import {
  addressDerivation,
  type AddressedDerivation,
  hashDerivationModulo,
  type HashModulo,
  type HashModuloLookup,
  makeHashModuloLookup,
} from '../../model/derivation-hash.ts';
import {
  checkStorePathName,
  hashPlaceholder,
  isDerivationPath,
  printStorePath,
  sha256Hex,
  type StorePath,
} from '../../model/store-path.ts';
import { type Attrs, RecordShape } from '../attrs.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import {
  coerceToString,
  forceAttrs,
  forceBool,
  forceList,
  forceString,
  forceStringInto,
  forceStringNoContext,
  inContext,
  requireAttr,
} from '../coerce.ts';
import { addFrame } from '../error-position.ts';
import { NO_POSITION, type PositionId } from '../position.ts';
import { printIdentifier } from '../../lang/print-ast.ts';
import type { EvalState } from '../state.ts';
import {
  builtElement,
  ContextAccumulator,
  type ContextElement,
  contextOf,
  deepElement,
  type StringContext,
  uniteAll,
} from '../string-context.ts';
import { internSymbol, symbolName, symbols } from '../symbol.ts';
import { type ContextString, force, makeString, type Slot, type Value } from '../value.ts';
import { coerceToSingleDerivedPath, derivedPathText } from '../single-derived-path.ts';
import { requireFeature } from './features.ts';
import { parseHashAllowingEmpty } from './files.ts';
import { JsonWriter, parseJsonValue } from './json.ts';

// --- Placeholders and output strings ----------------------------------------------------------------------------------------------

/** The string of an output: its path, or what stands for it, speaking of that output of that derivation. */
export function outputString(state: EvalState, drvPath: StorePath, output: string, kind: DerivationOutput): string | ContextString {
  const text =
    kind.kind === 'input-addressed' || kind.kind === 'fixed'
      ? printStorePath(kind.path, state.host.constants.storeDir)
      : outputPlaceholder({ derivation: drvPath, output });
  return makeString(text, contextOf(builtElement(drvPath, output)));
}

/** builtins.placeholder */
export const placeholder: BuiltinDefinition = {
  args: ['output'],
  text: 'A string that stands for the path of one of the derivation’s own outputs; the builder sees the path in its place.',
  run: (state, pos, slot) =>
    hashPlaceholder(forceStringNoContext(state, slot!, pos, 'while evaluating the first argument passed to builtins.placeholder')),
};

/** builtins.outputOf */
export const outputOf: BuiltinDefinition = {
  args: ['derivation-reference', 'output-name'],
  text:
    'The path of an output of a derivation, which is given as a string: its own path, or an output of another derivation that is a ' +
    'derivation. Where the path is known only after a build, a placeholder (experimental feature `dynamic-derivations`).',
  experimentalFeature: 'dynamic-derivations',
  run(state, pos, slot, outputSlot) {
    requireFeature(state, 'dynamic-derivations');
    const text = forceString(state, slot!, pos, 'while evaluating the first argument to builtins.outputOf');
    const derivation = derivationRefOf(
      coerceToSingleDerivedPath(state, text, pos, 'while evaluating the first argument to builtins.outputOf'),
    );
    const output = forceStringNoContext(state, outputSlot!, pos, 'while evaluating the second argument to builtins.outputOf');
    return makeString(derivedPathText(state, { kind: 'built', derivation, output }), contextOf(builtElement(derivation, output)));
  },
};

// --- derivationStrict -------------------------------------------------------------------------------------------------------------

/** Gathers contexts and unites them once at the end. PERF: a large derivation has hundreds of strings with the same few contexts. */
class Gathering extends ContextAccumulator {
  private readonly contexts = new Set<StringContext>();
  private last: StringContext | null = null;
  override add(context: StringContext | null): void {
    if (context === null || context === this.last) return;
    this.last = context;
    this.contexts.add(context);
  }
  override addElement(element: ContextElement): void {
    this.add(contextOf(element));
  }
  elements(): ContextElement[] {
    return uniteAll(this.contexts);
  }
}

const LOOKUP = Symbol('lookup of hashes modulo of derivations');
const HASHES = Symbol('hashes modulo of derivations');
const RESULTS = Symbol('shapes of what derivationStrict gives');

/** Attributes that mean nothing beside structured attributes, which many do not know. */
const WITHOUT_EFFECT = new Set(
  ['allowedReferences', 'allowedRequisites', 'disallowedReferences', 'disallowedRequisites', 'maxSize', 'maxClosureSize'].map(internSymbol),
);

function hashesOf(state: EvalState): Map<StorePath, HashModulo> {
  return state.cache(HASHES, () => new Map());
}

function lookupOf(state: EvalState): HashModuloLookup {
  return state.cache(LOOKUP, () =>
    makeHashModuloLookup((path) => readDerivation(state, path), state.host.constants.storeDir, hashesOf(state)),
  );
}

function readDerivation(state: EvalState, path: StorePath): Derivation {
  const found = state.host.readDerivation(path);
  if (found !== undefined) return found;
  throw new EvalError(`path '${printStorePath(path, state.host.constants.storeDir)}' is not a valid derivation in the store`, {
    code: 'FLOE_INVALID_PATH',
  });
}

/** What the attributes say, as they are gone through. */
class Description {
  readonly name: string;
  readonly context = new Gathering();
  builder = '';
  system = '';
  readonly args: string[] = [];
  /** Environment variables in the order of their names, and their values. */
  readonly names: string[] = [];
  readonly values: string[] = [];
  /** Members of the JSON object of structured attributes; null without them. */
  json: string[] | null = null;
  /** Text of an attribute `__json`. */
  jsonText: string | undefined;
  outputs: readonly string[] = ['out'];
  isContentAddressed = false;
  isImpure = false;
  outputHash: string | undefined;
  outputHashAlgorithm: HashAlgorithm | undefined;
  method: ContentAddressMethod | undefined;
  constructor(name: string) {
    this.name = name;
  }
}

function setHashMode(state: EvalState, description: Description, text: string): void {
  const method = parseIngestionMode(text);
  if (method === undefined) throw new EvalError(`invalid value '${text}' for 'outputHashMode' attribute`);
  if (method === 'text') {
    requireFeature(state, 'dynamic-derivations', `text-hashed derivation '${description.name}', outputHashMode = "text"`);
  }
  if (method === 'git') requireFeature(state, 'git-hashing');
  description.method = method;
}

function setOutputs(description: Description, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new EvalError(`duplicate derivation output '${name}'`);
    if (name === 'drvPath') throw new EvalError("invalid derivation output name 'drvPath'");
    seen.add(name);
  }
  if (seen.size === 0) throw new EvalError('derivation cannot have an empty set of outputs');
  description.outputs = [...seen].sort(compareStrings);
}

function setHashAlgorithm(state: EvalState, description: Description, text: string): void {
  if (text === 'blake3') requireFeature(state, 'blake3-hashes');
  description.outputHashAlgorithm = isHashAlgorithm(text) ? text : undefined;
}

/** One attribute as a member of the JSON object, and what else it means. */
function takeStructured(state: EvalState, description: Description, writer: JsonWriter, symbol: number, slot: Slot): void {
  const text = () => forceStringNoContext(state, slot, NO_POSITION, '');
  description.json!.push(`${writer.string(symbolName(symbol))}:${writer.value(slot, NO_POSITION)}`);
  switch (symbol) {
    case symbols.builder:
      description.builder = forceStringInto(state, slot, description.context, NO_POSITION, '');
      return;
    case symbols.system:
      description.system = text();
      return;
    case symbols.outputHash:
      description.outputHash = text();
      return;
    case symbols.outputHashAlgo:
      setHashAlgorithm(state, description, text());
      return;
    case symbols.outputHashMode:
      setHashMode(state, description, text());
      return;
    case symbols.outputs:
      setOutputs(
        description,
        forceList(state, slot, NO_POSITION, '').map((element) => forceStringNoContext(state, element, NO_POSITION, '')),
      );
      return;
  }
  if (WITHOUT_EFFECT.has(symbol)) {
    const name = symbolName(symbol);
    state.host.log(
      'warn',
      `In a derivation named '${description.name}', 'structuredAttrs' disables the effect of the derivation attribute '${name}'; use 'outputChecks.<output>.${name}' instead`,
    );
  }
}

const COERCE_MORE = { more: true };

const jsonKind = (value: Json): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'array'
      : typeof value === 'string' || typeof value === 'boolean'
        ? typeof value
        : 'number';

/** The text of an attribute `__json`. NIX: it is read and printed again, which sorts its keys and drops its spaces. */
function normaliseJson(text: string): string {
  try {
    parseJsonValue(text);
  } catch (error) {
    if (error instanceof FloeError) throw new EvalError(`cannot process __json attribute: ${error.message}`);
    throw error;
  }
  const value = parseJson(text, 'the attribute __json');
  if (value instanceof Map) return printJson(value);
  throw new EvalError(`cannot process __json attribute: [json.exception.type_error.302] type must be object, but is ${jsonKind(value)}`);
}

/** One attribute as an environment variable, and what else it means. */
function takeVariable(state: EvalState, description: Description, symbol: number, slot: Slot): void {
  const text = typeof slot === 'string' ? slot : coerceToString(state, NO_POSITION, slot, description.context, '', COERCE_MORE);
  if (symbol === symbols.json) {
    state.host.log(
      'warn',
      `In derivation '${description.name}': setting structured attributes via '__json' is deprecated, and may be disallowed in future versions of Nix. Set '__structuredAttrs = true' instead.`,
    );
    description.jsonText = normaliseJson(text);
    return;
  }
  description.names.push(symbolName(symbol));
  description.values.push(text);
  switch (symbol) {
    case symbols.builder:
      description.builder = text;
      return;
    case symbols.system:
      description.system = text;
      return;
    case symbols.outputHash:
      description.outputHash = text;
      return;
    case symbols.outputHashAlgo:
      setHashAlgorithm(state, description, text);
      return;
    case symbols.outputHashMode:
      setHashMode(state, description, text);
      return;
    case symbols.outputs:
      setOutputs(description, text.match(/[^ \t\n\r]+/g) ?? []);
      return;
  }
}

/** Goes through the attributes in the order of their names. */
function describe(state: EvalState, name: string, attrs: Attrs): Description {
  const description = new Description(name);
  const structured = attrs.get(symbols.structuredAttrs);
  const whatStructured = 'while evaluating the `__structuredAttrs` attribute passed to builtins.derivationStrict';
  const isStructured = structured !== undefined && forceBool(state, structured, NO_POSITION, whatStructured);
  if (isStructured) description.json = [];
  const writer = new JsonWriter(state, description.context);
  const ignoreNullsSlot = attrs.get(symbols.ignoreNulls);
  const whatIgnore = 'while evaluating the `__ignoreNulls` attribute passed to builtins.derivationStrict';
  const ignoreNulls = ignoreNullsSlot !== undefined && forceBool(state, ignoreNullsSlot, NO_POSITION, whatIgnore);

  const keys = attrs.keys();
  const order = attrs.order();
  for (let i = 0; i < order.length; i++) {
    const index = order[i]!;
    const symbol = keys[index]!;
    if (symbol === symbols.ignoreNulls) continue;
    const slot = attrs.slotAt(index);
    try {
      if (ignoreNulls && force(slot) === null) continue;
      if (symbol === symbols.contentAddressed) {
        if (forceBool(state, slot, NO_POSITION, '')) {
          requireFeature(state, 'ca-derivations');
          description.isContentAddressed = true;
        }
      } else if (symbol === symbols.impure) {
        if (forceBool(state, slot, NO_POSITION, '')) {
          requireFeature(state, 'impure-derivations');
          description.isImpure = true;
        }
      } else if (symbol === symbols.args) {
        const list = forceList(state, slot, NO_POSITION, '');
        for (let j = 0; j < list.length; j++) {
          const what = 'while evaluating an element of the argument list';
          description.args.push(coerceToString(state, NO_POSITION, list[j]!, description.context, what, COERCE_MORE));
        }
      } else if (!isStructured) takeVariable(state, description, symbol, slot);
      else if (symbol !== symbols.structuredAttrs) takeStructured(state, description, writer, symbol, slot);
    } catch (error) {
      throw inContext(
        error,
        attrs.positionAt(index),
        `while evaluating attribute '${printIdentifier(symbolName(symbol))}' of derivation '${name}'`,
      );
    }
  }
  writer.finish('');
  return description;
}

/** Store paths that a .drv file, or another store object, refers to. */
function referencesOf(state: EvalState, path: StorePath): readonly StorePath[] {
  if (!isDerivationPath(path)) return state.host.queryReferences?.(path) ?? [];
  const { inputSources, inputDerivations } = readDerivation(state, path);
  return [...inputSources, ...inputDerivations.keys()];
}

type Inputs = Pick<Derivation, 'inputDerivations' | 'dynamicInputs' | 'inputSources'>;

function compareElements(a: ContextElement, b: ContextElement): number {
  return compareStrings(a.path, b.path) || compareStrings(a.output, b.output);
}

/** What the context makes the derivation depend on, sorted as derivations hold it. */
function inputsOf(state: EvalState, context: Gathering): Inputs {
  const elements = context.elements();
  if (elements.some(({ kind, path, derivation }) => kind === 'deep' || derivation !== path)) return unusualInputsOf(state, elements);
  elements.sort(compareElements);
  const inputSources: StorePath[] = [];
  const drvs: StorePath[] = [];
  const outputs: string[][] = [];
  for (let i = 0; i < elements.length; i++) {
    const { kind, path, output } = elements[i]!;
    if (kind === 'opaque') inputSources.push(path);
    else if (drvs.length > 0 && drvs[drvs.length - 1] === path) outputs[outputs.length - 1]!.push(output);
    else {
      drvs.push(path);
      outputs.push([output]);
    }
  }
  return { inputDerivations: new SortedMap(drvs, outputs), inputSources };
}

/** What is wanted of one derivation, as it is gathered. */
interface Wanted {
  readonly outputs: Set<string>;
  /** Of outputs that are derivations. */
  readonly dynamic: Map<string, Wanted>;
}

function wantedIn<Key>(map: Map<Key, Wanted>, key: Key): Wanted {
  let wanted = map.get(key);
  if (wanted === undefined) map.set(key, (wanted = { outputs: new Set(), dynamic: new Map() }));
  return wanted;
}

function sortedInput({ outputs, dynamic }: Wanted): DynamicInput {
  const names = [...outputs].sort(compareStrings);
  if (dynamic.size === 0) return { outputs: names };
  const inner = [...dynamic].sort((a, b) => compareStrings(a[0], b[0]));
  return { outputs: names, dynamic: new Map(inner.map(([output, wanted]) => [output, sortedInput(wanted)])) };
}

/** As inputsOf, where some element stands for a derivation with its whole closure, or for an output of a dynamic derivation. */
function unusualInputsOf(state: EvalState, elements: readonly ContextElement[]): Inputs {
  const wanted = new Map<StorePath, Wanted>();
  const sources = new Set<StorePath>();
  const wantedOf = (ref: DerivationRef): Wanted =>
    typeof ref === 'string' ? wantedIn(wanted, ref) : wantedIn(wantedOf(ref.derivation).dynamic, ref.output);
  for (const { kind, path, derivation, output } of elements) {
    if (kind === 'opaque') sources.add(path);
    else if (kind === 'built') wantedOf(derivation).outputs.add(output);
    else {
      // The whole graph below the derivation, and all outputs of every derivation in it.
      const pending = [path];
      const closure = new Set(pending);
      for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
        sources.add(next);
        if (isDerivationPath(next)) for (const name of readDerivation(state, next).outputs.keys()) wantedOf(next).outputs.add(name);
        for (const reference of referencesOf(state, next)) {
          if (closure.has(reference)) continue;
          closure.add(reference);
          pending.push(reference);
        }
      }
    }
  }
  const inputDerivations = new Map<StorePath, readonly string[]>();
  const dynamicInputs = new Map<StorePath, DynamicInputs>();
  for (const path of [...wanted.keys()].sort(compareStrings)) {
    const { outputs, dynamic } = sortedInput(wanted.get(path)!);
    inputDerivations.set(path, outputs);
    if (dynamic !== undefined) dynamicInputs.set(path, dynamic);
  }
  return {
    inputDerivations,
    ...(dynamicInputs.size === 0 ? {} : { dynamicInputs }),
    inputSources: [...sources].sort(compareStrings),
  };
}

/** The JSON of structured attributes, as the variable `__json` holds it. */
function structuredText(description: Description): string | undefined {
  if (description.json !== null) return `{${description.json.join(',')}}`;
  return description.jsonText;
}

/** The environment with a variable for each output, sorted. */
function environmentOf(description: Description, valueOf: (output: string) => string): SortedMap<string, string> {
  const { names, values, outputs } = description;
  const added = outputs.map((output): readonly [string, string] => [output, valueOf(output)]);
  const json = structuredText(description);
  if (json !== undefined) {
    if (outputs.includes('__json')) {
      throw new EvalError("Cannot have an environment variable named '__json'. This key is reserved for encoding structured attrs");
    }
    added.push(['__json', json]);
  }
  for (let i = 0; i < added.length; i++) {
    const [name, value] = added[i]!;
    let at = 0;
    while (at < names.length && names[at]! < name) at++;
    const isThere = names[at] === name;
    names.splice(at, isThere ? 1 : 0, name);
    values.splice(at, isThere ? 1 : 0, value);
  }
  return new SortedMap(names, values);
}

function checkName(name: string): void {
  try {
    checkStorePathName(name);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new EvalError(`invalid derivation name: ${error.message}. Please pass a different 'name'.`);
  }
}

function fixedOutput(state: EvalState, description: Description): DerivationOutput & { kind: 'fixed' } {
  const { name, outputs, outputHash, outputHashAlgorithm, method = 'flat' } = description;
  if (outputs.length !== 1 || outputs[0] !== 'out') throw new EvalError('multiple outputs are not supported in fixed-output derivations');
  const hash: Hash = parseHashAllowingEmpty(state, outputHash!, outputHashAlgorithm);
  if (hash.algorithm === 'blake3') requireFeature(state, 'blake3-hashes');
  const address = { method, hash };
  return { kind: 'fixed', path: makeContentPath(name, address, NO_REFERENCES, state.host.constants.storeDir), address };
}

/** The derivation with its outputs as far as they can be known. */
function complete(state: EvalState, description: Description): AddressedDerivation {
  const { storeDir } = state.host.constants;
  const { name, system, builder, args, outputs, isContentAddressed, isImpure } = description;
  const inputs = inputsOf(state, description.context);
  if (builder === '') throw new EvalError("required attribute 'builder' missing");
  if (system === '') throw new EvalError("required attribute 'system' missing");
  if (name.endsWith('.drv') && !(description.method === 'text' && outputs.length === 1 && outputs[0] === 'out')) {
    throw new EvalError("derivation names are allowed to end in '.drv' only if they produce a single derivation file");
  }
  const base = { name, ...inputs, system, builder, args };

  if (description.outputHash !== undefined) {
    const output = fixedOutput(state, description);
    const env = environmentOf(description, () => printStorePath(output.path, storeDir));
    return describeKnown(state, { ...base, outputs: new Map([['out', output]]), env });
  }
  if (isContentAddressed || isImpure) {
    if (isContentAddressed && isImpure) throw new EvalError('derivation cannot be both content-addressed and impure');
    const kind: DerivationOutput = {
      kind: isImpure ? 'impure' : 'floating',
      method: description.method ?? 'nar',
      algorithm: description.outputHashAlgorithm ?? 'sha256',
    };
    const known = new Map(outputs.map((output) => [output, kind]));
    return describeKnown(state, { ...base, outputs: known, env: environmentOf(description, hashPlaceholder) });
  }
  // The hash that output paths follow from is that of the derivation without them.
  const env = environmentOf(description, () => '');
  const deferred = { ...base, outputs: new Map(outputs.map((output) => [output, { kind: 'deferred' } as const])), env };
  return addressDerivation(deferred, storeDir, lookupOf(state));
}

/** A derivation whose outputs need no hash of it. */
function describeKnown(state: EvalState, derivation: Derivation): AddressedDerivation {
  const { storeDir } = state.host.constants;
  return { derivation, aterm: printATerm(derivation, storeDir), modulo: hashDerivationModulo(derivation, storeDir, lookupOf(state)) };
}

function instantiate(state: EvalState, name: string, attrs: Attrs): Value {
  checkName(name);
  const { derivation: made, aterm, modulo } = complete(state, describe(state, name, attrs));
  const { storeDir } = state.host.constants;
  const drvPath = makeTextPathOf(`${name}.drv`, sha256Hex(aterm), derivationReferences(made), storeDir);
  hashesOf(state).set(drvPath, modulo);
  state.host.registerDerivation(drvPath, made, aterm);

  const names = [...made.outputs.keys()];
  const shapes = state.cache(RESULTS, () => new Map<string, RecordShape>());
  const key = names.join(' ');
  let shape = shapes.get(key);
  if (shape === undefined) shapes.set(key, (shape = new RecordShape('drvPath', ...names)));
  return shape.make(
    makeString(printStorePath(drvPath, storeDir), contextOf(deepElement(drvPath))),
    ...names.map((output) => outputString(state, drvPath, output, made.outputs.get(output)!)),
  );
}

function placeOf(state: EvalState, pos: PositionId): string {
  return pos === NO_POSITION ? utf8ToByteString('«none»:0') : state.positions.print(pos);
}

/** builtins.derivationStrict */
export const derivationStrict: BuiltinDefinition = {
  args: ['attrs'],
  text: 'What `derivation` calls: computes a derivation and gives `drvPath` and the path of each output.',
  run(state, pos, slot) {
    const attrs = forceAttrs(state, slot!, pos, 'while evaluating the argument passed to builtins.derivationStrict');
    const nameSlot = requireAttr(state, attrs, symbols.name, 'name', 'in the attrset passed as argument to builtins.derivationStrict');
    const namePos = attrs.position(symbols.name);
    let name: string;
    try {
      const what = 'while evaluating the `name` attribute passed to builtins.derivationStrict';
      name = forceStringNoContext(state, nameSlot, pos, what);
    } catch (error) {
      throw inContext(error, namePos, "while evaluating the derivation attribute 'name'");
    }
    try {
      return instantiate(state, name, attrs);
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      throw addFrame(
        error,
        NO_POSITION,
        `while evaluating derivation '${name}'\n  whose name attribute is located at ${placeOf(state, namePos)}`,
      );
    }
  },
};
