// Compiled forms kept on disk: one text for many sources, by keys that the engine chooses (what identifies a source's content). The pack's
// index is read at once, a form when it is asked for: a small program in a large project reads what it uses.
//
// The form of a pack: "floe-code-pack <version> <length of the index>\n", then the index, JSON of [key, length of the note, length of the
// form][], then notes and forms. A pack that does not read is an empty one.

import { FORMAT_VERSION } from './code-format.ts';

/** Where the evaluator looks for the compiled form of a file, and leaves new ones. Keys are the store's own affair. */
export interface CodeStore {
  /** The compiled form of the file as its content is now; undefined where there is none. */
  get(path: string): string | undefined;
  /** Keeps the compiled form of a file with this content. */
  put(path: string, content: string, form: string): void;
}

/** What a pack is read from: a string, or what reads parts of a file. A part that cannot be read is shorter than was asked for. */
export interface PackText {
  readonly length: number;
  slice(start: number, end: number): string;
}

/** A compiled form, and what whoever put it there wants to know about it. */
export interface PackEntry {
  readonly note: string;
  readonly form: string;
}

/** PERF: one changed file of a project is compiled faster than a pack of megabytes is written. */
const WORTH_FRACTION = 50;

const HEADER = `floe-code-pack ${FORMAT_VERSION} `;
const LENGTH_DIGITS = 10;
const INDEX_START = HEADER.length + LENGTH_DIGITS + 1;

/** A pack in memory. */
export class CodePack {
  readonly #text: PackText;
  readonly #entries = new Map<string, { readonly start: number; readonly middle: number; readonly end: number }>();
  readonly #added = new Map<string, { readonly form: string; readonly makeNote: () => string }>();

  /** `text` is a pack as `print` gave it, a byte string; anything else makes an empty pack. */
  constructor(text: PackText | undefined) {
    this.#text = text ?? '';
    const head = this.#text.slice(0, INDEX_START);
    if (!head.startsWith(HEADER)) return;
    let start = INDEX_START + Number(head.slice(HEADER.length));
    let index: unknown;
    try {
      index = JSON.parse(this.#text.slice(INDEX_START, start));
    } catch {
      return;
    }
    if (!Array.isArray(index)) return;
    for (const [key, noteLength, formLength] of index as [string, number, number][]) {
      const middle = start + noteLength;
      const end = middle + formLength;
      if (end > this.#text.length) return;
      this.#entries.set(key, { start, middle, end });
      start = end;
    }
  }

  /** Whether so much was added since it was read that writing all of it again pays. */
  get isWorthWriting(): boolean {
    let added = 0;
    for (const { form } of this.#added.values()) added += form.length;
    return added * WORTH_FRACTION > this.#text.length;
  }

  get(key: string): PackEntry | undefined {
    const added = this.#added.get(key);
    if (added !== undefined) return { note: added.makeNote(), form: added.form };
    const place = this.#entries.get(key);
    if (place === undefined) return undefined;
    const { start, middle, end } = place;
    // PERF: two texts of their own. The evaluator reads forms byte by byte, which takes longer in a part of another text.
    const note = this.#text.slice(start, middle);
    const form = this.#text.slice(middle, end);
    return note.length + form.length === end - start ? { note, form } : undefined;
  }

  /** PERF: most packs are not written again for a small program, so its note is not made. */
  put(key: string, form: string, makeNote: () => string): void {
    this.#added.set(key, { form, makeNote });
  }

  /** Adds what was added to another pack. */
  takeAdded(other: CodePack): void {
    for (const [key, entry] of other.#added) this.#added.set(key, entry);
  }

  /** The whole pack as a byte string, for the next run. Keys are byte strings, too. */
  print(): string {
    const index: [string, number, number][] = [];
    let forms = '';
    for (const key of new Set([...this.#entries.keys(), ...this.#added.keys()])) {
      const entry = this.get(key);
      if (entry === undefined) continue;
      index.push([key, entry.note.length, entry.form.length]);
      forms += entry.note + entry.form;
    }
    const indexText = JSON.stringify(index);
    return `${HEADER}${String(indexText.length).padStart(LENGTH_DIGITS, '0')}\n${indexText}${forms}`;
  }
}
