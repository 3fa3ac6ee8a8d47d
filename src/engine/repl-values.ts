// Values of installables as the repl loads them.

import { autoCallFunction } from '../eval/auto-call.ts';
import type { Value } from '../eval/value.ts';
import type { Engine } from './engine.ts';
import type { Target } from './installables.ts';

/** Values and what to call them; with `callsFunctions`, functions get the arguments of the command line. */
export function autoCalledTargets(
  engine: Engine,
  targets: readonly Target[],
  callsFunctions: boolean,
): { readonly value: Value; readonly what: string }[] {
  const { evaluator } = engine.evaluation();
  return targets.map((target) => {
    const { value } = target.value();
    const called = callsFunctions ? evaluator.guard(() => autoCallFunction(evaluator.state, engine.autoArgs(), value)) : value;
    return { value: called, what: target.what };
  });
}
