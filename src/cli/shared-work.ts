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
export function sharedWorkOf({ launch, settings, installation }: Session): SharedWork | undefined {
  if (installation === undefined && launch.help === undefined) return undefined;
  const cores = settings.get('eval-cores') || availableParallelism();
  return { cores, place: launch.help, start: (place) => startHelper(place, cores) };
}

/** Half of the memory is for all helpers together. */
function startHelper({ folder, number, first }: HelperPlace, cores: number): ChildProcess {
  const limit = Math.min(MOST_MB, Math.max(LEAST_MB, Math.floor(totalmem() / MB / 2 / cores)));
  const words = [...process.execArgv, `--max-old-space-size=${limit}`, process.argv[1]!];
  const own = process.argv.slice(2);
  // What it has to say is in its file. The user's NODE_OPTIONS are among its arguments, as they are among ours.
  const env = { ...process.env, NODE_OPTIONS: undefined };
  return spawn(process.execPath, [...words, HELP_MARK, folder, String(number), String(first), ...own], { stdio: 'ignore', env });
}
