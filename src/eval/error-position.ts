// How errors inside the evaluator carry positions: as ids, because throwing must be cheap (`tryEval`) and most errors are thrown where
// no position table is at hand. The evaluator's outermost guard replaces them by real positions (trace.ts, resolveError).

import { FloeError, InfiniteRecursionError, type SourcePosition, type TraceFrame } from '../base/errors.ts';
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

/**
 * Takes the place from an infinite recursion that was just found at `pos`: where a variable is handed on without being evaluated, it is
 * met, and placed, by whoever asks for its value.
 */
export function withoutPlace(error: unknown, pos: PositionId): unknown {
  if (error instanceof InfiniteRecursionError && error.frames.length === 0) {
    const { position } = error;
    if (position instanceof PendingPosition && position.id === pos) error.position = undefined;
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
