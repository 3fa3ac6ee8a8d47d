// What runs: one class a kind of expression, each with `eval(env)`, which gives the value, and `thunk(env)`, which gives something
// that may wait. LARGE: the heart, to be read as a whole. The objects are made by decode.ts; what they mean, frames and slots
// included, is said in lang/ast.ts. Words and order of evaluation are C++ Nix's (libexpr/eval.cc, 2.34.8).
//
// PERF: what costs is what is allocated. A thunk is made only where C++ makes one, and not for constants, variables, and selects
// whose result lies ready. A forced value is written back to the slot it came from, so that its thunk can go.
//
// INVARIANT: two things are never written back, lists and functions: C++ tells them apart by address ("«repeated»", equality of
// functions), and the thunk is that address here.

import { byteStringToUtf8 } from '../base/bytes.ts';
import { AssertionError, EvalError, FloeError, MissingAttributeError, UndefinedVariableError, WrongTypeError } from '../base/errors.ts';
import { nearestNames, nearestVariables } from '../base/suggestions.ts';
import { Attrs, AttrsBuilder, EMPTY_ATTRS, NO_SHAPE, queryUpdatePlan, updateAttrs, type Shape, type UpdatePlan } from './attrs.ts';
import { Builtin } from './builtin.ts';
import { call1, call2, callLambda, callWithArray, enterCall, evalEarly, leaveCall } from './call.ts';
import { coerceToString, forceStringNoContext } from './coerce.ts';
import { assertEqual, equalForced, lessThan } from './equality.ts';
import { addFrame, at, inContext, withoutPlace } from './error-position.ts';
import { addIntegers } from './number.ts';
import { NO_POSITION, type PositionId } from './position.ts';
import { printForError } from './print.ts';
import { canonicalPath } from './source-path.ts';
import { stateOf } from './state.ts';
import { ContextAccumulator } from './string-context.ts';
import { internSymbol, printSymbol, symbolName, type SymbolId } from './symbol.ts';
import {
  ContextString,
  describeType,
  force,
  forceThunk,
  isFunction,
  isWriteBack,
  Lambda,
  makeString,
  NixFloat,
  NixPath,
  Thunk,
  type Env,
  type Slot,
  type Value,
} from './value.ts';

/** An expression, ready to run. */
export abstract class Code {
  abstract eval(env: Env): Value;
  /** A slot for the expression's value: a thunk, unless the value is at hand without evaluating anything. */
  thunk(env: Env): Slot {
    return new Thunk(this, env);
  }
  /** The value, where it is there without evaluating anything. */
  peek(_env: Env): Value | undefined {
    return undefined;
  }
  /** Where a variable stands; NO_POSITION for all other expressions. */
  get variablePosition(): PositionId {
    return NO_POSITION;
  }
}

/** Reads an expression out of its encoded form when it is first run; see decode.ts. */
export interface CodeSource {
  decodeAt(offset: number): Code;
}

/** An expression that is decoded when it first runs. PERF: it then puts what was decoded in its own place. */
export class LazyCode extends Code {
  private readonly source: CodeSource;
  private readonly offset: number;
  private code: Code | null = null;
  /** The code or array that this is part of, and where. */
  private owner: object | null = null;
  private key: string | number = 0;
  constructor(source: CodeSource, offset: number) {
    super();
    this.source = source;
    this.offset = offset;
  }
  /** The expression itself. */
  resolve(): Code {
    let { code } = this;
    if (code === null) {
      this.code = code = this.source.decodeAt(this.offset);
      if (this.owner !== null) (this.owner as Record<string | number, Code>)[this.key] = code;
    }
    return code;
  }
  setPlace(owner: object, key: string | number): void {
    this.owner = owner;
    this.key = key;
  }
  override eval(env: Env): Value {
    return this.resolve().eval(env);
  }
  override thunk(env: Env): Slot {
    const { code } = this;
    return code === null ? new Thunk(this, env) : code.thunk(env);
  }
}

/** A literal. */
export class ConstantCode extends Code {
  readonly value: Value;
  constructor(value: Value) {
    super();
    this.value = value;
  }
  override eval(_env: Env): Value {
    return this.value;
  }
  override thunk(_env: Env): Slot {
    return this.value;
  }
  override peek(_env: Env): Value {
    return this.value;
  }
}

/** `builtins.name`, known beforehand. C++ makes a thunk of it, which can be told when functions are compared. */
export class KnownSelectCode extends Code {
  private readonly value: Value;
  constructor(value: Value) {
    super();
    this.value = value;
  }
  override eval(_env: Env): Value {
    return this.value;
  }
}

/** A name of the base environment. */
export class GlobalCode extends Code {
  private slot: Slot;
  private readonly position: PositionId;
  constructor(slot: Slot, position: PositionId) {
    super();
    this.slot = slot;
    this.position = position;
  }
  override eval(_env: Env): Value {
    const { slot } = this;
    if (!(slot instanceof Thunk)) return slot;
    return (this.slot = forceThunk(slot, this.position));
  }
  override thunk(_env: Env): Slot {
    return this.slot;
  }
  override peek(_env: Env): Value | undefined {
    return finished(this.slot);
  }
}

/** The value in a slot that needs no evaluating; undefined where it does, or where the slot is not set yet. */
function finished(slot: Slot | undefined): Value | undefined {
  if (!(slot instanceof Thunk)) return slot;
  return slot.code === null ? (slot.held as Value) : undefined;
}

function forceVariable(frame: Env, index: number, thunk: Thunk, pos: PositionId): Value {
  if (thunk.code === null) return thunk.held as Value;
  const value = forceThunk(thunk, pos);
  if (isWriteBack(value)) frame[index] = value;
  return value;
}

/** PERF: a finished thunk's value is put in its place; lists and functions keep theirs (see the opening). */
function aliasVariable(code: Code, env: Env, frame: Env, index: number): Slot {
  const slot = frame[index] as Slot | undefined;
  if (slot === undefined) return new Thunk(code, env);
  if (slot instanceof Thunk && slot.code === null && isWriteBack(slot.held)) return (frame[index] = slot.held);
  return slot;
}

