import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEGATIVE_NAN, printFixedFloat, printShortFloat } from './float-text.ts';

test('%g', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [-0, '-0'],
    [0.1, '0.1'],
    [100000.5, '100000'],
    [100001.5, '100002'],
    [1234565, '1.23456e+06'],
    [1234575, '1.23458e+06'],
    [-1234565, '-1.23456e+06'],
    [999999.5, '1e+06'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [5e-324, '4.94066e-324'],
    [1e300, '1e+300'],
    [123456, '123456'],
    [1234567, '1.23457e+06'],
    [Infinity, 'inf'],
    [-Infinity, '-inf'],
    [NaN, 'nan'],
    [NEGATIVE_NAN, '-nan'],
  ];
  for (const [value, text] of cases) assert.equal(printShortFloat(value), text);
});

test('%f', () => {
  const cases: [number, string][] = [
    [0, '0.000000'],
    [-0, '-0.000000'],
    [0.0078125, '0.007812'],
    [0.0234375, '0.023438'],
    [1.5, '1.500000'],
    [-0.0000001, '-0.000000'],
    [1e21, '1000000000000000000000.000000'],
    [1e22, '10000000000000000000000.000000'],
    [123456.789, '123456.789000'],
  ];
  for (const [value, text] of cases) assert.equal(printFixedFloat(value), text);
});
