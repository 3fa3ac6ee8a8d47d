// A few hundred random calls of builtins, here and in a real Nix (builtin-calls.ts makes more of them). Needs FLOE_ORACLE.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { CALLED_BUILTINS, compareCalls, randomCall, Random } from './builtin-calls.ts';

const oracle = process.env['FLOE_ORACLE'];

for (const seed of [11, 12, 13]) {
  test(`random calls of builtins, seed ${seed}`, { skip: oracle === undefined && 'FLOE_ORACLE names no C++ Nix' }, () => {
    const random = new Random(seed);
    const calls = Array.from({ length: 250 }, () => randomCall(random, CALLED_BUILTINS));
    assert.deepEqual(compareCalls(oracle!.split(' '), calls, join(import.meta.dirname, '../builtins')), []);
  });
}
