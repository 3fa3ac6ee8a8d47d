// A pack on disk as several processes see it.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DiskCodeStore } from './code-cache.ts';

const folder = mkdtempSync(join(tmpdir(), 'floe-code-cache-'));
after(() => rmSync(folder, { recursive: true }));

const openStore = (place: string): DiskCodeStore => new DiskCodeStore(folder, place, '', '/nix/store');
/** Longer than what is read at once. */
const formOf = (name: string): string => `${name}\n\u0000\u00ff`.repeat(50_000);

function add(place: string, ...names: string[]): void {
  const store = openStore(place);
  for (const name of names) {
    assert.equal(store.get(`/nix/store/${name}`), undefined);
    store.put(`/nix/store/${name}`, '', formOf(name));
  }
  store.save();
}

test('forms are found again by another process, in any order', () => {
  add('order', 'a', 'b', 'c');
  const store = openStore('order');
  for (const name of ['c', 'a', 'b', 'a']) assert.equal(store.get(`/nix/store/${name}`), formOf(name));
});

test('what two processes add at once is kept of both', () => {
  add('both', 'a');
  const slow = openStore('both');
  slow.get('/nix/store/b');
  slow.put('/nix/store/b', '', formOf('b'));
  add('both', 'c');
  slow.save();
  const store = openStore('both');
  for (const name of ['a', 'b', 'c']) assert.equal(store.get(`/nix/store/${name}`), formOf(name));
});

test('of a pack in whose place another was put, nothing is read', () => {
  add('replaced', 'a', 'b');
  const store = openStore('replaced');
  assert.equal(store.get('/nix/store/a'), formOf('a'));
  add('replaced', 'c');
  assert.equal(store.get('/nix/store/b'), undefined);
});
