// What a client asks of a Nix daemon: each request as a reading that writes the question, listens to the daemon and reads the result. Any
// driver can run them, blocking or not. Uploads, whose data may come slowly, are in worker-store.ts. libstore/remote-store.cc at 2.34.8.

import { printHash } from '../../base/hash.ts';
import { type Reading, readBoolean, readList, readNumber, readString, readStrings, readWord } from '../../base/wire-reading.ts';
import type { BuildResult } from '../../model/build-result.ts';
import { printContentAddress } from '../../model/content-address.ts';
import type { Derivation } from '../../model/derivation.ts';
import type { DerivedPath } from '../../model/derived-path.ts';
import type { PathInfo } from '../../model/path-info.ts';
import { type DerivationOutputId, printDerivationOutputId, type Realisation } from '../../model/realisation.ts';
import type { StorePath } from '../../model/store-path.ts';
import {
  type MissingPaths,
  readBuildResult,
  readDerivedPath,
  readMissing,
  readOptionalPath,
  readPath,
  readPathInfo,
  readPathSet,
  readRealisation,
  readSubstitutable,
  since,
  type SubstitutablePath,
  WORKER_BUILD_MODES,
  WORKER_GC_ACTIONS,
  WORKER_OPERATIONS as OPERATIONS,
  type WorkerBuildMode,
  type WorkerGcAction,
  writeBasicDerivation,
  writeDerivedPath,
  writeOptionalPath,
  writePath,
  writePathSet,
  writeRealisation,
} from '../../model/worker-protocol.ts';
import { type BytesOnDemand, isAnswer, type WorkerWire } from './worker-wire.ts';

type OperationName = keyof typeof OPERATIONS;

/** A request about one path, up to the result. */
function* askAbout(wire: WorkerWire, operation: OperationName, path: StorePath): Reading<void> {
  wire.writer.number(OPERATIONS[operation]);
  writePath(wire.writer, wire, path);
  yield* wire.answer();
}

export function* isValidPath(wire: WorkerWire, path: StorePath): Reading<boolean> {
  yield* askAbout(wire, 'isValidPath', path);
  return yield* readBoolean();
}

export function* queryPathInfo(wire: WorkerWire, path: StorePath): Reading<PathInfo | undefined> {
  try {
    yield* askAbout(wire, 'queryPathInfo', path);
  } catch (error) {
    // What daemons before 1.17 say of paths that are not valid.
    if (isAnswer(error) && (error as Error).message.includes('is not valid')) return undefined;
    throw error;
  }
  return (yield* readBoolean()) ? yield* readPathInfo(wire, path) : undefined;
}

/** Those that are valid; on demand after fetching what substituters have. */
export function* queryValidPaths(wire: WorkerWire, paths: Iterable<StorePath>, substitute = false): Reading<Set<StorePath>> {
  wire.writer.number(OPERATIONS.queryValidPaths);
  writePathSet(wire.writer, wire, paths);
  if (wire.version >= since(27)) wire.writer.boolean(substitute);
  yield* wire.answer();
  return new Set(yield* readPathSet(wire));
}

export function* queryAllValidPaths(wire: WorkerWire): Reading<StorePath[]> {
  wire.writer.number(OPERATIONS.queryAllValidPaths);
  yield* wire.answer();
  return yield* readPathSet(wire);
}

export function* queryPathFromHashPart(wire: WorkerWire, hashPart: string): Reading<StorePath | undefined> {
  wire.writer.number(OPERATIONS.queryPathFromHashPart).string(hashPart);
  yield* wire.answer();
  return yield* readOptionalPath(wire);
}

export function* queryReferrers(wire: WorkerWire, path: StorePath): Reading<StorePath[]> {
  yield* askAbout(wire, 'queryReferrers', path);
  return yield* readPathSet(wire);
}

export function* queryValidDerivers(wire: WorkerWire, path: StorePath): Reading<StorePath[]> {
  yield* askAbout(wire, 'queryValidDerivers', path);
  return yield* readPathSet(wire);
}

/** Where the outputs of a valid derivation are; without those that nobody knows yet. */
export function* queryDerivationOutputs(wire: WorkerWire, derivation: StorePath): Reading<Map<string, StorePath>> {
  yield* askAbout(wire, 'queryDerivationOutputMap', derivation);
  const outputs = new Map<string, StorePath>();
  for (let left = yield* readNumber(); left > 0; left--) {
    const name = yield* readString();
    const path = yield* readOptionalPath(wire);
    if (path !== undefined) outputs.set(name, path);
  }
  return outputs;
}

export function* querySubstitutablePaths(wire: WorkerWire, paths: Iterable<StorePath>): Reading<Set<StorePath>> {
  wire.writer.number(OPERATIONS.querySubstitutablePaths);
  writePathSet(wire.writer, wire, paths);
  yield* wire.answer();
  return new Set(yield* readPathSet(wire));
}

