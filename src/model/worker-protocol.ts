// The protocol between Nix's daemon and its clients: numbers of operations and messages, versions, and how each structure goes over the
// wire, both ways. Nix manual, "Nix Worker Protocol"; libstore/worker-protocol.cc, common-protocol.cc, derivations.cc at 2.34.8.
// Strings are byte strings.

import { parseJson, printJson } from '../base/canonical-json.ts';
import { FloeError, FormatError } from '../base/errors.ts';
import { compareStrings } from '../base/bytes.ts';
import { parseHash, printHash } from '../base/hash.ts';
import {
  type ActivityType,
  ACTIVITY_TYPES,
  LOG_LEVELS,
  type LogLevel,
  type ProgressFields,
  RESULT_TYPES,
  type ResultType,
} from '../base/progress.ts';
import type { WireWriter } from '../base/wire.ts';
import { type Reading, readBoolean, readList, readNumber, readString, readStrings, readWord } from '../base/wire-reading.ts';
import { parseATerm, printATerm } from './aterm.ts';
import type { BuildFailureStatus, BuildResult, BuildSuccessStatus } from './build-result.ts';
import { parseContentAddress, printContentAddress } from './content-address.ts';
import type { Derivation } from './derivation.ts';
import { type DerivedPath, parseDerivedPath, printDerivedPath } from './derived-path.ts';
import type { PathInfo } from './path-info.ts';
import { printDerivationOutputId, type Realisation, realisationFromJson, realisationToJson } from './realisation.ts';
import { buildStatusNumber, buildStatusOf } from './serve-protocol.ts';
import { parseStorePath, type StoreDir, type StorePath } from './store-path.ts';

/** What the client says first, and what the daemon answers. */
export const WORKER_CLIENT_MAGIC = 0x6e697863;
export const WORKER_SERVER_MAGIC = 0x6478696f;
/** Version 1.`minor` as the wire has it: the higher byte is the major number. */
export const since = (minor: number): number => 0x100 + minor;
export const WORKER_VERSION = since(38);
/** The oldest version of the other side that is talked to. */
export const OLDEST_WORKER = since(18);
/** Extensions of 1.38 that floe knows; there are none yet. */
export const WORKER_FEATURES: readonly string[] = [];

/** Requests by number. */
export const WORKER_OPERATIONS = {
  isValidPath: 1,
  queryReferrers: 6,
  addToStore: 7,
  addTextToStore: 8,
  buildPaths: 9,
  ensurePath: 10,
  addTempRoot: 11,
  addIndirectRoot: 12,
  syncWithGc: 13,
  findRoots: 14,
  queryDeriver: 18,
  setOptions: 19,
  collectGarbage: 20,
  querySubstitutablePathInfo: 21,
  queryDerivationOutputs: 22,
  queryAllValidPaths: 23,
  queryPathInfo: 26,
  queryDerivationOutputNames: 28,
  queryPathFromHashPart: 29,
  querySubstitutablePathInfos: 30,
  queryValidPaths: 31,
  querySubstitutablePaths: 32,
  queryValidDerivers: 33,
  optimiseStore: 34,
  verifyStore: 35,
  buildDerivation: 36,
  addSignatures: 37,
  narFromPath: 38,
  addToStoreNar: 39,
  queryMissing: 40,
  queryDerivationOutputMap: 41,
  registerDrvOutput: 42,
  queryRealisation: 43,
  addMultipleToStore: 44,
  addBuildLog: 45,
  buildPathsWithResults: 46,
  addPermRoot: 47,
} as const;

/** What a daemon says while it works, before the result. */
export const WORKER_MESSAGES = {
  next: 0x6f6c6d67,
  read: 0x64617461,
  write: 0x64617416,
  last: 0x616c7473,
  error: 0x63787470,
  startActivity: 0x53545254,
  stopActivity: 0x53544f50,
  result: 0x52534c54,
} as const;

/** How to build: 0, 1, 2. */
export const WORKER_BUILD_MODES = ['normal', 'repair', 'check'] as const;
export type WorkerBuildMode = (typeof WORKER_BUILD_MODES)[number];

/** What a collector is to do: 0 to 3. */
export const WORKER_GC_ACTIONS = ['return-live', 'return-dead', 'delete-dead', 'delete-specific'] as const;
export type WorkerGcAction = (typeof WORKER_GC_ACTIONS)[number];

