// Objects that clients add by their content: the data comes first, and what it hashes to says where it belongs.

import { createHash } from 'node:crypto';
import { FormatError } from '../base/errors.ts';
import type { HashAlgorithm } from '../base/hash.ts';
import { startDigest } from '../base/sha.ts';
import { type ContentAddress, type ContentAddressMethod, makeContentPath } from '../model/content-address.ts';
import { startTreeDigest } from '../model/git-hash.ts';
import { NarReader, NO_VISITOR, NarWriter } from '../model/nar.ts';
import type { StorePath } from '../model/store-path.ts';
import type { Store } from '../store/store.ts';
import { inChunks } from '../store/whole-objects.ts';
import { Spool } from './spool.ts';

/** What an object is to be. */
export interface DumpRequest {
  readonly name: string;
  readonly method: ContentAddressMethod;
  readonly algorithm: HashAlgorithm;
  readonly references: readonly StorePath[];
  readonly repair: boolean;
  /** The data is a NAR though a file's contents are hashed, as older clients send them. */
  readonly isNar?: boolean;
}

/** Adds the object that `data` is: a NAR, or the contents of a file where these are hashed. Its path. */
export async function addFromDump(store: Store, request: DumpRequest, data: AsyncIterable<Uint8Array>): Promise<StorePath> {
  const { name, method, algorithm, references, repair } = request;
  if (method === 'text' && algorithm !== 'sha256')
    throw new FormatError(`When adding text-hashed data called '${name}', only SHA-256 is supported but '${algorithm}' was given`);
  const spool = new Spool();
  try {
    const isTree = method === 'nar' || method === 'git';
    const sink = isTree || request.isNar !== true ? (chunk: Uint8Array) => spool.push(chunk) : undefined;
    const nar = sink === undefined ? new NarReader(contentsTo(spool)) : undefined;
    for await (const chunk of data) {
      if (nar === undefined) sink!(chunk);
      else nar.push(chunk);
    }
    const digest = isTree ? startTreeDigest(method, algorithm) : startDigest(algorithm);
    for (const chunk of spool.read()) digest.update(chunk);
    const contentAddress: ContentAddress = { method, hash: { algorithm, bytes: digest.digest() } };
    const path = makeContentPath(name, contentAddress, { others: references, self: false }, store.storeDir);
    const source = (): Iterable<Uint8Array> => (isTree ? spool.read() : narOfContents(spool));
    const state = createHash('sha256');
    let narSize = 0;
    for (const chunk of source()) {
      state.update(chunk);
      narSize += chunk.length;
    }
    const narHash = { algorithm: 'sha256', bytes: new Uint8Array(state.digest()) } as const;
    const info = { path, narHash, narSize, references, registrationTime: 0, ultimate: false, signatures: [], contentAddress };
    await store.addToStore(info, inChunks(source()), { repair, checkSignatures: false });
    return path;
  } finally {
    spool.close();
  }
}

/** The contents of the one file that a NAR holds. */
function contentsTo(spool: Spool) {
  const refuse = (): never => {
    throw new FormatError('an object with a flat or text hash must be a regular file');
  };
  return { ...NO_VISITOR, beginDirectory: refuse, symlink: refuse, contents: (chunk: Uint8Array) => spool.push(chunk) };
}

/** A NAR of one file. */
function* narOfContents(spool: Spool): Generator<Uint8Array, void, undefined> {
  const chunks: Uint8Array[] = [];
  const writer = new NarWriter((chunk) => void chunks.push(chunk));
  writer.beginRegular(false, spool.size);
  for (const chunk of spool.read()) {
    writer.contents(chunk);
    yield* chunks.splice(0);
  }
  writer.endRegular();
  writer.finish();
  yield* chunks;
}
