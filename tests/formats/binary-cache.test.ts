// What C++ Nix 2.34.8 wrote into a file:// binary cache for two store objects, signed with a key made for this test alone.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, concatBytes } from '../../src/base/bytes.ts';
import { FormatError } from '../../src/base/errors.ts';
import type { Hash } from '../../src/base/hash.ts';
import { writeNar } from '../../src/model/nar.ts';
import { makeNarLister, parseNarListing, printNarListing } from '../../src/model/nar-listing.ts';
import { type NarInfo, parseNarInfo, printNarInfo } from '../../src/model/narinfo.ts';
import { isContentAddressed, pathFingerprint } from '../../src/model/path-info.ts';
import { countGoodSignatures, signPath } from '../../src/model/signing.ts';
import { parsePublicKey, parsePublicKeys, parseSecretKey, parseSignature, printKey, printSignature, publicKeyOf } from '../../src/model/signature.ts';
import { makeSecretKey, sign, verifySignature } from '../../src/model/signing.ts';
import { DEFAULT_STORE_DIR } from '../../src/model/store-path.ts';
import { anyHash, anyPathInfo } from '../support/arbitraries.ts';
import { parseTree, treeOf } from '../support/trees.ts';

const folder = new URL('cache/', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, folder), 'latin1');
const files = readdirSync(folder);
const narinfos = files.filter((file) => file.endsWith('.narinfo'));

// Made by `nix key generate-secret --key-name test.example-1`; it protects nothing.
const secret = parseSecretKey('test.example-1:NJkqRkPncP8mvdSmSruvvUTijCPAFdNr23+75EEl05cG/CC8NHAuSXtHcAcZeYNXrge9H0WYFnvYGqc5WI8uvg==');
const publicText = 'test.example-1:BvwgvDRwLkl7R3AHGXmDV64HvR9FmBZ72BqnOViPLr4=';

for (const file of narinfos) {
  test(`golden ${file}`, () => {
    const text = read(file);
    const info = parseNarInfo(text, DEFAULT_STORE_DIR, file);
    assert.equal(printNarInfo(info as NarInfo & { fileHash: Hash }, DEFAULT_STORE_DIR), text);
    assert.ok(isContentAddressed(info, DEFAULT_STORE_DIR));
    assert.deepEqual(signPath({ ...info, signatures: [] }, secret, DEFAULT_STORE_DIR).signatures, info.signatures);
    const keys = parsePublicKeys([publicText]);
    const { contentAddress, ...plain } = info;
    assert.ok(contentAddress);
    assert.equal(countGoodSignatures(info, DEFAULT_STORE_DIR, keys), Infinity);
    assert.equal(countGoodSignatures(plain, DEFAULT_STORE_DIR, keys), 1);
    assert.equal(countGoodSignatures({ ...plain, narSize: 7 }, DEFAULT_STORE_DIR, keys), 0);
    assert.equal(countGoodSignatures(plain, DEFAULT_STORE_DIR, new Map()), 0);
  });
}

for (const file of files.filter((file) => file.endsWith('.ls'))) {
  test(`golden ${file}`, () => {
    assert.equal(printNarListing(parseNarListing(read(file), file)), read(file));
  });
}

test('a listing gathered from the NAR is the one Nix wrote', () => {
  const lister = makeNarLister();
  const tree = parseTree(`
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
  writeNar(treeOf(tree), (chunk) => lister.reader.push(chunk));
  const sample = files.find((file) => file.endsWith('.ls') && read(file).includes('script'))!;
  assert.equal(printNarListing(lister.listing()), read(sample));
});

test('keys', () => {
  assert.equal(printKey(publicKeyOf(secret)), publicText);
  const made = makeSecretKey('k', new Uint8Array(32).fill(7));
  const text = 'some text \xff';
  const signature = sign(made, text);
  assert.deepEqual(parseSignature(printSignature(signature)), signature);
  const keys = parsePublicKeys([printKey(publicKeyOf(made))]);
  assert.ok(verifySignature(signature, text, keys));
  assert.ok(!verifySignature(signature, `${text}.`, keys));
  for (const bad of ['', 'a', ':AAAA', 'a:', 'a:?', 'a:AAAA']) {
    assert.throws(() => parsePublicKey(bad), FormatError, bad);
    assert.throws(() => parseSecretKey(bad), FormatError, bad);
  }
  assert.throws(() => parseSecretKey('name:c2VjcmV0'), (error: Error) => !error.message.includes('c2Vj'));
});

test('property: narinfo', () => {
  fc.assert(
    fc.property(anyPathInfo, anyHash('sha256'), fc.nat(), (info, fileHash, fileSize) => {
      const narInfo = { ...info, registrationTime: 0, ultimate: false, url: 'nar/x.nar.xz', compression: 'xz', fileHash, fileSize };
      assert.deepEqual(parseNarInfo(printNarInfo(narInfo, DEFAULT_STORE_DIR), DEFAULT_STORE_DIR, 'x'), narInfo);
    }),
  );
});

test('property: damaged narinfo and listings end in FormatError', () => {
  const texts = files.map(read);
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.nat(400), fc.nat(5), fc.string({ maxLength: 3 }), (text, at, drop, insert) => {
      const bad = text.slice(0, at) + insert + text.slice(at + drop);
      for (const parse of [() => parseNarInfo(bad, DEFAULT_STORE_DIR, 'x'), () => parseNarListing(bad, 'x')]) {
        try {
          parse();
        } catch (error) {
          assert.ok(error instanceof FormatError, String(error));
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('fingerprint needs a size', () => {
  const info = parseNarInfo(read(narinfos[0]!), DEFAULT_STORE_DIR, 'x');
  assert.throws(() => pathFingerprint({ ...info, narSize: 0 }, DEFAULT_STORE_DIR), /size is not known/);
  assert.match(pathFingerprint(info, DEFAULT_STORE_DIR), /^1;\/nix\/store\/.*;sha256:[0-9a-z]{52};[0-9]+;/);
  assert.equal(concatBytes([bytesOf('')]).length, 0);
});
