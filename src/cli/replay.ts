// The short way through a run: what the same command printed before is printed again, before the program itself is loaded.

import process from 'node:process';
import { replayOutput } from './kept-output.ts';
import type { Launch } from './launch.ts';
import { BrokenPipe, processSurroundings } from './session.ts';

/** Whether that was all there is to do. Any trouble is left to the ordinary way. */
export async function replayRun(launch: Launch): Promise<boolean> {
  try {
    const surroundings = processSurroundings(launch);
    const replayed = replayOutput(surroundings);
    if (replayed === 'run' || replayed === 'done') return replayed === 'done';
    const { becomeKept } = await import('../engine/kept-launch.ts');
    // NIX: as the program that runs does.
    process.umask(0o022);
    return becomeKept(replayed, surroundings.env, launch.childStackLimit);
  } catch (error) {
    if (!(error instanceof BrokenPipe)) return false;
    process.exitCode = 1;
    return true;
  }
}
