// bin/floe and a real Nix as programs, with a home and a store in a folder of the test file's own.

import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { temporaryFolder } from './local-stores.ts';

/** The checkout that is tested. */
export const root = join(import.meta.dirname, '../..');

/** The launcher. */
export const launcher = join(root, 'bin/floe');

/** The environment of programs that share one store, and ways to run them in it. */
export interface OwnStore {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs a program to its end. */
  run(command: readonly string[], cwd: string, stdin?: string): SpawnSyncReturns<string>;
  /** As `run`, where it has to end well. Gives its standard output. */
  ok(command: readonly string[], cwd: string, stdin?: string): string;
}

export function ownStore(): OwnStore {
  const folder = temporaryFolder();
  const env = {
    ...process.env,
    HOME: join(folder, 'home'),
    NIX_STORE_DIR: join(folder, 'store'),
    NIX_STATE_DIR: join(folder, 'var'),
    NIX_LOG_DIR: join(folder, 'log'),
  };
  const run = (command: readonly string[], cwd: string, stdin = ''): SpawnSyncReturns<string> =>
    spawnSync(command[0]!, command.slice(1), { encoding: 'utf8', env, cwd, input: stdin, maxBuffer: 2 ** 26 });
  const ok = (command: readonly string[], cwd: string, stdin?: string): string => {
    const result = run(command, cwd, stdin);
    assert.equal(result.status, 0, `${command.join(' ')}\n${result.stdout.slice(-1000)}${result.stderr.slice(-4000)}`);
    return result.stdout;
  };
  return { folder, env, run, ok };
}
