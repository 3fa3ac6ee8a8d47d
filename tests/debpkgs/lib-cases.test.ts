// The library of the embedded set beside nixpkgs': lib-cases.exp holds what a lib of nixpkgs' kind gives for each case of lib-cases.nix.
// Where FLOE_NIX_LIB names one (a folder with default.nix), it is asked again, and UPDATE=1 writes the file anew.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { temporaryFolder } from '../support/local-stores.ts';

const here = import.meta.dirname;
const root = join(here, '../..');
const folder = temporaryFolder();
const env = { ...process.env, HOME: folder, NIX_REMOTE: join(folder, 'root') };
const golden = join(here, 'lib-cases.exp');

function casesOf(lib: string): Record<string, string[]> {
  // cleaned sources name a copy, and a case says what it is called
  const words = ['eval', '--impure', '--json', '--expr', `import ${here}/lib-cases.nix (${lib})`];
  const output = execFileSync(join(root, 'bin/floe'), words, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
  return JSON.parse(output) as Record<string, string[]>;
}

const theirs = process.env['FLOE_NIX_LIB'];

test('functions give what those of nixpkgs give', () => {
  if (theirs !== undefined) {
    const given = casesOf(`(import ${theirs}).extend (final: previous: { isPath = builtins.isPath; })`);
    if (process.env['UPDATE'] === '1') writeFileSync(golden, `${JSON.stringify(given, undefined, 2)}\n`);
    else assert.deepEqual(JSON.parse(readFileSync(golden, 'utf8')), given);
  }
  const expected = JSON.parse(readFileSync(golden, 'utf8')) as Record<string, string[]>;
  const ours = casesOf(`import ${root}/src/debpkgs/lib`);
  for (const [name, values] of Object.entries(expected)) assert.deepEqual(ours[name], values, name);
});
