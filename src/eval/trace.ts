// Errors on their way out of the evaluator: position ids become positions, byte strings become text. What adds frames stands in
// error-position.ts and call.ts; layout and colour are the terminal face's.

import { decodeUtf8Within, textOfByteString } from '../base/bytes.ts';
import { EvalError, type FloeError, StackOverflowError, type TraceFrame } from '../base/errors.ts';
import { PendingFrame, PendingPosition } from './error-position.ts';
import type { PositionTable } from './position.ts';

/** Errors whose message is text already: a guard inside another one has seen to them. */
const resolved = new WeakSet<FloeError>();

/**
 * Text for people. Messages of the evaluator's own are byte strings. Those of the host are ordinary text, which stays as it is (its
 * characters beyond ASCII are no UTF-8 sequences), with names in it that may be bytes.
 */
function messageText(error: FloeError): string {
  const { message } = error;
  if (error instanceof EvalError) return textOfByteString(message);
  return decodeUtf8Within(message);
}

/** Resolves what an error still carries as ids and bytes. Does nothing to one that was resolved before. */
export function resolveError(error: FloeError, positions: PositionTable): void {
  if (error.position instanceof PendingPosition) error.position = positions.resolve(error.position.id);
  if (!resolved.has(error)) error.message = messageText(error);
  resolved.add(error);
  const { frames } = error;
  for (let i = 0; i < frames.length; i++) {
    const frame = frames[i]!;
    if (frame instanceof PendingFrame) frames[i] = resolveFrame(frame, positions);
  }
}

function resolveFrame(frame: PendingFrame, positions: PositionTable): TraceFrame {
  return { text: textOfByteString(frame.text), position: positions.resolve(frame.id), isCustom: frame.isCustom };
}

/** What the program threw, as an error of ours: the host's stack overflow is the language's. */
export function ownError(error: unknown): unknown {
  if (!(error instanceof RangeError)) return error;
  if (/string length/i.test(error.message)) return new EvalError('a string grew longer than floe can hold (512 MiB)');
  if (!/call stack/i.test(error.message)) return error;
  return new StackOverflowError('stack overflow; max-call-depth exceeded');
}
