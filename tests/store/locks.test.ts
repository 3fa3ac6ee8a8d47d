// Locks on store paths: among tasks of one process, against other processes, and without leaving files behind.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { FloeError } from '../../src/base/errors.ts';
import { lockDescriptors, lockPaths, openLockFile, tryLockPathsSync } from '../../src/store/local/locks.ts';
import { temporaryFolder } from '../support/local-stores.ts';

const parent = temporaryFolder();
const newFolder = () => mkdtempSync(`${parent}/locks-`);
const isFree = (file: string) => spawnSync('flock', ['-n', '-x', file, 'true']).status === 0;

test('many locks in one call, seen by others, gone afterwards', async () => {
  const folder = newFolder();
  const paths = Array.from({ length: 60 }, (_, i) => `${folder}/p${i}`);
  const locks = (await lockPaths(paths, { wait: true }))!;
  assert.deepEqual(locks.paths, paths.toSorted());
  assert.equal(isFree(`${folder}/p59.lock`), false);
  assert.equal(await lockPaths([`${folder}/p7`], { wait: false }), undefined);
  assert.equal(tryLockPathsSync([`${folder}/p7`]), undefined);
  locks.release();
  locks.release();
  assert.deepEqual(readdirSync(folder), []);
  tryLockPathsSync([`${folder}/p7`])!.release();
});

test('who waits is told what for, and goes on when it is free', async () => {
  const folder = newFolder();
  const first = (await lockPaths([`${folder}/b`], { wait: true }))!;
  const waited: string[] = [];
  let hasSecond = false;
  const second = lockPaths([`${folder}/a`, `${folder}/b`, `${folder}/c`], { wait: true, onWait: (path) => waited.push(path) }).then(
    (locks) => {
      hasSecond = true;
      return locks!;
    },
  );
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(hasSecond, false);
  assert.deepEqual(waited, [`${folder}/b`]);
  first.release();
  (await second).release();
  assert.deepEqual(readdirSync(folder), []);
});

test('many tasks take the same locks one after the other', async () => {
  const folder = newFolder();
  let inside = 0;
  await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const locks = (await lockPaths([`${folder}/x`, `${folder}/y${i % 2}`], { wait: true }))!;
      assert.equal(++inside, 1);
      await new Promise((resolve) => setTimeout(resolve, 2));
      inside--;
      locks.release();
    }),
  );
  assert.deepEqual(readdirSync(folder), []);
});

test('a lock file that a killed process left is no obstacle', async () => {
  const folder = newFolder();
  writeFileSync(`${folder}/p.lock`, '');
  (await lockPaths([`${folder}/p`], { wait: false }))!.release();
});

test('without the program there is one clear error', async () => {
  const folder = newFolder();
  const path = process.env['PATH'];
  process.env['PATH'] = folder;
  try {
    const failure = (error: unknown) => error instanceof FloeError && (error.code === 'FLOE_NO_FLOCK' || error.code === 'FLOE_IO');
    await assert.rejects(lockDescriptors([{ fd: openLockFile(`${folder}/x`), mode: 'shared', wait: false }]), failure);
    assert.throws(() => tryLockPathsSync([`${folder}/y`]), failure);
  } finally {
    process.env['PATH'] = path;
  }
});
