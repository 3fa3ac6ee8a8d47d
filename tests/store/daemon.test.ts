// floe's own daemon: its store does what every store does, clients get what they may have and no more, and neither side dies of the
// other.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bytesOf } from '../../src/base/bytes.ts';
import { ProtocolError } from '../../src/base/errors.ts';
import { SILENT } from '../../src/base/progress.ts';
import { ClientInput } from '../../src/daemon/client-input.ts';
import { DaemonConnection } from '../../src/daemon/connection.ts';
import type { DaemonHost } from '../../src/daemon/host.ts';
import { Tunnel } from '../../src/daemon/tunnel.ts';
import { parseStorePath, parseStorePathBaseName } from '../../src/model/store-path.ts';
import { connectToDaemon } from '../../src/store/local/daemon-socket.ts';
import { WorkerStore } from '../../src/store/remote/worker-store.ts';
import { objectOf, SAMPLE, sourceOf, testStore } from '../conformance/store.ts';
import { startTestDaemon, type TestDaemon } from '../support/daemons.ts';
import { openTestStore, temporaryFolder } from '../support/local-stores.ts';
import { runFloe } from '../support/run-floe.ts';

const folder = temporaryFolder();
const floe = `env FLOE_DEV=1 ${fileURLToPath(new URL('../../bin/floe', import.meta.url))}`;
const FEATURES = 'experimental-features = daemon-trust-override';

/** A daemon within this process, and a store that asks it. */
async function openServed(): Promise<WorkerStore> {
  const store = openTestStore(folder);
  const never = (): never => assert.fail('nothing is built here');
  const host: DaemonHost = {
    store,
    nixVersion: '2.34.8',
    applySettings() {},
    isSignedWell: async () => true,
    missing: never,
    build: never,
    buildOrFail: never,
    buildDerivation: never,
    derivationOutputs: never,
    substitutable: never,
    collectGarbage: never,
    verify: never,
    addBuildLog: never,
  };
  const socket = join(mkdtempSync(join(folder, 'served-')), 's');
  const server = createServer((connection) => {
    const send = (bytes: Uint8Array): void => void connection.write(bytes);
    const tunnel = new Tunnel(send, process.pid);
    const options = { input: new ClientInput(connection), send, host, tunnel, isTrusted: true, onLost() {} };
    void new DaemonConnection(options).run();
  });
  server.listen(socket);
  await once(server, 'listening');
  after(() => server.close());
  return new WorkerStore({ storeDir: store.storeDir, uri: 'test', progress: SILENT, connect: () => connectToDaemon(socket) });
}

testStore("floe's daemon", openServed, { errorsAreText: true });

/** Runs floe as a client of a daemon. */
async function client(daemon: TestDaemon, ...words: string[]): Promise<{ out: string; err: string; code: number }> {
  const env = {
    FLOE_DEV: '1',
    PATH: process.env['PATH']!,
    HOME: join(folder, 'home'),
    NIX_CONF_DIR: folder,
    NIX_STORE_DIR: daemon.storeDir,
    NIX_STATE_DIR: daemon.stateDir,
    NIX_REMOTE: `unix://${daemon.socket}`,
  };
  const { stdout, stderr, code } = await runFloe(words, { cwd: folder, env });
  return { out: stdout.trim(), err: stderr, code };
}

writeFileSync(
  join(folder, 'x.nix'),
  `let make = name: script: derivation { inherit name; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" script ]; };
   in rec { good = make "good" "echo good; echo good > $out"; bad = make "bad" "echo no; exit 7"; slow = make "slow" "PATH=/usr/bin:/bin; sleep 100; echo > $out";
     text = builtins.readFile good; }`,
);

