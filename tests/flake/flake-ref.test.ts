// Flake references against what C++ Nix 2.34.8 makes of the same text: `builtins.parseFlakeRef` gave flake-refs.json. Which texts:
// those of Nix's own unit tests, and one for every branch of the grammar.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { byteStringToUtf8, utf8ToByteString } from '../../src/base/bytes.ts';
import { type InputAttrs } from '../../src/model/input-scheme.ts';
import { flakeRefAttrs, flakeRefFromAttrs, parseFlakeRef, parseFlakeRefWithFragment, printFlakeRef } from '../../src/model/flake-ref.ts';
import { isLegalRefName } from '../../src/model/git-ref-name.ts';

interface Case {
  readonly text: string;
  readonly attrs?: InputAttrs;
  readonly url?: string;
  readonly error?: string;
  readonly urlError?: string;
  readonly warnings?: string[];
}

const cases = JSON.parse(readFileSync(new URL('flake-refs.json', import.meta.url), 'utf8')) as Case[];

function textOf(attrs: InputAttrs): InputAttrs {
  return Object.fromEntries(
    Object.entries(attrs).map(([name, value]) => [name, typeof value === 'string' ? byteStringToUtf8(value) : value]),
  );
}

function errorOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return byteStringToUtf8((error as Error).message);
  }
  return 'no error';
}

for (const { text, attrs, url, error, urlError, warnings } of cases) {
  test(`flake reference ${text}`, () => {
    const warned: string[] = [];
    const parse = () => parseFlakeRef(utf8ToByteString(text), { warn: (message) => warned.push(message) });
    if (attrs === undefined) return assert.equal(errorOf(parse), error);
    const ref = parse();
    assert.deepEqual(textOf(flakeRefAttrs(ref)), attrs);
    assert.deepEqual(warned, warnings ?? []);
    if (url === undefined)
      return assert.equal(
        errorOf(() => printFlakeRef(ref)),
        urlError,
      );
    assert.equal(byteStringToUtf8(printFlakeRef(ref)), url);
    assert.deepEqual(flakeRefFromAttrs(flakeRefAttrs(ref)), ref);
  });
}

test('fragments', () => {
  const fragmentOf = (text: string) => parseFlakeRefWithFragment(text).fragment;
  assert.equal(fragmentOf('github:foo/bar#"name.with.dot"'), '"name.with.dot"');
  assert.equal(fragmentOf('nixpkgs#a.b^out,dev'), 'a.b^out,dev');
  assert.equal(fragmentOf('nixpkgs#a%20b'), 'a b');
  assert.equal(fragmentOf('/foo/bar?revCount=123#bla'), 'bla');
  assert.equal(fragmentOf('path:/x#a b^*'), 'a b^*');
});

test('inputs of a flake keep relative paths', () => {
  assert.deepEqual(parseFlakeRef('./x', { preserveRelativePaths: true }), { input: { type: 'path', path: './x' }, subdir: '' });
  assert.deepEqual(parseFlakeRef('../x?dir=y', { preserveRelativePaths: true }), { input: { type: 'path', path: '../x' }, subdir: 'y' });
});

test('without flake.nix to be found, a URL is a plain file', () => {
  assert.equal(parseFlakeRef('https://x/y', { isFlake: false }).input['type'], 'file');
  assert.equal(parseFlakeRef('https://x/y.tar.gz', { isFlake: false }).input['type'], 'tarball');
});

test('reference names that git accepts', () => {
  for (const name of [
    'A/b',
    'FOO/BAR/BAZ',
    'HEAD',
    'refs/tags/1.2.3',
    'foox',
    '1337',
    'foo./bar',
    'heads/foo@bar',
    'branch#',
    '$1',
    'foo.locke',
    'fu\xc3\x9f',
  ]) {
    assert.ok(isLegalRefName(name), name);
  }
  for (const name of [
    'refs///heads/foo',
    'heads/foo/',
    '.foo',
    'foo/./bar',
    'foo bar',
    'foo?bar',
    'foo^bar',
    'foo[bar',
    'refs/heads/foo.',
    'foo..bar',
    'foo.lock/bar',
  ]) {
    assert.ok(!isLegalRefName(name), name);
  }
  for (const name of ['heads/v@{ation', 'heads/foo\bar', '@', '\x1f', '\x7f', 'foo/*', '*', '/foo', ''])
    assert.ok(!isLegalRefName(name), name);
});
