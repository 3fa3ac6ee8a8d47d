// A binary cache in a folder (`file:///path`): the same files, read and written directly.

import { byteStringToUtf8 } from '../../base/bytes.ts';
import { FetchError, FloeError } from '../../base/errors.ts';
import type { Files } from '../../io/io.ts';
import type { ReadOptions } from '../store.ts';
import type { CacheFiles } from './cache-files.ts';

const CHUNK_SIZE = 1 << 20;

export class FileCache implements CacheFiles {
  readonly uri: string;
  readonly isEnabled = true;
  readonly #files: Files;
  readonly #folder: string;

  /** `folder` is a byte string. */
  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
    this.uri = `file://${byteStringToUtf8(folder)}`;
  }

  /** A cache's own data may not point out of it. */
  #pathOf(name: string): string {
    if (name === '' || name.includes('\0') || name.split('/').some((segment) => segment === '' || segment === '..' || segment === '.')) {
      throw new FloeError('FLOE_BAD_CACHE_FILE', `'${name}' is no name of a file in binary cache '${this.uri}'`, { data: { name } });
    }
    return `${this.#folder}/${name}`;
  }

  async *read(name: string, { signal }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const path = this.#pathOf(name);
    if (this.#files.stat(path) === undefined) {
      throw new FetchError(`file '${name}' does not exist in binary cache '${this.uri}'`, { code: 'FLOE_NOT_FOUND', data: { path } });
    }
    for (let offset = 0; ; offset += CHUNK_SIZE) {
      signal?.throwIfAborted();
      const chunk = this.#files.readRange(path, offset, CHUNK_SIZE);
      if (chunk.length > 0) yield chunk;
      if (chunk.length < CHUNK_SIZE) return;
    }
  }

  /** Not forced to the disk file by file (nor does C++ Nix): what a crash loses, hashes tell. */
  write(name: string, contents: Uint8Array): void {
    this.#files.writeFileAtomic(this.#pathOf(name), contents, { disposable: true });
  }

  has(name: string): boolean {
    return this.#files.stat(this.#pathOf(name)) !== undefined;
  }

  list(): readonly string[] {
    if (this.#files.stat(this.#folder)?.kind !== 'directory') return [];
    return this.#files.readDir(this.#folder).map(({ name }) => name);
  }
}
