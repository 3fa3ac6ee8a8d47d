// What a derivation asks of its build beside builder, arguments and environment: references that are forbidden, variables passed as
// files, features, whether it may be substituted. Written as plain attributes, or in structured form inside `__json`. Nix manual,
// "Advanced attributes"; libstore/derivation-options.cc for which counts when.

import { compareStrings } from '../base/bytes.ts';
import { type Json, parseJson, printJson } from '../base/canonical-json.ts';
import { FloeError, FormatError } from '../base/errors.ts';
import { type Derivation, derivationInputs } from '../model/derivation.ts';
import { outputPlaceholder } from '../model/derived-path.ts';
import { type JsonObject, jsonObject } from '../model/json-fields.ts';
import { parseStorePath, splitStorePath, type StoreDir, type StorePath } from '../model/store-path.ts';

/** A store path, or the name of one of the derivation's own outputs. */
export type ReferenceSpec = { readonly kind: 'path'; readonly path: StorePath } | { readonly kind: 'output'; readonly output: string };

/** What an output must satisfy to be accepted. */
export interface OutputChecks {
  /** Whether an output's own path does not count among its requisites (plain attributes only). */
  readonly ignoreSelfReferences: boolean;
  /** Bytes of the NAR. */
  readonly maxSize: number | undefined;
  readonly maxClosureSize: number | undefined;
  /** Undefined allows all; an empty list none. */
  readonly allowedReferences: readonly ReferenceSpec[] | undefined;
  readonly allowedRequisites: readonly ReferenceSpec[] | undefined;
  readonly disallowedReferences: readonly ReferenceSpec[];
  readonly disallowedRequisites: readonly ReferenceSpec[];
}

export interface DerivationOptions {
  /** Of the output of that name; undefined where nothing is checked. */
  readonly outputChecks: (output: string) => OutputChecks | undefined;
  /** Outputs whose references are not looked for (structured attributes only). */
  readonly unsafeDiscardReferences: ReadonlySet<string>;
  readonly passAsFile: ReadonlySet<string>;
  /** File or attribute name -> the paths whose closure is described there. */
  readonly exportReferencesGraph: ReadonlyMap<string, readonly StorePath[]>;
  readonly noChroot: boolean;
  readonly impureHostDeps: readonly string[];
  readonly impureEnvVars: readonly string[];
  /** Sorted. */
  readonly requiredSystemFeatures: readonly string[];
  readonly preferLocalBuild: boolean;
  readonly allowSubstitutes: boolean;
  /** The parsed `__json`, where the derivation has structured attributes. */
  readonly structuredAttrs: JsonObject | undefined;
}

// Values of structured attributes, refused in C++ Nix's words (libutil/json-utils.cc).

function typeOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return value instanceof Map ? 'object' : typeof value === 'object' ? 'number' : typeof value;
}

function wrongType(wanted: string, value: Json): FormatError {
  return new FormatError(`Expected JSON value to be of type '${wanted}' but it is of type '${typeOf(value)}': ${printJson(value)}`);
}

function objectOf(value: Json): JsonObject {
  if (value instanceof Map) return value as JsonObject;
  throw wrongType('object', value);
}

function booleanOf(value: Json): boolean {
  if (typeof value === 'boolean') return value;
  throw wrongType('boolean', value);
}

function stringsOf(value: Json): string[] {
  if (!Array.isArray(value)) throw wrongType('array', value);
  return (value as readonly Json[]).map((element) => {
    if (typeof element === 'string') return element;
    throw wrongType('string', element);
  });
}

/** NIX: any number is taken, without what is behind the point; a negative one is beyond all limits. */
function sizeOf(value: Json): number {
  const type = typeOf(value);
  if (type === 'boolean') return Number(value);
  if (type !== 'number') throw new FloeError('FLOE_FORMAT', `[json.exception.type_error.302] type must be number, but is ${type}`);
  const number = Math.trunc(Number(printJson(value)));
  return number < 0 ? Infinity : number;
}

/** Names the attribute where reading it fails. */
function within<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) error.frames.push({ text: `while parsing ${what}` });
    throw error;
  }
}

