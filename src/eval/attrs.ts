// Attribute sets: a shape (sorted keys, and where each was defined) that many sets share, and one array of values in the shape's order.
// Shapes up to PLANNED_LIMIT keys are unique: two sets with the same keys from the same places have the same shape, however they were
// made. So a select remembers shape and index (an inline cache), and `//` of two shapes is a remembered plan. What `//` makes of a large set
// and a small one has two layers: its own values, and the array of the large one (Attrs says how). LARGE: all that knows the layout stands
// here.
//
// PERF: evaluating 952 packages makes 645,000 sets that are not literals, of 17,000 different key sets and 55,000 different shapes.
//
// INVARIANT: keys are symbols in ascending order without doubles; a shape never changes; `values` changes only by writing a
// thunk's value in the thunk's place, and where a layered set becomes flat.
//
// The order users see (bytes of the names) is `order()`; the order of `keys()` and `slots()` is of no meaning but the same for both.
//
// The table of shapes is shared by all evaluators of the program, like that of symbols, and like it can be seen in no result.

import { ascending, compareSymbolNames, internSymbol, type SymbolId } from './symbol.ts';
import { NO_POSITION, type PositionId } from './position.ts';
import { forceThunk, isWriteBack, Thunk, type Slot, type Value } from './value.ts';

/** Larger key sets are data rather than code. There are no plans for them, and they are shared from the second of a kind on. */
const PLANNED_LIMIT = 256;

/** Still larger ones each have their own shape, */
const SHARED_LIMIT = 4096;

/** and so have those beyond PLANNED_LIMIT when there are that many: what is shared stays for good. */
const LARGE_LIMIT = 1000;

const HASH_MASK = 0x3fffffff;

function hashPair(a: number, b: number): number {
  return (Math.imul(a, 0x9e3779b1) ^ b) & HASH_MASK;
}

/** How the keys of `left // right` come about. */
class KeyPlan {
  readonly left: KeySet;
  readonly right: KeySet;
  readonly keySet: KeySet;
  /** Where each value comes from: an index into left's values, or the complement of an index into right's. */
  readonly sources: readonly number[];
  /** How `left // right` is layered where both are flat; undefined while nobody asked. */
  layout: Layout | null | undefined = undefined;
  /** Another with the same hash. */
  readonly next: KeyPlan | null;
  constructor(left: KeySet, right: KeySet, keySet: KeySet, sources: readonly number[], next: KeyPlan | null) {
    this.left = left;
    this.right = right;
    this.keySet = keySet;
    this.sources = sources;
    this.next = next;
  }
}

/** Arrays of the operands of `a // b`; in plans, the two lowest bits of where a value comes from. */
const [FROM_A, FROM_A_BASE, FROM_B, FROM_B_BASE] = [0, 1, 2, 3];

/** How the values of a layered set come about. */
interface Layout {
  /** As in Shape. */
  readonly places: readonly number[];
  /** The array that it is put on, one of FROM_A to FROM_B_BASE; */
  readonly base: number;
  /** and its own values. */
  readonly sources: readonly number[];
}

/** What `a // b` is for two shapes. */
export class UpdatePlan {
  readonly left: Shape;
  readonly right: Shape;
  readonly shape: Shape;
  /** The array that the result is put on; -1 where it is flat. */
  private readonly base: number;
  /** What is copied: as in a KeyPlan where both are flat, else index * 4 + one of FROM_A to FROM_B_BASE. */
  private readonly sources: readonly number[];
  /** Another with the same hash. */
  readonly next: UpdatePlan | null;
  constructor(left: Shape, right: Shape, shape: Shape, base: number, sources: readonly number[], next: UpdatePlan | null) {
    this.left = left;
    this.right = right;
    this.shape = shape;
    this.base = base;
    this.sources = sources;
    this.next = next;
  }
  /** `a // b` for two sets of the shapes that it was made for. */
  apply(a: Attrs, b: Attrs): Attrs {
    const { sources, base } = this;
    if (this.left.places !== null || this.right.places !== null) return this.applyLayered(a, b);
    const aValues = a.values;
    const bValues = b.values;
    const length = sources.length;
    if (base >= 0) {
      const values: Slot[] = new Array(length + 1);
      values[0] = base === FROM_A ? aValues : bValues;
      for (let i = 0; i < length; i++) {
        const source = sources[i]!;
        values[i + 1] = source >= 0 ? aValues[source]! : bValues[~source]!;
      }
      return new Attrs(this.shape, values);
    }
    const values: Slot[] = new Array(length);
    for (let i = 0; i < length; i++) {
      const source = sources[i]!;
      values[i] = source >= 0 ? aValues[source]! : bValues[~source]!;
    }
    return new Attrs(this.shape, values);
  }

