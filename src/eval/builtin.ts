// Builtins as the evaluator sees them: the definition an author writes, and the values (a builtin, a builtin with some of its
// arguments) that programs pass around. The definitions live in builtins/.

import type { PositionId } from './position.ts';
import type { EvalState } from './state.ts';
import type { Slot, Value } from './value.ts';

/** One builtin function: what its arguments are called, its text for people, and what it does. */
export interface BuiltinDefinition {
  /** Names of the arguments; their number is the arity (at least 1). */
  readonly args: readonly string[];
  /**
   * Arguments that `run` forces before it does anything else, in that order (of builtins with one or two arguments). PERF: calls
   * evaluate these without making a thunk; one that fails is given as a thunk that fails.
   */
  readonly forces?: readonly number[];
  /** How deep below the call it forces them: 2 where what makes a string of the argument is a level of its own (see forceBelow); else 1. */
  readonly forceDepth?: 2;
  /** The type that the argument forced first must have before `run` forces the other. */
  readonly firstForced?: 'string' | 'set' | 'int' | 'lambda';
  /** Documentation in Markdown. */
  readonly text: string;
  /** Name for the language where it differs from the exported constant's. */
  readonly name?: string;
  /**
   * Whether failures get a frame "while calling the 'x' builtin" (C++ Nix: not for throw, abort, and the like). Default true.
   */
  readonly addsFrame?: boolean;
  /** The builtin is missing unless this experimental feature is on. */
  readonly experimentalFeature?: string;
  /** Must be strict in nothing it does not need: slots come unforced. `pos` is the call's position. */
  run(state: EvalState, pos: PositionId, ...slots: Slot[]): Value;
}

/** A constant in the base environment (`builtins.true`, `builtins.storeDir`): computed once, when first used. */
export interface BuiltinConstant {
  readonly text: string;
  /** Left out in pure evaluation. */
  readonly impureOnly?: boolean;
  value(state: EvalState): Value;
}

/** A builtin function as a value. */
export class Builtin {
  readonly name: string;
  readonly arity: number;
  readonly run: (state: EvalState, pos: PositionId, ...slots: Slot[]) => Value;
  readonly state: EvalState;
  readonly definition: BuiltinDefinition;
  readonly addsFrame: boolean;
  /** Whether the first, or only, argument is forced before anything else. */
  readonly forcesFirst: boolean;
  readonly forcesSecond: boolean;
  readonly forceDepth: number;
  /** Both are, and the second before the first. */
  readonly isSwapped: boolean;
  readonly firstForced: BuiltinDefinition['firstForced'];
  constructor(name: string, definition: BuiltinDefinition, state: EvalState) {
    this.name = name;
    this.arity = definition.args.length;
    this.run = definition.run;
    this.state = state;
    this.definition = definition;
    this.addsFrame = definition.addsFrame ?? true;
    const { forces = [] } = definition;
    this.forcesFirst = forces.includes(0);
    this.forcesSecond = forces.includes(1);
    this.forceDepth = definition.forceDepth ?? 1;
    this.isSwapped = forces.length === 2 && forces[0] === 1;
    this.firstForced = definition.firstForced;
  }
}

/** A builtin that got some of its arguments. */
export class PartialCall {
  readonly builtin: Builtin;
  readonly args: readonly Slot[];
  constructor(builtin: Builtin, args: readonly Slot[]) {
    this.builtin = builtin;
    this.args = args;
  }
}

/**
 * All builtins, by their names in the language (`throw`, `foldl'`, `true`): what builtins/index.ts gives the evaluator. The
 * evaluator itself adds `builtins`, `__curPos` is syntax, and `derivation` is nixlang.
 */
export interface BuiltinTable {
  readonly functions: Readonly<Record<string, BuiltinDefinition>>;
  readonly constants: Readonly<Record<string, BuiltinConstant>>;
}
