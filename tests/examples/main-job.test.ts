// The main job, as a new user does it: `./bin/floe develop ./flake-examples/c-project`, and inside, `make` and the program. HOME is empty,
// so the store, the toolchain and the caches are made from nothing. Needs a sandbox and the machine's Debian mirror.

import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(new URL('.', import.meta.url)), '../..');
const example = join(root, 'flake-examples/c-project');
const MINUTES = 60_000;

describe('the main job', () => {
  const folder = mkdtempSync(join(tmpdir(), 'floe-main-job-'));
  const project = join(folder, 'project');
  cpSync(example, project, { recursive: true });
  after(() => {
    spawnSync('chmod', ['-R', 'u+w', folder]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs floe with the project's copy as working folder: the shell is the example's, what make writes stays out of the repository. */
  function floe(...words: string[]): SpawnSyncReturns<string> {
    const { PATH, FLOE_DEV } = process.env;
    // A store of its own, also where this machine has a /nix that could be written.
    const env = { PATH, HOME: folder, TERM: 'dumb', NIX_REMOTE: join(folder, 'store'), ...(FLOE_DEV === undefined ? {} : { FLOE_DEV }) };
    return spawnSync(join(root, 'bin/floe'), words, { cwd: project, env, encoding: 'utf8', timeout: 12 * MINUTES });
  }

  function inShell(...command: string[]): string {
    const result = floe('develop', example, '-c', ...command);
    assert.equal(result.status, 0, `${result.stdout}\n${result.stderr}\n${String(result.error ?? '')}`);
    return result.stdout;
  }

  test('make compiles, with the compiler of the shell', () => {
    inShell('make');
    assert.match(inShell('sh', '-c', 'command -v gcc make jq'), /^(\/nix\/store\/[^\n]+\/bin\/(gcc|make|jq)\n){3}/m);
  });

  test('the program runs', () => {
    assert.match(inShell('make', 'check'), /\d/);
    assert.match(inShell('sh', '-c', 'printf "one two three\\n" | ./count'), /3/);
  });

  test('exit codes, standard input and the environment come through', () => {
    assert.equal(floe('develop', example, '-c', 'sh', '-c', 'exit 7').status, 7);
    assert.match(inShell('sh', '-c', 'echo "$IN_NIX_SHELL:$HOME:$NIX_GCROOT"'), new RegExp(`^impure:${folder}:/nix/store/`, 'm'));
  });

  test('the lock file of the example is what is committed', () => {
    assert.equal(readFileSync(join(example, 'flake.lock'), 'utf8'), readFileSync(join(project, 'flake.lock'), 'utf8'));
  });
});