/** A variable in the innermost frame. */
export class Variable0Code extends Code {
  readonly index: number;
  private readonly position: PositionId;
  constructor(index: number, position: PositionId) {
    super();
    this.index = index;
    this.position = position;
  }
  override eval(env: Env): Value {
    const slot = env[this.index] as Slot;
    return slot instanceof Thunk ? forceVariable(env, this.index, slot, this.position) : slot;
  }
  override thunk(env: Env): Slot {
    return aliasVariable(this, env, env, this.index);
  }
  override peek(env: Env): Value | undefined {
    return finished(env[this.index]);
  }
  override get variablePosition(): PositionId {
    return this.position;
  }
}

/** A variable one frame out. */
export class Variable1Code extends Code {
  readonly index: number;
  private readonly position: PositionId;
  constructor(index: number, position: PositionId) {
    super();
    this.index = index;
    this.position = position;
  }
  override eval(env: Env): Value {
    const frame = env[0] as Env;
    const slot = frame[this.index] as Slot;
    return slot instanceof Thunk ? forceVariable(frame, this.index, slot, this.position) : slot;
  }
  override thunk(env: Env): Slot {
    return aliasVariable(this, env, env[0] as Env, this.index);
  }
  override peek(env: Env): Value | undefined {
    return finished((env[0] as Env)[this.index]);
  }
  override get variablePosition(): PositionId {
    return this.position;
  }
}

/** A variable two frames out. */
export class Variable2Code extends Code {
  readonly index: number;
  private readonly position: PositionId;
  constructor(index: number, position: PositionId) {
    super();
    this.index = index;
    this.position = position;
  }
  override eval(env: Env): Value {
    const frame = (env[0] as Env)[0] as Env;
    const slot = frame[this.index] as Slot;
    return slot instanceof Thunk ? forceVariable(frame, this.index, slot, this.position) : slot;
  }
  override thunk(env: Env): Slot {
    return aliasVariable(this, env, (env[0] as Env)[0] as Env, this.index);
  }
  override peek(env: Env): Value | undefined {
    return finished(((env[0] as Env)[0] as Env)[this.index]);
  }
  override get variablePosition(): PositionId {
    return this.position;
  }
}

/** The frame `depth` hops out. */
function frameAt(env: Env, depth: number): Env {
  let frame = env;
  for (let i = depth; i > 0; i--) frame = frame[0] as Env;
  return frame;
}

/** A variable any number of frames out. */
export class VariableCode extends Code {
  readonly depth: number;
  readonly index: number;
  private readonly position: PositionId;
  constructor(depth: number, index: number, position: PositionId) {
    super();
    this.depth = depth;
    this.index = index;
    this.position = position;
  }
  override eval(env: Env): Value {
    const frame = frameAt(env, this.depth);
    const slot = frame[this.index] as Slot;
    return slot instanceof Thunk ? forceVariable(frame, this.index, slot, this.position) : slot;
  }
  override thunk(env: Env): Slot {
    return aliasVariable(this, env, frameAt(env, this.depth), this.index);
  }
  override peek(env: Env): Value | undefined {
    return finished(frameAt(env, this.depth)[this.index]);
  }
  override get variablePosition(): PositionId {
    return this.position;
  }
}

/** A variable that only enclosing `with`s can give. */
export class WithVariableCode extends Code {
  private readonly symbol: SymbolId;
  private readonly position: PositionId;
  /** Hops to the innermost with's frame, then from each to the next. */
  private readonly hops: readonly number[];
  /** Where in its frame the set of each is. */
  private readonly slots: readonly number[];
  /** Positions of the withs. */
  private readonly positions: readonly PositionId[];
  constructor(symbol: SymbolId, position: PositionId, hops: readonly number[], slots: readonly number[], positions: readonly PositionId[]) {
    super();
    this.symbol = symbol;
    this.position = position;
    this.hops = hops;
    this.slots = slots;
    this.positions = positions;
  }
  override eval(env: Env): Value {
    const { symbol, hops } = this;
    let frame = env;
    for (let i = 0; i < hops.length; i++) {
      frame = frameAt(frame, hops[i]!);
      const at = this.slots[i]!;
      let set = frame[at] as Slot;
      if (set instanceof Thunk) set = frame[at] = forceThunk(set, this.positions[i]!);
      if (!(set instanceof Attrs)) {
        throw addFrame(wrongSet(set), this.positions[i]!, 'while evaluating the first subexpression of a with expression');
      }
      const index = set.shape.find(symbol);
      if (index < 0) continue;
      const slot = set.values[index]!;
      return slot instanceof Thunk ? forceAttr(set, index, slot, this.position) : slot;
    }
    throw new UndefinedVariableError(`undefined variable '${printSymbol(symbol)}'`, {
      ...at(this.position),
      data: { near: this.near(env) },
    });
  }

  /** Names in the sets of the withs that may have been meant. */
  private near(env: Env): string[] {
    let frame = env;
    const names = this.hops.flatMap((hops, i) => {
      frame = frameAt(frame, hops);
      const set = frame[this.slots[i]!] as Slot;
      return set instanceof Attrs ? set.keys().map(symbolName) : [];
    });
    return nearestVariables(names, symbolName(this.symbol)).map(byteStringToUtf8);
  }
}

function wrongSet(value: Value): WrongTypeError {
  return new WrongTypeError(`expected a set but found ${describeType(value)}: ${printForError(value)}`);
}

function forceAttr(set: Attrs, index: number, thunk: Thunk, pos: PositionId): Value {
  if (thunk.code === null) return thunk.held as Value;
  const value = forceThunk(thunk, pos);
  if (isWriteBack(value)) set.values[index] = value;
  return value;
}

function missingAttribute(set: Attrs, symbol: SymbolId, pos: PositionId): MissingAttributeError {
  const name = symbolName(symbol);
  return new MissingAttributeError(`attribute '${printSymbol(symbol)}' missing`, {
    ...at(pos),
    suggestions: nearestNames(set.keys().map(symbolName), name),
  });
}

