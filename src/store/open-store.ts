// Store URL and environment -> an open store on this machine.

import { FloeError, UsageError } from '../base/errors.ts';
import { type Progress, SILENT } from '../base/progress.ts';
import type { PublicKey } from '../model/signature.ts';
import type { ClientSettings } from '../model/worker-protocol.ts';
import { DaemonStore } from './local/daemon-store.ts';
import { type DerivationPlace, LocalStore, type LocalStoreOptions, openLocalStore } from './local/local-store.ts';
import type { MachineStore } from './local/machine-store.ts';
import { readStoreMachine } from './local/machine.ts';
import { Overlay, readMounts, requireOverlayMount } from './local/overlay.ts';
import { type OverlayPlacement, placeStore, type StoreMachine, type StorePlacement } from './placement.ts';

export interface OpenStoreOptions {
  /** What `--store` or the setting `store` says; NIX_REMOTE and the usual places otherwise. */
  readonly url?: string | undefined;
  /** The present machine and environment unless said. */
  readonly machine?: StoreMachine;
  readonly progress?: Progress | undefined;
  readonly autoOptimise?: () => boolean;
  /** Remember what outputs of content-addressed derivations turned out to be. */
  readonly withRealisations?: boolean;
  /** Whether what is copied here needs a signature, where the URL does not say. */
  readonly requiresSignatures?: () => boolean;
  /** Where derivations lie that the store does not have. */
  readonly derivationsElsewhere?: DerivationPlace | undefined;
  /** The feature `local-overlay-store` is on. */
  readonly withOverlays?: boolean;
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
  const { url, progress, autoOptimise, withRealisations = false, requiresSignatures, derivationsElsewhere, trustedKeys } = options;
  const placement = placeStore(url, options.machine ?? readStoreMachine());
  for (const name of placement.unknownParameters) progress?.log('warn', `unknown setting '${name}' of store '${placement.uri}'`);
  if (placement.warning !== undefined) progress?.log('warn', placement.warning);
  const { storeDir, realStoreDir, stateDir, logDir, uri, readOnly, socket } = placement;
  if (socket !== undefined) {
    const settings = options.clientSettings;
    const places = { storeDir, realStoreDir, stateDir, logDir, uri, socket };
    return { placement, store: new DaemonStore({ ...places, progress: progress ?? SILENT, withRealisations, settings }) };
  }
  const { requiresSignatures: placed } = placement;
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
      requiresSignatures: placed === undefined ? requiresSignatures : () => placed,
      derivationsElsewhere,
      trustedKeys,
      overlay: placement.overlay === undefined ? undefined : openOverlay(placement, placement.overlay, options),
    }),
  };
}

/** Opens the lower store, and looks whether the layers are mounted as they should be. */
function openOverlay(
  { realStoreDir, uri }: StorePlacement,
  { lowerStore, upperLayer, checkMount, remountHook }: OverlayPlacement,
  options: OpenStoreOptions,
): LocalStoreOptions['overlay'] {
  if (options.withOverlays !== true) {
    throw new FloeError(
      'FLOE_FEATURE_DISABLED',
      "experimental Nix feature 'local-overlay-store' is disabled; add '--extra-experimental-features local-overlay-store' to enable it",
    );
  }
  if (upperLayer === '') throw new UsageError(`store '${uri}' says no 'upper-layer', the folder of what the lower store does not have`);
  const { store: lower } = openStore({ ...options, url: lowerStore || 'auto' });
  if (!(lower instanceof LocalStore))
    throw new UsageError(`store '${lower.uri}' is behind a daemon, so it cannot be the lower store of '${uri}'`);
  if (checkMount) requireOverlayMount(readMounts(), realStoreDir, lower.realStoreDir, upperLayer);
  const progress = options.progress ?? SILENT;
  return { lower, layers: new Overlay({ lower: lower.asLower(), realStoreDir, upperLayer, remountHook, progress }) };
}
