// A few hundred random programs, here and in a real Nix (programs.ts makes more of them). Needs FLOE_ORACLE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from './builtin-calls.ts';
import { comparePrograms, randomProgram } from './programs.ts';

const oracle = process.env['FLOE_ORACLE'];

for (const [seed, showTrace] of [
  [21, false],
  [22, true],
] as const) {
  test(`random programs, seed ${seed}`, { skip: oracle === undefined && 'FLOE_ORACLE names no C++ Nix' }, () => {
    const random = new Random(seed);
    const programs = Array.from({ length: 200 }, () => randomProgram(random));
    assert.deepEqual(comparePrograms(oracle!.split(' '), programs, showTrace), []);
  });
}
