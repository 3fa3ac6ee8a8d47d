// Mistakes that people make in a flake: what floe's last lines say about them, behind what C++ Nix says.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { temporaryFolder } from '../support/local-stores.ts';
import { runFloe } from '../support/run-floe.ts';

const folder = temporaryFolder();
const SET = `{
    mkShell = { packages ? [ ], name ? "shell" }: derivation {
      inherit name;
      system = "x86_64-linux";
      builder = "/bin/sh";
      inputs = map (one: "\${one}") packages;
    };
    hello = derivation { name = "hello"; system = "x86_64-linux"; builder = "/bin/sh"; };
  }`;
const shell = (text: string): string => `{
  outputs = { self }: let pkgs = ${SET}; in {
    devShells.x86_64-linux.default = ${text};
  };
}`;

/** A flake, and the lines that the output ends with. */
const MISTAKES: Readonly<Record<string, readonly [flake: string, ...end: string[]]>> = {
  'an argument of outputs that is no input': [
    '{ inputs.nixpkgs.url = "path:/nothing"; outputs = { self, nixpkg }: { }; }',
    `'outputs' takes 'nixpkg', which 'inputs' does not have; declare it: inputs.nixpkg.url = "...";`,
    'Did you mean nixpkgs?',
  ],
  'a misspelt attribute': [shell('pkgs.mkShel { }'), 'Did you mean mkShell?'],
  'a misspelt argument': [shell('pkgs.mkShell { packges = [ ]; }'), 'Did you mean packages?'],
  'a misspelt variable': [shell('pkg.mkShell { }'), 'Did you mean pkgs?'],
  'a misspelt variable below with': [shell('with pkgs; mkShell { packages = [ helo ]; }'), 'Did you mean hello?'],
  'a list for a set': [shell('pkgs.mkShell [ pkgs.hello ]'), "the function takes one set: 'f { name = [ ... ]; }'"],
  'a string for a list': [shell('pkgs.mkShell { packages = "hello"; }'), "a list of one is written '[ x ]'"],
  'a function that was not called': [
    shell('pkgs.mkShell { packages = [ pkgs.mkShell ]; }'),
    'it is a function that was not called: it wants its arguments, as in `f x` or `f { ... }`',
  ],
  'a value that needs itself': [
    shell('let a = b // { }; b = a // { }; in a'),
    'the value needs itself before it is there; --show-trace says on which way',
  ],
  'a semicolon that is missing': ['{\n  description = "x"\n\n  # outputs\n  outputs = _: { };\n}', "line 2 seems to lack its ';'"],
  'a URL without quotes': [
    '{\n  inputs.tools.url = github:owner/repo#main;\n  outputs = _: { };\n}',
    "the URL in line 2 has to stand in quotes: without them, what follows '#' is a comment",
  ],
  'a shell for another system': [
    '{ outputs = _: { devShells.riscv64-linux.default = 1; }; }',
    "'devShells' is there for riscv64-linux, but not for this system, x86_64-linux",
  ],
};

for (const [name, [flake, ...end]] of Object.entries(MISTAKES)) {
  test(name, async () => {
    const place = join(folder, name.replaceAll(' ', '-'));
    mkdirSync(place);
    writeFileSync(join(place, 'flake.nix'), flake);
    const { stderr, code } = await runFloe(['floe', 'print-dev-env', '--no-write-lock-file', '--system', 'x86_64-linux'], {
      cwd: place,
      env: {
        HOME: folder,
        PATH: process.env['PATH'],
        NIX_CONFIG: 'flake-registry =\nsubstituters =',
        NIX_STORE_DIR: join(folder, 'store'),
        NIX_STATE_DIR: join(folder, 'state'),
      },
    });
    assert.equal(code, 1);
    assert.deepEqual(
      stderr
        .trimEnd()
        .split('\n')
        .slice(-end.length)
        .map((line) => line.trim()),
      end,
    );
  });
}

test('none where the setting says so', async () => {
  const run = (config: string) =>
    runFloe(['nix-instantiate', '--eval', '-E', 'let hello = 1; in helo'], {
      cwd: folder,
      env: { HOME: folder, NIX_STORE_DIR: join(folder, 'store'), NIX_STATE_DIR: join(folder, 'state'), NIX_CONFIG: config },
    });
  assert.match((await run('')).stderr, /Did you mean hello\?/);
  assert.doesNotMatch((await run('hints = false')).stderr, /Did you mean/);
});
