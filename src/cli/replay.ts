// The short ways through a run: what the same command printed before is printed again, and what a warm evaluator finds out is printed in
// its stead, before the program itself is loaded.

import process from 'node:process';
import type { HandedOver } from '../engine/findings.ts';
import { findOutput, printAgain } from './kept-output.ts';
import type { Launch } from './launch.ts';
import { BrokenPipe, processSurroundings } from './session.ts';
import type { WarmAnswer } from './warm-answers.ts';

/**
 * 'done' where that was all there is to do, 'alone' where a warm evaluator could have helped and none is there, or what it found out
 * for the ordinary way. Any trouble is left to that.
 */
export async function replayRun(launch: Launch): Promise<'done' | 'run' | 'alone' | HandedOver> {
  try {
    const surroundings = processSurroundings(launch);
    let printed = findOutput(surroundings);
    if (printed === undefined) {
      // PERF: most runs end above.
      const { askWarmEvaluator, mayBeWarm } = await import('./warm-client.ts');
      if (!mayBeWarm(surroundings)) return 'run';
      const reply = await askWarmEvaluator(surroundings);
      if (reply.kind !== 'answer') return reply.kind === 'none' ? 'alone' : 'run';
      const answer = reply.answer as WarmAnswer;
      if (answer.kind === 'handed') return answer.handed;
      printed = answer;
    }
    const print = printAgain.bind(undefined, surroundings, printed);
    if (printed.become === undefined) {
      print();
      return 'done';
    }
    const { becomeKept } = await import('../engine/kept-launch.ts');
    // NIX: as the program that runs does.
    process.umask(0o022);
    // What cannot be started after all is nothing to have spoken of.
    return becomeKept(printed.become, surroundings.env, { stackLimit: launch.childStackLimit, beforehand: print });
  } catch (error) {
    if (!(error instanceof BrokenPipe)) return 'run';
    process.exitCode = 1;
    return 'done';
  }
}