  private applyLayered(a: Attrs, b: Attrs): Attrs {
    const { sources, base } = this;
    const arrays = [a.values, a.values[0] as Slot[], b.values, b.values[0] as Slot[]];
    const first = base < 0 ? 0 : 1;
    const values: Slot[] = new Array(first + sources.length);
    if (base >= 0) values[0] = arrays[base]!;
    for (let i = 0; i < sources.length; i++) values[first + i] = arrays[sources[i]! & 3]![sources[i]! >> 2]!;
    return new Attrs(this.shape, values);
  }
}

/** Keys in ascending order. Shared ones are unique. */
class KeySet {
  readonly keys: readonly SymbolId[];
  readonly isShared: boolean;
  private index: Map<SymbolId, number> | null = null;
  private lookups = 0;
  private sortedIndices: readonly number[] | null = null;
  /** The shape without positions. */
  private bareShape: Shape | null = null;
  /** For hashes. */
  readonly id: number;
  /** Another with the same hash. */
  readonly next: KeySet | null;
  constructor(keys: readonly SymbolId[], isShared: boolean, next: KeySet | null) {
    this.keys = keys;
    this.isShared = isShared;
    this.id = idCount++;
    this.next = next;
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
    // PERF: a hash index pays only for large sets that are asked often; a binary search over integers is cheap.
    if (length > 64 && ++this.lookups > length) {
      const map = new Map<SymbolId, number>();
      for (let i = 0; i < length; i++) map.set(keys[i]!, i);
      this.index = map;
    }
    const found = binarySearch(keys, symbol, 0);
    return found < 0 ? -1 : found;
  }

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

  bare(): Shape {
    return (this.bareShape ??= new Shape(this, null, NO_POSITION, null));
  }

  /** The shape with these positions, of which the first `keys.length` count. They are copied where the shape is new. */
  withPositions(positions: readonly PositionId[]): Shape {
    const { length } = this.keys;
    if (!this.isShared) return new Shape(this, positions.slice(0, length), NO_POSITION, null);
    let hash = this.id;
    for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + positions[i]!) & HASH_MASK;
    const first = shapes.get(hash) ?? null;
    for (let shape = first; shape !== null; shape = shape.next) {
      if (shape.keySet === this && shape.places === null && startsAlike(shape.positions!, positions, length)) return shape;
    }
    const shape = new Shape(this, positions.slice(0, length), NO_POSITION, first);
    shapes.set(hash, shape);
    return shape;
  }
}

function startsAlike(a: readonly number[], b: readonly number[], length: number): boolean {
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

// Tables by hash; what has the same hash is linked. PERF: one table of each kind, for most shapes have one plan and most key sets one or
// two shapes, and a Map of one entry takes 270 bytes.
const keySets = new Map<number, KeySet>();
const keyPlans = new Map<number, KeyPlan>();
const shapes = new Map<number, Shape>();
const updatePlans = new Map<number, UpdatePlan>();
const placesByHash = new Map<number, readonly number[]>();
/** Ids of key sets and shapes. */
let idCount = 0;

/** Hashes of large key sets that were seen. */
const largeHashes = new Set<number>();
let largeCount = 0;

/** Whether a large key set is to be shared: from the second of its kind on. */
function isLargeShared(hash: number): boolean {
  if (largeCount === LARGE_LIMIT) return false;
  if (largeHashes.has(hash)) {
    largeCount++;
    return true;
  }
  if (largeHashes.size < 50 * LARGE_LIMIT) largeHashes.add(hash);
  return false;
}

/** The key set of the first `length` of these keys, which ascend. They are copied where it is new. */
function keySetOf(keys: readonly SymbolId[], length: number): KeySet {
  if (length > SHARED_LIMIT) return new KeySet(keys.slice(0, length), false, null);
  let hash = length;
  for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + keys[i]!) & HASH_MASK;
  const first = keySets.get(hash) ?? null;
  for (let keySet = first; keySet !== null; keySet = keySet.next) {
    if (keySet.keys.length === length && startsAlike(keySet.keys, keys, length)) return keySet;
  }
  const isShared = length <= PLANNED_LIMIT || isLargeShared(hash);
  const keySet = new KeySet(keys.slice(0, length), isShared, isShared ? first : null);
  if (isShared) keySets.set(hash, keySet);
  return keySet;
}

