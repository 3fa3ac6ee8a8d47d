// Flake references and lock files: what is printed reads back the same, and no text ends in anything but a FloeError.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FloeError, LockFileError } from '../../src/base/errors.ts';
import { printJson, type Json } from '../../src/base/canonical-json.ts';
import { flakeRefAttrs, flakeRefFromAttrs, parseFlakeRefWithFragment, printFlakeRef } from '../../src/model/flake-ref.ts';
import { parseLockFile, printLockFile } from '../../src/model/lock-file.ts';
import { parseUrl, printUrl } from '../../src/model/url.ts';

const byte = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code));
const piece = fc.oneof(
  fc.constantFrom(
    'github:',
    'gitlab:',
    'path:',
    'git+file:',
    'git+https://',
    'http://',
    'file:',
    'flake:',
    '/',
    '//',
    ':',
    '@',
    '?',
    '#',
    '&',
    '=',
    '%2F',
    '%',
    'dir=',
    'rev=',
    'ref=',
    'narHash=',
    '..',
    '.',
    'a',
    'nixpkgs',
    '0123456789012345678901234567890123456789',
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
  ),
  byte,
);
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));

function onlyOurErrors<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    assert.ok(error instanceof FloeError, error instanceof Error ? String(error.stack) : String(error));
    return undefined;
  }
}

test('a URL that reads prints to one that reads the same', () => {
  fc.assert(
    fc.property(text, (source) => {
      const url = onlyOurErrors(() => parseUrl(source, true));
      if (url) assert.deepEqual(parseUrl(printUrl(url)), url);
    }),
    { numRuns: 2000 },
  );
});

test('a flake reference that reads keeps its attributes through text', () => {
  fc.assert(
    fc.property(text, (source) => {
      const read = onlyOurErrors(() => parseFlakeRefWithFragment(source));
      if (!read) return;
      const attrs = flakeRefAttrs(read.ref);
      assert.deepEqual(flakeRefFromAttrs(attrs), read.ref);
      const printed = onlyOurErrors(() => printFlakeRef(read.ref));
      // A revision may be printed in lower case, a hash with its padding; printing again changes nothing more.
      const again = printed === undefined ? undefined : onlyOurErrors(() => parseFlakeRefWithFragment(printed).ref);
      if (again) assert.equal(printFlakeRef(again), printed);
    }),
    { numRuns: 2000 },
  );
});

const attrs = fc.constantFrom<Json>(
  { type: 'path', path: '/x', narHash: 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=', lastModified: 1 },
  { type: 'github', owner: 'o', repo: 'r', rev: '0123456789012345678901234567890123456789' },
  { type: 'path', path: './rel' },
);
const name = fc.constantFrom('a', 'b', 'c', 'd');
const node = fc.record(
  {
    inputs: fc.dictionary(name, fc.oneof(name, fc.array(name, { maxLength: 3 }))),
    locked: attrs,
    original: attrs,
    flake: fc.boolean(),
    parent: fc.array(name, { maxLength: 2 }),
  },
  { requiredKeys: ['locked', 'original'] },
);
const lockFile = fc.record({
  nodes: fc.dictionary(name, node).map((nodes) => ({ ...nodes, root: { inputs: { a: 'a', b: ['a'] } } })),
  root: fc.constant('root'),
  version: fc.constantFrom(5, 6, 7),
});

test('a lock file that reads prints to one that reads and prints the same', () => {
  fc.assert(
    fc.property(lockFile, (json) => {
      let printed: string;
      try {
        printed = printLockFile(parseLockFile(printJson(json as unknown as Json), 'flake.lock'));
      } catch (error) {
        assert.ok(error instanceof LockFileError, error instanceof Error ? String(error.stack) : String(error));
        return;
      }
      assert.equal(printLockFile(parseLockFile(printed, 'flake.lock')), printed);
    }),
    { numRuns: 500 },
  );
});

test('any JSON, and any text, as a lock file is a LockFileError at worst', () => {
  const check = (source: string) => {
    try {
      parseLockFile(source, 'flake.lock');
    } catch (error) {
      assert.ok(error instanceof LockFileError, error instanceof Error ? String(error.stack) : String(error));
    }
  };
  fc.assert(fc.property(fc.json(), (source) => check(Buffer.from(source).toString('latin1'))));
  fc.assert(
    fc.property(
      fc.array(byte).map((bytes) => bytes.join('')),
      check,
    ),
  );
  fc.assert(fc.property(fc.json(), (source) => check(Buffer.from(`{"version":7,"root":"root","nodes":${source}}`).toString('latin1'))));
  fc.assert(
    fc.property(fc.json(), (source) =>
      check(Buffer.from(`{"version":7,"root":"root","nodes":{"root":{"inputs":{"a":"a"}},"a":${source}}}`).toString('latin1')),
    ),
  );
});
