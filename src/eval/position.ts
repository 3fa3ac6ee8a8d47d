// Positions inside the evaluator: one small integer for a place in any source, so that nodes, attributes and errors carry a word
// instead of an object. 0 is "nowhere". Each source that is evaluated gets a range of integers; an id becomes file, line and column
// only when someone looks (an error is shown, `unsafeGetAttrPos`).

import { byteStringToUtf8, utf8ToByteString } from '../base/bytes.ts';
import type { SourcePosition } from '../base/errors.ts';
import { Source } from '../lang/position.ts';

/** A place in some source of this evaluator, or NO_POSITION. */
export type PositionId = number;

export const NO_POSITION: PositionId = 0;

/** A source and its range of ids: offset o in it is `base + o`. */
export interface Origin {
  readonly source: Source;
  readonly base: PositionId;
  readonly isFile: boolean;
  /** The evaluator's own nixlang ("derivation-internal.nix"), which traces leave out. */
  readonly isInternal: boolean;
}

/** A position that also tells which source it is in. */
export interface ResolvedPosition extends SourcePosition {
  readonly origin: Origin;
}

/** The sources of one evaluator and the ids of their places. */
export class PositionTable {
  readonly #origins: Origin[] = [];
  #next: PositionId = 1;

  /** Adds a source of at most `length` bytes. */
  addOrigin(source: Source, length: number, isInternal = false): Origin {
    const origin: Origin = { source, base: this.#next, isFile: source.path !== null, isInternal };
    this.#next += length + 1;
    this.#origins.push(origin);
    return origin;
  }

  /** The source an id lies in; undefined for NO_POSITION. */
  originOf(id: PositionId): Origin | undefined {
    if (id <= 0) return undefined;
    const origins = this.#origins;
    let low = 0;
    let high = origins.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (origins[middle]!.base <= id) low = middle;
      else high = middle - 1;
    }
    return origins[low];
  }

  /** Whether a place lies in the evaluator's own nixlang. */
  isInternal(id: PositionId): boolean {
    return this.originOf(id)?.isInternal === true;
  }

  /** File, line and column (from 1, the column in bytes); undefined for NO_POSITION. */
  resolve(id: PositionId): ResolvedPosition | undefined {
    const origin = this.originOf(id);
    const position = origin?.source.at(id - origin.base);
    return origin === undefined || position === undefined ? undefined : { ...position, origin };
  }

  /** "file:line:column" as running text quotes a place; a byte string. */
  print(id: PositionId): string {
    const origin = this.originOf(id);
    return origin === undefined ? utf8ToByteString('«none»') : utf8ToByteString(origin.source.print(id - origin.base));
  }
}

/** Places of a table under other ids; it tells whether a program has looked at one. */
export class BorrowedPlaces extends Source {
  /** A program knows where something was written. */
  isObserved = false;
  private readonly table: PositionTable;
  private readonly lent: PositionId[] = [];
  private base = NO_POSITION;

  constructor(table: PositionTable) {
    super(null, '«argument»', '');
    this.table = table;
  }

  /** An id of its own for a place; `most` of them at most. */
  borrow(place: PositionId, most: number): PositionId {
    if (this.lent.length === 0) this.base = this.table.addOrigin(this, most).base;
    return this.base + this.lent.push(place) - 1;
  }

  /** The place itself, for a program. */
  observe(id: PositionId): PositionId {
    this.isObserved = true;
    return this.lent[id - this.base]!;
  }

  override at(offset: number): SourcePosition | undefined {
    return this.table.resolve(this.lent[offset]!);
  }

  override print(offset: number): string {
    return byteStringToUtf8(this.table.print(this.lent[offset]!));
  }
}
