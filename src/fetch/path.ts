// Inputs of type `path`: a folder (or file) of this machine as it is. It counts as changed when the newest of its files did. Hashing
// reads every file, so the hash is remembered under a digest of what lstat says of them all. (Nix: libfetchers/path.cc.)

import { compareStrings } from '../base/bytes.ts';
import { FetchError, IoError } from '../base/errors.ts';
import { hashBytes, printHash } from '../base/hash.ts';
import type { Files } from '../io/io.ts';
import { canonicalPath } from '../model/flake-ref.ts';
import { type InputAttrs, integerAttr, printInput, stringAttr, withAttrs } from '../model/input-scheme.ts';
import { splitStorePath, type StorePath, storePathName } from '../model/store-path.ts';
import type { FetchContext, RawFetch } from './fetcher.ts';
import { FolderTree } from './source-tree.ts';

/** A file that changed within that time may change again without its times showing it. */
const SETTLED_NS = 2_000_000_000n;

interface TreeStats {
  /** Seconds since 1970 of the newest change. */
  readonly newest: number;
  /** Digest of everything lstat says that changes with the content; undefined where something changed just now. */
  readonly digest: string | undefined;
}

export function fetchPath(attrs: InputAttrs, context: Pick<FetchContext, 'io' | 'store' | 'bundledTrees' | 'cache'>): RawFetch {
  const given = stringAttr(attrs, 'path') ?? '';
  if (!given.startsWith('/')) throw new FetchError(`cannot fetch input '${printInput(attrs)}' because it uses a relative path`);
  const path = canonicalPath(given);
  if (path === '/') throw new FetchError(`input '${printInput(attrs)}' is the whole file system`, { hint: 'name a folder below it' });
  const { files } = context.io;
  const stored = storeObjectAt(path, context);
  if (stored) {
    const found = context.store.find(stored);
    if (found && storePathName(stored) === 'source') {
      return { ...withDate(attrs, 0), tree: new FolderTree(files, found.place), narHash: found.narHash, folder: found.place };
    }
  }
  const place = (stored && context.store.find(stored)?.place) ?? path;
  if (files.stat(place) === undefined) throw missingPath(attrs, path, context);
  const { newest, digest } = statTree(files, place, context.io.now());
  return {
    ...withDate(attrs, newest),
    tree: new FolderTree(files, place),
    // Remembering the hash of a tree that holds the memory would change the tree.
    hashKey: digest === undefined || context.cache.folder.startsWith(`${place}/`) ? undefined : `path:${digest}`,
    folder: place,
  };
}

function missingPath(attrs: InputAttrs, path: string, { bundledTrees }: Pick<FetchContext, 'bundledTrees'>): FetchError | IoError {
  const narHash = stringAttr(attrs, 'narHash');
  return new IoError(`path '${path}' does not exist`, {
    data: { path },
    hint:
      narHash === undefined
        ? 'a `path:` input names a folder of this machine'
        : (bundledTrees?.hint(path) ??
          'the lock file names a folder that is not on this machine, and the store has no copy of it: lock the input anew with `floe flake update`'),
  });
}

function withDate(attrs: InputAttrs, seconds: number): { attrs: InputAttrs } {
  return { attrs: integerAttr(attrs, 'lastModified') === undefined ? withAttrs(attrs, { lastModified: seconds }) : attrs };
}

function storeObjectAt(path: string, { store }: Pick<FetchContext, 'store'>): StorePath | undefined {
  try {
    const inStore = splitStorePath(path, store.storeDir);
    return inStore?.rest === '' ? inStore.storePath : undefined;
  } catch {
    return undefined;
  }
}

/** Walks the tree once, reading no file. */
function statTree(files: Files, root: string, nowMs: number): TreeStats {
  const lines: string[] = [];
  let newestNs = 0n;
  let lastTouchNs = 0n;
  const visit = (path: string): void => {
    const stat = files.stat(path);
    if (stat === undefined) return;
    if (stat.modifiedNs > newestNs) newestNs = stat.modifiedNs;
    for (const time of [stat.modifiedNs, stat.changedNs]) if (time > lastTouchNs) lastTouchNs = time;
    lines.push(
      `${path.slice(root.length)}\0${stat.kind} ${stat.executable ? 'x' : '-'} ${stat.size} ${stat.modifiedNs} ${stat.changedNs} ${stat.inode} ${stat.device}\n`,
    );
    if (stat.kind !== 'directory') return;
    const names = files.readDir(path).map(({ name }) => name);
    for (const name of names.sort(compareStrings)) visit(`${path}/${name}`);
  };
  visit(root);
  const settled = lastTouchNs < BigInt(nowMs) * 1_000_000n - SETTLED_NS;
  return {
    newest: Number(newestNs / 1_000_000_000n),
    digest: settled ? printHash(hashBytes('sha256', lines.join('')), 'nix32') : undefined,
  };
}
