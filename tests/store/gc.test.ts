// Garbage collection of the local store: what lives, what dies, and who is told.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { test } from 'node:test';
import { bytesOf } from '../../src/base/bytes.ts';
import { StoreError } from '../../src/base/errors.ts';
import { hashBytes } from '../../src/base/hash.ts';
import type { PathInfo } from '../../src/model/path-info.ts';
import { parseStorePathBaseName, type StorePath } from '../../src/model/store-path.ts';
import { type LocalStore, openLocalStore } from '../../src/store/local/local-store.ts';
import { narOf, objectOf, SAMPLE, sourceOf } from '../conformance/store.ts';
import { openTestStore, temporaryFolder } from '../support/local-stores.ts';

const folder = temporaryFolder();

/** The same store as a process that began later: without this one's temporary roots. */
function reopen(store: LocalStore): LocalStore {
  store.closeSync();
  const { storeDir, realStoreDir, stateDir } = store;
  return openLocalStore({ storeDir, realStoreDir, stateDir, reservedBytes: 4096 });
}

const text = (store: LocalStore, name: string, references: readonly StorePath[] = []) =>
  store.addTextSync(name, bytesOf(`${name} ${references.join(' ')}`), references);

test('what a root reaches lives, the rest is deleted with its files', async () => {
  let store = openTestStore(folder);
  const base = text(store, 'base');
  const kept = text(store, 'kept', [base]);
  const lost = text(store, 'lost', [base]);
  const link = `${folder}/result`;
  await store.addRootLink(kept, link);
  assert.equal(readlinkSync(link), store.printPath(kept));
  // All are temporary roots of this process so far.
  assert.deepEqual((await store.collectGarbage({ action: 'return-dead' })).paths, []);
  store = reopen(store);
  writeFileSync(`${store.realStoreDir}/leftover`, 'x');
  mkdirSync(`${store.realStoreDir}/${'3'.repeat(32)}-unfinished/sub`, { recursive: true });
  assert.deepEqual((await store.collectGarbage({ action: 'return-live' })).paths, [kept, base].map((path) => store.printPath(path)).sort());
  const { paths, freedBytes } = await store.collectGarbage({ action: 'delete-dead' });
  assert.deepEqual(paths.sort(), [lost, 'leftover', `${'3'.repeat(32)}-unfinished`].map((name) => `${store.storeDir}/${name}`).sort());
  assert.ok(freedBytes > 0);
  assert.deepEqual(readdirSync(store.realStoreDir).sort(), ['.links', base, kept].sort());
  assert.deepEqual((await store.queryAllValidPaths()).sort(), [base, kept].sort());
  assert.deepEqual([...store.findRoots()], [[kept, new Set([link])]]);
  rmSync(link);
  assert.equal((await store.collectGarbage({ action: 'delete-dead' })).paths.length, 2);
  assert.deepEqual(readdirSync(`${store.stateDir}/gcroots/auto`), []);
  store.closeSync();
});

test('an object that refers to itself', async () => {
  let store = openTestStore(folder);
  const { info, nar } = objectOf('circle', SAMPLE, store.storeDir);
  const { contentAddress, ...plain } = info;
  assert.ok(contentAddress);
  await store.addToStore({ ...plain, references: [info.path] }, sourceOf(nar), { checkSignatures: false });
  const user = text(store, 'user', [info.path]);
  store = reopen(store);
  symlinkSync(store.printPath(user), `${store.stateDir}/gcroots/user`);
  assert.deepEqual((await store.collectGarbage({ action: 'delete-dead' })).paths, []);
  symlinkSync(store.printPath(info.path), `${store.stateDir}/gcroots/circle`);
  rmSync(`${store.stateDir}/gcroots/user`);
  assert.deepEqual((await store.collectGarbage({ action: 'delete-dead' })).paths, [store.printPath(user)]);
  rmSync(`${store.stateDir}/gcroots/circle`);
  assert.deepEqual((await store.collectGarbage({ action: 'delete-dead' })).paths, [store.printPath(info.path)]);
  store.closeSync();
});

test('links in profiles and gcroots are roots, files and links elsewhere are not', async () => {
  let store = openTestStore(folder);
  const paths = ['profile', 'direct', 'regular', 'none'].map((name) => text(store, name));
  store = reopen(store);
  symlinkSync(store.printPath(paths[0]!), `${store.stateDir}/profiles/default-1-link`);
  symlinkSync(`${store.printPath(paths[1]!)}/bin`, `${store.stateDir}/gcroots/mine`);
  writeFileSync(`${store.stateDir}/gcroots/${paths[2]}`, '');
  symlinkSync('/nowhere/at/all', `${store.stateDir}/gcroots/dangling`);
  assert.deepEqual((await store.collectGarbage({ action: 'delete-dead' })).paths, [store.printPath(paths[3]!)]);
  store.closeSync();
});

test('a specific path is deleted only when nothing needs it', async () => {
  let store = openTestStore(folder);
  const base = text(store, 'base');
  const user = text(store, 'user', [base]);
  store = reopen(store);
  const wanted = (paths: StorePath[], ignoreLiveness = false) =>
    store.collectGarbage({ action: 'delete-specific', pathsToDelete: new Set(paths), ignoreLiveness });
  await assert.rejects(
    wanted([base]),
    (error) => error instanceof StoreError && error.code === 'FLOE_PATH_ALIVE' && /still alive/.test(error.message),
  );
  await store.addTempRoots([user]);
  await assert.rejects(wanted([user]), /still alive/);
  store = reopen(store);
  assert.deepEqual((await wanted([base, user])).paths.sort(), [base, user].map((path) => store.printPath(path)).sort());
  store.closeSync();
});

