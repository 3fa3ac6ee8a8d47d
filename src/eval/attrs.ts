// Attribute sets: a shape (sorted keys, and where each was defined) that many sets share, and one array of values in the shape's order.
// Sets that come from the same place in a program share a shape, so a select remembers shape and index (an inline cache), and `//` of
// two such sets is a remembered plan. Sets made at run time get shapes of their own. LARGE: all that knows the layout stands here.
//
// INVARIANT: keys are symbols in ascending order without doubles; a shape's keys never change; `values` changes only by writing a
// thunk's value in the thunk's place.
//
// The order users see (bytes of the names) is `order()`; the order of `keys()` and `slots()` is of no meaning but the same for both.

import { compareSymbolNames, internSymbol, type SymbolId } from './symbol.ts';
import { NO_POSITION, type PositionId } from './position.ts';
import { forceThunk, Thunk, type Slot, type Value } from './value.ts';

/** Where the values of `a // b` come from: index into a's values, or the complement of an index into b's. */
interface UpdatePlan {
  readonly shape: Shape;
  readonly sources: readonly number[];
}

/** The keys a set has, in ascending order, and the position of each. */
export class Shape {
  readonly keys: readonly SymbolId[];
  /** Parallel to keys; null where no key has a position. */
  readonly positions: readonly PositionId[] | null;
  /** Made by a place in a program (or from such shapes alone), so worth remembering plans for. */
  readonly isStatic: boolean;
  /** Position of the literal that has this shape. */
  readonly literal: PositionId;
  private index: Map<SymbolId, number> | null = null;
  private lookups = 0;
  private sortedIndices: readonly number[] | null = null;
  /** Plans for `this // other`. */
  plans: Map<Shape, UpdatePlan> | null = null;
  constructor(keys: readonly SymbolId[], positions: readonly PositionId[] | null, isStatic: boolean, literal: PositionId = NO_POSITION) {
    this.keys = keys;
    this.positions = positions;
    this.isStatic = isStatic;
    this.literal = literal;
  }

  /** Index of a key, -1 where it is missing. */
  find(symbol: SymbolId): number {
    const { keys, index } = this;
    if (index !== null) {
      const found = index.get(symbol);
      return found === undefined ? -1 : found;
    }
    const length = keys.length;
    if (length <= 8) {
      for (let i = 0; i < length; i++) if (keys[i] === symbol) return i;
      return -1;
    }
    // PERF: a hash index pays only for large shapes that are asked often; a binary search over integers is cheap.
    if (length > 64 && ++this.lookups > length) {
      const map = new Map<SymbolId, number>();
      for (let i = 0; i < length; i++) map.set(keys[i]!, i);
      this.index = map;
    }
    const found = binarySearch(keys, symbol, 0);
    return found < 0 ? -1 : found;
  }

  /** Indices of the keys in the order of their names' bytes. */
  order(): readonly number[] {
    let order = this.sortedIndices;
    if (order === null) {
      const { keys } = this;
      const indices: number[] = new Array(keys.length);
      for (let i = 0; i < indices.length; i++) indices[i] = i;
      this.sortedIndices = order = indices.sort((a, b) => compareSymbolNames(keys[a]!, keys[b]!));
    }
    return order;
  }
}

/** Index of `symbol` in `keys[from..]`, or the complement of where it would stand. */
function binarySearch(keys: readonly SymbolId[], symbol: SymbolId, from: number): number {
  let low = from;
  let high = keys.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const key = keys[middle]!;
    if (key === symbol) return middle;
    if (key < symbol) low = middle + 1;
    else high = middle - 1;
  }
  return ~low;
}

/** An attribute set. */
export class Attrs {
  /** For the interpreter's inline caches; others use the methods. */
  readonly shape: Shape;
  /** Parallel to `shape.keys`. */
  readonly values: Slot[];
  constructor(shape: Shape, values: Slot[]) {
    this.shape = shape;
    this.values = values;
  }

  get size(): number {
    return this.values.length;
  }

