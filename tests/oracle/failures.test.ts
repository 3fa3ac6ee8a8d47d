// Builds that fail, beside a real Nix: what is said, in which order, what is dropped, and the exit status; of one request and of several.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ComparedStore, withoutOracle as skip } from '../support/compared-store.ts';

const store = new ComparedStore('extra-experimental-features = nix-command flakes ca-derivations\nflake-registry =');
writeFileSync(
  `${store.folder}/f.nix`,
  `
rec {
  make = args: derivation ({ system = "x86_64-linux"; builder = "/bin/sh"; } // args);
  fail = make { name = "fail"; args = [ "-c" "echo no; exit 1" ]; };
  fail2 = make { name = "fail2"; args = [ "-c" "echo no2; exit 2" ]; };
  ok = make { name = "ok"; args = [ "-c" "echo a > $out" ]; };
  slow = make { name = "slow"; args = [ "-c" "PATH=/usr/bin:/bin; sleep 3; echo a > $out" ]; };
  dep = make { name = "dep"; args = [ "-c" "echo \${fail} > $out" ]; };
  dep2 = make { name = "dep2"; args = [ "-c" "echo \${dep} > $out" ]; };
  edep = make { name = "edep"; args = [ "-c" "echo \${fail} > $out" ]; };
  both = make { name = "both"; args = [ "-c" "echo \${fail} \${fail2} > $out" ]; };
  twoOut = make { name = "two"; outputs = [ "out" "dev" ]; args = [ "-c" "echo a > $out" ]; };
  depTwo = make { name = "depTwo"; args = [ "-c" "echo \${twoOut.dev} > $out" ]; };
  sig = make { name = "sig"; args = [ "-c" "kill -11 $$" ]; };
  nobuilder = make { name = "nobuilder"; builder = "/nonexistent"; };
  notexec = make { name = "notexec"; builder = "\${./f.nix}"; };
  wrongsystem = make { name = "ws"; system = "riscv-none"; };
  feature = make { name = "feature"; requiredSystemFeatures = [ "dance" ]; };
  both2 = make { name = "both2"; system = "riscv-none"; requiredSystemFeatures = [ "dance" ]; };
  fixedbad = make { name = "fb"; outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="; outputHashMode = "flat"; args = [ "-c" "echo a > $out" ]; };
  fixeddep = make { name = "fd"; args = [ "-c" "echo \${fixedbad} > $out" ]; };
  fixedfail = make { name = "ff"; outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="; args = [ "-c" "exit 1" ]; };
}
`,
);

/** `nix-build`; words without a dash are attributes. */
const B = (...words: string[]) => [
  'nix-build',
  'f.nix',
  '--no-out-link',
  ...words.flatMap((word) => (word.startsWith('-') ? [word] : ['-A', word])),
];
/** `nix build`. */
const N = (...words: string[]) => ['nix', 'build', '--no-link', '-f', 'f.nix', ...words];

const LINES: readonly (readonly string[])[] = [
  B('dep', 'fail'),
  B('fail', 'dep'),
  N('dep', 'fail'),
  N('fail', 'dep', '--keep-going'),
  B('dep', 'fail', '--keep-going'),
  B('dep2', 'fail'),
  N('dep2', 'dep'),
  B('dep', 'edep'),
  N('dep', 'edep'),
  N('dep', 'edep', '--keep-going'),
  B('dep', 'edep', '--keep-going'),
  N('dep2', 'edep'),
  B('both', '--keep-going'),
  N('both', '--keep-going'),
  B('fail', 'fail2', '--keep-going'),
  N('fail', 'fail2', '--keep-going'),
  N('fail', 'fail2'),
  B('fail', 'ok', '--keep-going'),
  N('depTwo'),
  N('twoOut'),
  B('sig'),
  N('nobuilder'),
  B('notexec'),
  B('wrongsystem'),
  B('feature'),
  N('both2'),
  B('fixedbad'),
  N('fixedbad'),
  B('fixeddep'),
  B('fixeddep', '--keep-going'),
  B('fixedbad', 'fail', '--keep-going'),
  B('fixedfail'),
  B('fixedbad', 'fixedfail', 'fail2', '--keep-going'),
  N('fail^*', 'dep'),
  N('ok', '-j0'),
  B('ok', '-j0'),
  N('ok', 'dep', '-j0', '--keep-going'),
  N('fail', '-L'),
  N('fail', '--log-lines', '0'),
  B('fail', '-Q'),
  ['nix', 'build', '--no-link', '-f', 'f.nix', 'fail', '--option', 'keep-build-log', 'false'],
  ['nix-build', 'f.nix', '--no-out-link', '-A', 'slow', '--timeout', '1'],
  ['nix-build', 'f.nix', '--no-out-link', '-A', 'slow', '--max-silent-time', '1'],
  N('slow', '--timeout', '1'),
  ['nix-store', '-r', '/nonexistent'],
];

test('failed builds', { skip }, () => {
  const { floe, oracle } = store.compare(LINES);
  LINES.forEach((words, index) => assert.deepEqual(floe.runs[index], oracle.runs[index], words.join(' ')));
  assert.deepEqual(floe.facts, oracle.facts);
});
