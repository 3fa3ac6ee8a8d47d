// The names of a program, each kept as one string. The lexer looks an identifier up by its bytes in the source, so a name that was
// seen before costs no new string, and equal names are the same object for V8 (its `===` then compares pointers). Keywords are the
// first entries of every table. A table is shared between the files of one evaluation.

import { KEYWORDS } from './token.ts';

const INITIAL_CAPACITY = 4096;

/** FNV-1a over the bytes, kept a small integer. The lexer computes the same while it scans. */
export function hashName(text: string): number {
  let hash = 0x11c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x1000193) | 0;
  return hash;
}

/** The hash of no bytes, and what each byte multiplies it by. */
export const HASH_START = 0x11c9dc5;
export const HASH_PRIME = 0x1000193;

/** All names of one evaluation. */
export class NameTable {
  /** By index; the first KEYWORDS.length are the keywords. */
  readonly names: string[] = [];
  #hashes: number[] = [];
  /** Open addressing: index + 1 into `names`, 0 where empty. */
  #slots = new Int32Array(INITIAL_CAPACITY);
  #mask = INITIAL_CAPACITY - 1;

  constructor() {
    for (const [word] of KEYWORDS) this.intern(word);
  }

  /** Index of the name that is text[start..end), whose hash is given. */
  internSlice(text: string, start: number, end: number, hash: number): number {
    const length = end - start;
    let slot = (hash ^ (hash >>> 15)) & this.#mask;
    for (;;) {
      const entry = this.#slots[slot]!;
      if (entry === 0) break;
      const name = this.names[entry - 1]!;
      if (this.#hashes[entry - 1] === hash && name.length === length) {
        let i = 0;
        while (i < length && name.charCodeAt(i) === text.charCodeAt(start + i)) i++;
        if (i === length) return entry - 1;
      }
      slot = (slot + 1) & this.#mask;
    }
    const index = this.names.push(text.slice(start, end)) - 1;
    this.#hashes.push(hash);
    this.#slots[slot] = index + 1;
    if (this.names.length * 2 > this.#mask) this.#grow();
    return index;
  }

  /** The one string equal to `text`. */
  intern(text: string): string {
    return this.names[this.internSlice(text, 0, text.length, hashName(text))]!;
  }

  #grow(): void {
    const capacity = (this.#mask + 1) * 2;
    const slots = new Int32Array(capacity);
    const mask = capacity - 1;
    for (let index = 0; index < this.names.length; index++) {
      const hash = this.#hashes[index]!;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
    this.#mask = mask;
  }
}
