// The index of a git working tree: which files git tracks, and what it saw of each when it last looked. Versions 2 to 4 are read, and
// of the extensions the cached trees (with them the index equals HEAD without reading a tree). Forms that need more of git (split and
// sparse indices) are told apart, so that the caller can ask the `git` program. Documentation: gitformat-index(5).

import { byteStringOf, printHex } from '../base/bytes.ts';
import { FormatError } from '../base/errors.ts';

export interface GitIndexEntry {
  readonly path: string;
  /** As in trees: 0o100644, 0o100755, 0o120000, 0o160000. */
  readonly mode: number;
  readonly id: string;
  /** 0, or which side of a conflict. */
  readonly stage: number;
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly modifiedNs: bigint;
  readonly changedNs: bigint;
  readonly inode: number;
  /** Recorded with `git add --intent-to-add`: there is a name but no content yet. */
  readonly intentToAdd: boolean;
  /** Marked "assume unchanged" or outside a sparse checkout: git does not look at the file. */
  readonly assumeUnchanged: boolean;
}

export interface GitIndex {
  readonly entries: readonly GitIndexEntry[];
  /** Ids of trees that the index is known to equal, by folder ("" is the root). */
  readonly trees: ReadonlyMap<string, string>;
}

/** PERF: the id of an entry is asked for only where its file looks touched; printing them all costs as much as the rest of reading. */
class Entry implements GitIndexEntry {
  readonly path: string;
  readonly mode: number;
  readonly stage: number;
  readonly size: number;
  readonly modifiedNs: bigint;
  readonly changedNs: bigint;
  readonly inode: number;
  readonly intentToAdd: boolean;
  readonly assumeUnchanged: boolean;
  private readonly data: Uint8Array;
  private readonly start: number;

  constructor(data: Uint8Array, view: DataView, start: number, path: string, flags: number, extended: number) {
    this.data = data;
    this.start = start;
    this.path = path;
    this.mode = view.getUint32(start + 24);
    this.stage = (flags >> 12) & 3;
    this.size = view.getUint32(start + 36);
    this.changedNs = BigInt(view.getUint32(start)) * SECOND_NS + BigInt(view.getUint32(start + 4));
    this.modifiedNs = BigInt(view.getUint32(start + 8)) * SECOND_NS + BigInt(view.getUint32(start + 12));
    this.inode = view.getUint32(start + 20);
    this.intentToAdd = (extended & 0x2000) !== 0;
    this.assumeUnchanged = (flags & 0x8000) !== 0 || (extended & 0x4000) !== 0;
  }

  get id(): string {
    return printHex(this.data.subarray(this.start + 40, this.start + 40 + ID_BYTES));
  }
}

const SECOND_NS = 1_000_000_000n;
const ENTRY_HEAD = 62;
const ID_BYTES = 20;

function broken(path: string, what: string): FormatError {
  return new FormatError(`git index '${path}' is broken: ${what}`, {
    data: { path },
    hint: '`git status` in that repository may say more',
  });
}

/** `text` is the same as a byte string. Undefined where only git itself can read this form. FormatError where the file is broken. */
export function parseGitIndex(data: Uint8Array, path: string, text = byteStringOf(data)): GitIndex | undefined {
  try {
    return readGitIndex(data, text, path);
  } catch (error) {
    // A length that points behind the end.
    if (error instanceof RangeError) throw broken(path, 'it ends too early');
    throw error;
  }
}

function readGitIndex(data: Uint8Array, text: string, path: string): GitIndex | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < 12 + ID_BYTES || view.getUint32(0) !== 0x44495243) throw broken(path, 'it does not begin as one');
  const version = view.getUint32(4);
  if (version < 2 || version > 4) return undefined;
  const count = view.getUint32(8);
  const entries: GitIndexEntry[] = [];
  let at = 12;
  let previous = '';
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_HEAD > data.length) throw broken(path, 'it ends too early');
    const start = at;
    const flags = view.getUint16(at + 60);
    const extended = version >= 3 && (flags & 0x4000) !== 0 ? view.getUint16(at + 62) : 0;
    at += ENTRY_HEAD + (version >= 3 && (flags & 0x4000) !== 0 ? 2 : 0);
    let name: string;
    if (version === 4) {
      let byte = data[at++]!;
      let strip = byte & 0x7f;
      while (byte & 0x80) {
        byte = data[at++]!;
        strip = (strip + 1) * 128 + (byte & 0x7f);
      }
      const end = endOfName(text, at);
      name = previous.slice(0, previous.length - strip) + text.slice(at, end);
      at = end + 1;
    } else {
      const end = endOfName(text, at);
      name = text.slice(at, end);
      at = start + ((end - start + 8) & ~7);
    }
    previous = name;
    const entry = new Entry(data, view, start, name, flags, extended);
    // A sparse index holds whole folders.
    if ((entry.mode & 0o170000) === 0o40000) return undefined;
    entries.push(entry);
  }
  const trees = new Map<string, string>();
  while (at + 8 <= data.length - ID_BYTES) {
    const name = text.slice(at, at + 4);
    const size = view.getUint32(at + 4);
    if (name === 'link' || name === 'sdir') return undefined;
    if (name === 'TREE') readCachedTrees(data, text, at + 8, trees);
    at += 8 + size;
  }
  return { entries, trees };
}

function endOfName(text: string, start: number): number {
  const end = text.indexOf('\0', start);
  if (end < 0) throw new RangeError('a name without an end');
  return end;
}

function readCachedTrees(data: Uint8Array, text: string, start: number, trees: Map<string, string>): void {
  let at = start;
  const visit = (above: string, isRoot: boolean): void => {
    const nameEnd = endOfName(text, at);
    const name = text.slice(at, nameEnd);
    const lineEnd = text.indexOf('\n', nameEnd);
    if (lineEnd < 0) throw new RangeError('a cached tree without an end');
    const [entryCount, subtrees] = text
      .slice(nameEnd + 1, lineEnd)
      .split(' ')
      .map(Number) as [number, number];
    at = lineEnd + 1;
    const path = isRoot ? '' : above === '' ? name : `${above}/${name}`;
    // A negative count marks a tree that has changed since.
    if (entryCount >= 0) {
      trees.set(path, printHex(data.subarray(at, at + ID_BYTES)));
      at += ID_BYTES;
    }
    for (let i = 0; i < subtrees; i++) visit(path, false);
  };
  visit('', true);
}
