// A few hundred random programs, here and in a real Nix (programs.ts makes more of them). Needs FLOE_ORACLE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oracleCommand, Random } from './compare.ts';
import { comparePrograms, randomProgram } from './programs.ts';

const command = oracleCommand();

for (const [seed, showTrace] of [
  [21, false],
  [22, true],
] as const) {
  test(`random programs, seed ${seed}`, { skip: command === undefined && 'FLOE_ORACLE names no C++ Nix' }, () => {
    const random = new Random(seed);
    const programs = Array.from({ length: 200 }, () => randomProgram(random));
    assert.deepEqual(comparePrograms(command!, programs, showTrace), []);
  });
}
