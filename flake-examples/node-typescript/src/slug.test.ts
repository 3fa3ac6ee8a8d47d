import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slug } from './slug.ts';

test('words are joined by dashes', () => {
  assert.equal(slug('Crème brûlée, twice!'), 'creme-brulee-twice');
});
