// Whether valid paths still hold what was registered: read and hashed at most once a run, and only by repairing.

import { equalHash } from '../base/hash.ts';
import type { Progress } from '../base/progress.ts';
import type { StorePath } from '../model/store-path.ts';
import { hashTree } from '../store/local/inspect-tree.ts';
import type { LocalStore } from '../store/local/local-store.ts';
import { statOf } from './host-files.ts';

/** What one run knows of the contents of paths. */
export class ContentChecks {
  readonly #store: LocalStore;
  readonly #progress: Progress;
  readonly #known = new Map<StorePath, boolean>();

  constructor(store: LocalStore, progress: Progress) {
    this.#store = store;
    this.#progress = progress;
  }

  /** False also where the path is not valid. */
  isGood(path: StorePath): boolean {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const info = this.#store.queryPathInfoSync(path);
    if (info === undefined) return false;
    const printed = this.#store.printPath(path);
    this.#progress.log('info', `checking path '${printed}'...`);
    const real = this.#store.toRealPath(path);
    const good = statOf(real) !== undefined && equalHash(hashTree(real).narHash, info.narHash);
    if (!good) this.#progress.log('error', `path '${printed}' is corrupted or missing!`);
    this.#known.set(path, good);
    return good;
  }

  /** It was made just now. */
  noteGood(path: StorePath): void {
    this.#known.set(path, true);
  }
}
