// Builtins on numbers: integers of 64 bits, whose overflow is an error, and floats. Nix manual, "Built-in Functions".

import { EvalError } from '../../base/errors.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { forceFloat, forceInt } from '../coerce.ts';
import { lessThan as isLess } from '../equality.ts';
import { at } from '../error-position.ts';
import { addIntegers, divideIntegers, type Integer, makeInteger, multiplyIntegers, printFloatShort, subtractIntegers } from '../number.ts';
import { NO_POSITION, type PositionId } from '../position.ts';
import type { EvalState } from '../state.ts';
import { force, NixFloat, type Slot, type Value } from '../value.ts';

/** Computes with both arguments as integers, or as floats where one of them is a float. `first` and `second` are frames on failure. */
function compute(
  state: EvalState,
  pos: PositionId,
  slots: readonly [Slot, Slot],
  first: string,
  second: string,
  integers: (a: Integer, b: Integer, pos: PositionId) => Integer,
  floats: (a: number, b: number) => number,
  firstFloat = first,
): Value {
  const a = force(slots[0], pos);
  const b = force(slots[1], pos);
  if (typeof a === 'number' && typeof b === 'number') return integers(a, b, pos);
  if (a instanceof NixFloat || b instanceof NixFloat) {
    return new NixFloat(floats(forceFloat(state, a, pos, firstFloat), forceFloat(state, b, pos, second)));
  }
  return integers(forceInt(state, a, pos, first), forceInt(state, b, pos, second), pos);
}

/** builtins.add */
export const add: BuiltinDefinition = {
  args: ['e1', 'e2'],
  text: 'The sum of two numbers. It is an integer where both are integers (overflow is an error), else a float.',
  run: (state, pos, a, b) =>
    compute(
      state,
      pos,
      [a!, b!],
      'while evaluating the first argument of the addition',
      'while evaluating the second argument of the addition',
      addIntegers,
      (x, y) => x + y,
    ),
};

/** builtins.sub */
export const sub: BuiltinDefinition = {
  args: ['e1', 'e2'],
  text: 'The first number less the second. It is an integer where both are integers (overflow is an error), else a float.',
  run: (state, pos, a, b) =>
    compute(
      state,
      pos,
      [a!, b!],
      'while evaluating the first argument of the subtraction',
      'while evaluating the second argument of the subtraction',
      subtractIntegers,
      (x, y) => x - y,
    ),
};

/** builtins.mul */
export const mul: BuiltinDefinition = {
  args: ['e1', 'e2'],
  text: 'The product of two numbers. It is an integer where both are integers (overflow is an error), else a float.',
  run: (state, pos, a, b) =>
    compute(
      state,
      pos,
      [a!, b!],
      'while evaluating the first argument of the multiplication',
      'while evaluating the second argument of the multiplication',
      multiplyIntegers,
      (x, y) => x * y,
      // NIX: with floats, the word "argument" is missing in 2.34.8.
      'while evaluating the first of the multiplication',
    ),
};

/** builtins.div */
export const div: BuiltinDefinition = {
  args: ['e1', 'e2'],
  text: 'The quotient of two numbers. Integers are divided without remainder, rounding towards zero. Division by zero is an error.',
  run(state, pos, a, b) {
    const first = 'while evaluating the first operand of the division';
    const second = 'while evaluating the second operand of the division';
    const x = force(a!, pos);
    const y = force(b!, pos);
    if (typeof x === 'number' && typeof y === 'number') return divideIntegers(x, y, pos);
    const divisor = forceFloat(state, y, pos, second);
    if (divisor === 0) throw new EvalError('division by zero', at(pos));
    if (x instanceof NixFloat || y instanceof NixFloat) return new NixFloat(forceFloat(state, x, pos, first) / divisor);
    return divideIntegers(forceInt(state, x, pos, first), forceInt(state, y, pos, second), pos);
  },
};

const PRECISION_BUG = 'Due to a bug (see https://github.com/NixOS/nix/issues/12899)';
const FUTURE = '\n\tFuture Nix versions might implement the correct behavior.';