/** What both sides of a conversation agree on. */
export interface WireContext {
  readonly storeDir: StoreDir;
  /** The lower of both versions. */
  readonly version: number;
}

/** The word at that place of a list. */
export function* readChoice<T>(words: readonly T[], what: string): Reading<T> {
  const word = words[yield* readNumber()];
  if (word === undefined) throw new FormatError(`Invalid ${what}`);
  return word;
}

// ---- paths

const show = (context: WireContext, path: StorePath): string => `${context.storeDir}/${path}`;

export function writePath(writer: WireWriter, context: WireContext, path: StorePath): void {
  writer.string(show(context, path));
}

export function* readPath(context: WireContext): Reading<StorePath> {
  return parseStorePath(yield* readString(), context.storeDir);
}

export function writeOptionalPath(writer: WireWriter, context: WireContext, path: StorePath | undefined): void {
  writer.string(path === undefined ? '' : show(context, path));
}

export function* readOptionalPath(context: WireContext): Reading<StorePath | undefined> {
  const text = yield* readString();
  return text === '' ? undefined : parseStorePath(text, context.storeDir);
}

/** A set of paths, in order. */
export function writePathSet(writer: WireWriter, context: WireContext, paths: Iterable<StorePath>): void {
  writer.strings([...paths].sort(compareStrings).map((path) => show(context, path)));
}

export function* readPathSet(context: WireContext): Reading<StorePath[]> {
  return (yield* readList(() => readPath(context))).sort(compareStrings);
}

// ---- what is known of a path

/** Without the path itself. */
export function writePathInfo(writer: WireWriter, context: WireContext, info: PathInfo): void {
  writeOptionalPath(writer, context, info.deriver);
  writer.string(printHash(info.narHash, 'base16'));
  writePathSet(writer, context, info.references);
  writer.number(info.registrationTime).number(info.narSize).boolean(info.ultimate).strings(info.signatures);
  writer.string(info.contentAddress === undefined ? '' : printContentAddress(info.contentAddress));
}

export function* readPathInfo(context: WireContext, path: StorePath): Reading<PathInfo> {
  const deriver = yield* readOptionalPath(context);
  const narHash = parseHash(yield* readString(), 'sha256');
  const references = yield* readPathSet(context);
  const registrationTime = yield* readNumber();
  const narSize = yield* readNumber();
  const ultimate = yield* readBoolean();
  const signatures = yield* readStrings();
  const address = yield* readString();
  const contentAddress = address === '' ? undefined : parseContentAddress(address);
  return { path, narHash, narSize, references, deriver, registrationTime, ultimate, signatures, contentAddress };
}

export function writeKeyedPathInfo(writer: WireWriter, context: WireContext, info: PathInfo): void {
  writePath(writer, context, info.path);
  writePathInfo(writer, context, info);
}

export function* readKeyedPathInfo(context: WireContext): Reading<PathInfo> {
  return yield* readPathInfo(context, yield* readPath(context));
}

/** What substituters say of a path. */
export interface SubstitutablePath {
  readonly path: StorePath;
  readonly deriver: StorePath | undefined;
  readonly references: readonly StorePath[];
  /** 0 where nobody knows. */
  readonly downloadSize: number;
  readonly narSize: number;
}

/** Without the path itself. */
export function writeSubstitutable(writer: WireWriter, context: WireContext, one: SubstitutablePath): void {
  writeOptionalPath(writer, context, one.deriver);
  writePathSet(writer, context, one.references);
  writer.number(one.downloadSize).number(one.narSize);
}

export function* readSubstitutable(context: WireContext, path: StorePath): Reading<SubstitutablePath> {
  const deriver = yield* readOptionalPath(context);
  const references = yield* readPathSet(context);
  return { path, deriver, references, downloadSize: yield* readNumber(), narSize: yield* readNumber() };
}

export function writeRealisation(writer: WireWriter, realisation: Realisation): void {
  writer.string(printJson(realisationToJson(realisation)));
}

export function* readRealisation(): Reading<Realisation> {
  return realisationFromJson(parseJson(yield* readString(), 'a realisation object in the remote protocol'));
}

// ---- builds

export function writeDerivedPath(writer: WireWriter, context: WireContext, path: DerivedPath): void {
  // Before 1.30 a derivation alone meant its outputs.
  if (context.version < since(30) && path.kind === 'opaque' && path.path.endsWith('.drv')) {
    const version = `${context.version >> 8}.${context.version & 0xff}`;
    throw new FloeError(
      'FLOE_OLD_DAEMON',
      `trying to request '${show(context, path.path)}', but daemon protocol ${version} is too old (< 1.29) to request a derivation file`,
    );
  }
  const text = printDerivedPath(path, context.storeDir, '!');
  writer.string(context.version < since(30) ? text.replace(/!\*$/, '') : text);
}