test('the limit stops the collection', async () => {
  let store = openTestStore(folder);
  for (let i = 0; i < 5; i++) store.addTextSync(`t${i}`, bytesOf('x'.repeat(1000)), []);
  store = reopen(store);
  assert.equal((await store.collectGarbage({ action: 'delete-dead', maxFreedBytes: 1500 })).paths.length, 2);
  assert.equal((await store.queryAllValidPaths()).length, 3);
  assert.equal((await store.collectGarbage({ action: 'delete-dead', maxFreedBytes: 0 })).paths.length, 0);
  store.closeSync();
});

/** A derivation (made up) whose output is valid and names it as its deriver. */
async function addBuilt(store: LocalStore): Promise<{ derivation: StorePath; output: StorePath }> {
  const nar = narOf({ contents: 'built', executable: false });
  const aterm = `Derive([("out","${store.storeDir}/${'4'.repeat(32)}-built","sha256","${'0'.repeat(64)}")],[],[],"x","y",[],[("out","${store.storeDir}/${'4'.repeat(32)}-built")])`;
  const derivation = store.addTextSync('built.drv', bytesOf(aterm), []);
  const output = parseStorePathBaseName(`${'4'.repeat(32)}-built`);
  const info: PathInfo = {
    path: output,
    narHash: hashBytes('sha256', nar),
    narSize: nar.length,
    references: [],
    deriver: derivation,
    registrationTime: 1,
    ultimate: true,
    signatures: [],
  };
  await store.addToStore(info, sourceOf(nar));
  return { derivation, output };
}

test('keep-derivations and keep-outputs', async () => {
  let store = openTestStore(folder);
  const { derivation, output } = await addBuilt(store);
  assert.deepEqual(await store.queryValidDerivers(output), [derivation]);
  store = reopen(store);
  const dead = async (options: { keepOutputs?: boolean; keepDerivations?: boolean }) =>
    (await store.collectGarbage({ action: 'return-dead', ...options })).paths;
  const root = `${store.stateDir}/gcroots/root`;
  symlinkSync(store.printPath(output), root);
  assert.deepEqual(await dead({}), []);
  assert.deepEqual(await dead({ keepDerivations: false }), [store.printPath(derivation)]);
  rmSync(root);
  symlinkSync(store.printPath(derivation), root);
  assert.deepEqual(await dead({ keepDerivations: false }), [store.printPath(output)]);
  assert.deepEqual(await dead({ keepOutputs: true }), []);
  store.closeSync();
});

test('what a running process uses lives', async () => {
  let store = openTestStore(folder);
  const { info, nar } = objectOf('running', SAMPLE, store.storeDir);
  await store.addToStore(info, sourceOf(nar));
  const named = text(store, 'named-in-environment');
  const other = text(store, 'other');
  const child = spawn('sleep', ['60'], {
    cwd: `${store.toRealPath(info.path)}/bin`,
    env: { PATH: process.env['PATH'], X: `a:${store.printPath(named)}/bin` },
    stdio: 'ignore',
  });
  try {
    await once(child, 'spawn');
    store = reopen(store);
    assert.deepEqual((await store.collectGarbage({ action: 'delete-dead' })).paths, [store.printPath(other)]);
  } finally {
    child.kill();
    await once(child, 'exit');
  }
  assert.equal((await store.collectGarbage({ action: 'delete-dead' })).paths.length, 2);
  store.closeSync();
});

test('a process that adds roots while another collects keeps what it asked for', async () => {
  const first = openTestStore(folder);
  const { storeDir, realStoreDir, stateDir } = first;
  for (let i = 0; i < 60; i++) text(first, `garbage${i}`);
  const wanted = text(first, 'zz-wanted');
  first.closeSync();
  const collector = openLocalStore({ storeDir, realStoreDir, stateDir });
  const other = openLocalStore({ storeDir, realStoreDir, stateDir });
  const collecting = collector.collectGarbage({ action: 'delete-dead' });
  await other.addTempRoots([wanted]);
  const survived = other.isValidPathSync(wanted);
  await collecting;
  // Whether it was in time or not: what was found valid afterwards is still there.
  assert.equal(other.isValidPathSync(wanted), survived);
  assert.equal(existsSync(other.toRealPath(wanted)), survived);
  text(other, 'after');
  assert.deepEqual((await collector.collectGarbage({ action: 'return-dead' })).paths, []);
  other.closeSync();
  collector.closeSync();
});

test('links of optimised files go when nothing uses them', async () => {
  let store = openTestStore(folder);
  for (const name of ['a', 'b']) {
    const { info, nar } = objectOf(name, SAMPLE, store.storeDir);
    await store.addToStore(info, sourceOf(nar));
  }
  const stats = await store.optimise();
  assert.equal(stats.filesLinked, 3);
  assert.equal(await store.verify({ checkContents: true }), false);
  assert.equal(readdirSync(`${store.realStoreDir}/.links`).length, 3);
  store = reopen(store);
  await store.collectGarbage({ action: 'delete-dead' });
  assert.deepEqual(readdirSync(`${store.realStoreDir}/.links`), []);
  store.closeSync();
});

test('whether files are linked as they come may change while the store is open', async () => {
  let links = false;
  const store = openTestStore(folder, { autoOptimise: () => links });
  const add = async (name: string): Promise<number> => {
    const { info, nar } = objectOf(name, SAMPLE, store.storeDir);
    await store.addToStore(info, sourceOf(nar));
    return existsSync(`${store.realStoreDir}/.links`) ? readdirSync(`${store.realStoreDir}/.links`).length : 0;
  };
  assert.equal(await add('plain'), 0);
  links = true;
  assert.equal(await add('linked'), 3);
  store.closeSync();
});
