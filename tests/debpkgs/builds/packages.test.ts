// Packages and builds of the embedded set, made by floe in its sandbox from the machine's Debian mirror: each attribute of
// stdenv/default.nix is a build that checks itself. With FLOE_ORACLE, a real Nix then makes the same outputs again in the same store.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { temporaryFolder } from '../../support/local-stores.ts';

const root = join(import.meta.dirname, '../../..');
const oracle = process.env['FLOE_ORACLE'];
const folder = temporaryFolder();
const env = { ...process.env, HOME: join(folder, 'home'), NIX_STORE_DIR: join(folder, 'store'), NIX_STATE_DIR: join(folder, 'var') };

function floe(...words: string[]): string {
  const result = spawnSync(join(root, 'bin/floe'), words, { encoding: 'utf8', env, cwd: root, maxBuffer: 2 ** 26 });
  assert.equal(result.status, 0, `floe ${words.join(' ')}\n${result.stderr.slice(-4000)}`);
  return result.stdout;
}

const cases = JSON.parse(
  floe('eval', '--impure', '--json', '--expr', 'builtins.attrNames (import ./tests/debpkgs/builds/stdenv { })'),
) as string[];

test('each case of the standard environment builds', { timeout: 15 * 60_000 }, async (t) => {
  for (const name of cases) {
    await t.test(name, () => void floe('build', '-L', '--no-link', '-f', 'tests/debpkgs/builds/stdenv', name));
  }
});

test('packages by Debian’s own names run', { timeout: 10 * 60_000 }, () => {
  assert.match(floe('run', './src/debpkgs#ripgrep', '--', '--version'), /^ripgrep 13/);
  assert.match(
    floe('shell', './src/debpkgs#tree', './src/debpkgs#nodejs', '-c', 'sh', '-c', 'tree --version; node -p 6*7'),
    /^tree v2[^]*\n42\n$/,
  );
});

test(
  'a real Nix makes the same outputs',
  { skip: oracle === undefined ? 'FLOE_ORACLE names no Nix to compare with' : false, timeout: 10 * 60_000 },
  () => {
    const [command, ...prefix] = oracle!.split(' ');
    const paths = ['hello', 'twice', 'commands', 'cxx'].map((name) =>
      floe('build', '--no-link', '--print-out-paths', '-f', 'tests/debpkgs/builds/stdenv', name).split('\n'),
    );
    for (const path of paths.flat().filter(Boolean)) {
      const deriver = execFileSync(command!, [...prefix, 'nix-store', '--query', '--deriver', path], { encoding: 'utf8', env }).trim();
      execFileSync(command!, [...prefix, 'nix', 'build', '--no-link', '--rebuild', `${deriver}^*`], {
        env: { ...env, PEER_SANDBOX: 'true' },
        stdio: 'pipe',
      });
    }
  },
);
