// One store, two programs: C++ Nix opens, verifies, builds and collects in a store that floe made, floe in one that C++ Nix made, and
// both at the same time. FLOE_ORACLE names the command before `nix-store` and the like; skipped where it is unset.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { bytesOf } from '../../src/base/bytes.ts';
import { parseJson } from '../../src/base/canonical-json.ts';
import { printHash } from '../../src/base/hash.ts';
import { derivationType } from '../../src/model/derivation-hash.ts';
import { pathInfoFromJson, pathInfoToJson } from '../../src/model/path-info.ts';
import { parseStorePath, type StorePath } from '../../src/model/store-path.ts';
import { queryClosure } from '../../src/store/closure.ts';
import { copyClosure } from '../../src/store/copy.ts';
import { inspectTree } from '../../src/store/local/inspect-tree.ts';
import { type LocalStore, openLocalStore } from '../../src/store/local/local-store.ts';
import { objectOf, SAMPLE, sourceOf } from '../conformance/store.ts';
import { chrootStoreOptions, openTestStore, temporaryFolder } from '../support/local-stores.ts';

const oracle = process.env['FLOE_ORACLE'];
const skip = oracle === undefined ? 'FLOE_ORACLE names no Nix to compare with' : false;
const folder = temporaryFolder();

/** A store without chroot, in which C++ Nix can build without a sandbox: logical and real folders are the same. */
function plainOptions(): { storeDir: string; stateDir: string; reservedBytes: number } {
  const root = mkdtempSync(`${folder}/plain-`);
  return { storeDir: `${root}/store`, stateDir: `${root}/var`, reservedBytes: 4096 };
}

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function environment(dirs: { storeDir: string; stateDir: string }): NodeJS.ProcessEnv {
  return { ...process.env, NIX_STORE_DIR: dirs.storeDir, NIX_STATE_DIR: dirs.stateDir, NIX_REMOTE: '' };
}

function nix(dirs: { storeDir: string; stateDir: string }, command: string, ...args: string[]): Run {
  const run = spawnSync('sh', ['-c', `exec ${oracle} "$@"`, 'sh', command, ...args], { encoding: 'utf8', env: environment(dirs) });
  return { status: run.status, stdout: run.stdout, stderr: run.stderr };
}

function nixOk(dirs: { storeDir: string; stateDir: string }, command: string, ...args: string[]): string {
  const run = nix(dirs, command, ...args);
  assert.equal(run.status, 0, `${command} ${args.join(' ')}\n${run.stdout}\n${run.stderr}`);
  return run.stdout.trim();
}

const verifies = (dirs: { storeDir: string; stateDir: string }) => nixOk(dirs, 'nix-store', '--verify', '--check-contents');

// NIX: 2.34.8 kills a builder that ends a moment after its output does; `true` at the end keeps the shell from running its last program
// in its own place.
const EXPRESSION = `
  let
    make = name: attrs: derivation ({ inherit name; system = builtins.currentSystem; builder = "/bin/sh"; } // attrs);
    source = builtins.toFile "source" "a source\\n";
    base = make "base" { args = [ "-c" "mkdir $out; cp $source $out/source; echo $out > $out/self; true" ]; inherit source; PATH = "/bin:/usr/bin"; outputs = [ "out" ]; };
    fixed = make "fixed" { args = [ "-c" "echo fixed > $out; true" ]; outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = builtins.hashString "sha256" "fixed\\n"; };
  in make "top" { args = [ "-c" "mkdir $out $dev; ln -s $base/source $out/link; echo $fixed > $dev/fixed; echo '#! /bin/sh' > $out/run; chmod 755 $out/run; true" ]; inherit base fixed; PATH = "/bin:/usr/bin"; outputs = [ "out" "dev" ]; }
`;

function instantiate(dirs: { storeDir: string; stateDir: string }): StorePath {
  writeFileSync(`${folder}/expression.nix`, EXPRESSION);
  return parseStorePath(nixOk(dirs, 'nix-instantiate', `${folder}/expression.nix`), dirs.storeDir);
}

