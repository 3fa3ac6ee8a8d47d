// Binary caches: one that C++ Nix 2.34.8 wrote (tests/store/cache, each path in another compression) is read from its folder and over real
// HTTP, from servers that misbehave too; caches that floe writes do what every store does.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bytesOf } from '../../src/base/bytes.ts';
import { FloeError } from '../../src/base/errors.ts';
import { type Progress, SILENT } from '../../src/base/progress.ts';
import { nodeIo } from '../../src/io/node.ts';
import { makeSecretKey } from '../../src/model/signing.ts';
import { hashBytes } from '../../src/base/hash.ts';
import { parsePublicKeys, printKey, publicKeyOf } from '../../src/model/signature.ts';
import { parseStorePathBaseName, type StorePath, storePathHash, storePathName } from '../../src/model/store-path.ts';
import { Connections } from '../../src/store/binary-cache/connections.ts';
import type { NarInfoCacheOptions } from '../../src/store/binary-cache/narinfo-cache.ts';
import { openBinaryCache, type OpenCacheOptions, type OpenedCache } from '../../src/store/binary-cache/open-cache.ts';
import { copyClosure } from '../../src/store/copy.ts';
import type { LocalStore } from '../../src/store/local/local-store.ts';
import { Substitution } from '../../src/store/substitute.ts';
import { objectOf, readAll, SAMPLE, sourceOf, testStore } from '../conformance/store.ts';
import { type CacheServer, serveCache } from '../support/cache-server.ts';
import { openTestStore, temporaryFolder } from '../support/local-stores.ts';

const CACHE = fileURLToPath(new URL('cache', import.meta.url));
const KEY = 'fixture-1:i6CDKdYsSzLVfmeia57gEWvHrnjMp5tVHU1duPzuyxM=';
const STORE_DIR = '/tmp/floe-fixture/store';
const path = (text: string): StorePath => parseStorePathBaseName(text);
const ALL = path('plbhc080a06fb4dhbgpzzrwizx3a7y94-all');
const PARTS: readonly StorePath[] = [
  '4095wpzpb99am53w9c1yfww2miaws7wg-zstd',
  'a3mb30wnqv27znv0q0i7zcyb62a3lpim-br',
  'c1a1gfc3nf66diy318fi46694w0x1v4q-xz',
  'fanb5dvjgp9p5zichswr795k08s31p7g-gzip',
  'rc3kfjkx5p15vx1kzp5p011ajzzllkm3-none',
  'wsf5vszn5hilbr2p442y2pbxn9ighc52-bzip2',
].map(path);
const XZ = PARTS[2]!;
const NOTHING = path(`${'0'.repeat(32)}-nothing`);
const folder = temporaryFolder();
const io = nodeIo();
const PATIENCE = { downloadAttempts: 3, connectTimeoutS: 1, stalledDownloadTimeoutS: 1 };

/** Log lines and activities, as they came. */
class Transcript implements Progress {
  readonly lines: string[] = [];
  readonly started: string[] = [];
  log(level: string, text: string): void {
    this.lines.push(`${level}: ${text}`);
  }
  start(type: string, text: string): ReturnType<Progress['start']> {
    this.started.push(`${type} ${text}`);
    return { result() {}, stop() {} };
  }
  get warnings(): string[] {
    return this.lines.filter((line) => /^(?:warn|error): /.test(line));
  }
}

interface Bench {
  readonly store: LocalStore;
  readonly substitution: Substitution;
  readonly transcript: Transcript;
  /** One closure, references first. Gives what went wrong, in words. */
  fetch(path: StorePath): Promise<true | string>;
}

function cacheOptions(more: Partial<OpenCacheOptions> = {}): OpenCacheOptions {
  return { io, storeDir: STORE_DIR, cwd: '/', settings: PATIENCE, connections: new Connections(4), progress: SILENT, ...more };
}