/** As readDerivationOptions, naming the derivation in errors. */
export function optionsOfDerivation(
  path: StorePath,
  derivation: Derivation,
  storeDir: StoreDir,
  warn?: (message: string) => void,
): DerivationOptions {
  return within(`derivation '${storeDir}/${path}'`, () => readDerivationOptions(derivation, storeDir, warn));
}

/** Words between blanks, sorted, each once. */
function wordSet(text: string): string[] {
  return sorted(text.split(/[ \t\n\r]+/).filter(Boolean));
}

function sorted(words: Iterable<string>): string[] {
  return [...new Set(words)].sort(compareStrings);
}

/** Reads attributes from either form. */
class AttributeReader {
  readonly #env: ReadonlyMap<string, string>;
  readonly #structured: JsonObject | undefined;

  constructor(env: ReadonlyMap<string, string>, structured: JsonObject | undefined) {
    this.#env = env;
    this.#structured = structured;
  }

  boolean(name: string, otherwise: boolean): boolean {
    if (this.#structured !== undefined) {
      const value = this.#structured.get(name);
      return value === undefined ? otherwise : within(`attribute "${name}"`, () => booleanOf(value));
    }
    const value = this.#env.get(name);
    return value === undefined ? otherwise : value === '1';
  }

  words(name: string): string[] | undefined {
    if (this.#structured !== undefined) {
      const value = this.#structured.get(name);
      return value === undefined ? undefined : within(`attribute "${name}"`, () => sorted(stringsOf(value)));
    }
    const value = this.#env.get(name);
    return value === undefined ? undefined : wordSet(value);
  }
}

/** `__json` of a derivation; undefined where it has none. */
export function structuredAttrsOf(derivation: Derivation): JsonObject | undefined {
  const text = derivation.env.get('__json');
  if (text === undefined) return undefined;
  return jsonObject(parseJson(text, `the '__json' attribute of derivation '${derivation.name}'`), "the '__json' attribute");
}

/** Reads the options of a derivation; `warn` hears of what is ignored. FormatError where one is malformed. */
export function readDerivationOptions(
  derivation: Derivation,
  storeDir: StoreDir,
  warn: (message: string) => void = () => {},
): DerivationOptions {
  const { env } = derivation;
  const structured = structuredAttrsOf(derivation);
  const reader = new AttributeReader(env, structured);
  checkForeign(reader, structured);
  // What stands for inputs that are not built yet: who resolves the derivation reads its options again.
  const unresolved = new Set(
    derivationInputs(derivation).flatMap(([input, outputs]) => outputs.map((output) => outputPlaceholder({ derivation: input, output }))),
  );
  const parsePath = (text: string): StorePath[] => {
    if (unresolved.has(text)) return [];
    const found = splitStorePath(text, storeDir);
    if (found === undefined) throw new FormatError(`path '${text}' is not in the Nix store`);
    return [found.storePath];
  };
  return {
    outputChecks: structured === undefined ? plainChecks(reader, storeDir) : structuredChecks(structured, storeDir),
    unsafeDiscardReferences: discardedOutputs(structured),
    passAsFile: new Set(structured === undefined ? wordSet(env.get('passAsFile') ?? '') : []),
    exportReferencesGraph: structured === undefined ? plainGraph(env, parsePath) : structuredGraph(structured, parsePath, warn),
    noChroot: reader.boolean('__noChroot', false),
    impureHostDeps: reader.words('__impureHostDeps') ?? [],
    impureEnvVars: reader.words('impureEnvVars') ?? [],
    requiredSystemFeatures: reader.words('requiredSystemFeatures') ?? [],
    preferLocalBuild: reader.boolean('preferLocalBuild', false),
    allowSubstitutes: reader.boolean('allowSubstitutes', true),
    structuredAttrs: structured,
  };
}

/** Read for their form alone: they mean something on other systems. */
function checkForeign(reader: AttributeReader, structured: JsonObject | undefined): void {
  reader.boolean('__darwinAllowLocalNetworking', false);
  const profile = structured?.get('__sandboxProfile');
  if (profile === undefined || typeof profile === 'string') return;
  within('attribute "__sandboxProfile"', () => {
    throw wrongType('string', profile);
  });
}