/** `subject.name`. */
export class SelectCode extends Code {
  private readonly subject: Code;
  private readonly symbol: SymbolId;
  private readonly position: PositionId;
  private shape: Shape = NO_SHAPE;
  private index = 0;
  constructor(subject: Code, symbol: SymbolId, position: PositionId) {
    super();
    this.subject = subject;
    this.symbol = symbol;
    this.position = position;
  }
  override eval(env: Env): Value {
    const set = this.subject.eval(env);
    if (!(set instanceof Attrs)) throw addFrame(wrongSet(set), this.position, 'while selecting an attribute');
    const { shape } = set;
    let index: number;
    if (shape === this.shape) index = this.index;
    else {
      index = shape.find(this.symbol);
      if (index < 0) throw missingAttribute(set, this.symbol, this.position);
      this.shape = shape;
      this.index = index;
    }
    const slot = set.values[index]!;
    if (slot instanceof Thunk) return slot.code === null ? (slot.held as Value) : this.forceSelected(env, set, index, slot);
    return slot;
  }
  private forceSelected(env: Env, set: Attrs, index: number, thunk: Thunk): Value {
    const pos = set.positionAt(index);
    try {
      const value = forceThunk(thunk, pos === NO_POSITION ? this.position : pos);
      if (isWriteBack(value)) set.values[index] = value;
      return value;
    } catch (error) {
      throw inAttribute(error, env, pos, printSymbol(this.symbol));
    }
  }
  override thunk(env: Env): Slot {
    const set = this.subject.peek(env);
    if (set instanceof Attrs) {
      const { shape } = set;
      let index = this.index;
      if (shape !== this.shape) {
        index = shape.find(this.symbol);
        if (index < 0) return new Thunk(this, env);
        this.shape = shape;
        this.index = index;
      }
      const value = finished(set.values[index]);
      if (value !== undefined && isWriteBack(value)) return value;
      // A new address, as C++'s thunk would be.
      if (value instanceof Lambda) return new Lambda(value.code, value.env);
    }
    return new Thunk(this, env);
  }
  override peek(env: Env): Value | undefined {
    const set = this.subject.peek(env);
    if (!(set instanceof Attrs)) return undefined;
    const index = set.shape === this.shape ? this.index : set.shape.find(this.symbol);
    return index < 0 ? undefined : finished(set.values[index]);
  }
}

/**
 * The frame of a failed select. NIX: none where the attribute's place is unknown, nor for the attributes of derivations, which
 * "derivation-internal.nix" defines.
 */
function inAttribute(error: unknown, env: Env, pos: PositionId, path: string): unknown {
  if (pos === NO_POSITION || !(error instanceof FloeError)) return error;
  if (stateOf(env).positions.isInternal(pos)) return error;
  return addFrame(error, pos, `while evaluating the attribute '${path}'`);
}

/** A step of an attribute path: a symbol, or the expression that gives the name. */
export type PathStep = SymbolId | Code;

function stepSymbol(step: PathStep, env: Env, pos: PositionId): SymbolId {
  if (typeof step === 'number') return step;
  const name = step.eval(env);
  if (typeof name === 'string') return internSymbol(name);
  return internSymbol(stringWithoutContext(env, name, pos, 'while evaluating an attribute name'));
}

function stringWithoutContext(env: Env, value: Value, pos: PositionId, what: string): string {
  return forceStringNoContext(stateOf(env), value, pos, what);
}

function showPath(path: readonly PathStep[], env: Env, texts: readonly string[]): string {
  return path
    .map((step, i) => {
      if (typeof step === 'number') return printSymbol(step);
      try {
        return printSymbol(stepSymbol(step, env, NO_POSITION));
      } catch {
        return texts[i]!;
      }
    })
    .join('.');
}

/** `subject.a.b` and `subject.${name}`, more than one step or a dynamic one, without `or`. */
export class SelectPathCode extends Code {
  private readonly subject: Code;
  private readonly path: readonly PathStep[];
  /** Positions of the steps that are expressions. */
  private readonly stepPositions: readonly PositionId[];
  /** Texts of the steps that are expressions, for messages. */
  private readonly stepTexts: readonly string[];
  private readonly position: PositionId;
  constructor(
    subject: Code,
    path: readonly PathStep[],
    stepPositions: readonly PositionId[],
    stepTexts: readonly string[],
    position: PositionId,
  ) {
    super();
    this.subject = subject;
    this.path = path;
    this.stepPositions = stepPositions;
    this.stepTexts = stepTexts;
    this.position = position;
  }
  override eval(env: Env): Value {
    let value = this.subject.eval(env);
    const { path } = this;
    let pos = NO_POSITION;
    try {
      for (let i = 0; i < path.length; i++) {
        const symbol = stepSymbol(path[i]!, env, this.stepPositions[i]!);
        if (!(value instanceof Attrs)) throw addFrame(wrongSet(value), this.position, 'while selecting an attribute');
        const index = value.shape.find(symbol);
        if (index < 0) throw missingAttribute(value, symbol, this.position);
        const slot: Slot = value.values[index]!;
        pos = value.positionAt(index);
        const isLast = i === path.length - 1;
        value = slot instanceof Thunk ? forceAttr(value, index, slot, isLast && pos !== NO_POSITION ? pos : this.position) : slot;
      }
      return value;
    } catch (error) {
      throw inAttribute(error, env, pos, showPath(path, env, this.stepTexts));
    }
  }
}

/** `subject.path or fallback`. */
export class SelectOrCode extends Code {
  private readonly subject: Code;
  private readonly path: readonly PathStep[];
  private readonly stepPositions: readonly PositionId[];
  /** Texts of the steps that are expressions, for messages. */
  private readonly stepTexts: readonly string[];
  private readonly fallback: Code;
  private readonly position: PositionId;
  constructor(
    subject: Code,
    path: readonly PathStep[],
    stepPositions: readonly PositionId[],
    stepTexts: readonly string[],
    fallback: Code,
    position: PositionId,
  ) {
    super();
    this.subject = subject;
    this.path = path;
    this.stepPositions = stepPositions;
    this.stepTexts = stepTexts;
    this.fallback = fallback;
    this.position = position;
  }
  override eval(env: Env): Value {
    let value = this.subject.eval(env);
    const { path } = this;
    let pos = NO_POSITION;
    try {
      for (let i = 0; i < path.length; i++) {
        const symbol = stepSymbol(path[i]!, env, this.stepPositions[i]!);
        const index = value instanceof Attrs ? value.shape.find(symbol) : -1;
        // NIX: the fallback is evaluated inside this `try`, so its errors get the frame of the steps before.
        if (index < 0) return this.fallback.eval(env);
        const set = value as Attrs;
        const slot = set.values[index]!;
        pos = set.positionAt(index);
        const isLast = i === path.length - 1;
        value = slot instanceof Thunk ? forceAttr(set, index, slot, isLast && pos !== NO_POSITION ? pos : this.position) : slot;
      }
      return value;
    } catch (error) {
      throw inAttribute(error, env, pos, showPath(path, env, this.stepTexts));
    }
  }
}

