// Calling a function that a user named without arguments (`nix-build` on a function, `-A path` through one): its formals are filled
// from `--arg` and `--argstr`. libexpr/eval.cc, autoCallFunction.

import { UndefinedVariableError } from '../base/errors.ts';
import { Attrs, AttrsBuilder } from './attrs.ts';
import { callFunction } from './call.ts';
import { at } from './error-position.ts';
import { NO_POSITION } from './position.ts';
import type { EvalState } from './state.ts';
import { symbolName, symbols } from './symbol.ts';
import { force, Lambda, type Slot, type Value } from './value.ts';

/** The function's result, or the value itself where it is no function with formals. */
export function autoCallFunction(state: EvalState, args: Attrs, slot: Slot): Value {
  let value = force(slot);
  while (value instanceof Attrs) {
    const functor = value.get(symbols.functor);
    if (functor === undefined) return value;
    value = callFunction(state, force(functor), [value], NO_POSITION);
  }
  if (!(value instanceof Lambda) || value.code.formals === null) return value;
  const { code } = value;
  if (code.ellipsis) return callFunction(state, value, [args], NO_POSITION);
  const given = new AttrsBuilder();
  for (const { symbol, fallback } of value.code.formals) {
    const argument = args.get(symbol);
    if (argument !== undefined) given.set(symbol, argument);
    else if (fallback === null) {
      throw new UndefinedVariableError(
        `cannot evaluate a function that has an argument without a value ('${symbolName(symbol)}')
Nix attempted to evaluate a function as a top level expression; in
this case it must have its arguments supplied either by default
values, or passed explicitly with '--arg' or '--argstr'. See
https://nix.dev/manual/nix/stable/language/syntax.html#functions.`,
        at(code.position),
      );
    }
  }
  return callFunction(state, value, [given.build()], NO_POSITION);
}
