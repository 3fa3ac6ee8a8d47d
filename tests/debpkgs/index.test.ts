// The index of the embedded packages as it lies in src/debpkgs/index: whole, consistent, and small.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { shardOf, type IndexPolicy } from '../../src/engine/debpkgs-refresh.ts';

const set = join(import.meta.dirname, '../../src/debpkgs');
const read = (name: string): unknown => JSON.parse(readFileSync(join(set, 'index', name), 'utf8'));
const core = read('core.json') as Record<string, string>;
const names = read('names.json') as string[];
const shardFiles = readdirSync(join(set, 'index')).filter((name) => !['core.json', 'names.json', 'release.json'].includes(name));
const lines = new Map<string, string>();
for (const file of shardFiles) {
  for (const [name, line] of Object.entries(read(file) as Record<string, string>)) {
    assert.equal(`${shardOf(name)}.json`, file, name);
    lines.set(name, line);
  }
}
const dependenciesOf = (line: string): string[] => line.split(' ').slice(7);

test('names.json lists the packages of all shards, sorted', () => {
  assert.deepEqual(names, [...lines.keys()].toSorted());
  assert.equal(names.length, (read('release.json') as { packages: number }).packages);
});

test('every line has its fields, and every dependency is a package', () => {
  const line = /^[A-Za-z0-9.+~:%-]+ \d+ [A-Za-z0-9+/]{43} [ax]L?D?Y?E?F? \S+ \S+ \S+( [a-z0-9][a-z0-9.+-]*)*$/;
  const wrong = [...lines].filter(([, text]) => !line.test(text)).map(([name]) => name);
  assert.deepEqual(wrong, []);
  const missing = [...lines].flatMap(([name, text]) =>
    dependenciesOf(text)
      .filter((other) => !lines.has(other))
      .map((other) => `${name} -> ${other}`),
  );
  assert.deepEqual(missing, []);
});

test('the first shard says what the others say and needs none of them', () => {
  for (const [name, text] of Object.entries(core)) {
    assert.equal(text, lines.get(name), name);
    for (const other of dependenciesOf(text)) assert.ok(other in core, `${name} -> ${other}`);
  }
});

test('omitted packages are nobody’s dependency', () => {
  const omit = new Set((JSON.parse(readFileSync(join(set, 'policy.json'), 'utf8')) as IndexPolicy).omit);
  const found = [...lines].filter(([, text]) => dependenciesOf(text).some((other) => omit.has(other))).map(([name]) => name);
  assert.deepEqual(found, []);
});

test('the index stays below 20 MB', () => {
  const bytes = readdirSync(join(set, 'index')).reduce((sum, name) => sum + statSync(join(set, 'index', name)).size, 0);
  assert.ok(bytes < 20e6, `${bytes} bytes`);
});
