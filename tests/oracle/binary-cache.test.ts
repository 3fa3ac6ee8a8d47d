// Binary caches between C++ Nix and floe: floe builds nothing that a cache of C++ Nix has, over real HTTP; C++ Nix substitutes from a
// cache that floe wrote; what both say of a failing cache. FLOE_ORACLE names the command before `nix` and the like; skipped where unset.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { nodeIo } from '../../src/io/node.ts';
import { parseStorePath } from '../../src/model/store-path.ts';
import { openBinaryCache } from '../../src/store/binary-cache/open-cache.ts';
import { copyClosure } from '../../src/store/copy.ts';
import { openLocalStore } from '../../src/store/local/local-store.ts';
import { serveCache } from '../support/cache-server.ts';
import { temporaryFolder } from '../support/local-stores.ts';
import { runFloe } from '../support/run-floe.ts';

const oracle = process.env['FLOE_ORACLE'];
const skip = oracle === undefined ? 'FLOE_ORACLE names no Nix to compare with' : false;
const folder = temporaryFolder();
const storeDir = `${folder}/store`;

// NIX: 2.34.8 kills a builder that ends a moment after its output does; `true` at the end keeps the shell from running its last program
// in its own place.
const EXPRESSION = `
  let
    make = name: script: attrs: derivation ({ inherit name; system = builtins.currentSystem; builder = "/bin/sh"; PATH = "/bin:/usr/bin"; args = [ "-c" "\${script}; true" ]; } // attrs);
    base = make "base" "mkdir $out; echo base > $out/base" { };
    left = make "left" "mkdir $out; ln -s $base $out/base; echo $out > $out/self; head -c 100000 /bin/sh > $out/sh; chmod 755 $out/sh" { inherit base; };
    right = make "right" "mkdir -p $out $dev; ln -s $base $out/base; echo $left > $dev/left" { inherit base left; outputs = [ "out" "dev" ]; };
  in make "top" "mkdir $out; echo $left $right $text > $out/all" { inherit left right; text = builtins.toFile "text" "text"; }
`;

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Not spawnSync: the server of the cache runs in this process. */
async function nix(state: string, command: string, ...args: string[]): Promise<Run> {
  const env = {
    ...process.env,
    NIX_STORE_DIR: storeDir,
    NIX_STATE_DIR: `${folder}/${state}`,
    NIX_REMOTE: '',
    HOME: mkdtempSync(`${folder}/home-`),
  };
  const child = spawn('sh', ['-c', `exec ${oracle} "$@"`, 'sh', command, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (stderr += text));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout: stdout.trim(), stderr };
}

async function nixOk(state: string, command: string, ...args: string[]): Promise<string> {
  const run = await nix(state, command, ...args);
  assert.equal(run.status, 0, `${command} ${args.join(' ')}\n${run.stdout}\n${run.stderr}`);
  return run.stdout;
}

interface Built {
  readonly top: string;
  readonly derivation: string;
  readonly key: string;
}

let built: Promise<Built> | undefined;

/** Built once, by C++ Nix; the secret key lies in `secret`. */
function buildOnce(): Promise<Built> {
  return (built ??= (async () => {
    writeFileSync(`${folder}/expression.nix`, EXPRESSION);
    await nixOk('var', 'nix-store', '--generate-binary-cache-key', 'oracle-1', `${folder}/secret`, `${folder}/public`);
    const derivation = await nixOk('var', 'nix-instantiate', `${folder}/expression.nix`);
    const top = await nixOk('var', 'nix-build', '--no-out-link', `${folder}/expression.nix`);
    return { top, derivation, key: readFileSync(`${folder}/public`, 'utf8') };
  })());
}

/** floe over a new store with the same logical directory. Gives its root too. */
async function floe(...words: string[]): Promise<Run & { readonly root: string }> {
  const cwd = mkdtempSync(`${folder}/floe-`);
  const env = { HOME: cwd, PATH: process.env['PATH'], NIX_CONFIG: 'download-attempts = 2\nsandbox-paths = /bin /usr /lib /lib64' };
  const store = ['--store', `${cwd}/root?store=${storeDir}`];
  const { code, stdout, stderr } = await runFloe(['floe', ...words, ...store], { cwd, env });
  return { status: code, stdout: stdout.trim(), stderr, root: `${cwd}/root` };
}

async function writtenByNix(compression: string): Promise<string> {
  const { top } = await buildOnce();
  const place = mkdtempSync(`${folder}/cache-`);
  await nixOk('var', 'nix', 'copy', '--to', `file://${place}?compression=${compression}&secret-key=${folder}/secret`, top);
  return place;
}