// PERF: keys and positions are gathered here and copied only when they are new.
const scratchKeys: SymbolId[] = [];
const scratchPositions: PositionId[] = [];

/** The keys a set has, in ascending order, and the position of each. */
export class Shape {
  readonly keySet: KeySet;
  /** The key set's. */
  readonly keys: readonly SymbolId[];
  /** Parallel to keys; null where no key has a position. */
  readonly positions: readonly PositionId[] | null;
  /** Position of the literal that has this shape. */
  readonly literal: PositionId;
  /** For hashes. */
  readonly id: number;
  /** Where each value is, in layered sets; null in flat ones, where it is at the index of its key. See Attrs. */
  readonly places: readonly number[] | null;
  /** The same for flat sets. */
  readonly flat: Shape;
  /** The plan for `this // other` that was asked for last. */
  lastPlan: UpdatePlan | null = null;
  /** Another with the same hash. */
  readonly next: Shape | null;
  constructor(
    keySet: KeySet,
    positions: readonly PositionId[] | null,
    literal: PositionId,
    next: Shape | null,
    layered: { readonly flat: Shape; readonly places: readonly number[] } | null = null,
  ) {
    this.places = layered === null ? null : layered.places;
    this.flat = layered === null ? this : layered.flat;
    this.keySet = keySet;
    this.keys = keySet.keys;
    this.positions = positions;
    this.literal = literal;
    this.id = idCount++;
    this.next = next;
  }

  /** Index of a key, -1 where it is missing. */
  find(symbol: SymbolId): number {
    return this.keySet.find(symbol);
  }

  /** Where the value of a key is in sets of this shape, NO_PLACE where the key is missing. */
  placeOf(symbol: SymbolId): number {
    const index = this.keySet.find(symbol);
    const { places } = this;
    return places === null || index < 0 ? index : places[index]!;
  }

  /** Indices of the keys in the order of their names' bytes. */
  order(): readonly number[] {
    return this.keySet.order();
  }
}

/** See Shape.placeOf. */
export const NO_PLACE = -1;

