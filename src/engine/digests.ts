// node:crypto's digests in place of the pure ones: several times faster, and hashing is a tenth of an evaluation. BLAKE3, which
// node:crypto lacks, stays pure.
//
// PERF: loading node:crypto costs 10 ms, as long as a start without it takes after Node's own; so the first few short texts are left to the
// pure ones, and the module is loaded when it is first used (bin/pack.ts).

import { createHash, hash } from 'node:crypto';
import { byteStringOf, printHex } from '../base/bytes.ts';
import { type Digests, pureDigests, useDigests } from '../base/sha.ts';

/** Bytes that the pure digests may still be given. */
let pureBytes = 512;

function isFew({ length }: Uint8Array | string): boolean {
  if (length > pureBytes) pureBytes = 0;
  else pureBytes -= length;
  return pureBytes > 0;
}

const SCRATCH_SIZE = 1 << 17;
let scratch: Buffer | undefined;

/** The bytes to digest. PERF: those of a string go through one buffer; as text it would be searched for what is not ASCII, or encoded. */
function bytesFor(data: Uint8Array | string): Uint8Array {
  if (typeof data !== 'string') return data;
  if (data.length > SCRATCH_SIZE) return Buffer.from(data, 'latin1');
  scratch ??= Buffer.allocUnsafeSlow(SCRATCH_SIZE);
  return scratch.subarray(0, scratch.write(data, 'latin1'));
}

const nodeDigests: Digests = {
  digest(algorithm, data) {
    if (algorithm === 'blake3' || isFew(data)) return pureDigests.digest(algorithm, data);
    return hash(algorithm, bytesFor(data), 'buffer');
  },
  hexDigest(algorithm, data) {
    if (algorithm === 'blake3' || isFew(data)) return printHex(pureDigests.digest(algorithm, data));
    return hash(algorithm, bytesFor(data), 'hex');
  },
  textDigest(algorithm, data) {
    if (algorithm === 'blake3' || isFew(data)) return byteStringOf(pureDigests.digest(algorithm, data));
    return hash(algorithm, bytesFor(data), 'latin1');
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
