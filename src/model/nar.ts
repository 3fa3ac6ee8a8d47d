// The Nix archive format: a file system object as one stream of length-prefixed, zero-padded strings. Nix manual, "Nix Archive (NAR)
// format". Both sides are synchronous and work in chunks, so that any source (file, socket, promise) can drive them: `NarWriter` is
// told what comes next, `NarReader` is pushed bytes and tells what it saw. Names and targets are byte strings. The reader refuses
// everything C++ Nix 2.34.8 refuses (its limits included); there is no case hack.

import { compareStrings } from '../base/bytes.ts';
import { FormatError } from '../base/errors.ts';
import { assert } from '../base/assert.ts';
import type { AsyncWireReader } from '../base/wire.ts';

const MAGIC = 'nix-archive-1';
/** Limits of the reader and of the tree walk, as C++ Nix 2.34.8 has them. */
const MAX_DEPTH = 64;
const MAX_TAG = 32;
const MAX_NAME = 255;
const MAX_TARGET = 4095;
const BLOCK_SIZE = 65536;
const NO_BLOCK = new Uint8Array(0);

/** Receives bytes; a chunk given to it is never written to again (unless the giver was told it may). */
export type ByteSink = (chunk: Uint8Array) => void;

/** Kinds a NAR can hold; `unknown` is what it cannot (a socket, a device). */
export type TreeKind = 'regular' | 'directory' | 'symlink' | 'unknown';

/** A tree to be archived. Paths are relative to its root: "" or "/a/b". */
export interface FileTree {
  kind(path: string): TreeKind;
  /** Names in any order. */
  readDir(path: string): readonly string[];
  readFile(path: string): Uint8Array;
  readLink(path: string): string;
  executable(path: string): boolean;
}

/** Writes one NAR piece by piece. Small strings are gathered into blocks, file contents pass through as they are. */
export class NarWriter {
  readonly #sink: ByteSink;
  #block: Uint8Array = new Uint8Array(512);
  #used = 0;
  #size = 0;
  /** Bytes of file contents still to come, and the padding after them. */
  #remaining = 0;
  #padding = 0;

  readonly #reuseBlocks: boolean;

