// Garbage collection: deletes what no root reaches. Works beside C++ Nix and other floe processes: the collector's lock keeps roots
// from being added unseen, and a socket takes the roots of those who come meanwhile. libstore/gc.cc, collectGarbage.

import * as fs from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { printSize } from '../../base/byte-size.ts';
import { FloeError, FormatError, StoreError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import { isDerivationPath, parseStorePath, parseStorePathBaseName, type StorePath, storePathHash } from '../../model/store-path.ts';
import { sortTopologically } from '../closure.ts';
import type { StoreDatabase } from './db.ts';
import { releaseReservedSpace, reserveSpace } from './layout.ts';
import { lockDescriptors, openLockFile } from './locks.ts';
import { findLinkRoots, findRuntimeRoots, type Roots } from './roots.ts';
import { findTempRoots, gcLockPath, gcSocketPath, type TempRoots } from './temp-roots.ts';
import { systemErrorCode } from './system-error.ts';

export type GcAction =
  /** Say what is alive. */
  | 'return-live'
  /** Say what is dead. */
  | 'return-dead'
  | 'delete-dead'
  /** Delete the named paths (and what refers to them, where that is named too), or fail. */
  | 'delete-specific';

export interface GcOptions {
  readonly action: GcAction;
  readonly pathsToDelete?: ReadonlySet<StorePath>;
  /** Delete named paths though roots reach them. */
  readonly ignoreLiveness?: boolean;
  /** Told of everything that is deleted, also of what a collection deletes that fails later. */
  readonly onDelete?: (path: string, freedBytes: number) => void;
  /** Stop after so many bytes. */
  readonly maxFreedBytes?: number;
  /** Outputs of living derivations live (setting keep-outputs). */
  readonly keepOutputs?: boolean;
  /** Derivers of living paths live (setting keep-derivations, on by default). */
  readonly keepDerivations?: boolean;
  /** Waited for before roots are taken over the socket, and before anything is deleted: what tests of the collector hold on to. */
  readonly pauses?: { readonly beforeServing?: () => Promise<unknown>; readonly beforeDeleting?: () => Promise<unknown> };
}

export interface GcResults {
  /** Full logical paths: alive, dead or deleted ones. */
  readonly paths: string[];
  readonly freedBytes: number;
}

/** What the collector works on. */
export interface GcStore {
  readonly storeDir: string;
  readonly realStoreDir: string;
  readonly stateDir: string;
  readonly db: StoreDatabase;
  readonly tempRoots: TempRoots;
  readonly progress: Progress;
  /** Space to keep aside again afterwards. */
  readonly reservedBytes: number;
  /** Drops what is remembered of a path. */
  readonly forget: (path: StorePath) => void;
  /** Deletes an entry of the store directory; says how many bytes that freed. */
  readonly remove: (baseName: string) => number;
}

class LimitReached extends Error {}

class Collector {
  readonly #store: GcStore;
  readonly #options: GcOptions;
  readonly #keepOutputs: boolean;
  readonly #keepDerivations: boolean;
  readonly #roots = new Set<StorePath>();
  /** Hash parts of temporary roots: they protect `<path>.lock` and unfinished imports too. */
  readonly #tempRoots = new Set<string>();
  readonly #alive = new Set<StorePath>();
  readonly #dead = new Set<StorePath>();
  readonly #deleted: string[] = [];
  #freed = 0;

  constructor(store: GcStore, options: GcOptions) {
    this.#store = store;
    this.#options = options;
    // With --ignore-liveness the two settings would delete more than was asked for.
    const ignoring = options.action === 'delete-specific' && options.ignoreLiveness === true;
    this.#keepOutputs = options.keepOutputs === true && !ignoring;
    this.#keepDerivations = options.keepDerivations !== false && !ignoring;
  }

  get #deletes(): boolean {
    return this.#options.action === 'delete-dead' || this.#options.action === 'delete-specific';
  }

  addTempRoot(path: StorePath): void {
    this.#tempRoots.add(storePathHash(path));
  }

  findRoots(): void {
    const { db, storeDir, realStoreDir, stateDir, progress } = this.#store;
    progress.log('info', 'finding garbage collector roots...');
    const options = { stateDir, storeDir, realStoreDir, progress, isValid: (path: StorePath) => db.isValid(path) };
    if (this.#options.ignoreLiveness !== true) {
      for (const path of findLinkRoots(options).keys()) this.#roots.add(path);
      for (const path of findRuntimeRoots(options).keys()) this.#roots.add(path);
    }
    for (const path of findTempRoots(options).keys()) {
      this.#roots.add(path);
      this.addTempRoot(path);
    }
  }

  /** Everything that must stay when `path` stays. */
  #closureOf(path: StorePath): void {
    const { db } = this.#store;
    const todo = [path];
    let isFirst = true;
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      // The first may be known to live already, from a walk that did not go on from it; it may also refer to itself.
      if (!isFirst && this.#alive.has(next)) continue;
      isFirst = false;
      this.#alive.add(next);
      const info = db.queryPathInfo(next);
      if (info === undefined) continue;
      todo.push(...info.references);
      if (this.#keepOutputs && isDerivationPath(next))
        todo.push(...[...db.queryOutputs(next).values()].filter((output) => db.isValid(output)));
      if (this.#keepDerivations && info.deriver !== undefined && db.isValid(info.deriver)) todo.push(info.deriver);
    }
  }

  /** What can only go together with `path`: its referrers, and by settings its derivers or outputs. Undefined where a root is among them. */
  #deadWith(start: StorePath): Set<StorePath> | undefined {
    const { db } = this.#store;
    const visited = new Set([start]);
    for (const path of visited) {
      if (this.#alive.has(path)) {
        this.#alive.add(start);
        return undefined;
      }
      if (this.#dead.has(path)) continue;
      if (this.#roots.has(path) || this.#tempRoots.has(storePathHash(path))) {
        this.#alive.add(start);
        this.#closureOf(path);
        return undefined;
      }
      if (this.#options.action === 'delete-specific' && this.#options.pathsToDelete?.has(path) !== true) return undefined;
      if (!db.isValid(path)) continue;
      for (const referrer of db.queryOwnReferrers(path)) visited.add(referrer);
      if (this.#keepDerivations && isDerivationPath(path)) {
        for (const output of db.queryOutputs(path).values()) if (db.queryPathInfo(output)?.deriver === path) visited.add(output);
      }
      if (this.#keepOutputs) for (const deriver of db.queryDerivers(path)) visited.add(deriver);
    }
    return visited;
  }

  /** Deletes (or counts) everything that goes with `start`. */
  async collect(start: StorePath): Promise<void> {
    const visited = this.#deadWith(start);
    if (visited === undefined) return;
    const { db } = this.#store;
    // Referrers first: a path may go only when nothing refers to it any more.
    const order = sortTopologically(visited, (path) => db.queryPathInfo(path)?.references ?? []).reverse();
    for (const path of order) {
      if (this.#dead.has(path)) continue;
      if (this.#deletes) {
        await breathe();
        // Someone may have asked for it since the walk; then it and what it refers to must stay.
        if (this.#tempRoots.has(storePathHash(path))) return this.#closureOf(path);
        if (!this.#delete(path)) return this.#closureOf(path);
      }
      this.#dead.add(path);
    }
  }

  /** False where the path turned out to be in use. */
  #delete(path: StorePath): boolean {
    // INVARIANT: forgotten by the database first, so that a killed collection leaves garbage and never a valid path without files.
    try {
      this.#store.db.invalidate(path);
    } catch (error) {
      if (!(error instanceof FloeError) || error.code !== 'FLOE_PATH_IN_USE') throw error;
      // Became referred to since the walk (an import by a process that had the path as a temporary root too late): it lives.
      this.#store.progress.log('warn', error.message);
      return false;
    }
    this.#store.forget(path);
    // The path counts as dead though the limit may be reached with it.
    this.#dead.add(path);
    this.deleteFile(path);
    return true;
  }

  /** Removes an entry of the store directory. */
  deleteFile(baseName: string): void {
    const { storeDir, progress, remove } = this.#store;
    const path = `${storeDir}/${baseName}`;
    progress.log('info', `deleting '${path}'`);
    this.#deleted.push(path);
    const freed = remove(baseName);
    this.#freed += freed;
    this.#options.onDelete?.(path, freed);
    if (this.#freed > (this.#options.maxFreedBytes ?? Infinity)) {
      progress.log('info', `deleted more than ${this.#options.maxFreedBytes} bytes; stopping`);
      throw new LimitReached();
    }
  }

  async collectSpecific(paths: Iterable<StorePath>): Promise<void> {
    for (const path of paths) {
      await this.collect(path);
      if (!this.#dead.has(path)) {
        throw new StoreError(
          `Cannot delete path '${this.#store.storeDir}/${path}' since it is still alive. To find out why, use: nix-store --query --roots and nix-store --query --referrers`,
          { code: 'FLOE_PATH_ALIVE', data: { path } },
        );
      }
    }
  }

  async collectAll(): Promise<void> {
    const { realStoreDir, progress } = this.#store;
    progress.log('info', this.#deletes ? 'deleting garbage...' : 'determining live/dead paths...');
    for (const name of fs.readdirSync(realStoreDir, { encoding: 'latin1' as BufferEncoding })) {
      if (name === '.links') continue;
      const path = parsePathOrNothing(name);
      if (path !== undefined) await this.collect(path);
      else if (this.#deletes && !(await isLockedTemporaryFolder(`${realStoreDir}/${name}`, name))) this.deleteFile(name);
    }
  }

  /** Files in .links that nothing else links to any more. */
  deleteUnusedLinks(): void {
    const { realStoreDir, progress } = this.#store;
    progress.log('info', 'deleting unused links...');
    const folder = `${realStoreDir}/.links`;
    let actual = 0;
    let unshared = 0;
    for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
      const stats = fs.lstatSync(`${folder}/${name}`, { throwIfNoEntry: false });
      if (stats === undefined) continue;
      if (stats.nlink === 1) fs.rmSync(`${folder}/${name}`, { force: true });
      else {
        actual += stats.size;
        unshared += (stats.nlink - 1) * stats.size;
      }
    }
    const overhead = (fs.statSync(folder, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
    progress.log('info', `note: hard linking is currently saving ${printSize(unshared - actual - overhead)}`);
  }

  results(): GcResults {
    const { action } = this.#options;
    if (action === 'delete-dead' || action === 'delete-specific') return { paths: this.#deleted, freedBytes: this.#freed };
    const chosen = action === 'return-live' ? this.#alive : this.#dead;
    return { paths: [...chosen].map((path) => `${this.#store.storeDir}/${path}`).sort(), freedBytes: 0 };
  }
}

function parsePathOrNothing(baseName: string): StorePath | undefined {
  try {
    return parseStorePathBaseName(baseName);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** C++ Nix makes folders `tmp-...` in the store, locked as long as they are in use. */
async function isLockedTemporaryFolder(path: string, name: string): Promise<boolean> {
  if (!name.startsWith('tmp-')) return false;
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOTDIR') return false;
    return true;
  }
  try {
    const [locked] = await lockDescriptors([{ fd, mode: 'exclusive', wait: false }]);
    return locked !== true;
  } finally {
    fs.closeSync(fd);
  }
}

/** Lets roots that came over the socket be heard. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Takes roots over the socket while the collection runs: a path a line, each answered with "1". */
async function serveRoots(store: GcStore, add: (path: StorePath) => void): Promise<() => Promise<void>> {
  const path = gcSocketPath(store.stateDir);
  fs.mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
  fs.rmSync(path, { force: true });
  const clients = new Set<Socket>();
  const server: Server = createServer((client) => {
    clients.add(client);
    let rest = '';
    client.setEncoding('latin1');
    client.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        try {
          add(parseStorePath(line, store.storeDir));
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
          store.progress.log('error', 'received garbage instead of a root from client');
        }
        client.write('1');
      }
    });
    client.on('error', () => undefined);
    client.on('close', () => clients.delete(client));
  });
  // A path beyond what a socket address holds (108 bytes) is an error of listening; then clients wait for the end of the collection.
  await new Promise<void>((resolve) => {
    server.once('error', (error) => {
      store.progress.log('debug', `no socket for roots: ${error.message}`);
      resolve();
    });
    server.listen(path, () => {
      fs.chmodSync(path, 0o666);
      resolve();
    });
  });
  return async () => {
    for (const client of clients) client.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
}

/** Collects garbage. One collection runs at a time, over all processes. */
export async function collectGarbage(store: GcStore, options: GcOptions): Promise<GcResults> {
  const collector = new Collector(store, options);
  const deletes = options.action === 'delete-dead' || options.action === 'delete-specific';
  if (deletes) releaseReservedSpace(store.stateDir);
  const lock = openLockFile(gcLockPath(store.stateDir));
  let stopServer: (() => Promise<void>) | undefined;
  try {
    const [free] = await lockDescriptors([{ fd: lock, mode: 'exclusive', wait: false }]);
    if (free !== true) {
      store.progress.log('info', 'waiting for the big garbage collector lock...');
      await lockDescriptors([{ fd: lock, mode: 'exclusive', wait: true }]);
    }
    store.tempRoots.setCollector((path) => collector.addTempRoot(path));
    await options.pauses?.beforeServing?.();
    stopServer = await serveRoots(store, (path) => collector.addTempRoot(path));
    collector.findRoots();
    await options.pauses?.beforeDeleting?.();
    try {
      if (options.action === 'delete-specific') await collector.collectSpecific(options.pathsToDelete ?? []);
      else if ((options.maxFreedBytes ?? Infinity) > 0) await collector.collectAll();
    } catch (error) {
      if (!(error instanceof LimitReached)) throw error;
    }
    if (deletes) collector.deleteUnusedLinks();
    return collector.results();
  } finally {
    store.tempRoots.setCollector(undefined);
    await stopServer?.();
    fs.closeSync(lock);
    if (deletes) reserveSpace(store.stateDir, store.reservedBytes);
  }
}

/** All roots with what keeps them (`nix-store --gc --print-roots`). */
export function findRoots(store: GcStore): Roots {
  const { db, storeDir, realStoreDir, stateDir, progress } = store;
  const options = { stateDir, storeDir, realStoreDir, progress, isValid: (path: StorePath) => db.isValid(path) };
  const roots = findLinkRoots(options);
  for (const more of [findRuntimeRoots(options), findTempRoots(options)]) {
    for (const [path, from] of more) roots.set(path, new Set([...(roots.get(path) ?? []), ...from]));
  }
  return roots;
}