/** `subject ? path`. */
export class HasAttrCode extends Code {
  private readonly subject: Code;
  private readonly path: readonly PathStep[];
  private readonly stepPositions: readonly PositionId[];
  private readonly position: PositionId;
  constructor(subject: Code, path: readonly PathStep[], stepPositions: readonly PositionId[], position: PositionId) {
    super();
    this.subject = subject;
    this.path = path;
    this.stepPositions = stepPositions;
    this.position = position;
  }
  override eval(env: Env): Value {
    let value = this.subject.eval(env);
    const { path } = this;
    const last = path.length - 1;
    for (let i = 0; ; i++) {
      const symbol = stepSymbol(path[i]!, env, this.stepPositions[i]!);
      if (!(value instanceof Attrs)) return false;
      const index = value.shape.find(symbol);
      if (index < 0) return false;
      if (i === last) return true;
      const slot: Slot = value.values[index]!;
      value = slot instanceof Thunk ? forceAttr(value, index, slot, this.position) : slot;
    }
  }
}

/** How the values of a set or let are found: in the new frame, or in the one around it (`inherit x`). */
export const BindingKind = { Inner: 0, Outer: 1, From: 2 } as const;

/** A set without `rec`, `inherit (e)` and dynamic names. The codes are in the order of the shape's keys. */
export class AttrsCode extends Code {
  private readonly shape: Shape;
  private readonly codes: readonly Code[];
  constructor(shape: Shape, codes: readonly Code[]) {
    super();
    this.shape = shape;
    this.codes = codes;
  }
  override eval(env: Env): Value {
    const { codes } = this;
    const length = codes.length;
    const values: Slot[] = new Array(length);
    for (let i = 0; i < length; i++) values[i] = codes[i]!.thunk(env);
    return new Attrs(this.shape, values);
  }
}

/** `{ }`. */
export class EmptyAttrsCode extends Code {
  override eval(_env: Env): Value {
    return EMPTY_ATTRS;
  }
}

/** A set with `inherit (e)`, whose sources get a frame of their own: [env, sources...]. */
export class AttrsFromCode extends Code {
  private readonly shape: Shape;
  private readonly codes: readonly Code[];
  /** Whether each value is a select from a source. */
  private readonly isFrom: readonly boolean[];
  private readonly sources: readonly Code[];
  constructor(shape: Shape, codes: readonly Code[], isFrom: readonly boolean[], sources: readonly Code[]) {
    super();
    this.shape = shape;
    this.codes = codes;
    this.isFrom = isFrom;
    this.sources = sources;
  }
  override eval(env: Env): Value {
    const { codes, sources, isFrom } = this;
    const from: Env = new Array(sources.length + 1);
    from[0] = env;
    for (let i = 0; i < sources.length; i++) from[i + 1] = sources[i]!.thunk(env);
    const length = codes.length;
    const values: Slot[] = new Array(length);
    for (let i = 0; i < length; i++) values[i] = codes[i]!.thunk(isFrom[i]! ? from : env);
    return new Attrs(this.shape, values);
  }
}

/** The bindings of a let or rec: codes in the order of definition, then the sources of `inherit (e)`. */
export class Bindings {
  /** Slot of the first. */
  readonly first: number;
  readonly codes: readonly Code[];
  /** Whether a value is evaluated in the frame around (`inherit x`). */
  readonly isOuter: readonly boolean[];
  readonly sources: readonly Code[];
  constructor(first: number, codes: readonly Code[], isOuter: readonly boolean[], sources: readonly Code[]) {
    this.first = first;
    this.codes = codes;
    this.isOuter = isOuter;
    this.sources = sources;
  }
  /** Puts them into a frame. */
  fill(env: Env, outer: Env): void {
    const { first, codes, isOuter, sources } = this;
    const length = codes.length;
    // Sources first: selects from them may find their value ready.
    for (let i = 0; i < sources.length; i++) env[first + length + i] = sources[i]!.thunk(env);
    for (let i = 0; i < length; i++) env[first + i] = codes[i]!.thunk(isOuter[i]! ? outer : env);
  }
  /** As fill, where `__overrides` may replace variables: nothing may be taken over from one to another before that. */
  fillWithThunks(env: Env, outer: Env): void {
    const { first, codes, isOuter, sources } = this;
    const length = codes.length;
    for (let i = 0; i < sources.length; i++) env[first + length + i] = sources[i]!.thunk(env);
    for (let i = 0; i < length; i++) env[first + i] = isOuter[i]! ? codes[i]!.thunk(outer) : new Thunk(codes[i]!, env);
  }
}

/** `rec { ... }`, without dynamic names. */
export class RecursiveAttrsCode extends Code {
  /** Slots of the frame. */
  private readonly size: number;
  private readonly shape: Shape;
  /** Frame slot of each key. */
  private readonly slots: readonly number[];
  private readonly bindings: Bindings;
  /** Slot of `__overrides`, 0 where there is none. */
  private readonly overrides: number;
  constructor(size: number, shape: Shape, slots: readonly number[], bindings: Bindings, overrides: number) {
    super();
    this.size = size;
    this.shape = shape;
    this.slots = slots;
    this.bindings = bindings;
    this.overrides = overrides;
  }
  override eval(env: Env): Value {
    return this.evalFrame(this.frame(env));
  }
  frame(outer: Env): Env {
    const env: Env = new Array(this.size);
    env[0] = outer;
    if (this.overrides === 0) this.bindings.fill(env, outer);
    else this.bindings.fillWithThunks(env, outer);
    return env;
  }
  evalFrame(frame: Env): Attrs {
    const { slots, shape } = this;
    const length = slots.length;
    const values: Slot[] = new Array(length);
    if (this.overrides === 0) {
      for (let i = 0; i < length; i++) values[i] = frame[slots[i]!] as Slot;
      return new Attrs(shape, values);
    }
    const overrides = forceOverrides(frame[this.overrides] as Slot);
    const keys = overrides.keys();
    for (let i = 0; i < keys.length; i++) {
      const index = shape.find(keys[i]!);
      if (index >= 0) frame[slots[index]!] = overrides.slots()[i]!;
    }
    for (let i = 0; i < length; i++) values[i] = frame[slots[i]!] as Slot;
    return updateAttrs(new Attrs(shape, values), overrides);
  }
}

