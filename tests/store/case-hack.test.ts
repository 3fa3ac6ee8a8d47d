// The setting use-case-hack: names that differ in case only survive unpacking and packing.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { NarReader } from '../../src/model/nar.ts';
import { renameCollisions } from '../../src/store/local/case-hack.ts';
import { dumpTree, NarRestorer } from '../../src/store/local/nar-files.ts';
import { temporaryFolder } from '../support/local-stores.ts';

const folder = temporaryFolder();

function narOf(path: string, undoCaseHack = false): Buffer {
  const chunks: Uint8Array[] = [];
  dumpTree(path, (chunk) => chunks.push(chunk.slice()), { undoCaseHack });
  return Buffer.concat(chunks);
}

function restore(nar: Uint8Array, target: string): void {
  const reader = new NarReader(renameCollisions(new NarRestorer(target, 'plain')));
  reader.push(nar);
  reader.end();
}

test('names that collide get suffixes, and lose them', () => {
  const tree = join(folder, 'tree');
  for (const name of ['Dir/Foo', 'Dir/foo', 'dIR']) mkdirSync(join(tree, name), { recursive: true });
  for (const name of ['Dir/foo/X', 'Dir/foo/x', 'file']) writeFileSync(join(tree, name), name);
  const nar = narOf(tree);
  const copy = join(folder, 'copy');
  restore(nar, copy);
  assert.deepEqual(readdirSync(copy).sort(), ['Dir', 'dIR~nix~case~hack~1', 'file']);
  assert.deepEqual(readdirSync(join(copy, 'Dir/foo~nix~case~hack~1')).sort(), ['X', 'x~nix~case~hack~1']);
  assert.deepEqual(narOf(copy, true), nar);
  writeFileSync(join(copy, 'file~nix~case~hack~7'), '');
  assert.throws(() => narOf(copy, true), /file name collision between '.*\/file' and '.*\/file~nix~case~hack~7'/);
});

test('a name that has the suffix already is refused where it would be another', () => {
  const tree = join(folder, 'collision');
  for (const name of ['Test', 'Test~nix~case~hack~1', 'test']) mkdirSync(join(tree, name), { recursive: true });
  assert.throws(
    () => restore(narOf(tree), join(folder, 'never')),
    /NAR contains file name 'test' that collides with case-hacked file name 'Test~nix~case~hack~1'/,
  );
});
