// Packages and builds of the embedded set, made by floe in its sandbox from the machine's Debian mirror: each attribute of
// stdenv/default.nix is a build that checks itself, each one of packages/default.nix does with a package what one has it for (the heavy
// ones, which download most of a gigabyte, where FLOE_HEAVY is set). With FLOE_ORACLE, a real Nix makes the same outputs again in the
// same store. Where no mirror can be reached, all are skipped.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { test } from 'node:test';
import { launcher, ownStore, root } from '../../support/own-store.ts';

const oracle = process.env['FLOE_ORACLE'];
const { env, ok, run } = ownStore();

const floe = (...words: string[]): string => ok([launcher, ...words], root);

// The first thing that anything is built with.
const seed = run([launcher, 'build', '--no-link', '--impure', '--expr', '(import ./src/debpkgs { }).debian.seed'], root);
const unreachable = /unable to download|mirror|sandbox/i.exec(seed.stderr)?.input.slice(-600);
const noMirror = seed.status !== 0 && unreachable !== undefined ? `nothing can be built from a Debian mirror here: ${unreachable}` : false;

/** Builds the attributes of a file, several at a time, then tells of each. */
function buildAll(title: string, place: string, attribute: string | undefined, skip: string | false): void {
  test(title, { skip, timeout: 30 * 60_000 }, async (t) => {
    const names = JSON.parse(
      floe('eval', '--impure', '--json', '--expr', `builtins.attrNames (import ./${place} { })${attribute ? `.${attribute}` : ''}`),
    ) as string[];
    const words = names.map((name) => (attribute ? `${attribute}.${name}` : name));
    const together = ['build', '--keep-going', '--max-jobs', '2', '--no-link', '-f', place, ...words];
    // what fails here is built again below, and says why
    run([launcher, ...together], root);
    for (const word of words) await t.test(word, () => void floe('build', '-L', '--no-link', '-f', place, word));
  });
}

buildAll('each case of the standard environment builds', 'tests/debpkgs/builds/stdenv', undefined, noMirror);
buildAll('packages do what one has them for', 'tests/debpkgs/builds/packages', 'light', noMirror);
buildAll(
  'large packages do what one has them for',
  'tests/debpkgs/builds/packages',
  'heavy',
  noMirror || (process.env['FLOE_HEAVY'] ? false : 'FLOE_HEAVY is not set: these download most of a gigabyte'),
);

test('packages by Debian’s own names run', { skip: noMirror, timeout: 10 * 60_000 }, () => {
  assert.match(floe('run', './src/debpkgs#ripgrep', '--', '--version'), /^ripgrep 13/);
  assert.match(
    floe('shell', './src/debpkgs#tree', './src/debpkgs#nodejs', '-c', 'sh', '-c', 'tree --version; node -p 6*7'),
    /^tree v2[^]*\n42\n$/,
  );
});

test(
  'a real Nix makes the same outputs',
  { skip: noMirror || (oracle === undefined ? 'FLOE_ORACLE names no Nix to compare with' : false), timeout: 10 * 60_000 },
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