  has(symbol: SymbolId): boolean {
    return this.shape.find(symbol) >= 0;
  }

  /** The slot of an attribute (perhaps a thunk), undefined where it is missing. */
  get(symbol: SymbolId): Slot | undefined {
    const i = this.shape.find(symbol);
    return i < 0 ? undefined : this.values[i];
  }

  /** The value of an attribute, evaluated; undefined where it is missing. */
  force(symbol: SymbolId, pos: PositionId = NO_POSITION): Value | undefined {
    const i = this.shape.find(symbol);
    return i < 0 ? undefined : this.forceAt(i, pos);
  }

  /** The value at an index of keys(), evaluated and written back. */
  forceAt(index: number, pos: PositionId = NO_POSITION): Value {
    const slot = this.values[index]!;
    if (slot instanceof Thunk) return (this.values[index] = forceThunk(slot, pos));
    return slot;
  }

  /** Symbols of all attributes; the order has no meaning, but is that of slots(). Not to be changed. */
  keys(): readonly SymbolId[] {
    return this.shape.keys;
  }

  /** Slots of all attributes, in the order of keys(). Not to be changed, but for writing back values. */
  slots(): Slot[] {
    return this.values;
  }

  /** Indices into keys() and slots() in the order of the names' bytes: the order users see. */
  order(): readonly number[] {
    return this.shape.order();
  }

  /** Where an attribute was defined; NO_POSITION where that is unknown or the attribute is missing. */
  position(symbol: SymbolId): PositionId {
    const i = this.shape.find(symbol);
    return i < 0 ? NO_POSITION : this.positionAt(i);
  }

  /** Where the attribute at an index of keys() was defined. */
  positionAt(index: number): PositionId {
    const { positions } = this.shape;
    return positions === null ? NO_POSITION : positions[index]!;
  }

  /** The same keys (and positions, unless told otherwise) with other values, given in the order of keys(). */
  withSlots(slots: Slot[], keepPositions = true): Attrs {
    const { shape } = this;
    if (keepPositions || shape.positions === null) return new Attrs(shape, slots);
    return new Attrs(withoutPositions(shape), slots);
  }

  /** The attributes at these indices of keys(), which must ascend. Positions are kept. */
  pick(indices: readonly number[]): Attrs {
    const length = indices.length;
    if (length === 0) return EMPTY_ATTRS;
    if (length === this.values.length) return this;
    const { keys, positions } = this.shape;
    const pickedKeys: SymbolId[] = new Array(length);
    const values: Slot[] = new Array(length);
    const pickedPositions: PositionId[] | null = positions === null ? null : new Array(length);
    for (let i = 0; i < length; i++) {
      const at = indices[i]!;
      pickedKeys[i] = keys[at]!;
      values[i] = this.values[at]!;
      if (pickedPositions !== null) pickedPositions[i] = positions![at]!;
    }
    return new Attrs(new Shape(pickedKeys, pickedPositions, false), values);
  }

  /** Without these attributes; those that are missing anyway do not matter. */
  without(symbols: Iterable<SymbolId>): Attrs {
    const { shape } = this;
    let dropped: Set<number> | null = null;
    for (const symbol of symbols) {
      const i = shape.find(symbol);
      if (i >= 0) (dropped ??= new Set()).add(i);
    }
    if (dropped === null) return this;
    const kept: number[] = [];
    for (let i = 0; i < this.values.length; i++) if (!dropped.has(i)) kept.push(i);
    return this.pick(kept);
  }
}

const strippedShapes = new WeakMap<Shape, Shape>();

function withoutPositions(shape: Shape): Shape {
  let stripped = strippedShapes.get(shape);
  if (stripped === undefined) strippedShapes.set(shape, (stripped = new Shape(shape.keys, null, shape.isStatic)));
  return stripped;
}

const EMPTY_SHAPE = new Shape([], null, true);

/** The set without attributes. */
export const EMPTY_ATTRS = new Attrs(EMPTY_SHAPE, []);

