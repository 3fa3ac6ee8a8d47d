import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf } from '../base/bytes.ts';
import { BASE32_ALPHABET } from '../base/base32.ts';
import { hashBytes, printHash } from '../base/hash.ts';
import type { StorePath } from '../model/store-path.ts';
import { HashModulo, ReferenceScanner } from './scan.ts';

const path = (digits: string) => `${digits}-name` as StorePath;
const digits = fc.string({ unit: fc.constantFrom(...BASE32_ALPHABET), minLength: 32, maxLength: 32 });

function cut(bytes: Uint8Array, sizes: readonly number[], push: (chunk: Uint8Array) => void): void {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = Math.min(bytes.length, at + sizes[i % sizes.length]!);
    push(bytes.subarray(at, end));
    at = end;
  }
}

test('property: finds exactly what occurs, however the bytes are cut', () => {
  const piece = fc.oneof(fc.nat(3), fc.string({ unit: fc.constantFrom(...`${BASE32_ALPHABET}e/- `), maxLength: 70 }));
  fc.assert(
    fc.property(
      fc.array(digits, { minLength: 1, maxLength: 4 }),
      fc.array(piece, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (candidates, pieces, sizes) => {
        const text = pieces.map((part) => (typeof part === 'string' ? part : candidates[part % candidates.length])).join('');
        const scanner = new ReferenceScanner(candidates.map(path));
        cut(bytesOf(text), sizes, (chunk) => scanner.push(chunk));
        assert.deepEqual(
          [...scanner.found].sort(),
          [...new Set(candidates.filter((candidate) => text.includes(candidate)).map(path))].sort(),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('property: hash modulo', () => {
  fc.assert(
    fc.property(
      digits,
      fc.array(fc.oneof(fc.constant('@'), fc.string({ maxLength: 50, unit: 'binary-ascii' }))),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
      (part, pieces, sizes) => {
        const text = pieces.join('').replaceAll('@', part);
        const expected = text.replaceAll(part, '\0'.repeat(32));
        const modulo = new HashModulo('sha256', part);
        cut(bytesOf(text), sizes, (chunk) => modulo.push(chunk));
        assert.equal(printHash(modulo.finish(), 'base16'), printHash(hashBytes('sha256', expected), 'base16'));
      },
    ),
  );
});
