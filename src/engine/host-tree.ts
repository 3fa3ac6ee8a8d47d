// Read access to one tree of files, synchronous, as the evaluator and the NAR writer need it: a folder on disk, a fetched tree with
// its filter, or a single text that is not on disk yet. Paths are byte strings relative to the tree: "" is its root, "/a/b" below.

import * as fs from 'node:fs';
import { byteStringToUtf8, bytesOf } from '../base/bytes.ts';
import { type FloeError, IoError } from '../base/errors.ts';
import type { PathKind } from '../eval/host.ts';
import type { SourceTree } from '../fetch/source-tree.ts';

/** The same trees that fetchers give. */
export type HostTree = SourceTree;

/** A byte string as a path for node:fs. */
export function systemPath(path: string): string | Buffer {
  return /[^\x00-\x7f]/.test(path) ? Buffer.from(path, 'latin1') : path;
}

/** An error of node:fs in Nix's words; `shown` is the path as the user knows it. */
export function ioError(error: unknown, shown: string): FloeError {
  const path = byteStringToUtf8(shown);
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Record<string, string> = {
    ENOENT: 'No such file or directory',
    ENOTDIR: 'Not a directory',
    EISDIR: 'Is a directory',
    EACCES: 'Permission denied',
    ELOOP: 'Too many levels of symbolic links',
    ENOSPC: 'No space left on device',
  };
  if (code === 'ENOENT' || code === 'ENOTDIR') return new IoError(`path '${path}' does not exist`, { data: { path, code } });
  return new IoError(`cannot read '${path}': ${words[code ?? ''] ?? message}`, { data: { path, code } });
}

/** The same of an attempt to read a file. */
function readError(error: unknown, shown: string): FloeError {
  if ((error as NodeJS.ErrnoException).code !== 'EISDIR') return ioError(error, shown);
  const path = byteStringToUtf8(shown);
  return new IoError('read of 4096 bytes: Is a directory', { data: { path, code: 'EISDIR' }, hint: `'${path}' is a folder, not a file` });
}

export function kindOfStats(stats: fs.Stats | fs.Dirent): PathKind {
  return stats.isFile() ? 'regular' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'unknown';
}

/** A folder or file of the machine; `root` is where it really lies, `shown` the path errors name. */
export class DiskTree implements HostTree {
  private readonly root: string;
  private readonly shown: string;

  constructor(root: string, shown = root) {
    this.root = root;
    this.shown = shown;
  }

  private real(path: string): string | Buffer {
    return systemPath(this.root + path || '/');
  }

  kind(path: string): PathKind | undefined {
    try {
      const stats = fs.lstatSync(this.real(path), { throwIfNoEntry: false });
      return stats && kindOfStats(stats);
    } catch (error) {
      if (['ENOTDIR', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw ioError(error, this.shown + path);
    }
  }

  readFile(path: string): string {
    try {
      return fs.readFileSync(this.real(path), 'latin1');
    } catch (error) {
      throw readError(error, this.shown + path);
    }
  }

  readBytes(path: string): Uint8Array {
    try {
      return fs.readFileSync(this.real(path));
    } catch (error) {
      throw readError(error, this.shown + path);
    }
  }

  readDir(path: string): { name: string; kind: PathKind }[] {
    try {
      const entries = fs.readdirSync(this.real(path), { withFileTypes: true, encoding: 'latin1' as BufferEncoding });
      return entries.map((entry) => ({ name: entry.name, kind: kindOfStats(entry) }));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOTDIR' && this.kind(path) !== undefined) {
        throw new IoError(`cannot read directory "${byteStringToUtf8(this.shown + path)}": Not a directory`);
      }
      throw ioError(error, this.shown + path);
    }
  }

  readLink(path: string): string {
    try {
      return fs.readlinkSync(this.real(path), 'latin1' as BufferEncoding);
    } catch (error) {
      throw ioError(error, this.shown + path);
    }
  }

  isExecutable(path: string): boolean {
    return (fs.lstatSync(this.real(path)).mode & 0o100) !== 0;
  }
}

/** One regular file held in memory, such as a `toFile` object or a .drv file that is not written yet. */
export class TextTree implements HostTree {
  private readonly text: string;
  private readonly shown: string;

  constructor(text: string, shown: string) {
    this.text = text;
    this.shown = shown;
  }

  kind(path: string): PathKind | undefined {
    return path === '' ? 'regular' : undefined;
  }

  readFile(path: string): string {
    if (path !== '') throw new IoError(`path '${this.shown}${path}' does not exist`);
    return this.text;
  }

  readBytes(path: string): Uint8Array {
    return bytesOf(this.readFile(path));
  }

  readDir(): never {
    throw new IoError(`cannot read directory "${this.shown}": Not a directory`);
  }

  readLink(): never {
    throw new IoError(`'${this.shown}' is not a symbolic link`);
  }

  isExecutable(): boolean {
    return false;
  }
}

/** Part of a tree: what a filter left of the folder at `root`. `accepted` holds the paths below the root that stay, or all do. */
export class SubTree implements HostTree {
  private readonly tree: HostTree;
  private readonly root: string;
  private readonly accepted: ReadonlySet<string> | undefined;

  constructor(tree: HostTree, root: string, accepted?: ReadonlySet<string>) {
    this.tree = tree;
    this.root = root;
    this.accepted = accepted;
  }

  private has(path: string): boolean {
    return this.accepted === undefined || path === '' || this.accepted.has(path);
  }

  private inside(path: string): string {
    if (!this.has(path)) throw new IoError(`path '${this.root}${path}' does not exist`);
    return this.root + path;
  }

  kind(path: string): PathKind | undefined {
    return this.has(path) ? this.tree.kind(this.root + path) : undefined;
  }

  readFile(path: string): string {
    return this.tree.readFile(this.inside(path));
  }

  readBytes(path: string): Uint8Array {
    return this.tree.readBytes(this.inside(path));
  }

  readDir(path: string): { name: string; kind: PathKind }[] {
    const entries = this.tree.readDir(this.inside(path));
    return this.accepted === undefined ? entries : entries.filter(({ name }) => this.accepted!.has(`${path}/${name}`));
  }

  readLink(path: string): string {
    return this.tree.readLink(this.inside(path));
  }

  isExecutable(path: string): boolean {
    return this.tree.isExecutable(this.inside(path));
  }
}
