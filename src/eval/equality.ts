// Equality and order of values: C++ Nix's eqValues and CompareValues.

import { AssertionError, EvalError, FloeError } from '../base/errors.ts';
import { Attrs } from './attrs.ts';
import { enterCall, forceBelow, leaveCall } from './call.ts';
import { addFrame, inContext } from './error-position.ts';
import { NO_POSITION, type PositionId } from './position.ts';
import { printForError } from './print.ts';
import type { EvalState } from './state.ts';
import { printSymbol, symbols } from './symbol.ts';
import { ContextString, describeType, force, isString, NixFloat, NixPath, stringText, typeName, type Slot, type Value } from './value.ts';
import { lessThanNumber } from './number.ts';

/** Whether a set has `type = "derivation"`. Forces that attribute alone. */
export function isDerivation(value: Value): value is Attrs {
  if (!(value instanceof Attrs)) return false;
  const type = value.force(symbols.type);
  return type !== undefined && isString(type) && stringText(type) === 'derivation';
}

/**
 * `a == b`. Derivations are equal when their outPaths are.
 *
 * NIX: C++ first compares the addresses of the two values, so a function in a list equals itself where both lists share the very same
 * element, and functions compared directly never are equal. Here the slot (a thunk, or a value that never was one) is the address.
 */
export function equalValues(state: EvalState, slotA: Slot, slotB: Slot, pos: PositionId, what: string): boolean {
  const a = forceBelow(slotA, pos);
  const b = forceBelow(slotB, pos);
  if (slotA === slotB) return true;
  return equalForced(state, a, b, pos, what);
}

/** `a == b` for two values that have no shared address (operands of `==`). */
export function equalForced(state: EvalState, a: Value, b: Value, pos: PositionId, what: string): boolean {
  switch (typeof a) {
    case 'string':
      return a === b || (b instanceof ContextString && b.text === a);
    case 'number':
    case 'bigint':
      return a === b || (b instanceof NixFloat && Number(a) === b.value);
    case 'boolean':
      return a === b;
  }
  if (a === null || b === null) return a === b;
  if (a instanceof Attrs) return b instanceof Attrs && equalAttrs(state, a, b, pos, what);
  if (a instanceof ContextString) return isString(b) && stringText(b) === a.text;
  if (Array.isArray(a)) return Array.isArray(b) && equalLists(state, a, b, pos, what);
  if (a instanceof NixFloat) {
    return b instanceof NixFloat ? a.value === b.value : (typeof b === 'number' || typeof b === 'bigint') && a.value === Number(b);
  }
  if (a instanceof NixPath) return b instanceof NixPath && a.path === b.path;
  return false;
}

function equalLists(state: EvalState, a: Slot[], b: Slot[], pos: PositionId, what: string): boolean {
  if (a.length !== b.length) return false;
  enterCall(pos);
  let isEqual = true;
  for (let i = 0; i < a.length && isEqual; i++) isEqual = equalValues(state, a[i]!, b[i]!, pos, what);
  leaveCall();
  return isEqual;
}

function equalAttrs(state: EvalState, a: Attrs, b: Attrs, pos: PositionId, what: string): boolean {
  if (isDerivation(a) && isDerivation(b)) {
    const x = a.get(symbols.outPath);
    const y = b.get(symbols.outPath);
    if (x !== undefined && y !== undefined) return equalValues(state, x, y, pos, what);
  }
  if (a.size !== b.size) return false;
  enterCall(pos);
  const order = a.order();
  const aKeys = a.keys();
  const bKeys = b.keys();
  let isEqual = true;
  for (let at = 0; at < order.length; at++) {
    const i = order[at]!;
    // INVARIANT: keys ascend in both, so equal key sets are equal arrays.
    isEqual = aKeys[i] === bKeys[i] && equalValues(state, a.slotAt(i), b.slotAt(i), pos, what);
    if (!isEqual) break;
  }
  leaveCall();
  return isEqual;
}

/** As assertEqualForced, for what equalValues compares. */
function assertEqual(state: EvalState, slotA: Slot, slotB: Slot, pos: PositionId): void {
  const a = forceBelow(slotA, pos);
  const b = forceBelow(slotB, pos);
  if (slotA !== slotB || typeof a !== 'object' || a === null) assertEqualForced(state, a, b, pos);
}

/**
 * Fails, saying where and how two values differ: what `assert a == b` reports. Returns where it finds no difference. It goes the way of
 * equalForced.
 */
