// A store on this machine's file system in Nix's own layout: objects below `realStoreDir`, the database and roots below `stateDir`. It
// may be used by C++ Nix at the same time. Beside the Store interface it has synchronous forms (the evaluator needs them) and what only
// a local store can do: register built outputs, lock paths, roots, garbage collection, verifying, optimising.

import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { bytesOf } from '../../base/bytes.ts';
import { FloeError, InvalidPathError, SignatureError, StoreError } from '../../base/errors.ts';
import { equalHash, type Hash, hashBytes, type HashAlgorithm } from '../../base/hash.ts';
import { type Progress, SILENT } from '../../base/progress.ts';
import { startDigest } from '../../base/sha.ts';
import { parseATerm } from '../../model/aterm.ts';
import { type ContentAddress, type ContentAddressMethod, makeContentPath, makeTextPath, NO_REFERENCES } from '../../model/content-address.ts';
import type { Derivation } from '../../model/derivation.ts';
import { checkOutputPaths, type HashModulo, makeHashModuloLookup } from '../../model/derivation-hash.ts';
import { type ByteSink, NarReader, narOfFile, type TreeFilter } from '../../model/nar.ts';
import { countGoodSignatures, type PathInfo, sortSignatures } from '../../model/path-info.ts';
import type { PublicKey } from '../../model/signature.ts';
import { isDerivationPath, type StoreDir, type StorePath, storePathName } from '../../model/store-path.ts';
import { sortTopologically } from '../closure.ts';
import type { ImportOptions, NarSource, Store } from '../store.ts';
import { type Registration, SCHEMA_VERSION, StoreDatabase } from './db.ts';
import { collectGarbage, findRoots, type GcOptions, type GcResults, type GcStore } from './gc.ts';
import type { NarFacts } from './inspect-tree.ts';
import { lockPaths, type LockPathsOptions, type PathLocks, tryLockPathsSync } from './locks.ts';
import { deleteTree, dumpTree, dumpTreeChunks, writeStoreFile } from './nar-files.ts';
import { moveIntoPlace, ObjectImport, temporaryNameFor } from './object-import.ts';
import { Optimiser, type OptimiseStats } from './optimise.ts';
import { addIndirectRoot, makeRootLink, type Roots } from './roots.ts';
import { guardIo, systemErrorCode, systemPath } from './system-error.ts';
import { TempRoots } from './temp-roots.ts';
import { verifyStore, type VerifyOptions } from './verify.ts';

export interface LocalStoreOptions {
  /** Logical directory, "/nix/store": what paths are called and hashed with. */
  readonly storeDir: StoreDir;
  /** Where the objects really lie; the logical directory unless said. */
  readonly realStoreDir?: string | undefined;
  /** Database, roots, profiles; really there, like `logDir`. */
  readonly stateDir: string;
  /** Build logs; `stateDir`/../log/nix unless said. */
  readonly logDir?: string | undefined;
  /** Nothing is written, and nobody else writes meanwhile. */
  readonly readOnly?: boolean;
  /** As the user would write it; "local" unless said. */
  readonly uri?: string;
  readonly progress?: Progress | undefined;
  /** Hard-link equal files as they come (setting auto-optimise-store). */
  readonly autoOptimise?: boolean;
  /** Imports need a signature by one of these keys; undefined accepts all. */
  readonly trustedKeys?: ReadonlyMap<string, PublicKey> | undefined;
  /** Seconds since 1970. */
  readonly now?: () => number;
}

/** An object whose content address is known beforehand. */
export interface PendingObject {
  readonly path: StorePath;
  /** Valid already, or before it in the batch. */
  readonly references: readonly StorePath[];
  readonly contentAddress: ContentAddress;
  /** Pushes the object's NAR. */
  readonly writeNar: (sink: ByteSink) => void;
  /** Of a text object: the text itself (byte string), which spares making a NAR. */
  readonly text?: string | undefined;
  /** Of a derivation: what the text says, which spares reading it. */
  readonly derivation?: Derivation | undefined;
}

/** A derivation to be written. */
export interface PendingDerivation {
  readonly path: StorePath;
  readonly aterm: string;
  readonly references: readonly StorePath[];
  readonly derivation?: Derivation | undefined;
}

