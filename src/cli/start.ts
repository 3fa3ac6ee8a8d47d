// The first file that runs. It does what must come before everything else is loaded: answer `--version` at the price of a bare
// Node, and print what is kept of an earlier run where that still holds.

import { writeSync } from 'node:fs';
import process from 'node:process';
import { keepCompiledCode } from '../engine/compiled-code.ts';
import { type Launch, printVersion, readLaunch, WARM_MARK } from './launch.ts';
import type { WarmHelp } from './main.ts';

/** Called before the first file that is in no pack is loaded: by dist/'s loader (bin/pack.ts), or below where nothing is packed. */
export function leavePacks(): void {
  const cache = process.env['XDG_CACHE_HOME'] || (process.env['HOME'] ? `${process.env['HOME']}/.cache` : undefined);
  if (cache !== undefined) keepCompiledCode(`${cache}/floe/code`);
}

async function start(launch: Launch): Promise<void> {
  if (import.meta.filename.endsWith('.ts')) leavePacks();
  let help: WarmHelp;
  if (launch.help === undefined) {
    const { replayRun } = await import('./replay.ts');
    const replayed = await replayRun(launch);
    if (replayed === 'done') return;
    if (replayed !== 'run') help = replayed;
  }
  const { main } = await import('./main.ts');
  await main(launch, help);
}

const launch = readLaunch(process.argv, process.env);
if (process.argv[2] === WARM_MARK)
  void import('./warm-server.ts').then(({ runWarmServer }) => runWarmServer(process.argv[3]!, Number(process.argv[4]), process.argv[5]!));
else if (launch.words.length === 1 && launch.words[0] === '--version') {
  // PERF: process.stdout would cost 3 ms of the 21 that all of this takes.
  writeSync(1, printVersion(launch));
} else void start(launch);