  /** With `reuseBlocks`, the sink is done with a chunk when it returns (a hash is), and its memory is used again. */
  constructor(sink: ByteSink, options: { readonly reuseBlocks?: boolean } = {}) {
    this.#sink = sink;
    this.#reuseBlocks = options.reuseBlocks === true;
    this.#string(MAGIC);
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  #reserve(count: number): void {
    if (this.#used + count <= this.#block.length) return;
    this.#flush();
    if (this.#block.length < BLOCK_SIZE || count > BLOCK_SIZE) this.#block = new Uint8Array(Math.max(BLOCK_SIZE, count));
  }

  #flush(): void {
    if (this.#used === 0) return;
    this.#sink(this.#block.subarray(0, this.#used));
    // PERF: the next block is made when it is needed; most NARs are one small file.
    if (!this.#reuseBlocks) this.#block = NO_BLOCK;
    this.#used = 0;
  }

  #length(value: number): void {
    this.#reserve(8);
    const block = this.#block;
    let low = value % 0x100000000;
    let high = Math.floor(value / 0x100000000);
    for (let i = 0; i < 4; i++, low >>>= 8) block[this.#used + i] = low & 255;
    for (let i = 4; i < 8; i++, high >>>= 8) block[this.#used + i] = high & 255;
    this.#used += 8;
    this.#size += 8;
  }

  #string(text: string): void {
    const { length } = text;
    this.#length(length);
    const padded = (length + 7) & ~7;
    this.#reserve(padded);
    const block = this.#block;
    const start = this.#used;
    for (let i = 0; i < length; i++) block[start + i] = text.charCodeAt(i);
    block.fill(0, start + length, start + padded);
    this.#used = start + padded;
    this.#size += padded;
  }

  /** A regular file whose contents follow by `contents`, `size` bytes in all. */
  beginRegular(executable: boolean, size: number): void {
    this.#string('(');
    this.#string('type');
    this.#string('regular');
    if (executable) {
      this.#string('executable');
      this.#string('');
    }
    this.#string('contents');
    this.#length(size);
    this.#remaining = size;
    this.#padding = (8 - (size % 8)) % 8;
  }

  contents(chunk: Uint8Array): void {
    assert(chunk.length <= this.#remaining, 'more bytes than the NAR file was announced to have');
    this.#remaining -= chunk.length;
    if (chunk.length > 4096) {
      this.#flush();
      this.#sink(chunk);
    } else {
      this.#reserve(chunk.length);
      this.#block.set(chunk, this.#used);
      this.#used += chunk.length;
    }
    this.#size += chunk.length;
  }

  endRegular(): void {
    assert(this.#remaining === 0, 'fewer bytes than the NAR file was announced to have');
    this.#reserve(8);
    this.#block.fill(0, this.#used, this.#used + this.#padding);
    this.#used += this.#padding;
    this.#size += this.#padding;
    this.#string(')');
  }

  regular(executable: boolean, contents: Uint8Array): void {
    this.beginRegular(executable, contents.length);
    this.contents(contents);
    this.endRegular();
  }

  symlink(target: string): void {
    this.#string('(');
    this.#string('type');
    this.#string('symlink');
    this.#string('target');
    this.#string(target);
    this.#string(')');
  }

  beginDirectory(): void {
    this.#string('(');
    this.#string('type');
    this.#string('directory');
  }

  /** Before each entry of a directory; entries come in byte order of their names. */
  beginEntry(name: string): void {
    this.#string('entry');
    this.#string('(');
    this.#string('name');
    this.#string(name);
    this.#string('node');
  }

  endEntry(): void {
    this.#string(')');
  }

  endDirectory(): void {
    this.#string(')');
  }

  /** Hands out what is still gathered. Call once, after the root. */
  finish(): void {
    this.#flush();
  }
}

/** Whether an entry (path below the root, "/a/b") belongs to the archive. */
export type TreeFilter = (path: string, kind: TreeKind) => boolean;

/** Archives a tree. `describe` names a path of the tree in errors. */
export function writeNar(
  tree: FileTree,
  sink: ByteSink,
  filter?: TreeFilter,
  describe: (path: string) => string = (path) => path || '/',
): void {
  const writer = new NarWriter(sink);
  const visit = (path: string, kind: TreeKind, depth: number): void => {
    if (depth >= MAX_DEPTH) {
      throw new FormatError(`path '${describe(path)}' exceeds maximum NAR directory depth of ${MAX_DEPTH}`, {
        data: { path: describe(path) },
      });
    }
    switch (kind) {
      case 'regular':
        writer.regular(tree.executable(path), tree.readFile(path));
        break;
      case 'symlink':
        writer.symlink(tree.readLink(path));
        break;
      case 'directory':
        writer.beginDirectory();
        for (const name of [...tree.readDir(path)].sort(compareStrings)) {
          const child = `${path}/${name}`;
          const childKind = tree.kind(child);
          if (filter !== undefined && !filter(child, childKind)) continue;
          writer.beginEntry(name);
          visit(child, childKind, depth + 1);
          writer.endEntry();
        }
        writer.endDirectory();
        break;
      default:
        throw new FormatError(`file '${describe(path)}' has an unsupported type`, { data: { path: describe(path) } });
    }
  };
  visit('', tree.kind(''), 0);
  writer.finish();
}

/** The NAR of one regular file that is not executable, as text objects have it. */
export function narOfFile(contents: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const writer = new NarWriter((chunk) => chunks.push(chunk));
  writer.regular(false, contents);
  writer.finish();
  return chunks;
}

/** What a NarReader saw, in the archive's order. Paths as in FileTree. */
export interface NarVisitor {
  beginDirectory(path: string): void;
  endDirectory(path: string): void;
  symlink(path: string, target: string): void;
  /** `offset` is where the contents start in the NAR. */
  beginRegular(path: string, executable: boolean, size: number, offset: number): void;
  /** A part of the contents, valid during the call only. */
  contents(chunk: Uint8Array): void;
  endRegular(path: string): void;
}

const nothing = (): void => {};

/** For who wants to know only where a NAR ends and that it is one. */
export const NO_VISITOR: NarVisitor = {
  beginDirectory: nothing,
  endDirectory: nothing,
  symlink: nothing,
  beginRegular: nothing,
  contents: nothing,
  endRegular: nothing,
};

// What the reader expects next; each consumes one string, except EXPECT_SIZE (a number) and CONTENTS.
const EXPECT_MAGIC = 0;
const EXPECT_OPEN = 1;
const EXPECT_TYPE_TAG = 2;
const EXPECT_TYPE = 3;
const EXPECT_FILE_TAG = 4;
const EXPECT_EXECUTABLE_VALUE = 5;
const EXPECT_CONTENTS_TAG = 6;
const CONTENTS = 7;
const EXPECT_NODE_CLOSE = 8;
const EXPECT_TARGET_TAG = 9;
const EXPECT_TARGET = 10;
const EXPECT_DIRECTORY_TAG = 11;
const EXPECT_ENTRY_OPEN = 12;
const EXPECT_NAME_TAG = 13;
const EXPECT_NAME = 14;
const EXPECT_NODE_TAG = 15;
const EXPECT_ENTRY_CLOSE = 16;
const DONE = 17;
const EXPECT_SIZE = 18;

interface OpenDirectory {
  readonly path: string;
  lastName: string;
}

function badArchive(problem: string, offset: number): FormatError {
  return new FormatError(`bad archive: ${problem}`, { data: { offset } });
}

/** Reads one NAR out of pushed chunks, split anywhere, and tells a visitor. Throws FormatError at the first byte that is wrong. */
export class NarReader {
  readonly #visitor: NarVisitor;
  readonly #directories: OpenDirectory[] = [];
  #state = EXPECT_MAGIC;
  /** Path of the node being read. */
  #path = '';
  #executable = false;
  #offset = 0;
  /** Contents of the file at hand: bytes to come, then padding bytes to come. */
  #remaining = 0;
  #paddingLeft = 0;
  /** A string that did not arrive in one chunk: what there is of it, length field included. */
  readonly #partial = new Uint8Array(8 + MAX_TARGET + 8);
  #partialUsed = 0;

  constructor(visitor: NarVisitor) {
    this.#visitor = visitor;
  }

  /** The archive is complete. */
  get done(): boolean {
    return this.#state === DONE;
  }

  /** Bytes of the archive read so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Takes bytes from `start` on and returns the index after the last one that belongs to this archive. */
  push(chunk: Uint8Array, start = 0): number {
    let at = start;
    while (at < chunk.length && this.#state !== DONE) {
      if (this.#state === CONTENTS) at = this.#pushContents(chunk, at);
      else if (this.#state === EXPECT_SIZE) at = this.#pushSize(chunk, at);
      else at = this.#pushString(chunk, at);
    }
    return at;
  }

  /** The source has no more bytes. */
  end(): void {
    if (this.#state !== DONE) throw badArchive('it ends too early', this.#offset);
  }

  #fail(problem: string): never {
    throw badArchive(problem, this.#offset);
  }

  /** Gathers the first bytes of something that a chunk's end cut in two; returns the index after those taken. */
  #gather(chunk: Uint8Array, at: number, wanted: number): number {
    const take = Math.min(wanted - this.#partialUsed, chunk.length - at);
    this.#partial.set(chunk.subarray(at, at + take), this.#partialUsed);
    this.#partialUsed += take;
    return at + take;
  }

  #pushSize(chunk: Uint8Array, at: number): number {
    const next = this.#gather(chunk, at, 8);
    if (this.#partialUsed < 8) return next;
    this.#partialUsed = 0;
    const size = this.#readLength(this.#partial, 0);
    if (!Number.isSafeInteger(size)) this.#fail('file size is too large');
    this.#offset += 8;
    this.#remaining = size;
    this.#paddingLeft = (8 - (size % 8)) % 8;
    this.#visitor.beginRegular(this.#path, this.#executable, size, this.#offset);
    if (size === 0) this.#endContents();
    else this.#state = CONTENTS;
    return next;
  }

  #pushContents(chunk: Uint8Array, start: number): number {
    let at = start;
    if (this.#remaining > 0) {
      const take = Math.min(this.#remaining, chunk.length - at);
      this.#visitor.contents(take === chunk.length ? chunk : chunk.subarray(at, at + take));
      this.#remaining -= take;
      at += take;
    }
    if (this.#remaining === 0) {
      while (this.#paddingLeft > 0 && at < chunk.length) {
        if (chunk[at] !== 0) this.#fail('non-zero padding');
        this.#paddingLeft--;
        at++;
      }
    }
    this.#offset += at - start;
    if (this.#remaining === 0 && this.#paddingLeft === 0) this.#endContents();
    return at;
  }

  #endContents(): void {
    this.#visitor.endRegular(this.#path);
    this.#state = EXPECT_NODE_CLOSE;
  }

  /** Longest string the present state allows; checked before anything of it is kept. */
  #limit(): number {
    switch (this.#state) {
      case EXPECT_MAGIC:
        return MAGIC.length;
      case EXPECT_EXECUTABLE_VALUE:
        return 0;
      case EXPECT_NAME:
        return MAX_NAME;
      case EXPECT_TARGET:
        return MAX_TARGET;
      default:
        return MAX_TAG;
    }
  }

  #readLength(bytes: Uint8Array, at: number): number {
    const low = bytes[at]! + bytes[at + 1]! * 0x100 + bytes[at + 2]! * 0x10000 + bytes[at + 3]! * 0x1000000;
    const high = bytes[at + 4]! + bytes[at + 5]! * 0x100 + bytes[at + 6]! * 0x10000 + bytes[at + 7]! * 0x1000000;
    return high === 0 ? low : high * 0x100000000 + low;
  }

  #checkedLength(bytes: Uint8Array, at: number): number {
    const length = this.#readLength(bytes, at);
    if (length > this.#limit()) {
      this.#fail(this.#state === EXPECT_MAGIC ? "input doesn't look like a Nix archive" : `string is too long (${length} bytes)`);
    }
    return length;
  }

  #pushString(chunk: Uint8Array, at: number): number {
    // Straight out of the chunk where it is whole there.
    if (this.#partialUsed === 0 && chunk.length - at >= 8) {
      const length = this.#checkedLength(chunk, at);
      const padded = (length + 7) & ~7;
      if (chunk.length - at >= 8 + padded) {
        this.#takeString(chunk, at + 8, length, padded);
        return at + 8 + padded;
      }
    }
    let next = at;
    if (this.#partialUsed < 8) {
      next = this.#gather(chunk, next, 8);
      if (this.#partialUsed < 8) return next;
    }
    const length = this.#checkedLength(this.#partial, 0);
    const padded = (length + 7) & ~7;
    next = this.#gather(chunk, next, 8 + padded);
    if (this.#partialUsed === 8 + padded) {
      this.#partialUsed = 0;
      this.#takeString(this.#partial, 8, length, padded);
    }
    return next;
  }

  #takeString(bytes: Uint8Array, at: number, length: number, padded: number): void {
    let text = '';
    for (let i = at; i < at + length; i++) text += String.fromCharCode(bytes[i]!);
    for (let i = at + length; i < at + padded; i++) if (bytes[i] !== 0) this.#fail('non-zero padding');
    this.#offset += 8 + padded;
    this.#next(text);
  }

  #expect(expected: string, text: string, next: number): void {
    if (text !== expected) this.#fail(`expected tag '${expected}', got '${text}'`);
    this.#state = next;
  }

  #next(text: string): void {
    switch (this.#state) {
      case EXPECT_MAGIC:
        if (text !== MAGIC) this.#fail("input doesn't look like a Nix archive");
        this.#state = EXPECT_OPEN;
        return;
      case EXPECT_OPEN:
        return this.#expect('(', text, EXPECT_TYPE_TAG);
      case EXPECT_TYPE_TAG:
        return this.#expect('type', text, EXPECT_TYPE);
      case EXPECT_TYPE:
        return this.#beginNode(text);
      case EXPECT_FILE_TAG:
        if (text === 'executable') {
          this.#executable = true;
          this.#state = EXPECT_EXECUTABLE_VALUE;
          return;
        }
        return this.#expect('contents', text, EXPECT_SIZE);
      case EXPECT_EXECUTABLE_VALUE:
        this.#state = EXPECT_CONTENTS_TAG;
        return;
      case EXPECT_CONTENTS_TAG:
        return this.#expect('contents', text, EXPECT_SIZE);
      case EXPECT_NODE_CLOSE:
        this.#expect(')', text, EXPECT_ENTRY_CLOSE);
        return this.#endNode();
      case EXPECT_TARGET_TAG:
        return this.#expect('target', text, EXPECT_TARGET);
      case EXPECT_TARGET:
        if (text === '' || text.includes('\0')) this.#fail('NAR contains invalid symlink target');
        this.#visitor.symlink(this.#path, text);
        this.#state = EXPECT_NODE_CLOSE;
        return;
      case EXPECT_DIRECTORY_TAG:
        if (text === ')') {
          const { path } = this.#directories.pop()!;
          this.#visitor.endDirectory(path);
          return this.#endNode();
        }
        if (text !== 'entry') this.#fail(`expected tag 'entry' or ')', got '${text}'`);
        this.#state = EXPECT_ENTRY_OPEN;
        return;
      case EXPECT_ENTRY_OPEN:
        return this.#expect('(', text, EXPECT_NAME_TAG);
      case EXPECT_NAME_TAG:
        return this.#expect('name', text, EXPECT_NAME);
      case EXPECT_NAME:
        return this.#beginEntry(text);
      case EXPECT_NODE_TAG:
        return this.#expect('node', text, EXPECT_OPEN);
      case EXPECT_ENTRY_CLOSE:
        return this.#expect(')', text, EXPECT_DIRECTORY_TAG);
    }
  }

  #beginNode(type: string): void {
    if (this.#directories.length >= MAX_DEPTH) this.#fail(`NAR directory nesting exceeds maximum depth of ${MAX_DEPTH}`);
    switch (type) {
      case 'regular':
        this.#executable = false;
        this.#state = EXPECT_FILE_TAG;
        return;
      case 'directory':
        this.#directories.push({ path: this.#path, lastName: '' });
        this.#visitor.beginDirectory(this.#path);
        this.#state = EXPECT_DIRECTORY_TAG;
        return;
      case 'symlink':
        this.#state = EXPECT_TARGET_TAG;
        return;
      default:
        this.#fail(`unknown file type '${type}'`);
    }
  }

  #beginEntry(name: string): void {
    if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
      this.#fail(`NAR contains invalid file name '${name}'`);
    }
    const directory = this.#directories.at(-1)!;
    if (name <= directory.lastName) this.#fail('NAR directory is not sorted');
    directory.lastName = name;
    this.#path = `${directory.path}/${name}`;
    this.#state = EXPECT_NODE_TAG;
  }

  #endNode(): void {
    this.#state = this.#directories.length === 0 ? DONE : EXPECT_ENTRY_CLOSE;
  }
}

/** Exactly one NAR of bytes that go on behind it; `onEnd` is called when all of it was read, before the last of it is given on. */
export async function* takeNar(
  reader: Pick<AsyncWireReader, 'peek' | 'skip'>,
  onEnd: () => void = nothing,
): AsyncGenerator<Uint8Array, void, undefined> {
  const nar = new NarReader(NO_VISITOR);
  while (!nar.done) {
    const chunk = await reader.peek();
    const part = chunk.slice(0, nar.push(chunk));
    reader.skip(part.length);
    if (nar.done) onEnd();
    yield part;
  }
}
