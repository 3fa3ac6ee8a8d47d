// The user's side of the warm evaluator: asks it before the program is loaded, and starts one after a run that it could have shortened.
// PERF: loaded before anything else; it imports next to nothing.

import process from 'node:process';
import { cacheFolder } from '../engine/cache-folder.ts';
import { checksum } from '../engine/kept-results.ts';
import {
  askWarm,
  inheritedDescriptors,
  isSocketThere,
  sessionOfProcess,
  surroundingsOfProcess,
  type WarmReply,
} from '../daemon/warm-socket.ts';
import { programName, WARM_MARK } from './launch.ts';
import type { Surroundings } from './session.ts';
import type { WarmQuestion } from './warm-answers.ts';

/** Commands that evaluate one thing. What others print may come in the order in which names became symbols. */
const COMMANDS = new Set(['eval', 'build', 'develop', 'print-dev-env', 'run', 'shell']);
/** Words that say that something else is wanted. */
const OTHER =
  /^(?:--impure|--expr|--file|-f|--no-eval-cache|--debugger|--repair|--rebuild|--dry-run|--help|--version|--arg.*|--store|--eval-store|--redirect|--refresh|--stdin)$/;

/** Where the warm evaluator of this user and floe listens. */
function socketOf({ env, installation }: Surroundings): string {
  const name = checksum(Buffer.from(`${installation} ${process.version} ${process.execArgv.join(' ')} ${surroundingsOfProcess()}`));
  return `${cacheFolder(env)}/warm/${name}`;
}

/** Whether the words are of a kind that it may know. */
export function mayBeWarm({ launch, installation }: Surroundings): boolean {
  const { words } = launch;
  const end = words.findIndex((word) => ['--', '-c', '--command'].includes(word));
  const isKind = /^(?:nix|floe)$/.test(programName(launch)) && COMMANDS.has(words[0] ?? '') && launch.help === undefined;
  return installation !== undefined && isKind && !words.slice(0, end < 0 ? undefined : end).some((word) => OTHER.test(word));
}

/** Asks, where somebody is there to ask. */
export function askWarmEvaluator(surroundings: Surroundings): Promise<WarmReply> {
  const { launch, cwd, env, installation, stdin, stdout, stderr } = surroundings;
  const path = socketOf(surroundings);
  if (!isSocketThere(path)) return Promise.resolve({ kind: 'none' });
  const facts = ({ isTerminal, columns }: { isTerminal: boolean; columns: number }) => ({ isTerminal, columns });
  const question: WarmQuestion = {
    launch,
    cwd,
    env: env as Record<string, string>,
    stdout: stdout.isTerminal ? facts(stdout) : { isTerminal: false, columns: 80 },
    stderr: stderr.isTerminal ? facts(stderr) : { isTerminal: false, columns: 80 },
    stdinIsTerminal: stdin.isTerminal,
    session: sessionOfProcess(),
  };
  return askWarm(path, installation!, question);
}

/** Starts one, for the next run. */
export function startWarmEvaluator(surroundings: Surroundings, idleMinutes: number): void {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { openSync, closeSync } = process.getBuiltinModule('node:fs');
  const words = [...process.execArgv, process.argv[1]!, WARM_MARK, socketOf(surroundings), String(idleMinutes), sessionOfProcess()];
  // Locks and pipes that a script has open would stay so.
  const nothing = openSync('/dev/null', 'r+');
  const stdio: ('ignore' | number)[] = ['ignore', 'ignore', 'ignore'];
  for (const descriptor of inheritedDescriptors()) {
    while (stdio.length < descriptor) stdio.push('ignore');
    stdio[descriptor] = nothing;
  }
  // A session of its own, which Node's types leave out here.
  const manner = { cwd: '/', detached: true, stdio, env: { ...process.env, NODE_OPTIONS: undefined } };
  // It must be no child of ours: what this process becomes may wait for all of its children.
  spawnSync('/bin/sh', ['-c', '"$@" &', 'sh', process.execPath, ...words], manner);
  closeSync(nothing);
}