export function* readDerivedPath(context: WireContext): Reading<DerivedPath> {
  const text = yield* readString();
  if (context.version >= since(30) || !text.replace(/!.*/, '').endsWith('.drv')) return parseDerivedPath(text, context.storeDir, '!');
  return parseDerivedPath(text.includes('!') ? text : `${text}!*`, context.storeDir, '!');
}

function writeMicroseconds(writer: WireWriter, value: number | undefined): void {
  if (value === undefined) writer.number(0);
  else writer.number(1).number(value);
}

function* readMicroseconds(): Reading<number | undefined> {
  return (yield* readBoolean()) ? yield* readNumber() : undefined;
}

/** Which parts of a build's result both sides know. */
interface ResultParts {
  readonly times: boolean;
  readonly processorTimes: boolean;
  readonly outputs: boolean;
}

const partsOf = ({ version }: WireContext): ResultParts => ({
  times: version >= since(29),
  processorTimes: version >= since(37),
  outputs: version >= since(28),
});

/** The older ssh protocol's result has the same parts. */
const servePartsOf = (version: number): ResultParts => ({ times: version >= 0x203, processorTimes: false, outputs: version >= 0x206 });

export function writeBuildResult(writer: WireWriter, context: WireContext, result: BuildResult): void {
  writeResult(writer, partsOf(context), result);
}

export function writeServeResult(writer: WireWriter, serveVersion: number, result: BuildResult): void {
  writeResult(writer, servePartsOf(serveVersion), result);
}

export function readBuildResult(context: WireContext): Reading<BuildResult> {
  return readResult(partsOf(context));
}

export function readServeResult(serveVersion: number): Reading<BuildResult> {
  return readResult(servePartsOf(serveVersion));
}

function writeResult(writer: WireWriter, parts: ResultParts, result: BuildResult): void {
  writer.number(buildStatusNumber(result.status)).string(result.success ? '' : result.message);
  if (parts.times) {
    writer.number(result.timesBuilt).boolean(!result.success && result.isNonDeterministic);
    writer.number(result.startTime).number(result.stopTime);
  }
  if (parts.processorTimes) {
    writeMicroseconds(writer, result.cpuUserUs);
    writeMicroseconds(writer, result.cpuSystemUs);
  }
  if (parts.outputs) {
    const outputs = result.success ? [...result.builtOutputs.values()] : [];
    const named = outputs.map((one) => [printDerivationOutputId(one.id), one] as const).sort((a, b) => compareStrings(a[0], b[0]));
    writer.number(named.length);
    for (const [name, realisation] of named) {
      writer.string(name);
      writeRealisation(writer, realisation);
    }
  }
}

const SUCCESSES: readonly string[] = ['Built', 'Substituted', 'AlreadyValid', 'ResolvesToAlreadyValid'];

function* readResult(parts: ResultParts): Reading<BuildResult> {
  const status = buildStatusOf(yield* readNumber());
  const message = yield* readString();
  let times = { timesBuilt: 0, startTime: 0, stopTime: 0 };
  let isNonDeterministic = false;
  if (parts.times) {
    const timesBuilt = yield* readNumber();
    isNonDeterministic = yield* readBoolean();
    times = { timesBuilt, startTime: yield* readNumber(), stopTime: yield* readNumber() };
  }
  const cpuUserUs = parts.processorTimes ? yield* readMicroseconds() : undefined;
  const cpuSystemUs = parts.processorTimes ? yield* readMicroseconds() : undefined;
  const builtOutputs = new Map<string, Realisation>();
  if (parts.outputs) {
    for (let left = yield* readNumber(); left > 0; left--) {
      yield* readString();
      const realisation = yield* readRealisation();
      builtOutputs.set(realisation.id.output, realisation);
    }
  }
  const common = { ...times, cpuUserUs, cpuSystemUs };
  return SUCCESSES.includes(status)
    ? { ...common, success: true, status: status as BuildSuccessStatus, builtOutputs }
    : { ...common, success: false, status: status as BuildFailureStatus, message, isNonDeterministic };
}