/** What C++ Nix says of every path, as floe's infos; floe must say the same. */
async function compareInfos(dirs: { storeDir: string; stateDir: string }, store: LocalStore): Promise<number> {
  const json = parseJson(nixOk(dirs, 'nix', 'path-info', '--all', '--json', '--json-format', '2'), 'path-info') as ReadonlyMap<
    string,
    ReadonlyMap<string, never>
  >;
  const infos = json.get('info')!;
  assert.deepEqual([...infos.keys()].sort(), (await store.queryAllValidPaths()).sort());
  for (const [path, value] of infos as ReadonlyMap<StorePath, never>) {
    const mine = store.requirePathInfoSync(path);
    assert.deepEqual(mine, pathInfoFromJson(path, value, dirs.storeDir));
    assert.equal(pathInfoToJson(mine, dirs.storeDir, 2)['narHash'], printHash(mine.narHash, 'sri'));
  }
  return infos.size;
}

test('C++ Nix builds, verifies and collects in a store that floe made', { skip }, async () => {
  // Derivations come from a second store of the same logical name, which C++ Nix made and floe reads.
  const dirs = plainOptions();
  const origin = { ...dirs, realStoreDir: `${folder}/origin/store`, stateDir: `${folder}/origin/var` };
  mkdirSync(origin.realStoreDir, { recursive: true });
  writeFileSync(`${folder}/expression.nix`, EXPRESSION);
  const url = `local?real=${origin.realStoreDir}&state=${origin.stateDir}`;
  const top = parseStorePath(nixOk(dirs, 'nix-instantiate', '--store', url, `${folder}/expression.nix`), dirs.storeDir);
  const from = openLocalStore(origin);
  const store = openLocalStore(dirs);
  assert.equal((await copyClosure(from, store, [top])).length, 4);
  from.closeSync();

  const outputs = nixOk(dirs, 'nix-store', '-r', store.printPath(top)).split('\n');
  assert.equal(outputs.length, 2);
  assert.deepEqual([...store.queryDerivationOutputsSync(top).values()].map((path) => store.printPath(path)).sort(), outputs.sort());
  verifies(dirs);
  assert.equal(await compareInfos(dirs, store), 8);
  // floe's view of what C++ Nix built: hash, size and references in one pass.
  const candidates = await store.queryAllValidPaths();
  for (const output of outputs) {
    const path = parseStorePath(output, dirs.storeDir);
    const info = store.requirePathInfoSync(path);
    assert.equal(info.deriver, top);
    const { narHash, narSize, references } = inspectTree(store.toRealPath(path), candidates);
    assert.deepEqual({ narHash, narSize, references }, { narHash: info.narHash, narSize: info.narSize, references: info.references });
  }
  assert.equal(await store.verify({ checkContents: true }), false);
  store.closeSync();

  nixOk(dirs, 'nix-store', '--gc');
  const again = openLocalStore(dirs);
  assert.deepEqual(await again.queryAllValidPaths(), []);
  again.closeSync();
});

