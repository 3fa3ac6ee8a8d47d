// Facts about a tree on disk, in one pass over its NAR: hash, size, and which store paths its bytes mention.

import { createHash } from 'node:crypto';
import type { Hash } from '../../base/hash.ts';
import type { StorePath } from '../../model/store-path.ts';
import { ReferenceScanner } from '../scan.ts';
import { dumpTree } from './nar-files.ts';
import { compareStrings } from '../../base/bytes.ts';

export interface NarFacts {
  /** SHA-256. */
  readonly narHash: Hash;
  readonly narSize: number;
}

/** Hash and size of the NAR of what lies at that path. */
export function hashTree(realPath: string): NarFacts {
  const state = createHash('sha256');
  const narSize = dumpTree(realPath, (chunk) => void state.update(chunk), { reuseBlocks: true });
  return { narHash: { algorithm: 'sha256', bytes: new Uint8Array(state.digest()) }, narSize };
}

/** The same and the references: those of `candidates` whose hash part occurs anywhere in the tree, sorted. */
export function inspectTree(realPath: string, candidates: Iterable<StorePath>): NarFacts & { readonly references: readonly StorePath[] } {
  const state = createHash('sha256');
  const scanner = new ReferenceScanner(candidates);
  const sink = (chunk: Uint8Array): void => {
    state.update(chunk);
    scanner.push(chunk);
  };
  const narSize = dumpTree(realPath, sink, { reuseBlocks: true });
  return {
    narHash: { algorithm: 'sha256', bytes: new Uint8Array(state.digest()) },
    narSize,
    references: [...scanner.found].sort(compareStrings),
  };
}
