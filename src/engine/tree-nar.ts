// The NAR of a HostTree: only the walk's dress; the format is model/nar.ts's.

import { type ByteSink, type FileTree, writeNar } from '../model/nar.ts';
import type { HostTree } from './host-tree.ts';

/** Pushes the tree's NAR into `sink`, chunk by chunk. `shown` names the tree in errors. */
export function writeTreeNar(tree: HostTree, sink: ByteSink, shown: string): void {
  // The writer asks for each entry's kind right after the folder's listing, which had it.
  let listed = new Map<string, ReturnType<FileTree['kind']>>();
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
  try {
    writeNar(files, sink, undefined, (path) => shown + path);
  } finally {
    listed = new Map();
  }
}
