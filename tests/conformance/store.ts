// What every store must do, written once and run over each kind (tests/store/*.test.ts). A store arrives empty and is closed here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, concatBytes } from '../../src/base/bytes.ts';
import { FormatError, HashMismatchError, InvalidPathError } from '../../src/base/errors.ts';
import { hashBytes } from '../../src/base/hash.ts';
import { makeContentPath, NO_REFERENCES } from '../../src/model/content-address.ts';
import { writeNar } from '../../src/model/nar.ts';
import type { PathInfo } from '../../src/model/path-info.ts';
import { parseStorePathBaseName, storePathHash, type StorePath } from '../../src/model/store-path.ts';
import { copyClosure } from '../../src/store/copy.ts';
import { queryClosure, sortTopologically } from '../../src/store/closure.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import type { NarSource, Store } from '../../src/store/store.ts';
import { parseTree, treeOf, type TestTree } from '../support/trees.ts';

/** The NAR of a test tree. */
export function narOf(tree: TestTree): Uint8Array {
  const chunks: Uint8Array[] = [];
  writeNar(treeOf(tree), (chunk) => chunks.push(chunk));
  return concatBytes(chunks);
}

/** Bytes as a source, in pieces of that size. */
export async function* sourceOf(bytes: Uint8Array, size = 1000): NarSource & AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function readAll(source: NarSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk.slice());
  return concatBytes(chunks);
}

export const SAMPLE = parseTree(`
  bin/
    hello*: #!/bin/sh\\necho hello\\n
  share/
    doc/
      empty/
      readme: words
    link -> doc/readme
`);

/** A content-addressed object. */
export function objectOf(name: string, tree: TestTree, storeDir: string): { info: PathInfo; nar: Uint8Array } {
  const nar = narOf(tree);
  const narHash = hashBytes('sha256', nar);
  const contentAddress = { method: 'nar' as const, hash: narHash };
  const path = makeContentPath(name, contentAddress, NO_REFERENCES, storeDir);
  return {
    info: { path, narHash, narSize: nar.length, references: [], registrationTime: 0, ultimate: false, signatures: [], contentAddress },
    nar,
  };
}

/** What all stores know of a path. */
function pathInfoOf({
  path,
  narHash,
  narSize,
  references,
  deriver,
  registrationTime,
  ultimate,
  signatures,
  contentAddress,
}: PathInfo): PathInfo {
  return { path, narHash, narSize, references, deriver, registrationTime, ultimate, signatures, contentAddress };
}

const signature = (keyName: string, fill: number) => `${keyName}:${Buffer.from(new Uint8Array(64).fill(fill)).toString('base64')}`;
const missing = parseStorePathBaseName(`${'0'.repeat(32)}-missing`);

export interface StoreTraits {
  /** Knows when objects came, and that they were made on this machine; a binary cache does not. */
  readonly remembersTimes?: boolean;
  /** Errors come from another program as text, without their kinds. */
  readonly errorsAreText?: boolean;
}

