// What a binary cache is to the code above it: files under relative names ("nix-cache-info", "<hash>.narinfo", "nar/<hash>.nar.xz").
// How they are reached is http-cache.ts's and file-cache.ts's matter. Nix manual, "Binary cache".

import { FetchError } from '../../base/errors.ts';
import type { ReadOptions } from '../store.ts';

export interface CacheFiles {
  /** As the user would write it, without parameters and without a slash at the end. */
  readonly uri: string;
  /** False where asking is known to be in vain for the time being. */
  readonly isEnabled: boolean;
  /** The file in pieces. FetchError with code FLOE_NOT_FOUND where the cache has none of that name. */
  read(name: string, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /** Writes a file whole or not at all. FloeError where this cache takes none. */
  write(name: string, contents: Uint8Array): void;
  has(name: string): boolean;
  /** Names of the files at the top; undefined where the cache cannot list them. */
  list(): readonly string[] | undefined;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof FetchError && error.code === 'FLOE_NOT_FOUND';
}

/** A small file in one piece; undefined where the cache has none of that name. */
export async function readWhole(files: CacheFiles, name: string, options?: ReadOptions): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of files.read(name, options)) {
      chunks.push(chunk);
      size += chunk.length;
    }
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
