// What a daemon needs of whoever has a store, settings and a way to build: one host serves one client. The engine is one (its
// daemon-host.ts); nothing of the protocol is known there, and nothing of evaluation here.

import type { BuildResult } from '../model/build-result.ts';
import type { Derivation } from '../model/derivation.ts';
import type { DerivedPath } from '../model/derived-path.ts';
import type { PathInfo } from '../model/path-info.ts';
import type { StorePath } from '../model/store-path.ts';
import type { ClientSettings, MissingPaths, SubstitutablePath, WorkerBuildMode, WorkerGcAction } from '../model/worker-protocol.ts';
import type { MachineStore } from '../store/local/machine-store.ts';

/** What a client wants of a collector. */
export interface GarbageCollection {
  readonly action: WorkerGcAction;
  readonly pathsToDelete: ReadonlySet<StorePath>;
  readonly maxFreedBytes: number;
}

/** See the head of the file. */
export interface DaemonHost {
  readonly store: MachineStore;
  /** Nix's version, as the other side understands it. */
  readonly nixVersion: string;
  /** Takes over what of a client's settings the client may set. */
  applySettings(settings: ClientSettings, isTrusted: boolean): void;
  /** Whether an object without any signature may come in. */
  isSignedWell(info: PathInfo): Promise<boolean>;
  /** What building takes. */
  missing(paths: readonly DerivedPath[]): Promise<MissingPaths>;
  /** Builds or fetches; failed builds are results. */
  build(paths: readonly DerivedPath[], mode: WorkerBuildMode, signal: AbortSignal): Promise<{ path: DerivedPath; result: BuildResult }[]>;
  /** The same; a failed build is thrown. */
  buildOrFail(paths: readonly DerivedPath[], mode: WorkerBuildMode, signal: AbortSignal): Promise<void>;
  /** Builds a derivation that need not be in the store, and whose inputs are there. */
  buildDerivation(path: StorePath, derivation: Derivation, mode: WorkerBuildMode, signal: AbortSignal): Promise<BuildResult>;
  /** Where all outputs of a derivation are; undefined for those that nobody knows yet. */
  derivationOutputs(derivation: StorePath): Promise<Map<string, StorePath | undefined>>;
  /** What substituters have of these. */
  substitutable(paths: readonly StorePath[]): Promise<SubstitutablePath[]>;
  collectGarbage(request: GarbageCollection): Promise<{ readonly paths: readonly string[]; readonly freedBytes: number }>;
  /** True where errors remain. */
  verify(checkContents: boolean, repair: boolean): Promise<boolean>;
  /** Keeps the log of a build that happened elsewhere. */
  addBuildLog(derivation: StorePath, log: Uint8Array): Promise<void>;
}