function forceOverrides(slot: Slot): Attrs {
  const value = force(slot);
  if (value instanceof Attrs) return value;
  throw addFrame(wrongSet(value), NO_POSITION, 'while evaluating the `__overrides` attribute');
}

/** A dynamic attribute: `${name} = value`. */
export class DynamicAttrCode {
  readonly name: Code;
  readonly value: Code;
  readonly position: PositionId;
  constructor(name: Code, value: Code, position: PositionId) {
    this.name = name;
    this.value = value;
    this.position = position;
  }
}

/** A set with dynamic names, on top of one without. */
export class DynamicAttrsCode extends Code {
  private readonly base: Code;
  private readonly dynamic: readonly DynamicAttrCode[];
  constructor(base: Code, dynamic: readonly DynamicAttrCode[]) {
    super();
    this.base = base;
    this.dynamic = dynamic;
  }
  override eval(env: Env): Value {
    const { base, dynamic } = this;
    let inner = env;
    let set: Attrs;
    if (base instanceof RecursiveAttrsCode) {
      inner = base.frame(env);
      set = base.evalFrame(inner);
    } else {
      set = base.eval(env) as Attrs;
    }
    const added = new AttrsBuilder();
    for (let i = 0; i < dynamic.length; i++) {
      const attr = dynamic[i]!;
      const name = attr.name.eval(inner);
      if (name === null) continue;
      const symbol = internSymbol(
        typeof name === 'string'
          ? name
          : stringWithoutContext(env, name, attr.position, 'while evaluating the name of a dynamic attribute'),
      );
      const before = set.has(symbol) ? set.position(symbol) : added.has(symbol) ? added.position(symbol) : undefined;
      if (before !== undefined) {
        throw new EvalError(
          `dynamic attribute '${printSymbol(symbol)}' already defined at ${stateOf(env).positions.print(before)}`,
          at(attr.position),
        );
      }
      added.set(symbol, attr.value.thunk(inner), attr.position);
    }
    return updateAttrs(set, added.build());
  }
}

/** A list. */
export class ListCode extends Code {
  private readonly items: readonly Code[];
  constructor(items: readonly Code[]) {
    super();
    this.items = items;
  }
  override eval(env: Env): Value {
    const { items } = this;
    const length = items.length;
    const list: Slot[] = new Array(length);
    for (let i = 0; i < length; i++) list[i] = items[i]!.thunk(env);
    return list;
  }
}

/** One argument of `{ a, b ? 1 }:`. */
export class FormalCode {
  readonly symbol: SymbolId;
  readonly position: PositionId;
  readonly fallback: Code | null;
  constructor(symbol: SymbolId, position: PositionId, fallback: Code | null) {
    this.symbol = symbol;
    this.position = position;
    this.fallback = fallback;
  }
}

/**
 * What all closures of one lambda share. As an expression it makes a closure. `x: y: body` is two of these, stages: a closure of the
 * first has the environment around it, one of the second has a frame that holds as much as is known, [env, x], and what comes after it
 * copies that into the frame of the body. PERF: with both arguments at hand there is one frame, and no closure between.
 */
export class LambdaCode extends Code {
  readonly position: PositionId;
  /** Name for messages. */
  readonly name: string | null;
  /** Name of the whole argument (`x:` or `args@{ ... }:`); null where it has none. */
  readonly parameterName: string | null;
  /** In source order. */
  readonly formals: readonly FormalCode[] | null;
  readonly ellipsis: boolean;
  /** First slot of this stage: that of the parameter where it has one, then the formals. */
  readonly slot: number;
  /** Slots of the body's frame. */
  readonly size: number;
  /** The stage after this one; null for the last, which has the body. */
  readonly next: LambdaCode | null;
  body: Code;
  // Where the formals are in the last shape seen (call.ts).
  planShape: Shape | null = null;
  plan: readonly number[] | null = null;
  planHasDefaults = false;
  constructor(
    position: PositionId,
    name: string | null,
    parameterName: string | null,
    formals: readonly FormalCode[] | null,
    ellipsis: boolean,
    slot: number,
    size: number,
    next: LambdaCode | null,
    body: Code,
  ) {
    super();
    this.position = position;
    this.name = name;
    this.parameterName = parameterName;
    this.formals = formals;
    this.ellipsis = ellipsis;
    this.slot = slot;
    this.size = size;
    this.next = next;
    this.body = body;
  }
  override eval(env: Env): Value {
    return new Lambda(this, env);
  }
  // PERF: no thunk. What prints and compares takes a closure in a slot for a thunk of it (print.ts, equality.ts).
  override thunk(env: Env): Slot {
    return new Lambda(this, env);
  }
}

/** `f a`. */
export class Call1Code extends Code {
  private readonly callee: Code;
  private readonly argument: Code;
  private readonly position: PositionId;
  constructor(callee: Code, argument: Code, position: PositionId) {
    super();
    this.callee = callee;
    this.argument = argument;
    this.position = position;
  }
  override eval(env: Env): Value {
    const fn = this.callee.eval(env);
    if (fn instanceof Lambda) {
      const a = fn.code.formals === null ? this.argument.thunk(env) : evalEarly(this.argument, env, this.position);
      return callLambda(fn, a, this.position);
    }
    if (fn instanceof Builtin && fn.forcesFirst && fn.arity === 1)
      return call1(fn, evalEarly(this.argument, env, this.position), this.position);
    return call1(fn, this.argument.thunk(env), this.position);
  }
}