describe('builds through the daemon', () => {
  test('outputs, logs, failures, import from derivation, roots', async () => {
    const daemon = await startTestDaemon(folder, `${floe} daemon`);
    const planned = await client(daemon, 'nix', 'build', '-f', 'x.nix', 'good', '--dry-run');
    assert.match(planned.err, /^this derivation will be built:\n {2}\/.*-good\.drv$/m);
    const built = await client(daemon, 'nix', 'build', '-f', 'x.nix', 'good', '-o', 'result', '--print-out-paths', '-L');
    assert.equal(built.code, 0, built.err);
    assert.match(built.err, /good> good/);
    assert.equal(readFileSync(built.out, 'utf8'), 'good\n');
    assert.equal((await client(daemon, 'nix', 'eval', '--raw', '--impure', '-f', 'x.nix', 'text')).out, 'good');
    const failed = await client(daemon, 'nix', 'build', '-f', 'x.nix', 'bad', '--no-link');
    assert.equal(failed.code, 1);
    assert.match(failed.err, /Reason: builder failed with exit code 7/);
    assert.match((await client(daemon, 'nix-store', '--query', '--roots', built.out)).out, /\/result -> .*-good$/);
    assert.equal((await client(daemon, 'nix-store', '--gc')).code, 0);
    assert.equal((await client(daemon, 'nix', 'store', 'info')).code, 0);
    assert.equal(readFileSync(built.out, 'utf8'), 'good\n');
  });

  test('a tree with files of several thousand bytes arrives as it is', async () => {
    const daemon = await startTestDaemon(folder, `${floe} daemon`);
    const tree = mkdtempSync(join(folder, 'tree-'));
    const names = ['a', 'b', 'c', 'd'];
    for (const [index, name] of names.entries()) writeFileSync(join(tree, name), name.repeat(5000 + 3000 * index));
    const store = daemon.open();
    const added = store.addTreeSync({ path: tree, name: 'tree', method: 'nar' });
    for (const name of names)
      assert.equal(readFileSync(join(store.toRealPath(added), name), 'utf8'), readFileSync(join(tree, name), 'utf8'));
    await store.close();
  });

  test('a trusted client may do without signatures', async () => {
    const daemon = await startTestDaemon(folder, `${floe} daemon`, 'require-sigs = true');
    const cache = `file://${mkdtempSync(join(folder, 'cache-'))}`;
    const { out } = await client(daemon, 'nix', 'build', '-f', 'x.nix', 'good', '--no-link', '--print-out-paths');
    assert.equal((await client(daemon, 'nix', 'copy', '--to', cache, out)).code, 0);
    assert.equal((await client(daemon, 'nix-store', '--delete', out)).code, 0);
    const unsigned = await client(daemon, 'nix', 'build', out, '--no-link', '--substituters', cache);
    assert.equal(unsigned.code, 1);
    assert.match(unsigned.err, /it's not signed by any of the keys in 'trusted-public-keys'/);
    assert.equal((await client(daemon, 'nix', 'build', out, '--no-link', '--substituters', cache, '--no-require-sigs')).code, 0);
    assert.ok(existsSync(out));
  });

  test('a client that is gone takes its builds with it; a daemon that is gone is said so', async () => {
    const daemon = await startTestDaemon(folder, `${floe} daemon`);
    const { out } = await client(daemon, 'nix-instantiate', '--no-gc-warning', 'x.nix', '-A', 'slow');
    const store = daemon.open();
    const derivation = parseStorePath(out, daemon.storeDir);
    const abort = new AbortController();
    const building = store.buildPaths([{ kind: 'built', derivation, outputs: 'all' }], 'normal', { signal: abort.signal });
    while (!existsSync(`${daemon.storeDir}/${parseStorePath(out, daemon.storeDir)}.lock`) && servers(daemon).length === 0) await sleep(50);
    await sleep(500);
    abort.abort();
    await assert.rejects(building, /interrupted/);
    // The lock of the build is free again.
    const again = new AbortController();
    const second = store.buildPaths([{ kind: 'built', derivation, outputs: 'all' }], 'normal', { signal: again.signal });
    await sleep(1000);
    again.abort();
    await assert.rejects(second, /interrupted/);
    await store.close();
    await daemon.stop();
    await assert.rejects(daemon.open().connect(), /cannot connect to socket at .*Connection refused|No such file/);
  });

  test('a daemon process that is killed', async () => {
    const daemon = await startTestDaemon(folder, `${floe} daemon`);
    const { out } = await client(daemon, 'nix-instantiate', '--no-gc-warning', 'x.nix', '-A', 'slow');
    const store = daemon.open();
    const building = store.buildPaths([{ kind: 'built', derivation: parseStorePath(out, daemon.storeDir), outputs: 'all' }], 'normal');
    // Asked and answered: the second process serves the build.
    await store.queryValidPaths([]);
    while (servers(daemon).length < 2) await sleep(50);
    const pids = servers(daemon);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await assert.rejects(building, ProtocolError);
    // So was the conversation that blocks; the next question finds a new one.
    await assert.rejects(store.queryValidPaths([]), ProtocolError);
    assert.deepEqual(await store.queryValidPaths([]), new Set());
    await store.close();
  });
});

/** Processes that serve clients of a daemon. */
function servers(daemon: TestDaemon): number[] {
  const pids = readFileSync(`/proc/${daemon.child.pid}/task/${daemon.child.pid}/children`, 'utf8');
  return pids.split(' ').filter(Boolean).map(Number);
}

describe('clients that are not trusted', () => {
  test('may build and add what follows from its content, and no more', async () => {
    const daemon = await startTestDaemon(folder, `${floe} daemon --force-untrusted`, `require-sigs = true\n${FEATURES}`);
    const store = daemon.open();
    assert.equal((await store.connect()).isTrusted, false);
    const { info, nar } = objectOf('sample', SAMPLE, daemon.storeDir);
    await store.addToStore(info, sourceOf(nar), { checkSignatures: false });
    const unsigned = { ...info, path: parseStorePathBaseName(info.path.replace(/^.{4}/, '0000')), contentAddress: undefined };
    await assert.rejects(store.addToStore(unsigned, sourceOf(nar), { checkSignatures: false }), /lacks a signature by a trusted key/);
    await assert.rejects(store.addBuildLog(info.path, bytesOf('x')), /not privileged to add logs/);
    await assert.rejects(store.verify({ repair: async () => {} }), /not privileged to repair/);
    await assert.rejects(store.buildPaths([{ kind: 'opaque', path: info.path }], 'repair'), /repairing is not allowed/);
    assert.equal((await store.queryPathInfo(info.path))?.path, info.path);
    await store.close();
    const built = await client(daemon, 'nix', 'build', '-f', 'x.nix', 'good', '--no-link', '--option', 'sandbox', 'false', '--cores', '3');
    assert.equal(built.code, 0, built.err);
    assert.match(built.err, /ignoring the client-specified setting 'sandbox', because it is a restricted setting/);
    assert.match((await client(daemon, 'nix', 'store', 'info')).err, /Trusted: 0/);
  });

  test('whoever is not among allowed-users is turned away', async () => {
    const daemon = await startTestDaemon(folder, `${floe} daemon`, 'allowed-users = nobody-at-all\ntrusted-users = nobody-at-all');
    const { err, code } = await client(daemon, 'nix', 'store', 'info');
    assert.equal(code, 1);
    assert.match(err, /cannot open connection to remote store 'unix:.*disconnected unexpectedly/);
    for (let round = 0; daemon.log() === '' && round < 100; round++) await sleep(50);
    assert.match(daemon.log(), /is not allowed to connect to the Nix daemon/);
  });
});
