// The log for other programs (`--log-format internal-json`) of builds that succeed and fail, beside C++ Nix's: the same events in the same
// order, but for ids, how often figures are told, and colours. Skipped where FLOE_ORACLE is unset.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { runFloe } from '../support/run-floe.ts';

const oracle = process.env['FLOE_ORACLE'];
const skip =
  oracle === undefined
    ? 'FLOE_ORACLE names no Nix to compare with'
    : existsSync('/bin/sh')
      ? false
      : 'builds without a sandbox need /bin/sh';

interface Event {
  readonly action: string;
  readonly type?: number;
  readonly fields?: readonly unknown[];
  readonly text?: string;
  readonly msg?: string;
  readonly level?: number;
}

const PROGRESS = 105;
const SET_EXPECTED = 106;
const COLOURS = /\x1b\[[0-9;]*m/g;

/** What tools go by. */
function telling(log: string): unknown[] {
  const events = log
    .split('\n')
    .filter((line) => line.startsWith('@nix '))
    .map((line) => JSON.parse(line.slice('@nix '.length)) as Event);
  const isFigure = ({ action, type }: Event): boolean => action === 'result' && (type === PROGRESS || type === SET_EXPECTED);
  const isQuestion = ({ text }: Event): boolean => text === 'querying info about missing paths';
  return events
    .filter((event) => !isFigure(event) && !isQuestion(event) && event.action !== 'stop')
    .map(({ action, type, fields, text, msg, level }) => ({ action, type, fields, text, msg: msg?.replace(COLOURS, ''), level }));
}

const PROGRAM = `let
  make = name: script: deps: derivation { inherit name deps; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" script ]; };
  a = make "a-1" "echo one; echo '@nix {\\"action\\":\\"setPhase\\",\\"phase\\":\\"unpack\\"}' >&2; echo two; echo 1 > $out" [ ];
in {
  good = make "b-1" "echo in b; echo 1 > $out" [ a ];
  bad = make "f-1" "echo failing; exit 3" [ a ];
}
`;

for (const attribute of ['good', 'bad']) {
  test(`events of a build: ${attribute}`, { skip }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'floe-json-log-'));
    try {
      writeFileSync(join(folder, 'default.nix'), PROGRAM);
      const env = {
        HOME: folder,
        PATH: process.env['PATH'],
        NIX_CONFIG: 'experimental-features = nix-command flakes\nsubstituters =\nsandbox = false',
        NIX_CONF_DIR: join(folder, 'etc'),
        NIX_STORE_DIR: join(folder, 'store'),
        NIX_STATE_DIR: join(folder, 'state'),
        NIX_LOG_DIR: join(folder, 'log'),
      };
      const words = ['nix', 'build', '-f', 'default.nix', attribute, '--no-link', '--log-format', 'internal-json'];
      const ours = await runFloe(words, { cwd: folder, env });
      spawnSync('chmod', ['-R', 'u+w', join(folder, 'store')]);
      for (const name of ['store', 'state', 'log']) rmSync(join(folder, name), { recursive: true, force: true });
      const [program, ...rest] = oracle!.split(' ');
      const theirs = spawnSync(program!, [...rest, ...words], { cwd: folder, encoding: 'utf8', env });
      assert.deepEqual(telling(ours.stderr), telling(theirs.stderr));
    } finally {
      spawnSync('chmod', ['-R', 'u+w', folder]);
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
