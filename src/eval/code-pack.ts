// Compiled forms kept on disk: one text for many sources, by keys that the engine chooses (what identifies a source's content). One pack
// file is read in one go where hundreds of small ones would cost a system call or three each; the forms in it are slices of that one
// text, decoded as they are used.
//
// The form of a pack: "floe-code-pack <version>\n", then JSON of [key, length][] and a line feed, then the forms. A
// pack that does not read is an empty one.

import { FORMAT_VERSION } from './code-format.ts';

/** Where the evaluator looks for the compiled form of a file, and leaves new ones. Keys are the store's own affair. */
export interface CodeStore {
  /** The compiled form of the file as its content is now; undefined where there is none. */
  get(path: string): string | undefined;
  /** Keeps the compiled form of a file with this content. */
  put(path: string, content: string, form: string): void;
}

/** PERF: one changed file of a project is compiled faster than a pack of megabytes is written. */
const WORTH_FRACTION = 50;

const HEADER = `floe-code-pack ${FORMAT_VERSION}\n`;

/** A pack in memory. */
export class CodePack {
  readonly #text: string;
  readonly #entries = new Map<string, { readonly start: number; readonly end: number }>();
  readonly #added = new Map<string, string>();

  /** `text` is a pack as `print` gave it, a byte string; anything else makes an empty pack. */
  constructor(text: string | undefined) {
    this.#text = text ?? '';
    if (!this.#text.startsWith(HEADER)) return;
    const end = this.#text.indexOf('\n', HEADER.length);
    let index: unknown;
    try {
      index = JSON.parse(this.#text.slice(HEADER.length, end));
    } catch {
      return;
    }
    if (!Array.isArray(index)) return;
    let start = end + 1;
    for (const [key, length] of index as [string, number][]) {
      if (start + length > this.#text.length) return;
      this.#entries.set(key, { start, end: start + length });
      start += length;
    }
  }

  /** Whether so much was added since it was read that writing all of it again pays. */
  get isWorthWriting(): boolean {
    let added = 0;
    for (const form of this.#added.values()) added += form.length;
    return added * WORTH_FRACTION > this.#text.length;
  }

  get(key: string): string | undefined {
    const added = this.#added.get(key);
    if (added !== undefined) return added;
    const entry = this.#entries.get(key);
    return entry === undefined ? undefined : this.#text.slice(entry.start, entry.end);
  }

  put(key: string, form: string): void {
    this.#added.set(key, form);
  }

  /** The whole pack as a byte string, for the next run. Keys are ASCII. */
  print(): string {
    const index: [string, number][] = [];
    let forms = '';
    const add = (key: string, form: string): void => {
      index.push([key, form.length]);
      forms += form;
    };
    for (const [key, { start, end }] of this.#entries) if (!this.#added.has(key)) add(key, this.#text.slice(start, end));
    for (const [key, form] of this.#added) add(key, form);
    return `${HEADER}${JSON.stringify(index)}\n${forms}`;
  }
}
