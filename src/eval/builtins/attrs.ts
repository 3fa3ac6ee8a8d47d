// Builtins on attribute sets. What users see comes in the order of the names' bytes; attributes keep the positions they were
// defined at where C++ Nix keeps them.

import { AttrsBuilder, EMPTY_ATTRS, makeSortedAttrs, type Attrs } from '../attrs.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { forceAttrs, forceFunction, forceList, forceStringNoContext, requireAttr } from '../coerce.ts';
import { NO_POSITION, type PositionId } from '../position.ts';
import { printIdentifier } from '../../lang/print-ast.ts';
import { internSymbol, querySymbol, type SymbolId, symbolName, symbols } from '../symbol.ts';
import { delayAttrCalls, delayCalls2, force, Thunk, type Slot } from '../value.ts';

/** builtins.attrNames */
export const attrNames: BuiltinDefinition = {
  args: ['set'],
  forces: [0],
  text: 'The names of a set’s attributes, sorted.',
  run(state, pos, slot) {
    const attrs = forceAttrs(state, slot!, pos, 'while evaluating the argument passed to builtins.attrNames');
    const keys = attrs.keys();
    return attrs.order().map((i) => symbolName(keys[i]!));
  },
};

/** builtins.attrValues */
export const attrValues: BuiltinDefinition = {
  args: ['set'],
  forces: [0],
  text: 'The values of a set’s attributes, in the order of their names (that of `attrNames`).',
  run(state, pos, slot) {
    const attrs = forceAttrs(state, slot!, pos, 'while evaluating the argument passed to builtins.attrValues');
    return attrs.order().map((i) => attrs.slotAt(i));
  },
};

/** builtins.getAttr */
export const getAttr: BuiltinDefinition = {
  args: ['s', 'set'],
  forces: [0, 1],
  firstForced: 'string',
  text: 'The attribute of *set* whose name is *s*: `set.${s}`. An error where it is missing.',
  run(state, pos, nameSlot, slot) {
    const name = forceStringNoContext(state, nameSlot!, pos, 'while evaluating the first argument passed to builtins.getAttr');
    const attrs = forceAttrs(state, slot!, pos, 'while evaluating the second argument passed to builtins.getAttr');
    return force(requireAttr(state, attrs, internSymbol(name), printIdentifier(name), 'in the attribute set under consideration'), pos);
  },
};

/** builtins.hasAttr */
export const hasAttr: BuiltinDefinition = {
  args: ['s', 'set'],
  forces: [0, 1],
  firstForced: 'string',
  text: 'Whether *set* has an attribute whose name is *s*: `set ? ${s}`.',
  run(state, pos, nameSlot, slot) {
    const name = forceStringNoContext(state, nameSlot!, pos, 'while evaluating the first argument passed to builtins.hasAttr');
    const attrs = forceAttrs(state, slot!, pos, 'while evaluating the second argument passed to builtins.hasAttr');
    const symbol = querySymbol(name);
    return symbol !== undefined && attrs.has(symbol);
  },
};

/** builtins.unsafeGetAttrPos */
export const unsafeGetAttrPos: BuiltinDefinition = {
  args: ['s', 'set'],
  forces: [0, 1],
  firstForced: 'string',
  text: 'Where the attribute *s* of *set* was defined: `{ column, file, line }`, or `null` where that is not known.',
  run(state, pos, nameSlot, slot) {
    const name = forceStringNoContext(state, nameSlot!, pos, 'while evaluating the first argument passed to builtins.unsafeGetAttrPos');
    const attrs = forceAttrs(state, slot!, pos, 'while evaluating the second argument passed to builtins.unsafeGetAttrPos');
    const symbol = querySymbol(name);
    return symbol === undefined ? null : state.positionValue(attrs.position(symbol));
  },
};

/** builtins.removeAttrs */
export const removeAttrs: BuiltinDefinition = {
  args: ['set', 'list'],
  forces: [0, 1],
  firstForced: 'set',
  text: '*set* without the attributes that *list* names; names it does not have do not matter.',
  run(state, pos, slot, listSlot) {
    const attrs = forceAttrs(state, slot!, pos, 'while evaluating the first argument passed to builtins.removeAttrs');
    const list = forceList(state, listSlot!, pos, 'while evaluating the second argument passed to builtins.removeAttrs');
    const removed: SymbolId[] = [];
    for (const element of list) {
      const what = 'while evaluating the values of the second argument passed to builtins.removeAttrs';
      const symbol = querySymbol(forceStringNoContext(state, element, pos, what));
      if (symbol !== undefined) removed.push(symbol);
    }
    return removed.length === 0 ? attrs : attrs.without(removed);
  },
};

/** builtins.intersectAttrs */
export const intersectAttrs: BuiltinDefinition = {
  args: ['e1', 'e2'],
  forces: [0, 1],
  firstForced: 'set',
  text: 'The attributes of *e2* whose names *e1* has too.',
  run(state, pos, leftSlot, rightSlot) {
    const left = forceAttrs(state, leftSlot!, pos, 'while evaluating the first argument passed to builtins.intersectAttrs');
    const right = forceAttrs(state, rightSlot!, pos, 'while evaluating the second argument passed to builtins.intersectAttrs');
    if (left.shape.flat === right.shape.flat) return right;
    const picked: number[] = [];
    // INVARIANT: keys ascend, so the indices found ascend either way round.
    if (left.size < right.size) {
      for (const key of left.keys()) {
        const index = right.shape.find(key);
        if (index >= 0) picked.push(index);
      }
    } else {
      const keys = right.keys();
      for (let i = 0; i < keys.length; i++) if (left.has(keys[i]!)) picked.push(i);
    }
    return right.pick(picked);
  },
};

