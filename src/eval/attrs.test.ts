import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Attrs, AttrsBuilder, EMPTY_ATTRS, makeAttrs, RecordShape, updateAttrs } from './attrs.ts';
import { internSymbol, symbolName } from './symbol.ts';
import { delay } from './value.ts';

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

test('sets in layers, of which some became flat, are as if all were flat', () => {
  const steps = fc.array(fc.tuple(entries, fc.boolean(), fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 6 });
  const few = fc.uniqueArray(fc.tuple(keyNames, fc.nat(1000), fc.nat(5)), { selector: ([name]) => name, maxLength: 6 });
  const mixed = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: few.map((list) => [list, true, false, false] as const) },
      steps.map(([step]) => step!),
    ),
  );
  fc.assert(
    fc.property(entries, mixed, (start, changes) => {
      let expected = start;
      let attrs = build(start);
      const before: [Attrs, Entries][] = [];
      for (const [list, isRight, becomesFlat, isForced] of changes) {
        before.push([attrs, expected]);
        const other = build(list);
        const [low, high] = isRight ? [expected, list] : [list, expected];
        expected = [...low.filter(([name]) => !high.some((one) => one[0] === name)), ...high];
        attrs = isRight ? updateAttrs(attrs, other) : updateAttrs(other, attrs);
        if (becomesFlat) attrs.slots();
        for (const [name, value, position] of expected) {
          assert.equal(isForced ? attrs.force(internSymbol(name)) : attrs.get(internSymbol(name)), value);
          assert.equal(attrs.position(internSymbol(name)), position);
        }
        assert.equal(attrs.size, expected.length);
      }
      const dropped = expected.filter((_, i) => i % 3 === 0).map(([name]) => name);
      const kept = expected.filter(([name]) => !dropped.includes(name));
      assert.deepEqual(contents(attrs.without(dropped.map(internSymbol))), sorted(kept));
      for (const [set, list] of [...before, [attrs, expected] as const]) assert.deepEqual(contents(set), sorted(list));
    }),
  );
});

test('a value is written back where its thunk is, which sets in layers share, and not where a set became flat meanwhile', () => {
  const base = (): Attrs => makeAttrs(Array.from({ length: 40 }, (_, i) => [`k${i}`, delay(() => i)] as const));
  const lower = base();
  const upper = updateAttrs(lower, makeAttrs([['k7', delay(() => 'seven')]]));
  assert.notEqual(upper.shape, upper.shape.flat);
  for (const attrs of [upper, lower]) for (let i = 0; i < attrs.size; i++) attrs.forceAt(i);
  assert.equal(upper.get(internSymbol('k7')), 'seven');
  assert.equal(lower.get(internSymbol('k7')), 7);
  assert.equal(lower.get(internSymbol('k8')), 8);
  assert.equal(upper.get(internSymbol('k8')), 8);

  let attrs = EMPTY_ATTRS;
  const flattens = delay(() => attrs.slots().length);
  attrs = updateAttrs(base(), makeAttrs([['k9', flattens]]));
  assert.equal(attrs.force(internSymbol('k9')), 40);
  assert.equal(attrs.force(internSymbol('k9')), 40);
  for (let i = 0; i < 40; i++) if (i !== 9) assert.equal(attrs.force(internSymbol(`k${i}`)), i);
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