/** floor and ceil; NIX: 2.34.8 takes integers through floats, and says so where that would change them. */
function roundTo(state: EvalState, slot: Slot, pos: PositionId, name: string, round: (value: number) => number): Value {
  const value = force(slot, pos);
  if (typeof value === 'number') return value;
  const float = forceFloat(state, value, pos, `while evaluating the first argument passed to builtins.${name}`);
  const rounded = round(float);
  const isInRange = rounded >= -(2 ** 63) && rounded < 2 ** 63;
  if (typeof value === 'bigint') {
    if (!isInRange) {
      throw new EvalError(
        `${PRECISION_BUG} the NixInt argument ${value} caused undefined behavior in previous Nix versions.${FUTURE}`,
        at(pos),
      );
    }
    if (BigInt(rounded) !== value) {
      throw new EvalError(
        `${PRECISION_BUG} a loss of precision occurred in previous Nix versions because the NixInt argument ${value} was rounded to ${BigInt(rounded)}.${FUTURE}`,
        at(pos),
      );
    }
    return value;
  }
  if (!isInRange) throw new EvalError(`NixFloat argument ${printFloatShort(float)} is not in the range of NixInt`, at(pos));
  return makeInteger(BigInt(rounded));
}

/** builtins.ceil */
export const ceil: BuiltinDefinition = {
  args: ['number'],
  text: 'The smallest integer that is not below *number*. An error where no integer of 64 bits is.',
  run: (state, pos, slot) => roundTo(state, slot!, pos, 'ceil', Math.ceil),
};

/** builtins.floor */
export const floor: BuiltinDefinition = {
  args: ['number'],
  text: 'The largest integer that is not above *number*. An error where no integer of 64 bits is.',
  run: (state, pos, slot) => roundTo(state, slot!, pos, 'floor', Math.floor),
};

function computeBits(
  state: EvalState,
  pos: PositionId,
  slots: readonly [Slot, Slot],
  name: string,
  bits: (a: bigint, b: bigint) => bigint,
  small: (a: number, b: number) => number,
): Value {
  const a = forceInt(state, slots[0], pos, `while evaluating the first argument passed to builtins.${name}`);
  const b = forceInt(state, slots[1], pos, `while evaluating the second argument passed to builtins.${name}`);
  // PERF: JavaScript's own operators are those of 32 bits, a tenth of the cost of bigints.
  if (typeof a === 'number' && typeof b === 'number' && (a | 0) === a && (b | 0) === b) return small(a, b);
  return makeInteger(bits(BigInt(a), BigInt(b)));
}

/** builtins.bitAnd */
export const bitAnd: BuiltinDefinition = {
  args: ['e1', 'e2'],
  text: 'The bits that two integers (64 bits, two’s complement) have in common.',
  run: (state, pos, a, b) =>
    computeBits(
      state,
      pos,
      [a!, b!],
      'bitAnd',
      (x, y) => x & y,
      (x, y) => x & y,
    ),
};

/** builtins.bitOr */
export const bitOr: BuiltinDefinition = {
  args: ['e1', 'e2'],
  text: 'The bits that at least one of two integers (64 bits, two’s complement) has.',
  run: (state, pos, a, b) =>
    computeBits(
      state,
      pos,
      [a!, b!],
      'bitOr',
      (x, y) => x | y,
      (x, y) => x | y,
    ),
};

/** builtins.bitXor */
export const bitXor: BuiltinDefinition = {
  args: ['e1', 'e2'],
  text: 'The bits that exactly one of two integers (64 bits, two’s complement) has.',
  run: (state, pos, a, b) =>
    computeBits(
      state,
      pos,
      [a!, b!],
      'bitXor',
      (x, y) => x ^ y,
      (x, y) => x ^ y,
    ),
};

/** builtins.lessThan */
export const lessThan: BuiltinDefinition = {
  args: ['e1', 'e2'],
  forces: [0, 1],
  text: 'Whether *e1* comes before *e2*: numbers by value, strings and paths by their bytes, lists element by element. It is what `<` calls.',
  run(state, pos, a, b) {
    const x = force(a!, pos);
    return isLess(state, x, force(b!, pos), NO_POSITION, '');
  },
};
