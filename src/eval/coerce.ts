// From values to what is asked of them: the force functions (evaluate, check the type) and the coercions to strings and paths with
// their contexts. Each takes `what`, the words C++ Nix gives ("while evaluating the first argument passed to builtins.foo"); they
// become a trace frame only on failure, and "" adds none.

import { compareStrings } from '../base/bytes.ts';
import { EvalError, WrongTypeError } from '../base/errors.ts';
import { printDerivedPath } from '../model/derived-path.ts';
import { printStorePath, splitStorePath, type StorePath } from '../model/store-path.ts';
import { Attrs } from './attrs.ts';
import { call1, enterCall, forceBelow, leaveCall } from './call.ts';
import { addFrame, at, inContext } from './error-position.ts';
import type { PositionId } from './position.ts';
import { printForError } from './print.ts';
import { baseNameOfPath, canonicalPath } from './source-path.ts';
import type { EvalState } from './state.ts';
import { opaqueElement, parseContextElement, type ContextAccumulator, type ContextElement } from './string-context.ts';
import { symbols } from './symbol.ts';
import { ContextString, describeType, force, isFunction, NixFloat, NixPath, type Slot, type Value } from './value.ts';
import { printFloat } from './number.ts';

/** Evaluates a slot, with a frame on failure. */
export function forceWith(slot: Slot, pos: PositionId, what: string): Value {
  try {
    return force(slot, pos);
  } catch (error) {
    throw inContext(error, pos, what);
  }
}

/** "expected a set but found an integer: 1", thrown with its frame. `placed`: whether the error itself stands at `pos`. */
export function wrongType(expected: string, value: Value, pos: PositionId, what: string, placed: boolean): WrongTypeError {
  const error = new WrongTypeError(
    `expected ${expected} but found ${describeType(value)}: ${printForError(value)}`,
    placed ? at(pos) : undefined,
  );
  return what === '' ? error : addFrame(error, pos, what);
}

/** An integer, as number or bigint. */
export function forceInt(_state: EvalState, slot: Slot, pos: PositionId, what: string): number | bigint {
  const value = forceWith(slot, pos, what);
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  throw wrongType('an integer', value, pos, what, true);
}

/** A float; integers are converted. */
export function forceFloat(_state: EvalState, slot: Slot, pos: PositionId, what: string): number {
  const value = forceWith(slot, pos, what);
  if (value instanceof NixFloat) return value.value;
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  throw wrongType('a float', value, pos, what, true);
}

export function forceBool(_state: EvalState, slot: Slot, pos: PositionId, what: string): boolean {
  const value = forceWith(slot, pos, what);
  if (value === true || value === false) return value;
  throw wrongType('a Boolean', value, pos, what, true);
}

/** A string value, with or without context. */
export function forceString(_state: EvalState, slot: Slot, pos: PositionId, what: string): string | ContextString {
  const value = forceWith(slot, pos, what);
  if (typeof value === 'string' || value instanceof ContextString) return value;
  throw wrongType('a string', value, pos, what, true);
}

/** The text of a string; its context goes to `accumulator`. */
export function forceStringInto(state: EvalState, slot: Slot, accumulator: ContextAccumulator, pos: PositionId, what: string): string {
  const value = forceString(state, slot, pos, what);
  if (typeof value === 'string') return value;
  accumulator.add(value.context);
  return value.text;
}

/** The text of a string that must not speak of store objects. */
export function forceStringNoContext(state: EvalState, slot: Slot, pos: PositionId, what: string): string {
  const value = forceString(state, slot, pos, what);
  if (typeof value === 'string') return value;
  throw addFrame(
    new EvalError(
      `the string '${value.text}' is not allowed to refer to a store path (such as '${displayElement(state, firstElement(value.context))}')`,
    ),
    pos,
    what,
  );
}

/** The element C++ Nix would name first: opaque ones before deep ones before built ones. */
function firstElement(context: readonly ContextElement[]): ContextElement {
  const rank = ({ kind }: ContextElement): number => (kind === 'opaque' ? 0 : kind === 'deep' ? 1 : 2);
  return [...context].sort((a, b) => rank(a) - rank(b) || compareStrings(a.path, b.path) || compareStrings(a.output, b.output))[0]!;
}

/** A context element as messages show it: "/nix/store/x.drv^out", "/nix/store/x.drv (deep)". */
export function displayElement(state: EvalState, element: ContextElement): string {
  const parsed = parseContextElement(element);
  const { storeDir } = state.host.constants;
  switch (parsed.kind) {
    case 'deep':
      return `${printStorePath(parsed.path, storeDir)} (deep)`;
    default:
      return printDerivedPath(parsed, storeDir);
  }
}

export function forceAttrs(_state: EvalState, slot: Slot, pos: PositionId, what: string): Attrs {
  const value = force(slot, pos);
  if (value instanceof Attrs) return value;
  throw wrongType('a set', value, pos, what, false);
}

/** The list; not to be changed, but for writing back values. */
export function forceList(_state: EvalState, slot: Slot, pos: PositionId, what: string): Slot[] {
  const value = force(slot, pos);
  if (Array.isArray(value)) return value;
  throw wrongType('a list', value, pos, what, false);
}

/** A function, or a set with `__functor`. */
export function forceFunction(_state: EvalState, slot: Slot, pos: PositionId, what: string): Value {
  const value = forceWith(slot, pos, what);
  if (isFunction(value) || (value instanceof Attrs && value.has(symbols.functor))) return value;
  throw wrongType('a function', value, pos, what, true);
}

