// NARs: golden hashes and bytes from C++ Nix 2.34.8 (`nix-store --dump`, `nix-hash --type sha256`), round trips in all chunkings, and
// what a strict reader refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, byteStringOf, concatBytes, parseBase64, printHex } from '../../src/base/bytes.ts';
import { FormatError } from '../../src/base/errors.ts';
import { digest } from '../../src/base/sha.ts';
import { NarReader, type NarVisitor, NarWriter, narOfFile, writeNar } from '../../src/model/nar.ts';
import { parseTree, printTree, treeOf, type TestTree, type TestNode } from '../support/trees.ts';

function dump(tree: TestTree): Uint8Array {
  const chunks: Uint8Array[] = [];
  writeNar(treeOf(tree), (chunk) => chunks.push(chunk));
  return concatBytes(chunks);
}

/** The tree that a NAR holds, pushed in pieces of those sizes (repeated). */
function restore(nar: Uint8Array, sizes: readonly number[] = [nar.length]): TestTree {
  let root: TestTree | undefined;
  const open: { node: TestTree; path: string }[] = [];
  const place = (path: string, node: TestTree): void => {
    if (path === '') root = node;
    else (open.at(-1)!.node as Map<string, TestTree>).set(path.slice(open.at(-1)!.path.length + 1), node);
  };
  let file: { executable: boolean; chunks: Uint8Array[] } | undefined;
  const visitor: NarVisitor = {
    beginDirectory(path) {
      const node = new Map<string, TestTree>();
      place(path, node);
      open.push({ node, path });
    },
    endDirectory(path) {
      assert.equal(open.pop()!.path, path);
    },
    symlink: (path, target) => place(path, { target }),
    beginRegular(_path, executable) {
      file = { executable, chunks: [] };
    },
    contents: (chunk) => void file!.chunks.push(chunk.slice()),
    endRegular(path) {
      place(path, { contents: byteStringOf(concatBytes(file!.chunks)), executable: file!.executable });
    },
  };
  const reader = new NarReader(visitor);
  for (let at = 0, i = 0; at < nar.length; i++) {
    const end = Math.min(nar.length, at + sizes[i % sizes.length]!);
    const consumed = reader.push(nar.slice(at, end));
    assert.equal(consumed, end - at);
    at = end;
  }
  reader.end();
  assert.ok(reader.done);
  assert.equal(reader.offset, nar.length);
  return root!;
}

const sample: TestTree = parseTree(`
  empty/
  hello.txt: hello\\n
  script*: #!/bin/sh\\n
  zero:
  link -> ../hello.txt
  sub/
    a-b: 1
    a.b: 22
    aB: 333
    ab: 4444
    deep/
      x: 55555
`);

test('a tree hashes as nix-hash says', () => {
  // NIX: 2.34.8, `nix-hash --type sha256` of the same tree on disk.
  assert.equal(printHex(digest('sha256', dump(sample))), 'ebeee729a2f7647bbd873b2cf53002d24a250100d3049db0f75b2a4de92338e7');
});

test('one file, byte for byte', () => {
  const expected = 'DQAAAAAAAABuaXgtYXJjaGl2ZS0xAAAAAQAAAAAAAAAoAAAAAAAAAAQAAAAAAAAAdHlwZQAAAAAHAAAAAAAAAHJlZ3VsYXIACAAAAAAAAABjb250ZW50cwYAAAAAAAAAaGVsbG8KAAABAAAAAAAAACkAAAAAAAAA';
  assert.deepEqual(concatBytes(narOfFile(bytesOf('hello\n'))), parseBase64(expected));
});

test('what is after the archive is left alone', () => {
  const nar = dump({ contents: 'x', executable: false });
  let ended = 0;
  const reader = new NarReader({ beginDirectory() {}, endDirectory() {}, symlink() {}, beginRegular() {}, contents() {}, endRegular: () => void ended++ });
  assert.equal(reader.push(concatBytes([bytesOf('ab'), nar, bytesOf('rest')]), 2), 2 + nar.length);
  assert.equal(reader.push(bytesOf('more')), 0);
  assert.equal(ended, 1);
});

const name = fc.string({ unit: fc.nat({ max: 254 }).map((code) => String.fromCharCode(code === 46 ? 97 : code === 0 ? 98 : code === 47 ? 99 : code)), minLength: 1, maxLength: 6 });
const node: fc.Arbitrary<TestNode> = fc.oneof(
  fc.record({ contents: fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 40 }), executable: fc.boolean() }, { noNullPrototype: true }),
  fc.record({ target: fc.string({ minLength: 1, unit: 'grapheme-ascii' }) }, { noNullPrototype: true }),
);
const anyTree = fc.letrec<{ tree: TestTree; directory: TestTree }>((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, node, tie('directory')),
  directory: fc.uniqueArray(fc.tuple(name, tie('tree')), { selector: (entry) => entry[0], maxLength: 4 }).map((entries) => new Map(entries.sort((a, b) => (a[0] < b[0] ? -1 : 1)))),
})).tree;

test('property: any tree survives, however the bytes are cut', () => {
  fc.assert(
    fc.property(anyTree, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }), (tree, sizes) => {
      assert.equal(printTree(restore(dump(tree), sizes)), printTree(tree));
    }),
    { numRuns: 200 },
  );
});

test('property: damaged archives end in FormatError', () => {
  const good = dump(sample);
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, cut) => {
      const bad = good.slice(0, cut);
      bad[at] = byte;
      try {
        restore(bad, [37]);
      } catch (error) {
        // A changed length of contents may make the pushed bytes outlast the archive.
        assert.ok(error instanceof FormatError || error instanceof assert.AssertionError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

/** A NAR of a directory written without the writer's help to keep order. */
function directoryOf(names: readonly string[]): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new NarWriter((chunk) => chunks.push(chunk));
  writer.beginDirectory();
  for (const entry of names) {
    writer.beginEntry(entry);
    writer.symlink('t');
    writer.endEntry();
  }
  writer.endDirectory();
  writer.finish();
  return concatBytes(chunks);
}

test('the reader refuses what Nix refuses', () => {
  const refuse = (nar: Uint8Array, message: RegExp) => assert.throws(() => restore(nar), (error) => error instanceof FormatError && message.test(error.message));
  for (const bad of ['', '.', '..', 'a/b', 'a\0b']) refuse(directoryOf([bad]), /invalid file name/);
  refuse(directoryOf(['b', 'a']), /not sorted/);
  refuse(directoryOf(['a', 'a']), /not sorted/);
  refuse(directoryOf(['a'.repeat(256)]), /too long/);
  refuse(bytesOf('\x0d\0\0\0\0\0\0\0nix-archive-2\0\0\0'), /look like a Nix archive/);
  refuse(bytesOf('garbage of some length, long enough'), /look like a Nix archive/);
  const padded = dump({ contents: 'x', executable: false });
  padded[padded.length - 20] = 1;
  refuse(padded, /padding/);
  let deep: TestTree = new Map();
  for (let i = 0; i < 63; i++) deep = new Map([['d', deep]]);
  assert.equal(printTree(restore(dump(deep))), printTree(deep));
  assert.throws(() => dump(new Map([['d', deep]])), /maximum NAR directory depth/);
});
