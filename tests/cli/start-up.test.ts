// What a start loads of Node: crypto, streams, child processes and the like cost milliseconds each, so a program that does not use them must
// not find them loaded. Of a built floe, since the build is what defers them.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { launcher, ownStore, root } from '../support/own-store.ts';

const { folder, env, run } = ownStore();
delete env['FLOE_DEV'];
const list = join(folder, 'list');
const empty = join(folder, 'empty.cjs');
const listing = join(folder, 'listing.cjs');
writeFileSync(empty, '');
writeFileSync(
  listing,
  `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(list)}, JSON.stringify(process.moduleLoadList)))`,
);

function loadedBy(command: readonly string[]): ReadonlySet<string> {
  const result = run(command, folder);
  assert.equal(result.status, 0, result.stderr);
  const names = JSON.parse(readFileSync(list, 'utf8')) as string[];
  return new Set(names.filter((name) => name.startsWith('NativeModule ')).map((name) => name.slice('NativeModule '.length)));
}

test('evaluating needs few of Node’s modules', () => {
  const bare = loadedBy([process.execPath, '--require', listing, empty]);
  // A run before, whose caches are there.
  assert.equal(run([launcher, 'eval', '--no-eval-cache', '--expr', '1+1'], root).stdout, '2\n');
  env['FLOE_V8_FLAGS'] = `--require ${listing}`;
  const more = [...loadedBy([launcher, 'eval', '--no-eval-cache', '--expr', '1+1'])].filter((name) => !bare.has(name));
  // `module` and its source maps only where the packs' compiled code is not taken, as with these flags; the others are light.
  const expected = ['internal/source_map/source_map', 'module', 'os', 'process', 'sqlite', 'vm'];
  assert.deepEqual(more.filter((name) => !expected.includes(name)).sort(), []);
});