/** A file or folder of the machine that is to become a store object. */
export interface HostTreeRequest {
  readonly path: string;
  readonly name: string;
  readonly method: ContentAddressMethod;
  readonly algorithm?: HashAlgorithm;
  /** Gets paths below the root: "/a/b". */
  readonly filter?: TreeFilter | undefined;
}

export interface LocalImportOptions extends ImportOptions {
  /** The caller holds the path's lock (a builder that substitutes after all). */
  readonly hasLock?: boolean;
}

const nowInSeconds = (): number => Math.floor(Date.now() / 1000);

/** Opens a store, made where it is missing (unless read-only). StoreError where its database is of another version. */
export function openLocalStore(options: LocalStoreOptions): LocalStore {
  return new LocalStore(options);
}

/** See openLocalStore. */
export class LocalStore implements Store {
  readonly storeDir: StoreDir;
  readonly realStoreDir: string;
  readonly stateDir: string;
  readonly logDir: string;
  readonly uri: string;
  readonly isReadOnly: boolean;
  readonly #db: StoreDatabase;
  readonly #tempRoots: TempRoots;
  readonly #progress: Progress;
  readonly #autoOptimise: boolean;
  readonly #trustedKeys: ReadonlyMap<string, PublicKey> | undefined;
  readonly #now: () => number;
  /** Hashes modulo of derivations in the store; they never change. */
  readonly #hashes = new Map<StorePath, HashModulo>();
  /** Paths this process has locked: waiting for them in a synchronous call would wait for ever. */
  readonly #locked = new Set<StorePath>();

  constructor(options: LocalStoreOptions) {
    this.storeDir = options.storeDir;
    this.realStoreDir = options.realStoreDir ?? options.storeDir;
    this.stateDir = options.stateDir;
    this.logDir = options.logDir ?? `${dirname(options.stateDir)}/log/nix`;
    this.uri = options.uri ?? 'local';
    this.isReadOnly = options.readOnly === true;
    this.#progress = options.progress ?? SILENT;
    this.#autoOptimise = options.autoOptimise === true;
    this.#trustedKeys = options.trustedKeys;
    this.#now = options.now ?? nowInSeconds;
    const isNew = this.#prepareFolders();
    this.#db = new StoreDatabase({ folder: `${this.stateDir}/db`, storeDir: this.storeDir, immutable: this.isReadOnly, create: isNew });
    if (isNew) this.#writeSchemaVersion();
    this.#tempRoots = new TempRoots({ stateDir: this.stateDir, storeDir: this.storeDir, progress: this.#progress });
  }

  // ---- opening

