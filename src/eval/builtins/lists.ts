// Builtins on lists. Elements are evaluated only where a builtin looks at them. PERF: what was gathered by push is given as a copy of its
// size: an array that grows keeps room for 16 more.

import { EvalError, FloeError } from '../../base/errors.ts';
import { AttrsBuilder, RecordShape } from '../attrs.ts';
import { Builtin, type BuiltinDefinition } from '../builtin.ts';
import { call1, call2 } from '../call.ts';
import { forceAttrs, forceBool, forceFunction, forceInt, forceList, forceStringNoContext, requireAttr } from '../coerce.ts';
import { equalValues, lessThan as isLess } from '../equality.ts';
import { addFrame, at } from '../error-position.ts';
import { NO_POSITION } from '../position.ts';
import { printForError } from '../print.ts';
import type { EvalState } from '../state.ts';
import { internSymbol, symbols } from '../symbol.ts';
import { ContextString, delayCalls1, force, positionOf, Thunk, type Slot, type Value } from '../value.ts';
import { lessThan } from './arithmetic.ts';
import { peekSort } from './peek-sort.ts';
import { KeyTree } from './key-tree.ts';

function anyOrAll(name: 'any' | 'all', text: string): BuiltinDefinition {
  const wanted = name === 'any';
  const whatFunction = `while evaluating the first argument passed to builtins.${name}`;
  const whatList = `while evaluating the second argument passed to builtins.${name}`;
  const what = `while evaluating the return value of the function passed to builtins.${name}`;
  return {
    args: ['pred', 'list'],
    forces: [0, 1],
    firstForced: 'lambda',
    text,
    run(state, pos, fnSlot, listSlot) {
      const fn = forceFunction(state, fnSlot!, pos, whatFunction);
      const list = forceList(state, listSlot!, pos, whatList);
      for (const element of list) if (forceBool(state, call1(fn, element, pos), pos, what) === wanted) return wanted;
      return !wanted;
    },
  };
}

/** builtins.all */
export const all = anyOrAll('all', 'Whether *pred* is true of every element of *list*. Stops at the first of which it is not.');

/** builtins.any */
export const any = anyOrAll('any', 'Whether *pred* is true of at least one element of *list*. Stops at the first of which it is.');

/** builtins.concatLists */
export const concatLists: BuiltinDefinition = {
  args: ['lists'],
  forces: [0],
  text: 'The elements of the lists in a list, as one list.',
  run(state, pos, listSlot) {
    const lists = forceList(state, listSlot!, pos, 'while evaluating the first argument passed to builtins.concatLists');
    const what = 'while evaluating a value of the list passed to builtins.concatLists';
    return concatenate(lists.map((list) => forceList(state, list, pos, what)));
  },
};

/** One list of all elements; where only one list has any, that list itself. */
function concatenate(lists: readonly Slot[][]): Slot[] {
  let length = 0;
  let last: Slot[] = [];
  for (const list of lists) {
    if (list.length === 0) continue;
    length += list.length;
    last = list;
  }
  if (length === last.length) return last;
  const result: Slot[] = new Array(length);
  let at = 0;
  for (const list of lists) for (let i = 0; i < list.length; i++) result[at++] = list[i]!;
  return result;
}

/** builtins.concatMap */
export const concatMap: BuiltinDefinition = {
  args: ['f', 'list'],
  forces: [0, 1],
  firstForced: 'lambda',
  text: 'The elements of the lists that *f* gives for each element of *list*, as one list: `concatLists (map f list)`, but strict.',
  run(state, pos, fnSlot, listSlot) {
    const fn = forceFunction(state, fnSlot!, pos, 'while evaluating the first argument passed to builtins.concatMap');
    const list = forceList(state, listSlot!, pos, 'while evaluating the second argument passed to builtins.concatMap');
    const what = 'while evaluating the return value of the function passed to builtins.concatMap';
    const lists: Slot[][] = new Array(list.length);
    for (let i = 0; i < list.length; i++) {
      const result = call1(fn, list[i]!, pos);
      lists[i] = Array.isArray(result) ? result : forceList(state, result, positionOf(result) || positionOf(fn), what);
    }
    return concatenate(lists);
  },
};

