// Hooks around builds and what builders print, beside a real Nix: lines, their order, logs, exit statuses.

import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ComparedStore, withoutOracle as skip } from '../support/compared-store.ts';

const store = new ComparedStore('extra-experimental-features = nix-command ca-derivations');
const { folder } = store;

function script(name: string, text: string): string {
  writeFileSync(`${folder}/${name}`, `#!/bin/sh\n${text}\n`);
  chmodSync(`${folder}/${name}`, 0o755);
  return `${folder}/${name}`;
}

const PROGRAM = `rec {
  make = args: derivation ({ system = "x86_64-linux"; builder = "/bin/sh"; } // args);
  a = make { name = "a"; outputs = [ "out" "dev" ]; args = [ "-c" "echo a > $out; echo b > $dev" ]; };
  # The first build makes something else than the others.
  r = make { name = "r"; args = [ "-c" "if [ -e $NIX_STORE/../built ]; then echo 2 > $out; else echo > $NIX_STORE/../built; echo 1 > $out; fi" ]; };
  ca = make { name = "ca"; __contentAddressed = true; args = [ "-c" "echo a > $out" ]; };
  fix = make { name = "fix"; outputHash = builtins.hashString "sha256" "a\\n"; outputHashAlgo = "sha256"; args = [ "-c" "echo a > $out" ]; };
  long = make { name = "long"; args = [ "-c" "i=0; while [ $i -lt 100 ]; do echo line$i; i=$((i+1)); done; exit 1" ]; };
  # In one piece, so that no line of it is seen before it is too much.
  much = make { name = "much"; args = [ "-c" "printf '%0200d\\n' 7; exit 1" ]; };
  noeol = make { name = "noeol"; args = [ "-c" "printf 'no end'; exit 1" ]; };
  cr = make { name = "cr"; args = [ "-c" "printf 'a\\\\rb\\\\n\\\\033[31mred\\\\033[0m\\\\n'; exit 1" ]; };
  nix = make { name = "nix"; args = [ "-c" "echo '@nix { \\"action\\": \\"setPhase\\", \\"phase\\": \\"buildPhase\\" }' >&$NIX_LOG_FD; echo x; exit 1" ]; };
}`;

const B = (attribute: string, ...more: string[]) => ['nix-build', 'h.nix', '--no-out-link', '-A', attribute, ...more];
const N = (attribute: string, ...more: string[]) => ['nix', 'build', '-f', 'h.nix', '--no-link', attribute, ...more];

test('hooks, checks and logs', { skip }, () => {
  writeFileSync(`${folder}/h.nix`, PROGRAM);
  const post = script('post', 'echo "post $DRV_PATH $OUT_PATHS" >&2; echo out');
  const diff = script('diff', 'echo "diff $1 $2 $3"');
  const diffFails = script('diff-fails', 'echo lost; exit 3');
  const checks = (...options: string[]) => [...B('r', '--check'), ...options.flatMap((text) => ['--option', ...text.split(' ')])];
  const lines = [
    B('a', '--option', 'post-build-hook', post),
    N('ca', '--option', 'post-build-hook', post),
    B('r'),
    checks(),
    checks('run-diff-hook true', `diff-hook ${diff}`),
    checks('run-diff-hook true', `diff-hook ${diffFails}`),
    N('r', '--rebuild'),
    N('ca', '--rebuild'),
    N('fix'),
    N('fix', '--rebuild'),
    ...['long', 'noeol', 'cr', 'nix'].flatMap((name) => [B(name), N(name), N(name, '-L'), ['nix', 'log', '-f', 'h.nix', name]]),
    N('long', '--option', 'log-lines', '3'),
    N('long', '--log-format', 'raw'),
    N('nix', '--log-format', 'raw-with-logs'),
    N('much', '--option', 'max-build-log-size', '100'),
    B('much', '--option', 'max-build-log-size', '100'),
    N('a', '--repair'),
    N('a^dev', '--json'),
    N('a^nowhere'),
    B('a.dev'),
    ['nix-build', 'h.nix', '--no-out-link', '--keep-going', '--dry-run'],
  ];
  const { floe, oracle } = store.compare(lines);
  lines.forEach((words, index) => assert.deepEqual(floe.runs[index], oracle.runs[index], words.join(' ')));
  assert.deepEqual(floe.facts, oracle.facts);
});

test('hooks that fail or are not there', { skip }, () => {
  writeFileSync(`${folder}/h.nix`, PROGRAM);
  const fails = script('post-fails', 'echo bad >&2; exit 3');
  const lines = [fails, '/nowhere/hook'].map((hook) => B('fix', '--option', 'post-build-hook', hook));
  const { floe, oracle } = store.compare(lines);
  // floe says which setting it was.
  const plain = (text: string) => text.replaceAll("       it is the setting 'post-build-hook'\n", '');
  lines.forEach((words, index) => {
    const [ours, theirs] = [floe.runs[index]!, oracle.runs[index]!];
    assert.deepEqual({ ...ours, stderr: plain(ours.stderr) }, theirs, words.join(' '));
  });
});
