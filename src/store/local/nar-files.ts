// NAR <-> the machine's file system, synchronous and in one pass: hashing or dumping a tree on disk, and restoring a NAR as a store
// object (modes 444 and 555, time 1) or as an ordinary tree. Paths are byte strings.

import * as fs from 'node:fs';
import { compareStrings } from '../../base/bytes.ts';
import { FormatError, IoError } from '../../base/errors.ts';
import { type ByteSink, NarWriter, type NarVisitor, type TreeFilter, type TreeKind } from '../../model/nar.ts';
import { plainName, requirePlainNames } from './case-hack.ts';
import { guardIo, ioErrorOf, systemPath } from './system-error.ts';

/** Node's types for listings know only some encodings by name. */
const LATIN1 = 'latin1' as BufferEncoding;
const MAX_DEPTH = 64;
/** Files up to this size are read whole, larger ones in pieces of it. */
const READ_SIZE = 1 << 18;

function kindOf(entry: fs.Stats | fs.Dirent): TreeKind {
  return entry.isFile() ? 'regular' : entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'symlink' : 'unknown';
}

/** Walks one tree into a NarWriter, pausing after each entry and each piece of a file, so that a caller may drain what was written. */
class TreeDumper {
  readonly writer: NarWriter;
  readonly #filter: TreeFilter | undefined;
  readonly #undoCaseHack: boolean;
  /** One buffer for all reads; undefined where the sink keeps what it gets. */
  readonly #buffer: Buffer | undefined;

  constructor(sink: ByteSink, { filter, reuseBlocks = false, undoCaseHack = false }: DumpOptions) {
    this.writer = new NarWriter(sink, { reuseBlocks });
    this.#filter = filter;
    this.#undoCaseHack = undoCaseHack;
    this.#buffer = reuseBlocks ? Buffer.allocUnsafeSlow(READ_SIZE) : undefined;
  }

  *dump(path: string, relative: string, kind: TreeKind, depth: number): Generator<void, void, undefined> {
    if (depth >= MAX_DEPTH) throw new FormatError(`path '${path}' exceeds maximum NAR directory depth of ${MAX_DEPTH}`, { data: { path } });
    if (kind === 'regular') yield* this.#file(path);
    else if (kind === 'directory') yield* this.#directory(path, relative, depth);
    else if (kind === 'symlink') this.writer.symlink(fs.readlinkSync(systemPath(path), LATIN1));
    else throw new FormatError(`file '${path}' has an unsupported type`, { data: { path } });
  }

  *#directory(path: string, relative: string, depth: number): Generator<void, void, undefined> {
    const entries = fs.readdirSync(systemPath(path), { encoding: LATIN1, withFileTypes: true });
    const shown = this.#undoCaseHack ? plainName : (name: string) => name;
    if (this.#undoCaseHack)
      requirePlainNames(
        path,
        entries.map(({ name }) => name),
      );
    entries.sort((a, b) => compareStrings(shown(a.name), shown(b.name)));
    this.writer.beginDirectory();
    for (const entry of entries) {
      const at = `${path}/${entry.name}`;
      const child = `${relative}/${entry.name}`;
      let kind = kindOf(entry);
      // Some file systems do not tell the type in a listing.
      if (kind === 'unknown') kind = kindOf(fs.lstatSync(systemPath(at)));
      if (this.#filter !== undefined && !this.#filter(child, kind)) continue;
      this.writer.beginEntry(shown(entry.name));
      yield* this.dump(at, child, kind, depth + 1);
      this.writer.endEntry();
      yield;
    }
    this.writer.endDirectory();
  }

  *#file(path: string): Generator<void, void, undefined> {
    const file = fs.openSync(systemPath(path), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    try {
      const { size, mode } = fs.fstatSync(file);
      this.writer.beginRegular((mode & 0o100) !== 0, size);
      for (let left = size; left > 0;) {
        const buffer = this.#buffer ?? Buffer.allocUnsafeSlow(Math.min(left, READ_SIZE));
        const count = fs.readSync(file, buffer, 0, Math.min(left, READ_SIZE), null);
        if (count === 0) throw new IoError(`file '${path}' became shorter while it was read`, { data: { path } });
        this.writer.contents(buffer.subarray(0, count));
        left -= count;
        if (left > 0) yield;
      }
      this.writer.endRegular();
    } finally {
      fs.closeSync(file);
    }
  }
}

export interface DumpOptions {
  readonly filter?: TreeFilter | undefined;
  /** The sink is done with a chunk when it returns (a hash), so its memory may be used again. */
  readonly reuseBlocks?: boolean;
  /** Names lose the suffix that unpacking gave them where they collided (setting `use-case-hack`). */
  readonly undoCaseHack?: boolean;
}

/** Pushes the NAR of a file, folder or symbolic link (not followed) on disk; returns its size. */
export function dumpTree(path: string, sink: ByteSink, options: DumpOptions = {}): number {
  return guardIo('reading', path, () => {
    const dumper = new TreeDumper(sink, options);
    const walk = dumper.dump(path, '', kindOf(fs.lstatSync(systemPath(path))), 0);
    while (walk.next().done !== true);
    dumper.writer.finish();
    return dumper.writer.size;
  });
}

/** The same as chunks on demand; no more is read than what one step of the walk needs. */
export function* dumpTreeChunks(path: string): Generator<Uint8Array, void, undefined> {
  try {
    let chunks: Uint8Array[] = [];
    const drain = () => {
      const drained = chunks;
      chunks = [];
      return drained;
    };
    const dumper = new TreeDumper((chunk) => chunks.push(chunk), {});
    const walk = dumper.dump(path, '', kindOf(fs.lstatSync(systemPath(path))), 0);
    while (walk.next().done !== true) if (chunks.length > 0) yield* drain();
    dumper.writer.finish();
    yield* drain();
  } catch (error) {
    throw ioErrorOf(error, 'reading', path);
  }
}

/** How restored files shall look. */
export type RestoreStyle = 'store-object' | 'plain';

/** Time of everything in a store: one second into the epoch. */
export const STORE_TIME = 1;

/**
 * Restores what a NarReader sees at `root`, which must not exist. `finish` is to be called at the end and on failure alike (it closes
 * what is open); removing a half-restored tree is the caller's.
 */
export class NarRestorer implements NarVisitor {
  readonly #root: string;
  readonly #style: RestoreStyle;
  readonly #shown: string;
  #file: number | undefined;
  #executable = false;
  #path = '';

