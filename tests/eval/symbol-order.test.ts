// Sets are walked in the order in which names were first seen (Nix's symbols): it shows in what `deepSeq` traces first, and in which of
// several faults is reported. A program of its own each time, since one process has one table of symbols; twice, since the second reads
// compiled code. With FLOE_ORACLE, C++ Nix has its say.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { launcher, ownStore } from '../support/own-store.ts';

const { folder, run } = ownStore();
const oracle = process.env['FLOE_ORACLE'];

/** Names given as text, so that only the rest of the program tells when they were first seen. */
const traced = (names: string): string =>
  `builtins.deepSeq (builtins.listToAttrs (map (name: { inherit name; value = builtins.trace name 1; }) [ ${names
    .split(' ')
    .map((name) => JSON.stringify(name))
    .join(' ')} ])) 1`;

const PROGRAMS: Readonly<Record<string, readonly [text: string, order: string]>> = {
  'parts that never run': ['let f = x: x.b.zz.c; g = { q, d ? q }: e: q; in TRACED', 'b zz c q d e a'],
  'parameters behind the body, formals behind their default': [
    'let u = { p ? r.s, ... }@t: v: t.w or y.z v; y = 1; r = 1; in TRACED',
    'r s p t w y z v a',
  ],
  'names of paths, inherited ones and such as are text': [
    'let i = { inherit (j k) l "m"; n."o".${"h"} = j: k; }; j = k; k = 1; in TRACED',
    'i j k l m n o h a',
  ],
  'a file that is imported': ['let z = import ./imported.nix; y = z.b; in builtins.seq y (TRACED)', 'z y b d c a'],
  'what Nix itself knows': ['TRACED', 'outPath system __sub body builtins __typeOf typeOf __filter filter recursive sha256 success url'],
};

for (const [title, [text, order]] of Object.entries(PROGRAMS)) {
  test(title, () => {
    const place = join(folder, title);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'imported.nix'), '{ b = { d, c ? d }: c; }');
    const file = join(place, 'program.nix');
    writeFileSync(file, text.replace('TRACED', traced(order.split(' ').sort().join(' '))));
    const words = ['nix-instantiate', '--eval', '--strict', file];
    const traces = (command: readonly string[]): string =>
      run(command, place)
        .stderr.replaceAll(/^trace: /gm, '')
        .trim()
        .replaceAll('\n', ' ');
    for (const round of [1, 2]) assert.equal(traces([launcher, ...words, '--no-eval-cache']), order, `round ${round}`);
    if (oracle !== undefined) assert.equal(traces([...oracle.split(' '), ...words]), order);
  });
}

// Nix knows x before b.
const FAULTS: Readonly<Record<string, string>> = {
  'let b = x; x = b; in b': 'infinite recursion encountered at 1:16',
  'let x = b; b = x; in b': 'infinite recursion encountered at 1:9',
  'rec { b = x; x = b; }.b': 'infinite recursion encountered at 1:18',
  '({ b ? x, x ? b }: b) { }': 'infinite recursion encountered at 1:15',
  '({ x ? b, b ? x }: b) { }': 'infinite recursion encountered at 1:8',
  '({ b, x }: b) { }': "function 'anonymous lambda' called without required argument 'x' at 1:2",
  '{ b = p; x = q; }': "undefined variable 'q' at 1:14",
  'rec { b = p; x = q; }': "undefined variable 'q' at 1:18",
  'let b = p; x = q; in 1': "undefined variable 'q' at 1:16",
  '{ b ? p, x ? q }: 1': "undefined variable 'q' at 1:14",
  '{ b.b = p; b.x = q; }': "undefined variable 'q' at 1:18",
  '{ inherit b x; }': "undefined variable 'x' at 1:13",
  '{ inherit (p) b; inherit (q) x; }': "undefined variable 'p' at 1:12",
};

for (const [text, expected] of Object.entries(FAULTS)) {
  test(text, () => {
    const fault = (command: readonly string[]): string => {
      const { stderr } = run([...command, 'nix-instantiate', '--eval', '--expr', text], folder);
      return stderr.replace(/^[^]*error: (.+)\n\s*at «string»:([0-9:]+):[^]*$/, '$1 at $2');
    };
    assert.equal(fault([launcher]), expected);
    if (oracle !== undefined) assert.equal(fault(oracle.split(' ')), expected);
  });
}
