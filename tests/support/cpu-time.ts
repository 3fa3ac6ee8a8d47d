// What a program costs, for the benches: CPU and wall seconds of whole processes, children included.

import { spawnSync } from 'node:child_process';

/** Seconds of one run. */
export interface Cost {
  readonly cpu: number;
  readonly wall: number;
}

export interface CostOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Runs a program to its end and tells what the shell that waited for it counted. Throws where it failed. */
export function costOf(words: readonly string[], { cwd, env }: CostOptions): Cost {
  const script = 'TIMEFORMAT="%U %S %R"; time "$@" >/dev/null 2>/dev/null || echo failed >&2';
  const { stderr } = spawnSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8', cwd, env });
  if (stderr.includes('failed')) throw new Error(`${words.join(' ')} failed`);
  const [user, system, wall] = stderr.trim().split(' ').map(Number) as [number, number, number];
  return { cpu: user + system, wall };
}

/** The middle one. */
export function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;
}
