// Waiting for a builder: its output is passed on, limits on time, silence and output are kept, and it ends when nobody wants it any
// more. So does one that closed its output a while ago, since nothing more could be heard of it. NIX: C++ Nix kills it at once, and with
// it now and then a build whose last program is one of coreutils', which close their output a moment before they end.

import { BuildError } from '../base/errors.ts';
import type { BuildFailureStatus } from '../model/build-result.ts';
import type { BuilderExit, RunningBuilder } from './sandbox/sandbox.ts';
import type { BuildSettings } from './settings.ts';

export interface WatchOptions {
  readonly settings: Pick<BuildSettings, 'maxSilentTimeS' | 'timeoutS' | 'maxBuildLogSize'>;
  /** The derivation's printed store path. */
  readonly derivation: string;
  readonly signal: AbortSignal;
  /** What it throws (a full disk) ends the builder and comes out of watchBuilder. */
  readonly onOutput: (chunk: Buffer) => void;
}

/** How long a builder may go on after it has closed its output. */
const SILENT_END_MS = 5000;

/** How long output may still come from processes that outlive an unsandboxed builder. */
const LATE_OUTPUT_MS = 200;

/** Waits for the builder to end. BuildError where floe ended it; the signal's reason where nobody wanted it. */
export async function watchBuilder(running: RunningBuilder, options: WatchOptions): Promise<BuilderExit> {
  const { settings, signal } = options;
  let failure: unknown;
  const stop = (reason: unknown) => {
    failure ??= reason;
    running.kill();
  };
  const refuse = (status: BuildFailureStatus, message: string, exitCode: number) => stop(new BuildError(status, message, { exitCode }));
  const timeOut = (seconds: number) => refuse('TimedOut', `timed out after ${seconds} seconds`, 101);
  const silence = new Deadline(settings.maxSilentTimeS, timeOut);
  const total = new Deadline(settings.timeoutS, timeOut);
  const onAbort = () => stop(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  let size = 0;
  running.output.on('data', (chunk: Buffer) => {
    silence.restart();
    if (failure !== undefined) return;
    size += chunk.length;
    if (settings.maxBuildLogSize > 0 && size > settings.maxBuildLogSize) {
      const limit = `killed after writing more than ${settings.maxBuildLogSize} bytes of log output`;
      return refuse('LogLimitExceeded', `building derivation '${options.derivation}' ${limit}`, 1);
    }
    try {
      options.onOutput(chunk);
    } catch (error) {
      stop(error);
    }
  });
  const outputEnded = new Promise<void>((resolve) => running.output.on('close', resolve).on('error', () => resolve()));
  try {
    if (signal.aborted) onAbort();
    // Of a builder in a sandbox this says little: the program that set it up keeps the output open until it ends.
    void outputEnded.then(() => setTimeout(() => running.kill(), SILENT_END_MS).unref());
    const exit = await running.exit;
    let late: NodeJS.Timeout | undefined;
    await Promise.race([outputEnded, new Promise((resolve) => (late = setTimeout(resolve, LATE_OUTPUT_MS)))]);
    clearTimeout(late);
    if (failure !== undefined) throw failure;
    return exit;
  } finally {
    silence.end();
    total.end();
    running.output.destroy();
    signal.removeEventListener('abort', onAbort);
  }
}

/** Calls when so many seconds have passed since it began or was restarted; never for 0. */
class Deadline {
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(seconds: number, onPassed: (seconds: number) => void) {
    if (seconds > 0) this.#timer = setTimeout(() => onPassed(seconds), seconds * 1000);
  }

  restart(): void {
    this.#timer?.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
