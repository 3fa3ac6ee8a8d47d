// A tree of source files, read only and synchronous, wherever its bytes lie: a folder, a folder seen through a list of tracked files, a
// commit in a git repository, or one mounted in another. A tree's NAR hash, and with it the store path, is computed without copying
// anything; the store gets a copy when something refers to it. Paths are byte strings from the tree's root: "" or "/a/b".

import { compareStrings } from '../base/bytes.ts';
import type { FloeError } from '../base/errors.ts';
import type { Hash } from '../base/hash.ts';
import { startDigest } from '../base/sha.ts';
import type { FileKind, Files } from '../io/io.ts';
import { type ByteSink, type FileTree, writeNar } from '../model/nar.ts';

export interface TreeEntry {
  readonly name: string;
  readonly kind: FileKind;
}

/** Errors are IoErrors in the words of the tree: what an untracked file is called differs from one that is not there. */
export interface SourceTree {
  /** Undefined where nothing is there; a final symbolic link is not followed. */
  kind(path: string): FileKind | undefined;
  /** Byte string. */
  readFile(path: string): string;
  readBytes(path: string): Uint8Array;
  /** In any order. */
  readDir(path: string): TreeEntry[];
  readLink(path: string): string;
  isExecutable(path: string): boolean;
}

/** A folder or a single file of the machine, all that is in it. */
export class FolderTree implements SourceTree {
  private readonly files: Files;
  private readonly root: string;

  constructor(files: Files, root: string) {
    this.files = files;
    this.root = root === '/' ? '' : root;
  }

  kind(path: string): FileKind | undefined {
    return this.files.stat(this.root + path)?.kind;
  }

  readFile(path: string): string {
    return this.files.readText(this.root + path);
  }

  readBytes(path: string): Uint8Array {
    return this.files.readFile(this.root + path);
  }

  readDir(path: string): TreeEntry[] {
    return this.files.readDir(this.root + path);
  }

  readLink(path: string): string {
    return this.files.readLink(this.root + path);
  }

  isExecutable(path: string): boolean {
    return this.files.stat(this.root + path)?.executable ?? false;
  }
}

/** Part of a tree: the listed files, and the folders that lead to them. */
export class ListedTree implements SourceTree {
  private readonly tree: SourceTree;
  private readonly listed: ReadonlySet<string>;
  private readonly folders = new Set<string>(['']);
  private readonly refuse: (path: string) => FloeError;

  /** `listed` holds paths from the root ("/a/b"); `refuse` makes the error for any other. */
  constructor(tree: SourceTree, listed: ReadonlySet<string>, refuse: (path: string) => FloeError) {
    this.tree = tree;
    this.listed = listed;
    this.refuse = refuse;
    for (const path of listed) {
      for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
        const folder = path.slice(0, slash);
        if (this.folders.has(folder)) break;
        this.folders.add(folder);
      }
    }
  }

  private allows(path: string): boolean {
    if (this.listed.has(path) || this.folders.has(path)) return true;
    // Below something listed: a mounted tree, or a folder that took a file's place.
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const above = path.slice(0, slash);
      if (this.listed.has(above)) return true;
      if (this.folders.has(above)) return false;
    }
    return false;
  }

  private inside(path: string): string {
    if (!this.allows(path)) throw this.refuse(path);
    return path;
  }

  kind(path: string): FileKind | undefined {
    return this.allows(path) ? this.tree.kind(path) : undefined;
  }

  readFile(path: string): string {
    return this.tree.readFile(this.inside(path));
  }

  readBytes(path: string): Uint8Array {
    return this.tree.readBytes(this.inside(path));
  }

  readDir(path: string): TreeEntry[] {
    return this.tree.readDir(this.inside(path)).filter(({ name }) => this.allows(`${path}/${name}`));
  }

  readLink(path: string): string {
    return this.tree.readLink(this.inside(path));
  }

  isExecutable(path: string): boolean {
    return this.tree.isExecutable(this.inside(path));
  }
}

/** One tree with others in the place of some of its folders (git submodules). */
export class MountedTree implements SourceTree {
  private readonly base: SourceTree;
  private readonly mounts: ReadonlyMap<string, SourceTree>;

  constructor(base: SourceTree, mounts: ReadonlyMap<string, SourceTree>) {
    this.base = base;
    this.mounts = mounts;
  }

  private at(path: string): { tree: SourceTree; rest: string } {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const tree = this.mounts.get(path.slice(0, end));
      if (tree) return { tree, rest: path.slice(end) };
    }
    return { tree: this.base, rest: path };
  }

  kind(path: string): FileKind | undefined {
    const { tree, rest } = this.at(path);
    return tree.kind(rest);
  }

  readFile(path: string): string {
    const { tree, rest } = this.at(path);
    return tree.readFile(rest);
  }

  readBytes(path: string): Uint8Array {
    const { tree, rest } = this.at(path);
    return tree.readBytes(rest);
  }

  readDir(path: string): TreeEntry[] {
    const { tree, rest } = this.at(path);
    return tree.readDir(rest);
  }

  readLink(path: string): string {
    const { tree, rest } = this.at(path);
    return tree.readLink(rest);
  }

  isExecutable(path: string): boolean {
    const { tree, rest } = this.at(path);
    return tree.isExecutable(rest);
  }
}

/** Pushes the tree's NAR, chunk by chunk; `describe` names a path of it in errors. */
export function writeTreeNar(tree: SourceTree, sink: ByteSink, describe?: (path: string) => string): void {
  // The writer asks for a kind right after the listing that told it.
  const listed = new Map<string, FileKind>();
  const files: FileTree = {
    kind: (path) => listed.get(path) ?? tree.kind(path) ?? 'unknown',
    readDir(path) {
      const entries = tree.readDir(path);
      for (const { name, kind } of entries) listed.set(`${path}/${name}`, kind);
      return entries.map(({ name }) => name);
    },
    readFile: (path) => tree.readBytes(path),
    readLink: (path) => tree.readLink(path),
    executable: (path) => tree.isExecutable(path),
  };
  writeNar(files, sink, undefined, describe);
}

/** SHA-256 of the tree's NAR. */
export function narHashOfTree(tree: SourceTree, describe?: (path: string) => string): Hash {
  const digest = startDigest('sha256');
  writeTreeNar(tree, (chunk) => digest.update(chunk), describe);
  return { algorithm: 'sha256', bytes: digest.digest() };
}

/** Every file and link below `path`, sorted, with its kind; folders are left out. */
export function listTree(tree: SourceTree, path = ''): { readonly path: string; readonly kind: FileKind }[] {
  const kind = tree.kind(path);
  if (kind === undefined) return [];
  if (kind !== 'directory') return [{ path, kind }];
  const names = tree.readDir(path).map(({ name }) => name);
  return names.sort(compareStrings).flatMap((name) => listTree(tree, `${path}/${name}`));
}