/** builtins.elem */
export const elem: BuiltinDefinition = {
  args: ['x', 'xs'],
  forces: [1],
  text: 'Whether the list *xs* has an element equal to *x*.',
  run(state, pos, slot, listSlot) {
    const list = forceList(state, listSlot!, pos, 'while evaluating the second argument passed to builtins.elem');
    for (const element of list) {
      if (equalValues(state, slot!, element, pos, 'while searching for the presence of the given element in the list')) return true;
    }
    return false;
  },
};

/** builtins.elemAt */
export const elemAt: BuiltinDefinition = {
  args: ['xs', 'n'],
  forces: [1, 0],
  firstForced: 'int',
  text: 'Element *n* of the list *xs*, counted from 0. An error where there is none.',
  run(state, pos, listSlot, indexSlot) {
    const index = forceInt(state, indexSlot!, pos, "while evaluating the second argument passed to 'builtins.elemAt'");
    const list = forceList(state, listSlot!, pos, "while evaluating the first argument passed to 'builtins.elemAt'");
    if (index < 0 || index >= list.length) {
      throw new EvalError(`'builtins.elemAt' called with index ${index} on a list of size ${list.length}`, at(pos));
    }
    return force(list[Number(index)]!, pos);
  },
};

/** builtins.head */
export const head: BuiltinDefinition = {
  args: ['list'],
  forces: [0],
  text: 'The first element of a list. An error where the list is empty.',
  run(state, pos, listSlot) {
    const list = forceList(state, listSlot!, pos, "while evaluating the first argument passed to 'builtins.head'");
    if (list.length === 0) throw new EvalError("'builtins.head' called on an empty list", at(pos));
    return force(list[0]!, pos);
  },
};

/** builtins.tail */
export const tail: BuiltinDefinition = {
  args: ['list'],
  forces: [0],
  text: 'The list without its first element. An error where the list is empty. It copies the list, so do not loop with it.',
  run(state, pos, listSlot) {
    const list = forceList(state, listSlot!, pos, "while evaluating the first argument passed to 'builtins.tail'");
    if (list.length === 0) throw new EvalError("'builtins.tail' called on an empty list", at(pos));
    return list.slice(1);
  },
};

/** builtins.length */
export const length: BuiltinDefinition = {
  args: ['e'],
  forces: [0],
  text: 'The number of elements of a list.',
  run: (state, pos, listSlot) => forceList(state, listSlot!, pos, 'while evaluating the first argument passed to builtins.length').length,
};

/** builtins.map */
export const map: BuiltinDefinition = {
  args: ['f', 'list'],
  forces: [1],
  text: 'The list of `f x` for each element *x* of *list*, each computed when it is needed.',
  run(state, pos, fn, listSlot) {
    const list = forceList(state, listSlot!, pos, 'while evaluating the second argument passed to builtins.map');
    if (list.length === 0) return list;
    forceFunction(state, fn!, pos, 'while evaluating the first argument passed to builtins.map');
    const calls = delayCalls1(fn!);
    const mapped: Slot[] = new Array(list.length);
    for (let i = 0; i < list.length; i++) mapped[i] = new Thunk(calls, list[i]!);
    return mapped;
  },
};

/** builtins.filter */
export const filter: BuiltinDefinition = {
  args: ['f', 'list'],
  forces: [1],
  text: 'The elements of *list* of which *f* is true.',
  run(state, pos, fnSlot, listSlot) {
    const list = forceList(state, listSlot!, pos, 'while evaluating the second argument passed to builtins.filter');
    if (list.length === 0) return list;
    const fn = forceFunction(state, fnSlot!, pos, 'while evaluating the first argument passed to builtins.filter');
    const what = 'while evaluating the return value of the filtering function passed to builtins.filter';
    const kept: Slot[] = new Array<Slot>(list.length);
    let count = 0;
    for (let i = 0; i < list.length; i++) {
      const element = list[i]!;
      if (forceBool(state, call1(fn, element, NO_POSITION), pos, what)) kept[count++] = element;
    }
    if (count === list.length) return list;
    kept.length = count;
    return kept;
  },
};

/** builtins.foldl' */
export const foldl: BuiltinDefinition = {
  name: "foldl'",
  args: ['op', 'nul', 'list'],
  text:
    "Reduces a list from the left: `foldl' (x: y: x + y) 0 [1 2 3]` is `((0 + 1) + 2) + 3`. Each result of *op* is evaluated before " +
    'the next step, *nul* only when *op* looks at it.',
  run(state, pos, fnSlot, initial, listSlot) {
    const fn = forceFunction(state, fnSlot!, pos, 'while evaluating the first argument passed to builtins.foldlStrict');
    const list = forceList(state, listSlot!, pos, 'while evaluating the third argument passed to builtins.foldlStrict');
    let result: Slot = initial!;
    for (let i = 0; i < list.length; i++) result = call2(fn, result, list[i]!, pos);
    return force(result, pos);
  },
};

