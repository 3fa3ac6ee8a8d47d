// Objects that become part of a local store out of this process's own hands: texts, derivations and trees of the machine, whose content
// addresses are known before a byte is written. This file writes the files; local-store.ts locks and registers.

import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { bytesOf, copyBytes } from '../../base/bytes.ts';
import { StoreError } from '../../base/errors.ts';
import { equalHash, type Hash, hashBytes, type HashAlgorithm } from '../../base/hash.ts';
import {
  type ContentAddress,
  type ContentAddressMethod,
  makeContentPath,
  makeTextPath,
  NO_REFERENCES,
} from '../../model/content-address.ts';
import type { Derivation } from '../../model/derivation.ts';
import { startTreeDigest } from '../../model/git-hash.ts';
import { type ByteSink, narOfFile, NarReader, type TreeFilter } from '../../model/nar.ts';
import type { StoreDir, StorePath } from '../../model/store-path.ts';
import type { NarFacts } from './inspect-tree.ts';
import { deleteTree, dumpTree, writeStoreFile } from './nar-files.ts';
import { moveIntoPlace, ObjectImport, temporaryNameFor } from './object-import.ts';
import { guardIo, systemPath } from './system-error.ts';

/** An object whose content address is known beforehand. */
export interface PendingObject {
  readonly path: StorePath;
  /** Valid already, or before it in the batch. */
  readonly references: readonly StorePath[];
  readonly contentAddress: ContentAddress;
  /** Pushes the object's NAR. */
  readonly writeNar: (sink: ByteSink) => void;
  /** Of a text object: the text itself (byte string), which spares making a NAR. */
  readonly text?: string | undefined;
  /** Of a derivation: what the text says, which spares reading it. */
  readonly derivation?: Derivation | undefined;
}

/** A derivation to be written. */
export interface PendingDerivation {
  readonly path: StorePath;
  readonly aterm: string;
  readonly references: readonly StorePath[];
  readonly derivation?: Derivation | undefined;
}

/** A file or folder of the machine that is to become a store object. */
export interface HostTreeRequest {
  readonly path: string;
  readonly name: string;
  readonly method: ContentAddressMethod;
  readonly algorithm?: HashAlgorithm;
  /** Gets paths below the root: "/a/b". */
  readonly filter?: TreeFilter | undefined;
}

/** Where objects go. */
export interface ObjectPlace {
  readonly storeDir: StoreDir;
  readonly realStoreDir: string;
}

/** Writes an object's files to their place. StoreError or HashMismatchError where they are no longer what its address says. */
export function writePendingObject(place: ObjectPlace, object: PendingObject): NarFacts {
  const { method } = object.contentAddress;
  return method === 'nar' || method === 'git' ? writeTree(place, object) : writeFile(place, object);
}

/** Text and flat objects are one regular file, never executable. */
function writeFile({ storeDir, realStoreDir }: ObjectPlace, { path, contentAddress, text, writeNar }: PendingObject): NarFacts {
  const contents = text === undefined ? readFileOfNar(writeNar) : Buffer.from(text, 'latin1');
  const shown = `${storeDir}/${path}`;
  if (text === undefined && !equalHash(hashBytes(contentAddress.hash.algorithm, contents), contentAddress.hash)) {
    throw new StoreError(`'${shown}' changed while it was added to the store`, { data: { path } });
  }
  const temporary = `${realStoreDir}/${temporaryNameFor(path)}`;
  try {
    writeStoreFile(temporary, contents, shown);
    moveIntoPlace(temporary, `${realStoreDir}/${path}`);
  } catch (error) {
    deleteTree(temporary);
    throw error;
  }
  const state = createHash('sha256');
  let narSize = 0;
  for (const chunk of narOfFile(contents)) {
    state.update(chunk);
    narSize += chunk.length;
  }
  return { narHash: { algorithm: 'sha256', bytes: new Uint8Array(state.digest()) }, narSize };
}

function writeTree({ storeDir, realStoreDir }: ObjectPlace, { path, contentAddress, writeNar }: PendingObject): NarFacts {
  const unpacking = new ObjectImport(path, realStoreDir);
  try {
    writeNar((chunk) => unpacking.push(chunk));
    const facts = unpacking.finish();
    // The tree may have changed on the machine since its path was computed.
    unpacking.checkContentAddress(contentAddress, false, storeDir);
    unpacking.place();
    return facts;
  } finally {
    unpacking.abort();
  }
}

/** The contents of the one file that a NAR holds. */
function readFileOfNar(writeNar: (sink: ByteSink) => void): Uint8Array {
  const chunks: Uint8Array[] = [];
  const refuse = (): never => {
    throw new StoreError('an object with a flat or text hash must be a regular file');
  };
  const reader = new NarReader({
    beginDirectory: refuse,
    endDirectory: refuse,
    symlink: refuse,
    beginRegular() {},
    contents: (chunk) => void chunks.push(copyBytes(chunk)),
    endRegular() {},
  });
  writeNar((chunk) => void reader.push(chunk));
  reader.end();
  return Buffer.concat(chunks);
}

/** Hash of a file or folder of the machine as its content address has it. */
function hashHostTree({ path, filter }: HostTreeRequest, method: ContentAddressMethod, algorithm: HashAlgorithm): Hash {
  if (method !== 'nar' && method !== 'git')
    return hashBytes(
      algorithm,
      guardIo('reading', path, () => fs.readFileSync(systemPath(path))),
    );
  const state = startTreeDigest(method, algorithm);
  dumpTree(path, (chunk) => state.update(chunk), { filter, reuseBlocks: true });
  return { algorithm, bytes: state.digest() };
}

/** Store path that a file or folder of the machine would have; nothing is written. */
export function hostTreePath(request: HostTreeRequest, storeDir: StoreDir): { readonly path: StorePath; readonly address: ContentAddress } {
  const { method, algorithm = 'sha256', name } = request;
  const address: ContentAddress = { method, hash: hashHostTree(request, method, algorithm) };
  return { path: makeContentPath(name, address, NO_REFERENCES, storeDir), address };
}

/** A file or folder of the machine, on its way into a store. */
export function pendingHostTree(request: HostTreeRequest, storeDir: StoreDir): PendingObject {
  const { path, address } = hostTreePath(request, storeDir);
  const writeNar = (sink: ByteSink): void => void dumpTree(request.path, sink, { filter: request.filter, reuseBlocks: true });
  return { path, references: [], contentAddress: address, writeNar };
}

/** A text object, likewise. */
export function pendingText(name: string, text: Uint8Array, references: readonly StorePath[], storeDir: StoreDir): PendingObject {
  const hash = hashBytes('sha256', text);
  const path = makeTextPath(name, hash, references, storeDir);
  return { path, references, contentAddress: { method: 'text', hash }, writeNar: (sink) => narOfFile(text).forEach(sink) };
}

/** A derivation, likewise. */
export function pendingDerivation({ path, aterm, references, derivation }: PendingDerivation): PendingObject {
  const writeNar = (sink: ByteSink): void => narOfFile(bytesOf(aterm)).forEach(sink);
  return { path, references, contentAddress: { method: 'text', hash: hashBytes('sha256', aterm) }, text: aterm, derivation, writeNar };
}
