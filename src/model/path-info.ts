// What a store knows of one valid path.

import type { Hash } from '../base/hash.ts';
import type { ContentAddress } from './content-address.ts';
import type { StorePath } from './store-path.ts';

export interface PathInfo {
  readonly path: StorePath;
  /** SHA-256 of the object's NAR. */
  readonly narHash: Hash;
  /** Bytes of the object's NAR. */
  readonly narSize: number;
  /** Sorted; may contain the path itself. */
  readonly references: readonly StorePath[];
  readonly deriver?: StorePath | undefined;
  /** Seconds since 1970. */
  readonly registrationTime: number;
  /** Built on this machine by this user or one it trusts. */
  readonly ultimate: boolean;
  /** `<key name>:<base 64>` each. */
  readonly signatures: readonly string[];
  readonly contentAddress?: ContentAddress | undefined;
}
