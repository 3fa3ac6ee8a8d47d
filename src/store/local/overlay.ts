// A store whose objects lie in two layers under an overlay filesystem: a lower store, which is only read, and an upper layer for what
// comes new. The database is the upper layer's; what only the lower store knows is answered from there, and taken over when its validity
// is asked for. Experimental (`local-overlay-store`). libstore/local-overlay-store.cc at 2.34.8.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { StoreError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import type { PathInfo } from '../../model/path-info.ts';
import type { DerivationOutputId, Realisation } from '../../model/realisation.ts';
import type { StorePath } from '../../model/store-path.ts';
import { type OpenDatabaseOptions, type Registration, StoreDatabase } from './db.ts';
import { deleteTree } from './nar-files.ts';
import { guardIo } from './system-error.ts';

export interface OverlayOptions {
  readonly lower: { readonly realStoreDir: string; readonly database: StoreDatabase };
  /** Where the two layers are seen as one. */
  readonly realStoreDir: string;
  /** Folder of the objects that the lower store does not have. */
  readonly upperLayer: string;
  /** Program that mounts the filesystem again, after files came out from under it; "" for none. */
  readonly remountHook: string;
  readonly progress: Progress;
}

/** The upper layer's database over the lower store's. */
class OverlayDatabase extends StoreDatabase {
  readonly #lower: StoreDatabase;
  readonly #immutable: boolean;

  constructor(options: OpenDatabaseOptions, lower: StoreDatabase) {
    super(options);
    this.#lower = lower;
    this.#immutable = options.immutable === true;
  }

  override isValid(path: StorePath): boolean {
    if (super.isValid(path)) return true;
    if (!this.#lower.isValid(path)) return false;
    if (!this.#immutable) this.#adopt([path]);
    return true;
  }

  /** Registers here what the lower store has of these, with everything they refer to. */
  #adopt(paths: Iterable<StorePath>): void {
    const adopted = new Map<StorePath, Registration>();
    const todo = [...paths];
    for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
      if (adopted.has(path) || super.isValid(path)) continue;
      const info = this.#lower.queryPathInfo(path);
      if (info === undefined) continue;
      adopted.set(path, { info, outputs: this.#lower.queryOutputs(path) });
      todo.push(...info.references);
    }
    if (adopted.size > 0) super.register([...adopted.values()], 0);
  }

  override queryPathInfo(path: StorePath): PathInfo | undefined {
    return super.queryPathInfo(path) ?? this.#lower.queryPathInfo(path);
  }

  override queryReferrers(path: StorePath): StorePath[] {
    return [...new Set([...super.queryReferrers(path), ...this.#lower.queryReferrers(path)])].sort();
  }

  override queryDerivers(path: StorePath): StorePath[] {
    return [...new Set([...super.queryDerivers(path), ...this.#lower.queryDerivers(path)])].sort();
  }

  override queryOutputs(derivation: StorePath): Map<string, StorePath> {
    return super.isValid(derivation) ? super.queryOutputs(derivation) : this.#lower.queryOutputs(derivation);
  }

  override queryPathFromHashPart(hashPart: string): StorePath | undefined {
    return super.queryPathFromHashPart(hashPart) ?? this.#lower.queryPathFromHashPart(hashPart);
  }

  override register(registrations: readonly Registration[], now: number): void {
    this.transaction(() => {
      // What the lower store has keeps its facts; also what is referred to must be valid here.
      this.#adopt(registrations.flatMap(({ info }) => [info.path, ...info.references]));
      super.register(registrations, now);
    });
  }

  override queryRealisation(id: DerivationOutputId): Realisation | undefined {
    return super.queryRealisation(id) ?? this.#lower.queryRealisation(id);
  }

  override putRealisation(realisation: Realisation): void {
    super.putRealisation(realisation, super.queryRealisation(realisation.id) !== undefined);
  }
}

/** The two layers of one store. */
export class Overlay {
  readonly #options: OverlayOptions;
  #needsRemounting = false;

  constructor(options: OverlayOptions) {
    this.#options = options;
  }

  openDatabase(options: OpenDatabaseOptions): StoreDatabase {
    return new OverlayDatabase(options, this.#options.lower.database);
  }

  /** Deletes an entry of the store directory as far as it lies in the upper layer; says how many bytes that freed. */
  remove(baseName: string): number {
    const { lower, realStoreDir, upperLayer } = this.#options;
    const upper = `${upperLayer}/${baseName}`;
    if (fs.lstatSync(upper, { throwIfNoEntry: false }) === undefined) return 0;
    // Through the overlay a file would stay behind that hides the lower store's object.
    if (!lower.database.isValid(baseName as StorePath)) return deleteTree(`${realStoreDir}/${baseName}`);
    this.#needsRemounting = true;
    return deleteTree(upper);
  }

  /** Deletes what the lower store has too. */
  deduplicate(paths: Iterable<StorePath>): void {
    for (const path of paths) if (this.#options.lower.database.isValid(path)) this.remove(path);
    this.remountWhereNeeded();
  }

  /** After something was deleted from under the overlay. */
  remountWhereNeeded(): void {
    const { realStoreDir, remountHook, progress } = this.#options;
    if (!this.#needsRemounting) return;
    this.#needsRemounting = false;
    if (remountHook === '') {
      progress.log('warn', `"${realStoreDir}" needs remounting, set remount-hook to do this automatically`);
      return;
    }
    const { status, error } = spawnSync(remountHook, [realStoreDir], { stdio: ['ignore', 'inherit', 'inherit'] });
    if (status === 0) return;
    const reason = error === undefined ? `failed with exit code ${status}` : `cannot be run: ${error.message}`;
    throw new StoreError(`program "${remountHook}" ${reason}`, { code: 'FLOE_REMOUNT', data: { program: remountHook } });
  }
}

/** StoreError where the two layers are not mounted as the store says; `mounts` is the text of /proc/self/mounts. */
export function requireOverlayMount(mounts: string, realStoreDir: string, lowerStoreDir: string, upperLayer: string): void {
  // The last of several that lie over each other is the one that is seen.
  const mount = mounts.split('\n').findLast((line) => line.startsWith(`overlay ${realStoreDir} `));
  const options = mount?.split(' ')[3]?.split(',') ?? [];
  if (options.includes(`lowerdir=${lowerStoreDir}`) && options.includes(`upperdir=${upperLayer}`)) return;
  throw new StoreError(`overlay filesystem "${realStoreDir}" mounted incorrectly`, {
    code: 'FLOE_OVERLAY_MOUNT',
    data: { mount: mount ?? '' },
    hint: `it has to be an overlay with lowerdir=${lowerStoreDir} and upperdir=${upperLayer}; 'check-mount=false' looks at nothing`,
  });
}

/** What is mounted now. */
export function readMounts(): string {
  return guardIo('reading', '/proc/self/mounts', () => fs.readFileSync('/proc/self/mounts', 'latin1'));
}
