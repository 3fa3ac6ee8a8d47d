// Generations of a profile under stress: several processes that add at once lose nothing, and one that is killed at any moment leaves a
// profile that can be read and changed.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/local-stores.ts';
import { runFloe } from '../support/run-floe.ts';

const START = fileURLToPath(new URL('../../src/cli/start.ts', import.meta.url));
const folder = temporaryFolder();
const env = {
  HOME: folder,
  NIX_STORE_DIR: `${folder}/store`,
  NIX_STATE_DIR: `${folder}/var`,
  NIX_CONF_DIR: `${folder}/etc`,
  NIX_CONFIG: 'substituters =',
  PATH: process.env['PATH'],
};

async function floe(...words: string[]): Promise<string> {
  const result = await runFloe(['floe', ...words], { cwd: folder, env });
  assert.equal(result.code, 0, `${words.join(' ')}\n${result.stderr}`);
  return result.stdout.trimEnd();
}

function start(...words: string[]): ChildProcess {
  return spawn(process.execPath, [START, ...words], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => void (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stderr };
}

/** A store object `<name>-1` with one file, which no other has. */
async function makePackage(name: string): Promise<string> {
  mkdirSync(join(folder, `sources/${name}/bin`), { recursive: true });
  writeFileSync(join(folder, `sources/${name}/bin/${name}`), name);
  return floe('store', 'add', '--name', `${name}-1`, `sources/${name}`);
}

async function packagesOf(profile: string): Promise<string[]> {
  const { elements } = JSON.parse(await floe('profile', 'list', '--profile', profile, '--json')) as { elements: object };
  return Object.keys(elements);
}

test('packages that are added at once are all there', async () => {
  const names = ['anna', 'bert', 'cara'];
  const paths: string[] = [];
  for (const name of names) paths.push(await makePackage(name));
  const runs = await Promise.all(paths.map((path) => ended(start('profile', 'add', '--profile', 'busy', path))));
  for (const { code, stderr } of runs) assert.equal(code, 0, stderr);
  assert.deepEqual(await packagesOf('busy'), names);
  assert.deepEqual(readdirSync(join(folder, 'busy/bin')), names);
  assert.equal(readlinkSync(join(folder, 'busy')), 'busy-3-link');
  assert.ok(!existsSync(join(folder, 'busy.lock')));
});

test('a killed process leaves a profile that works', async () => {
  await floe('profile', 'add', '--profile', 'hit', await makePackage('first'));
  for (let round = 0; round < 5; round++) {
    const child = start('profile', 'add', '--profile', 'hit', await makePackage(`round${round}`));
    const end = ended(child);
    await sleep(80 + 90 * round);
    child.kill('SIGKILL');
    await end;
    assert.ok((await packagesOf('hit')).includes('first'));
    assert.ok(existsSync(join(folder, 'hit/bin/first')));
  }
  await floe('profile', 'add', '--profile', 'hit', await makePackage('last'));
  const packages = await packagesOf('hit');
  assert.ok(packages.includes('first') && packages.includes('last'));
  assert.deepEqual(readdirSync(join(folder, 'hit/bin')), packages);
  await floe('store', 'verify', '--all');
});

test('what a profile holds survives the garbage collector; what was wiped does not', async () => {
  const kept = await makePackage('kept');
  const dropped = await makePackage('dropped');
  await floe('profile', 'add', '--profile', 'held', dropped);
  await floe('profile', 'remove', '--profile', 'held', 'dropped');
  await floe('profile', 'add', '--profile', 'held', kept);
  await floe('profile', 'rollback', '--profile', 'held');
  await floe('profile', 'rollback', '--profile', 'held', '--to', '3');
  await floe('profile', 'wipe-history', '--profile', 'held');
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('held')),
    ['held', 'held-3-link'],
  );
  await ended(start('store', 'gc'));
  assert.ok(existsSync(kept) && existsSync(join(folder, 'held/bin/kept')));
  assert.ok(!existsSync(dropped));
});
