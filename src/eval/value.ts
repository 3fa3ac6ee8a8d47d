// Value kinds of the language, thunks, and forcing. One hidden class a kind, no optional fields. Strings are byte strings.
//
// Kinds and their form: null, booleans and strings without context are JavaScript's own; an integer is a number while it lies within
// 2^53 and a bigint beyond; everything else is one of the classes below, an array (list) or Attrs.

import { FloeError, InfiniteRecursionError } from '../base/errors.ts';
import { Attrs } from './attrs.ts';
import type { Builtin as BuiltinClass, PartialCall as PartialCallClass } from './builtin.ts';
import { Builtin, PartialCall } from './builtin.ts';
import { call1, call2 } from './call.ts';
import { Code, Kind, Thunk } from './code.ts';
import { at } from './error-position.ts';
import type { LambdaCode } from './interpret.ts';
import { NO_POSITION, type PositionId } from './position.ts';
import { symbolName } from './symbol.ts';
import type { StringContext } from './string-context.ts';

/** An evaluated value (weak head normal form). */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | ContextString
  | NixFloat
  | NixPath
  | Slot[]
  | Attrs
  | Lambda
  | BuiltinClass
  | PartialCallClass;

export { Thunk } from './code.ts';

/** What environments, lists and attribute sets hold: a value, or a thunk that becomes one. */
export type Slot = Value | Thunk;

/** An environment: slot 0 is the one around it (null at the root), the rest are variables. The root's slot 1 is the EvalState. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Env = any[];

/** A string whose text speaks of store objects. Without context, a string is a plain JavaScript string. */
export class ContextString {
  readonly text: string;
  readonly context: StringContext;
  constructor(text: string, context: StringContext) {
    this.text = text;
    this.context = context;
  }
}

/** A floating point number (JavaScript's numbers are the integers). */
export class NixFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A path value: absolute, canonical byte string. */
export class NixPath {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}

/** A function written in the language, with the environment it closed over. */
export class Lambda {
  readonly code: LambdaCode;
  readonly env: Env;
  constructor(code: LambdaCode, env: Env) {
    this.code = code;
    this.env = env;
  }
}

/** A value that was asked for, in a slot. A closure that lies in a slot bare counts as one that nobody has asked for yet. */
export function askedFor(value: Value): Slot {
  return value instanceof Lambda ? new Thunk(null, value) : value;
}

/** What a thunk runs that is no expression: `run` gets what the thunk holds, and where the value was asked for. */
export function hostCode<T>(run: (held: T, pos: PositionId) => Value): Code {
  return new Code(new Kind(run), NO_POSITION, null, null, null, null);
}

/** Stands in a thunk while it is being evaluated: whoever meets it there has found a cycle. */
const BLACKHOLE = hostCode((): Value => {
  throw new InfiniteRecursionError('infinite recursion encountered');
});

/** Whether the thunk is being evaluated right now. */
export function isBlackhole(thunk: Thunk): boolean {
  return thunk.code === BLACKHOLE;
}

/**
 * Stands in a thunk that failed; it holds the error. NIX: the error as it is now, with the frames it gathered after it left the thunk
 * (2.34.8).
 */
const FAILED = hostCode((error: FloeError): Value => {
  throw copyError(error);
});

/** Stands in a thunk whose expression was evaluated early and failed: the error goes on its way when the thunk is forced. */
const FAILED_EARLY = hostCode((error: FloeError, pos: PositionId): Value => {
  if (error instanceof InfiniteRecursionError && error.position === undefined) error.position = at(pos).position;
  throw error;
});

/** A thunk that fails with this error when it is forced. Errors that are not ours are thrown at once. */
export function failedThunk(error: unknown): Thunk {
  if (!(error instanceof FloeError)) throw error;
  return new Thunk(FAILED_EARLY, error);
}

function copyError(error: FloeError): FloeError {
  const copy = Object.create(Object.getPrototypeOf(error) as object) as FloeError;
  return Object.defineProperties(copy, {
    ...Object.getOwnPropertyDescriptors(error),
    frames: { value: [...error.frames], enumerable: true },
  });
}

/**
 * Calls of one function that wait: `a` is the function, and each thunk holds what it is called with. NIX: such thunks are not marked
 * while they are evaluated; one that needs itself ends as too deep a call.
 */
type DelayedCalls = Code<Slot>;

const DELAYED_1 = new Kind(function callDelayed1(this: DelayedCalls, held: Slot, pos: PositionId, thunk: Thunk): Value {
  thunk.code = this;
  return call1(force(this.a, pos), held, pos);
});

const DELAYED_2 = new Kind(function callDelayed2(this: DelayedCalls, held: readonly [Slot, Slot], pos: PositionId, thunk: Thunk): Value {
  thunk.code = this;
  return call2(force(this.a, pos), held[0], held[1], pos);
});

/** Of name and value, for the attributes of the set `b`; each thunk holds the index of its own. */
const DELAYED_ATTRS = new Kind(function callDelayedAttr(this: Code<Slot, Attrs>, held: number, pos: PositionId, thunk: Thunk): Value {
  thunk.code = this;
  const source = this.b;
  return call2(force(this.a, pos), symbolName(source.keys()[held]!), source.slotAt(held), pos);
});

/** Calls of `fn` that wait: `new Thunk(calls, a)` is a thunk of `fn a` (what `map` puts into its result). */
export function delayCalls1(fn: Slot): Code {
  return new Code(DELAYED_1, NO_POSITION, fn, null, null, null);
}

