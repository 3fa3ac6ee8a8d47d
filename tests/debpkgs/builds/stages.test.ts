// A nixpkgs-like set's own stdenv on the embedded toolchain (nixpkgsStages). FLOE_COREPKGS names a checkout of such a set; gnused and xz,
// which take minutes, are built where FLOE_HEAVY is set too. With FLOE_ORACLE a real Nix computes the same derivations.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { launcher, ownStore, root } from '../../support/own-store.ts';

const { env, ok } = ownStore();
const oracle = process.env['FLOE_ORACLE'];
const checkout = process.env['FLOE_COREPKGS'];
const absent = checkout === undefined ? 'FLOE_COREPKGS names no checkout of a nixpkgs-like set' : false;
const expression = `import ${root}/tests/debpkgs/builds/stages { root = ${checkout}; }`;

function build(name: string): string {
  const words = ['build', '-L', '--no-link', '--print-out-paths', '--impure', '--expr', `(${expression}).${name}`];
  return ok([launcher, ...words], root).split('\n')[0]!;
}

test('hello', { skip: absent, timeout: 10 * 60_000 }, () => {
  const path = build('hello');
  assert.match(execFileSync(join(path, 'bin/hello'), { encoding: 'utf8' }), /world/);
});

const tooMuch = process.env['FLOE_HEAVY'] ? false : 'FLOE_HEAVY is not set';
for (const [name, program] of [
  ['gnused', 'bin/sed'],
  ['xz', 'bin/xz'],
] as const) {
  test(name, { skip: absent || tooMuch, timeout: 20 * 60_000 }, () => {
    assert.match(execFileSync(join(build(name), program), ['--version'], { encoding: 'utf8' }), /^\S*\b(?:sed|xz) /);
  });
}

test('derivations equal those of a real Nix', { skip: absent || (oracle === undefined ? 'FLOE_ORACLE is not set' : false) }, () => {
  const drvPaths = `map (package: package.drvPath) (builtins.attrValues (${expression}))`;
  const [command, ...prefix] = oracle!.split(' ');
  const theirs = execFileSync(command!, [...prefix, 'nix-instantiate', '--eval', '--strict', '--json', '--readonly-mode', '-E', drvPaths], {
    encoding: 'utf8',
    env,
  });
  const ours = execFileSync(launcher, ['eval', '--impure', '--json', '--expr', drvPaths], { encoding: 'utf8', env });
  assert.deepEqual(JSON.parse(ours), JSON.parse(theirs));
});
