// A store on this machine's file system in Nix's own layout: objects below `realStoreDir`, the database and roots below `stateDir`. It
// may be used by C++ Nix at the same time. Beside the Store interface it has synchronous forms (the evaluator needs them) and what only
// a local store can do: register built outputs, lock paths, roots, garbage collection, verifying, optimising.

import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { InvalidPathError, SignatureError, StoreError } from '../../base/errors.ts';
import { type Progress, SILENT } from '../../base/progress.ts';
import { parseDerivationFile } from '../../model/aterm.ts';
import type { ContentAddress } from '../../model/content-address.ts';
import type { Derivation } from '../../model/derivation.ts';
import { checkOutputPaths, type HashModulo, makeHashModuloLookup } from '../../model/derivation-hash.ts';
import { type PathInfo, requireContentAddress, sortSignatures } from '../../model/path-info.ts';
import type { DerivationOutputId, Realisation } from '../../model/realisation.ts';
import type { PublicKey } from '../../model/signature.ts';
import { isDerivationPath, type StoreDir, type StorePath } from '../../model/store-path.ts';
import { sortTopologically } from '../closure.ts';
import type { ImportOptions, NarSource, Store } from '../store.ts';
import { type Registration, StoreDatabase } from './db.ts';
import { collectGarbage, findRoots, type GcOptions, type GcResults, type GcStore } from './gc.ts';
import { prepareLayout, RESERVED_BYTES, reserveSpace, writeSchemaVersion } from './layout.ts';
import { lockPaths, type LockPathsOptions, type PathLocks, tryLockPathsSync } from './locks.ts';
import { deleteTree, dumpTreeChunks } from './nar-files.ts';
import { ObjectImport } from './object-import.ts';
import { Optimiser, type OptimiseStats } from './optimise.ts';
import {
  type HostTreeRequest,
  hostTreePath,
  pendingDerivation,
  pendingHostTree,
  pendingText,
  type PendingDerivation,
  type PendingObject,
  writePendingObject,
} from './pending-objects.ts';
import type { Overlay, OverlayOptions } from './overlay.ts';
import { Realisations } from './realisations.ts';
import { addIndirectRoot, makeRootLink, type Roots } from './roots.ts';
import { guardIo } from './system-error.ts';
import { TempRoots } from './temp-roots.ts';
import { verifyStore, type VerifyOptions } from './verify.ts';

/** A store that is asked for derivations. */
export type DerivationPlace = Pick<LocalStore, 'isValidPathSync' | 'readDerivationSync'>;

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
  /** Whether equal files are hard-linked as they come (setting auto-optimise-store); asked each time. */
  readonly autoOptimise?: (() => boolean) | undefined;
  /** Space kept aside so that a full disk can be collected (setting gc-reserved-space). */
  readonly reservedBytes?: number;
  /** Imports need a signature by one of these keys; undefined accepts all. */
  readonly trustedKeys?: ReadonlyMap<string, PublicKey> | undefined;
  /** Remember what outputs of content-addressed derivations turned out to be (feature ca-derivations). */
  readonly withRealisations?: boolean;
  /** Whether what others copy here should be signed by a trusted key; for those who copy. Asked each time. */
  readonly requiresSignatures?: (() => boolean) | undefined;
  /** Where derivations lie that this store does not have: the store that evaluation writes to, where that is another. */
  readonly derivationsElsewhere?: DerivationPlace | undefined;
  /** The store's objects lie in two layers; `lower` is closed with the store. */
  readonly overlay?: { readonly layers: Overlay; readonly lower: LocalStore } | undefined;
  /** Seconds since 1970. */
  readonly now?: () => number;
}

export interface LocalImportOptions extends ImportOptions {
  /** The caller holds the path's lock (a builder that substitutes after all). */
  readonly hasLock?: boolean;
}

