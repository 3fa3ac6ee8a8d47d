// Trees on disk: NAR round trips with names that are no UTF-8, canonical modes and times, filters, and reading while hashing.

import assert from 'node:assert/strict';
import { chmodSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { concatBytes } from '../../src/base/bytes.ts';
import { FloeError, FormatError, IoError, StoreError } from '../../src/base/errors.ts';
import { hashBytes } from '../../src/base/hash.ts';
import { NarReader } from '../../src/model/nar.ts';
import type { StorePath } from '../../src/model/store-path.ts';
import { canonicalise } from '../../src/store/local/canonicalise.ts';
import { hashTree, inspectTree } from '../../src/store/local/inspect-tree.ts';
import { deleteTree, dumpTree, dumpTreeChunks, NarRestorer } from '../../src/store/local/nar-files.ts';
import { narOf } from '../conformance/store.ts';
import { openTestStore, temporaryFolder } from '../support/local-stores.ts';
import { parseTree } from '../support/trees.ts';

const parent = temporaryFolder();
const newPath = () => `${mkdtempSync(`${parent}/files-`)}/tree`;

function dump(path: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  dumpTree(path, (chunk) => chunks.push(chunk));
  return concatBytes(chunks);
}

function restore(nar: Uint8Array, path: string, style: 'store-object' | 'plain'): void {
  const restorer = new NarRestorer(path, style);
  const reader = new NarReader(restorer);
  try {
    reader.push(nar);
    reader.end();
  } finally {
    restorer.finish();
  }
}

const tree = parseTree(`
  run*: #!/bin/sh
  dir/
    data: some data
    link -> ../run
    empty/
  \xff\xfe: no UTF-8
  \xc3\xa4: UTF-8
`);

test('a NAR restored and dumped is the same, and canonical', () => {
  const nar = narOf(tree);
  for (const style of ['store-object', 'plain'] as const) {
    const path = newPath();
    restore(nar, path, style);
    assert.deepEqual(dump(path), nar);
    assert.deepEqual(concatBytes([...dumpTreeChunks(path)]), nar);
    assert.deepEqual(hashTree(path), { narHash: hashBytes('sha256', nar), narSize: nar.length });
    if (style === 'plain') canonicalise(path);
    for (const [name, mode] of [
      ['run', 0o100555],
      ['dir', 0o40555],
      ['dir/data', 0o100444],
      ['dir/link', 0o120777],
      ['', 0o40555],
    ] as const) {
      const stats = lstatSync(`${path}/${name}`);
      assert.equal(stats.mode, mode, name);
      assert.equal(stats.mtimeMs, 1000, name);
    }
    deleteTree(path);
    assert.equal(lstatSync(path, { throwIfNoEntry: false }), undefined);
    assert.equal(deleteTree(path), 0);
  }
});

test('large files pass in pieces', () => {
  const path = newPath();
  writeFileSync(path, Buffer.alloc(1_000_003, 'abcdefg'));
  const { narHash, narSize } = hashTree(path);
  assert.equal(narSize, dump(path).length);
  assert.deepEqual(narHash, hashBytes('sha256', concatBytes([...dumpTreeChunks(path)])));
});

test('references of a tree are found in files, names and links', () => {
  const path = newPath();
  const [inFile, inLink, inName, nowhere] = ['1', '2', '3', '4'].map((digit) => `${digit.repeat(32)}-x` as StorePath);
  mkdirSync(path);
  writeFileSync(`${path}/file`, `${'x'.repeat(300_000)}/nix/store/${inFile}/bin`);
  symlinkSync(`/nix/store/${inLink}`, `${path}/link`);
  writeFileSync(`${path}/${inName}`, '');
  assert.deepEqual(inspectTree(path, [nowhere!, inName!, inLink!, inFile!]).references, [inFile, inLink, inName]);
});

test('what is no file, folder or link is refused', () => {
  const path = newPath();
  mkdirSync(path);
  execFileSync('mkfifo', [`${path}/pipe`]);
  assert.throws(() => dump(path), FormatError);
  assert.throws(() => canonicalise(path), StoreError);
  assert.throws(() => dump(`${path}/nothing`), IoError);
});

test('files of strangers are refused, hard links of our own are not', () => {
  const path = newPath();
  mkdirSync(path);
  writeFileSync(`${path}/a`, 'a');
  linkSync(`${path}/a`, `${path}/b`);
  const uid = process.getuid!();
  assert.throws(
    () => canonicalise(path, { uidRange: [uid + 1, uid + 5] }),
    (error) => error instanceof FloeError && error.code === 'FLOE_INVALID_OWNERSHIP',
  );
  canonicalise(path, { uidRange: [uid, uid] });
  chmodSync(path, 0o755);
});

test('a tree of the machine becomes an object, filtered', () => {
  const store = openTestStore(parent);
  const path = newPath();
  mkdirSync(`${path}/sub`, { recursive: true });
  writeFileSync(`${path}/keep`, 'keep', { mode: 0o755 });
  writeFileSync(`${path}/drop`, 'drop');
  symlinkSync('keep', `${path}/sub/link`);
  const seen: string[] = [];
  const filter = (at: string, kind: string) => {
    seen.push(`${kind} ${at}`);
    return at !== '/drop';
  };
  const request = { path, name: 'tree', method: 'nar' as const, filter };
  const { path: computed } = store.computeTreePathSync(request);
  assert.equal(store.isValidPathSync(computed), false);
  assert.deepEqual(seen, ['regular /drop', 'regular /keep', 'directory /sub', 'symlink /sub/link']);
  assert.equal(store.addTreeSync(request), computed);
  assert.equal(readlinkSync(`${store.toRealPath(computed)}/sub/link`), 'keep');
  assert.equal(lstatSync(`${store.toRealPath(computed)}/drop`, { throwIfNoEntry: false }), undefined);
  const flat = store.addTreeSync({ path: `${path}/keep`, name: 'flat', method: 'flat', algorithm: 'sha1' });
  assert.equal(readFileSync(store.toRealPath(flat), 'utf8'), 'keep');
  assert.equal(lstatSync(store.toRealPath(flat)).mode, 0o100444);
  store.closeSync();
});
