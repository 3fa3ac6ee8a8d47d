// Files inside store objects, as `store ls` and `store cat` show them: looked at where the store has them, links never followed.
// nix/ls.cc, nix/cat.cc, libutil/nar-listing.cc.

import * as fs from 'node:fs';
import { compareStrings, utf8ToByteString } from '../base/bytes.ts';
import type { Json } from '../base/canonical-json.ts';
import { FloeError, FormatError, InvalidPathError, IoError } from '../base/errors.ts';
import { splitStorePath } from '../model/store-path.ts';
import { guardIo, systemPath } from '../store/local/system-error.ts';
import type { Engine } from './engine.ts';

const LATIN1 = 'latin1' as BufferEncoding;
const READ_SIZE = 1 << 18;

export interface StoreFile {
  readonly kind: 'regular' | 'directory' | 'symlink';
  readonly executable: boolean;
  /** 0 for what is no regular file. */
  readonly size: number;
  /** Of a link; a byte string. */
  readonly target: string | undefined;
}

/** A file, folder or link in a valid store object. Names below it are byte strings: "" is itself, "/a/b" below. */
export class StoreTree {
  private readonly real: string;
  private readonly shown: string;
  /** Inside its object: "/" or "/a/b". */
  readonly inside: string;

  /** What a typed path names; its object is brought here first where the store is a binary cache. */
  static async open(engine: Engine, text: string): Promise<StoreTree> {
    const found = splitStorePath(text, engine.storeDir);
    if (found === undefined) throw new FormatError(`path '${text}' is not in the Nix store`);
    await engine.obtain(found.storePath);
    return new StoreTree(engine, text, found);
  }

  private constructor(engine: Engine, text: string, found: NonNullable<ReturnType<typeof splitStorePath>>) {
    const object = `${engine.storeDir}/${found.storePath}`;
    if (!engine.store.isValidPathSync(found.storePath)) throw new InvalidPathError(`path '${object}' is not a valid store path`);
    const parts = utf8ToByteString(found.rest)
      .split('/')
      .filter((part) => part !== '' && part !== '.');
    let real = engine.store.toRealPath(found.storePath);
    let shown = object;
    for (const part of parts) {
      if (part === '..') throw new FormatError(`path '${text}' must not have '..' in it`);
      if (fs.lstatSync(systemPath(real), { throwIfNoEntry: false })?.isSymbolicLink() === true) {
        throw new IoError(`path '${shown}' is a symlink`, { hint: 'links in the store are not followed; name what it leads to' });
      }
      real += `/${part}`;
      shown += `/${part}`;
    }
    this.real = real;
    this.shown = shown;
    this.inside = `/${parts.join('/')}`;
  }

  /** The last part of its path; undefined for the object itself. */
  get name(): string | undefined {
    return this.inside === '/' ? undefined : this.inside.slice(this.inside.lastIndexOf('/') + 1);
  }

  file(below = ''): StoreFile {
    const at = systemPath(this.real + below);
    const stats = guardIo('looking at', this.shown + below, () => fs.lstatSync(at, { throwIfNoEntry: false }));
    if (stats === undefined) throw new IoError(`path '${this.shown}${below}' does not exist`);
    if (stats.isDirectory()) return { kind: 'directory', executable: false, size: 0, target: undefined };
    if (stats.isSymbolicLink()) return { kind: 'symlink', executable: false, size: 0, target: fs.readlinkSync(at, LATIN1) };
    return { kind: 'regular', executable: (stats.mode & 0o100) !== 0, size: stats.size, target: undefined };
  }

  /** Names in a folder, sorted. */
  names(below = ''): string[] {
    return guardIo('reading', this.shown + below, () => fs.readdirSync(systemPath(this.real + below), { encoding: LATIN1 })).sort(
      compareStrings,
    );
  }

  /** As NAR listings have it; unless `deep`, a folder's entries are only named. */
  toJson(deep: boolean, below = ''): Json {
    const { kind, executable, size, target } = this.file(below);
    if (kind === 'symlink') return { type: kind, target: target! };
    if (kind === 'regular') return { type: kind, size, ...(executable ? { executable } : {}) };
    const entries = this.names(below).map((name): [string, Json] => [name, deep ? this.toJson(true, `${below}/${name}`) : {}]);
    return { type: kind, entries: new Map(entries) };
  }

  /** Gives the contents of a regular file in pieces. */
  read(write: (chunk: Uint8Array) => void): void {
    if (this.file().kind !== 'regular') throw new FloeError('FLOE_NO_FILE', `path '${this.inside}' is not a regular file`);
    guardIo('reading', this.shown, () => {
      const file = fs.openSync(systemPath(this.real), 'r');
      try {
        const buffer = Buffer.allocUnsafe(READ_SIZE);
        for (let count = fs.readSync(file, buffer); count > 0; count = fs.readSync(file, buffer)) write(buffer.subarray(0, count));
      } finally {
        fs.closeSync(file);
      }
    });
  }
}
