// Manifests of profiles: the versions that are read, what is written, the names that packages get, and what changed between two.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteStringToUtf8 } from '../../src/base/bytes.ts';
import { printJson } from '../../src/base/canonical-json.ts';
import { parseUrl } from '../../src/model/url.ts';
import { manifestChanges, nameFromUrl, parseManifest, ProfileManifest } from '../../src/profile/manifest.ts';
import { printVersions, splitPackageName } from '../../src/profile/package-versions.ts';

const STORE = '/nix/store';
const object = (name: string): string => `${STORE}/5lx0x1vszsjzixl9l0n8dpjyz0rmdcv6-${name}`;
const REVISION = '0123456789012345678901234567890123456789';

const flakeElement = {
  active: true,
  attrPath: 'packages.x86_64-linux.jq',
  originalUrl: 'flake:nixpkgs',
  outputs: ['bin', 'man'],
  priority: 5,
  storePaths: [object('jq-1.7')],
  url: `github:NixOS/nixpkgs/${REVISION}`,
};

test('version 3 is written as it was read', () => {
  const text = JSON.stringify({
    elements: { jq: flakeElement, plain: { active: false, priority: -2, storePaths: [object('x')] } },
    version: 3,
  });
  assert.equal(printJson(parseManifest(text, '/p/manifest.json', STORE).toJson(STORE)), text);
});

test('versions 1 and 2 get names', () => {
  const { url, originalUrl, ...rest } = flakeElement;
  const old = { ...rest, uri: url, originalUri: originalUrl, outputs: ['*'] };
  const plain = { active: true, storePaths: [object('b-2'), object('a-1')] };
  const first = parseManifest(JSON.stringify({ version: 1, elements: [old, old, plain] }), 'm', STORE);
  const second = parseManifest(JSON.stringify({ version: 2, elements: [flakeElement, plain] }), 'm', STORE);
  assert.deepEqual(
    first.elements.map(([name]) => name),
    ['a, b', 'jq', 'jq-1'],
  );
  assert.equal(first.get('jq')?.source?.outputs, 'all');
  assert.deepEqual(
    second.elements.map(([name]) => name),
    ['a, b', 'jq'],
  );
});

test('what is no manifest is refused with its place', () => {
  const refuse = (text: string, expected: RegExp): void => assert.throws(() => parseManifest(text, '/p/manifest.json', STORE), expected);
  refuse('{"version":4}', /profile manifest "\/p\/manifest.json" has unsupported version 4/);
  refuse('{"elements":{}}', /unsupported version 0/);
  refuse('[]', /profile manifest/);
  refuse('{"version":3,', /profile manifest "\/p\/manifest.json"/);
  refuse('{"version":3,"elements":{"x":{}}}', /'x' in profile manifest .* has no key 'active'/);
  refuse('{"version":3,"elements":{"x":{"active":true,"storePaths":["/tmp/x"]}}}', /not in the Nix store|store path/);
});

test('names come from URLs as in C++ Nix', () => {
  const cases: [string, string | undefined][] = [
    ['path:/srv/someone/project', 'project'],
    ['path:/srv/someone/project#packages.x86_64-linux.default', 'project'],
    ['path:/srv/someone/project#packages.x86_64-linux.tool^out,man', 'tool'],
    ['path:/srv/someone/project#defaultPackage.x86_64-linux', 'project'],
    ['github:owner/repo/branch', 'repo'],
    ['github:edolstra/nix-warez?rev=1234&dir=blender&ref=master', 'blender'],
    ['git+file:///srv/someone/repo', 'repo'],
    ['https://example.org/archive.tar.gz', undefined],
    ['flake:nixpkgs#hello', 'hello'],
  ];
  for (const [url, name] of cases) assert.equal(nameFromUrl(parseUrl(url, true)), name, url);
});

test('changes between manifests', () => {
  const manifest = (elements: Record<string, unknown>): ProfileManifest =>
    parseManifest(JSON.stringify({ version: 3, elements }), 'm', STORE);
  const plain = (name: string): unknown => ({ active: true, storePaths: [object(name)] });
  const changes = (before: ProfileManifest, after: ProfileManifest): string[] => [...manifestChanges(before, after)].map(byteStringToUtf8);
  const before = manifest({ a: plain('a-1'), b: plain('b-1'), c: plain('c') });
  const after = manifest({ a: plain('a-2'), c: plain('c'), d: plain('d') });
  assert.deepEqual(changes(before, after), ['a: 1 -> 2', 'b: 1 -> ∅', 'd: ∅ -> ε']);
  assert.deepEqual(changes(before, before), ['No changes.']);
  assert.deepEqual(changes(new ProfileManifest(), new ProfileManifest()), ['No changes.']);
});

test('names and versions of packages', () => {
  assert.deepEqual(splitPackageName('apache-httpd-2.0.48'), { name: 'apache-httpd', version: '2.0.48' });
  assert.deepEqual(splitPackageName('env-manifest.nix'), { name: 'env-manifest.nix', version: '' });
  assert.equal(byteStringToUtf8(printVersions(['2', '', '1', '2'])), '1, 2, ε');
});
