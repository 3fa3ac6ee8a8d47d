// The way out of a run in a process that stays (warm-evaluators.ts).

import { FloeError } from '../base/errors.ts';

/** Thrown where a run cannot go on there; it begins anew in the user's own process. */
export function notHere(reason: string): FloeError {
  return new FloeError('FLOE_NOT_HERE', `this is not done in a process that stays: ${reason}`);
}