/** `f a b`. */
export class Call2Code extends Code {
  private readonly callee: Code;
  private readonly first: Code;
  private readonly second: Code;
  private readonly position: PositionId;
  constructor(callee: Code, first: Code, second: Code, position: PositionId) {
    super();
    this.callee = callee;
    this.first = first;
    this.second = second;
    this.position = position;
  }
  override eval(env: Env): Value {
    const fn = this.callee.eval(env);
    if (fn instanceof Builtin && fn.arity === 2 && (fn.forcesFirst || fn.forcesSecond)) return this.callEarly(fn, env);
    const a = this.first.thunk(env);
    return call2(fn, a, this.second.thunk(env), this.position);
  }
  private callEarly(fn: Builtin, env: Env): Value {
    const { first, second, position } = this;
    let a: Slot | undefined;
    let b: Slot | undefined;
    if (fn.forcesFirst && !fn.isSwapped) {
      a = evalEarly(first, env, position);
      if (fn.forcesSecond && leadsOn(fn, a)) b = evalEarly(second, env, position);
    } else {
      b = evalEarly(second, env, position);
      if (fn.forcesFirst && leadsOn(fn, b)) a = evalEarly(first, env, position);
    }
    // Not `??`: a value may be null.
    return call2(fn, a === undefined ? first.thunk(env) : a, b === undefined ? second.thunk(env) : b, position);
  }
}

/** Whether the builtin is going to force its other argument too: what comes after a failure is never asked for. */
function leadsOn(fn: Builtin, argument: Slot): boolean {
  if (argument instanceof Thunk) return false;
  switch (fn.firstForced) {
    case undefined:
      return true;
    case 'string':
      return typeof argument === 'string';
    case 'set':
      return argument instanceof Attrs;
    case 'int':
      return typeof argument === 'number' || typeof argument === 'bigint';
    case 'lambda':
      return isFunction(argument);
  }
}

/** `f a b c ...`. */
export class CallCode extends Code {
  private readonly callee: Code;
  private readonly args: readonly Code[];
  private readonly position: PositionId;
  constructor(callee: Code, args: readonly Code[], position: PositionId) {
    super();
    this.callee = callee;
    this.args = args;
    this.position = position;
  }
  override eval(env: Env): Value {
    const fn = this.callee.eval(env);
    const { args } = this;
    const slots: Slot[] = new Array(args.length);
    for (let i = 0; i < args.length; i++) slots[i] = args[i]!.thunk(env);
    return callWithArray(fn, slots, this.position);
  }
}

/** `let ... in body`. */
export class LetCode extends Code {
  /** Slots of the frame. */
  private readonly size: number;
  private readonly bindings: Bindings;
  private readonly body: Code;
  constructor(size: number, bindings: Bindings, body: Code) {
    super();
    this.size = size;
    this.bindings = bindings;
    this.body = body;
  }
  override eval(outer: Env): Value {
    const env: Env = new Array(this.size);
    env[0] = outer;
    this.bindings.fill(env, outer);
    return this.body.eval(env);
  }
}

/** A let whose slots are in the frame at hand. */
export class LetHereCode extends Code {
  private readonly bindings: Bindings;
  private readonly body: Code;
  constructor(bindings: Bindings, body: Code) {
    super();
    this.bindings = bindings;
    this.body = body;
  }
  override eval(env: Env): Value {
    this.bindings.fill(env, env);
    return this.body.eval(env);
  }
}

/** `with set; body`. */
export class WithCode extends Code {
  /** Slots of the frame. */
  private readonly size: number;
  private readonly set: Code;
  private readonly body: Code;
  constructor(size: number, set: Code, body: Code) {
    super();
    this.size = size;
    this.set = set;
    this.body = body;
  }
  override eval(outer: Env): Value {
    const set = this.set.thunk(outer);
    if (this.size === 2) return this.body.eval([outer, set]);
    const env: Env = new Array(this.size);
    env[0] = outer;
    env[1] = set;
    return this.body.eval(env);
  }
}

/** A with whose set is in a slot of the frame at hand. */
export class WithHereCode extends Code {
  private readonly slot: number;
  private readonly set: Code;
  private readonly body: Code;
  constructor(slot: number, set: Code, body: Code) {
    super();
    this.slot = slot;
    this.set = set;
    this.body = body;
  }
  override eval(env: Env): Value {
    env[this.slot] = this.set.thunk(env);
    return this.body.eval(env);
  }
}

function evalBool(code: Code, env: Env, pos: PositionId, what: string): boolean {
  let value: Value;
  try {
    value = code.eval(env);
  } catch (error) {
    throw inContext(error, pos, what);
  }
  if (value === true || value === false) return value;
  throw wrongBool(value, pos, what);
}

function wrongBool(value: Value, pos: PositionId, what: string): FloeError {
  return addFrame(new WrongTypeError(`expected a Boolean but found ${describeType(value)}: ${printForError(value)}`, at(pos)), pos, what);
}

/** `if c then a else b`. */
export class IfCode extends Code {
  private readonly condition: Code;
  private readonly consequent: Code;
  private readonly alternative: Code;
  private readonly position: PositionId;
  constructor(condition: Code, consequent: Code, alternative: Code, position: PositionId) {
    super();
    this.condition = condition;
    this.consequent = consequent;
    this.alternative = alternative;
    this.position = position;
  }
  override eval(env: Env): Value {
    let condition: Value;
    try {
      condition = this.condition.eval(env);
    } catch (error) {
      throw inContext(error, this.position, 'while evaluating a branch condition');
    }
    if (condition === true) return this.consequent.eval(env);
    if (condition === false) return this.alternative.eval(env);
    throw wrongBool(condition, this.position, 'while evaluating a branch condition');
  }
}

