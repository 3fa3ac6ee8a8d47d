// A few hundred random calls of builtins, here and in a real Nix (builtin-calls.ts makes more of them). Needs FLOE_ORACLE.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { CALLED_BUILTINS, compareCalls, randomCall } from './builtin-calls.ts';
import { oracleCommand, Random } from './compare.ts';

const command = oracleCommand();

for (const seed of [11, 12, 13]) {
  test(`random calls of builtins, seed ${seed}`, { skip: command === undefined && 'FLOE_ORACLE names no C++ Nix' }, () => {
    const random = new Random(seed);
    const calls = Array.from({ length: 250 }, () => randomCall(random, CALLED_BUILTINS));
    assert.deepEqual(compareCalls(command!, calls, join(import.meta.dirname, '../builtins')), []);
  });
}