/** What building takes. */
export interface MissingPaths {
  readonly willBuild: readonly StorePath[];
  readonly willSubstitute: readonly StorePath[];
  readonly unknown: readonly StorePath[];
  readonly downloadSize: number;
  readonly narSize: number;
}

export function writeMissing(writer: WireWriter, context: WireContext, missing: MissingPaths): void {
  writePathSet(writer, context, missing.willBuild);
  writePathSet(writer, context, missing.willSubstitute);
  writePathSet(writer, context, missing.unknown);
  writer.number(missing.downloadSize).number(missing.narSize);
}

export function* readMissing(context: WireContext): Reading<MissingPaths> {
  return {
    willBuild: yield* readPathSet(context),
    willSubstitute: yield* readPathSet(context),
    unknown: yield* readPathSet(context),
    downloadSize: yield* readNumber(),
    narSize: yield* readNumber(),
  };
}

/** A derivation without its input derivations: what is needed to build it where all inputs are. */
export function writeBasicDerivation(writer: WireWriter, context: WireContext, derivation: Derivation): void {
  // Of each output the wire has what the .drv file has.
  const bare = { ...derivation, inputDerivations: new Map(), dynamicInputs: undefined, inputSources: [], args: [], env: new Map() };
  const printed = printATerm(bare, context.storeDir);
  const outputs = [...printed.slice('Derive(['.length, printed.indexOf('],[')).matchAll(/"([^"]*)"/g)].map((match) => match[1]!);
  writer.number(derivation.outputs.size);
  for (const text of outputs) writer.string(text);
  writePathSet(writer, context, derivation.inputSources);
  writer.string(derivation.system).string(derivation.builder).strings(derivation.args);
  writer.number(derivation.env.size);
  for (const [name, value] of derivation.env) writer.string(name).string(value);
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const quote = (text: string): string => `"${text.replace(/["\\\n\r\t]/g, (character) => ESCAPES[character]!)}"`;

/** The same, read. `name` is the derivation's, without ".drv". */
export function* readBasicDerivation(context: WireContext, name: string): Reading<Derivation> {
  const tuple = (count: number) =>
    function* (): Reading<string> {
      const texts: string[] = [];
      for (let i = 0; i < count; i++) texts.push(quote(yield* readString()));
      return `(${texts.join(',')})`;
    };
  const outputs = (yield* readList(tuple(4))).join(',');
  const sources = (yield* readPathSet(context)).map((path) => quote(show(context, path))).join(',');
  const system = quote(yield* readString());
  const builder = quote(yield* readString());
  const args = (yield* readStrings()).map(quote).join(',');
  const env = (yield* readList(tuple(2))).join(',');
  return parseATerm(`Derive([${outputs}],[],[${sources}],${system},${builder},[${args}],[${env}])`, name, context.storeDir);
}

// ---- what a daemon says while it works

/** A message of a daemon. */
export type WorkerMessage =
  | { readonly kind: 'next'; readonly text: string }
  | { readonly kind: 'read'; readonly length: number }
  | { readonly kind: 'last' }
  | { readonly kind: 'error'; readonly error: WorkerError }
  | {
      readonly kind: 'start';
      readonly id: bigint;
      readonly level: LogLevel;
      readonly type: ActivityType;
      readonly text: string;
      readonly fields: ProgressFields;
      readonly parent: bigint;
    }
  | { readonly kind: 'stop'; readonly id: bigint }
  /** A type that this version does not know is left out. */
  | { readonly kind: 'result'; readonly id: bigint; readonly type: ResultType | undefined; readonly fields: ProgressFields };

/** An error as it goes over the wire. */
export interface WorkerError {
  readonly message: string;
  /** Outermost first. */
  readonly traces: readonly string[];
  /** Before 1.26: the exit status. */
  readonly status?: number | undefined;
}

export function writeFields(writer: WireWriter, fields: ProgressFields): void {
  writer.number(fields.length);
  for (const field of fields) {
    if (typeof field === 'string') writer.number(1).string(field);
    else writer.number(0).number(Math.max(0, Math.trunc(field)));
  }
}

export function* readFields(): Reading<(string | number)[]> {
  return yield* readList(function* (): Reading<string | number> {
    const type = yield* readNumber();
    if (type === 0) return Number(yield* readWord());
    if (type === 1) return yield* readString();
    throw new FormatError(`got unsupported field type ${type.toString(16)} from Nix daemon`);
  });
}

export function writeError(writer: WireWriter, { version }: WireContext, { message, traces, status = 1 }: WorkerError): void {
  writer.number(WORKER_MESSAGES.error);
  if (version < since(26)) {
    writer.string(message).number(status);
    return;
  }
  writer.string('Error').number(0).string('Error').string(message).number(0).number(traces.length);
  for (const trace of traces) writer.number(0).string(trace);
}

function* readError({ version }: WireContext): Reading<WorkerError> {
  if (version < since(26)) return { message: yield* readString(), status: yield* readNumber(), traces: [] };
  yield* readString();
  yield* readNumber();
  yield* readString();
  const message = yield* readString();
  yield* readNumber();
  const traces = yield* readList(function* () {
    yield* readNumber();
    return yield* readString();
  });
  return { message, traces };
}

function nameOf<Name extends string>(table: Readonly<Record<Name, number>>, number: number): Name | undefined {
  return (Object.keys(table) as Name[]).find((name) => table[name] === number);
}

/** The next message. */
export function* readMessage(context: WireContext): Reading<WorkerMessage> {
  const type = yield* readNumber();
  switch (type) {
    case WORKER_MESSAGES.next:
      return { kind: 'next', text: (yield* readString()).replace(/\n+$/, '') };
    case WORKER_MESSAGES.read:
      return { kind: 'read', length: yield* readNumber() };
    case WORKER_MESSAGES.last:
      return { kind: 'last' };
    case WORKER_MESSAGES.error:
      return { kind: 'error', error: yield* readError(context) };
    case WORKER_MESSAGES.startActivity:
      return {
        kind: 'start',
        id: yield* readWord(),
        level: LOG_LEVELS[yield* readNumber()] ?? 'vomit',
        type: nameOf(ACTIVITY_TYPES, yield* readNumber()) ?? 'unknown',
        text: yield* readString(),
        fields: yield* readFields(),
        parent: yield* readWord(),
      };
    case WORKER_MESSAGES.stopActivity:
      return { kind: 'stop', id: yield* readWord() };
    case WORKER_MESSAGES.result:
      return { kind: 'result', id: yield* readWord(), type: nameOf(RESULT_TYPES, yield* readNumber()), fields: yield* readFields() };
    default:
      throw new FormatError(`got unknown message type ${type.toString(16)} from Nix daemon`);
  }
}

/** What a client wants of a daemon's settings. */
export interface ClientSettings {
  readonly keepFailed: boolean;
  readonly keepGoing: boolean;
  readonly fallback: boolean;
  readonly verbosity: LogLevel;
  readonly maxJobs: number;
  readonly maxSilentTimeS: number;
  /** Builders' output goes to the log as it is. */
  readonly verboseBuild: boolean;
  readonly cores: number;
  readonly substitute: boolean;
  /** Other settings by name, as text. */
  readonly overrides: ReadonlyMap<string, string>;
}

export function writeClientSettings(writer: WireWriter, settings: ClientSettings): void {
  writer.boolean(settings.keepFailed).boolean(settings.keepGoing).boolean(settings.fallback);
  writer.number(LOG_LEVELS.indexOf(settings.verbosity)).number(settings.maxJobs).number(settings.maxSilentTimeS);
  // The fields between are obsolete: build hook, log type, build trace.
  writer.number(1).number(settings.verboseBuild ? 0 : LOG_LEVELS.length - 1);
  writer.number(0).number(0).number(settings.cores).boolean(settings.substitute).number(settings.overrides.size);
  for (const [name, value] of settings.overrides) writer.string(name).string(value);
}

export function* readClientSettings(): Reading<ClientSettings> {
  const keepFailed = yield* readBoolean();
  const keepGoing = yield* readBoolean();
  const fallback = yield* readBoolean();
  const verbosity = LOG_LEVELS[yield* readNumber()] ?? 'vomit';
  const maxJobs = yield* readNumber();
  const maxSilentTimeS = yield* readNumber();
  yield* readNumber();
  const verboseBuild = (yield* readNumber()) === 0;
  yield* readNumber();
  yield* readNumber();
  const cores = yield* readNumber();
  const substitute = yield* readBoolean();
  const overrides = new Map<string, string>();
  for (let left = yield* readNumber(); left > 0; left--) overrides.set(yield* readString(), yield* readString());
  return { keepFailed, keepGoing, fallback, verbosity, maxJobs, maxSilentTimeS, verboseBuild, cores, substitute, overrides };
}