/** `assert c; body`. `text` is the condition as it is printed. */
export class AssertCode extends Code {
  private readonly condition: Code;
  private readonly body: Code;
  private readonly text: string;
  private readonly position: PositionId;
  constructor(condition: Code, body: Code, text: string, position: PositionId) {
    super();
    this.condition = condition;
    this.body = body;
    this.text = text;
    this.position = position;
  }
  override eval(env: Env): Value {
    if (!evalBool(this.condition, env, this.position, 'in the condition of the assert statement')) this.fail(env);
    return this.body.eval(env);
  }
  private fail(env: Env): never {
    const condition = this.condition instanceof LazyCode ? this.condition.resolve() : this.condition;
    if (condition instanceof EqualCode && !condition.isNegated) {
      try {
        assertEqual(stateOf(env), condition.left.eval(env), condition.right.eval(env), condition.position);
      } catch (error) {
        if (error instanceof AssertionError)
          addFrame(error, this.position, `while evaluating the condition of the assertion '${this.text}'`);
        throw error;
      }
    }
    throw new AssertionError(`assertion '${this.text}' failed`, at(this.position));
  }
}

/** `!e`. */
export class NotCode extends Code {
  private readonly operand: Code;
  private readonly position: PositionId;
  constructor(operand: Code, position: PositionId) {
    super();
    this.operand = operand;
    this.position = position;
  }
  override eval(env: Env): Value {
    return !evalBool(this.operand, env, this.position, 'in the argument of the not operator');
  }
}

/** `a && b`. */
export class AndCode extends Code {
  private readonly left: Code;
  private readonly right: Code;
  private readonly position: PositionId;
  constructor(left: Code, right: Code, position: PositionId) {
    super();
    this.left = left;
    this.right = right;
    this.position = position;
  }
  override eval(env: Env): Value {
    return (
      evalBool(this.left, env, this.position, 'in the left operand of the AND (&&) operator') &&
      evalBool(this.right, env, this.position, 'in the right operand of the AND (&&) operator')
    );
  }
}

/** `a || b`. */
export class OrCode extends Code {
  private readonly left: Code;
  private readonly right: Code;
  private readonly position: PositionId;
  constructor(left: Code, right: Code, position: PositionId) {
    super();
    this.left = left;
    this.right = right;
    this.position = position;
  }
  override eval(env: Env): Value {
    return (
      evalBool(this.left, env, this.position, 'in the left operand of the OR (||) operator') ||
      evalBool(this.right, env, this.position, 'in the right operand of the OR (||) operator')
    );
  }
}

/** `a -> b`. */
export class ImpliesCode extends Code {
  private readonly left: Code;
  private readonly right: Code;
  private readonly position: PositionId;
  constructor(left: Code, right: Code, position: PositionId) {
    super();
    this.left = left;
    this.right = right;
    this.position = position;
  }
  override eval(env: Env): Value {
    return (
      !evalBool(this.left, env, this.position, 'in the left operand of the IMPL (->) operator') ||
      evalBool(this.right, env, this.position, 'in the right operand of the IMPL (->) operator')
    );
  }
}

/** `a == b` and `a != b`. */
export class EqualCode extends Code {
  readonly left: Code;
  readonly right: Code;
  readonly isNegated: boolean;
  readonly position: PositionId;
  constructor(left: Code, right: Code, isNegated: boolean, position: PositionId) {
    super();
    this.left = left;
    this.right = right;
    this.isNegated = isNegated;
    this.position = position;
  }
  override eval(env: Env): Value {
    const a = this.left.eval(env);
    const b = this.right.eval(env);
    if (typeof a === 'string' && typeof b === 'string') return (a === b) !== this.isNegated;
    const what = this.isNegated ? 'while testing two values for inequality' : 'while testing two values for equality';
    return equalForced(stateOf(env), a, b, this.position, what) !== this.isNegated;
  }
}

/** `a // b`. */
export class UpdateCode extends Code {
  private readonly left: Code;
  private readonly right: Code;
  private readonly leftPosition: PositionId;
  private readonly rightPosition: PositionId;
  // The last two shapes that met here, and what comes of them.
  private leftShape: Shape = NO_SHAPE;
  private rightShape: Shape = NO_SHAPE;
  private plan: UpdatePlan | null = null;
  constructor(left: Code, right: Code, leftPosition: PositionId, rightPosition: PositionId) {
    super();
    this.left = left;
    this.right = right;
    this.leftPosition = leftPosition;
    this.rightPosition = rightPosition;
  }
  override eval(env: Env): Value {
    // NIX: right before left (2.34.8).
    const b = evalOperandSet(this.right, env, this.rightPosition, 'in the right operand of the update (//) operator');
    const a = evalOperandSet(this.left, env, this.leftPosition, 'in the left operand of the update (//) operator');
    if (a.shape === this.leftShape && b.shape === this.rightShape) return this.plan!.apply(a, b);
    const plan = queryUpdatePlan(a, b);
    if (plan === null) return updateAttrs(a, b);
    this.leftShape = a.shape;
    this.rightShape = b.shape;
    this.plan = plan;
    return plan.apply(a, b);
  }
}

function evalOperandSet(code: Code, env: Env, pos: PositionId, what: string): Attrs {
  let value: Value;
  // NIX: an operand that is itself `//` gets no frame of its own.
  if (code instanceof UpdateCode) return code.eval(env) as Attrs;
  try {
    value = code.eval(env);
  } catch (error) {
    throw inContext(error, pos, what);
  }
  if (value instanceof Attrs) return value;
  throw addFrame(wrongSet(value), pos, what);
}

/** `a ++ b`. */
export class ConcatListsCode extends Code {
  private readonly left: Code;
  private readonly right: Code;
  private readonly position: PositionId;
  constructor(left: Code, right: Code, position: PositionId) {
    super();
    this.left = left;
    this.right = right;
    this.position = position;
  }
  override eval(env: Env): Value {
    const a = this.left.eval(env);
    const b = this.right.eval(env);
    if (!Array.isArray(a)) throw this.wrong(a);
    if (!Array.isArray(b)) throw this.wrong(b);
    if (b.length === 0) return a;
    if (a.length === 0) return b;
    return a.concat(b);
  }
  private wrong(value: Value): FloeError {
    return addFrame(
      new WrongTypeError(`expected a list but found ${describeType(value)}: ${printForError(value)}`),
      this.position,
      'while evaluating one of the elements to concatenate',
    );
  }
}

const PATH_SEGMENT = 'while evaluating a path segment';
const NO_COPY = { copyToStore: false } as const;

