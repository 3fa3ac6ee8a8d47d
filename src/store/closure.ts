// Walking references: closures, and paths in an order in which references come first. Over any Store (asynchronous) or any function
// that gives a path's references at once.

import { compareStrings } from '../base/bytes.ts';
import { InvalidPathError, StoreError } from '../base/errors.ts';
import type { PathInfo } from '../model/path-info.ts';
import type { StorePath } from '../model/store-path.ts';
import type { Store } from './store.ts';

/** How many queries of a closure are under way at a time. */
const PARALLEL_QUERIES = 16;

/** Everything reachable from `roots`, themselves included. */
export function closureSync(roots: Iterable<StorePath>, edges: (path: StorePath) => Iterable<StorePath>): Set<StorePath> {
  const closure = new Set<StorePath>();
  const todo = [...roots];
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    if (closure.has(path)) continue;
    closure.add(path);
    for (const next of edges(path)) if (!closure.has(next)) todo.push(next);
  }
  return closure;
}

/** Infos of the closure of valid paths, by path. InvalidPathError where one is not valid. */
export async function queryClosure(store: Store, roots: Iterable<StorePath>): Promise<Map<StorePath, PathInfo>> {
  const infos = new Map<StorePath, PathInfo>();
  const seen = new Set<StorePath>(roots);
  let wave = [...seen];
  while (wave.length > 0) {
    const next: StorePath[] = [];
    for (let start = 0; start < wave.length; start += PARALLEL_QUERIES) {
      await Promise.all(
        wave.slice(start, start + PARALLEL_QUERIES).map(async (path) => {
          const info = await requirePathInfo(store, path);
          infos.set(path, info);
          for (const reference of info.references) {
            if (seen.has(reference)) continue;
            seen.add(reference);
            next.push(reference);
          }
        }),
      );
    }
    wave = next;
  }
  return infos;
}

/** The info of a path that must be valid. */
export async function requirePathInfo(store: Store, path: StorePath): Promise<PathInfo> {
  const info = await store.queryPathInfo(path);
  if (info === undefined) {
    throw new InvalidPathError(`path '${store.storeDir}/${path}' is not valid in store '${store.uri}'`, {
      data: { path, store: store.uri },
    });
  }
  return info;
}

/**
 * The paths with references first (self-references do not count, nor do edges to paths that are not among them); otherwise in byte
 * order. StoreError where they form a cycle.
 */
export function sortTopologically(paths: Iterable<StorePath>, references: (path: StorePath) => Iterable<StorePath>): StorePath[] {
  const among = new Set(paths);
  const sorted: StorePath[] = [];
  const state = new Map<StorePath, 'open' | 'done'>();
  for (const root of [...among].sort(compareStrings)) {
    if (state.has(root)) continue;
    const stack: { path: StorePath; rest: StorePath[] }[] = [];
    const enter = (path: StorePath): void => {
      state.set(path, 'open');
      stack.push({ path, rest: [...references(path)].filter((next) => next !== path && among.has(next)) });
    };
    enter(root);
    while (stack.length > 0) {
      const { path, rest } = stack.at(-1)!;
      const next = rest.shift();
      if (next === undefined) {
        state.set(path, 'done');
        sorted.push(path);
        stack.pop();
      } else if (state.get(next) === 'open') {
        throw new StoreError(`cycle detected in the references of '${next}' from '${path}'`, {
          code: 'FLOE_REFERENCE_CYCLE',
          data: { path: next, parent: path },
        });
      } else if (!state.has(next)) enter(next);
    }
  }
  return sorted;
}
