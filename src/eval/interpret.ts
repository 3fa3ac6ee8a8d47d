// What runs: for each kind of expression a function that makes one, and what it does: `eval(env)` gives the value, `thunk(env)` something
// that may wait. LARGE: the heart, to be read as a whole. The makers are called by decode.ts; what expressions mean, frames and
// slots included, is said in lang/ast.ts. Words and order of evaluation are C++ Nix's (libexpr/eval.cc, 2.34.8).
//
// All expressions are of one class with the same operands (code.ts says why), `a` to `d`; a kind's operands are named at its type.
//
// PERF: what costs is what is allocated. A thunk is made only where C++ makes one, and not for constants, variables, and selects
// whose result lies ready. A forced value is written back to the slot it came from, so that its thunk can go.
//
// INVARIANT: two things are never written back, lists and functions: C++ tells them apart by address ("«repeated»", equality of
// functions), and the thunk is that address here.

import { byteStringToUtf8 } from '../base/bytes.ts';
import { AssertionError, EvalError, FloeError, MissingAttributeError, UndefinedVariableError, WrongTypeError } from '../base/errors.ts';
import { nearestNames, nearestVariables } from '../base/suggestions.ts';
import {
  Attrs,
  AttrsBuilder,
  EMPTY_ATTRS,
  NO_PLACE,
  NO_SHAPE,
  queryUpdatePlan,
  updateAttrs,
  type Shape,
  type UpdatePlan,
} from './attrs.ts';
import { Builtin } from './builtin.ts';
import { call1, call2, callLambda, callWithArray, enterCall, evalEarly, leaveCall } from './call.ts';
import { Code, Kind, variablePosition } from './code.ts';
import { coerceToString, forceStringNoContext } from './coerce.ts';
import { assertEqualForced, equalForced, lessThan } from './equality.ts';
import { addFrame, at, inContext, withoutPlace } from './error-position.ts';
import { addIntegers } from './number.ts';
import { NO_POSITION, type PositionId } from './position.ts';
import { printForError } from './print.ts';
import { canonicalPath } from './source-path.ts';
import { stateOf } from './state.ts';
import { ContextAccumulator } from './string-context.ts';
import { ascending, internSymbol, printSymbol, symbolName, type SymbolId } from './symbol.ts';
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

// --- Parts that are decoded when they first run -------------------------------------------------------------------------------------

/** Reads an expression out of its encoded form when it is first run; see decode.ts. */
export interface CodeSource {
  decodeAt(offset: number): Code;
}

/** Where an expression lies that is not decoded yet. PERF: what was decoded is then put in its own place. */
class LazyPart {
  private readonly source: CodeSource;
  private readonly offset: number;
  code: Code | null = null;
  /** The expression, array or other thing that this is part of, and where. */
  private owner: object | null = null;
  private key: string | number = 0;
  constructor(source: CodeSource, offset: number) {
    this.source = source;
    this.offset = offset;
  }
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
}

type Lazy = Code<LazyPart>;

const LAZY = new Kind(
  function evalLazy(this: Lazy, env: Env): Value {
    return this.a.resolve().eval(env);
  },
  function delayLazy(this: Lazy, env: Env): Slot {
    const { code } = this.a;
    return code === null ? new Thunk(this, env) : code.thunk(env);
  },
);

/** An expression that is decoded when it first runs. */
export function makeLazy(source: CodeSource, offset: number): Code {
  return new Code(LAZY, NO_POSITION, new LazyPart(source, offset), null, null, null);
}

/** The expression itself, decoded. */
export function resolved(code: Code): Code {
  return code.kind === LAZY ? (code as Lazy).a.resolve() : code;
}

/** Tells the parts of something that are not decoded yet where they are, so that what they decode to can take their place. */
export function adopt<C extends object>(owner: C, ...keys: readonly (string | number)[]): C {
  for (const key of keys) {
    const part = (owner as Record<string | number, unknown>)[key];
    if (part instanceof Code && part.kind === LAZY) (part as Lazy).a.setPlace(owner, key);
  }
  return owner;
}

/** adopt for all that are in an array. */
export function adoptAll(codes: Code[]): Code[] {
  for (let i = 0; i < codes.length; i++) if (codes[i]!.kind === LAZY) (codes[i] as Lazy).a.setPlace(codes, i);
  return codes;
}

// --- Literals and variables ---------------------------------------------------------------------------------------------------------

/** The value. */
type Constant = Code<Value>;

function evalConstant(this: Constant): Value {
  return this.a;
}

const CONSTANT = new Kind(evalConstant, evalConstant, evalConstant);
const KNOWN_SELECT = new Kind(evalConstant);

/** A literal. */
export function makeConstant(value: Value): Code {
  return new Code(CONSTANT, NO_POSITION, value, null, null, null);
}

/** The value of a literal; undefined for other expressions. */
export function constantOf(code: Code): Value | undefined {
  return code.kind === CONSTANT ? (code as Constant).a : undefined;
}

/** `builtins.name`, known beforehand. C++ makes a thunk of it, which can be told when functions are compared. */
export function makeKnownSelect(value: Value): Code {
  return new Code(KNOWN_SELECT, NO_POSITION, value, null, null, null);
}

/** The slot. */
type Global = Code<Slot>;

const GLOBAL = new Kind(
  function evalGlobal(this: Global): Value {
    const slot = this.a;
    if (!(slot instanceof Thunk)) return slot;
    return (this.a = forceThunk(slot, this.position));
  },
  function delayGlobal(this: Global): Slot {
    return this.a;
  },
  function peekGlobal(this: Global): Value | undefined {
    return finished(this.a);
  },
);

