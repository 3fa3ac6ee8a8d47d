// What evaluation can be watched by: every call of a function (function traces, profiles), and how often each kind of work is done
// (statistics). PERF: nothing of it is in the way of ordinary evaluation. Nodes that take a short way past the calls they stand for
// are given another `eval` while somebody watches, for the rest of the process.

import { Attrs } from './attrs.ts';
import { type CallWatcher, call1, call2, setCallWatcher } from './call.ts';
import * as nodes from './interpret.ts';
import type { PositionId } from './position.ts';
import { stateOf } from './state.ts';
import { type Env, force, Thunk, type Slot, type Value } from './value.ts';

type Node = { eval(env: Env): Value; thunk(env: Env): Slot };
type NodeClass = { readonly prototype: Node };

let areShortWaysClosed = false;

/** Tells the watcher of every call from now on. */
export function watchCalls(watcher: CallWatcher): void {
  if (!areShortWaysClosed) closeShortWays();
  areShortWaysClosed = true;
  setCallWatcher(watcher);
}

/** Calls and operators that do not go through call.ts, or only at times. */
function closeShortWays(): void {
  type Call = { callee: Node; argument: Node; position: PositionId };
  (nodes.Call1Code as unknown as NodeClass).prototype.eval = function (this: Call, env) {
    return call1(this.callee.eval(env), this.argument.thunk(env), this.position);
  } as Node['eval'];
  type Operator = { left: Node; right: Node; position: PositionId; builtin?: Value };
  const evalOperator = function (this: Operator, env: Env): Value {
    const fn = this.builtin ?? force(stateOf(env).queryGlobal('__lessThan')!);
    return call2(fn, this.left.thunk(env), this.right.thunk(env), this.position);
  };
  for (const operator of [nodes.ArithmeticCode, nodes.LessThanCode] as unknown as NodeClass[]) {
    operator.prototype.eval = evalOperator as unknown as Node['eval'];
  }
}

/** How often what was done, under the names of C++ Nix's statistics (`NIX_SHOW_STATS`). */
export interface EvalCounts {
  /** Frames made by `let` and `with`; calls make one each beside these. */
  envs: number;
  sets: number;
  setElements: number;
  listElements: number;
  listConcats: number;
  opUpdates: number;
  /** Unevaluated expressions that were put aside. */
  thunks: number;
  /** Expressions that needed no thunk. */
  avoided: number;
  /** Selections of an attribute. */
  lookups: number;
}

/** Counts from now on, for the rest of the process. Evaluation takes markedly longer. */
export function countEvaluation(): EvalCounts {
  const counts: EvalCounts = {
    envs: 0,
    sets: 0,
    setElements: 0,
    listElements: 0,
    listConcats: 0,
    opUpdates: 0,
    thunks: 0,
    avoided: 0,
    lookups: 0,
  };
  const wrapEval = (names: readonly string[], count: (value: Value) => void): void => {
    for (const name of names) {
      const { prototype } = (nodes as unknown as Record<string, NodeClass>)[name]!;
      const plain = prototype.eval;
      prototype.eval = function (this: Node, env) {
        const value = plain.call(this, env);
        count(value);
        return value;
      };
    }
  };
  wrapEval(['AttrsCode', 'EmptyAttrsCode', 'AttrsFromCode', 'RecursiveAttrsCode', 'DynamicAttrsCode'], (value) => {
    counts.sets++;
    if (value instanceof Attrs) counts.setElements += value.keys().length;
  });
  wrapEval(['UpdateCode'], (value) => {
    counts.opUpdates++;
    counts.sets++;
    if (value instanceof Attrs) counts.setElements += value.keys().length;
  });
  wrapEval(['ListCode'], (value) => void (counts.listElements += (value as readonly Slot[]).length));
  wrapEval(['ConcatListsCode'], (value) => {
    counts.listConcats++;
    counts.listElements += (value as readonly Slot[]).length;
  });
  wrapEval(['LetCode', 'WithCode'], () => void counts.envs++);
  wrapEval(['SelectCode', 'SelectPathCode', 'SelectOrCode', 'KnownSelectCode', 'HasAttrCode'], () => void counts.lookups++);
  for (const node of Object.values(nodes) as unknown as { readonly prototype?: Node }[]) {
    if (node.prototype === undefined || !Object.hasOwn(node.prototype, 'eval')) continue;
    const plain = node.prototype.thunk;
    node.prototype.thunk = function (this: Node, env) {
      const slot = plain.call(this, env);
      if (slot instanceof Thunk) counts.thunks++;
      else counts.avoided++;
      return slot;
    };
  }
  return counts;
}
