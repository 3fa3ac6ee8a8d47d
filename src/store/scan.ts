// Finding references in bytes: which of the given hash parts (32 base-32 digits) occur anywhere in a stream, as libutil/references.cc
// does. And the hash of a stream modulo one hash part, by which content addresses cope with self-references.

import { BASE32_ALPHABET } from '../base/base32.ts';
import { bytesOf } from '../base/bytes.ts';
import type { Hash, HashAlgorithm } from '../base/hash.ts';
import { startDigest } from '../base/sha.ts';
import { type StorePath, storePathHash } from '../model/store-path.ts';

const LENGTH = 32;

/** 1 for each byte that is a digit of Nix's base 32. */
const IS_DIGIT = new Uint8Array(256);
for (const digit of BASE32_ALPHABET) IS_DIGIT[digit.charCodeAt(0)] = 1;

/** Looks for candidates in bytes pushed in any pieces. */
export class ReferenceScanner {
  /** First four digits as a number -> the candidates that begin so, not found yet. */
  readonly #candidates = new Map<number, { readonly path: StorePath; readonly digits: Uint8Array }[]>();
  readonly #found = new Set<StorePath>();
  #left = 0;
  /** The last bytes of what was pushed, where a digit sequence may have begun. */
  #tail: Uint8Array = new Uint8Array(0);

  constructor(candidates: Iterable<StorePath>) {
    for (const path of candidates) {
      const digits = bytesOf(storePathHash(path));
      const key = keyAt(digits, 0);
      const list = this.#candidates.get(key);
      if (list === undefined) this.#candidates.set(key, [{ path, digits }]);
      else list.push({ path, digits });
      this.#left++;
    }
  }

  push(chunk: Uint8Array): void {
    if (this.#left === 0 || chunk.length === 0) return;
    const overlap = Math.min(chunk.length, LENGTH - 1);
    const seam = new Uint8Array(this.#tail.length + overlap);
    seam.set(this.#tail);
    seam.set(chunk.subarray(0, overlap), this.#tail.length);
    this.#search(seam);
    this.#search(chunk);
    this.#tail =
      chunk.length >= LENGTH - 1 ? chunk.slice(chunk.length - (LENGTH - 1)) : seam.slice(Math.max(0, seam.length - (LENGTH - 1)));
  }

  /** Those found so far. */
  get found(): ReadonlySet<StorePath> {
    return this.#found;
  }

  #search(bytes: Uint8Array): void {
    const end = bytes.length - LENGTH;
    // PERF: from the back of the window, one byte that is no digit lets the whole window skip past it (most bytes are not read at all).
    // `clean` says up to where all bytes are known to be digits, so that a long run of digits is read once and not 32 times.
    let clean = 0;
    for (let start = 0; start <= end;) {
      let at = start + LENGTH - 1;
      while (at >= start && at >= clean && IS_DIGIT[bytes[at]!] === 1) at--;
      if (at >= start && at >= clean) {
        start = at + 1;
        continue;
      }
      clean = start + LENGTH;
      this.#check(bytes, start);
      start++;
    }
  }

  #check(bytes: Uint8Array, start: number): void {
    const list = this.#candidates.get(keyAt(bytes, start));
    if (list === undefined) return;
    for (let i = 0; i < list.length;) {
      const { path, digits } = list[i]!;
      let same = 4;
      while (same < LENGTH && bytes[start + same] === digits[same]) same++;
      if (same < LENGTH) {
        i++;
        continue;
      }
      this.#found.add(path);
      this.#left--;
      list.splice(i, 1);
    }
  }
}

function keyAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/**
 * A digest of bytes in which each occurrence of `hashPart` counts as zero bytes.
 * NIX: 2.34.8 means to hash the places of the occurrences too, but never notes them down (RewritingSink::matches stays empty).
 */
export class HashModulo {
  readonly #sink;
  readonly #algorithm: HashAlgorithm;
  readonly #needle: Uint8Array;
  #tail: Uint8Array = new Uint8Array(0);

  constructor(algorithm: HashAlgorithm, hashPart: string) {
    this.#algorithm = algorithm;
    this.#sink = startDigest(algorithm);
    this.#needle = bytesOf(hashPart);
  }

  push(chunk: Uint8Array): void {
    const bytes = new Uint8Array(this.#tail.length + chunk.length);
    bytes.set(this.#tail);
    bytes.set(chunk, this.#tail.length);
    const { length } = this.#needle;
    for (let at = this.#indexOf(bytes, 0); at >= 0; at = this.#indexOf(bytes, at + length)) {
      bytes.fill(0, at, at + length);
    }
    const keep = Math.min(bytes.length, length - 1);
    this.#sink.update(bytes.subarray(0, bytes.length - keep));
    this.#tail = bytes.subarray(bytes.length - keep);
  }

  #indexOf(bytes: Uint8Array, from: number): number {
    const needle = this.#needle;
    for (let at = bytes.indexOf(needle[0]!, from); at >= 0 && at + needle.length <= bytes.length; at = bytes.indexOf(needle[0]!, at + 1)) {
      let same = 1;
      while (same < needle.length && bytes[at + same] === needle[same]) same++;
      if (same === needle.length) return at;
    }
    return -1;
  }

  finish(): Hash {
    this.#sink.update(this.#tail);
    return { algorithm: this.#algorithm, bytes: this.#sink.digest() };
  }
}
