import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { byteStringOf, bytesOfText, copyBytes, textOfByteString, utf8ToByteString } from './bytes.ts';

const byteStrings = fc.uint8Array({ maxLength: 40 }).map(byteStringOf);

describe('textOfByteString', () => {
  test('loses no byte', () => {
    fc.assert(fc.property(byteStrings, (bytes) => byteStringOf(bytesOfText(textOfByteString(bytes))) === bytes));
  });

  test('is the text where the bytes are UTF-8', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => textOfByteString(utf8ToByteString(text)) === text));
    assert.equal(textOfByteString(utf8ToByteString('é 🦢')), 'é 🦢');
  });
});

test('bytesOfText keeps pairs of surrogates together', () => {
  assert.deepEqual([...bytesOfText('\u{1f482}')], [0xf0, 0x9f, 0x92, 0x82]);
});

test('a copy of a Node buffer is one', () => {
  const buffer = Buffer.from([1, 2]);
  const copy = copyBytes(buffer);
  buffer[0] = 3;
  assert.deepEqual([...copy], [1, 2]);
});
