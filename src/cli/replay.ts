// The short ways through a run: what the same command printed before is printed again, and what a warm evaluator finds out is printed in
// its stead, before the program itself is loaded.

import process from 'node:process';
import { printAgain, type Printed, replayOutput } from './kept-output.ts';
import type { Launch } from './launch.ts';
import { BrokenPipe, processSurroundings } from './session.ts';

/**
 * 'done' where that was all there is to do, 'alone' where a warm evaluator could have helped and none is there. Any trouble is left to
 * the ordinary way.
 */
export async function replayRun(launch: Launch): Promise<'done' | 'run' | 'alone'> {
  try {
    const surroundings = processSurroundings(launch);
    let replayed = replayOutput(surroundings);
    if (replayed === 'run') {
      // PERF: most runs end above.
      const { askWarmEvaluator, mayBeWarm } = await import('./warm-client.ts');
      if (!mayBeWarm(surroundings)) return 'run';
      const reply = await askWarmEvaluator(surroundings);
      if (reply.kind !== 'answer') return reply.kind === 'none' ? 'alone' : 'run';
      replayed = printAgain(surroundings, reply.answer as Printed);
    }
    if (replayed === 'done') return 'done';
    const { becomeKept } = await import('../engine/kept-launch.ts');
    // NIX: as the program that runs does.
    process.umask(0o022);
    return becomeKept(replayed, surroundings.env, launch.childStackLimit);
  } catch (error) {
    if (!(error instanceof BrokenPipe)) return 'run';
    process.exitCode = 1;
    return 'done';
  }
}
