// What evaluation can be watched by: every call of a function (function traces, profiles), and how often each kind of work is done
// (statistics). PERF: nothing of it is in the way of ordinary evaluation. Expressions that take a short way past the calls they
// stand for are given another `eval` for the rest of the process, those that are decoded after somebody began to watch.

import { Attrs } from './attrs.ts';
import { type CallWatcher, call1, call2, setCallWatcher } from './call.ts';
import type { Code, Kind } from './code.ts';
import { KINDS } from './interpret.ts';
import { stateOf } from './state.ts';
import { type Env, force, Thunk, type Slot, type Value } from './value.ts';

let areShortWaysClosed = false;

/** Tells the watcher of every call from now on. */
export function watchCalls(watcher: CallWatcher): void {
  if (!areShortWaysClosed) closeShortWays();
  areShortWaysClosed = true;
  setCallWatcher(watcher);
}

/** Calls and operators that do not go through call.ts, or only at times. */
function closeShortWays(): void {
  KINDS.call1.eval = function (this: Code<Code, Code>, env: Env): Value {
    return call1(this.a.eval(env), this.b.thunk(env), this.position);
  };
  KINDS.arithmetic.eval = function (this: Code<Code, Code, Value>, env: Env): Value {
    return call2(this.c, this.a.thunk(env), this.b.thunk(env), this.position);
  };
  KINDS.lessThan.eval = function (this: Code<Code, Code>, env: Env): Value {
    return call2(force(stateOf(env).queryGlobal('__lessThan')!), this.a.thunk(env), this.b.thunk(env), this.position);
  };
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
  const watchValues = (kinds: readonly Kind[], count: (value: Value) => void): void => {
    for (const kind of kinds) {
      const plain = kind.eval;
      kind.eval = function (this: Code, env: Env) {
        const value = plain.call(this, env);
        count(value);
        return value;
      };
    }
  };
  const { attrs, emptyAttrs, attrsFrom, recursiveAttrs, dynamicAttrs, select, selectPath, selectOr, knownSelect, hasAttr } = KINDS;
  watchValues([attrs, emptyAttrs, attrsFrom, recursiveAttrs, dynamicAttrs], (value) => {
    counts.sets++;
    if (value instanceof Attrs) counts.setElements += value.keys().length;
  });
  watchValues([KINDS.update], (value) => {
    counts.opUpdates++;
    counts.sets++;
    if (value instanceof Attrs) counts.setElements += value.keys().length;
  });
  watchValues([KINDS.list], (value) => void (counts.listElements += (value as readonly Slot[]).length));
  watchValues([KINDS.concatLists], (value) => {
    counts.listConcats++;
    counts.listElements += (value as readonly Slot[]).length;
  });
  watchValues([KINDS.let, KINDS.with], () => void counts.envs++);
  watchValues([select, selectPath, selectOr, knownSelect, hasAttr], () => void counts.lookups++);
  for (const kind of Object.values(KINDS)) {
    const plain = kind.thunk;
    kind.thunk = function (this: Code, env) {
      const slot = plain.call(this, env);
      if (slot instanceof Thunk) counts.thunks++;
      else counts.avoided++;
      return slot;
    };
  }
  return counts;
}