export function assertEqualForced(state: EvalState, a: Value, b: Value, pos: PositionId): void {
  const quoted = (value: Value): string => `'${printForError(value)}'`;
  if (isNumber(a) && isNumber(b)) {
    if (equalForced(state, a, b, pos, '')) return;
    throw new AssertionError(`${describeType(a)} with value ${quoted(a)} is not equal to ${describeType(b)} with value ${quoted(b)}`);
  }
  const type = typeName(a);
  if (type !== typeName(b)) {
    throw new AssertionError(`${describeType(a)} of value ${quoted(a)} is not equal to ${describeType(b)} of value ${quoted(b)}`);
  }
  if (Array.isArray(a) && Array.isArray(b)) return assertEqualLists(state, a, b, pos);
  if (a instanceof Attrs && b instanceof Attrs) return assertEqualAttrs(state, a, b, pos);
  if (type === 'lambda') throw new AssertionError('distinct functions and immediate comparisons of identical functions compare as unequal');
  if (equalForced(state, a, b, pos, '')) return;
  throw new AssertionError(
    `${type === 'bool' ? 'boolean' : type} ${quoted(a)} is not equal to ${type === 'bool' ? 'boolean' : type} ${quoted(b)}`,
  );
}

function assertEqualLists(state: EvalState, a: Slot[], b: Slot[], pos: PositionId): void {
  if (a.length !== b.length) {
    throw new AssertionError(
      `list of size '${a.length}' is not equal to list of size '${b.length}', left hand side is '${printForError(a)}', right hand side is '${printForError(b)}'`,
    );
  }
  for (let i = 0; i < a.length; i++) {
    try {
      assertEqual(state, a[i]!, b[i]!, pos);
    } catch (error) {
      throw inContext(error, pos, `while comparing list element ${i}`);
    }
  }
}

function assertEqualAttrs(state: EvalState, a: Attrs, b: Attrs, pos: PositionId): void {
  if (isDerivation(a) && isDerivation(b)) {
    const x = a.get(symbols.outPath);
    const y = b.get(symbols.outPath);
    if (x !== undefined && y !== undefined) {
      try {
        return assertEqual(state, x, y, pos);
      } catch (error) {
        throw inContext(error, pos, "while comparing a derivation by its 'outPath' attribute");
      }
    }
  }
  if (a.size !== b.size) {
    throw new AssertionError(`attribute names of attribute set '${printForError(a)}' differs from attribute set '${printForError(b)}'`);
  }
  const aKeys = a.keys();
  const bKeys = b.keys();
  for (let i = 0; i < aKeys.length; i++) {
    const key = aKeys[i]!;
    if (key !== bKeys[i]) {
      if (!b.has(key)) {
        throw new AssertionError(
          `attribute name '${printSymbol(key)}' is contained in '${printForError(a)}', but not in '${printForError(b)}'`,
        );
      }
      throw new AssertionError(
        `attribute name '${printSymbol(bKeys[i]!)}' is missing in '${printForError(a)}', but is contained in '${printForError(b)}'`,
      );
    }
    try {
      assertEqual(state, a.slotAt(i), b.slotAt(i), pos);
    } catch (error) {
      if (error instanceof FloeError) {
        if (b.positionAt(i) !== NO_POSITION) addFrame(error, b.positionAt(i), 'where right hand side is');
        if (a.positionAt(i) !== NO_POSITION) addFrame(error, a.positionAt(i), 'where left hand side is');
        addFrame(error, pos, `while comparing attribute '${printSymbol(key)}'`);
      }
      throw error;
    }
  }
}

/** Whether a < b; both evaluated. EvalError where they cannot be compared. `what` is the frame on failure ("" for none). */
export function lessThan(state: EvalState, a: Value, b: Value, pos: PositionId, what: string): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  if (typeof a === 'string' && typeof b === 'string') return a < b;
  try {
    return lessThanSlowly(state, a, b, pos, what);
  } catch (error) {
    throw inContext(error, NO_POSITION, what);
  }
}

function lessThanSlowly(state: EvalState, a: Value, b: Value, pos: PositionId, what: string): boolean {
  if (isString(a) && isString(b)) return stringText(a) < stringText(b);
  if (isNumber(a) && isNumber(b)) return lessThanNumber(a, b);
  if (typeName(a) !== typeName(b)) {
    throw new EvalError(
      `cannot compare ${describeType(a)} with ${describeType(b)}; values are ${printForError(a)} and ${printForError(b)}`,
    );
  }
  if (a instanceof NixPath && b instanceof NixPath) return a.path < b.path;
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; ; i++) {
      if (i === b.length) return false;
      if (i === a.length) return true;
      if (!equalValues(state, a[i]!, b[i]!, pos, what)) {
        return lessThan(state, force(a[i]!), force(b[i]!), pos, 'while comparing two list elements');
      }
    }
  }
  throw new EvalError(
    `cannot compare ${describeType(a)} with ${describeType(b)}; values of that type are incomparable (values are ${printForError(a)} and ${printForError(b)})`,
  );
}

function isNumber(value: Value): value is number | bigint | NixFloat {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof NixFloat;
}
