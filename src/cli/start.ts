// The first file that runs. It does what must come before everything else is loaded: answer `--version` at the price of a bare
// Node, turn on V8's code cache for the chunks that follow, and print what is kept of an earlier run where that still holds.

import { writeSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import process from 'node:process';
import { type Launch, printVersion, readLaunch } from './launch.ts';

async function start(launch: Launch): Promise<void> {
  const cache = process.env['XDG_CACHE_HOME'] || (process.env['HOME'] ? `${process.env['HOME']}/.cache` : undefined);
  if (cache !== undefined) enableCompileCache(`${cache}/floe/code`);
  if (launch.help === undefined) {
    const { replayRun } = await import('./replay.ts');
    if (await replayRun(launch)) return;
  }
  const { main } = await import('./main.ts');
  await main(launch);
}

const launch = readLaunch(process.argv, process.env);
if (launch.words.length === 1 && launch.words[0] === '--version') {
  // PERF: process.stdout would cost 3 ms of the 21 that all of this takes.
  writeSync(1, printVersion(launch));
} else void start(launch);
