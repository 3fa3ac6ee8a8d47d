// Positions inside the evaluator: one small integer for a place in any source, so that nodes, attributes and errors carry a word
// instead of an object. 0 is "nowhere". Each source that is evaluated gets a range of integers; an id becomes file, line and column
// only when someone looks (an error is shown, `unsafeGetAttrPos`).

import type { SourcePosition } from '../base/errors.ts';

/** A place in some source of this evaluator, or NO_POSITION. */
export type PositionId = number;

export const NO_POSITION: PositionId = 0;

/** A source text, as positions refer to it. */
export interface Origin {
  /** How the place is called: a path, "«string»", "«stdin»". */
  readonly name: string;
  /** Whether `name` is the absolute path of a file (and so may be read for excerpts, and given by unsafeGetAttrPos). */
  readonly isFile: boolean;
  /** The text, read again where it was not kept. */
  text(): string;
  /** First id of the range. */
  readonly base: PositionId;
  readonly length: number;
}

/** A position taken apart. */
export interface ResolvedPosition extends SourcePosition {
  readonly origin: Origin;
}

/** Offsets at which the lines of a text start. Lines end as C++ Nix ends them: at "\n", "\r\n" and a lone "\r". */
function lineStarts(text: string): number[] {
  const starts = [0];
  const length = text.length;
  for (let i = 0; i < length; i++) {
    const character = text.charCodeAt(i);
    if (character === 10) starts.push(i + 1);
    else if (character === 13) {
      if (text.charCodeAt(i + 1) === 10) i++;
      starts.push(i + 1);
    }
  }
  return starts;
}

/** The sources of one evaluator and the ids of their places. */
export class PositionTable {
  private readonly origins: Origin[] = [];
  private readonly lines = new Map<Origin, number[]>();
  private next: PositionId = 1;

  /** Adds a source of `length` bytes; the id of offset o is `origin.base + o`. */
  addOrigin(name: string, isFile: boolean, length: number, text: () => string): Origin {
    const origin: Origin = { name, isFile, text, base: this.next, length };
    this.next += length + 1;
    this.origins.push(origin);
    return origin;
  }

  /** The source an id lies in; undefined for NO_POSITION. */
  originOf(id: PositionId): Origin | undefined {
    if (id <= 0) return undefined;
    const { origins } = this;
    let low = 0;
    let high = origins.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (origins[middle]!.base <= id) low = middle;
      else high = middle - 1;
    }
    return origins[low];
  }

  /** Line and column (from 1, the column in bytes); undefined for NO_POSITION. */
  resolve(id: PositionId): ResolvedPosition | undefined {
    const origin = this.originOf(id);
    if (origin === undefined) return undefined;
    let starts = this.lines.get(origin);
    if (starts === undefined) this.lines.set(origin, (starts = lineStarts(origin.text())));
    const offset = id - origin.base;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return {
      file: origin.name,
      line: low + 1,
      column: offset - starts[low]! + 1,
      source: origin.isFile ? undefined : origin.text(),
      origin,
    };
  }
}
