// The short way through a run: what the same command printed before is printed again, before the program itself is loaded.

import { replayOutput } from './kept-output.ts';
import type { Launch } from './launch.ts';
import { BrokenPipe, processSurroundings } from './session.ts';

/** Whether that was all there is to do. Any trouble is left to the ordinary way. */
export function replayRun(launch: Launch): boolean {
  try {
    return replayOutput(processSurroundings(launch));
  } catch (error) {
    if (!(error instanceof BrokenPipe)) return false;
    process.exitCode = 1;
    return true;
  }
}