function parseReference(text: string, storeDir: StoreDir): ReferenceSpec {
  try {
    return { kind: 'path', path: parseStorePath(text, storeDir) };
  } catch (error) {
    if (error instanceof FormatError) return { kind: 'output', output: text };
    throw error;
  }
}

function plainChecks(reader: AttributeReader, storeDir: StoreDir): () => OutputChecks {
  const references = (name: string) => reader.words(name)?.map((text) => parseReference(text, storeDir));
  const checks: OutputChecks = {
    ignoreSelfReferences: true,
    maxSize: undefined,
    maxClosureSize: undefined,
    allowedReferences: references('allowedReferences'),
    allowedRequisites: references('allowedRequisites'),
    disallowedReferences: references('disallowedReferences') ?? [],
    disallowedRequisites: references('disallowedRequisites') ?? [],
  };
  return () => checks;
}

function structuredChecks(structured: JsonObject, storeDir: StoreDir): (output: string) => OutputChecks | undefined {
  const all = structured.get('outputChecks');
  const byOutput = new Map<string, OutputChecks>();
  for (const [output, value] of all === undefined ? [] : objectOf(all)) {
    const object = objectOf(value);
    const number = (name: string) => (object.has(name) ? sizeOf(object.get(name)!) : undefined);
    const references = (name: string) => {
      const list = object.get(name);
      if (list === undefined) return undefined;
      const texts = within(`attribute 'outputChecks."${output}".${name}'`, () => sorted(stringsOf(list)));
      return texts.map((text) => parseReference(text, storeDir));
    };
    byOutput.set(output, {
      ignoreSelfReferences: false,
      maxSize: number('maxSize'),
      maxClosureSize: number('maxClosureSize'),
      allowedReferences: references('allowedReferences'),
      allowedRequisites: references('allowedRequisites'),
      disallowedReferences: references('disallowedReferences') ?? [],
      disallowedRequisites: references('disallowedRequisites') ?? [],
    });
  }
  return (output) => byOutput.get(output);
}

function discardedOutputs(structured: JsonObject | undefined): ReadonlySet<string> {
  const value = structured?.get('unsafeDiscardReferences');
  if (value === undefined) return new Set();
  return within("attribute 'unsafeDiscardReferences'", () => {
    return new Set([...objectOf(value)].filter(([, flag]) => booleanOf(flag)).map(([output]) => output));
  });
}

const GRAPH_FILE_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

function plainGraph(env: ReadonlyMap<string, string>, parsePath: (text: string) => StorePath[]): Map<string, readonly StorePath[]> {
  const text = env.get('exportReferencesGraph') ?? '';
  const words = text.split(/[ \t\n\r]+/).filter(Boolean);
  if (words.length % 2 !== 0) throw new FormatError(`odd number of tokens in 'exportReferencesGraph': '${text}'`);
  const graph = new Map<string, readonly StorePath[]>();
  for (let index = 0; index < words.length; index += 2) {
    const name = words[index]!;
    if (!GRAPH_FILE_NAME.test(name)) throw new FormatError(`invalid file name '${name}' in 'exportReferencesGraph'`);
    graph.set(name, parsePath(words[index + 1]!));
  }
  return graph;
}

function structuredGraph(
  structured: JsonObject,
  parsePath: (text: string) => StorePath[],
  warn: (message: string) => void,
): Map<string, readonly StorePath[]> {
  const value = structured.get('exportReferencesGraph');
  const graph = new Map<string, readonly StorePath[]>();
  if (value === undefined) return graph;
  if (!(value instanceof Map)) {
    warn("'exportReferencesGraph' in structured attrs is not a JSON object, ignoring");
    return graph;
  }
  for (const [key, paths] of value as JsonObject) graph.set(key, sorted(flatten(paths)).flatMap(parsePath));
  return graph;
}

function flatten(value: Json): string[] {
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(flatten);
  if (typeof value === 'string') return [value];
  throw new FormatError("'exportReferencesGraph' value is not an array or a string");
}
