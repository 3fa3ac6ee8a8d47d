// Integer arithmetic: 64-bit signed, with overflow as an error. Integers are numbers while they lie within 2^53 and bigints beyond;
// every result is brought back to that form. Floats are NixFloat; mixed operands compute as floats.

import { EvalError } from '../base/errors.ts';
import { printFixedFloat, printShortFloat } from '../base/float-text.ts';
import { at } from './error-position.ts';
import type { PositionId } from './position.ts';
import { NixFloat } from './value.ts';

const MAX_SAFE = 9007199254740991;
const MAX_SAFE_BIG = 9007199254740991n;
const MAX_INT = 9223372036854775807n;
const MIN_INT = -9223372036854775808n;

/** An integer value. */
export type Integer = number | bigint;

/** A bigint in the form values have: a number where it fits. It must lie within 64 bits. */
export function makeInteger(value: bigint): Integer {
  return value <= MAX_SAFE_BIG && value >= -MAX_SAFE_BIG ? Number(value) : value;
}

/** Whether a bigint is a 64-bit signed integer. */
export function fitsInt64(value: bigint): boolean {
  return value <= MAX_INT && value >= MIN_INT;
}

function overflow(verb: string, a: Integer, symbol: string, b: Integer, pos: PositionId): never {
  throw new EvalError(`integer overflow in ${verb} ${a} ${symbol} ${b}`, at(pos));
}

/** a + b; EvalError on overflow. */
export function addIntegers(a: Integer, b: Integer, pos: PositionId): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (sum <= MAX_SAFE && sum >= -MAX_SAFE) return sum;
  }
  const sum = BigInt(a) + BigInt(b);
  return fitsInt64(sum) ? makeInteger(sum) : overflow('adding', a, '+', b, pos);
}

/** a - b; EvalError on overflow. */
export function subtractIntegers(a: Integer, b: Integer, pos: PositionId): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (difference <= MAX_SAFE && difference >= -MAX_SAFE) return difference;
  }
  const difference = BigInt(a) - BigInt(b);
  return fitsInt64(difference) ? makeInteger(difference) : overflow('subtracting', a, '-', b, pos);
}

/** a * b; EvalError on overflow. */
export function multiplyIntegers(a: Integer, b: Integer, pos: PositionId): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    // `+ 0` turns JavaScript's -0 into the integer 0.
    if (product <= MAX_SAFE && product >= -MAX_SAFE) return product + 0;
  }
  const product = BigInt(a) * BigInt(b);
  return fitsInt64(product) ? makeInteger(product) : overflow('multiplying', a, '*', b, pos);
}

/** a / b rounded towards zero; EvalError on division by zero and overflow. */
export function divideIntegers(a: Integer, b: Integer, pos: PositionId): Integer {
  if (b === 0) throw new EvalError('division by zero', at(pos));
  if (typeof a === 'number' && typeof b === 'number') return Math.trunc(a / b) + 0;
  const quotient = BigInt(a) / BigInt(b);
  return fitsInt64(quotient) ? makeInteger(quotient) : overflow('dividing', a, '/', b, pos);
}

/** Whether a < b, for any mix of integers and floats. C++ Nix compares mixed operands as floats. */
export function lessThanNumber(a: Integer | NixFloat, b: Integer | NixFloat): boolean {
  if (a instanceof NixFloat) return a.value < (b instanceof NixFloat ? b.value : Number(b));
  if (b instanceof NixFloat) return Number(a) < b.value;
  return a < b;
}

/** A float as `toString` gives it: six digits after the point, as C++'s std::to_string. */
export const printFloat = printFixedFloat;

/** A float as values print: at most six significant digits, as C's %g. */
export const printFloatShort = printShortFloat;
