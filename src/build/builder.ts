// The Builder interface: whatever can turn one derivation, its inputs being valid, into valid outputs. This machine is one
// (local-builder.ts); others will be (remote-builder.ts).

import type { BuildError } from '../base/errors.ts';
import type { BuildSuccessStatus } from '../model/build-result.ts';
import type { Derivation } from '../model/derivation.ts';
import type { StorePath } from '../model/store-path.ts';
import type { DerivationOptions } from './derivation-options.ts';
import type { BuildMode } from './outputs.ts';

/** One derivation to be built. */
export interface BuildJob {
  readonly path: StorePath;
  readonly derivation: Derivation;
  readonly options: DerivationOptions;
  readonly mode: BuildMode;
}

/** How a job ended. */
export type BuildOutcome =
  | {
      readonly success: true;
      readonly status: BuildSuccessStatus;
      /** Where each output is. */
      readonly outputs: ReadonlyMap<string, StorePath>;
    }
  | { readonly success: false; readonly error: BuildError };

export interface Builder {
  /** Undefined where this builder can take the job; otherwise the error that says why not. */
  refuses(job: BuildJob): BuildError | undefined;
  /**
   * Builds. Jobs of one process for one derivation must not overlap. Errors other than a failed build (a full disk, an interrupt)
   * are thrown.
   */
  build(job: BuildJob, signal: AbortSignal): Promise<BuildOutcome>;
}
