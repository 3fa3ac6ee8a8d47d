// Collecting garbage by itself while a run builds: where less than `min-free` bytes are free, as much is deleted as brings `max-free`
// back. libstore/gc.cc, LocalStore::autoGC. What the run needs is safe: it is a temporary root before anything is built.

import * as fs from 'node:fs';
import { FloeError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import type { LocalStore } from '../store/local/local-store.ts';
import { systemPath } from '../store/local/system-error.ts';

/** When garbage is collected, and what stays. */
export interface AutoGcSettings {
  /** Free bytes below which a collection starts; 0 for never. */
  readonly minFree: number;
  /** Free bytes at which it stops. */
  readonly maxFree: number;
  /** Seconds between two looks at the free space. */
  readonly checkIntervalS: number;
  readonly keepOutputs: boolean;
  readonly keepDerivations: boolean;
  /** A file that holds the number of free bytes, in place of the file system's answer (tests). */
  readonly freeSpaceFile?: string | undefined;
}

/** A collection that freed little is not repeated until this part of what was free afterwards is gone. */
const WORTH_REPEATING = 0.97;

/** Looks at the free space as long as a run lasts. */
export class AutoGc {
  readonly #store: LocalStore;
  readonly #settings: AutoGcSettings;
  readonly #progress: Progress;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #freeAfter = Infinity;

  constructor(store: LocalStore, settings: AutoGcSettings, progress: Progress) {
    this.#store = store;
    this.#settings = settings;
    this.#progress = progress;
  }

  start(): void {
    const { minFree, checkIntervalS } = this.#settings;
    if (minFree <= 0) return;
    this.#look();
    this.#timer = setInterval(() => this.#look(), Math.max(checkIntervalS, 1) * 1000);
    this.#timer.unref();
  }

  /** Ends the looking; a collection under way is waited for. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  #look(): void {
    const { minFree, maxFree } = this.#settings;
    if (this.#running !== undefined) return;
    const free = this.#freeBytes();
    if (free >= minFree || free >= maxFree || free > this.#freeAfter * WORTH_REPEATING) return;
    this.#running = this.#collect(maxFree - free).finally(() => (this.#running = undefined));
  }

  #freeBytes(): number {
    const { freeSpaceFile } = this.#settings;
    if (freeSpaceFile !== undefined) return Number(fs.readFileSync(freeSpaceFile, 'latin1'));
    const { bavail, bsize } = fs.statfsSync(systemPath(this.#store.realStoreDir));
    return bavail * bsize;
  }

  async #collect(bytes: number): Promise<void> {
    const { keepOutputs, keepDerivations } = this.#settings;
    this.#progress.log('info', `running auto-GC to free ${bytes} bytes`);
    try {
      await this.#store.collectGarbage({ action: 'delete-dead', maxFreedBytes: bytes, keepOutputs, keepDerivations });
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      // What is built does not depend on it.
      this.#progress.log('error', `error: ${error.message}`);
    }
    this.#freeAfter = this.#freeBytes();
  }
}
