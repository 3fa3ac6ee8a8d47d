// How errors inside the evaluator carry positions: as ids, because throwing must be cheap (`tryEval`) and most errors are thrown where
// no position table is at hand. The evaluator's outermost guard replaces them by real positions (trace.ts, resolveError).

import { FloeError, type SourcePosition, type TraceFrame } from '../base/errors.ts';
import { NO_POSITION, type PositionId } from './position.ts';

/** A SourcePosition that is still an id. */
export class PendingPosition implements SourcePosition {
  readonly id: PositionId;
  readonly file = '';
  readonly line = 0;
  readonly column = 0;
  constructor(id: PositionId) {
    this.id = id;
  }
}

/** A trace frame whose position is still an id. */
export class PendingFrame implements TraceFrame {
  readonly text: string;
  readonly id: PositionId;
  /** Frames that builtins.addErrorContext made are shown even where others are left out. */
  readonly isCustom: boolean;
  readonly position = undefined;
  constructor(text: string, id: PositionId, isCustom: boolean) {
    this.text = text;
    this.id = id;
    this.isCustom = isCustom;
  }
}

/** Options for an error thrown at a position: `throw new EvalError(text, at(pos))`. */
export function at(pos: PositionId): { position: SourcePosition | undefined } {
  return { position: pos === NO_POSITION ? undefined : new PendingPosition(pos) };
}

/** The frame of a call as seen from where it stands. */
export const CALL_SITE = 'from call site';

/**
 * Takes the place `pos` of a variable from an error: where a variable is handed on without being evaluated, its value is asked for by
 * somebody else, and what fails then (an infinite recursion, a call that a builtin put off) is not placed at the variable.
 */
export function withoutPlace(error: unknown, pos: PositionId): unknown {
  if (!(error instanceof FloeError) || pos === NO_POSITION) return error;
  const { position, frames } = error;
  const last = frames.at(-1);
  if (last === undefined) {
    if (position instanceof PendingPosition && position.id === pos) error.position = undefined;
  } else if (last instanceof PendingFrame && last.id === pos && last.text === CALL_SITE) {
    frames.pop();
  }
  return error;
}

/** Adds a frame around what was added before: "while ...", at a position. Returns the error, to be thrown on. */
export function addFrame<E extends FloeError>(error: E, pos: PositionId, text: string, isCustom = false): E {
  error.frames.push(new PendingFrame(text, pos, isCustom));
  return error;
}

/** Adds the frame `what` ("" for none) to an error of ours; anything else passes untouched. Returns it, to be thrown on. */
export function inContext(error: unknown, pos: PositionId, what: string): unknown {
  return what !== '' && error instanceof FloeError ? addFrame(error, pos, what) : error;
}
