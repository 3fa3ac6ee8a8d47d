// Local stores for tests, below a folder that is deleted when the test file ends.

import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { type LocalStore, type LocalStoreOptions, openLocalStore } from '../../src/store/local/local-store.ts';

function makeDeletable(path: string): void {
  if (!lstatSync(path).isDirectory()) return;
  chmodSync(path, 0o755);
  for (const name of readdirSync(path)) makeDeletable(join(path, name));
}

/** A folder of this test file's own. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'floe-test-'));
  after(() => {
    makeDeletable(folder);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Options of a store with /nix/store as its logical directory, physically below `root` (as `--store root` has it). */
export function chrootStoreOptions(root: string): LocalStoreOptions {
  return { storeDir: '/nix/store', realStoreDir: `${root}/nix/store`, stateDir: `${root}/nix/var/nix`, uri: root, reservedBytes: 4096 };
}

/** A store of its own below `parent`. */
export function openTestStore(parent: string, options: Partial<LocalStoreOptions> = {}): LocalStore {
  return openLocalStore({ ...chrootStoreOptions(mkdtempSync(join(parent, 'store-'))), ...options });
}
