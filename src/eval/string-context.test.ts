import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StorePath } from '../model/store-path.ts';
import {
  builtElement,
  ContextAccumulator,
  type ContextElement,
  contextOf,
  deepElement,
  makeContext,
  mergeContexts,
  opaqueElement,
  parseContextElement,
  printContextElement,
} from './string-context.ts';

const path = (name: string): StorePath => name as StorePath;

const elements = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'd').map((name) => opaqueElement(path(name))),
  fc.constantFrom('a', 'b').map((name) => deepElement(path(name))),
  fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('out', 'dev')).map(([name, output]) => builtElement(path(name), output)),
);

const names = (context: readonly ContextElement[] | null): string[] => (context ?? []).map(printContextElement).sort();

test('elements are unique, and print and parse as C++ Nix has them', () => {
  assert.equal(opaqueElement(path('x')), opaqueElement(path('x')));
  assert.equal(builtElement(path('x'), 'out'), builtElement(path('x'), 'out'));
  assert.notEqual(builtElement(path('x'), 'out'), builtElement(path('x'), 'dev'));
  assert.deepEqual([opaqueElement(path('x')), deepElement(path('x')), builtElement(path('x'), 'o')].map(printContextElement), [
    'x',
    '=x',
    '!o!x',
  ]);
  assert.deepEqual(parseContextElement(builtElement(path('x'), 'o')), { kind: 'built', derivation: 'x', output: 'o' });
});

test('a union holds what either holds, and is one of them where that is enough', () => {
  fc.assert(
    fc.property(fc.array(elements), fc.array(elements), (left, right) => {
      const a = makeContext(left);
      const b = makeContext(right);
      const union = mergeContexts(a, b);
      assert.deepEqual(names(union), [...new Set([...names(a), ...names(b)])].sort());
      if (names(b).every((name) => names(a).includes(name)) && a !== null) assert.equal(union, a);
    }),
  );
});

test('an accumulator gives the same as merging one by one', () => {
  fc.assert(
    fc.property(fc.array(fc.array(elements)), (lists) => {
      const accumulator = new ContextAccumulator();
      for (const list of lists) accumulator.add(makeContext(list));
      const merged = lists.map((list) => makeContext(list)).reduce((a, b) => mergeContexts(a, b), null);
      assert.deepEqual(names(accumulator.context), names(merged));
    }),
  );
  assert.equal(new ContextAccumulator().context, null);
  const accumulator = new ContextAccumulator();
  accumulator.addElement(opaqueElement(path('x')));
  assert.equal(accumulator.context, contextOf(opaqueElement(path('x'))));
});
