// The set's builders, made by floe in its sandbox from the machine's mirrors: each attribute of builders/default.nix is a build that
// checks itself.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { temporaryFolder } from '../../support/local-stores.ts';

const root = join(import.meta.dirname, '../../..');
const folder = temporaryFolder();
// The machine's own home stays: npm's configuration in it may name the registry.
const env = {
  ...process.env,
  NIX_STORE_DIR: join(folder, 'store'),
  NIX_STATE_DIR: join(folder, 'var'),
  XDG_CACHE_HOME: join(folder, 'cache'),
};

function floe(...words: string[]): string {
  const result = spawnSync(join(root, 'bin/floe'), words, { encoding: 'utf8', env, cwd: root, maxBuffer: 2 ** 26 });
  assert.equal(result.status, 0, `floe ${words.join(' ')}\n${result.stderr.slice(-4000)}`);
  return result.stdout;
}

const cases = JSON.parse(
  floe('eval', '--impure', '--json', '--expr', 'builtins.attrNames (import ./tests/debpkgs/builds/builders { })'),
) as string[];

test('each case of the builders builds', { timeout: 15 * 60_000 }, async (t) => {
  for (const name of cases) {
    await t.test(name, () => void floe('build', '-L', '--no-link', '-f', 'tests/debpkgs/builds/builders', name));
  }
});
