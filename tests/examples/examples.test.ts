// Each flake of flake-examples, as its README uses it: checked, run, and its shell entered, from the committed lock file. With FLOE_ORACLE, C++
// Nix evaluates all of it to the same derivations and does the same in the same store. Needs a sandbox and the machine's Debian mirror;
// those that download most are left to FLOE_HEAVY. (c-project is the main job's, in a file of its own.)

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { describe, test } from 'node:test';
import { launcher as floe, ownStore, root } from '../support/own-store.ts';

interface Use {
  /** Words behind `floe`, and what standard output must show. */
  readonly words: readonly string[];
  readonly shows: RegExp;
  readonly stdin?: string;
}

interface Example {
  readonly isHeavy?: boolean;
  readonly uses: readonly Use[];
}

const inShell = (script: string, shows: RegExp): Use => ({ words: ['develop', '-c', 'sh', '-c', script], shows });

const EXAMPLES: Readonly<Record<string, Example>> = {
  'hello-app': { uses: [{ words: ['run', '.', '--', 'floe'], shows: /^Hello, floe!$/m }] },
  follows: {
    uses: [
      { words: ['eval', '--raw', '.#lib.greeting'], shows: /^hello from an input$/ },
      inShell('echo geese | shout', /^GEESE\n-- shouted$/m),
    ],
  },
  monorepo: {
    uses: [
      { words: ['run', '.#report', '--', '3', '4'], shows: /^3 \+ 4 = 7$/m },
      { words: ['run', './packages/core', '--', '3', '4', '5'], shows: /^12$/m },
    ],
  },
  'python-app': {
    isHeavy: true,
    uses: [
      { words: ['run', '.'], stdin: 'geese: [1, 2, 39]\n', shows: /^geese: 42$/m },
      inShell('python3 -m unittest discover -s tests && echo done', /^done$/m),
    ],
  },
  'cpp-cmake': {
    isHeavy: true,
    uses: [
      { words: ['run', '.', '--', '1996', '4'], shows: /^MCMXCVI\nIV$/m },
      inShell('cmake -B $TMPDIR/b -G Ninja && ninja -C $TMPDIR/b && ctest --test-dir $TMPDIR/b', /100% tests passed/),
    ],
  },
  'node-typescript': {
    isHeavy: true,
    uses: [{ words: ['run', '.', '--', 'Crème brûlée, twice'], shows: /^creme-brulee-twice$/m }, inShell('tsc --version', /^Version \d/m)],
  },
  'go-service': { isHeavy: true, uses: [inShell('GOCACHE=$TMPDIR/go CGO_ENABLED=0 go test ./...', /^ok\s+clock/m)] },
  'postgres-service': { isHeavy: true, uses: [inShell('postgres --version; database || test $? = 2', /PostgreSQL\) \d+/)] },
};

const oracle = process.env['FLOE_ORACLE'];
const { ok } = ownStore();

/** Paths of every derivation that the flake's outputs lead to, as one evaluation gives them. */
const DERIVATIONS = `outputs: builtins.mapAttrs (kind: systems: builtins.mapAttrs (name: value: value.drvPath or value.program)
  (systems.x86_64-linux or { })) (builtins.intersectAttrs { packages = 1; checks = 1; devShells = 1; apps = 1; } outputs)`;

test('every example is tried', () => {
  const flakes = readdirSync(join(root, 'flake-examples')).filter((name) => existsSync(join(root, 'flake-examples', name, 'flake.nix')));
  assert.deepEqual(flakes.sort(), ['c-project', ...Object.keys(EXAMPLES)].sort());
});

for (const [name, { isHeavy = false, uses }] of Object.entries(EXAMPLES)) {
  const place = join(root, 'flake-examples', name);
  const lock = join(place, 'flake.lock');
  const skip = isHeavy && !process.env['FLOE_HEAVY'] ? 'FLOE_HEAVY is not set' : false;

  describe(name, () => {
    test('its checks pass and it does what its README says', { skip, timeout: 20 * 60_000 }, () => {
      const locked = readFileSync(lock, 'utf8');
      ok([floe, 'flake', 'check', '.'], place);
      for (const { words, shows, stdin } of uses) assert.match(ok([floe, ...words], place, stdin), shows);
      assert.equal(readFileSync(lock, 'utf8'), locked);
    });

    test(
      'C++ Nix finds the same in it',
      { skip: oracle === undefined ? 'FLOE_ORACLE names no C++ Nix' : false, timeout: 20 * 60_000 },
      () => {
        const nix = [...oracle!.split(' '), 'nix'];
        const question = ['eval', '--json', `.#.`, '--apply', DERIVATIONS];
        assert.equal(ok([floe, ...question], place), ok([...nix, ...question], place));
        if (skip !== false) return;
        ok([...nix, 'flake', 'check', '.'], place);
        for (const { words, shows, stdin } of uses) assert.match(ok([...nix, ...words], place, stdin), shows);
      },
    );
  });
}
