// Runs the benchmarks of this folder one after the other; each prints its figures and holds its last recorded ones. `npm run bench`, or
// `npm run bench start parse -- ...` for some, with arguments.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const words = process.argv.slice(2);
const split = words.indexOf('--');
const names = split < 0 ? words : words.slice(0, split);
const args = split < 0 ? [] : words.slice(split + 1);
/** What a bench wants to be run with. */
const FLAGS = ['--max-opt=2', '--single-threaded-gc', '--stack-size=7000'];

for (const file of readdirSync(folder).sort()) {
  const name = file.replace(/\.ts$/, '');
  if (!file.endsWith('.ts') || file === 'run.ts' || (names.length > 0 && !names.includes(name))) continue;
  console.log(`== ${name}`);
  const { status } = spawnSync(process.execPath, [...FLAGS, join(folder, file), ...args], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