/** Calls of `fn` that wait: `new Thunk(calls, [a, b])` is a thunk of `fn a b`. */
export function delayCalls2(fn: Slot): Code {
  return new Code(DELAYED_2, NO_POSITION, fn, null, null, null);
}

/** Thunks of `fn name value` for each attribute, in the order of keys() (what `mapAttrs` puts into its result). */
export function delayAttrCalls(fn: Slot, source: Attrs): Thunk[] {
  const calls = new Code(DELAYED_ATTRS, NO_POSITION, fn, source, null, null);
  const thunks: Thunk[] = new Array(source.size);
  for (let i = 0; i < thunks.length; i++) thunks[i] = new Thunk(calls, i);
  return thunks;
}

/**
 * The value of a thunk. A failed thunk keeps its error, so that a second force fails alike. `pos` is where the value was asked for,
 * which an infinite recursion is reported at.
 */
export function forceThunk(thunk: Thunk, pos: PositionId = NO_POSITION): Value {
  const { code, held } = thunk;
  if (code === null) return held;
  if (code === BLACKHOLE) throw new InfiniteRecursionError('infinite recursion encountered', at(pos));
  thunk.code = BLACKHOLE;
  let value: Value;
  try {
    value = code.eval(held, pos, thunk);
  } catch (error) {
    if (error instanceof FloeError && code !== FAILED) {
      thunk.code = FAILED;
      thunk.held = error;
    } else thunk.code = code;
    throw error;
  }
  thunk.code = null;
  thunk.held = value;
  return value;
}

/** Whether a thunk's value may be put in the thunk's place; see the opening of interpret.ts. */
export function isWriteBack(value: Value): boolean {
  return (
    typeof value !== 'object' || value instanceof Attrs || value instanceof ContextString || value === null || value instanceof NixPath
  );
}

/** Where a value comes from, as far as that is known without evaluating it: the literal of a set or function. */
export function positionOf(slot: Slot): PositionId {
  if (slot instanceof Thunk) {
    if (slot.code === null) return positionOf(slot.held as Value);
    const { code } = slot;
    const isCall = code.kind === DELAYED_1 || code.kind === DELAYED_2 || code.kind === DELAYED_ATTRS;
    return isCall ? positionOf((code as DelayedCalls).a) : NO_POSITION;
  }
  if (slot instanceof Lambda) return slot.code.position;
  return slot instanceof Attrs ? slot.shape.literal : NO_POSITION;
}

/** The value in a slot. */
export function force(slot: Slot, pos: PositionId = NO_POSITION): Value {
  return slot instanceof Thunk ? forceThunk(slot, pos) : slot;
}

/** The slot itself, or the value where it is a thunk that has one already. Never evaluates. */
export function peek(slot: Slot): Slot {
  return slot instanceof Thunk && slot.code === null ? slot.held : slot;
}

/** A thunk that runs a host function once; for few, large delayed values (`builtins`, flake outputs), never in a loop. */
export function delay(compute: () => Value): Thunk {
  return new Thunk(hostCode(compute), null);
}

/** A string value: plain where there is no context. */
export function makeString(text: string, context: StringContext | null): string | ContextString {
  return context === null ? text : new ContextString(text, context);
}

/** Whether a value is a string of either form. */
export function isString(value: Value): value is string | ContextString {
  return typeof value === 'string' || value instanceof ContextString;
}

/** The bytes of a string value. */
export function stringText(value: string | ContextString): string {
  return typeof value === 'string' ? value : value.text;
}

/** The context of a string value, null where there is none. */
export function stringContext(value: string | ContextString): StringContext | null {
  return typeof value === 'string' ? null : value.context;
}

/** Whether a value is an integer of either form. */
export function isInteger(value: Value): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** Whether a value is a function of any kind (functors are attribute sets and not meant). */
export function isFunction(value: Value): value is Lambda | BuiltinClass | PartialCallClass {
  return value instanceof Lambda || value instanceof Builtin || value instanceof PartialCall;
}

/** Names of types as `builtins.typeOf` gives them. */
export type TypeName = 'int' | 'bool' | 'string' | 'path' | 'null' | 'set' | 'list' | 'lambda' | 'float';

/** The name `builtins.typeOf` gives a value. */
export function typeName(value: Value): TypeName {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
    case 'bigint':
      return 'int';
    case 'boolean':
      return 'bool';
  }
  if (value === null) return 'null';
  if (value instanceof Attrs) return 'set';
  if (value instanceof ContextString) return 'string';
  if (Array.isArray(value)) return 'list';
  if (value instanceof NixPath) return 'path';
  if (value instanceof NixFloat) return 'float';
  return 'lambda';
}

const TYPES_WITH_ARTICLE: Readonly<Record<TypeName, string>> = {
  int: 'an integer',
  bool: 'a Boolean',
  string: 'a string',
  path: 'a path',
  null: 'null',
  set: 'a set',
  list: 'a list',
  lambda: 'a function',
  float: 'a float',
};

/** A value's type in words, as error messages name it (C++ Nix's showType of a value). */
export function describeType(value: Slot): string {
  if (value instanceof Thunk) {
    if (value.code === null) return describeType(value.held);
    return isBlackhole(value) ? 'a black hole' : 'a thunk';
  }
  if (value instanceof ContextString) return 'a string with context';
  if (value instanceof Builtin) return `the built-in function '${value.name}'`;
  if (value instanceof PartialCall) return `the partially applied built-in function '${value.builtin.name}'`;
  return TYPES_WITH_ARTICLE[typeName(value)];
}
