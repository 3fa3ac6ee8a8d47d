// The embedded set as an evaluator sees it: its library, derivations that a real Nix computes alike, and its errors.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { temporaryFolder } from '../support/local-stores.ts';

const root = join(import.meta.dirname, '../..');
const oracle = process.env['FLOE_ORACLE'];
const folder = temporaryFolder();
// Paths as everybody has them, in stores that are nowhere near this machine's own /nix.
const env = { ...process.env, HOME: folder, NIX_REMOTE: join(folder, 'root') };
const oracleEnv = { ...process.env, HOME: folder, NIX_STORE_DIR: '/nix/store', NIX_STATE_DIR: join(folder, 'var') };

function instantiate(words: readonly string[]): unknown {
  const output = execFileSync(join(root, 'bin/floe'), ['eval', '--impure', '--json', ...words], {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return JSON.parse(output);
}

for (const file of ['lib', 'modules']) {
  test(file, () => {
    const cases = instantiate(['-f', join(root, `tests/debpkgs/${file}.nix`)]) as Record<string, boolean>;
    assert.deepEqual(
      Object.keys(cases).filter((name) => !cases[name]),
      [],
    );
  });
}

// A shell, a family, units that merge, a metapackage, a cycle, a package with modules, what redirects; and what the tests build, but for
// the one of this project's own sources, which may change meanwhile.
const EXPRESSION = `with import ${root}/src/debpkgs { }; map (package: package.drvPath) (with all; [
  (mkShell { packages = [ gcc gnumake jq ]; inputsFrom = [ stdenv.cc ]; }) git python3 (python3.withPackages (ps: [ ps.numpy ])) cmake
  nodejs ruby imagemagick openjdk-17-jre-headless libssl-dev cowsay ] ++ builtins.concatMap (kind: builtins.attrValues (removeAttrs (import (${root}/tests/debpkgs/builds + "/\${kind}") { }) [ "project-types" ])) [ "stdenv" "builders" ]
  ++ builtins.concatMap builtins.attrValues (builtins.attrValues (import ${root}/tests/debpkgs/builds/packages { })))`;

test('derivations equal those of a real Nix', { skip: oracle === undefined ? 'FLOE_ORACLE names no Nix to compare with' : false }, () => {
  const [command, ...prefix] = oracle!.split(' ');
  const words = [...prefix, 'nix-instantiate', '--eval', '--strict', '--json', '--readonly-mode', '-E', EXPRESSION];
  const theirs = JSON.parse(execFileSync(command!, words, { encoding: 'utf8', env: oracleEnv })) as string[];
  assert.deepEqual(instantiate(['--expr', EXPRESSION]), theirs);
});

test('an unknown package and another system are named', () => {
  for (const [expression, message] of [
    ['(import ./src/debpkgs { }).debian.package "nosuch"', /Debian 12\.\d+ \(bookworm\) has no package 'nosuch'/],
    ['(import ./src/debpkgs { system = "aarch64-linux"; }).all.jq', /made for x86_64-linux only, not for 'aarch64-linux'/],
  ] as const) {
    const result = spawnSync(join(root, 'bin/floe'), ['eval', '--impure', '--expr', expression], { encoding: 'utf8', env, cwd: root });
    assert.equal(result.status, 1);
    assert.match(result.stderr, message);
  }
});