/** A name of the base environment. */
export function makeGlobal(slot: Slot, position: PositionId): Code {
  return new Code(GLOBAL, position, slot, null, null, null);
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

/** The slot, and how many frames out. */
type Variable = Code<number, number>;

const VARIABLE_0 = new Kind(
  function evalVariable0(this: Variable, env: Env): Value {
    const frame = env;
    const index = this.a;
    const slot = frame[index] as Slot;
    return slot instanceof Thunk ? forceVariable(frame, index, slot, this.position) : slot;
  },
  function delayVariable0(this: Variable, env: Env): Slot {
    return aliasVariable(this, env, env, this.a);
  },
  function peekVariable0(this: Variable, env: Env): Value | undefined {
    return finished(env[this.a]);
  },
  true,
);

const VARIABLE_1 = new Kind(
  function evalVariable1(this: Variable, env: Env): Value {
    const frame = env[0] as Env;
    const index = this.a;
    const slot = frame[index] as Slot;
    return slot instanceof Thunk ? forceVariable(frame, index, slot, this.position) : slot;
  },
  function delayVariable1(this: Variable, env: Env): Slot {
    return aliasVariable(this, env, env[0] as Env, this.a);
  },
  function peekVariable1(this: Variable, env: Env): Value | undefined {
    return finished((env[0] as Env)[this.a]);
  },
  true,
);

const VARIABLE_2 = new Kind(
  function evalVariable2(this: Variable, env: Env): Value {
    const frame = (env[0] as Env)[0] as Env;
    const index = this.a;
    const slot = frame[index] as Slot;
    return slot instanceof Thunk ? forceVariable(frame, index, slot, this.position) : slot;
  },
  function delayVariable2(this: Variable, env: Env): Slot {
    return aliasVariable(this, env, (env[0] as Env)[0] as Env, this.a);
  },
  function peekVariable2(this: Variable, env: Env): Value | undefined {
    return finished(((env[0] as Env)[0] as Env)[this.a]);
  },
  true,
);

/** The frame `depth` hops out. */
function frameAt(env: Env, depth: number): Env {
  let frame = env;
  for (let i = depth; i > 0; i--) frame = frame[0] as Env;
  return frame;
}

const VARIABLE_N = new Kind(
  function evalVariableN(this: Variable, env: Env): Value {
    const frame = frameAt(env, this.b);
    const index = this.a;
    const slot = frame[index] as Slot;
    return slot instanceof Thunk ? forceVariable(frame, index, slot, this.position) : slot;
  },
  function delayVariableN(this: Variable, env: Env): Slot {
    return aliasVariable(this, env, frameAt(env, this.b), this.a);
  },
  function peekVariableN(this: Variable, env: Env): Value | undefined {
    return finished(frameAt(env, this.b)[this.a]);
  },
  true,
);

/** A variable: its slot in the frame `depth` hops out. */
export function makeVariable(depth: number, index: number, position: PositionId): Code {
  const kind = depth === 0 ? VARIABLE_0 : depth === 1 ? VARIABLE_1 : depth === 2 ? VARIABLE_2 : VARIABLE_N;
  return new Code(kind, position, index, depth, null, null);
}

/** The name; hops to the innermost with's frame, then from each to the next; where in its frame the set of each is; the withs' positions. */
type WithVariable = Code<SymbolId, readonly number[], readonly number[], readonly PositionId[]>;

const WITH_VARIABLE = new Kind(function evalWithVariable(this: WithVariable, env: Env): Value {
  const symbol = this.a;
  const hops = this.b;
  let frame = env;
  for (let i = 0; i < hops.length; i++) {
    frame = frameAt(frame, hops[i]!);
    const at = this.c[i]!;
    let set = frame[at] as Slot;
    if (set instanceof Thunk) set = frame[at] = forceThunk(set, this.d[i]!);
    if (!(set instanceof Attrs)) {
      throw addFrame(wrongSet(set), this.d[i]!, 'while evaluating the first subexpression of a with expression');
    }
    const place = set.shape.placeOf(symbol);
    if (place === NO_PLACE) continue;
    const slot = set.at(place);
    return slot instanceof Thunk ? forceAttr(set, place, slot, this.position) : slot;
  }
  throw new UndefinedVariableError(`undefined variable '${printSymbol(symbol)}'`, {
    ...at(this.position),
    data: { near: namesNear(this, env) },
  });
});

/** Names in the sets of the withs that may have been meant. */
function namesNear({ a: symbol, b: hops, c: slots }: WithVariable, env: Env): string[] {
  let frame = env;
  const names = hops.flatMap((count, i) => {
    frame = frameAt(frame, count);
    const set = frame[slots[i]!] as Slot;
    return set instanceof Attrs ? set.keys().map(symbolName) : [];
  });
  return nearestVariables(names, symbolName(symbol)).map(byteStringToUtf8);
}

/** A variable that only enclosing `with`s can give. */
export function makeWithVariable(
  symbol: SymbolId,
  position: PositionId,
  hops: readonly number[],
  slots: readonly number[],
  positions: readonly PositionId[],
): Code {
  return new Code(WITH_VARIABLE, position, symbol, hops, slots, positions);
}

// --- Attributes ---------------------------------------------------------------------------------------------------------------------

function wrongSet(value: Value): WrongTypeError {
  return new WrongTypeError(`expected a set but found ${describeType(value)}: ${printForError(value)}`);
}

function forceAttr(set: Attrs, place: number, thunk: Thunk, pos: PositionId): Value {
  if (thunk.code === null) return thunk.held as Value;
  const { shape } = set;
  const value = forceThunk(thunk, pos);
  set.writeBack(shape, place, value);
  return value;
}

function missingAttribute(set: Attrs, symbol: SymbolId, pos: PositionId): MissingAttributeError {
  const name = symbolName(symbol);
  return new MissingAttributeError(`attribute '${printSymbol(symbol)}' missing`, {
    ...at(pos),
    suggestions: nearestNames(set.keys().map(symbolName), name),
  });
}

/** The subject and the name; the shape that was last seen, and the place of the name's value in it. */
type Select = Code<Code, SymbolId, Shape, number>;

const SELECT = new Kind(
  function evalSelect(this: Select, env: Env): Value {
    const set = this.a.eval(env);
    if (!(set instanceof Attrs)) throw addFrame(wrongSet(set), this.position, 'while selecting an attribute');
    const { shape } = set;
    let place: number;
    if (shape === this.c) place = this.d;
    else {
      place = shape.placeOf(this.b);
      if (place === NO_PLACE) throw missingAttribute(set, this.b, this.position);
      this.c = shape;
      this.d = place;
    }
    const slot = place >= 0 ? set.values[place]! : set.at(place);
    if (slot instanceof Thunk) return slot.code === null ? (slot.held as Value) : forceSelected(this, env, set, place, slot);
    return slot;
  },
  function delaySelect(this: Select, env: Env): Slot {
    const set = peek(this.a, env);
    if (set instanceof Attrs) {
      const { shape } = set;
      let place = this.d;
      if (shape !== this.c) {
        place = shape.placeOf(this.b);
        if (place === NO_PLACE) return new Thunk(this, env);
        this.c = shape;
        this.d = place;
      }
      const value = finished(place >= 0 ? set.values[place]! : set.at(place));
      if (value !== undefined && isWriteBack(value)) return value;
      // A new address, as C++'s thunk would be.
      if (value instanceof Lambda) return new Lambda(value.code, value.env);
    }
    return new Thunk(this, env);
  },
  function peekSelect(this: Select, env: Env): Value | undefined {
    const set = peek(this.a, env);
    if (!(set instanceof Attrs)) return undefined;
    const place = set.shape === this.c ? this.d : set.shape.placeOf(this.b);
    return place === NO_PLACE ? undefined : finished(set.at(place));
  },
);

/** `subject.name`. */
export function makeSelect(subject: Code, symbol: SymbolId, position: PositionId): Code {
  return new Code(SELECT, position, subject, symbol, NO_SHAPE, 0);
}

function peek(code: Code, env: Env): Value | undefined {
  return code.kind.peek.call(code, env);
}

function forceSelected(code: Select, env: Env, set: Attrs, place: number, thunk: Thunk): Value {
  const { shape } = set;
  const pos = shape.places === null ? set.positionAt(place) : set.position(code.b);
  try {
    const value = forceThunk(thunk, pos === NO_POSITION ? code.position : pos);
    set.writeBack(shape, place, value);
    return value;
  } catch (error) {
    throw inAttribute(error, env, pos, printSymbol(code.b));
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

/** An attribute path. */
export class AttrPath {
  /** Each a symbol, or the expression that gives the name. */
  readonly steps: readonly (SymbolId | Code)[];
  /** Positions of the steps that are expressions. */
  readonly positions: readonly PositionId[];
  /** Texts of the steps that are expressions, for messages. */
  readonly texts: readonly string[];
  constructor(steps: readonly (SymbolId | Code)[], positions: readonly PositionId[], texts: readonly string[]) {
    this.steps = steps;
    this.positions = positions;
    this.texts = texts;
  }
  get length(): number {
    return this.steps.length;
  }
  symbol(index: number, env: Env): SymbolId {
    const step = this.steps[index]!;
    return typeof step === 'number' ? step : nameOf(step, env, this.positions[index]!);
  }
  print(env: Env): string {
    return this.steps
      .map((step, i) => {
        if (typeof step === 'number') return printSymbol(step);
        try {
          return printSymbol(nameOf(step, env, NO_POSITION));
        } catch {
          return this.texts[i]!;
        }
      })
      .join('.');
  }
}

function nameOf(code: Code, env: Env, pos: PositionId): SymbolId {
  const name = code.eval(env);
  if (typeof name === 'string') return internSymbol(name);
  return internSymbol(stringWithoutContext(env, name, pos, 'while evaluating an attribute name'));
}

function stringWithoutContext(env: Env, value: Value, pos: PositionId, what: string): string {
  return forceStringNoContext(stateOf(env), value, pos, what);
}

/** The subject and the path. */
type SelectPath = Code<Code, AttrPath>;

const SELECT_PATH = new Kind(function evalSelectPath(this: SelectPath, env: Env): Value {
  let value = this.a.eval(env);
  const path = this.b;
  let pos = NO_POSITION;
  try {
    for (let i = 0; i < path.length; i++) {
      const symbol = path.symbol(i, env);
      if (!(value instanceof Attrs)) throw addFrame(wrongSet(value), this.position, 'while selecting an attribute');
      const index = value.shape.find(symbol);
      if (index < 0) throw missingAttribute(value, symbol, this.position);
      const place = value.placeAt(index);
      const slot: Slot = value.at(place);
      pos = value.positionAt(index);
      const isLast = i === path.length - 1;
      value = slot instanceof Thunk ? forceAttr(value, place, slot, isLast && pos !== NO_POSITION ? pos : this.position) : slot;
    }
    return value;
  } catch (error) {
    throw inAttribute(error, env, pos, path.print(env));
  }
});

/** `subject.a.b` and `subject.${name}`, more than one step or a dynamic one, without `or`. */
export function makeSelectPath(subject: Code, path: AttrPath, position: PositionId): Code {
  return new Code(SELECT_PATH, position, subject, path, null, null);
}

/** The subject, the path, and the fallback. */
type SelectOr = Code<Code, AttrPath, Code>;

const SELECT_OR = new Kind(function evalSelectOr(this: SelectOr, env: Env): Value {
  let value = this.a.eval(env);
  const path = this.b;
  let pos = NO_POSITION;
  try {
    for (let i = 0; i < path.length; i++) {
      const symbol = path.symbol(i, env);
      const index: number = value instanceof Attrs ? value.shape.find(symbol) : -1;
      // NIX: the fallback is evaluated inside this `try`, so its errors get the frame of the steps before.
      if (index < 0) return this.c.eval(env);
      const set = value as Attrs;
      const place = set.placeAt(index);
      const slot = set.at(place);
      pos = set.positionAt(index);
      const isLast = i === path.length - 1;
      value = slot instanceof Thunk ? forceAttr(set, place, slot, isLast && pos !== NO_POSITION ? pos : this.position) : slot;
    }
    return value;
  } catch (error) {
    throw inAttribute(error, env, pos, path.print(env));
  }
});

/** `subject.path or fallback`. */
export function makeSelectOr(subject: Code, path: AttrPath, fallback: Code, position: PositionId): Code {
  return adopt(new Code(SELECT_OR, position, subject, path, fallback, null), 'c');
}

/** The subject and the path. */
type HasAttr = Code<Code, AttrPath>;

const HAS_ATTR = new Kind(function evalHasAttr(this: HasAttr, env: Env): Value {
  let value = this.a.eval(env);
  const path = this.b;
  const last = path.length - 1;
  for (let i = 0; ; i++) {
    const symbol = path.symbol(i, env);
    if (!(value instanceof Attrs)) return false;
    const place = value.shape.placeOf(symbol);
    if (place === NO_PLACE) return false;
    if (i === last) return true;
    const slot: Slot = value.at(place);
    value = slot instanceof Thunk ? forceAttr(value, place, slot, this.position) : slot;
  }
});

/** `subject ? path`. */
export function makeHasAttr(subject: Code, path: AttrPath, position: PositionId): Code {
  return new Code(HAS_ATTR, position, subject, path, null, null);
}

// --- Sets and lists -----------------------------------------------------------------------------------------------------------------

/** The shape, and the values in the order of its keys. */
type AttrsLiteral = Code<Shape, readonly Code[]>;

const ATTRS = new Kind(function evalAttrs(this: AttrsLiteral, env: Env): Value {
  const codes = this.b;
  const length = codes.length;
  const values: Slot[] = new Array(length);
  for (let i = 0; i < length; i++) values[i] = codes[i]!.thunk(env);
  return new Attrs(this.a, values);
});

/** A set without `rec`, `inherit (e)` and dynamic names. The codes are in the order of the shape's keys. */
export function makeAttrsLiteral(shape: Shape, codes: readonly Code[]): Code {
  return new Code(ATTRS, NO_POSITION, shape, codes, null, null);
}

const EMPTY = new Kind(function evalEmpty(): Value {
  return EMPTY_ATTRS;
});

/** `{ }`. */
export function makeEmptyAttrs(): Code {
  return new Code(EMPTY, NO_POSITION, null, null, null, null);
}

/** The shape, the values in the order of its keys, whether each is a select from a source, and the sources. */
type AttrsFrom = Code<Shape, readonly Code[], readonly boolean[], readonly Code[]>;

const ATTRS_FROM = new Kind(function evalAttrsFrom(this: AttrsFrom, env: Env): Value {
  const codes = this.b;
  const isFrom = this.c;
  const sources = this.d;
  const from: Env = new Array(sources.length + 1);
  from[0] = env;
  for (let i = 0; i < sources.length; i++) from[i + 1] = sources[i]!.thunk(env);
  const length = codes.length;
  const values: Slot[] = new Array(length);
  for (let i = 0; i < length; i++) values[i] = codes[i]!.thunk(isFrom[i]! ? from : env);
  return new Attrs(this.a, values);
});

/** A set with `inherit (e)`, whose sources get a frame of their own: [env, sources...]. */
export function makeAttrsFrom(shape: Shape, codes: readonly Code[], isFrom: readonly boolean[], sources: readonly Code[]): Code {
  return new Code(ATTRS_FROM, NO_POSITION, shape, codes, isFrom, sources);
}

/** Whether a name of the innermost frame with this code may become the very slot of another one, so that their order shows. */
function isAlias(code: Code | null): boolean {
  return code !== null && code.kind === VARIABLE_0;
}

/** The bindings of a let or rec: codes in the order of definition, then the sources of `inherit (e)`. */
export class Bindings {
  /** Slot of the first. */
  readonly first: number;
  readonly codes: readonly Code[];
  /** Whether a value is evaluated in the frame around (`inherit x`). */
  readonly isOuter: readonly boolean[];
  readonly sources: readonly Code[];
  /** Indexes of the codes as they are filled; null for 0, 1, 2, ... */
  readonly #order: readonly number[] | null;
  constructor(first: number, names: readonly SymbolId[], codes: readonly Code[], isOuter: readonly boolean[], sources: readonly Code[]) {
    // NIX: `b = x; x = b` are one thunk, made for the one whose name became a symbol first, which an infinite recursion tells.
    this.#order = codes.some((code, i) => isAlias(code) && !isOuter[i]!) ? ascending(names) : null;
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
    const order = this.#order;
    for (let k = 0; k < length; k++) {
      const i = order === null ? k : order[k]!;
      env[first + i] = codes[i]!.thunk(isOuter[i]! ? outer : env);
    }
  }
  /** As fill, where `__overrides` may replace variables: nothing may be taken over from one to another before that. */
  fillWithThunks(env: Env, outer: Env): void {
    const { first, codes, isOuter, sources } = this;
    const length = codes.length;
    for (let i = 0; i < sources.length; i++) env[first + length + i] = sources[i]!.thunk(env);
    for (let i = 0; i < length; i++) env[first + i] = isOuter[i]! ? codes[i]!.thunk(outer) : new Thunk(codes[i]!, env);
  }
}

/** What `rec { ... }` is, without dynamic names. */
export class RecursiveSet {
  /** Slots of the frame. */
  private readonly size: number;
  private readonly shape: Shape;
  /** Frame slot of each key. */
  private readonly slots: readonly number[];
  private readonly bindings: Bindings;
  /** Slot of `__overrides`, 0 where there is none. */
  private readonly overrides: number;
  constructor(size: number, shape: Shape, slots: readonly number[], bindings: Bindings, overrides: number) {
    this.size = size;
    this.shape = shape;
    this.slots = slots;
    this.bindings = bindings;
    this.overrides = overrides;
  }
  /** Its frame. */
  frame(outer: Env): Env {
    const env: Env = new Array(this.size);
    env[0] = outer;
    if (this.overrides === 0) this.bindings.fill(env, outer);
    else this.bindings.fillWithThunks(env, outer);
    return env;
  }
  /** The set, from its frame. */
  attrs(frame: Env): Attrs {
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

type RecursiveAttrs = Code<RecursiveSet>;

const RECURSIVE_ATTRS = new Kind(function evalRecursiveAttrs(this: RecursiveAttrs, env: Env): Value {
  const set = this.a;
  return set.attrs(set.frame(env));
});

/** `rec { ... }`, without dynamic names. */
export function makeRecursiveAttrs(set: RecursiveSet): Code {
  return new Code(RECURSIVE_ATTRS, NO_POSITION, set, null, null, null);
}

/** A dynamic attribute: `${name} = value`. */
export class DynamicAttr {
  readonly name: Code;
  readonly value: Code;
  readonly position: PositionId;
  constructor(name: Code, value: Code, position: PositionId) {
    this.name = name;
    this.value = value;
    this.position = position;
  }
}

/** The set without the dynamic ones, and those. */
type DynamicAttrs = Code<Code, readonly DynamicAttr[]>;

const DYNAMIC_ATTRS = new Kind(function evalDynamicAttrs(this: DynamicAttrs, env: Env): Value {
  const base = this.a;
  const dynamic = this.b;
  let inner = env;
  let set: Attrs;
  if (base.kind === RECURSIVE_ATTRS) {
    const recursive = (base as RecursiveAttrs).a;
    inner = recursive.frame(env);
    set = recursive.attrs(inner);
  } else {
    set = base.eval(env) as Attrs;
  }
  const added = new AttrsBuilder();
  for (let i = 0; i < dynamic.length; i++) {
    const attr = dynamic[i]!;
    const name = attr.name.eval(inner);
    if (name === null) continue;
    const symbol = internSymbol(
      typeof name === 'string' ? name : stringWithoutContext(env, name, attr.position, 'while evaluating the name of a dynamic attribute'),
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
});

/** A set with dynamic names, on top of one without. */
export function makeDynamicAttrs(base: Code, dynamic: readonly DynamicAttr[]): Code {
  return new Code(DYNAMIC_ATTRS, NO_POSITION, base, dynamic, null, null);
}

/** The items. */
type List = Code<readonly Code[]>;

const LIST = new Kind(function evalList(this: List, env: Env): Value {
  const items = this.a;
  const length = items.length;
  const list: Slot[] = new Array(length);
  for (let i = 0; i < length; i++) list[i] = items[i]!.thunk(env);
  return list;
});

/** A list. */
export function makeList(items: readonly Code[]): Code {
  return new Code(LIST, NO_POSITION, items, null, null, null);
}

// --- Functions ----------------------------------------------------------------------------------------------------------------------

/** One argument of `{ a, b ? 1 }:`. */
export class Formal {
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
 * What all closures of one lambda share. `x: y: body` is two of these, stages: a closure of the first has the environment around it, one of the second has a frame that holds as much as is known, [env, x], and what comes after it
 * copies that into the frame of the body. PERF: with both arguments at hand there is one frame, and no closure between.
 */
export class LambdaCode {
  readonly position: PositionId;
  /** Name for messages. */
  readonly name: string | null;
  /** Name of the whole argument (`x:` or `args@{ ... }:`); null where it has none. */
  readonly parameterName: string | null;
  /** In source order. */
  readonly formals: readonly Formal[] | null;
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
  /** Indexes of the formals as defaults are filled in; null for 0, 1, 2, ... */
  readonly defaultsOrder: readonly number[] | null;
  constructor(
    position: PositionId,
    name: string | null,
    parameterName: string | null,
    formals: readonly Formal[] | null,
    ellipsis: boolean,
    slot: number,
    size: number,
    next: LambdaCode | null,
    body: Code,
  ) {
    this.position = position;
    this.name = name;
    this.parameterName = parameterName;
    this.formals = formals;
    const isOrdered = formals !== null && formals.some(({ fallback }) => isAlias(fallback));
    this.defaultsOrder = isOrdered ? ascending(formals.map(({ symbol }) => symbol)) : null;
    this.ellipsis = ellipsis;
    this.slot = slot;
    this.size = size;
    this.next = next;
    this.body = body;
  }
}

type Function = Code<LambdaCode>;

function evalLambda(this: Function, env: Env): Lambda {
  return new Lambda(this.a, env);
}

// PERF: no thunk. What prints and compares takes a closure in a slot for a thunk of it (print.ts, equality.ts).
const LAMBDA = new Kind(evalLambda, evalLambda);

/** A function, which makes a closure. */
export function makeLambda(code: LambdaCode): Code {
  return new Code(LAMBDA, NO_POSITION, code, null, null, null);
}

/** The function and the argument. */
type Call1 = Code<Code, Code>;

const CALL_1 = new Kind(function evalCall1(this: Call1, env: Env): Value {
  const fn = this.a.eval(env);
  if (fn instanceof Lambda) {
    const a = fn.code.formals === null ? this.b.thunk(env) : evalEarly(this.b, env, this.position);
    return callLambda(fn, a, this.position);
  }
  if (fn instanceof Builtin && fn.forcesFirst && fn.arity === 1)
    return call1(fn, evalEarly(this.b, env, this.position, fn.forceDepth), this.position);
  return call1(fn, this.b.thunk(env), this.position);
});

/** `f a`. */
export function makeCall1(callee: Code, argument: Code, position: PositionId): Code {
  return adopt(new Code(CALL_1, position, callee, argument, null, null), 'b');
}

/** The function and the arguments. */
type Call2 = Code<Code, Code, Code>;

const CALL_2 = new Kind(function evalCall2(this: Call2, env: Env): Value {
  const fn = this.a.eval(env);
  if (fn instanceof Builtin && fn.arity === 2 && (fn.forcesFirst || fn.forcesSecond)) return callEarly(fn, this, env);
  const a = this.b.thunk(env);
  return call2(fn, a, this.c.thunk(env), this.position);
});

/** `f a b`. */
export function makeCall2(callee: Code, first: Code, second: Code, position: PositionId): Code {
  return adopt(new Code(CALL_2, position, callee, first, second, null), 'b', 'c');
}

function callEarly(fn: Builtin, { b: first, c: second, position }: Call2, env: Env): Value {
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

/** The function and the arguments. */
type CallMany = Code<Code, readonly Code[]>;

const CALL = new Kind(function evalCall(this: CallMany, env: Env): Value {
  const fn = this.a.eval(env);
  const args = this.b;
  const slots: Slot[] = new Array(args.length);
  for (let i = 0; i < args.length; i++) slots[i] = args[i]!.thunk(env);
  return callWithArray(fn, slots, this.position);
});

/** `f a b c ...`. */
export function makeCall(callee: Code, args: readonly Code[], position: PositionId): Code {
  return new Code(CALL, position, callee, args, null, null);
}

// --- let, with, if, assert ----------------------------------------------------------------------------------------------------------

/** Slots of the frame, the bindings, the body. */
type Let = Code<number, Bindings, Code>;

const LET = new Kind(function evalLet(this: Let, outer: Env): Value {
  const env: Env = new Array(this.a);
  env[0] = outer;
  this.b.fill(env, outer);
  return this.c.eval(env);
});

/** `let ... in body`. */
export function makeLet(size: number, bindings: Bindings, body: Code): Code {
  return adopt(new Code(LET, NO_POSITION, size, bindings, body, null), 'c');
}

/** The bindings and the body. */
type LetHere = Code<Bindings, Code>;

const LET_HERE = new Kind(function evalLetHere(this: LetHere, env: Env): Value {
  this.a.fill(env, env);
  return this.b.eval(env);
});

/** A let whose slots are in the frame at hand. */
export function makeLetHere(bindings: Bindings, body: Code): Code {
  return adopt(new Code(LET_HERE, NO_POSITION, bindings, body, null, null), 'b');
}

/** Slots of the frame, the set, the body. */
type With = Code<number, Code, Code>;

const WITH = new Kind(function evalWith(this: With, outer: Env): Value {
  const set = this.b.thunk(outer);
  if (this.a === 2) return this.c.eval([outer, set]);
  const env: Env = new Array(this.a);
  env[0] = outer;
  env[1] = set;
  return this.c.eval(env);
});

/** `with set; body`. */
export function makeWith(size: number, set: Code, body: Code): Code {
  return adopt(new Code(WITH, NO_POSITION, size, set, body, null), 'b', 'c');
}

/** The slot, the set, the body. */
type WithHere = Code<number, Code, Code>;

const WITH_HERE = new Kind(function evalWithHere(this: WithHere, env: Env): Value {
  env[this.a] = this.b.thunk(env);
  return this.c.eval(env);
});

/** A with whose set is in a slot of the frame at hand. */
export function makeWithHere(slot: number, set: Code, body: Code): Code {
  return adopt(new Code(WITH_HERE, NO_POSITION, slot, set, body, null), 'b', 'c');
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

/** The condition and the two branches. */
type If = Code<Code, Code, Code>;

const IF = new Kind(function evalIf(this: If, env: Env): Value {
  let condition: Value;
  try {
    condition = this.a.eval(env);
  } catch (error) {
    throw inContext(error, this.position, 'while evaluating a branch condition');
  }
  if (condition === true) return this.b.eval(env);
  if (condition === false) return this.c.eval(env);
  throw wrongBool(condition, this.position, 'while evaluating a branch condition');
});

/** `if c then a else b`. */
export function makeIf(condition: Code, consequent: Code, alternative: Code, position: PositionId): Code {
  return adopt(new Code(IF, position, condition, consequent, alternative, null), 'b', 'c');
}

/** The condition, the body, and the condition as it is printed. */
type Assert = Code<Code, Code, string>;

const ASSERT = new Kind(function evalAssert(this: Assert, env: Env): Value {
  if (!evalBool(this.a, env, this.position, 'in the condition of the assert statement')) failAssertion(this, env);
  return this.b.eval(env);
});

/** `assert condition; body`. `text` is the condition as it is printed. */
export function makeAssert(condition: Code, body: Code, text: string, position: PositionId): Code {
  return adopt(new Code(ASSERT, position, condition, body, text, null), 'b');
}

function failAssertion({ a, c: text, position }: Assert, env: Env): never {
  const condition = resolved(a);
  if (condition.kind === EQUAL && !(condition as Equal).c) {
    const { a: left, b: right } = condition as Equal;
    try {
      assertEqualForced(stateOf(env), left.eval(env), right.eval(env), condition.position);
    } catch (error) {
      if (error instanceof AssertionError) addFrame(error, position, `while evaluating the condition of the assertion '${text}'`);
      throw error;
    }
  }
  throw new AssertionError(`assertion '${text}' failed`, at(position));
}

// --- Operators ----------------------------------------------------------------------------------------------------------------------

type Not = Code<Code>;

const NOT = new Kind(function evalNot(this: Not, env: Env): Value {
  return !evalBool(this.a, env, this.position, 'in the argument of the not operator');
});

/** `!e`. */
export function makeNot(operand: Code, position: PositionId): Code {
  return new Code(NOT, position, operand, null, null, null);
}

/** The operands. */
type Logical = Code<Code, Code>;

const AND = new Kind(function evalAnd(this: Logical, env: Env): Value {
  return (
    evalBool(this.a, env, this.position, 'in the left operand of the AND (&&) operator') &&
    evalBool(this.b, env, this.position, 'in the right operand of the AND (&&) operator')
  );
});

/** `a && b`. */
export function makeAnd(left: Code, right: Code, position: PositionId): Code {
  return adopt(new Code(AND, position, left, right, null, null), 'b');
}

const OR = new Kind(function evalOr(this: Logical, env: Env): Value {
  return (
    evalBool(this.a, env, this.position, 'in the left operand of the OR (||) operator') ||
    evalBool(this.b, env, this.position, 'in the right operand of the OR (||) operator')
  );
});

/** `a || b`. */
export function makeOr(left: Code, right: Code, position: PositionId): Code {
  return adopt(new Code(OR, position, left, right, null, null), 'b');
}

const IMPLIES = new Kind(function evalImplies(this: Logical, env: Env): Value {
  return (
    !evalBool(this.a, env, this.position, 'in the left operand of the IMPL (->) operator') ||
    evalBool(this.b, env, this.position, 'in the right operand of the IMPL (->) operator')
  );
});

/** `a -> b`. */
export function makeImplies(left: Code, right: Code, position: PositionId): Code {
  return adopt(new Code(IMPLIES, position, left, right, null, null), 'b');
}

/** The operands, and whether it is `!=`. */
type Equal = Code<Code, Code, boolean>;

const EQUAL = new Kind(function evalEqual(this: Equal, env: Env): Value {
  const a = this.a.eval(env);
  const b = this.b.eval(env);
  const isNegated = this.c;
  if (typeof a === 'string' && typeof b === 'string') return (a === b) !== isNegated;
  const what = isNegated ? 'while testing two values for inequality' : 'while testing two values for equality';
  return equalForced(stateOf(env), a, b, this.position, what) !== isNegated;
});

/** `a == b` and `a != b`. */
export function makeEqual(left: Code, right: Code, isNegated: boolean, position: PositionId): Code {
  return new Code(EQUAL, position, left, right, isNegated, null);
}

/** The operands, the plan for the last two shapes that met here, and the right operand's position. */
type Update = Code<Code, Code, UpdatePlan | null, PositionId>;

const UPDATE = new Kind(function evalUpdate(this: Update, env: Env): Value {
  // NIX: right before left (2.34.8).
  const b = evalOperandSet(this.b, env, this.d, 'in the right operand of the update (//) operator');
  const a = evalOperandSet(this.a, env, this.position, 'in the left operand of the update (//) operator');
  const last = this.c;
  if (last !== null && last.left === a.shape && last.right === b.shape) return last.apply(a, b);
  const plan = queryUpdatePlan(a, b);
  if (plan === null) return updateAttrs(a, b);
  this.c = plan;
  return plan.apply(a, b);
});

/** `a // b`. */
export function makeUpdate(left: Code, right: Code, leftPosition: PositionId, rightPosition: PositionId): Code {
  return new Code(UPDATE, leftPosition, left, right, null, rightPosition);
}

function evalOperandSet(code: Code, env: Env, pos: PositionId, what: string): Attrs {
  let value: Value;
  // NIX: an operand that is itself `//` gets no frame of its own.
  if (code.kind === UPDATE) return code.eval(env) as Attrs;
  try {
    value = code.eval(env);
  } catch (error) {
    throw inContext(error, pos, what);
  }
  if (value instanceof Attrs) return value;
  throw addFrame(wrongSet(value), pos, what);
}

/** The operands. */
type ConcatLists = Code<Code, Code>;

const CONCAT_LISTS = new Kind(function evalConcatLists(this: ConcatLists, env: Env): Value {
  const a = this.a.eval(env);
  const b = this.b.eval(env);
  if (!Array.isArray(a)) throw wrongList(a, this.position);
  if (!Array.isArray(b)) throw wrongList(b, this.position);
  if (b.length === 0) return a;
  if (a.length === 0) return b;
  return a.concat(b);
});

/** `a ++ b`. */
export function makeConcatLists(left: Code, right: Code, position: PositionId): Code {
  return new Code(CONCAT_LISTS, position, left, right, null, null);
}

function wrongList(value: Value, pos: PositionId): FloeError {
  return addFrame(
    new WrongTypeError(`expected a list but found ${describeType(value)}: ${printForError(value)}`),
    pos,
    'while evaluating one of the elements to concatenate',
  );
}

const PATH_SEGMENT = 'while evaluating a path segment';
const NO_COPY = { copyToStore: false } as const;

/** The parts and where they stand. */
type Concat = Code<readonly Code[], readonly PositionId[]>;

const INTERPOLATION = new Kind(function evalInterpolation(this: Concat, env: Env): Value {
  const parts = this.a;
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
      } else text += coerceToString(stateOf(env), this.b[i]!, value, accumulator, PATH_SEGMENT);
    }
  }
  return accumulator === null ? text : makeString(text, accumulator.context);
});

/** `"a${b}c"`. */
export function makeInterpolation(parts: readonly Code[], positions: readonly PositionId[]): Code {
  return new Code(INTERPOLATION, NO_POSITION, parts, positions, null, null);
}

const PLUS = new Kind(function evalPlus(this: Concat, env: Env): Value {
  const parts = this.a;
  const first = parts[0]!.eval(env);
  if (typeof first === 'number' || typeof first === 'bigint' || first instanceof NixFloat) return addNumbers(this, env, first);
  if (typeof first === 'string' && parts.length === 2) {
    const second = parts[1]!.eval(env);
    return typeof second === 'string' ? first + second : addStrings(this, env, first, second);
  }
  return addStrings(this, env, first, undefined);
});

/** `a + b`, and interpolated paths: the first value says what is added. */
export function makePlus(parts: readonly Code[], positions: readonly PositionId[], position: PositionId): Code {
  return new Code(PLUS, position, parts, positions, null, null);
}

function addNumbers({ a: parts, b: positions }: Concat, env: Env, first: number | bigint | NixFloat): Value {
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

function addStrings({ a: parts, b: positions, position }: Concat, env: Env, first: Value, second: Value | undefined): Value {
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
    throw new EvalError('a string that refers to a store path cannot be appended to a path', at(position));
  }
  return new NixPath(canonicalPath(text));
}

function withoutOperandPlace(error: unknown, left: Code, right: Code): unknown {
  return withoutPlace(withoutPlace(error, variablePosition(left)), variablePosition(right));
}

/** The operands, the builtin, and whether it is `-`. */
type Arithmetic = Code<Code, Code, Builtin, boolean>;

const ARITHMETIC = new Kind(function evalArithmetic(this: Arithmetic, env: Env): Value {
  enterCall(this.position);
  let a: Value;
  let b: Value;
  try {
    a = this.a.eval(env);
    b = this.b.eval(env);
  } catch (error) {
    throw inContext(withoutOperandPlace(error, this.a, this.b), this.position, `while calling the '${this.c.name}' builtin`);
  }
  leaveCall();
  if (this.d && typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return call2(this.c, a, b, this.position);
});

/** An operator that is a builtin of two numbers: `-`, `*`, `/`. Integers that stay small are computed here. */
export function makeArithmetic(left: Code, right: Code, builtin: Builtin, position: PositionId): Code {
  return new Code(ARITHMETIC, position, left, right, builtin, builtin.name === 'sub');
}

/** The operands. */
type LessThan = Code<Code, Code>;

const LESS_THAN = new Kind(function evalLessThan(this: LessThan, env: Env): Value {
  enterCall(this.position);
  try {
    const a = this.a.eval(env);
    const b = this.b.eval(env);
    const isLess = typeof a === 'number' && typeof b === 'number' ? a < b : lessThan(stateOf(env), a, b, NO_POSITION, '');
    leaveCall();
    return isLess;
  } catch (error) {
    throw inContext(withoutOperandPlace(error, this.a, this.b), this.position, "while calling the 'lessThan' builtin");
  }
});

/** `a < b`; the other three orders are made of it. */
export function makeLessThan(left: Code, right: Code, position: PositionId): Code {
  return new Code(LESS_THAN, position, left, right, null, null);
}

const CURRENT_POSITION = new Kind(function evalCurrentPosition(this: Code, env: Env): Value {
  return stateOf(env).positionValue(this.position);
});

/** `__curPos`. */
export function makeCurrentPosition(position: PositionId): Code {
  return new Code(CURRENT_POSITION, position, null, null, null, null);
}

/** What there is, for those who count and watch (call-watch.ts). */
export const KINDS = {
  lazy: LAZY,
  constant: CONSTANT,
  knownSelect: KNOWN_SELECT,
  global: GLOBAL,
  variable0: VARIABLE_0,
  variable1: VARIABLE_1,
  variable2: VARIABLE_2,
  variableN: VARIABLE_N,
  withVariable: WITH_VARIABLE,
  select: SELECT,
  selectPath: SELECT_PATH,
  selectOr: SELECT_OR,
  hasAttr: HAS_ATTR,
  attrs: ATTRS,
  emptyAttrs: EMPTY,
  attrsFrom: ATTRS_FROM,
  recursiveAttrs: RECURSIVE_ATTRS,
  dynamicAttrs: DYNAMIC_ATTRS,
  list: LIST,
  lambda: LAMBDA,
  call1: CALL_1,
  call2: CALL_2,
  call: CALL,
  let: LET,
  letHere: LET_HERE,
  with: WITH,
  withHere: WITH_HERE,
  if: IF,
  assert: ASSERT,
  not: NOT,
  and: AND,
  or: OR,
  implies: IMPLIES,
  equal: EQUAL,
  update: UPDATE,
  concatLists: CONCAT_LISTS,
  interpolation: INTERPOLATION,
  plus: PLUS,
  arithmetic: ARITHMETIC,
  lessThan: LESS_THAN,
  currentPosition: CURRENT_POSITION,
} as const;
