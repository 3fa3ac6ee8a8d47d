// The trees that come with floe (its package set, its templates) as flake inputs. A lock file names such a tree by the folder it had where
// the file was made, and by its hash; floe finds its own copy by the hash, wherever it is installed.

import { printHash } from '../base/hash.ts';
import type { BundledTrees, FetchContext } from '../fetch/fetcher.ts';
import { fetchPath } from '../fetch/path.ts';
import { narHashOfTree } from '../fetch/source-tree.ts';

/** `folders` are those of this installation. Their hashes are remembered like those of all folders, and asked for only when needed. */
export function makeBundledTrees(folders: readonly string[], context: Pick<FetchContext, 'io' | 'cache'>): BundledTrees {
  let known: ReadonlyMap<string, string> | undefined;
  const names = new Set(folders.map((folder) => folder.slice(folder.lastIndexOf('/') + 1)));
  return {
    find(narHash) {
      known ??= new Map(folders.map((folder) => [hashOf(folder, context), folder]));
      return known.get(narHash);
    },
    hint(path) {
      const name = path.slice(path.lastIndexOf('/') + 1);
      if (!names.has(name) || !/\/(?:src\/debpkgs|templates)$/.test(path)) return undefined;
      return `the lock was made with another version of floe, whose '${name}' differs: run \`floe flake update ${name}\` to take the one of this version`;
    },
  };
}

function hashOf(folder: string, { io, cache }: Pick<FetchContext, 'io' | 'cache'>): string {
  const store = { storeDir: '/nix/store', find: () => undefined };
  const { tree, hashKey } = fetchPath({ type: 'path', path: folder }, { io, store, cache });
  const remembered = hashKey === undefined ? undefined : cache.lookup('nar-hash', hashKey)?.value['narHash'];
  if (typeof remembered === 'string') return remembered;
  const narHash = printHash(narHashOfTree(tree), 'sri');
  if (hashKey !== undefined) cache.store('nar-hash', hashKey, { narHash });
  return narHash;
}