/** The place of what is at an index of the array that a layered set is put on; the inverse of itself. */
function inBase(index: number): number {
  return -2 - index;
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

/**
 * An attribute set. A flat one has an array of values parallel to its keys. A layered one, which `//` makes of a large set and a small one,
 * has its own values from index 1 of its array on; at index 0 is the array of the flat set that it is put on. So there are two layers at
 * most. A place, where a value is, is its index in the set's own array, or below zero (inBase) one in the array at index 0.
 */
export class Attrs {
  /** For the interpreter's inline caches; others use the methods. Changes when a layered set becomes flat. */
  shape: Shape;
  /** As `shape.places` says. */
  values: Slot[];
  constructor(shape: Shape, values: Slot[]) {
    this.shape = shape;
    this.values = values;
  }

  get size(): number {
    return this.shape.keys.length;
  }

  /** The slot at a place, which is not NO_PLACE. */
  at(place: number): Slot {
    return place >= 0 ? this.values[place]! : (this.values[0] as Slot[])[inBase(place)]!;
  }

  /** Puts a thunk's value in the thunk's place, where that may be. `shape` is the set's at the time when it had the thunk there. */
  writeBack(shape: Shape, place: number, value: Value): void {
    if (!isWriteBack(value) || this.shape !== shape) return;
    if (place >= 0) this.values[place] = value;
    else (this.values[0] as Slot[])[inBase(place)] = value;
  }

  has(symbol: SymbolId): boolean {
    return this.shape.find(symbol) >= 0;
  }

  /** The slot of an attribute (perhaps a thunk), undefined where it is missing. */
  get(symbol: SymbolId): Slot | undefined {
    const place = this.shape.placeOf(symbol);
    return place === NO_PLACE ? undefined : this.at(place);
  }

  /** The value of an attribute, evaluated; undefined where it is missing. */
  force(symbol: SymbolId, pos: PositionId = NO_POSITION): Value | undefined {
    const i = this.shape.find(symbol);
    return i < 0 ? undefined : this.forceAt(i, pos);
  }

  /** The value at an index of keys(), evaluated. */
  forceAt(index: number, pos: PositionId = NO_POSITION): Value {
    const { shape } = this;
    const place = this.placeAt(index);
    const slot = this.at(place);
    if (!(slot instanceof Thunk)) return slot;
    const value = forceThunk(slot, pos);
    this.writeBack(shape, place, value);
    return value;
  }

  /** Symbols of all attributes; the order has no meaning, but is that of slots(). Not to be changed. */
  keys(): readonly SymbolId[] {
    return this.shape.keys;
  }

  /** The place of the slot at an index of keys(). */
  placeAt(index: number): number {
    const { places } = this.shape;
    return places === null ? index : places[index]!;
  }

  /** The slot at an index of keys(). */
  slotAt(index: number): Slot {
    return this.at(this.placeAt(index));
  }

  /** Slots of all attributes, in the order of keys(). Not to be changed, but for writing back values. A layered set becomes flat. */
  slots(): Slot[] {
    const { places } = this.shape;
    if (places !== null) {
      const values: Slot[] = new Array(places.length);
      for (let i = 0; i < values.length; i++) values[i] = this.at(places[i]!);
      this.values = values;
      this.shape = this.shape.flat;
    }
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
    const shape = this.shape.flat;
    if (keepPositions || shape.positions === null) return new Attrs(shape, slots);
    return new Attrs(shape.keySet.bare(), slots);
  }

  /** The attributes at these indices of keys(), which must ascend. Positions are kept. */
  pick(indices: readonly number[]): Attrs {
    const length = indices.length;
    if (length === 0) return EMPTY_ATTRS;
    if (length === this.size) return this;
    const { keys, positions } = this.shape;
    const values: Slot[] = new Array(length);
    for (let i = 0; i < length; i++) {
      const at = indices[i]!;
      values[i] = this.slotAt(at);
      scratchKeys[i] = keys[at]!;
      if (positions !== null) scratchPositions[i] = positions[at]!;
    }
    const keySet = keySetOf(scratchKeys, length);
    return new Attrs(positions === null ? keySet.bare() : keySet.withPositions(scratchPositions), values);
  }

  /** Without these attributes; those that are missing anyway do not matter. */
  without(symbols: readonly SymbolId[]): Attrs {
    const { shape } = this;
    const dropped: number[] = [];
    for (let s = 0; s < symbols.length; s++) {
      const i = shape.find(symbols[s]!);
      if (i >= 0 && !dropped.includes(i)) dropped.push(i);
    }
    if (dropped.length === 0) return this;
    const kept: number[] = [];
    for (let i = 0; i < this.size; i++) if (!dropped.includes(i)) kept.push(i);
    return this.pick(kept);
  }
}

/** The set without attributes. */
export const EMPTY_ATTRS = new Attrs(keySetOf([], 0).bare(), []);

/** No set has this shape: it stands in inline caches that are empty. */
export const NO_SHAPE = new Shape(new KeySet([], false, null), null, NO_POSITION, null);

/** The shape of a literal, from names as they stand in a program; `order[i]` tells which of the names came to index i of the keys. */
export function makeStaticShape(
  symbols: readonly SymbolId[],
  positions: readonly PositionId[] | null,
  literal: PositionId = NO_POSITION,
): { readonly shape: Shape; readonly order: readonly number[] } {
  const order = ascending(symbols);
  const keySet = keySetOf(
    order.map((i) => symbols[i]!),
    symbols.length,
  );
  const shape =
    positions === null
      ? keySet.bare()
      : new Shape(
          keySet,
          order.map((i) => positions[i]!),
          literal,
          null,
        );
  return { shape, order };
}

/** A set from keys that ascend, and what belongs to each. `positions` is null where none has one. */
export function makeSortedAttrs(keys: readonly SymbolId[], positions: readonly PositionId[] | null, slots: Slot[]): Attrs {
  const keySet = keySetOf(keys, keys.length);
  return new Attrs(positions === null ? keySet.bare() : keySet.withPositions(positions), slots);
}

/** Makes sets with the same few attributes again and again: `const RESULT = new RecordShape('success', 'value'); RESULT.make(true, v)`. */
export class RecordShape {
  private readonly names: readonly string[];
  private made: { readonly shape: Shape; readonly order: readonly number[] } | null = null;
  constructor(...names: string[]) {
    this.names = names;
  }
  /** Slots in the order the names were given. */
  make(...slots: Slot[]): Attrs {
    const { shape, order } = (this.made ??= makeStaticShape(this.names.map(internSymbol), null));
    const values: Slot[] = new Array(order.length);
    for (let i = 0; i < order.length; i++) values[i] = slots[order[i]!]!;
    return new Attrs(shape, values);
  }
}

/** From that many attributes on, a builder finds them by a map. */
const BUILDER_INDEX_SIZE = 16;

/** Gathers attributes in any order, then makes the set. */
export class AttrsBuilder {
  private readonly keys: SymbolId[] = [];
  private readonly slots: Slot[] = [];
  private positions: PositionId[] | null = null;
  private index: Map<SymbolId, number> | null = null;

  get size(): number {
    return this.keys.length;
  }
  private find(symbol: SymbolId): number {
    const { keys, index } = this;
    if (index !== null) return index.get(symbol) ?? -1;
    return keys.indexOf(symbol);
  }
  has(symbol: SymbolId): boolean {
    return this.find(symbol) >= 0;
  }
  get(symbol: SymbolId): Slot | undefined {
    const i = this.find(symbol);
    return i < 0 ? undefined : this.slots[i];
  }
  /** Where an attribute that was added was defined. */
  position(symbol: SymbolId): PositionId {
    const i = this.find(symbol);
    return i < 0 || this.positions === null ? NO_POSITION : this.positions[i]!;
  }
  /** Adds or replaces. */
  set(symbol: SymbolId, slot: Slot, position: PositionId = NO_POSITION): this {
    const { keys, slots } = this;
    let i = this.find(symbol);
    if (i < 0) {
      i = keys.push(symbol) - 1;
      if (this.index !== null) this.index.set(symbol, i);
      else if (i >= BUILDER_INDEX_SIZE) this.index = new Map(keys.map((key, at) => [key, at]));
    }
    slots[i] = slot;
    if (this.positions === null && position !== NO_POSITION) this.positions = keys.map(() => NO_POSITION);
    if (this.positions !== null) this.positions[i] = position;
    return this;
  }
  /** Adds or replaces, by name. */
  setName(name: string, slot: Slot, position: PositionId = NO_POSITION): this {
    return this.set(internSymbol(name), slot, position);
  }
  build(): Attrs {
    const { keys, slots, positions } = this;
    const { length } = keys;
    if (length === 0) return EMPTY_ATTRS;
    let isSorted = true;
    for (let i = 1; i < length && isSorted; i++) isSorted = keys[i - 1]! < keys[i]!;
    if (isSorted) return makeSortedAttrs(keys, positions, slots.slice());
    const order: number[] = new Array(length);
    for (let i = 0; i < length; i++) order[i] = i;
    order.sort((a, b) => keys[a]! - keys[b]!);
    const values: Slot[] = new Array(length);
    for (let i = 0; i < length; i++) values[i] = slots[order[i]!]!;
    return makeSortedAttrs(
      order.map((i) => keys[i]!),
      positions === null ? null : order.map((i) => positions[i]!),
      values,
    );
  }
}

/** A set from name -> slot, without positions. */
export function makeAttrs(entries: Iterable<readonly [string, Slot]>): Attrs {
  const builder = new AttrsBuilder();
  for (const [name, slot] of entries) builder.setName(name, slot);
  return builder.build();
}

/** `a // b`. */
export function updateAttrs(a: Attrs, b: Attrs): Attrs {
  if (b.size === 0) return a;
  if (a.size === 0 || a.shape.flat === b.shape.flat) return b;
  const plan = queryUpdatePlan(a, b);
  return plan === null ? mergeAttrs(a, b) : plan.apply(a, b);
}

/** How sets of these two shapes are united; null where one is empty or large, or both have the same keys. */
export function queryUpdatePlan(a: Attrs, b: Attrs): UpdatePlan | null {
  const aShape = a.shape;
  const bShape = b.shape;
  if (a.size === 0 || b.size === 0 || aShape.flat === bShape.flat) return null;
  const { lastPlan } = aShape;
  if (lastPlan !== null && lastPlan.right === bShape) return lastPlan;
  const hash = hashPair(aShape.id, bShape.id);
  const first = updatePlans.get(hash) ?? null;
  for (let plan = first; plan !== null; plan = plan.next) {
    if (plan.left === aShape && plan.right === bShape) return (aShape.lastPlan = plan);
  }
  if (aShape.keys.length > PLANNED_LIMIT || bShape.keys.length > PLANNED_LIMIT) return null;
  const plan = planUpdate(aShape, bShape, first);
  updatePlans.set(hash, plan);
  aShape.lastPlan = plan;
  return plan;
}

/** A set is layered where that many values at least need not be copied, */
const BASE_LEAST = 24;

/** and so many times more than are. */
const BASE_TIMES = 4;

function planUpdate(a: Shape, b: Shape, next: UpdatePlan | null): UpdatePlan {
  const keyPlan = queryKeyPlan(a.keySet, b.keySet);
  const { keySet, sources } = keyPlan;
  const { length } = sources;
  let flat: Shape;
  if (a.positions === null && b.positions === null) flat = keySet.bare();
  else {
    for (let i = 0; i < length; i++) {
      const source = sources[i]!;
      const from = source >= 0 ? a.positions : b.positions;
      scratchPositions[i] = from === null ? NO_POSITION : from[source >= 0 ? source : ~source]!;
    }
    flat = keySet.withPositions(scratchPositions);
  }
  if (a.places === null && b.places === null) {
    if (keyPlan.layout === undefined)
      keyPlan.layout = layOut(
        sources.map((source) => (source >= 0 ? source * 4 + FROM_A : ~source * 4 + FROM_B)),
        FROM_A,
        FROM_B,
        true,
      );
    const { layout } = keyPlan;
    if (layout === null) return new UpdatePlan(a, b, flat, -1, sources, next);
    return new UpdatePlan(a, b, layeredShape(flat, layout.places), layout.base, layout.sources, next);
  }
  const full: number[] = new Array(length);
  for (let i = 0; i < length; i++) {
    const source = sources[i]!;
    const from = source >= 0 ? FROM_A : FROM_B;
    const index = source >= 0 ? source : ~source;
    const { places } = source >= 0 ? a : b;
    const place = places === null ? index : places[index]!;
    full[i] = place >= 0 ? place * 4 + from : inBase(place) * 4 + from + 1;
  }
  // Only arrays of flat sets may be put under others.
  const layout = layOut(full, a.places === null ? FROM_A : FROM_A_BASE, b.places === null ? FROM_B : FROM_B_BASE, false);
  if (layout === null) return new UpdatePlan(a, b, flat, -1, full, next);
  return new UpdatePlan(a, b, layeredShape(flat, layout.places), layout.base, layout.sources, next);
}

/** How a set of values from these sources is put on one of two arrays; null where that does not pay. */
function layOut(sources: readonly number[], a: number, b: number, isPlain: boolean): Layout | null {
  const { length } = sources;
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < length; i++) counts[sources[i]! & 3]!++;
  const base = counts[a]! >= counts[b]! ? a : b;
  const kept = counts[base]!;
  if (kept < BASE_LEAST || kept < (length - kept) * BASE_TIMES) return null;
  const places: number[] = new Array(length);
  const own: number[] = [];
  for (let i = 0; i < length; i++) {
    const source = sources[i]!;
    if ((source & 3) === base) places[i] = inBase(source >> 2);
    else places[i] = own.push(isPlain ? ((source & 3) === FROM_A ? source >> 2 : ~(source >> 2)) : source);
  }
  return { places: internPlaces(places), base, sources: own.slice() };
}

