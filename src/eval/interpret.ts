// What runs: one class a kind of expression, each with `eval(env)`, which gives the value, and `thunk(env)`, which gives something
// that may wait. LARGE: the heart, to be read as a whole.

import type { PositionId } from './position.ts';
import type { Shape } from './attrs.ts';
import type { SymbolId } from './symbol.ts';
import { Thunk, type Env, type Slot, type Value } from './value.ts';

/** An expression, ready to run. */
export abstract class Code {
  abstract eval(env: Env): Value;
  /** A slot for the expression's value: a thunk, unless the value is at hand without evaluating anything. */
  thunk(env: Env): Slot {
    return new Thunk(this, env, undefined);
  }
}

/** One argument of `{ a, b ? 1 }:`. */
export class FormalCode {
  readonly symbol: SymbolId;
  readonly position: PositionId;
  readonly fallback: Code | null;
  constructor(symbol: SymbolId, position: PositionId, fallback: Code | null) {
    this.symbol = symbol;
    this.position = position;
    this.fallback = fallback;
  }
}

/** What all closures of one lambda share. */
export class LambdaCode {
  readonly position: PositionId;
  /** Name for messages. */
  readonly name: string | null;
  /** Has a name for the whole argument (`x:` or `args@{ ... }:`), which is slot 1. */
  readonly hasParameter: boolean;
  readonly formals: readonly FormalCode[] | null;
  readonly ellipsis: boolean;
  readonly body: Code;
  // Where the formals are in the last shape seen (call.ts).
  planShape: Shape | null = null;
  plan: readonly number[] | null = null;
  planHasDefaults = false;
  constructor(position: PositionId, name: string | null, hasParameter: boolean, formals: readonly FormalCode[] | null, ellipsis: boolean, body: Code) {
    this.position = position;
    this.name = name;
    this.hasParameter = hasParameter;
    this.formals = formals;
    this.ellipsis = ellipsis;
    this.body = body;
  }
}