/** `"a${b}c"`. */
export class InterpolationCode extends Code {
  private readonly parts: readonly Code[];
  private readonly positions: readonly PositionId[];
  constructor(parts: readonly Code[], positions: readonly PositionId[]) {
    super();
    this.parts = parts;
    this.positions = positions;
  }
  override eval(env: Env): Value {
    const { parts } = this;
    let text = '';
    let accumulator: ContextAccumulator | null = null;
    for (let i = 0; i < parts.length; i++) {
      const value = parts[i]!.eval(env);
      if (typeof value === 'string') text += value;
      else {
        accumulator ??= new ContextAccumulator();
        if (value instanceof ContextString) {
          accumulator.add(value.context);
          text += value.text;
        } else text += coerceToString(stateOf(env), this.positions[i]!, value, accumulator, PATH_SEGMENT);
      }
    }
    return accumulator === null ? text : makeString(text, accumulator.context);
  }
}

/** `a + b`, and interpolated paths: the first value says what is added. */
export class PlusCode extends Code {
  private readonly parts: readonly Code[];
  private readonly positions: readonly PositionId[];
  private readonly position: PositionId;
  constructor(parts: readonly Code[], positions: readonly PositionId[], position: PositionId) {
    super();
    this.parts = parts;
    this.positions = positions;
    this.position = position;
  }
  override eval(env: Env): Value {
    const { parts } = this;
    const first = parts[0]!.eval(env);
    if (typeof first === 'number' || typeof first === 'bigint' || first instanceof NixFloat) return this.addNumbers(env, first);
    if (typeof first === 'string' && parts.length === 2) {
      const second = parts[1]!.eval(env);
      return typeof second === 'string' ? first + second : this.addStrings(env, first, second);
    }
    return this.addStrings(env, first, undefined);
  }

  private addNumbers(env: Env, first: number | bigint | NixFloat): Value {
    const { parts, positions } = this;
    let sum = first;
    for (let i = 1; i < parts.length; i++) {
      const value = parts[i]!.eval(env);
      if (typeof sum === 'number' || typeof sum === 'bigint') {
        if (typeof value === 'number' || typeof value === 'bigint') sum = addIntegers(sum, value, positions[i]!);
        else if (value instanceof NixFloat) sum = new NixFloat(Number(sum) + value.value);
        else throw new WrongTypeError(`cannot add ${describeType(value)} to an integer`, at(positions[i]!));
      } else {
        if (typeof value === 'number' || typeof value === 'bigint') sum = new NixFloat(sum.value + Number(value));
        else if (value instanceof NixFloat) sum = new NixFloat(sum.value + value.value);
        else throw new WrongTypeError(`cannot add ${describeType(value)} to a float`, at(positions[i]!));
      }
    }
    // NIX: C++ adds to a zero it starts with, so that the sum of two negative zeros is positive.
    return sum instanceof NixFloat && sum.value === 0 ? new NixFloat(0) : sum;
  }

  private addStrings(env: Env, first: Value, second: Value | undefined): Value {
    const { parts, positions } = this;
    const state = stateOf(env);
    const accumulator = new ContextAccumulator();
    const isPath = first instanceof NixPath;
    // The final slash of a path literal's first part is kept here, and only here.
    let text = isPath ? first.path : coerceToString(state, positions[0]!, first, accumulator, PATH_SEGMENT);
    for (let i = 1; i < parts.length; i++) {
      const value = i === 1 && second !== undefined ? second : parts[i]!.eval(env);
      text += coerceToString(state, positions[i]!, value, accumulator, PATH_SEGMENT, isPath ? NO_COPY : undefined);
    }
    if (!isPath) return makeString(text, accumulator.context);
    if (accumulator.context !== null) {
      throw new EvalError('a string that refers to a store path cannot be appended to a path', at(this.position));
    }
    return new NixPath(canonicalPath(text));
  }
}

function withoutOperandPlace(error: unknown, left: Code, right: Code): unknown {
  return withoutPlace(withoutPlace(error, left.variablePosition), right.variablePosition);
}

/** An operator that is a builtin of two numbers: `-`, `*`, `/`. Integers that stay small are computed here. */
export class ArithmeticCode extends Code {
  private readonly left: Code;
  private readonly right: Code;
  private readonly isSubtraction: boolean;
  private readonly builtin: Builtin;
  private readonly position: PositionId;
  constructor(left: Code, right: Code, builtin: Builtin, position: PositionId) {
    super();
    this.left = left;
    this.right = right;
    this.isSubtraction = builtin.name === 'sub';
    this.builtin = builtin;
    this.position = position;
  }
  override eval(env: Env): Value {
    enterCall(this.position);
    let a: Value;
    let b: Value;
    try {
      a = this.left.eval(env);
      b = this.right.eval(env);
    } catch (error) {
      throw inContext(withoutOperandPlace(error, this.left, this.right), this.position, `while calling the '${this.builtin.name}' builtin`);
    }
    leaveCall();
    if (this.isSubtraction && typeof a === 'number' && typeof b === 'number') {
      const difference = a - b;
      if (Number.isSafeInteger(difference)) return difference;
    }
    return call2(this.builtin, a, b, this.position);
  }
}

/** `a < b`; with `isSwapped` and `isNegated`, the other three orders. */
export class LessThanCode extends Code {
  private readonly left: Code;
  private readonly right: Code;
  private readonly position: PositionId;
  constructor(left: Code, right: Code, position: PositionId) {
    super();
    this.left = left;
    this.right = right;
    this.position = position;
  }
  override eval(env: Env): Value {
    enterCall(this.position);
    try {
      const a = this.left.eval(env);
      const b = this.right.eval(env);
      const isLess = typeof a === 'number' && typeof b === 'number' ? a < b : lessThan(stateOf(env), a, b, NO_POSITION, '');
      leaveCall();
      return isLess;
    } catch (error) {
      throw inContext(withoutOperandPlace(error, this.left, this.right), this.position, "while calling the 'lessThan' builtin");
    }
  }
}

/** `__curPos`. */
export class CurrentPositionCode extends Code {
  private readonly position: PositionId;
  constructor(position: PositionId) {
    super();
    this.position = position;
  }
  override eval(env: Env): Value {
    return stateOf(env).positionValue(this.position);
  }
}
