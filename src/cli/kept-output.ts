// What a command printed, kept with all that it was made from (engine/reads.ts), and printed again while that holds: `eval`, `build` and
// their like then cost hardly more than Node's start. The question is the whole command line, where it was given, and what of the
// environment floe itself looks at; variables that programs read are among the reads. PERF: this is loaded before anything else and
// imports next to nothing.

import process from 'node:process';
import { cacheFolder } from '../engine/cache-folder.ts';
import type { KeptLaunch } from '../engine/kept-launch.ts';
import { KeptResults } from '../engine/kept-results.ts';
import { ReadLog } from '../engine/reads.ts';
import { programName } from './launch.ts';
import type { Input, Output, Surroundings } from './session.ts';

/** What a command wrote; standard output as a byte string. Then, perhaps, it became a shell or program. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
  readonly become?: KeptLaunch | undefined;
}

/**
 * Variables that decide what floe does, by themselves or through the programs it asks. tests/house checks that none is missing. PERF: names and
 * starts of names; compiling a regular expression of them costs 1 ms of each start.
 */
const DECIDING = new Set(
  (
    'PRINT_PATH HOME PATH TERM COLORTERM NO_COLOR NOCOLOR IN_SYSTEMD EDITOR VISUAL PAGER SHELL TMPDIR TZ USER LOGNAME LANG ' +
    'SSL_CERT_FILE'
  ).split(' '),
);
const DECIDING_STARTS = '_NIX_ NIX_ FLOE_ GIT_ XDG_CACHE_ XDG_CONFIG_ XDG_DATA_ XDG_STATE_ XDG_RUNTIME_ LC_ SSH_'.split(' ');
/** Of these, what changes from terminal to terminal and decides nothing that is kept. */
const PASSING = new Set('SSH_CLIENT SSH_CONNECTION SSH_TTY SSH_AUTH_SOCK SSH_AGENT_PID GIT_EDITOR GIT_PAGER GIT_ASKPASS'.split(' '));

/** Whether a variable is part of the question. */
export function isDeciding(name: string): boolean {
  if (PASSING.has(name)) return false;
  return (
    DECIDING.has(name) || DECIDING_STARTS.some((start) => name.startsWith(start)) || name.endsWith('_proxy') || name.endsWith('_PROXY')
  );
}

function questionOf({ installation, launch, cwd, env, stdin, stdout, stderr }: Surroundings): string {
  const variables = Object.keys(env).filter(isDeciding).sort();
  const values = variables.map((name) => [name, env[name]]);
  const streams = [stdin.isTerminal, stdout.isTerminal, stderr.isTerminal];
  return JSON.stringify(['output', installation, process.geteuid?.(), programName(launch), launch.words, cwd, streams, values]);
}

function keptResults({ env }: Surroundings): KeptResults {
  return new KeptResults(`${cacheFolder(env)}/results`);
}

/** What the same command printed before, if nothing that it was made from has changed. */
export function findOutput(surroundings: Surroundings): Printed | undefined {
  const { installation, env } = surroundings;
  return installation === undefined ? undefined : keptResults(surroundings).find<Printed>(questionOf(surroundings), env);
}

/** Prints that. */
export function printAgain({ stdout, stderr }: Pick<Surroundings, 'stdout' | 'stderr'>, printed: Printed): void {
  if (printed.stderr !== '') stderr.write(printed.stderr);
  if (printed.stdout !== '') stdout.write(Buffer.from(printed.stdout, 'latin1'));
}

/** Listens to a command, to keep what it printed. */
export class OutputKeeper {
  readonly reads: ReadLog;
  /** The surroundings for the command to run in. */
  readonly surroundings: Surroundings;
  private readonly question: string;
  private readonly stdout: Buffer[] = [];
  private readonly stderr: Buffer[] = [];

  constructor(surroundings: Surroundings, reads = new ReadLog()) {
    this.reads = reads;
    this.question = questionOf(surroundings);
    this.surroundings = {
      ...surroundings,
      stdin: this.watched(surroundings.stdin),
      stdout: heard(surroundings.stdout, this.stdout),
      stderr: heard(surroundings.stderr, this.stderr),
    };
  }

  private watched(input: Input): Input {
    const { reads } = this;
    const read =
      <Result>(from: () => Result) =>
      (): Result => {
        reads.refuse('standard input was read');
        return from();
      };
    return {
      get isTerminal() {
        return input.isTerminal;
      },
      get wasRead() {
        return input.wasRead === true;
      },
      readAll: read(() => input.readAll()),
      readChunk: read(() => input.readChunk()),
      readLine: read(() => input.readLine()),
    };
  }

  /** Keeps it all, unless something that was read forbids it. Only for commands that succeeded, or are about to `become`. */
  keep(become?: KeptLaunch): void {
    const reads = this.reads.keep();
    if (reads === undefined) return;
    const text = (chunks: readonly Buffer[], encoding: 'latin1' | 'utf8') => Buffer.concat(chunks).toString(encoding);
    const printed: Printed = { stdout: text(this.stdout, 'latin1'), stderr: text(this.stderr, 'utf8'), become };
    keptResults(this.surroundings).keep(this.question, reads, printed);
  }
}

function heard(output: Output, chunks: Buffer[]): Output {
  return {
    write(text) {
      chunks.push(typeof text === 'string' ? Buffer.from(text, 'utf8') : Buffer.from(text));
      output.write(text);
    },
    get isTerminal() {
      return output.isTerminal;
    },
    get writes() {
      return output.writes ?? 0;
    },
    get columns() {
      return output.columns;
    },
  };
}
