// Calling a function that a user named without arguments (`nix-build` on a function, `-A path` through one): its formals are filled
// from `--arg` and `--argstr`. libexpr/eval.cc, autoCallFunction.

import { UndefinedVariableError } from '../base/errors.ts';
import { findFormal } from '../lang/formal-position.ts';
import { Attrs, AttrsBuilder } from './attrs.ts';
import { callFunction } from './call.ts';
import { at } from './error-position.ts';
import { NO_POSITION, type PositionId } from './position.ts';
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
        at(formalPosition(state, code.position, symbolName(symbol))),
      );
    }
  }
  return callFunction(state, value, [given.build()], NO_POSITION);
}

/** Where an argument of the function at that position stands. */
function formalPosition(state: EvalState, position: PositionId, name: string): PositionId {
  const origin = state.positions.originOf(position);
  if (origin === undefined) return position;
  // Whatever the text needed to parse, it was on.
  const offset = findFormal(origin.source.text, position - origin.base, name, { pipeOperators: true });
  return offset < 0 ? position : origin.base + offset;
}
