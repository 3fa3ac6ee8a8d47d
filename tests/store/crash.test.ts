// A process killed at any moment leaves a store that verifies, whose leftovers the next collection deletes, and that goes on working.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { bytesOf } from '../../src/base/bytes.ts';
import { openLocalStore } from '../../src/store/local/local-store.ts';
import { objectOf, SAMPLE, sourceOf } from '../conformance/store.ts';
import { chrootStoreOptions, openTestStore, temporaryFolder } from '../support/local-stores.ts';

const folder = temporaryFolder();
const child = fileURLToPath(new URL('crash-child.ts', import.meta.url));

/** Everything in the store directory is valid; returns how many paths are. */
async function checkWhole(root: string): Promise<number> {
  const store = openLocalStore(chrootStoreOptions(root));
  try {
    assert.equal(await store.verify({ checkContents: true }), false);
    await store.collectGarbage({ action: 'delete-dead', maxFreedBytes: 1 }).catch((error: unknown) => assert.fail(String(error)));
    const before = await store.queryAllValidPaths();
    await store.addTempRoots(before);
    await store.collectGarbage({ action: 'delete-dead' });
    assert.deepEqual(readdirSync(store.realStoreDir).sort(), ['.links', ...before].sort());
    assert.equal(await store.verify({ checkContents: true }), false);
    assert.ok(readdirSync(`${store.stateDir}/temproots`).length <= 1);
    return before.length;
  } finally {
    store.closeSync();
  }
}

test('killed in the middle of imports, batches and collections', { timeout: 120_000 }, async () => {
  const root = mkdtempSync(`${folder}/crash-`);
  let seen = 0;
  // On a busy machine the first rounds may end before anything is written; later ones wait longer.
  for (let round = 0; round < 6 || (seen === 0 && round < 30); round++) {
    const writer = spawn(process.execPath, [child, root, `seed${round}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(writer.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 200 * (1 + round / 6)));
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    seen = Math.max(seen, await checkWhole(root));
  }
  assert.ok(seen > 0, 'the writer never got as far as one object');
});

test('a leftover in the place of an object is replaced', async () => {
  const store = openTestStore(folder);
  const { info, nar } = objectOf('sample', SAMPLE, store.storeDir);
  mkdirSync(`${store.toRealPath(info.path)}/half`, { recursive: true });
  chmodSync(store.toRealPath(info.path), 0o555);
  writeFileSync(`${store.toRealPath(info.path)}.lock`, '');
  await store.addToStore(info, sourceOf(nar));
  const file = objectOf('file', { contents: 'whole', executable: false }, store.storeDir);
  writeFileSync(store.toRealPath(file.info.path), 'ha');
  await store.addToStore(file.info, sourceOf(file.nar));
  assert.equal(readFileSync(store.toRealPath(file.info.path), 'utf8'), 'whole');
  assert.equal(await store.verify({ checkContents: true }), false);
  assert.deepEqual(readdirSync(store.realStoreDir).sort(), ['.links', file.info.path, info.path].sort());
  store.closeSync();
});

test('a full disk gives one clear error and leaves nothing half-written', () => {
  const root = mkdtempSync(`${folder}/full-`);
  const script = `
    import { openLocalStore } from ${JSON.stringify(new URL('../../src/store/local/local-store.ts', import.meta.url).href)};
    import { readdirSync } from 'node:fs';
    const root = ${JSON.stringify(root)};
    const store = openLocalStore({ storeDir: '/nix/store', realStoreDir: root + '/nix/store', stateDir: root + '/nix/var/nix' });
    let message = '';
    try {
      for (let i = 0; ; i++) store.addTextSync('big' + i, new Uint8Array(1 << 20), []);
    } catch (error) {
      message = error.code + ' ' + error.message + ' | ' + error.hint;
    }
    const valid = await store.queryAllValidPaths();
    const present = readdirSync(store.realStoreDir).filter((name) => name !== '.links');
    console.log(JSON.stringify({ message, broken: await store.verify({ checkContents: true }), same: valid.sort().join() === present.sort().join(), count: valid.length }));
  `;
  writeFileSync(`${root}/script.ts`, script.replaceAll("'big' + i", "'big' + String(i)"));
  const flags = process.getuid?.() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  const command = 'mkdir -p "$1/nix" && mount -t tmpfs -o size=6m none "$1/nix" && exec "$2" "$1/script.ts"';
  const run = spawnSync('unshare', [...flags, 'sh', '-c', command, 'sh', root, process.execPath], { encoding: 'utf8' });
  if (run.status !== 0 && /unshare|mount/.test(run.stderr)) return;
  assert.equal(run.status, 0, run.stderr);
  const { message, broken, same, count } = JSON.parse(run.stdout) as { message: string; broken: boolean; same: boolean; count: number };
  assert.match(message, /^(FLOE_IO writing .*No space left on device|FLOE_STORE_DATABASE .*full).* \| free some space/);
  assert.deepEqual({ broken, same }, { broken: false, same: true });
  assert.ok(count > 0);
  rmSync(root, { recursive: true, force: true });
});

test('what was damaged is found, and handed to the repair function', async () => {
  const store = openTestStore(folder);
  const good = objectOf('good', SAMPLE, store.storeDir);
  await store.addToStore(good.info, sourceOf(good.nar));
  const text = store.addTextSync('text', bytesOf('right'), []);
  const lost = store.addTextSync('lost', bytesOf('lost'), []);
  const needed = store.addTextSync('needed', bytesOf('needed'), []);
  store.addTextSync('user', bytesOf('user'), [needed]);
  rmSync(store.toRealPath(text), { force: true });
  writeFileSync(store.toRealPath(text), 'wrong');
  for (const path of [lost, needed]) rmSync(store.toRealPath(path), { force: true });
  assert.equal(await store.verify(), true);
  assert.equal(store.isValidPathSync(lost), false);
  const repaired: string[] = [];
  const hasErrors = await store.verify({ checkContents: true, repair: async (path) => void repaired.push(path) });
  assert.equal(hasErrors, false);
  assert.deepEqual(repaired.sort(), [needed, text].sort());
  store.closeSync();
});
