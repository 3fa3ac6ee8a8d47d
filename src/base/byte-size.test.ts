import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printAlignedSize, printSize } from './byte-size.ts';

test('sizes as C++ Nix renders them', () => {
  const expected: [number, string][] = [
    [0, '0.0 KiB'],
    [100, '0.1 KiB'],
    [1024, '1.0 KiB'],
    [1048576, '1024.0 KiB'],
    [1049599, '1025.0 KiB'],
    [1049600, '1.0 MiB'],
    [1.5 * 2 ** 30, '1.5 GiB'],
    [-4096, '-4.0 KiB'],
  ];
  for (const [bytes, text] of expected) assert.equal(printSize(bytes), text);
  assert.equal(printAlignedSize(100), '   0.1 KiB');
});
