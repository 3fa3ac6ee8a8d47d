import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileSource, lineStarts, stringSource } from './position.ts';

test('lines end with LF, CR LF or CR', () => {
  assert.deepEqual(lineStarts(''), [0]);
  assert.deepEqual(lineStarts('a\nb\r\nc\rd\n'), [0, 2, 5, 7, 9]);
  assert.deepEqual(lineStarts('\r\r\n\n'), [0, 1, 3, 4]);
});

test('offsets become lines and columns from 1', () => {
  const source = stringSource('ab\n\ncd');
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6].map((offset) => source.print(offset).replace('«string»:', '')),
    ['1:1', '1:2', '1:3', '2:1', '3:1', '3:2', '3:3'],
  );
});

test('only text that is no file travels with its positions', () => {
  assert.deepEqual(stringSource('a').at(0), { file: '«string»', line: 1, column: 1, source: 'a' });
  assert.deepEqual(fileSource('/\xc3\xa9', 'a').at(0), { file: '/\xc3\xa9', line: 1, column: 1 });
  assert.equal(fileSource('/\xc3\xa9', 'a').print(0), '/é:1:1');
  assert.equal(stringSource('a').at(-1), undefined);
});

test('text is read again only when a position is wanted', () => {
  let reads = 0;
  const source = fileSource('/f', () => {
    reads++;
    return 'a\nb';
  });
  assert.equal(reads, 0);
  assert.deepEqual(source.locate(2), { line: 2, column: 1 });
  assert.equal(source.text, 'a\nb');
  assert.equal(reads, 1);
});
