// Objects addressed as git addresses them, beside a real Nix: hashes, paths, registrations and messages.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ComparedStore, withoutOracle as skip } from '../support/compared-store.ts';

const PROGRAM = `
rec {
  make = args: derivation ({ system = "x86_64-linux"; builder = "/bin/sh"; } // args);
  git = args: make ({ args = [ "-c" "PATH=/usr/bin:/bin; cp -r \${./tree} $out; :" ]; outputHashMode = "git"; } // args);
  fixed = algo: hash: git { name = "fixed"; outputHashAlgo = algo; outputHash = hash; };
  floating = algo: git { name = "floating"; outputHashAlgo = algo; __contentAddressed = true; };
  file = git { name = "file"; __contentAddressed = true; outputHashAlgo = "sha1"; args = [ "-c" "echo hello > $out" ]; };
  self = git { name = "self"; __contentAddressed = true; outputHashAlgo = "sha1"; args = [ "-c" "echo $out > $out" ]; };
  refers = git { name = "refers"; __contentAddressed = true; outputHashAlgo = "sha1"; args = [ "-c" "echo \${file} > $out" ]; };
}
`;

const store = new ComparedStore('extra-experimental-features = nix-command ca-derivations git-hashing');
writeFileSync(`${store.folder}/git.nix`, PROGRAM);
const tree = `${store.folder}/tree`;
mkdirSync(`${tree}/a/b`, { recursive: true });
mkdirSync(`${tree}/a.b`);
writeFileSync(`${tree}/a.b/file`, 'x\n');
writeFileSync(`${tree}/a0`, '');
writeFileSync(`${tree}/a-run`, '#!\n');
chmodSync(`${tree}/a-run`, 0o755);
symlinkSync('../nowhere', `${tree}/a/link`);
writeFileSync(`${store.folder}/hello`, 'hello\n');

const hashed = (...words: string[]) => ['nix', 'hash', 'path', '--mode', 'git', ...words];
const add = (...words: string[]) => ['nix', 'store', 'add', '--mode', 'git', ...words];
const build = (text: string, ...more: string[]) => ['nix-build', '--no-out-link', '-E', `with import ./git.nix; ${text}`, ...more];

const LINES = [
  hashed('tree', 'hello', 'tree/a/link', 'tree/a-run'),
  hashed('--algo', 'sha1', '--format', 'base16', 'tree', 'hello', 'tree/a/link', 'tree/a-run', 'tree/a/b'),
  hashed('--algo', 'sha512', 'tree'),
  add('tree'),
  add('--hash-algo', 'sha1', 'tree'),
  add('--hash-algo', 'sha1', 'hello', '--dry-run'),
  add('--hash-algo', 'sha1', 'hello'),
  add('--hash-algo', 'md5', 'hello'),
  build('fixed "sha1" "0000000000000000000000000000000000000000"'),
  build('fixed "sha256" ""'),
  build('fixed "md5" ""'),
  build('floating "sha1"'),
  build('floating "sha256"'),
  build('floating "md5"'),
  build('floating "sha1"', '--check'),
  build('file'),
  build('self'),
  build('refers'),
  ['nix', 'derivation', 'show', '--impure', '--expr', 'with import ./git.nix; floating "sha1"'],
];

test('hashes, additions, builds and copies are the same', { skip }, () => {
  const { floe, oracle } = store.compare(LINES);
  LINES.forEach((words, index) => assert.deepEqual(floe.runs[index], oracle.runs[index], words.join(' ')));
  assert.deepEqual(floe.facts, oracle.facts);
});

test('copies are checked', { skip }, () => {
  const { floe } = store.compare([
    add('tree'),
    ['nix', 'copy', '--all', '--no-check-sigs', '--to', './s/copy'],
    ['nix', 'store', 'verify', '--store', './s/copy', '--all', '--no-trust'],
  ]);
  assert.deepEqual(
    floe.runs.map(({ status }) => status),
    [0, 0, 0],
  );
});

test('without the feature it is refused', { skip }, () => {
  const plain = new ComparedStore('extra-experimental-features = nix-command');
  writeFileSync(`${plain.folder}/hello`, 'hello\n');
  const lines = [
    hashed('hello'),
    add('hello'),
    [
      'nix-build',
      '-E',
      'derivation { name = "x"; system = "x"; builder = "x"; outputHashMode = "git"; outputHash = ""; outputHashAlgo = "sha1"; }',
    ],
  ];
  const { floe, oracle } = plain.compare(lines);
  lines.forEach((words, index) => assert.deepEqual(floe.runs[index], oracle.runs[index], words.join(' ')));
});
