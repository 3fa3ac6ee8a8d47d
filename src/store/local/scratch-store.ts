// `dummy://`: a store that holds nothing and forgets what it is given, for evaluating alone. It lies in a folder for temporary files as
// long as it is open. libstore/dummy-store.cc.

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoreDir } from '../../model/store-path.ts';
import type { LocalStore, LocalStoreOptions } from './local-store.ts';

export interface ScratchStore<S extends LocalStore = LocalStore> {
  readonly store: S;
  readonly folder: string;
  /** After the store is closed. */
  remove(): void;
}

/** An empty store; `readOnly` refuses what would be added. `open` makes it. */
export function openScratchStore<S extends LocalStore>(
  options: Pick<LocalStoreOptions, 'uri' | 'progress' | 'withRealisations' | 'requiresSignatures' | 'derivationsElsewhere'> & {
    readonly storeDir: StoreDir;
    readonly readOnly: boolean;
  },
  open: (options: LocalStoreOptions) => S,
): ScratchStore<S> {
  const { readOnly, ...rest } = options;
  const folder = fs.mkdtempSync(join(tmpdir(), 'floe-store-'));
  const place = { ...rest, realStoreDir: `${folder}/store`, stateDir: `${folder}/var`, reservedBytes: 0 };
  let store = open(place);
  if (readOnly) {
    // A database that is to be read has to be there.
    store.closeSync();
    store = open({ ...place, readOnly });
  }
  const remove = (): void => {
    makeDeletable(place.realStoreDir);
    fs.rmSync(folder, { recursive: true, force: true });
  };
  return { store, folder, remove };
}

/** Folders of the store are read-only. */
function makeDeletable(path: string): void {
  if (!fs.lstatSync(path).isDirectory()) return;
  fs.chmodSync(path, 0o755);
  for (const name of fs.readdirSync(path)) makeDeletable(join(path, name));
}
