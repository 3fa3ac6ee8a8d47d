import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EvalError } from '../base/errors.ts';
import {
  addIntegers,
  divideIntegers,
  type Integer,
  makeInteger,
  multiplyIntegers,
  printFloat,
  printFloatShort,
  subtractIntegers,
} from './number.ts';

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;
const integers = fc.oneof(
  fc.bigInt({ min: MIN, max: MAX }),
  fc.bigInt({ min: -100n, max: 100n }),
  fc.constantFrom(MIN, MAX, 2n ** 53n, -(2n ** 53n), 2n ** 53n - 1n, 0n, -1n),
);

test('arithmetic is that of 64 bits, overflow is an error', () => {
  const check = (compute: (a: Integer, b: Integer, pos: number) => Integer, exact: (a: bigint, b: bigint) => bigint): void => {
    fc.assert(
      fc.property(integers, integers, (a, b) => {
        const expected = exact(a, b);
        const run = (): Integer => compute(makeInteger(a), makeInteger(b), 0);
        if (expected < MIN || expected > MAX) assert.throws(run, EvalError);
        else {
          const result = run();
          assert.equal(BigInt(result), expected);
          assert.equal(typeof result, expected <= 2n ** 53n - 1n && expected >= 1n - 2n ** 53n ? 'number' : 'bigint');
          assert.ok(!Object.is(result, -0));
        }
      }),
    );
  };
  check(addIntegers, (a, b) => a + b);
  check(subtractIntegers, (a, b) => a - b);
  check(multiplyIntegers, (a, b) => a * b);
  check(
    (a, b, pos) => (BigInt(b) === 0n ? 0 : divideIntegers(a, b, pos)),
    (a, b) => (b === 0n ? 0n : a / b),
  );
  assert.throws(() => divideIntegers(1, 0, 0), /division by zero/);
});

test('floats print as C prints them', () => {
  const cases: [number, string, string][] = [
    [1.5, '1.5', '1.500000'],
    [1e10, '1e+10', '10000000000.000000'],
    [100000, '100000', '100000.000000'],
    [1e6, '1e+06', '1000000.000000'],
    [0.0001, '0.0001', '0.000100'],
    [0.00001, '1e-05', '0.000010'],
    [-0, '-0', '-0.000000'],
    [1 / 3, '0.333333', '0.333333'],
    [1e300, '1e+300', `${BigInt(1e300)}.000000`],
    [Infinity, 'inf', 'inf'],
  ];
  for (const [value, short, long] of cases) {
    assert.equal(printFloatShort(value), short);
    assert.equal(printFloat(value), long);
  }
});