/** `open` gives a new, empty store. */
export function testStore(
  kind: string,
  open: () => Promise<Store>,
  { remembersTimes = true, errorsAreText = false }: StoreTraits = {},
): void {
  const rejects = (promise: Promise<unknown>, expected: RegExp | (new (...args: never[]) => Error)): Promise<void> =>
    assert.rejects(promise, errorsAreText && !(expected instanceof RegExp) ? /./ : expected);
  const check = (what: string, body: (store: Store) => Promise<void>): void => {
    test(`${kind}: ${what}`, async () => {
      const store = await open();
      try {
        await body(store);
      } finally {
        await store.close();
      }
    });
  };

  check('is empty at first', async (store) => {
    assert.deepEqual(await store.queryAllValidPaths(), []);
    assert.equal(await store.queryPathInfo(missing), undefined);
    assert.equal(await store.queryPathFromHashPart(storePathHash(missing)), undefined);
    assert.deepEqual(await store.queryReferrers(missing), []);
    assert.deepEqual(await store.queryValidDerivers(missing), []);
    await rejects(readAll(store.narFromPath(missing)), InvalidPathError);
    await rejects(store.addSignatures(missing, []), InvalidPathError);
  });

  check('an imported object comes out as it went in', async (store) => {
    const { info, nar } = objectOf('sample', SAMPLE, store.storeDir);
    await store.addToStore({ ...info, deriver: parseStorePathBaseName(`${'1'.repeat(32)}-x.drv`) }, sourceOf(nar, 7));
    assert.deepEqual(await readAll(store.narFromPath(info.path)), nar);
    const stored = (await store.queryPathInfo(info.path))!;
    if (remembersTimes) assert.ok(stored.registrationTime > 1_600_000_000);
    assert.deepEqual(pathInfoOf(stored), {
      ...info,
      deriver: parseStorePathBaseName(`${'1'.repeat(32)}-x.drv`),
      registrationTime: stored.registrationTime,
    });
    assert.deepEqual(await store.queryAllValidPaths(), [info.path]);
    assert.equal(await store.queryPathFromHashPart(storePathHash(info.path)), info.path);
    assert.deepEqual(await store.queryValidPaths([missing, info.path]), new Set([info.path]));
    // A second time is no error, and nothing is read.
    await store.addToStore(info, sourceOf(bytesOf('garbage')));
  });

  check('files and links as roots of objects', async (store) => {
    for (const tree of [
      { contents: 'a file', executable: false },
      { contents: '', executable: true },
      { target: '/nowhere' },
    ] as TestTree[]) {
      const { info, nar } = objectOf('leaf', tree, store.storeDir);
      await store.addToStore(info, sourceOf(nar));
      assert.deepEqual(await readAll(store.narFromPath(info.path)), nar);
    }
  });

  check('references, self-reference and referrers', async (store) => {
    const first = await store.addText('first', bytesOf('one'), []);
    const second = await store.addText('second', bytesOf(`two ${first}`), [first]);
    const nar = narOf({ contents: 'self', executable: false });
    const path = parseStorePathBaseName(`${'2'.repeat(32)}-self`);
    const references = [path, second].sort() as StorePath[];
    const info: PathInfo = {
      path,
      narHash: hashBytes('sha256', nar),
      narSize: nar.length,
      references,
      registrationTime: 5,
      ultimate: true,
      signatures: [],
    };
    await store.addToStore(info, sourceOf(nar));
    assert.deepEqual((await store.queryPathInfo(path))!.references, references);
    if (remembersTimes) assert.equal((await store.queryPathInfo(path))!.registrationTime, 5);
    assert.deepEqual(await store.queryReferrers(first), [second]);
    assert.deepEqual(await store.queryReferrers(second), [path]);
    assert.deepEqual([...(await queryClosure(store, [path])).keys()].sort(), [first, second, path].sort());
  });

  check('text objects have the paths that Nix gives them', async (store) => {
    const path = await store.addText('hello', bytesOf('hello\n'), []);
    // NIX: 2.34.8, `builtins.toFile "hello" "hello\\n"`.
    if (store.storeDir === '/nix/store') assert.equal(path, 'nmrmdcw1bfnl35a893n7nyhw4xa5vy08-hello');
    assert.equal((await store.queryPathInfo(path))!.contentAddress!.method, 'text');
    assert.deepEqual(await readAll(store.narFromPath(path)), narOf({ contents: 'hello\n', executable: false }));
    assert.equal(await store.addText('hello', bytesOf('hello\n'), []), path);
  });

  check('bad imports leave nothing behind', async (store) => {
    const { info, nar } = objectOf('bad', SAMPLE, store.storeDir);
    const other = { contentAddress: undefined };
    await rejects(store.addToStore({ ...info, ...other, narHash: hashBytes('sha256', 'x') }, sourceOf(nar)), HashMismatchError);
    await rejects(store.addToStore({ ...info, ...other, narSize: 8 }, sourceOf(nar)), HashMismatchError);
    await rejects(store.addToStore(info, sourceOf(nar.subarray(0, 300))), FormatError);
    await rejects(store.addToStore(info, sourceOf(bytesOf('no NAR at all'))), FormatError);
    await rejects(store.addToStore({ ...info, references: [missing], ...other }, sourceOf(nar)), InvalidPathError);
    await rejects(store.addToStore({ ...info, path: missing }, sourceOf(nar)), /claims to be content-addressed but isn't/);
    const broken = (async function* () {
      yield nar.subarray(0, 100);
      throw new Error('the line went dead');
    })();
    await rejects(store.addToStore(info, broken), /the line went dead/);
    assert.deepEqual(await store.queryAllValidPaths(), []);
    await store.addToStore(info, sourceOf(nar));
    assert.deepEqual(await readAll(store.narFromPath(info.path)), nar);
  });

  check('signatures gather without doubles', async (store) => {
    const { info, nar } = objectOf('signed', { contents: 'x', executable: false }, store.storeDir);
    await store.addToStore({ ...info, signatures: [signature('b', 1)] }, sourceOf(nar));
    await store.addSignatures(info.path, [signature('a', 2), signature('b', 1)]);
    assert.deepEqual((await store.queryPathInfo(info.path))!.signatures, [signature('a', 2), signature('b', 1)]);
  });

  check('closures are copied, references first, both ways', async (store) => {
    const source = new MemoryStore(store.storeDir);
    const paths: StorePath[] = [];
    for (let i = 0; i < 12; i++) {
      const references = paths.filter((_, index) => index % 3 === i % 3);
      paths.push(await source.addText(`t${i}`, bytesOf(String(i)), references));
    }
    assert.equal((await copyClosure(source, store, [paths.at(-1)!])).length, 4);
    assert.equal((await copyClosure(source, store, paths)).length, 8);
    assert.deepEqual(await copyClosure(source, store, paths), []);
    const back = new MemoryStore(store.storeDir);
    await copyClosure(store, back, paths);
    for (const path of paths) {
      const info = (await back.queryPathInfo(path))!;
      assert.deepEqual(
        { ...pathInfoOf(info), registrationTime: 0 },
        { ...pathInfoOf((await source.queryPathInfo(path))!), registrationTime: 0 },
      );
      assert.deepEqual(await readAll(back.narFromPath(path)), await readAll(source.narFromPath(path)));
    }
    const order = sortTopologically(paths, (path) => (paths.indexOf(path) > 0 ? [paths[paths.indexOf(path) - 1]!] : []));
    assert.deepEqual(order, paths);
  });

  check('many objects at the same time', async (store) => {
    const objects = Array.from({ length: 20 }, (_, i) =>
      objectOf(`p${i % 10}`, { contents: String(i % 10), executable: false }, store.storeDir),
    );
    await Promise.all(objects.map(({ info, nar }) => store.addToStore(info, sourceOf(nar, 11))));
    assert.equal((await store.queryAllValidPaths()).length, 10);
  });
}
