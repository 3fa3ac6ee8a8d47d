// Nix's own language suite, as tests/conformance/lang.ts runs it. Needs FLOE_NIX_SUITE.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const suite = process.env['FLOE_NIX_SUITE'];

test('all values of the language suite', { skip: suite === undefined && 'FLOE_NIX_SUITE names no checkout of NixOS/nix' }, () => {
  const script = new URL('../conformance/lang.ts', import.meta.url).pathname;
  const { stdout } = spawnSync(process.execPath, [script, '--list'], { encoding: 'utf8' });
  assert.match(stdout, /parse-okay: passed (\d+) of \1\n/);
  assert.match(stdout, /parse-fail: passed (\d+) of \1\n/);
  assert.match(stdout, /eval-okay: passed (\d+) of \1\n/);
});