/** builtins.catAttrs */
export const catAttrs: BuiltinDefinition = {
  args: ['attr', 'list'],
  forces: [0, 1],
  firstForced: 'string',
  text: 'The values of the attribute *attr* from those sets of *list* that have it.',
  run(state, pos, nameSlot, listSlot) {
    const name = forceStringNoContext(state, nameSlot!, pos, 'while evaluating the first argument passed to builtins.catAttrs');
    const symbol = internSymbol(name);
    const list = forceList(state, listSlot!, pos, 'while evaluating the second argument passed to builtins.catAttrs');
    const result: Slot[] = [];
    for (const element of list) {
      const what = 'while evaluating an element in the list passed as second argument to builtins.catAttrs';
      const value = forceAttrs(state, element, pos, what).get(symbol);
      if (value !== undefined) result.push(value);
    }
    return result.slice();
  },
};

/** The symbols in ascending order. PERF: names seen for the first time here have it already. */
function ascending(keys: SymbolId[]): SymbolId[] {
  for (let i = 1; i < keys.length; i++) if (keys[i - 1]! > keys[i]!) return keys.sort((a, b) => a - b);
  return keys;
}

/** builtins.listToAttrs */
export const listToAttrs: BuiltinDefinition = {
  args: ['e'],
  forces: [0],
  text: 'A set from a list of `{ name = ...; value = ...; }`. Of equal names the first counts.',
  run(state, pos, listSlot) {
    const list = forceList(state, listSlot!, pos, 'while evaluating the argument passed to builtins.listToAttrs');
    const pairs = new Map<SymbolId, Attrs>();
    for (const element of list) {
      const pair = forceAttrs(state, element, pos, 'while evaluating an element of the list passed to builtins.listToAttrs');
      const nameSlot = requireAttr(state, pair, symbols.name, 'name', 'in a {name=...; value=...;} pair');
      const what = 'while evaluating the `name` attribute of an element of the list passed to builtins.listToAttrs';
      const symbol = internSymbol(
        typeof nameSlot === 'string' ? nameSlot : forceStringNoContext(state, nameSlot, pair.position(symbols.name), what),
      );
      if (!pairs.has(symbol)) pairs.set(symbol, pair);
    }
    if (pairs.size === 0) return EMPTY_ATTRS;
    const keys = ascending([...pairs.keys()]);
    const slots: Slot[] = new Array(keys.length);
    const positions: PositionId[] = new Array(keys.length);
    let hasPositions = false;
    for (let i = 0; i < keys.length; i++) {
      const pair = pairs.get(keys[i]!)!;
      slots[i] = requireAttr(state, pair, symbols.value, 'value', 'in a {name=...; value=...;} pair');
      const position = pair.position(symbols.value);
      positions[i] = position;
      if (position !== NO_POSITION) hasPositions = true;
    }
    return makeSortedAttrs(keys, hasPositions ? positions : null, slots);
  },
};

/** builtins.mapAttrs */
export const mapAttrs: BuiltinDefinition = {
  args: ['f', 'attrset'],
  forces: [1],
  text: 'The set with the same names whose values are `f name value`, each computed when it is needed.',
  run(state, pos, fn, slot) {
    const attrs = forceAttrs(state, slot!, pos, 'while evaluating the second argument passed to builtins.mapAttrs');
    // The one empty set, which prints as repeated where it was printed before.
    return attrs.size === 0 ? EMPTY_ATTRS : attrs.withSlots(delayAttrCalls(fn!, attrs), false);
  },
};

/** builtins.zipAttrsWith */
export const zipAttrsWith: BuiltinDefinition = {
  args: ['f', 'list'],
  text:
    'One set from a list of sets: each name that any of them has, with the value `f name values`, where *values* lists what the sets ' +
    'have under that name, in their order.',
  run(state, pos, fn, listSlot) {
    forceFunction(state, fn!, pos, 'while evaluating the first argument passed to builtins.zipAttrsWith');
    const list = forceList(state, listSlot!, pos, 'while evaluating the second argument passed to builtins.zipAttrsWith');
    const gathered = new Map<SymbolId, Slot[]>();
    for (const element of list) {
      const what = 'while evaluating a value of the list passed as second argument to builtins.zipAttrsWith';
      const attrs = forceAttrs(state, element, NO_POSITION, what);
      const keys = attrs.keys();
      for (let i = 0; i < keys.length; i++) {
        const values = gathered.get(keys[i]!);
        if (values === undefined) gathered.set(keys[i]!, [attrs.slotAt(i)]);
        else values.push(attrs.slotAt(i));
      }
    }
    const calls = delayCalls2(fn!);
    const builder = new AttrsBuilder();
    // Copied at its size.
    for (const [symbol, values] of gathered) builder.set(symbol, new Thunk(calls, [symbolName(symbol), values.slice()]));
    return builder.build();
  },
};
