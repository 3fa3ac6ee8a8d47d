// Small file trees for tests: written as indented text, held in memory, seen as the FileTree that a NAR is made of.

import { bytesOf } from '../../src/base/bytes.ts';
import type { FileTree } from '../../src/model/nar.ts';

export type TestNode = { readonly contents: string; readonly executable: boolean } | { readonly target: string };
export type TestTree = TestNode | ReadonlyMap<string, TestTree>;

const isDirectory = (tree: TestTree): tree is ReadonlyMap<string, TestTree> => tree instanceof Map;

/** Lines `name/`, `name: contents`, `name*: executable`, `name -> target`; two spaces a level; `\n` escapes. Names may stand in any order. */
export function parseTree(text: string): ReadonlyMap<string, TestTree> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const base = /^ */.exec(lines[0] ?? '')![0].length;
  const root = new Map<string, TestTree>();
  const stack = [root];
  for (const line of lines) {
    const depth = (/^ */.exec(line)![0].length - base) / 2;
    stack.length = depth + 1;
    const parent = stack.at(-1)!;
    const rest = line.trim();
    const file = /^([^:]+?)(\*?):(?: (.*))?$/s.exec(rest);
    const link = /^(\S+) -> (.+)$/.exec(rest);
    if (rest.endsWith('/')) {
      const directory = new Map<string, TestTree>();
      parent.set(rest.slice(0, -1), directory);
      stack.push(directory);
    } else if (link) parent.set(link[1]!, { target: link[2]! });
    else if (file) parent.set(file[1]!, { contents: (file[3] ?? '').replaceAll('\\n', '\n'), executable: file[2] === '*' });
    else throw new Error(`not a line of a tree: ${rest}`);
  }
  return root;
}

/** One text for equal trees. */
export function printTree(tree: TestTree): string {
  return JSON.stringify(tree, (_key, value) =>
    value instanceof Map ? { entries: [...value].sort((a, b) => (a[0] < b[0] ? -1 : 1)) } : value,
  );
}

/** A tree as the NAR writer wants it. */
export function treeOf(tree: TestTree): FileTree {
  const find = (path: string): TestTree => {
    let node = tree;
    for (const name of path.split('/').slice(1)) node = (node as ReadonlyMap<string, TestTree>).get(name)!;
    return node;
  };
  return {
    kind(path) {
      const node = find(path);
      return isDirectory(node) ? 'directory' : 'target' in node ? 'symlink' : 'regular';
    },
    readDir: (path) => [...(find(path) as ReadonlyMap<string, TestTree>).keys()],
    readFile: (path) => bytesOf((find(path) as { contents: string }).contents),
    readLink: (path) => (find(path) as { target: string }).target,
    executable: (path) => (find(path) as { executable: boolean }).executable,
  };
}
