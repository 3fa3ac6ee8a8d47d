// What runs and what waits: expressions, of one hidden class whatever they are, and thunks. What the kinds of expressions do is said in
// interpret.ts.
//
// PERF: `code.eval(env)` is where evaluation spends its time. Were each kind a class, V8 would look the method up among forty hidden
// classes at each place; so what to run lies in a field, and what it runs on in fields of the same names for all.

import { NO_POSITION, type PositionId } from './position.ts';
import type { Env, Slot, Value } from './value.ts';

/* eslint-disable @typescript-eslint/no-explicit-any -- what operands and thunks hold differs from kind to kind */

/** Gives an expression's value. What is no expression gets what the thunk holds, where its value was asked for, and the thunk. */
export type Evaluate = (this: any, env: any, ...more: any[]) => Value;

/** Gives a slot for an expression's value: a thunk, unless the value is at hand without evaluating anything. */
export type Delay = (this: any, env: Env) => Slot;

/** Gives an expression's value where it is there without evaluating anything. */
export type Peek = (this: any, env: Env) => Value | undefined;

/** What the expressions of one kind do. */
export class Kind {
  // Not readonly: call-watch.ts puts others in their place, for expressions that are decoded afterwards.
  eval: Evaluate;
  thunk: Delay;
  readonly peek: Peek;
  readonly isVariable: boolean;
  constructor(evaluate: Evaluate, delay: Delay = makeThunk, peek: Peek = peekNothing, isVariable = false) {
    this.eval = evaluate;
    this.thunk = delay;
    this.peek = peek;
    this.isVariable = isVariable;
  }
}

/** An expression, ready to run. What its operands are is said where its kind is. */
export class Code<A = any, B = any, C = any, D = any> {
  readonly eval: Evaluate;
  readonly thunk: Delay;
  readonly kind: Kind;
  a: A;
  b: B;
  c: C;
  d: D;
  readonly position: PositionId;
  constructor(kind: Kind, position: PositionId, a: A, b: B, c: C, d: D) {
    this.eval = kind.eval;
    this.thunk = kind.thunk;
    this.kind = kind;
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = d;
    this.position = position;
  }
}

/**
 * A delayed value. While `code` is set it waits, and `held` is what the code is evaluated with; when it is null, `held` is the value.
 * PERF: half of what evaluation keeps alive is thunks, so they have two fields.
 */
export class Thunk {
  code: Code | null;
  held: any;
  constructor(code: Code | null, held: any) {
    this.code = code;
    this.held = held;
  }
}

/* eslint-enable @typescript-eslint/no-explicit-any */

function makeThunk(this: Code, env: Env): Slot {
  return new Thunk(this, env);
}

function peekNothing(): undefined {
  return undefined;
}

/** Where a variable stands; NO_POSITION for all other expressions. */
export function variablePosition({ kind, position }: Code): PositionId {
  return kind.isVariable ? position : NO_POSITION;
}