/** Pause between two tries for a lock that someone else holds, in synchronous calls. */
const SYNC_RETRY_MS = 50;

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
  /** Undefined where content-addressed derivations are not to be used. */
  readonly realisations: Realisations | undefined;
  readonly #db: StoreDatabase;
  readonly #tempRoots: TempRoots;
  readonly #progress: Progress;
  readonly #autoOptimise: () => boolean;
  readonly #requiresSignatures: () => boolean;
  readonly #reservedBytes: number;
  readonly #trustedKeys: ReadonlyMap<string, PublicKey> | undefined;
  readonly #now: () => number;
  readonly #overlay: LocalStoreOptions['overlay'];
  readonly #derivationsElsewhere: DerivationPlace | undefined;
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
    this.#autoOptimise = options.autoOptimise ?? (() => false);
    this.#requiresSignatures = options.requiresSignatures ?? (() => true);
    this.#reservedBytes = options.reservedBytes ?? RESERVED_BYTES;
    this.#trustedKeys = options.trustedKeys;
    this.#now = options.now ?? nowInSeconds;
    this.#derivationsElsewhere = options.derivationsElsewhere;
    const isNew = prepareLayout({ realStoreDir: this.realStoreDir, stateDir: this.stateDir, readOnly: this.isReadOnly });
    this.#overlay = options.overlay;
    const place = { folder: `${this.stateDir}/db`, storeDir: this.storeDir, immutable: this.isReadOnly, create: isNew };
    this.#db = this.#overlay?.layers.openDatabase(place) ?? new StoreDatabase(place);
    if (isNew) {
      reserveSpace(this.stateDir, this.#reservedBytes);
      writeSchemaVersion(this.stateDir);
    }
    if (options.withRealisations === true) {
      if (!this.isReadOnly) this.#db.addRealisations();
      const lookup = makeHashModuloLookup((path) => this.readDerivationSync(path), this.storeDir, this.#hashes);
      this.realisations = new Realisations(this.#db, this.storeDir, lookup);
    }
    this.#tempRoots = new TempRoots({ stateDir: this.stateDir, storeDir: this.storeDir, progress: this.#progress });
  }

  // ---- the whole

  get requiresSignatures(): boolean {
    return this.#requiresSignatures();
  }

  /** Ends the use of the store; temporary roots of this process are dropped. */
  closeSync(): void {
    this.#tempRoots.close();
    this.#db.close();
    this.#overlay?.lower.closeSync();
  }

  async close(): Promise<void> {
    this.closeSync();
  }

  #requireWritable(): void {
    if (!this.isReadOnly) return;
    // What stands first in the way is said first.
    guardIo('writing to', this.realStoreDir, () => fs.accessSync(this.realStoreDir, fs.constants.W_OK));
    throw new StoreError(`store '${this.uri}' is open read-only: attempt to write a readonly database`, { code: 'FLOE_STORE_READ_ONLY' });
  }

  // ---- places

  /** As the lower layer of another store. */
  asLower(): OverlayOptions['lower'] {
    return { realStoreDir: this.realStoreDir, database: this.#db };
  }

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

  /** Reads a derivation that lies in the store, or where its derivations lie. */
  readDerivationSync(path: StorePath): Derivation {
    if (this.#derivationsElsewhere?.isValidPathSync(path) === true) return this.#derivationsElsewhere.readDerivationSync(path);
    const file = this.toRealPath(path);
    const text = guardIo('reading', file, () => fs.readFileSync(file, 'latin1'));
    return parseDerivationFile(path, text, this.storeDir);
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
    const locks = await lockPaths(
      list.map((path) => this.toRealPath(path)),
      options,
    );
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
    for (let round = 0; ; round++) {
      const locks = tryLockPathsSync(paths.map((path) => this.toRealPath(path)));
      if (locks !== undefined) return this.#noteLocks(paths, locks);
      const own = paths.find((path) => this.#locked.has(path));
      if (own !== undefined) {
        throw new StoreError(`'${this.printPath(own)}' is being made by this process right now`, {
          code: 'FLOE_PATH_BUSY',
          data: { path: own },
        });
      }
      if (round === 0) this.#progress.log('info', `waiting for locks on ${paths.map((path) => `'${this.printPath(path)}'`).join(', ')}...`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SYNC_RETRY_MS);
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
    for (const info of infos) requireContentAddress(info, this.storeDir);
    this.#db.transaction(() => {
      this.#db.register(
        infos.map((info) => this.#registration(info)),
        this.#now(),
      );
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

  async queryRealisation(id: DerivationOutputId): Promise<Realisation | undefined> {
    return this.realisations?.query(id);
  }

  async addRealisation(realisation: Realisation): Promise<void> {
    this.#requireWritable();
    this.realisations?.register(realisation);
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
    requireContentAddress(info, this.storeDir);
    if (checkSignatures) await this.#checkSignatures(info);
    await this.addTempRoots([info.path]);
    if (!repair && this.#db.isValid(info.path)) return;
    const locks = hasLock || this.#needsNoLock(info) ? undefined : await this.lockPaths([info.path], { wait: true });
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
      this.#registerPlaced(info, repair);
    } finally {
      locks?.release();
    }
  }

  /** Registers what was just put into place; where that fails (a reference is missing), nothing stays. */
  #registerPlaced(info: PathInfo, repair: boolean): void {
    try {
      this.optimiseNew([info.path], repair);
      this.registerValidPaths([info]);
    } catch (error) {
      if (!this.#db.isValid(info.path)) deleteTree(this.toRealPath(info.path));
      throw error;
    }
  }

  /**
   * PERF: locking costs 1 to 3 ms a path, and derivations come by the thousand. A text's bytes follow from its path, so that whoever
   * else writes it writes the same; only where a lock file shows that someone is at it right now is the lock waited for.
   */
  #needsNoLock({ path, contentAddress }: Pick<PathInfo, 'path' | 'contentAddress'>): boolean {
    return contentAddress?.method === 'text' && !fs.existsSync(`${this.toRealPath(path)}.lock`);
  }

  async #checkSignatures(info: PathInfo): Promise<void> {
    if (this.#trustedKeys === undefined) return;
    const { countGoodSignatures } = await import('../../model/signing.ts');
    if (countGoodSignatures(info, this.storeDir, this.#trustedKeys) > 0) return;
    throw new SignatureError(`cannot add path '${this.printPath(info.path)}' because it lacks a signature by a trusted key`, {
      data: { path: info.path, signatures: info.signatures },
      hint: "add the signer's public key to the setting 'trusted-public-keys', or import with signatures unchecked",
    });
  }

  /** Hard-links files of objects that came just now, where `autoOptimise` says so. */
  optimiseNew(paths: readonly StorePath[], repair = false): void {
    if (!this.#autoOptimise()) return;
    const optimiser = new Optimiser({ realStoreDir: this.realStoreDir, progress: this.#progress, repair });
    for (const path of paths) optimiser.optimise(this.toRealPath(path));
  }

  async addText(name: string, text: Uint8Array, references: readonly StorePath[]): Promise<StorePath> {
    return this.addTextSync(name, text, references);
  }

  addTextSync(name: string, text: Uint8Array, references: readonly StorePath[]): StorePath {
    const object = pendingText(name, text, references, this.storeDir);
    this.addPendingObjects([object]);
    return object.path;
  }

  /** Writes derivations in one batch, as addPendingObjects does. */
  addDerivations(derivations: readonly PendingDerivation[]): void {
    this.addPendingObjects(derivations.map(pendingDerivation));
  }

  /**
   * Adds objects whose paths were computed before, references first; those that are valid already are left alone. Each is written
   * beside its place and moved there, and all become valid in one transaction.
   */
  addPendingObjects(objects: readonly PendingObject[]): void {
    this.addTempRootsSync(objects.map(({ path }) => path));
    const missing = objects.filter(({ path }) => !this.#db.isValid(path));
    if (missing.length === 0) return;
    this.#requireWritable();
    const toLock = missing.filter((object) => !this.#needsNoLock(object));
    const locks = toLock.length === 0 ? undefined : this.#lockPathsSync(toLock.map(({ path }) => path));
    try {
      const registrations = missing
        .filter(({ path }) => locks === undefined || !this.#db.isValid(path))
        .map((object) => this.#write(object));
      this.optimiseNew(registrations.map(({ info }) => info.path));
      this.#db.register(registrations, this.#now());
    } finally {
      locks?.release();
    }
  }

  #write(object: PendingObject): Registration {
    const { path, contentAddress, references } = object;
    const facts = writePendingObject(this, object);
    const derivation = isDerivationPath(path) ? (object.derivation ?? this.readDerivationSync(path)) : undefined;
    return this.#registration(
      { path, ...facts, references, registrationTime: 0, ultimate: false, signatures: [], contentAddress },
      derivation,
    );
  }

  /** Store path that a file or folder of the machine would have; nothing is written. */
  computeTreePathSync(request: HostTreeRequest): { readonly path: StorePath; readonly address: ContentAddress } {
    return hostTreePath(request, this.storeDir);
  }

  /** Copies a file or folder of the machine into the store, if it is not there. */
  addTreeSync(request: HostTreeRequest): StorePath {
    const object = pendingHostTree(request, this.storeDir);
    this.addPendingObjects([object]);
    return object.path;
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
      reservedBytes: this.#reservedBytes,
      forget: (path) => void this.#hashes.delete(path),
      remove: (name) => this.#overlay?.layers.remove(name) ?? deleteTree(`${this.realStoreDir}/${name}`),
    };
  }

  /** Deletes, or tells, what no root reaches. */
  async collectGarbage(options: GcOptions): Promise<GcResults> {
    this.#requireWritable();
    const results = await collectGarbage(this.#gcStore(), options);
    this.#overlay?.layers.remountWhereNeeded();
    return results;
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
    const paths = this.#db.queryAllPaths();
    if (this.#overlay !== undefined) {
      this.#overlay.layers.deduplicate(paths);
      return optimiser.stats;
    }
    optimiser.loadLinks();
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
    if (this.#db.isValid(path))
      throw new StoreError(`will not delete '${this.printPath(path)}': it is valid`, { code: 'FLOE_PATH_VALID', data: { path } });
    deleteTree(this.toRealPath(path));
  }

  /** Rewrites the database without gaps. */
  vacuumDatabase(): void {
    this.#requireWritable();
    this.#db.vacuum();
  }
}
