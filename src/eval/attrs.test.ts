import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Attrs, AttrsBuilder, EMPTY_ATTRS, makeAttrs, RecordShape, updateAttrs } from './attrs.ts';
import { internSymbol, symbolName } from './symbol.ts';

const keyNames = fc.constantFrom(...'zyxwvutsrqponmlkjihgfedcba'.split(''), ...Array.from({ length: 300 }, (_, i) => `k${i}`));
const entries = fc.uniqueArray(fc.tuple(keyNames, fc.nat(1000), fc.nat(5)), { selector: ([name]) => name, maxLength: 400 });
type Entries = readonly (readonly [string, number, number])[];

function build(list: Entries): Attrs {
  const builder = new AttrsBuilder();
  for (const [name, value, position] of list) builder.setName(name, value, position);
  return builder.build();
}

/** What a set holds: name -> value and position, in the order users see. */
function contents(attrs: Attrs): [string, unknown, number][] {
  return attrs.order().map((i) => [symbolName(attrs.keys()[i]!), attrs.slots()[i], attrs.positionAt(i)]);
}

function sorted(list: Entries): [string, number, number][] {
  return list.map(([name, value, position]) => [name, value, position] as [string, number, number]).sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

test('a set has what was put into it, in the order of its names', () => {
  fc.assert(
    fc.property(entries, (list) => {
      const attrs = build(list);
      assert.deepEqual(contents(attrs), sorted(list));
      assert.equal(attrs.size, list.length);
      for (const [name, value, position] of list) {
        assert.equal(attrs.get(internSymbol(name)), value);
        assert.equal(attrs.position(internSymbol(name)), position);
      }
      assert.equal(attrs.get(internSymbol('missing')), undefined);
    }),
  );
});

test('// prefers the right, keeps positions, and changes neither', () => {
  fc.assert(
    fc.property(entries, entries, (left, right) => {
      const a = build(left);
      const b = build(right);
      const expected = sorted([...left.filter(([name]) => !right.some((other) => other[0] === name)), ...right]);
      assert.deepEqual(contents(updateAttrs(a, b)), expected);
      // The second time goes by the plan that the first one made.
      assert.deepEqual(contents(updateAttrs(build(left), build(right))), expected);
      assert.deepEqual(contents(a), sorted(left));
      assert.deepEqual(contents(b), sorted(right));
    }),
  );
});

test('without and pick leave what they should', () => {
  fc.assert(
    fc.property(entries, fc.array(keyNames), (list, dropped) => {
      const attrs = build(list);
      assert.deepEqual(contents(attrs.without(dropped.map(internSymbol))), sorted(list.filter(([name]) => !dropped.includes(name))));
    }),
  );
  const attrs = build([['a', 1, 0]]);
  assert.equal(attrs.without([internSymbol('b')]), attrs);
  assert.equal(attrs.without([internSymbol('a')]), EMPTY_ATTRS);
});

test('sets with the same keys from the same places share their shape', () => {
  const one = build([
    ['a', 1, 7],
    ['b', 2, 8],
  ]);
  const other = build([
    ['b', 3, 8],
    ['a', 4, 7],
  ]);
  assert.equal(one.shape, other.shape);
  assert.equal(makeAttrs([['q', 1]]).shape, new RecordShape('q').make(2).shape);
});