/** What substituters say of paths. */
export function* querySubstitutablePathInfos(wire: WorkerWire, paths: readonly StorePath[]): Reading<SubstitutablePath[]> {
  wire.writer.number(OPERATIONS.querySubstitutablePathInfos);
  if (wire.version < since(22)) writePathSet(wire.writer, wire, paths);
  else {
    wire.writer.number(paths.length);
    for (const path of paths) {
      writePath(wire.writer, wire, path);
      // Its content address, where that is known.
      wire.writer.string('');
    }
  }
  yield* wire.answer();
  return yield* readList(function* () {
    return yield* readSubstitutable(wire, yield* readPath(wire));
  });
}

/** Questions that are sent before the first is answered; their answers must fit what the machine keeps between two programs. */
const PIPELINE = 256;

export function* addTempRoots(wire: WorkerWire, paths: Iterable<StorePath>): Reading<void> {
  const list = [...paths];
  for (let start = 0; start < list.length; start += PIPELINE) {
    const part = list.slice(start, start + PIPELINE);
    for (const path of part) {
      wire.writer.number(OPERATIONS.addTempRoot);
      writePath(wire.writer, wire, path);
    }
    for (let left = part.length; left > 0; left--) yield* done(wire);
  }
}

/** Requests that answer with a 1. */
function* done(wire: WorkerWire): Reading<void> {
  yield* wire.answer();
  yield* readNumber();
}

/** A link (byte string) becomes a root. */
export function* addIndirectRoot(wire: WorkerWire, link: string): Reading<void> {
  wire.writer.number(OPERATIONS.addIndirectRoot).string(link);
  yield* done(wire);
}

/** A link is made and becomes a root, over there; where it was made. */
export function* addPermRoot(wire: WorkerWire, path: StorePath, link: string): Reading<string> {
  wire.writer.number(OPERATIONS.addPermRoot);
  writePath(wire.writer, wire, path);
  wire.writer.string(link);
  yield* wire.answer();
  return yield* readString();
}

/** All roots: what keeps each. */
export function* findRoots(wire: WorkerWire): Reading<Map<StorePath, Set<string>>> {
  wire.writer.number(OPERATIONS.findRoots);
  yield* wire.answer();
  const roots = new Map<StorePath, Set<string>>();
  for (let left = yield* readNumber(); left > 0; left--) {
    const link = yield* readString();
    const path = yield* readPath(wire);
    const links = roots.get(path);
    if (links === undefined) roots.set(path, new Set([link]));
    else links.add(link);
  }
  return roots;
}

/** What a collector is to do. */
export interface GarbageRequest {
  readonly action: WorkerGcAction;
  readonly paths: Iterable<StorePath>;
  readonly ignoreLiveness: boolean;
  /** Undefined for no limit. */
  readonly maxFreedBytes: number | undefined;
}

const NO_LIMIT = (1n << 64n) - 1n;

export function* collectGarbage(wire: WorkerWire, request: GarbageRequest): Reading<{ paths: string[]; freedBytes: number }> {
  wire.writer.number(OPERATIONS.collectGarbage).number(WORKER_GC_ACTIONS.indexOf(request.action));
  writePathSet(wire.writer, wire, request.paths);
  const { maxFreedBytes } = request;
  wire.writer.boolean(request.ignoreLiveness);
  wire.writer.number(maxFreedBytes === undefined || !Number.isFinite(maxFreedBytes) ? NO_LIMIT : maxFreedBytes);
  wire.writer.number(0).number(0).number(0);
  yield* wire.answer();
  const paths = yield* readStrings();
  const freedBytes = Number(yield* readWord());
  yield* readWord();
  return { paths, freedBytes };
}

export function* optimiseStore(wire: WorkerWire): Reading<void> {
  wire.writer.number(OPERATIONS.optimiseStore);
  yield* done(wire);
}

/** True where errors remain. */
export function* verifyStore(wire: WorkerWire, checkContents: boolean, repair: boolean): Reading<boolean> {
  wire.writer.number(OPERATIONS.verifyStore).boolean(checkContents).boolean(repair);
  yield* wire.answer();
  return yield* readBoolean();
}

export function* addSignatures(wire: WorkerWire, path: StorePath, signatures: readonly string[]): Reading<void> {
  wire.writer.number(OPERATIONS.addSignatures);
  writePath(wire.writer, wire, path);
  wire.writer.strings(signatures);
  yield* done(wire);
}

export function* ensurePath(wire: WorkerWire, path: StorePath): Reading<void> {
  yield* askAbout(wire, 'ensurePath', path);
  yield* readNumber();
}

