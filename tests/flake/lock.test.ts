// Locking against C++ Nix 2.34.8: every scenario gives the same lock files, byte for byte, the same warnings, metadata and errors. The
// expectations were made by the real Nix, which is asked again with FLOE_ORACLE set (UPDATE=1 keeps its answers); floe runs over memory.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { runWithFloe, runWithOracle, type StepRecord } from '../support/flake-scenarios.ts';
import { SCENARIOS } from './lock-scenarios.ts';

const golden = new URL('lock-scenarios.json', import.meta.url);
const oracle = process.env['FLOE_ORACLE'];

if (process.env['UPDATE'] === '1' && oracle !== undefined) {
  const made = Object.fromEntries(SCENARIOS.map((scenario) => [scenario.name, runWithOracle(scenario, oracle)]));
  writeFileSync(golden, `${JSON.stringify(made, null, 1)}\n`);
}

const expected = JSON.parse(readFileSync(golden, 'utf8')) as Record<string, StepRecord[]>;

for (const scenario of SCENARIOS) {
  test(`lock: ${scenario.name}`, async () => {
    const wanted = oracle === undefined ? expected[scenario.name] : runWithOracle(scenario, oracle);
    assert.deepEqual(await runWithFloe(scenario), wanted);
  });
}
