// How other processes come to help with an evaluation: the same program with the same words, told that it helps.

import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import process from 'node:process';
import type { HelperPlace, SharedWork } from '../engine/shared-work.ts';
import { HELP_MARK } from './launch.ts';
import type { Session } from './session.ts';

const MB = 1 << 20;
const LEAST_MB = 512;
const MOST_MB = 4096;

/** Undefined where the process was not started as a program of its own (tests), or what it reads cannot be read again. */
export function sharedWorkOf({ launch, settings, installation, stdin, stdout, stderr, warm }: Session): SharedWork | undefined {
  if (warm !== undefined || (installation === undefined && launch.help === undefined)) return undefined;
  const wanted = Number(settings.get('eval-cores'));
  const cores = wanted || availableParallelism();
  const memory = Number(settings.get('eval-memory')) || derivedMemory(cores);
  return {
    cores,
    isCareful: wanted === 0,
    place: launch.help,
    printed: () => (stdout.writes ?? 0) + (stderr.writes ?? 0),
    start: (place, claims, results) => (stdin.wasRead === true ? undefined : startHelper(place, memory, [claims, results])),
  };
}

/** Half of what the machine, or this process's group, has is for all helpers together. */
function derivedMemory(cores: number): number {
  const limit = process.constrainedMemory();
  const total = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return Math.min(MOST_MB, Math.max(LEAST_MB, Math.floor(total / MB / 2 / cores)));
}

/** Through a shell: one that V8 ends for its memory is to leave no image of it behind. */
function startHelper({ parent, number, block, startedS }: HelperPlace, memory: number, files: readonly number[]): ChildProcess {
  const words = [process.execPath, ...process.execArgv, `--max-old-space-size=${memory}`, process.argv[1]!];
  const own = process.argv.slice(2);
  // What it has to say is in its file. The user's NODE_OPTIONS are among its arguments, as they are among ours.
  const env = { ...process.env, NODE_OPTIONS: undefined };
  const help = [HELP_MARK, String(parent), String(number), String(block), String(startedS)];
  return spawn('/bin/sh', ['-c', 'ulimit -c 0; exec "$@"', 'sh', ...words, ...help, ...own], {
    stdio: ['ignore', 'ignore', 'ignore', ...files],
    env,
  });
}
