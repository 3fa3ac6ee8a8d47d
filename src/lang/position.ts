// Where in a source text: byte offsets become lines and columns only when a message or `__curPos` asks, so a table of line starts is
// made late and once. A line ends with "\n", "\r\n" or "\r" alone (C++ Nix 2.34.8, libutil/position.cc); columns count bytes.

import type { SourcePosition } from '../base/errors.ts';
import { byteStringToUtf8 } from '../base/bytes.ts';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Offsets at which lines begin; the first is 0. A line end as the very last bytes begins one more line. */
export function lineStarts(text: string): number[] {
  const starts = [0];
  const length = text.length;
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c === LINE_FEED) starts.push(i + 1);
    else if (c === CARRIAGE_RETURN) {
      if (text.charCodeAt(i + 1) === LINE_FEED) i++;
      starts.push(i + 1);
    }
  }
  return starts;
}

/** Content, or the way to get it again when a position must be shown (code that was not parsed in this run). */
export type SourceText = string | (() => string);

/** One text that was parsed: a file, or text from the command line, from standard input or from another program. */
export class Source {
  /** Absolute path of the file, a byte string; null for text that is no file. */
  readonly path: string | null;
  /** What messages call it: the path, or "«string»" and the like (ordinary text). */
  readonly label: string;
  /** Whether the file can be read at its path by whoever prints an excerpt. */
  readonly #isOnDisk: boolean;
  #text: SourceText;
  #starts: number[] | null = null;

  constructor(path: string | null, label: string, text: SourceText, isOnDisk = path !== null) {
    this.path = path;
    this.label = label;
    this.#isOnDisk = isOnDisk;
    this.#text = text;
  }

  get text(): string {
    if (typeof this.#text !== 'string') this.#text = this.#text();
    return this.#text;
  }

  /** The text as places in it are counted and shown. NIX: of a text that is no file, what stands before a zero byte. */
  get #visible(): string {
    const end = this.path === null ? this.text.indexOf('\0') : -1;
    return end < 0 ? this.text : this.text.slice(0, end);
  }

  /** Line and column, both from 1, the column in bytes. */
  locate(offset: number): { line: number; column: number } {
    const starts = (this.#starts ??= lineStarts(this.#visible));
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  }

  /** For an error; undefined for NO_POSITION. Path and text stay byte strings: whoever prints them decodes them. */
  at(offset: number): SourcePosition | undefined {
    if (offset < 0) return undefined;
    const { line, column } = this.locate(offset);
    return this.#isOnDisk && this.path !== null
      ? { file: this.path, line, column }
      : { file: this.label, line, column, source: this.#visible };
  }

  /** "file:line:column", as messages quote another place (ordinary text). */
  print(offset: number): string {
    const { line, column } = this.locate(offset);
    return `${this.label}:${line}:${column}`;
  }
}

/** A file by its absolute path, a byte string; `shown` is what messages call it where it does not lie there on the disk. */
export function fileSource(path: string, text: SourceText, shown?: string): Source {
  return new Source(path, byteStringToUtf8(shown ?? path), text, shown === undefined);
}

/** Text from the command line or made by a program. */
export function stringSource(text: SourceText): Source {
  return new Source(null, '«string»', text);
}

/** Text from standard input. */
export function stdinSource(text: SourceText): Source {
  return new Source(null, '«stdin»', text);
}
