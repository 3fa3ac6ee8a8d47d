// Store URL and environment -> an open store on this machine.

import { type Progress, SILENT } from '../base/progress.ts';
import type { PublicKey } from '../model/signature.ts';
import type { ClientSettings } from '../model/worker-protocol.ts';
import { DaemonStore } from './local/daemon-store.ts';
import { type DerivationPlace, openLocalStore } from './local/local-store.ts';
import type { MachineStore } from './local/machine-store.ts';
import { readStoreMachine } from './local/machine.ts';
import { placeStore, type StoreMachine, type StorePlacement } from './placement.ts';

export interface OpenStoreOptions {
  /** What `--store` or the setting `store` says; NIX_REMOTE and the usual places otherwise. */
  readonly url?: string | undefined;
  /** The present machine and environment unless said. */
  readonly machine?: StoreMachine;
  readonly progress?: Progress | undefined;
  readonly autoOptimise?: boolean;
  /** Remember what outputs of content-addressed derivations turned out to be. */
  readonly withRealisations?: boolean;
  /** Whether what is copied here needs a signature, where the URL does not say. */
  readonly requiresSignatures?: boolean;
  /** Where derivations lie that the store does not have. */
  readonly derivationsElsewhere?: DerivationPlace | undefined;
  /** Keys one of which must have signed what is imported; undefined accepts all. */
  readonly trustedKeys?: ReadonlyMap<string, PublicKey> | undefined;
  /** What a daemon is told of the user's settings. */
  readonly clientSettings?: (() => ClientSettings) | undefined;
}

/** An open store and how it lies on the machine; `placement.mount` says how a child must be launched to see its paths. */
export interface PlacedStore {
  readonly store: MachineStore;
  readonly placement: StorePlacement;
}

/** Opens the store, made where it is missing. Says what has to be said about its place over `progress`. */
export function openStore(options: OpenStoreOptions = {}): PlacedStore {
  const { url, progress, autoOptimise = false, withRealisations = false, requiresSignatures, derivationsElsewhere, trustedKeys } = options;
  const placement = placeStore(url, options.machine ?? readStoreMachine());
  for (const name of placement.unknownParameters) progress?.log('warn', `unknown setting '${name}' of store '${placement.uri}'`);
  if (placement.warning !== undefined) progress?.log('warn', placement.warning);
  const { storeDir, realStoreDir, stateDir, logDir, uri, readOnly, socket } = placement;
  if (socket !== undefined) {
    const settings = options.clientSettings;
    const places = { storeDir, realStoreDir, stateDir, logDir, uri, socket };
    return { placement, store: new DaemonStore({ ...places, progress: progress ?? SILENT, withRealisations, settings }) };
  }
  return {
    placement,
    store: openLocalStore({
      storeDir,
      realStoreDir,
      stateDir,
      logDir,
      uri,
      readOnly,
      progress,
      autoOptimise,
      withRealisations,
      requiresSignatures: placement.requiresSignatures ?? requiresSignatures,
      derivationsElsewhere,
      trustedKeys,
    }),
  };
}
