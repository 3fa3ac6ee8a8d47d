// What one run of a command can reach: streams, environment, working folder, settings, the report. A command gets it as
// `this.session` and touches nothing global, so that tests run commands inside their own process.

import { fstatSync, readSync, writeSync } from 'node:fs';
import process from 'node:process';
import { bytesOfText } from '../base/bytes.ts';
import { FloeError } from '../base/errors.ts';
import type { Settings } from '../engine/config.ts';
import type { Engine } from '../engine/engine.ts';
import type { FindingsPlace, HandedOver } from '../engine/findings.ts';
import type { KeptLaunch } from '../engine/kept-launch.ts';
import { installationOf } from '../engine/kept-results.ts';
import type { ReadLog } from '../engine/reads.ts';
import type { WarmEvaluators } from '../engine/warm-evaluators.ts';
import type { Launch } from './launch.ts';
import type { Report } from './report.ts';

/** Where text goes. Writing is synchronous: what was written is out when the process ends. */
export interface Output {
  write(text: string | Uint8Array): void;
  readonly isTerminal: boolean;
  /** Width, where it is a terminal. */
  readonly columns: number;
  /** How often something was written, where that is counted. */
  readonly writes?: number;
}

export interface Input {
  readonly isTerminal: boolean;
  /** Everything up to the end, as bytes. */
  readAll(): Uint8Array;
  /** The next bytes; undefined at the end. */
  readChunk(): Uint8Array | undefined;
  /** One line without its end; undefined at the end of input. */
  readLine(): string | undefined;
  /** Whether somebody did, where that is known: nobody else can read the same again. */
  readonly wasRead?: boolean;
}

/** The world as the process was started into it. */
export interface Surroundings {
  readonly launch: Launch;
  readonly env: Record<string, string | undefined>;
  readonly cwd: string;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Tells this floe from any other, for what is kept between runs; undefined keeps nothing. */
  readonly installation?: string | undefined;
  /** Set in a process that stays and runs this for another. */
  readonly warm?: WarmPlace | undefined;
  /** What a process that stays has found out for this command. */
  readonly handed?: HandedOver | undefined;
  /** Starts a process that stays, for the next run; there where none is. */
  readonly startWarm?: ((idleMinutes: number) => void) | undefined;
}

/** How a run in a process that stays differs. */
export interface WarmPlace {
  readonly evaluators: WarmEvaluators;
  /** Throws where something is read that cannot be kept. */
  readonly reads: ReadLog;
  /** Told what the user's process may go on from, if there is more to do than can be done here. */
  readonly found: (handed: HandedOver) => void;
  /** Told once, when all is printed and kept. */
  readonly answer: (become: KeptLaunch | undefined) => void;
}

/** Surroundings, and what the words on the command line made of them. */
export interface Session extends Surroundings {
  readonly settings: Settings;
  readonly report: Report;
  /** Whether the network may be used (`--offline` says no). */
  readonly online: boolean;
  /** Where everything is written down that the result rests on; undefined where it is not kept. */
  readonly reads?: ReadLog | undefined;
  /** Told before this process becomes another program. */
  readonly onBecome?: ((kept: KeptLaunch) => void) | undefined;
  /** Told what a command found out, before it does anything about it. */
  readonly onFound?: FindingsPlace['onFound'];
  /** Lets an engine's evaluations stop for the user; there where `--debugger` is. */
  readonly startDebugger?: ((engine: Engine) => void) | undefined;
  /** Where relative paths among the words start: the script's folder in scripts, else `cwd`. */
  readonly wordsFolder: string;
}

/** Thrown when nobody reads standard output any more; the process ends without a word. */
export class BrokenPipe extends Error {}

const RETRY_MS = 2;

/**
 * Whether a descriptor is a terminal. PERF: node:tty brings streams and sockets along, 5 ms; most descriptors are seen not to be one
 * without it (files, pipes, /dev/null).
 */
function isTerminal(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    const MEMORY_DEVICES = 1;
    if (!stat.isCharacterDevice() || stat.rdev >> 8 === MEMORY_DEVICES) return false;
  } catch {
    return false;
  }
  return process.getBuiltinModule('node:tty').isatty(fd);
}

/** An output on a file descriptor. */
export function makeOutput(fd: number, env: Record<string, string | undefined>): Output {
  let terminal: boolean | undefined;
  let writes = 0;
  return {
    get writes() {
      return writes;
    },
    write(text) {
      writes++;
      const bytes = typeof text === 'string' ? bytesOfText(text) : text;
      let offset = 0;
      while (offset < bytes.length) {
        try {
          offset += writeSync(fd, bytes, offset);
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          // A terminal or pipe that another process made non-blocking: wait until there is room.
          if (code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
          else if (code === 'EPIPE' || code === 'EBADF') throw new BrokenPipe();
          else throw error;
        }
      }
    },
    get isTerminal() {
      terminal ??= isTerminal(fd);
      return terminal;
    },
    get columns() {
      const given = Number(env['COLUMNS']);
      if (given > 0) return given;
      return (fd === 2 ? process.stderr.columns : process.stdout.columns) || 80;
    },
  };
}

/** An input on a file descriptor. */
export function makeInput(fd: number): Input {
  let rest: Buffer = Buffer.alloc(0);
  let ended = false;
  let wasRead = false;
  const more = (): Buffer => {
    wasRead = true;
    const chunk = Buffer.alloc(65536);
    for (;;) {
      try {
        const length = readSync(fd, chunk, 0, chunk.length, null);
        if (length === 0) ended = true;
        return chunk.subarray(0, length);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EOF') {
          ended = true;
          return chunk.subarray(0, 0);
        }
        if (code !== 'EAGAIN') throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
      }
    }
  };
  return {
    get wasRead() {
      return wasRead;
    },
    get isTerminal() {
      return isTerminal(fd);
    },
    readAll() {
      const chunks = [rest];
      rest = Buffer.alloc(0);
      while (!ended) chunks.push(more());
      return Buffer.concat(chunks);
    },
    readChunk() {
      if (rest.length === 0 && !ended) rest = more();
      const chunk = rest;
      rest = Buffer.alloc(0);
      return chunk.length === 0 ? undefined : chunk;
    },
    readLine() {
      while (!ended && !rest.includes(10)) rest = Buffer.concat([rest, more()]);
      const end = rest.indexOf(10);
      if (end < 0 && rest.length === 0) return undefined;
      const line = rest.toString('utf8', 0, end < 0 ? rest.length : end);
      rest = end < 0 ? Buffer.alloc(0) : rest.subarray(end + 1);
      return line;
    },
  };
}

function workingFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new FloeError('FLOE_NO_WORKING_FOLDER', 'the working folder does not exist any more', {
      cause: error,
      hint: 'change to another one (`cd ~`) and try again',
    });
  }
}

/** Surroundings of this process. */
export function processSurroundings(launch: Launch): Surroundings {
  const { env } = process;
  return {
    launch,
    env,
    // As the shell sees it, symbolic links kept, where that is the same folder.
    cwd: workingFolder(),
    stdin: makeInput(0),
    stdout: makeOutput(1, env),
    stderr: makeOutput(2, env),
    installation: installationOf(process.argv[1]),
  };
}