/** More elements than this cannot be held. */
const MAX_LIST = 2 ** 32 - 1;

const MAX_DENSE = 1 << 24;

/** builtins.genList */
export const genList: BuiltinDefinition = {
  args: ['generator', 'length'],
  forces: [1],
  text: 'The list of `generator i` for each *i* from 0 to *length* less 1, each computed when it is needed.',
  run(state, pos, fn, lengthSlot) {
    const size = forceInt(state, lengthSlot!, pos, 'while evaluating the second argument passed to builtins.genList');
    if (size < 0 || size > MAX_LIST) throw new EvalError(`cannot create list of size ${size}`, at(pos));
    forceFunction(state, fn!, NO_POSITION, 'while evaluating the first argument passed to builtins.genList');
    const calls = delayCalls1(fn!);
    const count = Number(size);
    // An array made so large at once would be a table of its indices.
    const list: Slot[] = count <= MAX_DENSE ? new Array<Slot>(count) : [];
    for (let i = 0; i < count; i++) list[i] = new Thunk(calls, i);
    return list;
  },
};

/** builtins.sort */
export const sort: BuiltinDefinition = {
  args: ['comparator', 'list'],
  forces: [1],
  text:
    'The list sorted, where `comparator a b` tells whether *a* comes before *b*. Elements of which neither comes before the other keep ' +
    'their order.',
  run(state, pos, fnSlot, listSlot) {
    const list = forceList(state, listSlot!, pos, 'while evaluating the second argument passed to builtins.sort');
    if (list.length === 0) return list;
    const fn = forceFunction(state, fnSlot!, pos, 'while evaluating the first argument passed to builtins.sort');
    const values: Value[] = new Array(list.length);
    for (let i = 0; i < list.length; i++) values[i] = force(list[i]!, pos);
    if (fn instanceof Builtin && fn.definition === lessThan) {
      peekSort(values, (a, b) => isLess(state, a, b, NO_POSITION, 'while evaluating the ordering function passed to builtins.sort'));
    } else {
      const what = 'while evaluating the return value of the sorting function passed to builtins.sort';
      peekSort(values, (a, b) => forceBool(state, call2(fn, a, b, NO_POSITION), pos, what));
    }
    return values;
  },
};

const PARTITION = new RecordShape('right', 'wrong');

/** builtins.partition */
export const partition: BuiltinDefinition = {
  args: ['pred', 'list'],
  forces: [0, 1],
  firstForced: 'lambda',
  text: 'A set with the elements of *list* of which *pred* is true as `right` and the others as `wrong`.',
  run(state, pos, fnSlot, listSlot) {
    const fn = forceFunction(state, fnSlot!, pos, 'while evaluating the first argument passed to builtins.partition');
    const list = forceList(state, listSlot!, pos, 'while evaluating the second argument passed to builtins.partition');
    const what = 'while evaluating the return value of the partition function passed to builtins.partition';
    const right: Slot[] = [];
    const wrong: Slot[] = [];
    for (const element of list) {
      const value = force(element, pos);
      (forceBool(state, call1(fn, value, pos), pos, what) ? right : wrong).push(value);
    }
    return PARTITION.make(right.slice(), wrong.slice());
  },
};

/** builtins.groupBy */
export const groupBy: BuiltinDefinition = {
  args: ['f', 'list'],
  forces: [0, 1],
  firstForced: 'lambda',
  text: 'A set of lists: each element *x* of *list* is in the list named `f x`.',
  run(state, pos, fnSlot, listSlot) {
    const fn = forceFunction(state, fnSlot!, pos, 'while evaluating the first argument passed to builtins.groupBy');
    const list = forceList(state, listSlot!, pos, 'while evaluating the second argument passed to builtins.groupBy');
    const what = 'while evaluating the return value of the grouping function passed to builtins.groupBy';
    const groups = new Map<string, Slot[]>();
    for (const element of list) {
      const name = forceStringNoContext(state, call1(fn, element, pos), pos, what);
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [element]);
      else group.push(element);
    }
    const builder = new AttrsBuilder();
    for (const [name, group] of groups) builder.set(internSymbol(name), group.slice());
    return builder.build();
  },
};

