import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashName, NameTable } from './name-table.ts';

test('a name has one index, however many there are', () => {
  const table = new NameTable();
  const first = table.names.length;
  const text = Array.from({ length: 20000 }, (_, i) => `name${i}`);
  text.forEach((name, i) => assert.equal(table.internSlice(`<${name}>`, 1, name.length + 1, hashName(name)), first + i));
  text.forEach((name, i) => assert.equal(table.internSlice(name, 0, name.length, hashName(name)), first + i));
  assert.equal(table.intern('name7'), 'name7');
  assert.equal(table.names.length, first + text.length);
});

test('keywords are the first entries', () => {
  assert.deepEqual(new NameTable().names.slice(0, 3), ['if', 'then', 'else']);
});
