import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError } from '../base/errors.ts';
import { parseJson, printJson } from '../base/canonical-json.ts';
import {
  derivedPathFromJson,
  derivedPathToJson,
  dynamicReason,
  outputPlaceholder,
  outputsSpecContains,
  parseDerivedPath,
  parseSingleDerivedPath,
  printDerivedPath,
  splitOutputsSpec,
  unionOutputsSpec,
} from './derived-path.ts';

const drv = `/nix/store/${'0'.repeat(32)}-x.drv`;

test('derived paths are read and printed', () => {
  for (const text of [drv, `${drv}^out`, `${drv}^dev,out`, `${drv}^*`, `${drv}^out^dev^*`])
    assert.equal(printDerivedPath(parseDerivedPath(text, '/nix/store'), '/nix/store'), text);
  assert.equal(printDerivedPath(parseDerivedPath(`${drv}!out,dev,out`, '/nix/store', '!'), '/nix/store'), `${drv}^dev,out`);
  assert.equal(printDerivedPath(parseSingleDerivedPath(`${drv}^out`, '/nix/store'), '/nix/store', '!'), `${drv}!out`);
  for (const bad of ['', 'x', `${drv}^`, `${drv}^a b`, `${drv}^out^`, `${drv}^*^out`, `${drv}/sub`])
    assert.throws(() => parseDerivedPath(bad, '/nix/store'), FormatError, bad);
});

test('outputs of derivations that are outputs', () => {
  const path = parseDerivedPath(`${drv}^out^dev^*`, '/nix/store');
  assert.deepEqual(derivedPathFromJson(parseJson(printJson(derivedPathToJson(path)), 'x')), path);
  assert.equal(dynamicReason(path), `building output 'out' of '${drv.slice('/nix/store/'.length)}'`);
  assert.equal(dynamicReason(parseDerivedPath(`${drv}^dev`, '/nix/store')), undefined);
  // As builtins.outputOf of C++ Nix gives it.
  const inner = parseSingleDerivedPath('/nix/store/mw5klh6g2nnji64qmvj08ydnm5m5ahf8-hello.drv.drv^out^out', '/nix/store');
  assert.ok(inner.kind === 'built');
  assert.equal(outputPlaceholder(inner), '/0kjwx8q2xiifym7wljkrqw6x4fhx6sa2454sn4l04hwc2gj0sv0f');
});

test('outputs specs', () => {
  assert.deepEqual(unionOutputsSpec(['out'], ['dev', 'out']), ['dev', 'out']);
  assert.equal(unionOutputsSpec(['out'], 'all'), 'all');
  assert.ok(outputsSpecContains('all', 'x') && outputsSpecContains(['out'], 'out') && !outputsSpecContains(['out'], 'x'));
  assert.deepEqual(splitOutputsSpec('a^b^*'), { prefix: 'a^b', outputs: 'all' });
  assert.deepEqual(splitOutputsSpec('nixpkgs#x'), { prefix: 'nixpkgs#x', outputs: undefined });
  assert.throws(() => splitOutputsSpec('x^'), FormatError);
});