/** A shape from names as they stand in a program; `order[i]` tells which of the names came to index i of the keys. */
export function makeStaticShape(
  symbols: readonly SymbolId[],
  positions: readonly PositionId[] | null,
  literal: PositionId = NO_POSITION,
): { readonly shape: Shape; readonly order: readonly number[] } {
  const order = symbols.map((_, i) => i).sort((a, b) => symbols[a]! - symbols[b]!);
  const shape = new Shape(
    order.map((i) => symbols[i]!),
    positions === null ? null : order.map((i) => positions[i]!),
    true,
    literal,
  );
  return { shape, order };
}

/** Makes sets with the same few attributes again and again: `const RESULT = new RecordShape('success', 'value'); RESULT.make(true, v)`. */
export class RecordShape {
  private readonly shape: Shape;
  private readonly order: readonly number[];
  constructor(...names: string[]) {
    const { shape, order } = makeStaticShape(names.map(internSymbol), null);
    this.shape = shape;
    this.order = order;
  }
  /** Slots in the order the names were given. */
  make(...slots: Slot[]): Attrs {
    const { order } = this;
    const values: Slot[] = new Array(order.length);
    for (let i = 0; i < order.length; i++) values[i] = slots[order[i]!]!;
    return new Attrs(this.shape, values);
  }
}

/** Gathers attributes in any order, then makes the set. */
export class AttrsBuilder {
  private readonly entries = new Map<SymbolId, Slot>();
  private positions: Map<SymbolId, PositionId> | null = null;

  get size(): number {
    return this.entries.size;
  }
  has(symbol: SymbolId): boolean {
    return this.entries.has(symbol);
  }
  get(symbol: SymbolId): Slot | undefined {
    return this.entries.get(symbol);
  }
  /** Where an attribute that was added was defined. */
  position(symbol: SymbolId): PositionId {
    return this.positions?.get(symbol) ?? NO_POSITION;
  }
  /** Adds or replaces. */
  set(symbol: SymbolId, slot: Slot, position: PositionId = NO_POSITION): this {
    this.entries.set(symbol, slot);
    if (position !== NO_POSITION) (this.positions ??= new Map()).set(symbol, position);
    else if (this.positions !== null) this.positions.delete(symbol);
    return this;
  }
  /** Adds or replaces, by name. */
  setName(name: string, slot: Slot, position: PositionId = NO_POSITION): this {
    return this.set(internSymbol(name), slot, position);
  }
  build(): Attrs {
    const { entries, positions } = this;
    if (entries.size === 0) return EMPTY_ATTRS;
    const keys = sortedSymbols([...entries.keys()]);
    const values: Slot[] = new Array(keys.length);
    for (let i = 0; i < keys.length; i++) values[i] = entries.get(keys[i]!)!;
    const places = positions === null ? null : keys.map((key) => positions.get(key) ?? NO_POSITION);
    return new Attrs(new Shape(keys, places, false), values);
  }
}

function sortedSymbols(keys: SymbolId[]): SymbolId[] {
  for (let i = 1; i < keys.length; i++) {
    if (keys[i - 1]! > keys[i]!) return keys.sort((a, b) => a - b);
  }
  return keys;
}

/** A set from name -> slot, without positions. */
export function makeAttrs(entries: Iterable<readonly [string, Slot]>): Attrs {
  const builder = new AttrsBuilder();
  for (const [name, slot] of entries) builder.setName(name, slot);
  return builder.build();
}

function planUpdate(a: Shape, b: Shape): UpdatePlan {
  const aKeys = a.keys;
  const bKeys = b.keys;
  const keys: SymbolId[] = [];
  const sources: number[] = [];
  let i = 0;
  let j = 0;
  while (i < aKeys.length || j < bKeys.length) {
    const x = i < aKeys.length ? aKeys[i]! : Infinity;
    const y = j < bKeys.length ? bKeys[j]! : Infinity;
    if (x < y) {
      keys.push(x);
      sources.push(i++);
    } else {
      keys.push(y);
      sources.push(~j++);
      if (x === y) i++;
    }
  }
  return { shape: new Shape(keys, mergePositions(a, b, sources), a.isStatic && b.isStatic), sources };
}

