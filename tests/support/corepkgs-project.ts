// A project on corepkgs for the benches: a flake that pins a copy of it by path, as a clean repository and as a dirty one, with a home and
// stores of its own for floe and for C++ Nix.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Cost, costOf, type CostOptions } from './cpu-time.ts';

const floe = resolve(fileURLToPath(new URL('.', import.meta.url)), '../../bin/floe');

const FLAKE = `{
  inputs.core = { url = "path:CORE"; flake = false; };
  outputs = { self, core }: let pkgs = import core { system = "x86_64-linux"; }; in {
    packages.x86_64-linux.default = pkgs.python3;
    devShells.x86_64-linux.default = pkgs.stdenv.mkDerivation {
      name = "shell";
      nativeBuildInputs = [ pkgs.python3 pkgs.git pkgs.cmake ];
      WORD = import ./word.nix;
    };
    # As much to evaluate, and next to nothing to build.
    devShells.x86_64-linux.light = derivation {
      name = "light";
      system = "x86_64-linux";
      builder = "/bin/bash";
      outputs = [ "out" ];
      paths = map (package: builtins.unsafeDiscardStringContext package.drvPath) [ pkgs.python3 pkgs.git pkgs.cmake ];
      WORD = import ./word.nix;
    };
  };
}`;

/** The project, and the two programs in it. Words begin with the name of the older command, or `nix`. */
export interface CorepkgsProject {
  /** Holds a clean repository; `dirty` below it is one that is not, `core` the packages. */
  readonly root: string;
  ours(words: readonly string[]): Cost;
  theirs(words: readonly string[]): Cost;
  /** Whole command lines, and where and with what they run. */
  ourCommand(words: readonly string[]): string[];
  readonly ourOptions: CostOptions;
  theirCommand(words: readonly string[]): string[];
  readonly theirOptions: CostOptions;
  remove(): void;
}

/** Undefined where a variable is missing: FLOE_ORACLE, FLOE_COREPKGS (a checkout), FLOE_COREPKGS_LIB (the nix-lib that its pins.nix names). */
export function makeCorepkgsProject(): CorepkgsProject | undefined {
  const { FLOE_ORACLE: oracle, FLOE_COREPKGS: corepkgs, FLOE_COREPKGS_LIB: lib } = process.env;
  if (!oracle || !corepkgs || !lib) {
    console.log('skipped: FLOE_ORACLE, FLOE_COREPKGS and FLOE_COREPKGS_LIB are not all set');
    return undefined;
  }
  const root = mkdtempSync(join(tmpdir(), 'floe-bench-'));
  const core = join(root, 'core');
  // Pure evaluation reads nothing outside: the library goes into the tree.
  cpSync(corepkgs, core, { recursive: true, filter: (path) => !path.endsWith('/.git') });
  cpSync(lib, join(core, 'nix-lib'), { recursive: true, filter: (path) => !path.endsWith('/.git') });
  const pins = readFileSync(join(core, 'pins.nix'), 'utf8');
  writeFileSync(join(core, 'pins.nix'), pins.replaceAll(lib, './nix-lib'));
  const env = { ...process.env, HOME: join(root, 'home'), NIX_LOG_DIR: join(root, 'log'), XDG_CACHE_HOME: '' };
  const ourCommand = (words: readonly string[]): string[] => [floe, ...(words[0] === 'nix' ? words.slice(1) : words)];
  const ourOptions = { cwd: root, env: { ...env, NIX_REMOTE: join(root, 'floe-root') } };
  const theirCommand = (words: readonly string[]): string[] => [...oracle.split(' '), ...words];
  const theirOptions = { cwd: root, env: { ...env, NIX_STORE_DIR: join(root, 'store'), NIX_STATE_DIR: join(root, 'state') } };
  const ours = (words: readonly string[]): Cost => costOf(ourCommand(words), ourOptions);
  const theirs = (words: readonly string[]): Cost => costOf(theirCommand(words), theirOptions);
  const git = (folder: string, ...args: string[]) =>
    spawnSync('git', ['-C', folder, '-c', 'user.name=n', '-c', 'user.email=e', ...args], { env, stdio: 'ignore' });
  for (const [folder, name] of [
    [root, '.'],
    [join(root, 'dirty'), './dirty'],
  ] as const) {
    cpSync(join(core, 'README.md'), join(folder, 'README.md'));
    writeFileSync(join(folder, 'flake.nix'), FLAKE.replace('CORE', core));
    writeFileSync(join(folder, 'word.nix'), '"one"\n');
    git(folder, 'init', '--quiet');
    git(folder, 'add', 'flake.nix', 'word.nix');
    ours(['nix', 'flake', 'lock', name]);
    git(folder, 'add', 'flake.lock');
    git(folder, 'commit', '--quiet', '-m', 'all');
  }
  writeFileSync(join(root, 'dirty/word.nix'), '"two"\n');
  writeFileSync(join(root, 'python3.nix'), `(import ${core} { system = "x86_64-linux"; }).python3.drvPath\n`);
  return {
    root,
    ...{ ours, ourCommand, ourOptions },
    ...{ theirs, theirCommand, theirOptions },
    remove() {
      spawnSync('chmod', ['-R', 'u+w', root]);
      rmSync(root, { recursive: true });
    },
  };
}