// --- genericClosure ---------------------------------------------------------------------------------------------------------------

/** Adds the frame where an error of ours passes. */
function framedBy<T>(what: () => string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof FloeError) addFrame(error, NO_POSITION, what());
    throw error;
  }
}

/**
 * The keys met so far. PERF: nearly always all of them are strings, or all of them integers, for which a Set tells in one step what
 * C++ Nix's tree of comparisons would; the tree takes over with the first key of another kind.
 */
class SeenKeys {
  private readonly state: EvalState;
  private simple: Map<string | number | bigint, readonly [key: Value, element: Value]> = new Map();
  private kind: 'string' | 'integer' | undefined;
  private tree: KeyTree<Value, Value> | undefined;
  constructor(state: EvalState) {
    this.state = state;
  }

  /** Whether the key is new; takes note of it and its element. */
  add(key: Value, element: Value): boolean {
    if (this.tree === undefined) {
      const text = key instanceof ContextString ? key.text : key;
      const kind = typeof text === 'string' ? 'string' : typeof text === 'number' || typeof text === 'bigint' ? 'integer' : undefined;
      if (kind !== undefined && (this.kind === undefined || this.kind === kind)) {
        this.kind = kind;
        if (this.simple.has(text as string)) return false;
        this.simple.set(text as string, [key, element]);
        return true;
      }
      this.tree = new KeyTree((a, b) => isLess(this.state, a, b, NO_POSITION, ''));
      for (const [known, its] of this.simple.values()) this.tree.insert(known, its);
      this.simple.clear();
    }
    const { tree, state } = this;
    try {
      return tree.insert(key, element);
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      for (const [otherKey, otherElement] of tree.entries()) {
        try {
          isLess(state, key, otherKey, NO_POSITION, '');
        } catch (comparison) {
          if (!(comparison instanceof FloeError)) throw comparison;
          addFrame(error, NO_POSITION, `with element ${printForError(otherElement)}`);
          addFrame(error, NO_POSITION, `while comparing element ${printForError(element)}`);
          throw error;
        }
      }
      throw addFrame(error, NO_POSITION, `while checking key of element ${printForError(element)}`);
    }
  }
}

/** builtins.genericClosure */
export const genericClosure: BuiltinDefinition = {
  args: ['attrset'],
  text:
    'All that can be reached: starts with the sets in the list `startSet`, calls the function `operator` on each set it has not met, and ' +
    'goes on with the sets in the list that gives. Sets are told apart by their attribute `key`, which must be a number, string, path or ' +
    'a list of such. The result lists each set once, in the order they were met.',
  run(state, _pos, slot) {
    const attrs = forceAttrs(state, slot!, NO_POSITION, 'while evaluating the first argument passed to builtins.genericClosure');
    const inArgument = 'in the attrset passed as argument to builtins.genericClosure';
    const startSet = forceList(
      state,
      requireAttr(state, attrs, symbols.startSet, 'startSet', inArgument),
      NO_POSITION,
      "while evaluating the 'startSet' attribute passed as argument to builtins.genericClosure",
    );
    if (startSet.length === 0) return startSet;
    const operator = forceFunction(
      state,
      requireAttr(state, attrs, symbols.operator, 'operator', inArgument),
      NO_POSITION,
      "while evaluating the 'operator' attribute passed as argument to builtins.genericClosure",
    );

    const work: Slot[] = [...startSet];
    const seen = new SeenKeys(state);
    const result: Slot[] = [];
    for (let next = 0; next < work.length; next++) {
      const slot = work[next]!;
      const inElement = () => `in genericClosure element ${printForError(slot)}`;
      const element = framedBy(inElement, () => forceAttrs(state, slot, NO_POSITION, ''));
      const key = force(framedBy(inElement, () => requireAttr(state, element, symbols.key, 'key', '')));
      if (!seen.add(key, element)) continue;
      result.push(element);
      framedBy(
        () => `while calling operator on genericClosure element ${printForError(element)}`,
        () => {
          const what = 'while evaluating the return value of the `operator` passed to builtins.genericClosure';
          for (const found of forceList(state, call1(operator, element, NO_POSITION), NO_POSITION, what)) work.push(force(found));
        },
      );
    }
    return result.slice();
  },
};