test('floe works in a store that C++ Nix made', { skip }, async () => {
  const dirs = plainOptions();
  const top = instantiate(dirs);
  const link = `${dirs.stateDir}/../result`;
  nixOk(dirs, 'nix-store', '-r', `${dirs.storeDir}/${top}`, '--add-root', link);
  const store = openLocalStore(dirs);
  await compareInfos(dirs, store);
  assert.equal(await store.verify({ checkContents: true }), false);
  for (const path of await store.queryAllValidPaths()) if (path.endsWith('.drv')) assert.ok(derivationType(store.readDerivationSync(path)));
  const { info, nar } = objectOf('sample', SAMPLE, store.storeDir);
  await store.addToStore(info, sourceOf(nar));
  writeFileSync(`${folder}/hello`, 'hello');
  const tree = store.addTreeSync({ path: `${folder}/hello`, name: 'hello', method: 'nar' });
  assert.equal(nixOk(dirs, 'nix-store', '--add', `${folder}/hello`), store.printPath(tree));
  assert.deepEqual(
    store.computeTreePathSync({ path: `${folder}/hello`, name: 'hello', method: 'flat', algorithm: 'sha1' }).path,
    parseStorePath(nixOk(dirs, 'nix-store', '--add-fixed', 'sha1', `${folder}/hello`), dirs.storeDir),
  );
  await store.addRootLink(tree, `${dirs.stateDir}/../tree`);
  verifies(dirs);
  await compareInfos(dirs, store);
  // Both see the same roots and the same garbage.
  const roots = [...store.findRoots()]
    .filter(([, from]) => ![...from].every((one) => one.startsWith('{temp:')))
    .map(([path]) => store.printPath(path));
  assert.deepEqual(
    roots.sort(),
    [
      ...new Set(
        nixOk(dirs, 'nix-store', '--gc', '--print-roots')
          .split('\n')
          .filter((line) => !line.includes('{temp:'))
          .map((line) => line.split(' -> ')[1]!),
      ),
    ].sort(),
  );
  store.closeSync();
  const fresh = openLocalStore(dirs);
  const dead = (await fresh.collectGarbage({ action: 'return-dead' })).paths;
  assert.deepEqual(dead, nixOk(dirs, 'nix-store', '--gc', '--print-dead').split('\n').sort());
  assert.deepEqual(
    (await fresh.collectGarbage({ action: 'return-live' })).paths,
    nixOk(dirs, 'nix-store', '--gc', '--print-live').split('\n').sort(),
  );
  assert.deepEqual((await fresh.collectGarbage({ action: 'delete-dead' })).paths.sort(), dead);
  verifies(dirs);
  fresh.closeSync();
});