/** The slot of an attribute that must be there: "attribute 'x' missing". */
export function requireAttr(_state: EvalState, attrs: Attrs, symbol: number, name: string, what: string): Slot {
  const slot = attrs.get(symbol);
  if (slot === undefined) throw addFrame(new WrongTypeError(`attribute '${name}' missing`), 0, what);
  return slot;
}

/** What coerceToString may do beyond strings, paths and sets. */
export interface CoerceOptions {
  /** Also booleans, numbers, null and lists (`toString`, derivation attributes). */
  readonly more?: boolean;
  /** Paths are copied to the store and become store paths (default true). */
  readonly copyToStore?: boolean;
}

const DEFAULT_COERCE: CoerceOptions = {};

/** The text of a value made a string; contexts go to `accumulator`. */
export function coerceToString(
  state: EvalState,
  pos: PositionId,
  slot: Slot,
  accumulator: ContextAccumulator,
  what: string,
  options: CoerceOptions = DEFAULT_COERCE,
): string {
  const value = forceBelow(slot, pos);
  if (typeof value === 'string') return value;
  if (value instanceof ContextString) {
    accumulator.add(value.context);
    return value.text;
  }
  enterCall(pos);
  const text = coerceOther(state, pos, value, accumulator, what, options);
  leaveCall();
  return text;
}

function coerceOther(
  state: EvalState,
  pos: PositionId,
  value: Value,
  accumulator: ContextAccumulator,
  what: string,
  options: CoerceOptions,
): string {
  if (value instanceof NixPath) {
    if (options.copyToStore === false) return value.path;
    return copyPathToStore(state, accumulator, value.path);
  }
  if (value instanceof Attrs) {
    const toString = value.get(symbols.toString);
    if (toString !== undefined) {
      const result = call1(force(toString, pos), value, pos);
      return coerceToString(state, pos, result, accumulator, 'while evaluating the result of the `__toString` attribute', options);
    }
    const outPath = value.get(symbols.outPath);
    if (outPath !== undefined) return coerceToString(state, pos, outPath, accumulator, what, options);
  }
  if (options.more === true) {
    if (value === true) return '1';
    if (value === false || value === null) return '';
    if (typeof value === 'number' || typeof value === 'bigint') return String(value);
    if (value instanceof NixFloat) return printFloat(value.value);
    if (Array.isArray(value)) return coerceList(state, pos, value, accumulator, what, options);
  }
  const error = new WrongTypeError(`cannot coerce ${describeType(value)} to a string: ${printForError(value)}`);
  throw inContext(error, pos, what);
}

function coerceList(
  state: EvalState,
  pos: PositionId,
  list: Slot[],
  accumulator: ContextAccumulator,
  what: string,
  options: CoerceOptions,
): string {
  let result = '';
  const last = list.length - 1;
  for (let i = 0; i <= last; i++) {
    try {
      result += coerceToString(state, pos, list[i]!, accumulator, 'while evaluating one element of the list', options);
    } catch (error) {
      throw inContext(error, pos, what);
    }
    if (i === last) break;
    const element = force(list[i]!);
    // NIX: 2.34.8 puts no space after an empty list, so [ [] 1 ] is "1" but [ 1 [] ] is "1 ".
    if (!Array.isArray(element) || element.length > 0) result += ' ';
  }
  return result;
}

const COPIED = Symbol('paths copied to the store');

/** Copies a path to the store (once) and gives the printed store path; the element goes to `accumulator`. */
export function copyPathToStore(state: EvalState, accumulator: ContextAccumulator, path: string): string {
  if (path.endsWith('.drv')) throw new EvalError(`file names are not allowed to end in '.drv'`);
  const copied = state.pathCache<StorePath>(COPIED);
  let storePath = copied.get(path);
  if (storePath === undefined) {
    storePath = state.host.addToStore({ path, name: baseNameOfPath(path), method: 'nar', algorithm: 'sha256' });
    copied.set(path, storePath);
  }
  accumulator.addElement(opaqueElement(storePath));
  return printStorePath(storePath, state.host.constants.storeDir);
}

/** A path from a path value, a set with `__toString` or `outPath`, or an absolute path in a string. Canonical. */
export function coerceToPath(state: EvalState, pos: PositionId, slot: Slot, accumulator: ContextAccumulator, what: string): string {
  const value = forceWith(slot, pos, what);
  if (value instanceof NixPath) return value.path;
  if (value instanceof Attrs) {
    const toString = value.get(symbols.toString);
    if (toString !== undefined) return coerceToPath(state, pos, call1(force(toString, pos), value, pos), accumulator, what);
  }
  const text = coerceToString(state, pos, value, accumulator, what, { copyToStore: false });
  if (text.charCodeAt(0) !== 47) throw inContext(new EvalError(`string '${text}' doesn't represent an absolute path`), pos, what);
  return canonicalPath(text);
}

/** The store path a value names exactly. */
export function coerceToStorePath(state: EvalState, pos: PositionId, slot: Slot, accumulator: ContextAccumulator, what: string): StorePath {
  const text = coerceToString(state, pos, slot, accumulator, what, { copyToStore: false });
  try {
    const split = splitStorePath(text, state.host.constants.storeDir);
    if (split !== undefined && split.rest === '') return split.storePath;
  } catch {
    // Not a store path's name: the same answer.
  }
  throw inContext(new EvalError(`path '${text}' is not in the Nix store`), pos, what);
}

export { inContext } from './error-position.ts';
