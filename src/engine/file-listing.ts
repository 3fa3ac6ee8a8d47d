// Lines of `store ls` and `nar ls`: a file, or what is in a folder. nix/ls.cc.

import type { StoreFile } from './store-files.ts';

/** A tree that can be listed: an object of the store, or a NAR. */
export interface ListableTree {
  /** The last part of its path; undefined for a root. */
  readonly name: string | undefined;
  file(below?: string): StoreFile;
  names(below?: string): string[];
}

export interface ListOptions {
  /** Folders inside folders too. */
  readonly recursive: boolean;
  /** Modes, sizes and where links lead. */
  readonly long: boolean;
  /** Folders, not what is in them. */
  readonly directory: boolean;
}

/** Lines, byte strings without their ends. */
export function* listFiles(tree: ListableTree, options: ListOptions): Generator<string, void, undefined> {
  const { kind } = tree.file();
  if (kind === 'directory' && !options.directory) yield* listFolder(tree, '', '.', options);
  else yield* listFile(tree, '', kind === 'directory' ? '.' : (tree.name ?? ''), options);
}

function* listFolder(tree: ListableTree, below: string, shown: string, options: ListOptions): Generator<string, void, undefined> {
  for (const name of tree.names(below)) yield* listFile(tree, `${below}/${name}`, `${shown}/${name}`, options);
}

function* listFile(tree: ListableTree, below: string, shown: string, options: ListOptions): Generator<string, void, undefined> {
  const { kind, executable, size, target } = tree.file(below);
  const mode = { regular: executable ? '-r-xr-xr-x' : '-r--r--r--', symlink: 'lrwxrwxrwx', directory: 'dr-xr-xr-x' }[kind];
  yield options.long ? `${mode} ${String(size).padStart(20)} ${shown}${target === undefined ? '' : ` -> ${target}`}` : shown;
  if (options.recursive && kind === 'directory') yield* listFolder(tree, below, shown, options);
}
