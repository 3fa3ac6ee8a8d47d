// node:crypto's digests in place of the pure ones: several times faster, and hashing is a tenth of an evaluation. BLAKE3, which
// node:crypto lacks, stays pure.
//
// PERF: loading node:crypto costs 10 ms, as long as a start without it takes after Node's own; so the first few short texts are left to the
// pure ones, and the module is loaded when it is first used (bin/pack.ts).

import { createHash, hash } from 'node:crypto';
import { printHex } from '../base/bytes.ts';
import { type Digests, pureDigests, useDigests } from '../base/sha.ts';

const NON_ASCII = /[^\x00-\x7f]/;

/** Bytes that the pure digests may still be given. */
let pureBytes = 512;

function isFew({ length }: Uint8Array | string): boolean {
  if (length > pureBytes) pureBytes = 0;
  else pureBytes -= length;
  return pureBytes > 0;
}

// PERF: a one-shot digest of a string skips a Buffer copy where the text is ASCII, as derivations nearly always are.
const nodeDigests: Digests = {
  digest(algorithm, data) {
    if (algorithm === 'blake3' || isFew(data)) return pureDigests.digest(algorithm, data);
    return hash(algorithm, typeof data === 'string' && NON_ASCII.test(data) ? Buffer.from(data, 'latin1') : data, 'buffer');
  },
  hexDigest(algorithm, data) {
    if (algorithm === 'blake3' || isFew(data)) return printHex(pureDigests.digest(algorithm, data));
    return hash(algorithm, typeof data === 'string' && NON_ASCII.test(data) ? Buffer.from(data, 'latin1') : data, 'hex');
  },
  start(algorithm) {
    if (algorithm === 'blake3') return pureDigests.start(algorithm);
    const state = createHash(algorithm);
    return {
      update: (data) => void (typeof data === 'string' ? state.update(data, 'latin1') : state.update(data)),
      digest: () => state.digest(),
    };
  },
};

/** For the whole process; called once by each face that runs on Node. */
export function useNodeDigests(): void {
  useDigests(nodeDigests);
}
