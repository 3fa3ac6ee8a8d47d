// Primitives of Nix's protocols: what is written is read again, however the bytes are cut; what is broken is refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from './bytes.ts';
import { FormatError } from './errors.ts';
import { AsyncWireReader, WireReader, WireWriter } from './wire.ts';

const byteString = fc.uint8Array().map((bytes) => String.fromCharCode(...bytes));

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

async function* slowly(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
}

test('numbers, strings and lists are read as they were written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.maxSafeNat(), fc.array(byteString), fc.integer({ min: 1, max: 20 }), async (number, texts, size) => {
      const written: Uint8Array[] = [];
      new WireWriter((chunk) => void written.push(chunk)).number(number).strings(texts).boolean(true);
      const bytes = concatBytes(written);
      assert.equal(bytes.length % 8, 0);
      const chunks = cut(bytes, size);
      const reader = new WireReader(() => chunks.shift());
      assert.deepEqual([reader.number(), reader.strings(), reader.number(), reader.isAtEnd()], [number, texts, 1, true]);
      const later = new AsyncWireReader(slowly(cut(bytes, size)));
      assert.deepEqual([await later.number(), await later.strings(), await later.number()], [number, texts, 1]);
    }),
  );
});

test('what ends too early, is too long or badly padded is refused', () => {
  const once = (bytes: number[]): WireReader => {
    const chunks = [new Uint8Array(bytes)];
    return new WireReader(() => chunks.shift());
  };
  assert.throws(() => once([1, 0, 0]).number(), FormatError);
  assert.throws(() => once([1, 0, 0, 0, 0, 0, 0, 0]).string(), /unexpected end-of-file/);
  assert.throws(() => once([1, 0, 0, 0, 0, 0, 0, 0, 65, 1, 0, 0, 0, 0, 0, 0]).string(), /non-zero padding/);
  assert.throws(() => once([0, 0, 0, 0, 0, 0, 0, 255]).number(), /too large/);
  assert.throws(() => once([255, 255, 255, 255, 0, 0, 0, 0]).string(), /too long/);
});
