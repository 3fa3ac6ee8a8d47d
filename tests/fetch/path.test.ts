// Inputs of type `path`, over memory.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf } from '../../src/base/bytes.ts';
import { IoError } from '../../src/base/errors.ts';
import { fetchInput } from '../../src/fetch/fetchers.ts';
import type { FetchedInput } from '../../src/fetch/fetcher.ts';
import { parseStorePathBaseName } from '../../src/model/store-path.ts';
import { SAMPLE_FILES, testFetcher } from '../conformance/fetcher.ts';
import { fetchBench } from '../support/fetching.ts';

function makeSample() {
  const bench = fetchBench();
  for (const [name, text] of Object.entries(SAMPLE_FILES)) {
    if (name.endsWith('@')) bench.files.writeLink(`/src/${name.slice(0, -1)}`, text);
    else bench.files.writeFileAtomic(`/src/${name.replace('*', '')}`, bytesOf(text), { executable: name.endsWith('*') });
  }
  return bench;
}

testFetcher('path', () => ({ attrs: { type: 'path', path: '/src' }, context: makeSample().context }), { promised: [] });

const fetchNow = (bench: ReturnType<typeof makeSample>, path: string) => fetchInput({ type: 'path', path }, bench.context) as FetchedInput;

test('path: is fetched at once, without a promise', () => {
  assert.ok(!(fetchInput({ type: 'path', path: '/src' }, makeSample().context) instanceof Promise));
});

test('path: the newest change counts, of folders and links too', () => {
  const bench = makeSample();
  bench.files.clockNs += 5_000_000_000n;
  bench.files.write('/src/dir/new', 'x');
  assert.equal(fetchNow(bench, '/src').attrs['lastModified'], 1_700_000_005);
});

test('path: the hash is remembered while nothing changes, and found anew when something does', () => {
  const bench = makeSample();
  const first = fetchNow(bench, '/src');
  const read: string[] = [];
  const { readFile } = bench.files;
  bench.files.readFile = (path) => (read.push(path), readFile.call(bench.files, path));
  assert.deepEqual(fetchNow(bench, '/src').narHash, first.narHash);
  assert.deepEqual(
    read.filter((path) => path.startsWith('/src')),
    [],
  );
  bench.files.write('/src/dir/file', 'two\n');
  assert.notDeepEqual(fetchNow(bench, '/src').narHash, first.narHash);
});

test('path: a hash is not remembered for files that changed just now', () => {
  const bench = makeSample();
  const { io } = bench.context;
  const busy = { ...bench, context: { ...bench.context, io: { ...io, now: () => Number(bench.files.clockNs / 1_000_000n) + 500 } } };
  const first = fetchNow(busy, '/src');
  // The same size, the same instant: only the content tells.
  bench.files.readFile('/src/dir/file').set(bytesOf('eno\n'));
  assert.notDeepEqual(fetchNow(busy, '/src').narHash, first.narHash);
});

test('path: what cannot be fetched', () => {
  const bench = makeSample();
  assert.throws(
    () => fetchNow(bench, '/nothing'),
    (error) => error instanceof IoError && error.message === "path '/nothing' does not exist",
  );
  assert.throws(() => fetchNow(bench, 'src'), /because it uses a relative path/);
  assert.throws(() => fetchNow(bench, '/'), /is the whole file system/);
});

test('path: a locked folder that is gone is taken from the store', () => {
  const bench = makeSample();
  const { attrs, storePath, narHash } = fetchNow(bench, '/src');
  bench.files.rename('/src', '/elsewhere');
  assert.throws(() => fetchInput(attrs, bench.context), /does not exist/);
  const store = { storeDir: '/nix/store', find: (path: string) => (path === storePath ? { place: '/elsewhere', narHash } : undefined) };
  const again = fetchInput(attrs, { ...bench.context, store }) as FetchedInput;
  assert.equal(again.folder, '/elsewhere');
  assert.deepEqual(again.attrs, attrs);
});

test('path: a tree that came with the program is found by its hash', () => {
  const bench = makeSample();
  const { attrs } = fetchNow(bench, '/src');
  bench.files.rename('/src', '/bundled');
  const bundledTrees = { find: (narHash: string) => (narHash === attrs['narHash'] ? '/bundled' : undefined), hint: () => undefined };
  assert.equal((fetchInput(attrs, { ...bench.context, bundledTrees }) as FetchedInput).folder, '/bundled');
});

test('path: a source in the store is not hashed again', () => {
  const bench = makeSample();
  const path = parseStorePathBaseName('0123456789abcdfghijklmnpqrsvwxyz-source');
  const narHash = { algorithm: 'sha256' as const, bytes: new Uint8Array(32) };
  const store = { storeDir: '/nix/store', find: (wanted: string) => (wanted === path ? { place: '/src', narHash } : undefined) };
  const fetched = fetchInput({ type: 'path', path: `/nix/store/${path}` }, { ...bench.context, store }) as FetchedInput;
  assert.deepEqual(fetched.narHash, narHash);
  assert.equal(fetched.attrs['lastModified'], 0);
});
