// The store an engine works on, and what stands around it: the links users type, the mount that children need. Where the store lies is
// store/placement.ts's to say.

import * as fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DEFAULT_STORE_DIR, splitStorePath } from '../model/store-path.ts';
import { type DerivationPlace, LocalStore } from '../store/local/local-store.ts';
import type { MachineStore } from '../store/local/machine-store.ts';
import { readStoreMachine } from '../store/local/machine.ts';
import { StoreStand } from '../store/local/store-stand.ts';
import { isCacheUrl } from '../store/binary-cache/open-cache.ts';
import { openScratchStore } from '../store/local/scratch-store.ts';
import { openStore as openPlacedStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import { parseStoreUrl, type StorePlacement } from '../store/placement.ts';
import { clientSettings } from './daemon-builds.ts';
import type { Engine } from './engine.ts';
import { type ReadLog, statOf } from './reads.ts';
import { recordingMachine } from './recording.ts';

export interface OpenedStore {
  readonly store: MachineStore;
  readonly placement: StorePlacement;
  /** Follows symbolic links from a path until it lies in the store; undefined where it never does. */
  followToStore(path: string): string | undefined;
  /** Lets go of the store, and of the folder of one that only lasts as long as it is open. */
  close(): Promise<void>;
}

type StoreSurroundings = Pick<Engine, 'env' | 'cwd' | 'progress' | 'settings' | 'reads'>;

/**
 * Opens what the URL says; without one, what `--store`, the environment and the machine say. `derivationsElsewhere` has derivations that
 * are to be built there.
 */
export function openStore(surroundings: StoreSurroundings, url?: string, derivationsElsewhere?: DerivationPlace): OpenedStore {
  const { env, cwd, progress, settings, reads } = surroundings;
  const machine = readStoreMachine(env, cwd);
  const named = url ?? (settings.isOverridden('store') ? settings.get('store') : undefined);
  if (named !== undefined && (/^dummy(?::|$)/.test(named) || isCacheUrl(named) || isSshUrl(named)))
    return openScratch(surroundings, named, derivationsElsewhere);
  const { store, placement } = openPlacedStore({
    url: named,
    machine: reads === undefined ? machine : recordingMachine(machine, reads),
    progress,
    // A daemon's client may say so later.
    autoOptimise: () => settings.get('auto-optimise-store'),
    withRealisations: settings.hasFeature('ca-derivations'),
    requiresSignatures: () => settings.get('require-sigs'),
    derivationsElsewhere,
    withOverlays: settings.hasFeature('local-overlay-store'),
    clientSettings: () => clientSettings(settings, progress.level),
  });
  if (placement.socket !== undefined) reads?.refuse('a daemon was asked');
  else if (placement.overlay !== undefined) reads?.refuse('the store lies in two layers');
  else reads?.useStore(join(placement.stateDir, 'db/db.sqlite'), store.storeDir);
  return {
    store,
    placement,
    followToStore: (path) => followLinks(path, store.storeDir, reads),
    close: () => store.close(),
  };
}

/** `ssh://` or `ssh-ng://`. */
function isSshUrl(url: string): boolean {
  return /^ssh(?:-ng)?:/.test(url);
}

/** `dummy://?store=/foo&read-only=false`; or what stands before a store elsewhere. */
function openScratch(surroundings: StoreSurroundings, url: string, derivationsElsewhere: DerivationPlace | undefined): OpenedStore {
  const { env, cwd, progress, settings, reads } = surroundings;
  reads?.refuse('the store lasts as long as this run');
  const { parameters } = parseStoreUrl(url, cwd);
  const storeDir = parameters.get('store') ?? env['NIX_STORE_DIR'] ?? DEFAULT_STORE_DIR;
  const isElsewhere = isCacheUrl(url) || isSshUrl(url);
  const uri = isElsewhere ? url.replace(/\/*(?:\?.*)?$/, '') : 'dummy://';
  const options = {
    storeDir,
    uri,
    progress,
    readOnly: !isElsewhere && parameters.get('read-only') !== 'false',
    withRealisations: settings.hasFeature('ca-derivations'),
    // Who keeps a store elsewhere decides there.
    requiresSignatures: () => !isElsewhere && settings.get('require-sigs'),
    derivationsElsewhere,
  };
  const openElsewhere = async (): Promise<Store> => {
    if (isSshUrl(url)) return (await import('./ssh-connections.ts')).openSshUrl(surroundings, url).store;
    const { cacheOptions } = await import('./substituters.ts');
    const { openBinaryCache } = await import('../store/binary-cache/open-cache.ts');
    return (await openBinaryCache(url, await cacheOptions({ ...surroundings, storeDir }))).store;
  };
  const { store, remove } = openScratchStore(options, (place) =>
    isElsewhere ? new StoreStand(place, url, openElsewhere) : new LocalStore(place),
  );
  const { realStoreDir, stateDir, logDir, isReadOnly: readOnly } = store;
  return {
    store,
    placement: {
      storeDir,
      realStoreDir,
      stateDir,
      logDir,
      uri,
      readOnly,
      requiresSignatures: undefined,
      mount: undefined,
      warning: undefined,
      unknownParameters: [],
    },
    followToStore: (path) => followLinks(path, storeDir, reads),
    async close() {
      try {
        await store.close();
      } finally {
        remove();
      }
    },
  };
}

const MAX_LINKS = 40;

function followLinks(path: string, storeDir: string, reads: ReadLog | undefined): string | undefined {
  let current = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    if (current.startsWith(`${storeDir}/`)) return splitStorePath(current, storeDir) && current;
    const stats = statOf(current);
    reads?.look(current, stats);
    if (!stats?.isSymbolicLink()) return undefined;
    const target = fs.readlinkSync(current);
    reads?.link(current, target);
    current = resolve(dirname(current), target);
  }
  return undefined;
}
