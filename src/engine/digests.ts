// node:crypto's digests in place of the pure ones: several times faster, and hashing is a tenth of an evaluation. BLAKE3, which
// node:crypto lacks, stays pure.

import { createHash, hash } from 'node:crypto';
import { printHex } from '../base/bytes.ts';
import { type Digests, pureDigests, useDigests } from '../base/sha.ts';

const NON_ASCII = /[^\x00-\x7f]/;

// PERF: a one-shot digest of a string skips a Buffer copy where the text is ASCII, as derivations nearly always are.
const nodeDigests: Digests = {
  digest(algorithm, data) {
    if (algorithm === 'blake3') return pureDigests.digest(algorithm, data);
    return hash(algorithm, typeof data === 'string' && NON_ASCII.test(data) ? Buffer.from(data, 'latin1') : data, 'buffer');
  },
  hexDigest(algorithm, data) {
    if (algorithm === 'blake3') return printHex(pureDigests.digest(algorithm, data));
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
