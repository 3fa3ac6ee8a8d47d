import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printFloat, printIdentifier, printStringLiteral } from './print-ast.ts';

test('floats have six significant digits', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [0.1, '0.1'],
    [123456.7, '123457'],
    [999999.5, '1e+06'],
    [1234567, '1.23457e+06'],
    [100000, '100000'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1.5e-100, '1.5e-100'],
    [-2.5e300, '-2.5e+300'],
    [Infinity, 'inf'],
  ];
  for (const [value, text] of cases) assert.equal(printFloat(value), text);
});

test('names that are no identifiers are quoted', () => {
  assert.deepEqual(['a', "a'-1", 'or', 'if', '', '1a', "'a", 'a b', '\xe9'].map(printIdentifier), [
    'a',
    "a'-1",
    'or',
    '"if"',
    '""',
    '"1a"',
    '"\'a"',
    '"a b"',
    '"\xe9"',
  ]);
});

test('only what would be read otherwise is escaped in strings', () => {
  assert.equal(printStringLiteral('a"\\\n\r\t$ ${ $'), '"a\\"\\\\\\n\\r\\t$ \\${ $"');
});