for (const compression of ['xz', 'zstd', 'bzip2', 'br', 'gzip', 'none']) {
  test(`floe substitutes what C++ Nix packed with ${compression}`, { skip }, async () => {
    const { top, key } = await buildOnce();
    const server = await serveCache(await writtenByNix(compression));
    const flags = ['--substituters', server.url, '--trusted-public-keys', key];
    const { status, stdout, stderr, root } = await floe('build', '--no-link', '--print-out-paths', top, ...flags);
    assert.deepEqual([status, stdout], [0, top], stderr);
    assert.equal(stderr.match(/^copying path/gm)!.length, 5);
    await nixOk('var', 'nix-store', '--store', root, '--verify', '--check-contents');
    const infos = async (...more: string[]) =>
      JSON.parse(await nixOk('var', 'nix', 'path-info', '-r', '--json', '--json-format', '2', ...more, top)).info;
    const [mine, theirs] = [await infos('--store', root), await infos()];
    for (const [path, info] of Object.entries<Record<string, unknown>>(theirs)) {
      for (const member of ['narHash', 'narSize', 'references', 'deriver', 'ca']) assert.deepEqual(mine[path][member], info[member]);
    }
  });
}

test('what is in a cache is not built; without a good signature it is', { skip }, async () => {
  const { top, derivation, key } = await buildOnce();
  const place = await writtenByNix('zstd');
  const server = await serveCache(place);
  const words = ['build', '--no-link', '--print-out-paths', '-f', `${folder}/expression.nix`, '--substituters', server.url];
  const fetched = await floe(...words, '--trusted-public-keys', key);
  assert.deepEqual([fetched.status, fetched.stdout], [0, top], fetched.stderr);
  assert.doesNotMatch(fetched.stderr, /building/);
  const unsigned = await floe(...words, '--dry-run');
  assert.match(unsigned.stderr, /these 4 derivations will be built/);
  assert.match(
    unsigned.stderr,
    /ignoring substitute for '.*-top' from 'http.*', as it's not signed by any of the keys in 'trusted-public-keys'/,
  );
  const trusting = await floe(...words, '--no-require-sigs', '--dry-run');
  assert.match(trusting.stderr, /these \d paths will be fetched/);
  assert.doesNotMatch(trusting.stderr, /will be built/);
  // The plan is C++ Nix's.
  const theirs = await nix(
    'other',
    'nix',
    'build',
    '--store',
    mkdtempSync(`${folder}/other-`),
    '--no-link',
    '--dry-run',
    '-f',
    `${folder}/expression.nix`,
    '--substituters',
    server.url,
    '--trusted-public-keys',
    key,
  );
  assert.equal(fetched.stderr.replace(/^copying path.*\n/gm, '').trim(), theirs.stderr.trim());
  assert.ok(derivation.endsWith('.drv'));
});

test('a promised path that does not arrive: an error as in C++ Nix, or a build with --fallback', { skip }, async () => {
  const { top, key } = await buildOnce();
  const server = await serveCache(await writtenByNix('none'));
  const flags = ['--substituters', `${server.url}`, '--trusted-public-keys', key, '--option', 'download-attempts', '1'];
  const words = ['build', '--no-link', '-f', `${folder}/expression.nix`, ...flags];
  const left = (await nixOk('var', 'nix-store', '-qR', top)).split('\n').find((path) => path.endsWith('-left'))!;
  const narInfo = await (await fetch(`${server.url}/${left.slice(storeDir.length + 1, storeDir.length + 33)}.narinfo`)).text();
  const url = /^URL: (.*)$/m.exec(narInfo)![1]!;
  const proper = Buffer.from(await (await fetch(`${server.url}/${url}`)).arrayBuffer());
  server.faults.set(url, { body: Buffer.concat([proper.subarray(0, -8), Buffer.from('garbage!')]) });
  const mine = await floe(...words);
  const theirs = await nix('other', 'nix', ...words, '--store', mkdtempSync(`${folder}/other-`));
  const last =
    /some substitutes for the outputs of derivation '.*' failed \(usually happens due to networking issues\); try '--fallback' to build derivation from source/;
  assert.deepEqual([mine.status, theirs.status], [1, 1], `${mine.stderr}\n${theirs.stderr}`);
  assert.equal(last.exec(mine.stderr)?.[0], last.exec(theirs.stderr)![0], mine.stderr);
  const built = await floe(...words, '--fallback', '--print-out-paths');
  assert.deepEqual([built.status, built.stdout], [0, top], built.stderr);
  assert.match(built.stderr, /building '.*-left\.drv'/);
  // What was deleted counts as never there.
  server.faults.set(url, { status: 404 });
  const gone = await floe(...words, '--print-out-paths');
  assert.deepEqual([gone.status, gone.stdout], [0, top], gone.stderr);
  assert.match(gone.stderr, /file 'nar\/.*' does not exist in binary cache/);
});