/** A new store that substitutes from caches. */
function bench(urls: readonly string[], more: Partial<OpenCacheOptions> & { keys?: readonly string[] | undefined } = {}): Bench {
  const { keys = [KEY], ...options } = more;
  const transcript = new Transcript();
  const store = openTestStore(folder, { storeDir: STORE_DIR });
  const open = () => Promise.all(urls.map((url) => openBinaryCache(url, cacheOptions({ progress: transcript, ...options }))));
  const trustedKeys = keys.length === 0 ? undefined : parsePublicKeys(keys);
  const substitution = new Substitution({ destination: store, open, trustedKeys, progress: transcript });
  const never = new AbortController().signal;
  const fetchOne = async (wanted: StorePath): Promise<void> => {
    const info = (await substitution.query([wanted])).get(wanted);
    if (info === undefined) throw new FloeError('NONE', `nobody has ${storePathName(wanted)}`);
    for (const reference of info.references) if (reference !== wanted && !store.isValidPathSync(reference)) await fetchOne(reference);
    if (!(await substitution.substitute(wanted, { repair: false, signal: never }))) throw new FloeError('GONE', 'nobody has it after all');
  };
  const fetch = async (wanted: StorePath): Promise<true | string> => {
    try {
      await fetchOne(wanted);
      return true;
    } catch (error) {
      if (error instanceof FloeError) return error.message;
      throw error;
    }
  };
  return { store, substitution, transcript, fetch };
}

async function isWhole({ store }: Bench): Promise<void> {
  assert.deepEqual((await store.queryAllValidPaths()).sort(), [...PARTS, ALL].sort());
  assert.equal(await store.verify({ checkContents: true }), false);
  const real = store.toRealPath(ALL);
  assert.equal(readlinkSync(`${real}/c1a1gfc3nf66diy318fi46694w0x1v4q-xz`), store.printPath(XZ));
  assert.match(readFileSync(`${real}/bin/self`, 'latin1'), new RegExp(`echo ${store.printPath(ALL)}`));
  const info = store.requirePathInfoSync(ALL);
  assert.deepEqual(info.references, [...PARTS, ALL].sort());
  assert.equal(storePathName(info.deriver!), 'all.drv');
  assert.equal(info.signatures.length, 1);
  assert.equal(info.ultimate, false);
  store.closeSync();
}

/** A copy of the fixture that a test may damage. */
function ownCache(): string {
  const copy = mkdtempSync(`${folder}/cache-`);
  cpSync(CACHE, copy, { recursive: true });
  return copy;
}

function narOf(wanted: StorePath): string {
  return /^URL: (.*)$/m.exec(readFileSync(`${CACHE}/${storePathHash(wanted)}.narinfo`, 'latin1'))![1]!;
}

const narInfoOf = (wanted: StorePath): string => `${storePathHash(wanted)}.narinfo`;

function memoryOptions(more: Partial<NarInfoCacheOptions> = {}): NarInfoCacheOptions {
  const place = mkdtempSync(`${folder}/memory-`);
  return { files: io.files, folder: place, positiveTtlS: 1000, negativeTtlS: 100, metaTtlS: 1000, now: io.now, ...more };
}

testStore(
  'binary cache in a folder',
  async () => {
    const { store } = await openBinaryCache(`file://${mkdtempSync(`${folder}/written-`)}`, cacheOptions({ storeDir: '/nix/store' }));
    return store;
  },
  { remembersTimes: false },
);

test('a cache of C++ Nix, from its folder', async () => {
  const it = bench([`file://${CACHE}`]);
  assert.deepEqual([...(await it.substitution.query([ALL, NOTHING])).keys()], [ALL]);
  assert.equal((await it.substitution.query([XZ])).get(XZ)!.downloadSize, 196);
  assert.equal(await it.fetch(ALL), true);
  assert.deepEqual(it.transcript.warnings, []);
  assert.equal(it.transcript.started.filter((line) => line.startsWith('copy-path copying path')).length, 7);
  await isWhole(it);
});

test('the same over HTTP, with a bound on connections', async () => {
  const server = await serveCache(CACHE);
  for (const part of PARTS) server.faults.set(narInfoOf(part), { delayMs: 20 });
  const it = bench([`${server.url}/`], { connections: new Connections(2) });
  const infos = await it.substitution.query([...PARTS, ALL, NOTHING]);
  assert.equal(infos.size, 7);
  assert.equal(server.peak, 2);
  assert.equal(await it.fetch(ALL), true);
  assert.deepEqual(it.transcript.warnings, []);
  // Nothing is asked twice.
  assert.equal(server.requests.length, new Set(server.requests).size);
  await isWhole(it);
});

