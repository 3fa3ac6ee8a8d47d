// One object on its way into a local store: unpacked beside its place under a name that no one takes for it, checked, and moved there
// in one step. A process killed on the way leaves a file that any collector (floe's or C++ Nix's) deletes, and nothing valid.

import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { HashMismatchError } from '../../base/errors.ts';
import { equalHash, type Hash, hashBytes, type HashFormat, printHash } from '../../base/hash.ts';
import type { ContentAddress } from '../../model/content-address.ts';
import { startTreeDigest } from '../../model/git-hash.ts';
import { NarReader } from '../../model/nar.ts';
import type { PathInfo } from '../../model/path-info.ts';
import { type StoreDir, type StorePath, storePathHash } from '../../model/store-path.ts';
import { HashModulo } from '../scan.ts';
import type { NarFacts } from './inspect-tree.ts';
import { deleteTree, dumpTree, NarRestorer } from './nar-files.ts';
import { guardIo, systemPath } from './system-error.ts';

/**
 * A name in the store directory for work on that path. It begins with the path's hash part, so that whoever holds the path as a
 * temporary root keeps collectors from this too.
 */
export function temporaryNameFor(path: StorePath): string {
  return `${storePathHash(path)}-floe-tmp-${process.pid}-${randomBytes(4).toString('hex')}`;
}

/** Moves a finished tree to its place; what lies there (left by a killed process, or damaged) is replaced. */
export function moveIntoPlace(temporary: string, realPath: string): void {
  guardIo('moving into place', realPath, () => {
    const old = fs.lstatSync(systemPath(realPath), { throwIfNoEntry: false });
    if (old === undefined || (!old.isDirectory() && !fs.lstatSync(systemPath(temporary)).isDirectory())) {
      fs.renameSync(systemPath(temporary), systemPath(realPath));
      return;
    }
    const aside = `${temporary}-old`;
    fs.renameSync(systemPath(realPath), systemPath(aside));
    fs.renameSync(systemPath(temporary), systemPath(realPath));
    deleteTree(aside);
  });
}

/** Takes a NAR in chunks; then `check`, then `place`. On failure `abort` cleans up. */
export class ObjectImport {
  readonly #path: StorePath;
  readonly #realStoreDir: string;
  readonly #temporary: string;
  readonly #restorer: NarRestorer;
  readonly #reader: NarReader;
  readonly #hash = createHash('sha256');
  #facts: NarFacts | undefined;

  constructor(path: StorePath, realStoreDir: string) {
    this.#path = path;
    this.#realStoreDir = realStoreDir;
    this.#temporary = `${realStoreDir}/${temporaryNameFor(path)}`;
    this.#restorer = new NarRestorer(this.#temporary, 'store-object', `${realStoreDir}/${path}`);
    this.#reader = new NarReader(this.#restorer);
  }

  push(chunk: Uint8Array): void {
    const used = this.#reader.push(chunk);
    this.#hash.update(used === chunk.length ? chunk : chunk.subarray(0, used));
  }

  /** After the last chunk. FormatError where the NAR is not complete. */
  finish(): NarFacts {
    this.#reader.end();
    this.#facts ??= { narHash: { algorithm: 'sha256', bytes: new Uint8Array(this.#hash.digest()) }, narSize: this.#reader.offset };
    return this.#facts;
  }

  /** Compares what came with what was promised. */
  check(info: PathInfo, storeDir: StoreDir): void {
    const { narHash, narSize } = this.finish();
    const shown = `${storeDir}/${this.#path}`;
    if (!equalHash(narHash, info.narHash)) throw mismatch('hash mismatch', shown, info.narHash, narHash, 'nix32');
    if (narSize !== info.narSize) {
      throw new HashMismatchError(`size mismatch importing path '${shown}';\n  specified: ${info.narSize}\n  got:       ${narSize}`, {
        data: { path: shown, wanted: info.narSize, got: narSize },
      });
    }
    if (info.contentAddress !== undefined) this.checkContentAddress(info.contentAddress, info.references.includes(this.#path), storeDir);
  }

  checkContentAddress({ method, hash }: ContentAddress, hasSelfReference: boolean, storeDir: StoreDir): void {
    let actual: Hash;
    if (method === 'nar' && hash.algorithm === 'sha256' && !hasSelfReference) actual = this.finish().narHash;
    else if (method === 'nar') {
      const modulo = new HashModulo(hash.algorithm, storePathHash(this.#path));
      dumpTree(this.#temporary, (chunk) => modulo.push(chunk), { reuseBlocks: true });
      actual = modulo.finish();
    } else if (method === 'git') {
      const state = startTreeDigest(method, hash.algorithm);
      dumpTree(this.#temporary, (chunk) => state.update(chunk), { reuseBlocks: true });
      actual = { algorithm: hash.algorithm, bytes: state.digest() };
    } else {
      const contents = guardIo('reading', this.#temporary, () => fs.readFileSync(systemPath(this.#temporary)));
      actual = hashBytes(hash.algorithm, contents);
    }
    if (!equalHash(actual, hash)) throw mismatch('ca hash mismatch', `${storeDir}/${this.#path}`, hash, actual, 'nix32');
  }

  /** To its place in the store. */
  place(): void {
    moveIntoPlace(this.#temporary, `${this.#realStoreDir}/${this.#path}`);
  }

  /** Removes what there is of it; after `place` there is nothing. */
  abort(): void {
    this.#restorer.finish();
    deleteTree(this.#temporary);
  }
}

function mismatch(what: string, shown: string, wanted: Hash, got: Hash, format: HashFormat): HashMismatchError {
  const [wantedText, gotText] = [printHash(wanted, format, true), printHash(got, format, true)];
  return new HashMismatchError(`${what} importing path '${shown}';\n  specified: ${wantedText}\n  got:       ${gotText}`, {
    data: { path: shown, wanted: wantedText, got: gotText },
  });
}
