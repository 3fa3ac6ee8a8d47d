// A store elsewhere (a binary cache, a machine that ssh reaches) as the store that commands work in. It answers only after waiting, and
// its objects are no files here; evaluation cannot wait. So a local store that lasts as long as the run stands before it: what waits asks
// the other store, what cannot wait is answered by the stand, which holds what this run has added and what it has learned. What was added
// goes to the other store before the next question, and at the end.

import * as fs from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { UsageError } from '../../base/errors.ts';
import { printHash } from '../../base/hash.ts';
import type { PathInfo } from '../../model/path-info.ts';
import type { DerivationOutputId, Realisation } from '../../model/realisation.ts';
import { isDerivationPath, type StorePath } from '../../model/store-path.ts';
import { sortTopologically } from '../closure.ts';
import { LocalStore, type LocalStoreOptions } from './local-store.ts';
import { ObjectImport } from './object-import.ts';
import type { PendingObject } from './pending-objects.ts';
import { systemPath } from './system-error.ts';
import type { ImportOptions, NarSource, ReadOptions, Store } from '../store.ts';

export class StoreStand extends LocalStore {
  /** The other store's URL as the user wrote it. */
  readonly url: string;
  readonly #open: () => Promise<Store>;
  #opened: Promise<Store> | undefined;
  /** Added here, and not there yet. */
  readonly #added = new Set<StorePath>();

  constructor(options: LocalStoreOptions, url: string, open: () => Promise<Store>) {
    super(options);
    this.url = url;
    this.#open = open;
  }

  /** The other store, with everything that was added so far. */
  async remote(): Promise<Store> {
    const remote = await (this.#opened ??= this.#open());
    for (const path of this.#added) {
      this.#added.delete(path);
      await remote.addToStore(this.requirePathInfoSync(path), super.narFromPath(path), { checkSignatures: false });
    }
    return remote;
  }

  // ---- what cannot wait

  override addPendingObjects(objects: readonly PendingObject[]): void {
    const isNew = objects.filter(({ path }) => !this.isValidPathSync(path));
    super.addPendingObjects(objects);
    // References come first, as caches want them.
    for (const { path } of isNew) this.#added.add(path);
  }

  /** Makes what the other store knows of these paths, and of all they refer to, known here; derivations with their contents. */
  async learn(paths: Iterable<StorePath>): Promise<void> {
    const remote = await this.remote();
    const infos = new Map<StorePath, PathInfo>();
    const seen = new Set(paths);
    for (const path of seen) {
      if (this.isValidPathSync(path)) continue;
      const info = await remote.queryPathInfo(path);
      if (info === undefined) continue;
      infos.set(path, info);
      for (const reference of info.references) seen.add(reference);
    }
    for (const path of sortTopologically(infos.keys(), (each) => infos.get(each)!.references)) {
      const info = infos.get(path)!;
      if (isDerivationPath(path)) await super.addToStore(info, remote.narFromPath(path), { checkSignatures: false });
      else super.registerValidPaths([info]);
    }
  }

  /** The object's NAR, out of the folder that keeps copies where there is one (parameter `local-nar-cache`). */
  async #keptNar(info: PathInfo): Promise<NarSource> {
    const remote = await this.remote();
    const folder = new URLSearchParams(this.url.includes('?') ? this.url.slice(this.url.indexOf('?') + 1) : '').get('local-nar-cache');
    if (folder === null || folder === '') return remote.narFromPath(info.path);
    const file = `${folder}/${printHash(info.narHash, 'nix32')}.nar`;
    if (!fs.existsSync(file)) {
      fs.mkdirSync(folder, { recursive: true });
      await writeFile(`${file}.tmp-${process.pid}`, remote.narFromPath(info.path));
      fs.renameSync(`${file}.tmp-${process.pid}`, file);
    }
    return fs.createReadStream(file);
  }

  /** Brings the object's files here, without those it refers to. Where it has none, nothing. */
  async obtain(path: StorePath): Promise<void> {
    await this.learn([path]);
    const info = this.queryPathInfoSync(path);
    if (info === undefined || fs.lstatSync(systemPath(this.toRealPath(path)), { throwIfNoEntry: false }) !== undefined) return;
    const unpacking = new ObjectImport(path, this.realStoreDir);
    try {
      for await (const chunk of await this.#keptNar(info)) unpacking.push(chunk);
      unpacking.check(info, this.storeDir);
      unpacking.place();
    } finally {
      unpacking.abort();
    }
  }

  // ---- what waits

  override async queryPathInfo(path: StorePath): Promise<PathInfo | undefined> {
    return (await this.remote()).queryPathInfo(path);
  }

  override async queryValidPaths(paths: Iterable<StorePath>): Promise<Set<StorePath>> {
    return (await this.remote()).queryValidPaths(paths);
  }

  override async queryAllValidPaths(): Promise<StorePath[]> {
    return (await this.remote()).queryAllValidPaths();
  }

  override async queryPathFromHashPart(hashPart: string): Promise<StorePath | undefined> {
    return (await this.remote()).queryPathFromHashPart(hashPart);
  }

  override async queryReferrers(path: StorePath): Promise<StorePath[]> {
    return (await this.remote()).queryReferrers(path);
  }

  override async queryValidDerivers(path: StorePath): Promise<StorePath[]> {
    return (await this.remote()).queryValidDerivers(path);
  }

  override narFromPath(path: StorePath, options?: ReadOptions): NarSource {
    const remote = (): Promise<Store> => this.remote();
    return {
      async *[Symbol.asyncIterator]() {
        yield* (await remote()).narFromPath(path, options);
      },
    };
  }

  override async addToStore(info: PathInfo, nar: NarSource, options?: ImportOptions): Promise<void> {
    await (await this.remote()).addToStore(info, nar, options);
  }

  override async addSignatures(path: StorePath, signatures: readonly string[]): Promise<void> {
    await (await this.remote()).addSignatures(path, signatures);
  }

  override async queryRealisation(id: DerivationOutputId): Promise<Realisation | undefined> {
    return (await this.remote()).queryRealisation?.(id);
  }

  override async addRealisation(realisation: Realisation): Promise<void> {
    await (await this.remote()).addRealisation?.(realisation);
  }

  override async close(): Promise<void> {
    try {
      if (this.#added.size > 0) await this.remote();
      await (await this.#opened)?.close();
    } finally {
      await super.close();
    }
  }

  // ---- what is not done elsewhere

  #refuse(operation: string): never {
    throw new UsageError(`${operation} not supported by store '${this.uri}'`);
  }

  /** Whoever collects there does not know of links here. */
  override async addRootLink(path: StorePath): Promise<string> {
    return this.printPath(path);
  }

  override addIndirectRoot(): never {
    return this.#refuse('Indirect GC roots registration');
  }

  override findRoots(): never {
    return this.#refuse('Garbage collection');
  }

  override async collectGarbage(): Promise<never> {
    return this.#refuse('Garbage collection');
  }

  /** NIX: these two do nothing, and say nothing. */
  override async verify(): Promise<boolean> {
    return false;
  }

  override async optimise(): ReturnType<LocalStore['optimise']> {
    return { filesLinked: 0, bytesFreed: 0 };
  }
}