test('C++ Nix substitutes from a cache that floe wrote', { skip }, async () => {
  const { top, key } = await buildOnce();
  const store = openLocalStore({ storeDir, stateDir: `${folder}/var`, reservedBytes: 4096 });
  for (const compression of ['xz', 'zstd', 'br', 'gzip', 'none']) {
    const place = mkdtempSync(`${folder}/mine-`);
    const settings = { downloadAttempts: 1, connectTimeoutS: 1, stalledDownloadTimeoutS: 1 };
    const url = `file://${place}?compression=${compression}&secret-key=${folder}/secret&write-nar-listing=true`;
    const cache = await openBinaryCache(url, { io: nodeIo(), storeDir, cwd: '/', settings });
    assert.equal((await copyClosure(store, cache.store, [parseStorePath(top, storeDir)])).length, 5);
    const theirs = await writtenByNix(compression);
    assert.deepEqual(
      readdirSync(place)
        .filter((name) => name.endsWith('.narinfo'))
        .sort(),
      readdirSync(theirs)
        .filter((name) => name.endsWith('.narinfo'))
        .sort(),
    );
    for (const name of readdirSync(theirs).filter((file) => file.endsWith('.narinfo'))) {
      // The same xz, and the same bytes of it.
      const plain = (text: string): string => (compression === 'xz' ? text : text.replace(/^(?:URL|FileHash|FileSize): .*\n/gm, ''));
      assert.equal(plain(readFileSync(`${place}/${name}`, 'latin1')), plain(readFileSync(`${theirs}/${name}`, 'latin1')));
    }
    const server = await serveCache(place);
    const root = mkdtempSync(`${folder}/theirs-`);
    mkdirSync(`${root}/x`);
    const state = mkdtempSync(`${folder}/state-`).slice(folder.length + 1);
    const printed = await nixOk(
      state,
      'nix',
      'build',
      '--store',
      `${root}/x`,
      '--no-link',
      '--print-out-paths',
      top,
      '--substituters',
      server.url,
      '--trusted-public-keys',
      key,
    );
    assert.equal(printed, top);
    await nixOk(state, 'nix-store', '--store', `${root}/x`, '--verify', '--check-contents');
    const listing = await nixOk(state, 'nix', 'store', 'ls', '--json', '-R', '--store', `file://${place}`, top);
    assert.deepEqual(
      JSON.parse(readFileSync(`${place}/${top.slice(storeDir.length + 1, storeDir.length + 33)}.ls`, 'utf8')).root,
      JSON.parse(listing),
    );
  }
  store.closeSync();
});

test('copy: into a cache and out of it, in words and files as C++ Nix has them', { skip }, async () => {
  const { top, key } = await buildOnce();
  const env = {
    HOME: mkdtempSync(`${folder}/home-`),
    PATH: process.env['PATH'],
    NIX_STORE_DIR: storeDir,
    NIX_STATE_DIR: `${folder}/var`,
    NIX_REMOTE: 'local',
  };
  const copy = (...words: string[]) => runFloe(['floe', 'copy', ...words], { cwd: folder, env });
  const [mine, theirs] = [mkdtempSync(`${folder}/mine-`), mkdtempSync(`${folder}/theirs-`)];
  const sorted = (text: string): string[] => text.trim().split('\n').sort();
  const options = `?compression=gzip&secret-key=${folder}/secret`;
  const said = await copy('--to', `file://${mine}${options}`, top);
  assert.equal(said.code, 0, said.stderr);
  const saidByNix = await nix('var', 'nix', 'copy', '--to', `file://${theirs}${options}`, top);
  assert.deepEqual(sorted(said.stderr.replaceAll(mine, 'CACHE')), sorted(saidByNix.stderr.replaceAll(theirs, 'CACHE')));
  assert.equal((await copy('--to', `file://${mine}${options}`, top)).stderr, '');
  await nixOk('var', 'nix', 'store', 'verify', '--store', `file://${mine}`, '-r', top, '--trusted-public-keys', key);

  const refused = await floe('copy', '--from', `file://${mine}`, top);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^error: cannot add path '.*' because it lacks a signature by a trusted key\n/);
  const fetched = await floe('copy', '--from', `file://${mine}`, top, '--trusted-public-keys', key);
  assert.equal(fetched.status, 0, fetched.stderr);
  await nixOk('var', 'nix-store', '--store', fetched.root, '--verify', '--check-contents');
  assert.equal((await floe('copy', '--from', `file://${mine}`, '--all', '--no-check-sigs')).status, 0);
  assert.match((await floe('copy', top)).stderr, /^error: you must pass '--from' and\/or '--to'\n/);
});
