// Which store an engine works on, and what stands around it: the links users type, the mount that children need.

import * as fs from 'node:fs';
import { dirname, resolve } from 'node:path';
import { splitStorePath } from '../model/store-path.ts';
import { openLocalStore, type LocalStore } from '../store/local/local-store.ts';
import type { Engine } from './engine.ts';
import type { EvalStore } from './eval-host.ts';

export interface OpenedStore {
  readonly store: LocalStore;
  readonly evalStore: EvalStore;
  /** What a child must have mounted to see the store at its paths; undefined where it sees it anyway. */
  readonly mount: { readonly source: string; readonly target: string } | undefined;
  /** Follows symbolic links from a path until it lies in the store; undefined where it never does. */
  followToStore(path: string): string | undefined;
}

/** Opens what `--store`, the environment and the machine say. */
export function openStore({ env, progress }: Pick<Engine, 'env' | 'progress' | 'settings'>): OpenedStore {
  const root = `${env['XDG_DATA_HOME'] || `${env['HOME']}/.local/share`}/floe/root`;
  const given = env['NIX_STORE_DIR'] !== undefined;
  const storeDir = env['NIX_STORE_DIR'] ?? '/nix/store';
  const store = openLocalStore({
    storeDir,
    realStoreDir: given ? storeDir : `${root}/nix/store`,
    stateDir: env['NIX_STATE_DIR'] ?? (given ? `${dirname(storeDir)}/var/nix` : `${root}/nix/var/nix`),
    progress,
  });
  return {
    store,
    evalStore: store,
    mount: given ? undefined : { source: `${root}/nix`, target: '/nix' },
    followToStore: (path) => followLinks(path, storeDir),
  };
}

const MAX_LINKS = 40;

function followLinks(path: string, storeDir: string): string | undefined {
  let current = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    if (current.startsWith(`${storeDir}/`)) return splitStorePath(current, storeDir) && current;
    const stats = fs.lstatSync(current, { throwIfNoEntry: false });
    if (!stats?.isSymbolicLink()) return undefined;
    current = resolve(dirname(current), fs.readlinkSync(current));
  }
  return undefined;
}