/** The one array with these places. */
function internPlaces(places: number[]): readonly number[] {
  let hash = places.length;
  for (let i = 0; i < places.length; i++) hash = (Math.imul(hash, 31) + places[i]!) & HASH_MASK;
  const known = placesByHash.get(hash);
  if (known !== undefined && known.length === places.length && startsAlike(known, places, places.length)) return known;
  placesByHash.set(hash, places);
  return places;
}

/** The shape of layered sets that have the keys and positions of `flat`, and their values at these places. */
function layeredShape(flat: Shape, places: readonly number[]): Shape {
  let hash = ~flat.id;
  for (let i = 0; i < places.length; i++) hash = (Math.imul(hash, 31) + places[i]!) & HASH_MASK;
  const first = shapes.get(hash) ?? null;
  for (let shape = first; shape !== null; shape = shape.next) {
    if (shape.flat === flat && shape.places !== null && startsAlike(shape.places, places, places.length)) return shape;
  }
  const shape = new Shape(flat.keySet, flat.positions, NO_POSITION, first, { flat, places });
  shapes.set(hash, shape);
  return shape;
}

function queryKeyPlan(a: KeySet, b: KeySet): KeyPlan {
  const hash = hashPair(a.id, b.id);
  const first = keyPlans.get(hash) ?? null;
  for (let plan = first; plan !== null; plan = plan.next) if (plan.left === a && plan.right === b) return plan;
  const plan = planKeys(a, b, first);
  keyPlans.set(hash, plan);
  return plan;
}

