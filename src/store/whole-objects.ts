// Objects that lie in memory whole, on their way into a store.

import { compareStrings, concatBytes } from '../base/bytes.ts';
import { hashBytes } from '../base/hash.ts';
import { makeTextPath } from '../model/content-address.ts';
import { narOfFile } from '../model/nar.ts';
import type { PathInfo } from '../model/path-info.ts';
import type { StoreDir, StorePath } from '../model/store-path.ts';

/** Chunks that are there, for who waits for each. */
export async function* inChunks(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
}

/** A text object and its NAR. */
export function textObject(
  name: string,
  text: Uint8Array,
  references: readonly StorePath[],
  storeDir: StoreDir,
): { readonly info: PathInfo; readonly nar: Uint8Array } {
  const hash = hashBytes('sha256', text);
  const sorted = [...references].sort(compareStrings);
  const nar = concatBytes(narOfFile(text));
  return {
    nar,
    info: {
      path: makeTextPath(name, hash, sorted, storeDir),
      narHash: hashBytes('sha256', nar),
      narSize: nar.length,
      references: sorted,
      registrationTime: 0,
      ultimate: false,
      signatures: [],
      contentAddress: { method: 'text', hash },
    },
  };
}
