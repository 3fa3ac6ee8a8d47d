// Uses of the curated packages, made by floe in its sandbox from the machine's Debian mirror: each attribute of packages/default.nix is a
// build that does with a package what one has it for. The heavy ones, which download much, run where FLOE_HEAVY is set.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { temporaryFolder } from '../../support/local-stores.ts';

const root = join(import.meta.dirname, '../../..');
const folder = temporaryFolder();
const env = { ...process.env, HOME: join(folder, 'home'), NIX_STORE_DIR: join(folder, 'store'), NIX_STATE_DIR: join(folder, 'var') };

function floe(...words: string[]): string {
  const result = spawnSync(join(root, 'bin/floe'), words, { encoding: 'utf8', env, cwd: root, maxBuffer: 2 ** 26 });
  assert.equal(result.status, 0, `floe ${words.join(' ')}\n${result.stderr.slice(-4000)}`);
  return result.stdout;
}

const PLACE = 'tests/debpkgs/builds/packages';

for (const set of ['light', 'heavy']) {
  const skip = set === 'heavy' && !process.env['FLOE_HEAVY'] ? 'FLOE_HEAVY is not set: these download a gigabyte' : false;
  test(`${set} packages do what one has them for`, { skip, timeout: 30 * 60_000 }, async (t) => {
    const names = JSON.parse(floe('eval', '--impure', '--json', '--expr', `builtins.attrNames (import ./${PLACE} { }).${set}`)) as string[];
    // all at once, as far as the machine's processors go; what fails says so again below
    spawnSync(join(root, 'bin/floe'), ['build', '--keep-going', '--max-jobs', '2', '--no-link', '-f', PLACE, set], { env, cwd: root });
    for (const name of names) {
      await t.test(name, () => void floe('build', '-L', '--no-link', '-f', PLACE, `${set}.${name}`));
    }
  });
}
