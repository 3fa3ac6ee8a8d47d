// What binary caches said, kept on disk: which paths and realisations they have (for `narinfo-cache-positive-ttl` seconds), which they have not
// (`-negative-ttl`), what they say of themselves (`-meta-ttl`), and that one could not be reached. One small file an answer, written by
// rename, so any number of processes may read and write; what is broken or gone counts as never written.

import { byteStringOf, bytesOf } from '../../base/bytes.ts';
import { FloeError } from '../../base/errors.ts';
import { hashBytes, printHash } from '../../base/hash.ts';
import type { Files } from '../../io/io.ts';

export interface NarInfoCacheOptions {
  readonly files: Files;
  /** Byte string; made when something is written. */
  readonly folder: string;
  readonly positiveTtlS: number;
  readonly negativeTtlS: number;
  readonly metaTtlS: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** An entry: the time of writing, then what there is to say. */
interface Entry {
  readonly ageMs: number;
  readonly text: string;
}

const ABSENT = 'absent';
const DESCRIPTION = 'nix-cache-info';
const UNREACHABLE = 'unreachable';

/** What one cache said. */
export class CacheMemory {
  readonly #options: NarInfoCacheOptions;
  readonly #folder: string;

  constructor(options: NarInfoCacheOptions, uri: string, storeDir: string) {
    this.#options = options;
    this.#folder = `${options.folder}/v1/${printHash(hashBytes('sha256', `${storeDir}\n${uri}`), 'nix32').slice(0, 32)}`;
  }

  #read(name: string): Entry | undefined {
    const { files, now } = this.#options;
    try {
      const path = `${this.#folder}/${name}`;
      if (files.stat(path)?.kind !== 'regular') return undefined;
      const contents = byteStringOf(files.readFile(path));
      const end = contents.indexOf('\n');
      const writtenMs = end < 0 || !/^[0-9]+$/.test(contents.slice(0, end)) ? NaN : Number(contents.slice(0, end));
      const ageMs = now() - writtenMs;
      // From the future: a clock was set back.
      return ageMs >= 0 ? { ageMs, text: contents.slice(end + 1) } : undefined;
    } catch (error) {
      if (error instanceof FloeError) return undefined;
      throw error;
    }
  }

  #write(name: string, text: string): void {
    const { files, now } = this.#options;
    try {
      files.writeFileAtomic(`${this.#folder}/${name}`, bytesOf(`${now()}\n${text}`), { disposable: true });
    } catch (error) {
      // A memory that cannot be written (no home, a full disk) only costs time.
      if (!(error instanceof FloeError)) throw error;
    }
  }

  #remove(name: string): void {
    try {
      this.#options.files.remove(`${this.#folder}/${name}`);
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
    }
  }

  /** Folders by first digits keep each folder small. */
  #nameOf(key: string): string {
    return `${key.slice(0, 2)}/${key}`;
  }

  /**
   * The text of a narinfo (by the path's hash part) or a realisation (by the derivation's hash and the output); null where the cache has
   * none, undefined where it must be asked.
   */
  lookup(key: string): string | null | undefined {
    const { positiveTtlS, negativeTtlS } = this.#options;
    const entry = this.#read(this.#nameOf(key));
    if (entry === undefined) return undefined;
    const isAbsent = entry.text === ABSENT;
    if (entry.ageMs >= (isAbsent ? negativeTtlS : positiveTtlS) * 1000) return undefined;
    return isAbsent ? null : entry.text;
  }

  remember(key: string, text: string | null): void {
    this.#write(this.#nameOf(key), text ?? ABSENT);
  }

  forget(key: string): void {
    this.#remove(this.#nameOf(key));
  }

  /** The text of nix-cache-info. */
  lookupDescription(): string | undefined {
    const entry = this.#read(DESCRIPTION);
    return entry !== undefined && entry.ageMs < this.#options.metaTtlS * 1000 ? entry.text : undefined;
  }

  rememberDescription(text: string): void {
    this.#prune();
    this.#write(DESCRIPTION, text);
    this.#remove(UNREACHABLE);
  }

  /** Whether the cache was found dead not long ago. */
  get isUnreachable(): boolean {
    // Who wants fresh answers (`--refresh`) wants this one too.
    if (this.#options.metaTtlS === 0) return false;
    const entry = this.#read(UNREACHABLE);
    return entry !== undefined && entry.ageMs < Number(entry.text);
  }

  rememberUnreachable(forMs: number): void {
    this.#write(UNREACHABLE, String(forMs));
  }

  /** Drops what is too old to be believed; done as often as the cache's description is read again. */
  #prune(): void {
    const { files, now, positiveTtlS } = this.#options;
    try {
      if (files.stat(this.#folder)?.kind !== 'directory') return;
      for (const { name, kind } of files.readDir(this.#folder)) {
        if (kind !== 'directory') continue;
        for (const entry of files.readDir(`${this.#folder}/${name}`)) {
          const path = `${this.#folder}/${name}/${entry.name}`;
          const stat = files.stat(path);
          if (stat !== undefined && now() - Number(stat.modifiedNs / 1_000_000n) > positiveTtlS * 1000) files.remove(path);
        }
      }
    } catch (error) {
      // Someone else may be at it.
      if (!(error instanceof FloeError)) throw error;
    }
  }
}
