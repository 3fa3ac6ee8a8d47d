// How every builder's process is started: a small shell script, since Node can set neither limits nor umask of a child. The words of
// scripts are byte strings, and files carry them, so that arguments and variables of any size and any bytes arrive unchanged.

import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { Socket } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import { byteStringToUtf8 } from '../../base/bytes.ts';
import { FloeError } from '../../base/errors.ts';
import { systemPath } from '../../store/local/system-error.ts';
import { writeFile } from '../host-files.ts';
import type { SandboxPrograms } from './machine.ts';
import type { BuilderExit, RunningBuilder, SandboxSettings } from './sandbox.ts';

/** How long the status of a builder that has ended may still be on its way. */
const STATUS_PATIENCE_MS = 1000;

/** A word of a shell script. */
export function quoteShell(word: string): string {
  return /^[\w/.:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Refuses what no environment variable can be named. */
export function checkEnvName(name: string): string {
  if (name !== '' && !name.includes('=')) return name;
  throw new FloeError(
    'FLOE_ENVIRONMENT_NAME',
    `the derivation has an attribute named '${byteStringToUtf8(name)}', which cannot be the name of an environment variable`,
  );
}

/** The start of each builder's shell script: what setrlimit and umask set in C++ Nix. */
export function processLimits(settings: SandboxSettings): string[] {
  return [
    'umask 022',
    'ulimit -S -c 0',
    ...(settings.childStackLimit === undefined ? [] : [`ulimit -S -s ${quoteShell(settings.childStackLimit)}`]),
  ];
}

/** The words before a program that runs it with the personality Nix gives builds: no address randomisation, 32 bits where asked for. */
export function personalityWords(programs: SandboxPrograms, system: string, impersonateLinux26: boolean): string[] {
  if (programs.setarch === undefined) return [];
  const thirtyTwoBits = /^(i686|armv7l|armv6l|armv5tel)-linux$/.test(system);
  const impersonate = impersonateLinux26 && /^(i686|x86_64)-linux$/.test(system) ? ['--uname-2.6'] : [];
  return [programs.setarch, ...(thirtyTwoBits ? ['linux32'] : []), '-R', ...impersonate];
}

/**
 * Writes the script to `<folder>/run` and runs it with /bin/sh, its output coming through a FIFO: Node's own pipes are sockets, and a
 * program that opens /dev/stderr fails on a socket. Descriptor 3 hears from the sandbox's tools; `started` tells by what they said
 * whether the builder itself ran.
 */
export function runScript(
  folder: string,
  programs: SandboxPrograms,
  script: readonly string[],
  started: (status: string) => boolean,
): RunningBuilder {
  const fifo = `${folder}/log`;
  const opening = [
    `${quoteShell(programs.mkfifo ?? 'mkfifo')} -m 600 ${quoteShell(fifo)} || exit 1`,
    'echo made >&3',
    `exec >${quoteShell(fifo)} 2>&1`,
    'echo opened >&3',
  ];
  writeFile(`${folder}/run`, `${[...opening, ...script].join('\n')}\n`, 0o600);
  const child = spawn('/bin/sh', [byteStringToUtf8(`${folder}/run`)], {
    cwd: '/',
    env: {},
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const output = new OutputPipe(fifo);
  child.stderr!.on('data', (chunk: Buffer) => output.stream.write(chunk)).on('error', () => {});
  let hasEnded = false;
  let status = '';
  const statusPipe = child.stdio[3] as Readable;
  statusPipe.setEncoding('latin1');
  statusPipe.on('data', (text: string) => {
    status += text;
    if (status.includes('made\n')) output.open();
    if (status.includes('opened\n')) output.leaveToBuilder();
  });
  statusPipe.on('error', () => {});
  const exit = new Promise<BuilderExit>((resolve, reject) => {
    const statusEnded = new Promise<void>((ended) => statusPipe.on('close', ended));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      // What it started in its process group ends with it, now: the number may soon be another's.
      hasEnded = true;
      killProcesses(-child.pid!);
      // A process that outlives its builder (possible without a process namespace) must not keep the build waiting.
      const patience = setTimeout(() => statusPipe.destroy(), STATUS_PATIENCE_MS);
      void statusEnded.then(() => {
        clearTimeout(patience);
        output.leaveToBuilder();
        if (!started(status)) resolve({ kind: 'not-started' });
        else resolve(signal === null ? { kind: 'exited', code: code! } : { kind: 'signalled', signal });
      });
    });
  });
  const kill = (): void => {
    if (child.pid !== undefined && !hasEnded) killProcesses(-child.pid, child.pid);
  };
  return { exit, output: output.stream, kill };
}

/** The end of the FIFO that floe reads. */
class OutputPipe {
  readonly stream = new PassThrough();
  readonly #path: string;
  #socket: Socket | undefined;
  /** Held until the builder's own end is open: without any writer the pipe would already be at its end. */
  #writeEnd: number | undefined;
  #left = false;

  constructor(path: string) {
    this.#path = path;
  }

  open(): void {
    if (this.#socket !== undefined || this.#left) return;
    const place = systemPath(this.#path);
    const readEnd = fs.openSync(place, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    this.#writeEnd = fs.openSync(place, fs.constants.O_WRONLY);
    this.#socket = new Socket({ fd: readEnd, readable: true, writable: false });
    this.#socket.on('error', () => this.stream.end());
    this.#socket.pipe(this.stream);
    // Whoever listens may stop before the end.
    this.stream.on('close', () => this.#socket!.destroy());
  }

  /** From here on the pipe ends when the builder and everything it started has ended. */
  leaveToBuilder(): void {
    if (this.#left) return;
    this.#left = true;
    if (this.#socket === undefined) this.stream.end();
    if (this.#writeEnd !== undefined) fs.closeSync(this.#writeEnd);
  }
}

/** Kills a process, or with a number below 0 a process group. */
function killProcesses(...targets: readonly number[]): void {
  for (const target of targets) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }
}
