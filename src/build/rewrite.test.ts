import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RewritingSink } from './rewrite.ts';

test('property: rewriting in pieces is rewriting the whole', () => {
  const pieces = fc.array(fc.constantFrom('aaaa', 'bbbb', 'aaa', 'b', 'x', '-'));
  fc.assert(
    fc.property(pieces, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (parts, sizes) => {
      const text = parts.join('');
      const got: Buffer[] = [];
      const sink = new RewritingSink(
        new Map([
          ['aaaa', '1111'],
          ['bbbb', '2222'],
        ]),
        (chunk) => got.push(Buffer.from(chunk)),
      );
      for (let at = 0, turn = 0; at < text.length; turn++) {
        const size = sizes[turn % sizes.length]!;
        sink.push(Buffer.from(text.slice(at, at + size)));
        at += size;
      }
      sink.end();
      assert.equal(Buffer.concat(got).toString(), text.replaceAll('aaaa', '1111').replaceAll('bbbb', '2222'));
    }),
  );
});
