// Checks a store against its database: every valid path is there, and (slowly) has the content it was registered with. What differs is
// handed to a repair function, if there is one. libstore/local-store.cc, verifyStore.

import * as fs from 'node:fs';
import { printBase32 } from '../../base/base32.ts';
import { FloeError } from '../../base/errors.ts';
import { equalHash, printHash } from '../../base/hash.ts';
import type { Progress } from '../../base/progress.ts';
import type { StorePath } from '../../model/store-path.ts';
import type { StoreDatabase } from './db.ts';
import { lockDescriptors, openLockFile } from './locks.ts';
import { hashTree } from './inspect-tree.ts';
import { gcLockPath } from './temp-roots.ts';

export interface VerifyOptions {
  readonly checkContents?: boolean;
  /** Brings a path back from elsewhere; FloeError where it cannot. */
  readonly repair?: ((path: StorePath) => Promise<void>) | undefined;
}

/** What is verified. */
export interface VerifiedStore {
  readonly storeDir: string;
  readonly realStoreDir: string;
  readonly stateDir: string;
  readonly db: StoreDatabase;
  readonly progress: Progress;
  readonly forget: (path: StorePath) => void;
}

class Verifier {
  readonly #store: VerifiedStore;
  readonly #options: VerifyOptions;
  readonly #done = new Set<StorePath>();
  readonly #present: ReadonlySet<string>;
  readonly valid = new Set<StorePath>();
  hasErrors = false;

  constructor(store: VerifiedStore, options: VerifyOptions) {
    this.#store = store;
    this.#options = options;
    this.#present = new Set(fs.readdirSync(store.realStoreDir));
  }

  async #repair(path: StorePath): Promise<void> {
    if (this.#options.repair === undefined) {
      this.hasErrors = true;
      return;
    }
    try {
      await this.#options.repair(path);
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      this.#store.progress.log('warn', error.message);
      this.hasErrors = true;
    }
  }

  /** A path without files is forgotten, after its referrers, where those can be too. */
  async checkExistence(path: StorePath): Promise<void> {
    if (this.#done.has(path)) return;
    this.#done.add(path);
    if (this.#present.has(path)) {
      this.valid.add(path);
      return;
    }
    const { db, storeDir, progress } = this.#store;
    let isNeeded = false;
    for (const referrer of db.queryReferrers(path)) {
      if (referrer === path) continue;
      await this.checkExistence(referrer);
      if (this.valid.has(referrer)) isNeeded = true;
    }
    if (!isNeeded) {
      progress.log('info', `path '${storeDir}/${path}' disappeared, removing from database...`);
      db.invalidate(path);
      this.#store.forget(path);
      return;
    }
    progress.log('error', `path '${storeDir}/${path}' disappeared, but it still has valid referrers!`);
    await this.#repair(path);
  }

  checkLinks(): void {
    const { realStoreDir, progress } = this.#store;
    progress.log('info', 'checking link hashes...');
    const folder = `${realStoreDir}/.links`;
    for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
      const actual = printBase32(hashTree(`${folder}/${name}`).narHash.bytes);
      if (actual === name) continue;
      progress.log('error', `link '${folder}/${name}' was modified! expected hash ${name}, got '${actual}'`);
      if (this.#options.repair === undefined) this.hasErrors = true;
      else fs.rmSync(`${folder}/${name}`, { force: true });
    }
  }

  async checkContents(path: StorePath): Promise<void> {
    const { db, storeDir, realStoreDir, progress } = this.#store;
    const info = db.queryPathInfo(path);
    if (info === undefined) return;
    let actual: ReturnType<typeof hashTree>;
    try {
      progress.log('talkative', `checking contents of '${storeDir}/${path}'`);
      actual = hashTree(`${realStoreDir}/${path}`);
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      // It may have been deleted since the list was made.
      progress.log(db.isValid(path) ? 'error' : 'warn', error.message);
      this.hasErrors = true;
      return;
    }
    const isMissingHash = info.narHash.bytes.every((byte) => byte === 0);
    if (!isMissingHash && !equalHash(info.narHash, actual.narHash)) {
      const [expected, got] = [printHash(info.narHash, 'nix32', true), printHash(actual.narHash, 'nix32', true)];
      progress.log('error', `path '${storeDir}/${path}' was modified! expected hash '${expected}', got '${got}'`);
      await this.#repair(path);
    } else if (isMissingHash || info.narSize === 0) {
      progress.log('info', `fixing missing hash or size of '${storeDir}/${path}'`);
      db.update({ ...info, ...actual });
      this.#store.forget(path);
    }
  }
}

/** True where errors remain. What is found is told as it is found. */
export async function verifyStore(store: VerifiedStore, options: VerifyOptions): Promise<boolean> {
  store.progress.log('info', 'reading the Nix store...');
  // Shared with adders of roots, so that no collection runs meanwhile.
  const lock = openLockFile(gcLockPath(store.stateDir));
  let verifier: Verifier;
  try {
    const [free] = await lockDescriptors([{ fd: lock, mode: 'shared', wait: false }]);
    if (free !== true) {
      store.progress.log('info', 'waiting for the big garbage collector lock...');
      await lockDescriptors([{ fd: lock, mode: 'shared', wait: true }]);
    }
    verifier = new Verifier(store, options);
    store.progress.log('info', 'checking path existence...');
    for (const path of store.db.queryAllPaths()) await verifier.checkExistence(path);
    if (options.checkContents === true) {
      verifier.checkLinks();
      store.progress.log('info', 'checking store hashes...');
      for (const path of verifier.valid) await verifier.checkContents(path);
    }
  } finally {
    fs.closeSync(lock);
  }
  return verifier.hasErrors;
}
