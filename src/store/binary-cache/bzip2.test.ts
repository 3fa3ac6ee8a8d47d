// What is written as bzip2 is read again by the package that reads it, whatever it is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../../base/bytes.ts';
import { bzip2 } from './bzip2.ts';
import { decompress } from './compression.ts';

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return concatBytes(chunks);
}

async function roundTrip(bytes: Uint8Array, level: number): Promise<number> {
  const compressed = await collect(bzip2(inChunks(bytes, 4099), level));
  const again = await collect(decompress(inChunks(compressed, 1000), 'bzip2', 'it'));
  assert.ok(Buffer.compare(again, bytes) === 0, `${bytes.length} bytes came back as ${again.length}`);
  return compressed.length;
}

test('any bytes', async () => {
  const runs = fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 600 })), { maxLength: 20 });
  const withRuns = runs.map((parts) => concatBytes(parts.map(([byte, length]) => new Uint8Array(length).fill(byte))));
  const periodic = fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 300 }))
    .map(([unit, times]) => concatBytes(Array.from({ length: times }, () => unit)));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 3000 }), withRuns, periodic), async (bytes) => void (await roundTrip(bytes, 1))),
    { numRuns: 60 },
  );
});

test('several blocks, and text becomes small', async () => {
  const text = Buffer.from(
    Array.from({ length: 12_000 }, (_, line) => `line ${line} of a text that repeats itself ${line * line}\n`).join(''),
  );
  const size = await roundTrip(text, 1);
  assert.ok(size < text.length / 7, `${text.length} became ${size}`);
  assert.equal(await roundTrip(new Uint8Array(0), 9), 14);
});
