// Stores in two layers: what the lower store knows, what is taken over, what is deleted where. The layers are not really mounted over
// each other here (that takes rights); Nix's own scripts local-overlay-store/* do that.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesOf } from '../../src/base/bytes.ts';
import { type LocalStore, openLocalStore } from '../../src/store/local/local-store.ts';
import { requireOverlayMount } from '../../src/store/local/overlay.ts';
import { openStore } from '../../src/store/open-store.ts';
import { temporaryFolder } from '../support/local-stores.ts';

const folder = temporaryFolder();

const lowerRoot = join(folder, 'lower');
const [root, upper] = [join(folder, 'merged'), join(folder, 'upper')];
const hook = join(folder, 'hook');
writeFileSync(hook, `#!/bin/sh\necho "$1" >> ${folder}/remounted\n`, { mode: 0o755 });
const url = `local-overlay://?root=${root}&lower-store=${lowerRoot}&upper-layer=${upper}&check-mount=false&remount-hook=${hook}`;
const STORE_DIR = '/nix/store';

const openLower = (): LocalStore =>
  openLocalStore({ storeDir: STORE_DIR, realStoreDir: `${lowerRoot}/nix/store`, stateDir: `${lowerRoot}/nix/var/nix` });

test('what the lower store has is valid above, and known there from then on', async () => {
  const lower = openLower();
  const below = lower.addTextSync('below', bytesOf('below'), []);
  const top = lower.addTextSync('top', bytesOf('top'), [below]);
  lower.closeSync();
  const { store } = openStore({ url, withOverlays: true });
  assert.deepEqual(await store.queryAllValidPaths(), []);
  assert.deepEqual(store.queryPathInfoSync(top)?.references, [below]);
  assert.deepEqual(await store.queryReferrers(below), [top]);
  assert.equal(await store.queryPathFromHashPart(below.slice(0, 32)), below);
  assert.ok(store.isValidPathSync(top));
  assert.deepEqual((await store.queryAllValidPaths()).sort(), [below, top].sort());
  // Not written once more.
  store.addTextSync('below', bytesOf('below'), []);
  assert.ok(!existsSync(store.toRealPath(below)));
  const mine = store.addTextSync('mine', bytesOf('mine'), [below]);
  assert.deepEqual(await store.queryReferrers(below), [mine, top].sort());
  await store.close();
});

test('a duplicate is deleted from the upper layer alone, and the filesystem mounted again', async () => {
  const adding = openStore({ url, withOverlays: true }).store;
  const twice = adding.addTextSync('twice', bytesOf('twice'), []);
  const once = adding.addTextSync('once', bytesOf('once'), []);
  await adding.close();
  const { store } = openStore({ url, withOverlays: true });
  mkdirSync(upper, { recursive: true });
  // As an overlay has it: what is new lies in the upper layer.
  renameSync(store.toRealPath(twice), `${upper}/${twice}`);
  writeFileSync(`${upper}/${once}`, '');
  const lower = openLower();
  lower.addTextSync('twice', bytesOf('twice'), []);
  const { freedBytes } = await store.collectGarbage({ action: 'delete-specific', pathsToDelete: new Set([twice, once]) });
  assert.ok(freedBytes > 0);
  assert.ok(!existsSync(`${upper}/${twice}`));
  assert.ok(existsSync(lower.toRealPath(twice)));
  assert.ok(!existsSync(store.toRealPath(once)));
  assert.equal(readFileSync(`${folder}/remounted`, 'utf8'), `${root}/nix/store\n`);
  rmSync(`${upper}/${once}`);
  lower.closeSync();
  await store.close();
});

test('what is not mounted, not allowed or not said is refused', () => {
  const mounts = 'proc /proc proc rw 0 0\noverlay /m overlay rw,lowerdir=/l,upperdir=/u,workdir=/w 0 0\n';
  requireOverlayMount(mounts, '/m', '/l', '/u');
  for (const [real, lower, up] of [
    ['/x', '/l', '/u'],
    ['/m', '/x', '/u'],
    ['/m', '/l', '/x'],
  ] as const)
    assert.throws(() => requireOverlayMount(mounts, real, lower, up), new RegExp(`overlay filesystem "${real}" mounted incorrectly`));
  // The last mount is what is seen.
  assert.throws(() => requireOverlayMount(`${mounts}overlay /m overlay rw,lowerdir=/other,upperdir=/u 0 0\n`, '/m', '/l', '/u'));
  assert.throws(() => openStore({ url }), /experimental Nix feature 'local-overlay-store' is disabled/);
  assert.throws(() => openStore({ url: url.replace('&check-mount=false', ''), withOverlays: true }), /mounted incorrectly/);
  assert.throws(() => openStore({ url: `local-overlay://?root=${root}`, withOverlays: true }), /says no 'upper-layer'/);
});
