// Sessions of `--debugger` on a pipe, beside those of C++ Nix: standard output and standard error to the byte. Skipped where FLOE_ORACLE is
// unset.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { runFloe } from '../support/run-floe.ts';

const oracle = process.env['FLOE_ORACLE'];
const skip = oracle === undefined ? 'FLOE_ORACLE names no Nix to compare with' : false;
const folder = mkdtempSync(join(tmpdir(), 'floe-debugger-'));
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, 'file.nix'), 'let h = { a, b ? 2 }: a + b + (throw "in file"); in h { a = 1; }\n');

const LOOK = [':env', ':bt', ':st', ':st 1'];
const SESSIONS: Record<string, { readonly words?: readonly string[]; readonly expression?: string; readonly lines: readonly string[] }> = {
  'a throw below let, with and a function': {
    expression: 'let x.a = 1; in\nwith x;\n(y: builtins.seq x.a (throw "oh snap")) x.a',
    lines: [...LOOK, 'x', 'y', ':p [ x y ]', 'z = y', 'z', ':c'],
  },
  'a break': { expression: 'let f = z: w: builtins.break (z + w); in f 2 3', lines: [':env', 'z', ':s', ':bt', ':c'] },
  'attributes of a recursive set': {
    expression: 'rec { a = 1; b = c.d; c = { d = throw "q"; }; }.b',
    lines: [...LOOK, 'a', 'nosuch', ':nonsense', ':?', ':q'],
  },
  'the end of input': { expression: '(_: throw "oh snap") 42', lines: [':env'] },
  'steps through calls': { expression: 'let s = { f = x: x.a + 1; }; in s.f { a = builtins.length [ 1 ]; }', lines: [':s', ':s', ':c'] },
  'an error that tryEval catches': { expression: '(_: builtins.tryEval (throw "y")) 1', lines: [':c'] },
  'the same, ignored': { words: ['--ignore-try'], expression: '(_: builtins.tryEval (throw "y")) 1', lines: [':c'] },
  'traces and warnings': {
    words: ['--option', 'debugger-on-trace', 'true'],
    expression: 'let x = 5; in builtins.trace "t" (builtins.warn "w" x)',
    lines: ['x', ':c', ':c'],
  },
  'nothing wrong': { expression: 'let f = x: x; in f 1', lines: ['never read'] },
  'a type error': { expression: 'let g = x: x + "a"; in g 1', lines: [':env', 'x', ':c'] },
  'a file': { words: ['-f', 'file.nix'], lines: [...LOOK, 'a', 'b', ':q'] },
};

for (const [name, { words = [], expression, lines }] of Object.entries(SESSIONS)) {
  test(`--debugger: ${name}`, { skip }, async () => {
    const stdin = lines.map((line) => `${line}\n`).join('');
    const env = {
      HOME: folder,
      PATH: process.env['PATH'],
      TERM: 'dumb',
      NIX_CONFIG: 'experimental-features = nix-command flakes\nsubstituters =',
      NIX_CONF_DIR: join(folder, 'etc'),
      NIX_STORE_DIR: join(folder, 'store'),
      NIX_STATE_DIR: join(folder, 'state'),
    };
    const all = ['nix', 'eval', '--debugger', ...words, ...(expression === undefined ? [] : ['--expr', expression])];
    const [program, ...rest] = oracle!.split(' ');
    const theirs = spawnSync(program!, [...rest, ...all], { cwd: folder, input: stdin, encoding: 'utf8', env });
    const ours = await runFloe(all, { cwd: folder, stdin, env });
    assert.equal(ours.stdout, theirs.stdout);
    assert.equal(ours.stderr, theirs.stderr);
    assert.equal(ours.code, theirs.status);
  });
}
