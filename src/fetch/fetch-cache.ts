// What earlier fetches found out: NAR hashes of trees by fingerprint, answers of servers by URL. One small file an entry, written by
// rename, so any number of processes may read and write at once; a file that is broken or gone counts as never written. Entries that
// stand for something that changes (a branch, a URL) carry their time, and the reader decides how old is too old.

import { bytesOf } from '../base/bytes.ts';
import { type Json, parseJson, printJson } from '../base/canonical-json.ts';
import { FloeError } from '../base/errors.ts';
import { hashBytes, printHash } from '../base/hash.ts';
import type { Files } from '../io/io.ts';

export type CacheValue = Readonly<Record<string, string | number>>;

export interface CacheEntry {
  readonly value: CacheValue;
  /** Milliseconds since 1970 when it was written. */
  readonly writtenMs: number;
}

export interface FetchCache {
  /** A folder for what is too big for an entry: git mirrors, unpacked trees. */
  readonly folder: string;
  lookup(kind: string, key: string): CacheEntry | undefined;
  store(kind: string, key: string, value: CacheValue): void;
}

/** A cache in a folder (usually `~/.cache/floe/fetch`). */
export function makeFetchCache(files: Files, folder: string, now: () => number): FetchCache {
  const known = new Map<string, CacheEntry>();
  const pathOf = (kind: string, key: string) => `${folder}/v1/${kind}/${printHash(hashBytes('sha256', key), 'nix32')}`;
  return {
    folder,
    lookup(kind, key) {
      const path = pathOf(kind, key);
      const remembered = known.get(path);
      if (remembered) return remembered;
      const entry = readEntry(files, path, key);
      if (entry) known.set(path, entry);
      return entry;
    },
    store(kind, key, value) {
      const path = pathOf(kind, key);
      const entry = { value, writtenMs: now() };
      known.set(path, entry);
      try {
        files.writeFileAtomic(path, bytesOf(printJson({ key, value, writtenMs: entry.writtenMs })), { disposable: true });
      } catch (error) {
        // A cache that cannot be written (no home, a full disk) only costs time.
        if (!(error instanceof FloeError)) throw error;
      }
    },
  };
}

function readEntry(files: Files, path: string, key: string): CacheEntry | undefined {
  try {
    if (files.stat(path)?.kind !== 'regular') return undefined;
    const json = parseJson(files.readText(path), path);
    if (!(json instanceof Map)) return undefined;
    const members = json as ReadonlyMap<string, Json>;
    const value = members.get('value');
    const writtenMs = members.get('writtenMs');
    if (members.get('key') !== key || !(value instanceof Map) || typeof writtenMs !== 'number') return undefined;
    return { value: Object.fromEntries(value as ReadonlyMap<string, string | number>), writtenMs };
  } catch (error) {
    if (error instanceof FloeError) return undefined;
    throw error;
  }
}