test('both write at the same time', { skip }, async () => {
  const dirs = plainOptions();
  const store = openLocalStore(dirs);
  for (let i = 0; i < 40; i++) writeFileSync(`${folder}/both-${i}`, `both ${i}\n`);
  const files = Array.from({ length: 40 }, (_, i) => `${folder}/both-${i}`);
  const script = `exec ${oracle} bash -c 'for f in "$@"; do nix-store --add "$f" || exit 1; done' bash "$@"`;
  const other = spawn('sh', ['-c', script, 'sh', ...files], { env: environment(dirs), stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(other, 'close') as Promise<[number]>;
  let printed = '';
  other.stdout.setEncoding('utf8').on('data', (text: string) => void (printed += text));
  const mine: string[] = [];
  // From the other end, so that both meet in the middle.
  for (const file of files.toReversed()) {
    mine.push(store.printPath(store.addTreeSync({ path: file, name: file.slice(file.lastIndexOf('/') + 1), method: 'nar' })));
    store.addTextSync(`text-of-${mine.length}`, bytesOf('x'), []);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  const [status] = await ended;
  assert.equal(status, 0);
  assert.deepEqual(printed.trim().split('\n').sort(), mine.sort());
  verifies(dirs);
  assert.equal(await store.verify({ checkContents: true }), false);
  await compareInfos(dirs, store);
  store.closeSync();
});

test("each keeps its hands off the other's temporary roots and locks", { skip }, async () => {
  const dirs = plainOptions();
  const store = openLocalStore(dirs);
  const path = store.addTextSync('mine', bytesOf('mine'), []);
  assert.match(nixOk(dirs, 'nix-store', '--gc', '--print-roots'), new RegExp(`\\{temp:${process.pid}\\}"? -> ${store.printPath(path)}`));
  assert.match(nixOk(dirs, 'nix-store', '--gc'), /^0 store paths deleted/);
  assert.ok(existsSync(store.toRealPath(path)));
  assert.match(nix(dirs, 'nix-store', '--delete', store.printPath(path)).stderr, /still alive/);

  // A path that floe has locked: C++ Nix waits with its import.
  writeFileSync(`${folder}/locked`, 'locked');
  const { path: locked } = store.computeTreePathSync({ path: `${folder}/locked`, name: 'locked', method: 'nar' });
  const locks = (await store.lockPaths([locked], { wait: true }))!;
  const adding = spawn('sh', ['-c', `exec ${oracle} nix-store --add "$1"`, 'sh', `${folder}/locked`], {
    env: environment(dirs),
    stdio: 'ignore',
  });
  const ended = once(adding, 'close');
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(store.isValidPathSync(locked), false);
  locks.release();
  assert.deepEqual((await ended)[0], 0);
  assert.equal(store.isValidPathSync(locked), true);
  store.closeSync();
});

test('roots that come while the other collects', { skip }, async () => {
  const dirs = plainOptions();
  const store = openLocalStore(dirs);
  const garbage = store.addTextSync('garbage', bytesOf('garbage'), []);
  const wanted = store.addTextSync('wanted', bytesOf('wanted'), []);
  store.closeSync();

  // C++ Nix collects, halted where it has found its roots; floe tells it one more over the socket.
  const fifo = `${folder}/fifo`;
  spawnSync('mkfifo', [fifo]);
  const collecting = spawn('sh', ['-c', `exec ${oracle} nix-store --gc`], {
    env: { ...environment(dirs), _NIX_TEST_GC_SYNC_2: fifo },
    stdio: 'ignore',
  });
  const collected = once(collecting, 'close');
  const second = openLocalStore(dirs);
  while (!existsSync(`${dirs.stateDir}/gc-socket/socket`)) await new Promise((resolve) => setTimeout(resolve, 20));
  await second.addTempRoots([wanted]);
  writeFileSync(fifo, 'go');
  assert.deepEqual((await collected)[0], 0);
  assert.deepEqual([second.isValidPathSync(garbage), second.isValidPathSync(wanted)], [false, true]);
  assert.ok(existsSync(second.toRealPath(wanted)));

  // floe collects, C++ Nix adds what is about to be deleted.
  writeFileSync(`${folder}/late`, 'late');
  for (let i = 0; i < 300; i++) second.addTextSync(`garbage-${i}`, bytesOf(String(i)), []);
  const late = second.addTreeSync({ path: `${folder}/late`, name: 'late', method: 'nar' });
  second.closeSync();
  const third = openLocalStore(dirs);
  const adding = spawn('sh', ['-c', `exec ${oracle} nix-store --add "$1"`, 'sh', `${folder}/late`], {
    env: environment(dirs),
    stdio: 'ignore',
  });
  const added = once(adding, 'close');
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
  await third.collectGarbage({ action: 'delete-dead' });
  assert.deepEqual((await added)[0], 0);
  assert.equal(third.isValidPathSync(late), existsSync(third.toRealPath(late)));
  verifies(dirs);
  third.closeSync();
});

test('a private store (chroot) of floe is one for `--store`', { skip }, async () => {
  const store = openTestStore(folder, { autoOptimise: () => true });
  const { info, nar } = objectOf('sample', SAMPLE, store.storeDir);
  await store.addToStore(info, sourceOf(nar));
  store.addTextSync('text', bytesOf('text'), [info.path]);
  await store.optimise();
  const dirs = { storeDir: '/nix/store', stateDir: '/nix/var/nix' };
  nixOk(dirs, 'nix-store', '--store', store.uri, '--verify', '--check-contents');
  assert.equal(nixOk(dirs, 'nix', '--store', store.uri, 'store', 'cat', `/nix/store/${info.path}/share/doc/readme`), 'words');
  const copied = mkdtempSync(`${folder}/copied-`);
  nixOk(dirs, 'nix', 'copy', '--no-check-sigs', '--all', '--from', store.uri, '--to', copied);
  const copy = openLocalStore(chrootStoreOptions(copied));
  const closure = await queryClosure(copy, await copy.queryAllValidPaths());
  assert.equal(closure.size, 2);
  assert.equal(readFileSync(`${copied}/nix/store/${info.path}/share/doc/readme`, 'utf8'), 'words');
  copy.closeSync();
  store.closeSync();
});