test('signatures: of the trusted keys alone, unless the cache is trusted or none are wanted', async () => {
  const other = printKey(publicKeyOf(makeSecretKey('fixture-1', new Uint8Array(32).fill(1))));
  const refused = bench([`file://${CACHE}`], { keys: [other] });
  assert.equal(await refused.fetch(XZ), 'nobody has xz');
  assert.equal(await refused.fetch(XZ), 'nobody has xz');
  assert.deepEqual(refused.transcript.lines, [
    `warn: ignoring substitute for '${STORE_DIR}/${XZ}' from 'file://${CACHE}', as it's not signed by any of the keys in 'trusted-public-keys'`,
  ]);
  assert.equal(await bench([`file://${CACHE}?trusted=1`], { keys: [other] }).fetch(XZ), true);
  assert.equal(await bench([`file://${CACHE}`], { keys: [] }).fetch(XZ), true);
  // A narinfo changed after it was signed.
  const forged = ownCache();
  const text = readFileSync(`${forged}/${narInfoOf(XZ)}`, 'latin1');
  writeFileSync(`${forged}/${narInfoOf(XZ)}`, text.replace(/^NarSize: .*$/m, 'NarSize: 897'));
  assert.equal(await bench([`file://${forged}`]).fetch(XZ), 'nobody has xz');
});

