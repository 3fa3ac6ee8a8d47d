// The form in which files lie in a store: modes 444 and 555, time 1, owned by whoever owns the store. What NarRestorer writes has it
// already; this is for trees that builders made. libstore/posix-fs-canonicalise.cc. Extended attributes cannot be reached from Node:
// the sandbox's system-call filter keeps builders from setting any, and no NAR or hash ever shows them.

import * as fs from 'node:fs';
import { StoreError } from '../../base/errors.ts';
import { STORE_TIME } from './nar-files.ts';
import { guardIo, systemPath } from './system-error.ts';

export interface CanonicaliseOptions {
  /** Users whose files are accepted (those a build ran as), first and last id; any when undefined. */
  readonly uidRange?: readonly [first: number, last: number] | undefined;
}

/** What all files of one build share: hard links are seen once as the builder's and then as ours. */
class Canonicaliser {
  readonly #range: readonly [number, number] | undefined;
  readonly #seen = new Set<string>();
  readonly #uid = process.geteuid?.() ?? 0;
  readonly #gid = process.getegid?.() ?? 0;

  constructor(options: CanonicaliseOptions) {
    this.#range = options.uidRange;
  }

  node(path: string): void {
    const at = systemPath(path);
    const stats = fs.lstatSync(at);
    const isDirectory = stats.isDirectory();
    const isLink = stats.isSymbolicLink();
    if (!stats.isFile() && !isDirectory && !isLink) {
      throw new StoreError(`file '${path}' has an unsupported type`, { code: 'FLOE_UNSUPPORTED_FILE', data: { path } });
    }
    const inode = `${stats.dev}:${stats.ino}`;
    if (this.#range !== undefined && (stats.uid < this.#range[0] || stats.uid > this.#range[1])) {
      if (!isDirectory && this.#seen.has(inode)) return;
      throw new StoreError(`invalid ownership on file '${path}'`, { code: 'FLOE_INVALID_OWNERSHIP', data: { path, uid: stats.uid } });
    }
    this.#seen.add(inode);
    if (stats.uid !== this.#uid) fs.lchownSync(at, this.#uid, this.#gid);
    if (isDirectory) {
      // A builder may have left a folder that its owner cannot read.
      if ((stats.mode & 0o500) !== 0o500) fs.chmodSync(at, 0o700);
      for (const name of fs.readdirSync(at, { encoding: 'latin1' as BufferEncoding })) this.node(`${path}/${name}`);
    }
    if (!isLink) {
      const mode = isDirectory || (stats.mode & 0o100) !== 0 ? 0o555 : 0o444;
      if ((stats.mode & 0o7777) !== mode || stats.uid !== this.#uid) fs.chmodSync(at, mode);
    }
    if (stats.mtimeMs !== STORE_TIME * 1000) fs.lutimesSync(at, stats.atimeMs / 1000, STORE_TIME);
  }
}

/** Brings a whole tree into that form. StoreError for sockets and devices, and for files of users who had no part in the build. */
export function canonicalise(path: string, options: CanonicaliseOptions = {}): void {
  guardIo('setting modes and times of', path, () => new Canonicaliser(options).node(path));
}
