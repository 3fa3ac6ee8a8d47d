// NAR files as `nar ls`, `nar cat` and `nar pack` handle them: read from their beginning in pieces, never whole. nix/ls.cc, nix/cat.cc.

import * as fs from 'node:fs';
import { resolve } from 'node:path';
import { compareStrings, utf8ToByteString } from '../base/bytes.ts';
import type { Json } from '../base/canonical-json.ts';
import { FloeError, IoError } from '../base/errors.ts';
import { canonicalPath } from '../model/flake-ref.ts';
import { NarReader } from '../model/nar.ts';
import { makeNarLister, type NarListing, narListingToJson } from '../model/nar-listing.ts';
import { writePathNar } from './store-archives.ts';
import type { StoreFile } from './store-files.ts';

const READ_SIZE = 1 << 18;

/** Feeds the NAR in a file to a reader. */
function readNar(cwd: string, path: string, reader: NarReader): void {
  let file: number;
  try {
    file = fs.openSync(resolve(cwd, path), 'r');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new IoError(`opening NAR file "${path}": ${code === 'ENOENT' ? 'No such file or directory' : message}`, { cause: error });
  }
  try {
    const buffer = Buffer.allocUnsafe(READ_SIZE);
    for (let count = fs.readSync(file, buffer); count > 0 && !reader.done; count = fs.readSync(file, buffer))
      reader.push(buffer.subarray(0, count));
    reader.end();
  } finally {
    fs.closeSync(file);
  }
}

/** A path inside a NAR, as an absolute one of byte strings. */
function pathInside(text: string): string {
  return canonicalPath(utf8ToByteString(text));
}

/** What lies at a path of a NAR file, and below it; asked in the same words as StoreTree. */
export class NarTree {
  private readonly listing: NarListing;
  private readonly inside: string;

  constructor(cwd: string, narFile: string, path: string) {
    const lister = makeNarLister();
    readNar(cwd, narFile, lister.reader);
    this.inside = pathInside(path);
    this.listing = this.find(lister.listing(), this.inside);
  }

  private find(from: NarListing, below: string): NarListing {
    let node: NarListing | undefined = from;
    for (const name of below.split('/')) if (name !== '') node = node?.type === 'directory' ? node.entries.get(name) : undefined;
    if (node === undefined) throw new FloeError('FLOE_NO_FILE', `path '«unknown»${this.inside}' does not exist`);
    return node;
  }

  /** The last part of its path; undefined for the NAR's root. */
  get name(): string | undefined {
    return this.inside === '/' ? undefined : this.inside.slice(this.inside.lastIndexOf('/') + 1);
  }

  file(below = ''): StoreFile {
    const node = this.find(this.listing, below);
    const isRegular = node.type === 'regular';
    return {
      kind: node.type,
      executable: isRegular && node.executable,
      size: isRegular ? (node.size ?? 0) : 0,
      target: node.type === 'symlink' ? node.target : undefined,
    };
  }

  /** Names in a folder, sorted. */
  names(below = ''): string[] {
    const node = this.find(this.listing, below);
    return node.type === 'directory' ? [...node.entries.keys()].sort(compareStrings) : [];
  }

  /** As NAR listings have it; unless `deep`, a folder's entries are only named. */
  toJson(deep: boolean): Json {
    const { listing } = this;
    if (deep || listing.type !== 'directory') return narListingToJson(listing);
    return { type: 'directory', entries: new Map([...listing.entries.keys()].map((name) => [name, {}])) };
  }
}

/** Gives the contents of a regular file in a NAR, in pieces. The NAR is read, and so checked, to its end. */
export function readNarFile(cwd: string, narFile: string, path: string, write: (chunk: Uint8Array) => void): void {
  const wanted = pathInside(path);
  let isFound = false;
  let isOpen = false;
  const reader = new NarReader({
    beginDirectory() {},
    endDirectory() {},
    symlink() {},
    beginRegular(at) {
      isOpen = (at === '' ? '/' : at) === wanted;
      isFound ||= isOpen;
    },
    contents(chunk) {
      if (isOpen) write(chunk);
    },
    endRegular() {
      isOpen = false;
    },
  });
  readNar(cwd, narFile, reader);
  if (!isFound) throw new FloeError('FLOE_NO_FILE', `NAR does not contain regular file '${path}'`);
}

/** Writes the NAR of a file or folder of the machine. */
export function packNar(cwd: string, path: string, write: (chunk: Uint8Array) => void): void {
  writePathNar(resolve(cwd, path), write);
}