function mergePositions(a: Shape, b: Shape, sources: readonly number[]): PositionId[] | null {
  if (a.positions === null && b.positions === null) return null;
  const positions: PositionId[] = new Array(sources.length);
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i]!;
    const from = source >= 0 ? a.positions : b.positions;
    positions[i] = from === null ? NO_POSITION : from[source >= 0 ? source : ~source]!;
  }
  return positions;
}

// PERF: programs have few pairs of places whose sets meet often; more than this many a shape are not places but data.
const MAX_PLANS = 32;

/** `a // b`. */
export function updateAttrs(a: Attrs, b: Attrs): Attrs {
  const aShape = a.shape;
  const bShape = b.shape;
  const aValues = a.values;
  const bValues = b.values;
  if (bValues.length === 0) return a;
  if (aValues.length === 0 || aShape === bShape) return b;
  let plan = aShape.plans === null ? undefined : aShape.plans.get(bShape);
  if (plan === undefined) {
    if (aShape.isStatic && bShape.isStatic && (aShape.plans === null || aShape.plans.size < MAX_PLANS)) {
      plan = planUpdate(aShape, bShape);
      (aShape.plans ??= new Map()).set(bShape, plan);
    } else if (bValues.length * 8 < aValues.length) {
      return updateFewIntoMany(a, b);
    } else {
      plan = planUpdate(aShape, bShape);
    }
  }
  const { sources } = plan;
  const length = sources.length;
  const values: Slot[] = new Array(length);
  for (let i = 0; i < length; i++) {
    const source = sources[i]!;
    values[i] = source >= 0 ? aValues[source]! : bValues[~source]!;
  }
  return new Attrs(plan.shape, values);
}

/** PERF: one attribute onto 2,000 costs a copy of two arrays and a binary search (8 us), not a merge. */
function updateFewIntoMany(a: Attrs, b: Attrs): Attrs {
  const aKeys = a.shape.keys;
  const bKeys = b.shape.keys;
  const places: number[] = new Array(bKeys.length);
  let fresh = 0;
  let from = 0;
  for (let j = 0; j < bKeys.length; j++) {
    const place = binarySearch(aKeys, bKeys[j]!, from);
    places[j] = place;
    if (place < 0) {
      fresh++;
      from = ~place;
    } else {
      from = place + 1;
    }
  }
  const aPositions = a.shape.positions;
  const bPositions = b.shape.positions;
  const hasPositions = aPositions !== null || bPositions !== null;
  if (fresh === 0 && !hasPositions) {
    const values = a.values.slice();
    for (let j = 0; j < bKeys.length; j++) values[places[j]!] = b.values[j]!;
    return new Attrs(a.shape, values);
  }
  const length = aKeys.length + fresh;
  const keys: SymbolId[] = new Array(length);
  const values: Slot[] = new Array(length);
  const positions: PositionId[] | null = hasPositions ? new Array(length) : null;
  let i = 0;
  let out = 0;
  for (let j = 0; j <= bKeys.length; j++) {
    const place = j < bKeys.length ? places[j]! : ~aKeys.length;
    const end = place < 0 ? ~place : place;
    while (i < end) {
      keys[out] = aKeys[i]!;
      values[out] = a.values[i]!;
      if (positions !== null) positions[out] = aPositions === null ? NO_POSITION : aPositions[i]!;
      i++;
      out++;
    }
    if (j === bKeys.length) break;
    keys[out] = bKeys[j]!;
    values[out] = b.values[j]!;
    if (positions !== null) positions[out] = bPositions === null ? NO_POSITION : bPositions[j]!;
    out++;
    if (place >= 0) i++;
  }
  return new Attrs(new Shape(keys, positions, false), values);
}
