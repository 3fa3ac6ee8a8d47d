import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineCutter } from './build-log.ts';

function cut(...pieces: string[]): string[] {
  const lines: string[] = [];
  const cutter = new LineCutter((line) => lines.push(line));
  for (const piece of pieces) cutter.push(piece);
  cutter.end();
  return lines;
}

test('lines as a terminal shows them', () => {
  assert.deepEqual(cut('a\nb', 'c\n', '\nd'), ['a', 'bc', '', 'd']);
  assert.deepEqual(cut('10%\r20%\rdone\n'), ['done']);
  // NIX: what is longer than what comes after the return is cut there, in 2.34.8 too.
  assert.deepEqual(cut('long line\rab\nnext\n'), ['ab', 'next']);
  assert.deepEqual(cut('a\r', 'b\n'), ['b']);
  assert.deepEqual(cut('x\r\n'), ['']);
});

test('property: where pieces are cut does not matter', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'bc', '\n', '\r', 'd')), (parts) => {
      assert.deepEqual(cut(...parts), cut(parts.join('')));
    }),
  );
});
