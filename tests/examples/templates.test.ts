// Each template, in an empty folder: `flake init` copies it, its lock is made from floe's own registry, and everything it offers evaluates.
// With FLOE_HEAVY it is built and checked too; the examples of the same kinds are used for real in examples.test.ts.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { temporaryFolder } from '../support/local-stores.ts';

const root = join(import.meta.dirname, '../..');
const folder = temporaryFolder();
const env = {
  ...process.env,
  HOME: join(folder, 'home'),
  NIX_STORE_DIR: join(folder, 'store'),
  NIX_STATE_DIR: join(folder, 'var'),
  NIX_LOG_DIR: join(folder, 'log'),
};

function floe(cwd: string, ...words: string[]): string {
  const result = spawnSync(join(root, 'bin/floe'), words, { encoding: 'utf8', env, cwd, maxBuffer: 2 ** 26 });
  assert.equal(result.status, 0, `floe ${words.join(' ')}\n${result.stdout.slice(-1000)}${result.stderr.slice(-4000)}`);
  return result.stdout;
}

const NAMES = `templates: builtins.attrNames (removeAttrs templates [ "default" ]) ++ [ "default" ]`;
const names = JSON.parse(floe(root, 'eval', '--json', `path:${root}/templates#templates`, '--apply', NAMES)) as string[];

test('there is a template of each kind', () => {
  for (const name of ['default', 'c', 'cpp', 'node', 'python', 'go', 'inputs', 'monorepo', 'postgresql'])
    assert(names.includes(name), name);
});

for (const name of names) {
  test(`templates#${name}`, { timeout: 20 * 60_000 }, () => {
    const place = join(folder, name);
    mkdirSync(place);
    assert.equal(floe(place, 'flake', 'init', '-t', `templates#${name}`), '');
    const shown = JSON.parse(floe(place, 'flake', 'show', '--json', '.')) as Record<string, Record<string, object>>;
    assert(existsSync(join(place, 'flake.lock')));
    assert.deepEqual(Object.keys(shown['devShells']?.['x86_64-linux'] ?? {}), ['default']);
    floe(place, 'flake', 'check', ...(process.env['FLOE_HEAVY'] ? [] : ['--no-build']), '.');
  });
}
