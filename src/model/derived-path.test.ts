import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError } from '../base/errors.ts';
import {
  outputsSpecContains,
  parseDerivedPath,
  parseSingleDerivedPath,
  printDerivedPath,
  splitOutputsSpec,
  unionOutputsSpec,
} from './derived-path.ts';

const drv = `/nix/store/${'0'.repeat(32)}-x.drv`;

test('derived paths are read and printed', () => {
  for (const text of [drv, `${drv}^out`, `${drv}^dev,out`, `${drv}^*`])
    assert.equal(printDerivedPath(parseDerivedPath(text, '/nix/store'), '/nix/store'), text);
  assert.equal(printDerivedPath(parseDerivedPath(`${drv}!out,dev,out`, '/nix/store', '!'), '/nix/store'), `${drv}^dev,out`);
  assert.equal(printDerivedPath(parseSingleDerivedPath(`${drv}^out`, '/nix/store'), '/nix/store', '!'), `${drv}!out`);
  for (const bad of ['', 'x', `${drv}^`, `${drv}^a b`, `${drv}^out^out`, `${drv}/sub`])
    assert.throws(() => parseDerivedPath(bad, '/nix/store'), FormatError, bad);
});

test('outputs specs', () => {
  assert.deepEqual(unionOutputsSpec(['out'], ['dev', 'out']), ['dev', 'out']);
  assert.equal(unionOutputsSpec(['out'], 'all'), 'all');
  assert.ok(outputsSpecContains('all', 'x') && outputsSpecContains(['out'], 'out') && !outputsSpecContains(['out'], 'x'));
  assert.deepEqual(splitOutputsSpec('a^b^*'), { prefix: 'a^b', outputs: 'all' });
  assert.deepEqual(splitOutputsSpec('nixpkgs#x'), { prefix: 'nixpkgs#x', outputs: undefined });
  assert.throws(() => splitOutputsSpec('x^'), FormatError);
});