  /** True where there is no database yet. */
  #prepareFolders(): boolean {
    const schema = this.#readSchemaVersion();
    if (schema !== undefined && schema !== SCHEMA_VERSION) {
      throw new StoreError(`the store at '${this.stateDir}' has database schema ${schema}; floe knows ${SCHEMA_VERSION}`, {
        code: 'FLOE_STORE_SCHEMA',
        data: { stateDir: this.stateDir, schema },
        hint: schema < SCHEMA_VERSION ? 'open it once with C++ Nix, which upgrades it' : 'a newer Nix made it; use a newer floe',
      });
    }
    if (this.isReadOnly) {
      if (schema === undefined) throw new StoreError(`there is no store at '${this.stateDir}', and none is made in read-only mode`, { data: { stateDir: this.stateDir } });
      return false;
    }
    refuseSymlinks(this.realStoreDir);
    const state = ['profiles/per-user', 'gcroots/per-user', 'temproots', 'db'].map((folder) => `${this.stateDir}/${folder}`);
    for (const folder of [`${this.realStoreDir}/.links`, ...state]) guardIo('making folder', folder, () => fs.mkdirSync(folder, { recursive: true }));
    return schema === undefined;
  }

  #readSchemaVersion(): number | undefined {
    const file = `${this.stateDir}/db/schema`;
    let text: string;
    try {
      text = fs.readFileSync(file, 'latin1');
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return undefined;
      return guardIo('reading', file, () => {
        throw error;
      });
    }
    if (!/^[0-9]+\s*$/.test(text)) throw new StoreError(`'${file}' is corrupt`, { code: 'FLOE_STORE_SCHEMA', data: { file } });
    return Number(text);
  }

  #writeSchemaVersion(): void {
    const file = `${this.stateDir}/db/schema`;
    guardIo('writing', file, () => {
      fs.writeFileSync(`${file}.tmp-${process.pid}`, String(SCHEMA_VERSION));
      fs.renameSync(`${file}.tmp-${process.pid}`, file);
    });
  }

  /** Ends the use of the store; temporary roots of this process are dropped. */
  closeSync(): void {
    this.#tempRoots.close();
    this.#db.close();
  }

  async close(): Promise<void> {
    this.closeSync();
  }

  #requireWritable(): void {
    if (this.isReadOnly) throw new StoreError(`store '${this.uri}' is open read-only`, { code: 'FLOE_STORE_READ_ONLY' });
  }

  // ---- places

  /** Where the object lies on this machine, valid or not. */
  toRealPath(path: StorePath): string {
    return `${this.realStoreDir}/${path}`;
  }

  printPath(path: StorePath): string {
    return `${this.storeDir}/${path}`;
  }

  // ---- questions

  isValidPathSync(path: StorePath): boolean {
    return this.#db.isValid(path);
  }

  queryPathInfoSync(path: StorePath): PathInfo | undefined {
    return this.#db.queryPathInfo(path);
  }

  /** InvalidPathError where the path is not valid. */
  requirePathInfoSync(path: StorePath): PathInfo {
    const info = this.#db.queryPathInfo(path);
    if (info === undefined) throw this.#invalid(path);
    return info;
  }

  #invalid(path: StorePath): InvalidPathError {
    return new InvalidPathError(`path '${this.printPath(path)}' is not valid`, { data: { path } });
  }

  async queryPathInfo(path: StorePath): Promise<PathInfo | undefined> {
    return this.#db.queryPathInfo(path);
  }

  async queryValidPaths(paths: Iterable<StorePath>): Promise<Set<StorePath>> {
    return new Set([...paths].filter((path) => this.#db.isValid(path)));
  }

  async queryAllValidPaths(): Promise<StorePath[]> {
    return this.#db.queryAllPaths();
  }

  async queryPathFromHashPart(hashPart: string): Promise<StorePath | undefined> {
    return this.#db.queryPathFromHashPart(hashPart);
  }

  async queryReferrers(path: StorePath): Promise<StorePath[]> {
    return this.#db.queryReferrers(path);
  }

  async queryValidDerivers(path: StorePath): Promise<StorePath[]> {
    return this.#db.queryDerivers(path);
  }

  /** Output paths of a valid derivation, by name. */
  queryDerivationOutputsSync(derivation: StorePath): Map<string, StorePath> {
    return this.#db.queryOutputs(derivation);
  }

  /** Reads a derivation that lies in the store. */
  readDerivationSync(path: StorePath): Derivation {
    const file = this.toRealPath(path);
    const text = guardIo('reading', file, () => fs.readFileSync(file, 'latin1'));
    return parseATerm(text, storePathName(path).slice(0, -'.drv'.length), this.storeDir);
  }

  narFromPath(path: StorePath): NarSource {
    const info = this.#db.queryPathInfo(path);
    const chunks = dumpTreeChunks(this.toRealPath(path));
    const invalid = info === undefined ? this.#invalid(path) : undefined;
    return {
      async *[Symbol.asyncIterator]() {
        if (invalid !== undefined) throw invalid;
        yield* chunks;
      },
    };
  }

  // ---- roots and locks

  async addTempRoots(paths: Iterable<StorePath>): Promise<void> {
    if (!this.isReadOnly) await this.#tempRoots.add(paths);
  }

  addTempRootsSync(paths: Iterable<StorePath>): void {
    if (!this.isReadOnly) this.#tempRoots.addSync(paths);
  }

  /** Makes a link (absolute path) to the path, which is a root as long as the link is there. Returns the link's path. */
  async addRootLink(path: StorePath, link: string): Promise<string> {
    this.#requireWritable();
    await this.addTempRoots([path]);
    return makeRootLink(this, path, link);
  }

  /** Makes an existing link a root. */
  addIndirectRoot(link: string): void {
    this.#requireWritable();
    addIndirectRoot(this.stateDir, link);
  }

  /** All roots and what keeps each. */
  findRoots(): Roots {
    return findRoots(this.#gcStore());
  }

  /**
   * Locks paths against builders and importers of other processes (C++ Nix too) until the locks are released; undefined where they are
   * taken and `wait` is false. Take all that belong together in one call.
   */
  async lockPaths(paths: Iterable<StorePath>, options: LockPathsOptions): Promise<PathLocks | undefined> {
    this.#requireWritable();
    const list = [...paths];
    const locks = await lockPaths(list.map((path) => this.toRealPath(path)), options);
    return locks === undefined ? undefined : this.#noteLocks(list, locks);
  }

  #noteLocks(paths: readonly StorePath[], locks: PathLocks): PathLocks {
    for (const path of paths) this.#locked.add(path);
    return {
      paths: locks.paths,
      release: () => {
        for (const path of paths) this.#locked.delete(path);
        locks.release();
      },
    };
  }

  /** Without other work going on meanwhile. */
  #lockPathsSync(paths: readonly StorePath[]): PathLocks {
    for (;;) {
      const locks = tryLockPathsSync(paths.map((path) => this.toRealPath(path)));
      if (locks !== undefined) return this.#noteLocks(paths, locks);
      const own = paths.find((path) => this.#locked.has(path));
      if (own !== undefined) throw new StoreError(`'${this.printPath(own)}' is being made by this process right now`, { code: 'FLOE_PATH_BUSY', data: { path: own } });
      this.#progress.log('info', `waiting for locks on ${paths.map((path) => `'${this.printPath(path)}'`).join(', ')}...`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }

  // ---- registering

  /**
   * Makes paths valid whose files are in place and canonical, in one transaction. The references of each must be valid or among them.
   * Derivations must have the output paths that follow from them.
   */
  registerValidPaths(infos: readonly PathInfo[]): void {
    this.#requireWritable();
    const byPath = new Map(infos.map((info) => [info.path, info]));
    sortTopologically(byPath.keys(), (path) => byPath.get(path)!.references);
    this.#db.transaction(() => {
      this.#db.register(infos.map((info) => this.#registration(info)), this.#now());
    });
  }

  #registration(info: PathInfo, known?: Derivation): Registration {
    if (!isDerivationPath(info.path)) return { info };
    const derivation = known ?? this.readDerivationSync(info.path);
    if (known === undefined) {
      const lookup = makeHashModuloLookup((path) => this.readDerivationSync(path), this.storeDir, this.#hashes);
      checkOutputPaths(derivation, this.storeDir, lookup);
    }
    const outputs = new Map<string, StorePath>();
    for (const [name, output] of derivation.outputs) if ('path' in output) outputs.set(name, output.path);
    return { info, outputs };
  }

  async addSignatures(path: StorePath, signatures: readonly string[]): Promise<void> {
    this.#requireWritable();
    this.#db.transaction(() => {
      const info = this.requirePathInfoSync(path);
      this.#db.update({ ...info, signatures: sortSignatures([...info.signatures, ...signatures]) });
    });
  }

  // ---- adding

  async addToStore(info: PathInfo, nar: NarSource, options: LocalImportOptions = {}): Promise<void> {
    this.#requireWritable();
    const { repair = false, checkSignatures = true, hasLock = false } = options;
    if (checkSignatures) this.#checkSignatures(info);
    await this.addTempRoots([info.path]);
    if (!repair && this.#db.isValid(info.path)) return;
    const locks = hasLock ? undefined : await this.lockPaths([info.path], { wait: true });
    try {
      if (!repair && this.#db.isValid(info.path)) return;
      const unpacking = new ObjectImport(info.path, this.realStoreDir);
      try {
        for await (const chunk of nar) unpacking.push(chunk);
        unpacking.check(info, this.storeDir);
        unpacking.place();
      } finally {
        unpacking.abort();
      }
      this.#optimiseNew([info.path], repair);
      this.registerValidPaths([info]);
    } finally {
      locks?.release();
    }
  }

  #checkSignatures(info: PathInfo): void {
    if (this.#trustedKeys === undefined || countGoodSignatures(info, this.storeDir, this.#trustedKeys) > 0) return;
    throw new SignatureError(`cannot add path '${this.printPath(info.path)}' because it lacks a signature by a trusted key`, {
      data: { path: info.path, signatures: info.signatures },
      hint: "add the signer's public key to the setting 'trusted-public-keys', or import with signatures unchecked",
    });
  }

  #optimiseNew(paths: readonly StorePath[], repair = false): void {
    if (!this.#autoOptimise) return;
    const optimiser = new Optimiser({ realStoreDir: this.realStoreDir, progress: this.#progress, repair });
    for (const path of paths) optimiser.optimise(this.toRealPath(path));
  }

  async addText(name: string, text: Uint8Array, references: readonly StorePath[]): Promise<StorePath> {
    return this.addTextSync(name, text, references);
  }

  addTextSync(name: string, text: Uint8Array, references: readonly StorePath[]): StorePath {
    const hash = hashBytes('sha256', text);
    const path = makeTextPath(name, hash, references, this.storeDir);
    const writeNar = (sink: ByteSink): void => narOfFile(text).forEach(sink);
    this.addPendingObjects([{ path, references, contentAddress: { method: 'text', hash }, writeNar }]);
    return path;
  }

  /** Writes derivations in one batch, as addPendingObjects does. */
  addDerivations(derivations: readonly PendingDerivation[]): void {
    this.addPendingObjects(
      derivations.map(({ path, aterm, references, derivation }) => ({
        path,
        references,
        contentAddress: { method: 'text', hash: hashBytes('sha256', aterm) },
        text: aterm,
        derivation,
        writeNar: (sink) => narOfFile(bytesOf(aterm)).forEach(sink),
      })),
    );
  }

  /**
   * Adds objects whose paths were computed before, references first; those that are valid already are left alone. Each is written
   * beside its place and moved there, and all become valid in one transaction.
   */
  addPendingObjects(objects: readonly PendingObject[]): void {
    this.#requireWritable();
    this.addTempRootsSync(objects.map(({ path }) => path));
    const missing = objects.filter(({ path }) => !this.#db.isValid(path));
    if (missing.length === 0) return;
    // PERF: locking costs 0.8 ms a path, and 1,500 derivations are common. A text's bytes follow from its path, so that whoever else
    // writes it writes the same; only where a lock file shows that someone is at it right now is the lock waited for.
    const toLock = missing.filter(({ path, contentAddress }) => contentAddress.method !== 'text' || fs.existsSync(`${this.toRealPath(path)}.lock`));
    const locks = toLock.length === 0 ? undefined : this.#lockPathsSync(toLock.map(({ path }) => path));
    try {
      const registrations = missing.filter(({ path }) => locks === undefined || !this.#db.isValid(path)).map((object) => this.#write(object));
      this.#optimiseNew(registrations.map(({ info }) => info.path));
      this.#db.register(registrations, this.#now());
    } finally {
      locks?.release();
    }
  }

  #write(object: PendingObject): Registration {
    const { path, contentAddress, references } = object;
    const { method } = contentAddress;
    const facts = method === 'nar' || method === 'git' ? this.#writeTree(object) : this.#writeFile(object);
    const derivation = isDerivationPath(path) ? (object.derivation ?? this.readDerivationSync(path)) : undefined;
    const info: PathInfo = { path, ...facts, references, registrationTime: 0, ultimate: false, signatures: [], contentAddress };
    return this.#registration(info, derivation);
  }

  /** Text and flat objects are one regular file, never executable. */
  #writeFile({ path, contentAddress, text, writeNar }: PendingObject): NarFacts {
    const contents = text === undefined ? readFileOfNar(writeNar) : Buffer.from(text, 'latin1');
    if (text === undefined && !equalHash(hashBytes(contentAddress.hash.algorithm, contents), contentAddress.hash)) {
      throw new StoreError(`'${this.printPath(path)}' changed while it was added to the store`, { data: { path } });
    }
    const temporary = `${this.realStoreDir}/${temporaryNameFor(path)}`;
    try {
      writeStoreFile(temporary, contents, this.printPath(path));
      moveIntoPlace(temporary, this.toRealPath(path));
    } catch (error) {
      deleteTree(temporary);
      throw error;
    }
    const state = createHash('sha256');
    let narSize = 0;
    for (const chunk of narOfFile(contents)) {
      state.update(chunk);
      narSize += chunk.length;
    }
    return { narHash: { algorithm: 'sha256', bytes: new Uint8Array(state.digest()) }, narSize };
  }

  #writeTree({ path, contentAddress, writeNar }: PendingObject): NarFacts {
    const unpacking = new ObjectImport(path, this.realStoreDir);
    try {
      writeNar((chunk) => unpacking.push(chunk));
      const facts = unpacking.finish();
      // The tree may have changed on the machine since its path was computed.
      unpacking.checkContentAddress(contentAddress, false, this.storeDir);
      unpacking.place();
      return facts;
    } finally {
      unpacking.abort();
    }
  }

  /** Store path that a file or folder of the machine would have; nothing is written. */
  computeTreePathSync(request: HostTreeRequest): { readonly path: StorePath; readonly address: ContentAddress } {
    const { method, algorithm = 'sha256', name } = request;
    const address: ContentAddress = { method, hash: hashHostTree(request, method, algorithm) };
    return { path: makeContentPath(name, address, NO_REFERENCES, this.storeDir), address };
  }

  /** Copies a file or folder of the machine into the store, if it is not there. */
  addTreeSync(request: HostTreeRequest): StorePath {
    const { path, address } = this.computeTreePathSync(request);
    const writeNar = (sink: ByteSink): void => void dumpTree(request.path, sink, { filter: request.filter, reuseBlocks: true });
    this.addPendingObjects([{ path, references: [], contentAddress: address, writeNar }]);
    return path;
  }

  // ---- care

  #gcStore(): GcStore {
    return {
      storeDir: this.storeDir,
      realStoreDir: this.realStoreDir,
      stateDir: this.stateDir,
      db: this.#db,
      tempRoots: this.#tempRoots,
      progress: this.#progress,
      forget: (path) => void this.#hashes.delete(path),
    };
  }

  /** Deletes, or tells, what no root reaches. */
  async collectGarbage(options: GcOptions): Promise<GcResults> {
    this.#requireWritable();
    return collectGarbage(this.#gcStore(), options);
  }

  /** Checks files against the database; true where errors remain. */
  async verify(options: VerifyOptions = {}): Promise<boolean> {
    this.#requireWritable();
    return verifyStore(this.#gcStore(), options);
  }

  /** Hard-links equal files of all valid paths. */
  async optimise(): Promise<OptimiseStats> {
    this.#requireWritable();
    const optimiser = new Optimiser({ realStoreDir: this.realStoreDir, progress: this.#progress });
    optimiser.loadLinks();
    const paths = this.#db.queryAllPaths();
    await this.addTempRoots(paths);
    for (const path of paths) {
      if (this.#db.isValid(path)) optimiser.optimise(this.toRealPath(path));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return optimiser.stats;
  }

  /** Deletes leftovers of an invalid path (files without registration), as a builder does before it builds. The path must be locked. */
  deleteInvalidPath(path: StorePath): void {
    this.#requireWritable();
    if (this.#db.isValid(path)) throw new StoreError(`will not delete '${this.printPath(path)}': it is valid`, { code: 'FLOE_PATH_VALID', data: { path } });
    deleteTree(this.toRealPath(path));
  }

  /** Rewrites the database without gaps. */
  vacuumDatabase(): void {
    this.#requireWritable();
    this.#db.vacuum();
  }
}

/** C++ Nix refuses a store below a symbolic link: builders would see two names for one place. */
function refuseSymlinks(realStoreDir: string): void {
  for (let folder = realStoreDir; folder !== '/' && folder !== '.'; folder = dirname(folder)) {
    if (fs.lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink() !== true) continue;
    throw new StoreError(`the path '${folder}' is a symlink; this is not allowed for the Nix store and its parent directories`, {
      data: { path: folder },
      hint: 'name the folder it leads to instead',
    });
  }
}

/** The contents of the one file that a NAR holds. */
function readFileOfNar(writeNar: (sink: ByteSink) => void): Uint8Array {
  const chunks: Uint8Array[] = [];
  const refuse = (): never => {
    throw new StoreError('an object with a flat or text hash must be a regular file');
  };
  const reader = new NarReader({
    beginDirectory: refuse,
    endDirectory: refuse,
    symlink: refuse,
    beginRegular() {},
    contents: (chunk) => void chunks.push(chunk.slice()),
    endRegular() {},
  });
  writeNar((chunk) => void reader.push(chunk));
  reader.end();
  return Buffer.concat(chunks);
}

function hashHostTree({ path, filter }: HostTreeRequest, method: ContentAddressMethod, algorithm: HashAlgorithm): Hash {
  if (method === 'git') throw new FloeError('FLOE_NOT_SUPPORTED', `cannot hash '${path}' as git does: objects addressed by git hash are not supported`);
  if (method !== 'nar') return hashBytes(algorithm, guardIo('reading', path, () => fs.readFileSync(systemPath(path))));
  const state = startDigest(algorithm);
  dumpTree(path, (chunk) => state.update(chunk), { filter, reuseBlocks: true });
  return { algorithm, bytes: state.digest() };
}

