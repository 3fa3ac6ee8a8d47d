// Looking after a store: collecting garbage as the settings say, checking and repairing contents, linking equal files.

import { readFile } from 'node:fs/promises';
import { FloeError } from '../base/errors.ts';
import { equalHash, printHash } from '../base/hash.ts';
import type { StorePath } from '../model/store-path.ts';
import type { GcOptions, GcResults } from '../store/local/gc.ts';
import type { OptimiseStats } from '../store/local/optimise.ts';
import type { Engine } from './engine.ts';
import { writeStoreNar } from './store-archives.ts';

/** What a collection shall do; what keeps what comes from the settings. */
export type GarbageRequest = Omit<GcOptions, 'keepOutputs' | 'keepDerivations'>;

/** Works on one engine's store. */
export class StoreCare {
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Deletes, or tells, what no root reaches. */
  collectGarbage(request: GarbageRequest): Promise<GcResults> {
    const { settings, store, env } = this.engine;
    // Names of Nix's own: its tests make a collector wait with them.
    const [first, second] = ['_NIX_TEST_GC_SYNC_1', '_NIX_TEST_GC_SYNC_2'].map((name) => env[name]);
    return store.collectGarbage({
      ...request,
      pauses: {
        ...(first === undefined ? {} : { beforeServing: () => readFile(first) }),
        ...(second === undefined ? {} : { beforeDeleting: () => readFile(second) }),
      },
      keepOutputs: settings.get('keep-outputs'),
      keepDerivations: settings.get('keep-derivations'),
    });
  }

  /** Deletes these paths where nothing else needs them. `report` gets what was deleted, also where the collection fails midway. */
  async deletePaths(paths: Iterable<StorePath>, ignoreLiveness: boolean, report: (results: GcResults) => void): Promise<void> {
    const results = { paths: [] as string[], freedBytes: 0 };
    const onDelete = (path: string, freedBytes: number): void => {
      results.paths.push(path);
      results.freedBytes += freedBytes;
    };
    try {
      await this.collectGarbage({ action: 'delete-specific', pathsToDelete: new Set(paths), ignoreLiveness, onDelete });
    } finally {
      report(results);
    }
  }

  /** Checks the whole store against its database; true where errors remain. */
  verify(options: { readonly checkContents: boolean; readonly repair: boolean }): Promise<boolean> {
    const repair = (path: StorePath): Promise<void> => this.repair(path);
    return this.engine.store.verify({ checkContents: options.checkContents, ...(options.repair ? { repair } : {}) });
  }

  /** True where the files of a valid path are what they were; otherwise the user is told. */
  async checkContents(path: StorePath): Promise<boolean> {
    const { store, progress } = this.engine;
    const { narHash } = (await store.queryPathInfo(path)) ?? store.requirePathInfoSync(path);
    const actual = await writeStoreNar(store, path, () => {});
    if (equalHash(actual, narHash)) return true;
    const [expected, got] = [narHash, actual].map((hash) => printHash(hash, 'nix32', true));
    progress.log('error', `path '${store.printPath(path)}' was modified! expected hash '${expected}', got '${got}'`);
    return false;
  }

  /** Brings the files of a valid path back: fetched from wherever it can be, or by building its deriver again. */
  async repair(path: StorePath): Promise<void> {
    const { store, builds } = this.engine;
    const { deriver } = store.requirePathInfoSync(path);
    if (await builds.fetchAgain(path)) return;
    if (deriver === undefined || !store.isValidPathSync(deriver)) {
      throw new FloeError('FLOE_CANNOT_REPAIR', `cannot repair path '${store.printPath(path)}'`, {
        hint: 'no derivation in the store makes it, and no substituter has it',
      });
    }
    await builds.build([{ kind: 'built', derivation: deriver, outputs: 'all' }], { mode: 'repair', quiet: true });
  }

  /** Hard-links equal files of the store; undefined where a daemon did. */
  optimise(): Promise<OptimiseStats | undefined> {
    return this.engine.store.optimise();
  }
}