test('a cache that lies is passed over for the next', async () => {
  const lying = ownCache();
  writeFileSync(
    `${lying}/${narOf(PARTS[4]!)}`,
    readFileSync(`${lying}/${narOf(PARTS[4]!)}`, 'latin1').replaceAll('packed', 'pecked'),
    'latin1',
  );
  writeFileSync(`${lying}/${narOf(XZ)}`, readFileSync(`${lying}/${narOf(XZ)}`).subarray(0, 100));
  writeFileSync(`${lying}/${narInfoOf(PARTS[1]!)}`, readFileSync(`${lying}/${narInfoOf(PARTS[3]!)}`));
  writeFileSync(`${lying}/${narInfoOf(PARTS[5]!)}`, 'no narinfo at all');
  const it = bench([`file://${lying}?priority=1`, `file://${CACHE}?priority=2`]);
  assert.equal(await it.fetch(ALL), true);
  const warnings = it.transcript.warnings.map((line) =>
    line
      .split('\n')[0]!
      .replaceAll(lying, 'LYING')
      .replace(/nar\/.*(?=')/, 'NAR'),
  );
  assert.deepEqual(warnings.sort(), [
    "error: error: hash mismatch in 'file://LYING/NAR';",
    "error: error: hash mismatch in 'file://LYING/NAR';",
    `warn: NAR info file '${narInfoOf(PARTS[1]!)}' of 'file://LYING' is about another path, '${STORE_DIR}/${PARTS[3]!}'`,
    `warn: NAR info file '${narInfoOf(PARTS[5]!)}' is corrupt: expecting ':' at line 1`,
  ]);
  await isWhole(it);
  // Alone, it fails where it promised.
  const alone = bench([`file://${lying}`]);
  assert.match((await alone.fetch(XZ)) as string, /^hash mismatch in .*\n {2}specified: sha256:.*\n {2}got: {7}sha256:/);
  assert.deepEqual(await alone.store.queryAllValidPaths(), []);
  assert.deepEqual(
    readdirSync(alone.store.realStoreDir).filter((name) => name !== '.links'),
    [],
  );
});

test('a NAR that does not match its narinfo is no object', async () => {
  const cache = ownCache();
  const damage = (part: StorePath, change: (nar: string) => string): void => {
    writeFileSync(`${cache}/${narOf(part)}`, change(readFileSync(`${cache}/${narOf(part)}`, 'latin1')), 'latin1');
    // Nothing is said of the compressed file.
    const text = readFileSync(`${cache}/${narInfoOf(part)}`, 'latin1');
    writeFileSync(`${cache}/${narInfoOf(part)}`, text.replace(/^File.*\n/gm, ''));
  };
  const [zstd, br, xz, gzip, none, bzip2] = PARTS as readonly [StorePath, StorePath, StorePath, StorePath, StorePath, StorePath];
  damage(none, (nar) => nar.replaceAll('packed', 'pecked'));
  const it = bench([`file://${cache}`]);
  assert.match((await it.fetch(none)) as string, /^hash mismatch importing path/);
  for (const part of [zstd, br, xz, gzip, bzip2]) {
    damage(part, (nar) => `${nar.slice(0, 40)}${'?'.repeat(60)}${nar.slice(100)}`);
    assert.match((await it.fetch(part)) as string, /^(?:failed to decompress '.*' \(\w+\): .+|bad archive: |hash mismatch)/);
    writeFileSync(`${cache}/${narOf(part)}`, readFileSync(`${CACHE}/${narOf(part)}`).subarray(0, 90));
    assert.match((await it.fetch(part)) as string, /^(?:failed to decompress '.*' \(\w+\): .+|bad archive: it ends too early)/);
  }
  assert.deepEqual(await it.store.queryAllValidPaths(), []);
});

test('transfers that break go on where they broke', async () => {
  const server = await serveCache(CACHE);
  server.faults.set(narOf(XZ), (count) => (count === 0 ? { breakAfter: 50 } : undefined));
  server.faults.set(narOf(PARTS[0]!), (count) => (count === 0 ? { breakAfter: 50 } : { ignoresRanges: true }));
  const it = bench([server.url]);
  assert.deepEqual(await Promise.all([it.fetch(XZ), it.fetch(PARTS[0]!)]), [true, true]);
  assert.ok(server.requests.includes(`${narOf(XZ)} bytes=50-`), server.requests.join('\n'));
  assert.equal(it.transcript.warnings.length, 1);
  assert.match(it.transcript.warnings[0]!, /retrying from offset 50 in \d+ ms \(attempt 1\/3\)$/);
});

test('what is gone counts as never there; what stays broken fails', async () => {
  const server = await serveCache(CACHE);
  server.faults.set(narOf(XZ), { status: 404 });
  server.faults.set(narInfoOf(PARTS[0]!), { status: 403 });
  const it = bench([server.url]);
  assert.equal(await it.fetch(XZ), 'nobody has it after all');
  assert.deepEqual(it.transcript.warnings, [`warn: file '${narOf(XZ)}' does not exist in binary cache '${server.url}'`]);
  assert.equal(await it.fetch(PARTS[0]!), 'nobody has zstd');
  server.faults.set(narOf(PARTS[1]!), { breakAfter: 10, ignoresRanges: true });
  assert.match((await it.fetch(PARTS[1]!)) as string, /^unable to download 'http:.*\.nar\.br': /);
  assert.equal(it.transcript.warnings.filter((line) => line.includes('disabling binary cache')).length, 1);
});

test('errors of a server: some pass, some do not', async () => {
  const server = await serveCache(CACHE);
  server.faults.set(narInfoOf(XZ), (count) => (count === 0 ? { status: 503 } : undefined));
  const it = bench([server.url]);
  assert.equal(await it.fetch(XZ), true);
  assert.match(it.transcript.warnings.join('\n'), /^warn: unable to download .*: HTTP error 503; retrying in \d+ ms \(attempt 1\/3\)$/);

  const broken = await serveCache(CACHE);
  for (const part of PARTS) broken.faults.set(narInfoOf(part), { status: 501 });
  const other = bench([`${broken.url}?priority=1`, `file://${CACHE}?priority=2`]);
  assert.equal(await other.fetch(ALL), true);
  assert.equal(other.transcript.warnings.length, 1, other.transcript.warnings.join('\n'));
  assert.match(other.transcript.warnings[0]!, /HTTP error 501; disabling binary cache 'http:.*' for 60 seconds$/);
  // Of six questions under way at most those were asked that had a connection already.
  assert.ok(broken.requests.length <= 2 + 4, broken.requests.join('\n'));
});

test('a server that does not answer, or is not there, costs little and is remembered', async () => {
  const slow = await serveCache(CACHE);
  slow.faults.set('nix-cache-info', { delayMs: 60_000 });
  const transcript = new Transcript();
  const memory = memoryOptions();
  const options = cacheOptions({ memory, progress: transcript, settings: { ...PATIENCE, connectTimeoutS: 0.1, downloadAttempts: 2 } });
  await assert.rejects(openBinaryCache(slow.url, options), /no data for 0.1 seconds/);
  // A server that never answered in time gets no second chance.
  assert.equal(transcript.warnings.length, 1);
  assert.match(transcript.warnings[0]!, /disabling binary cache/);
  await assert.rejects(openBinaryCache(slow.url, options), { code: 'FLOE_SUBSTITUTER_DISABLED' });
  assert.equal(transcript.warnings.length, 1);
  // Later it is asked again.
  const later = { ...options, memory: { ...memory, now: () => io.now() + 400_000 } };
  slow.faults.clear();
  await openBinaryCache(slow.url, later);
  await openBinaryCache(slow.url, options);

  const gone = await serveCache(CACHE);
  await gone.close();
  const fresh = new Transcript();
  await assert.rejects(openBinaryCache(gone.url, cacheOptions({ progress: fresh })), /could not connect/);
  assert.equal(fresh.warnings.length, 1);
  assert.match(
    fresh.warnings[0]!,
    /^warn: unable to download 'http:.*\/nix-cache-info': could not connect to .*; disabling binary cache 'http:/,
  );
});

test('a transfer that stalls is given up, and one that nobody wants any more', async () => {
  const server = await serveCache(CACHE);
  server.faults.set(narOf(XZ), { delayMs: 60_000 });
  const it = bench([server.url], { settings: { downloadAttempts: 1, connectTimeoutS: 0.2, stalledDownloadTimeoutS: 0.2 } });
  assert.match((await it.fetch(XZ)) as string, /no data for 0.2 seconds/);
  const patient = bench([server.url]);
  const stop = new AbortController();
  await patient.substitution.query([XZ]);
  const fetching = patient.substitution.substitute(XZ, { repair: false, signal: stop.signal });
  setTimeout(() => stop.abort(new FloeError('STOP', 'stop')), 50);
  await assert.rejects(fetching, { code: 'STOP' });
  assert.deepEqual(await patient.store.queryAllValidPaths(), []);
});

test('answers are remembered as long as the settings say', async () => {
  const server = await serveCache(CACHE);
  let passedMs = 0;
  const memory = memoryOptions({ now: () => io.now() + passedMs });
  const ask = async (): Promise<string[]> => {
    server.requests.length = 0;
    const it = bench([server.url], { memory });
    assert.deepEqual([...(await it.substitution.query([XZ, NOTHING])).keys()], [XZ]);
    return [...server.requests].sort();
  };
  const negative = narInfoOf(NOTHING);
  assert.deepEqual(await ask(), [negative, narInfoOf(XZ), 'nix-cache-info'].sort());
  assert.deepEqual(await ask(), []);
  passedMs = 101_000;
  assert.deepEqual(await ask(), [negative]);
  passedMs = 1_001_000;
  assert.deepEqual(await ask(), [negative, narInfoOf(XZ), 'nix-cache-info'].sort());
  // A NAR that is gone makes its narinfo forgotten.
  server.faults.set(narOf(XZ), { status: 404 });
  await bench([server.url], { memory }).fetch(XZ);
  assert.deepEqual(await ask(), [narInfoOf(XZ)]);
  // Damaged memory counts as none.
  for (const name of readdirSync(memory.folder, { recursive: true, withFileTypes: true })) {
    if (name.isFile()) writeFileSync(`${name.parentPath}/${name.name}`, 'garbage');
  }
  assert.equal((await ask()).length, 3);
});

test('what a cache says of realisations is remembered like its paths', async () => {
  const place = mkdtempSync(`${folder}/realised-`);
  const { store } = await openBinaryCache(`file://${place}`, cacheOptions());
  const id = { hash: hashBytes('sha256', 'some derivation'), output: 'out' };
  const realisation = { id, path: XZ, signatures: [] };
  await store.addRealisation(realisation);
  writeFileSync(`${place}/nix-cache-info`, `StoreDir: ${STORE_DIR}\n`);
  const server = await serveCache(place);
  const memory = memoryOptions();
  const ask = async (output: string) => {
    const opened = await openBinaryCache(server.url, cacheOptions({ memory }));
    return opened.store.queryRealisation({ ...id, output });
  };
  const first = [await ask('out'), await ask('dev')];
  const asked = server.requests.length;
  assert.deepEqual(first, [realisation, undefined]);
  assert.deepEqual([await ask('out'), await ask('dev')], first);
  assert.equal(server.requests.length, asked);
});

test('order, and what caches say of themselves', async () => {
  const first = ownCache();
  writeFileSync(`${first}/nix-cache-info`, `StoreDir: ${STORE_DIR}\nWantMassQuery: 1\nPriority: 10\nNew: thing\n`);
  const opened = (url: string): Promise<OpenedCache> => openBinaryCache(url, cacheOptions());
  const facts = ({ priority, trusted, wantMassQuery }: OpenedCache): unknown => [priority, trusted, wantMassQuery];
  assert.deepEqual(facts(await opened(`file://${first}`)), [10, false, true]);
  assert.deepEqual(facts(await opened(`file://${first}?priority=3&trusted=true&want-mass-query=false`)), [3, true, false]);
  assert.deepEqual(facts(await opened(`file://${CACHE}`)), [50, false, false]);
  const it = bench([`file://${CACHE}`, `file://${first}`]);
  await it.fetch(XZ);
  assert.ok(it.transcript.started.some((line) => line.endsWith(`from 'file://${first}'`)));
  await assert.rejects(
    openBinaryCache(`file://${CACHE}`, cacheOptions({ storeDir: '/nix/store' })),
    new RegExp(`binary cache 'file://${CACHE}' is for Nix stores with prefix '${STORE_DIR}', not '/nix/store'`),
  );
  const server: CacheServer = await serveCache(`${CACHE}/nar`);
  await assert.rejects(opened(server.url), new RegExp(`'${server.url}' does not appear to be a binary cache`));
  await assert.rejects(opened('file://relative'), /names no absolute folder/);
});

test('a closure copied into a new cache and back, compressed and signed', async () => {
  const source = bench([`file://${CACHE}`]);
  assert.equal(await source.fetch(ALL), true);
  const secret = makeSecretKey('mine', new Uint8Array(32).fill(7));
  writeFileSync(`${folder}/secret`, printKey(secret));
  for (const compression of ['xz', 'zstd', 'br']) {
    const place = mkdtempSync(`${folder}/new-`);
    const url = `file://${place}?compression=${compression}&secret-key=${folder}/secret&write-nar-listing=1`;
    const { store } = await openBinaryCache(url, cacheOptions());
    assert.equal((await copyClosure(source.store, store, [ALL])).length, 7);
    assert.deepEqual(await copyClosure(source.store, store, [ALL]), []);
    assert.ok(readdirSync(place).includes(`${storePathHash(ALL)}.ls`));
    const back = bench([`file://${place}`], { keys: [printKey(publicKeyOf(secret))] });
    assert.equal(await back.fetch(ALL), true);
    assert.equal((await back.store.queryPathInfo(ALL))!.signatures.length, 2);
    back.store.closeSync();
  }
  const { store } = await openBinaryCache(`file://${mkdtempSync(`${folder}/new-`)}?compression=lzip`, cacheOptions());
  await assert.rejects(copyClosure(source.store, store, [ALL]), /floe cannot write NARs compressed with 'lzip'/);
});

test('two writers of one object, and an object written over a damaged one', async () => {
  const place = mkdtempSync(`${folder}/new-`);
  const stores = await Promise.all([1, 2].map(() => openBinaryCache(`file://${place}`, cacheOptions())));
  const { info, nar } = objectOf('sample', SAMPLE, STORE_DIR);
  await Promise.all(stores.map(({ store }) => store.addToStore(info, sourceOf(nar))));
  const third = (await openBinaryCache(`file://${place}`, cacheOptions())).store;
  assert.deepEqual(await readAll(third.narFromPath(info.path)), nar);
  writeFileSync(`${place}/${(await third.queryPathInfo(info.path))!.url}`, bytesOf('damaged'));
  await assert.rejects(readAll(third.narFromPath(info.path)), /mismatch|decompress/);
  await third.addToStore(info, sourceOf(nar), { repair: true });
  assert.deepEqual(await readAll(third.narFromPath(info.path)), nar);
});
