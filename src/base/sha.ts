// Synchronous digests for every room. The pure implementation is @noble/hashes; the engine replaces it with node:crypto's, which
// is several times faster, through `useDigests`. BLAKE3 stays with @noble, since node:crypto has none.

import { blake3 } from '@noble/hashes/blake3.js';
import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { byteStringOf, bytesOf, printHex } from './bytes.ts';

export type HashAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha512' | 'blake3';

/** A digest under way. `update` takes bytes or a byte string. */
export interface HashSink {
  update(data: Uint8Array | string): void;
  digest(): Uint8Array;
}

export interface Digests {
  digest(algorithm: HashAlgorithm, data: Uint8Array | string): Uint8Array;
  start(algorithm: HashAlgorithm): HashSink;
  /** Digest in base 16, where that comes cheaper than printing the bytes. */
  hexDigest?(algorithm: HashAlgorithm, data: Uint8Array | string): string;
  /** Digest as a byte string, where that comes cheaper than its bytes. */
  textDigest?(algorithm: HashAlgorithm, data: Uint8Array | string): string;
}

const noble = { md5, sha1, sha256, sha512, blake3 };
const asBytes = (data: Uint8Array | string) => (typeof data === 'string' ? bytesOf(data) : data);

const pureDigests: Digests = {
  digest: (algorithm, data) => noble[algorithm](asBytes(data)),
  start(algorithm) {
    const state = noble[algorithm].create();
    return { update: (data) => void state.update(asBytes(data)), digest: () => state.digest() };
  },
};

let digests = pureDigests;

/** Puts another implementation in place for the whole process. */
export function useDigests(implementation: Digests): void {
  digests = implementation;
}

/** Digest of bytes or of a byte string. */
export function digest(algorithm: HashAlgorithm, data: Uint8Array | string): Uint8Array {
  return digests.digest(algorithm, data);
}

/** Digest of bytes or of a byte string, in base 16. */
export function hexDigest(algorithm: HashAlgorithm, data: Uint8Array | string): string {
  return digests.hexDigest?.(algorithm, data) ?? printHex(digests.digest(algorithm, data));
}

/** Digest of bytes or of a byte string, as a byte string. */
export function textDigest(algorithm: HashAlgorithm, data: Uint8Array | string): string {
  return digests.textDigest?.(algorithm, data) ?? byteStringOf(digests.digest(algorithm, data));
}

export function startDigest(algorithm: HashAlgorithm): HashSink {
  return digests.start(algorithm);
}

/** For implementations that lack an algorithm. */
export { pureDigests };
