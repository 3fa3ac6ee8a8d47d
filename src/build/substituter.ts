// What building needs of substituters: which paths can be fetched instead of built, and fetching them. The store room implements it
// over binary caches and other stores.

import type { DerivationOutputId, Realisation } from '../model/realisation.ts';
import type { ContentAddress } from '../model/content-address.ts';
import type { StorePath } from '../model/store-path.ts';

/** What a substituter knows of a path before fetching it. */
export interface SubstitutableInfo {
  readonly references: readonly StorePath[];
  /** Bytes to be transferred; 0 where unknown. */
  readonly downloadSize: number;
  readonly narSize: number;
}

export interface Substituter {
  /** Facts about those of the paths that can be fetched. */
  query(paths: readonly StorePath[]): Promise<ReadonlyMap<StorePath, SubstitutableInfo>>;
  /** What an output of a content-addressed derivation turned out to be elsewhere; undefined where nobody trustworthy knows. */
  queryRealisation?(id: DerivationOutputId): Promise<Realisation | undefined>;
  /** Those of the paths that are in stores which want to be asked for many at once. */
  queryMany?(paths: readonly StorePath[]): Promise<ReadonlySet<StorePath>>;
  /** Tells by which content a path may be found in stores of another directory too, where it has another name. */
  noteAddress?(path: StorePath, address: ContentAddress): void;
  /**
   * Fetches one path whose references are valid, and registers it. False where no substituter has it after all; errors where one has
   * it but it could not be fetched.
   */
  substitute(path: StorePath, options: { readonly repair: boolean; readonly signal: AbortSignal }): Promise<boolean>;
}
