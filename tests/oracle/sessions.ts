// Sessions on a pipe, beside those of C++ Nix: lines in, standard output, standard error and exit code to the byte. Both start from the
// same folder and an empty store.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { stripVTControlCharacters } from 'node:util';
import { test } from 'node:test';
import { temporaryFolder } from '../support/local-stores.ts';
import { runFloe } from '../support/run-floe.ts';

/** Messages have no colours of their own here. */
function plainMessages(output: string): string {
  return output.replace(/(?<=: \x1b\[31;1merror: \x1b\[0m).*(\n[^\x1b\n]*)?/g, (message) => stripVTControlCharacters(message));
}

export interface LineSession {
  /** Words of the command line behind the program's own. */
  readonly words?: readonly string[];
  readonly lines: readonly string[];
}

/** Makes a test of every session. `command` starts it; `files` are there to be read, by name. */
export function testSessions(
  what: string,
  command: readonly string[],
  files: Readonly<Record<string, string>>,
  sessions: Readonly<Record<string, LineSession>>,
): void {
  const oracle = process.env['FLOE_ORACLE'];
  const skip = oracle === undefined ? 'FLOE_ORACLE names no Nix to compare with' : false;
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const env = {
    HOME: folder,
    PATH: process.env['PATH'],
    TERM: 'dumb',
    EDITOR: 'true',
    NIX_CONFIG: 'experimental-features = nix-command flakes\nsubstituters =\nsandbox = false',
    NIX_CONF_DIR: join(folder, 'etc'),
    NIX_STORE_DIR: join(folder, 'store'),
    NIX_STATE_DIR: join(folder, 'state'),
    NIX_LOG_DIR: join(folder, 'log'),
    _NIX_TEST_RAW_MARKDOWN: '1',
  };
  let moved = 0;
  const startAfresh = (): void => {
    for (const kept of ['store', 'state', 'log', '.cache'])
      if (existsSync(join(folder, kept))) renameSync(join(folder, kept), join(folder, `${kept}.${moved++}`));
  };

  for (const [name, { words = [], lines }] of Object.entries(sessions)) {
    test(`${what}: ${name}`, { skip }, async () => {
      const stdin = lines.map((line) => `${line}\n`).join('');
      const all = [...command, ...words];
      const [program, ...rest] = oracle!.split(' ');
      const theirs = spawnSync(program!, [...rest, ...all], { cwd: folder, input: stdin, encoding: 'utf8', env });
      startAfresh();
      const ours = await runFloe(all, { cwd: folder, stdin, env });
      startAfresh();
      assert.equal(ours.stdout, plainMessages(theirs.stdout));
      // The last error may end in a hint.
      assert.equal(ours.stderr.slice(0, theirs.stderr.length), theirs.stderr);
      assert.equal(ours.code, theirs.status);
    });
  }
}
