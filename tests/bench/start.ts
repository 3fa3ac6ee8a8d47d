// What it costs to start floe, in CPU seconds of the whole process (children included), beside a bare Node of the same version. Runs
// are interleaved, so that a busy machine disturbs all alike.
//
//   node tests/bench/start.ts [--runs 20]
//
// Last recorded (2 cores shared with other work, Node 26.10, medians of 20): node -e 0 20.7 ms, floe --version 24.4 ms (1.18),
// floe config show max-jobs 31.6 ms (1.53).

import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = resolve(fileURLToPath(new URL('.', import.meta.url)), '../..');
const floe = join(root, 'bin/floe');
const { values } = parseArgs({ options: { runs: { type: 'string', default: '20' } } });

/** Commands, and the most that each may cost as a multiple of the first. */
const COMMANDS: readonly { readonly words: readonly string[]; readonly limit: number }[] = [
  { words: [process.execPath, '-e', '0'], limit: 1 },
  { words: [floe, '--version'], limit: 1.5 },
  { words: [floe, 'config', 'show', 'max-jobs'], limit: Infinity },
];

/** CPU milliseconds of one run, as the shell that waits for it counts them. */
function cpuMs(words: readonly string[]): number {
  const { stderr } = spawnSync('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1', 'bash', ...words], { encoding: 'utf8' });
  const [user, system] = stderr.trim().split(' ').map(Number);
  return (user! + system!) * 1000;
}

const times = COMMANDS.map((): number[] => []);
for (let run = 0; run < Number(values.runs); run++) COMMANDS.forEach(({ words }, index) => times[index]!.push(cpuMs(words)));
const medians = times.map((list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)]!);
COMMANDS.forEach(({ words, limit }, index) => {
  const ratio = medians[index]! / medians[0]!;
  const name = words.map((word) => word.slice(word.lastIndexOf('/') + 1)).join(' ');
  console.log(`${medians[index]!.toFixed(1).padStart(7)} ms  ${ratio.toFixed(2)}  ${name}${ratio > limit ? `  (more than ${limit})` : ''}`);
  if (ratio > limit) process.exitCode = 1;
});
