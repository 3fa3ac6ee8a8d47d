// The Store interface: what every kind of store can do. What can be written with these methods is a function (closure.ts,
// copy.ts), never another method; garbage collection, repair and optimising belong to the local store alone.

import type { Activity } from '../base/progress.ts';
import type { PathInfo } from '../model/path-info.ts';
import type { DerivationOutputId, Realisation } from '../model/realisation.ts';
import type { StoreDir, StorePath } from '../model/store-path.ts';

/** A NAR as chunks, in order. */
export type NarSource = AsyncIterable<Uint8Array>;

/** For reading what may lie far away. */
export interface ReadOptions {
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
  /** What the reading is part of. */
  readonly parent?: Activity | undefined;
}

export interface ImportOptions {
  /** Import also where the path is valid, in the place of what is there. */
  readonly repair?: boolean;
  /** False where the object comes from a trusted place and needs no signature. */
  readonly checkSignatures?: boolean;
}

export interface Store {
  /** Logical directory that store paths print under. */
  readonly storeDir: StoreDir;
  /** As the user would write it, for messages. */
  readonly uri: string;
  queryPathInfo(path: StorePath): Promise<PathInfo | undefined>;
  /** Those of `paths` that are valid. */
  queryValidPaths(paths: Iterable<StorePath>): Promise<Set<StorePath>>;
  queryAllValidPaths(): Promise<StorePath[]>;
  /** The full path whose hash part is that, if one is valid. */
  queryPathFromHashPart(hashPart: string): Promise<StorePath | undefined>;
  queryReferrers(path: StorePath): Promise<StorePath[]>;
  queryValidDerivers(path: StorePath): Promise<StorePath[]>;
  /** The object's NAR. InvalidPathError where it is not valid. */
  narFromPath(path: StorePath, options?: ReadOptions): NarSource;
  /** Keeps garbage collectors from these paths, valid or to come, until the store is closed; nothing where none collects. */
  addTempRoots(paths: Iterable<StorePath>): Promise<void>;
  /**
   * Imports one object; the NAR's hash and size are checked against `info`, and nothing is left behind when they differ. Where the path
   * is valid already the NAR is not read (unless to repair).
   */
  addToStore(info: PathInfo, nar: NarSource, options?: ImportOptions): Promise<void>;
  /** Text object with references, such as a .drv file. */
  addText(name: string, text: Uint8Array, references: readonly StorePath[]): Promise<StorePath>;
  /** Registers signatures on a valid path. */
  addSignatures(path: StorePath, signatures: readonly string[]): Promise<void>;
  /** What an output of a content-addressed derivation turned out to be; left out by stores that know of none. */
  queryRealisation?(id: DerivationOutputId): Promise<Realisation | undefined>;
  /** Remembers a realisation whose path is valid. */
  addRealisation?(realisation: Realisation): Promise<void>;
  close(): Promise<void>;
}