export function* queryRealisation(wire: WorkerWire, id: DerivationOutputId): Reading<Realisation | undefined> {
  if (wire.version < since(27)) return undefined;
  wire.writer.number(OPERATIONS.queryRealisation).string(printDerivationOutputId(id));
  yield* wire.answer();
  if (wire.version >= since(31)) return (yield* readList(readRealisation))[0];
  const [path] = yield* readPathSet(wire);
  return path === undefined ? undefined : { id, path, signatures: [] };
}

export function* registerRealisation(wire: WorkerWire, realisation: Realisation): Reading<void> {
  wire.writer.number(OPERATIONS.registerDrvOutput);
  if (wire.version >= since(31)) writeRealisation(wire.writer, realisation);
  else wire.writer.string(printDerivationOutputId(realisation.id)).string(realisation.path);
  yield* wire.answer();
}

export function* queryMissing(wire: WorkerWire, paths: readonly DerivedPath[]): Reading<MissingPaths> {
  wire.writer.number(OPERATIONS.queryMissing).number(paths.length);
  for (const path of paths) writeDerivedPath(wire.writer, wire, path);
  yield* wire.answer();
  return yield* readMissing(wire);
}

function writeBuild(wire: WorkerWire, operation: OperationName, paths: readonly DerivedPath[], mode: WorkerBuildMode): void {
  wire.writer.number(OPERATIONS[operation]).number(paths.length);
  for (const path of paths) writeDerivedPath(wire.writer, wire, path);
  wire.writer.number(WORKER_BUILD_MODES.indexOf(mode));
}

/** Builds; a failure is thrown. */
export function* buildPaths(wire: WorkerWire, paths: readonly DerivedPath[], mode: WorkerBuildMode): Reading<void> {
  writeBuild(wire, 'buildPaths', paths, mode);
  yield* done(wire);
}

/** Builds; undefined where the daemon is too old to tell of each path alone (before 1.34). */
export function* buildPathsWithResults(
  wire: WorkerWire,
  paths: readonly DerivedPath[],
  mode: WorkerBuildMode,
): Reading<{ path: DerivedPath; result: BuildResult }[] | undefined> {
  if (wire.version < since(34)) {
    yield* buildPaths(wire, paths, mode);
    return undefined;
  }
  writeBuild(wire, 'buildPathsWithResults', paths, mode);
  yield* wire.answer();
  return yield* readList(function* () {
    return { path: yield* readDerivedPath(wire), result: yield* readBuildResult(wire) };
  });
}

/** Builds a derivation whose inputs are all there; it need not be in the store itself. */
export function* buildDerivation(wire: WorkerWire, path: StorePath, derivation: Derivation, mode: WorkerBuildMode): Reading<BuildResult> {
  wire.writer.number(OPERATIONS.buildDerivation);
  writePath(wire.writer, wire, path);
  writeBasicDerivation(wire.writer, wire, derivation);
  wire.writer.number(WORKER_BUILD_MODES.indexOf(mode));
  yield* wire.answer();
  return yield* readBuildResult(wire);
}

// ---- adding

/** Before the frames of an object with a NAR hash. */
export function writeAddNar(wire: WorkerWire, info: PathInfo, repair: boolean, checkSignatures: boolean): void {
  wire.writer.number(OPERATIONS.addToStoreNar);
  writePath(wire.writer, wire, info.path);
  writeOptionalPath(wire.writer, wire, info.deriver);
  wire.writer.string(printHash(info.narHash, 'base16'));
  writePathSet(wire.writer, wire, info.references);
  wire.writer.number(info.registrationTime).number(info.narSize).boolean(info.ultimate).strings(info.signatures);
  wire.writer.string(info.contentAddress === undefined ? '' : printContentAddress(info.contentAddress));
  wire.writer.boolean(repair).boolean(!checkSignatures);
}

/** Before the frames of several objects. */
export function writeAddMultiple(wire: WorkerWire, repair: boolean, checkSignatures: boolean): void {
  wire.writer.number(OPERATIONS.addMultipleToStore).boolean(repair).boolean(!checkSignatures);
}

/** Before the frames of a build's log. */
export function writeAddBuildLog(wire: WorkerWire, derivation: StorePath): void {
  wire.writer.number(OPERATIONS.addBuildLog).string(derivation);
}

/** The rest of an import for daemons before 1.23, which know no frames (before 1.21 the NAR was sent already). */
export function* finishOldAddNar(wire: WorkerWire, nar: Uint8Array): Reading<void> {
  let at = 0;
  const source: BytesOnDemand = (count) => nar.subarray(at, (at += count));
  yield* wire.answer(source);
}

/** The NAR follows. */
export function askForNar(wire: WorkerWire, path: StorePath): Reading<void> {
  return askAbout(wire, 'narFromPath', path);
}

/** The 1 behind an upload. */
export function* readDone(): Reading<void> {
  yield* readNumber();
}