  /** `shown` is what errors call the root. */
  constructor(root: string, style: RestoreStyle, shown: string = root) {
    this.#root = root;
    this.#style = style;
    this.#shown = shown;
  }

  #at(path: string): string | Buffer {
    return systemPath(this.#root + path);
  }

  #guard<T>(path: string, action: () => T): T {
    return guardIo('writing', this.#shown + path, action);
  }

  beginDirectory(path: string): void {
    this.#guard(path, () => fs.mkdirSync(this.#at(path), 0o755));
  }

  endDirectory(path: string): void {
    if (this.#style === 'plain') return;
    this.#guard(path, () => {
      fs.chmodSync(this.#at(path), 0o555);
      fs.utimesSync(this.#at(path), STORE_TIME, STORE_TIME);
    });
  }

  symlink(path: string, target: string): void {
    this.#guard(path, () => {
      fs.symlinkSync(systemPath(target), this.#at(path));
      if (this.#style === 'store-object') fs.lutimesSync(this.#at(path), STORE_TIME, STORE_TIME);
    });
  }

  beginRegular(path: string, executable: boolean): void {
    this.#path = path;
    this.#executable = executable;
    this.#file = this.#guard(path, () => fs.openSync(this.#at(path), 'wx', executable ? 0o777 : 0o666));
  }

  contents(chunk: Uint8Array): void {
    this.#guard(this.#path, () => {
      for (let offset = 0; offset < chunk.length;) offset += fs.writeSync(this.#file!, chunk, offset, chunk.length - offset);
    });
  }

  endRegular(path: string): void {
    this.#guard(path, () => {
      if (this.#style === 'store-object') {
        fs.fchmodSync(this.#file!, this.#executable ? 0o555 : 0o444);
        fs.futimesSync(this.#file!, STORE_TIME, STORE_TIME);
      }
      this.finish();
    });
  }

  finish(): void {
    if (this.#file === undefined) return;
    const file = this.#file;
    this.#file = undefined;
    fs.closeSync(file);
  }
}

/** Writes one regular file as a store object; `path` must not exist. `shown` is what errors call it. */
export function writeStoreFile(path: string, contents: Uint8Array, shown: string = path): void {
  guardIo('writing', shown, () => {
    const file = fs.openSync(systemPath(path), 'wx', 0o600);
    try {
      for (let offset = 0; offset < contents.length;) offset += fs.writeSync(file, contents, offset, contents.length - offset);
      fs.fchmodSync(file, 0o444);
      fs.futimesSync(file, STORE_TIME, STORE_TIME);
    } finally {
      fs.closeSync(file);
    }
  });
}

/** Deletes a file or a tree, whatever its modes; nothing where nothing is. Returns the bytes that are free now, roughly. */
export function deleteTree(path: string): number {
  const stats = fs.lstatSync(systemPath(path), { throwIfNoEntry: false });
  if (stats === undefined) return 0;
  return guardIo('deleting', path, () => deleteNode(path, stats));
}

function deleteNode(path: string, stats: fs.Stats): number {
  const at = systemPath(path);
  if (!stats.isDirectory()) {
    fs.unlinkSync(at);
    // NIX: 2.34.8 counts a file with one more link as freed: that link is in .links and goes at the end of the collection.
    return stats.nlink <= 2 ? stats.size : 0;
  }
  if ((stats.mode & 0o700) !== 0o700) fs.chmodSync(at, 0o700);
  let freed = 0;
  for (const name of fs.readdirSync(at, { encoding: LATIN1 })) {
    const child = `${path}/${name}`;
    freed += deleteNode(child, fs.lstatSync(systemPath(child)));
  }
  fs.rmdirSync(at);
  return freed;
}