function planKeys(a: KeySet, b: KeySet, next: KeyPlan | null): KeyPlan {
  const aKeys = a.keys;
  const bKeys = b.keys;
  const sources: number[] = [];
  let i = 0;
  let j = 0;
  while (i < aKeys.length || j < bKeys.length) {
    const x = i < aKeys.length ? aKeys[i]! : Infinity;
    const y = j < bKeys.length ? bKeys[j]! : Infinity;
    if (x < y) {
      scratchKeys[sources.length] = x;
      sources.push(i++);
    } else {
      scratchKeys[sources.length] = y;
      sources.push(~j++);
      if (x === y) i++;
    }
  }
  // Copied at its size.
  return new KeyPlan(a, b, keySetOf(scratchKeys, sources.length), sources.slice(), next);
}

/**
 * `a // b` where one is large. PERF: one attribute onto 2,000 is a copy of two arrays with a binary search, not a comparison of each
 * key.
 */
function mergeAttrs(a: Attrs, b: Attrs): Attrs {
  const aKeys = a.shape.keys;
  const bKeys = b.shape.keys;
  const aPositions = a.shape.positions;
  const bPositions = b.shape.positions;
  const hasPositions = aPositions !== null || bPositions !== null;
  const aValues = a.slots();
  const bValues = b.slots();
  const isFew = bKeys.length * 8 < aKeys.length;
  const limit = aKeys.length + bKeys.length;
  const keys: SymbolId[] = new Array(limit);
  const values: Slot[] = new Array(limit);
  const positions: PositionId[] | null = hasPositions ? new Array(limit) : null;
  let i = 0;
  let out = 0;
  for (let j = 0; j <= bKeys.length; j++) {
    let end = aKeys.length;
    let isReplaced = false;
    if (j < bKeys.length) {
      const key = bKeys[j]!;
      if (isFew) {
        const place = binarySearch(aKeys, key, i);
        isReplaced = place >= 0;
        end = isReplaced ? place : ~place;
      } else {
        end = i;
        while (end < aKeys.length && aKeys[end]! < key) end++;
        isReplaced = end < aKeys.length && aKeys[end] === key;
      }
    }
    for (; i < end; i++, out++) {
      keys[out] = aKeys[i]!;
      values[out] = aValues[i]!;
      if (positions !== null) positions[out] = aPositions === null ? NO_POSITION : aPositions[i]!;
    }
    if (j === bKeys.length) break;
    keys[out] = bKeys[j]!;
    values[out] = bValues[j]!;
    if (positions !== null) positions[out] = bPositions === null ? NO_POSITION : bPositions[j]!;
    out++;
    if (isReplaced) i++;
  }
  values.length = out;
  keys.length = out;
  const keySet = out === aKeys.length ? a.shape.keySet : out > SHARED_LIMIT ? new KeySet(keys, false, null) : keySetOf(keys, out);
  if (positions === null) return new Attrs(keySet.bare(), values);
  positions.length = out;
  return new Attrs(keySet.isShared ? keySet.withPositions(positions) : new Shape(keySet, positions, NO_POSITION, null), values);
}
