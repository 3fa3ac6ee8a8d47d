// Builtins that steer evaluation: order, errors, messages.

import { AbortError, CatchableError, EvalError, FloeError, ThrownError } from '../../base/errors.ts';
import { RecordShape } from '../attrs.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { callDepth, restoreCallDepth } from '../call.ts';
import { coerceToString, forceString } from '../coerce.ts';
import { addFrame } from '../error-position.ts';
import { NO_POSITION, type PositionId } from '../position.ts';
import { printValue } from '../print.ts';
import type { EvalState } from '../state.ts';
import { ContextAccumulator } from '../string-context.ts';
import { askedFor, force, isString, type Slot, stringText, type Value } from '../value.ts';
import { forceDeep } from './deep.ts';

/** builtins.abort */
export const abort: BuiltinDefinition = {
  args: ['s'],
  text: 'Ends evaluation with the error message *s*. `tryEval` does not catch it.',
  run(state, pos, slot) {
    const what = 'while evaluating the error message passed to builtins.abort';
    const message = coerceToString(state, pos, slot!, new ContextAccumulator(), what);
    throw new AbortError(`evaluation aborted with the following error message: '${message}'`, { data: { isFromProgram: true } });
  },
};

/** builtins.throw */
export const throw_: BuiltinDefinition = {
  args: ['s'],
  text: 'Throws the error message *s*. It ends evaluation unless `tryEval` catches it.',
  run(state, pos, slot) {
    // NIX: "builtin" without its s in 2.34.8.
    const what = 'while evaluating the error message passed to builtin.throw';
    throw new ThrownError(coerceToString(state, pos, slot!, new ContextAccumulator(), what), { data: { isFromProgram: true } });
  },
};

/** builtins.addErrorContext */
export const addErrorContext: BuiltinDefinition = {
  args: ['message', 'e'],
  forces: [1],
  text: 'Evaluates *e*; where that fails, the error’s trace says *message*.',
  addsFrame: false,
  run(state, pos, messageSlot, slot) {
    try {
      return force(slot!, pos);
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      const what = 'while evaluating the error message passed to builtins.addErrorContext';
      const message = coerceToString(state, pos, messageSlot!, new ContextAccumulator(), what, { copyToStore: false });
      throw addFrame(error, NO_POSITION, message, true);
    }
  },
};

const TRIED = new RecordShape('success', 'value');

/** builtins.tryEval */
export const tryEval: BuiltinDefinition = {
  args: ['e'],
  text:
    'Evaluates *e*, not what lies inside it. Where it throws (`throw`, `assert`) the result is `{ success = false; value = false; }`, ' +
    'otherwise `{ success = true; value = e; }`. Other errors are not caught.',
  run(_state, pos, slot) {
    const depth = callDepth();
    let value: Value;
    try {
      value = force(slot!, pos);
    } catch (error) {
      if (!(error instanceof CatchableError)) throw error;
      restoreCallDepth(depth);
      return TRIED.make(false, false);
    }
    return TRIED.make(true, askedFor(value));
  },
};

/** builtins.seq */
export const seq: BuiltinDefinition = {
  args: ['e1', 'e2'],
  forces: [0, 1],
  text: 'Evaluates *e1*, then gives *e2*.',
  run(_state, pos, first, second) {
    force(first!, pos);
    return force(second!, pos);
  },
};

/** builtins.deepSeq */
export const deepSeq: BuiltinDefinition = {
  args: ['e1', 'e2'],
  text: 'Evaluates *e1* with all that its lists and sets hold, then gives *e2*.',
  run(_state, pos, first, second) {
    forceDeep(first!);
    return force(second!, pos);
  },
};

function runTrace(state: EvalState, pos: PositionId, message: Slot, result: Slot): Value {
  const value = force(message, pos);
  state.host.log('trace', isString(value) ? stringText(value) : printValue(state, value));
  return force(result, pos);
}

/** builtins.trace */
export const trace: BuiltinDefinition = {
  args: ['e1', 'e2'],
  text: 'Prints *e1* on standard error (strings as they are), then gives *e2*.',
  run: (state, pos, message, result) => runTrace(state, pos, message!, result!),
};

/** builtins.traceVerbose */
export const traceVerbose: BuiltinDefinition = {
  args: ['e1', 'e2'],
  text: 'Like `trace` where the setting `trace-verbose` is on; else just gives *e2*.',
  run: (state, pos, message, result) => (state.host.constants.traceVerbose ? runTrace(state, pos, message!, result!) : force(result!, pos)),
};

/** builtins.warn */
export const warn: BuiltinDefinition = {
  args: ['e1', 'e2'],
  text: 'Prints the string *e1* as a warning, then gives *e2*. With the setting `abort-on-warn` it ends evaluation instead.',
  run(state, pos, messageSlot, result) {
    const what = 'while evaluating the first argument; the message passed to builtins.warn';
    state.host.log('evaluation warning', stringText(forceString(state, messageSlot!, pos, what)));
    if (state.host.constants.abortOnWarn === true) {
      throw new EvalError('aborting to reveal stack trace of warning, as abort-on-warn is set', {
        code: 'FLOE_ABORT_ON_WARN',
        data: { isFromProgram: true },
      });
    }
    return force(result!, pos);
  },
};

/** builtins.break */
export const break_: BuiltinDefinition = {
  args: ['v'],
  text: 'Gives *v*. Under `--debugger` evaluation pauses here first.',
  run: (_state, pos, slot) => force(slot!, pos),
};
