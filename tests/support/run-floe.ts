// Runs a command line inside this process, with its own streams, environment and folder, and gives back what it printed.

import { bytesOfText } from '../../src/base/bytes.ts';
import type { Output, Surroundings } from '../../src/cli/session.ts';
import type { HandedOver } from '../../src/engine/findings.ts';
import { findOutput, printAgain } from '../../src/cli/kept-output.ts';
import { run } from '../../src/cli/main.ts';

export interface RunResult {
  readonly stdout: string;
  /** The same as bytes, for output that is no text. */
  readonly stdoutBytes: Uint8Array;
  readonly stderr: string;
  readonly stderrBytes: Uint8Array;
  readonly code: number;
  /** It was printed before and nothing ran. */
  readonly isReplayed: boolean;
}

export interface RunOptions {
  readonly cwd: string;
  /** The whole environment. */
  readonly env?: Record<string, string | undefined>;
  readonly stdin?: string | Uint8Array;
  /** Keeps results between runs, as an installed floe of that name does. */
  readonly installation?: string;
  /** What another process has found out for it. */
  readonly handed?: HandedOver;
}

function collect(): Output & { readonly text: () => string; readonly bytes: () => Buffer } {
  const chunks: Buffer[] = [];
  return {
    write: (text) => void chunks.push(typeof text === 'string' ? Buffer.from(bytesOfText(text)) : Buffer.from(text)),
    isTerminal: false,
    columns: 80,
    text: () => Buffer.concat(chunks).toString('utf8'),
    bytes: () => Buffer.concat(chunks),
  };
}

/** `words[0]` is the name floe is called by: "floe", "nix-build", ... */
export async function runFloe(words: readonly string[], options: RunOptions): Promise<RunResult> {
  const stdout = collect();
  const stderr = collect();
  let input: Buffer = Buffer.from(options.stdin ?? '');
  const take = (length: number): Buffer => {
    const taken = input.subarray(0, length);
    input = input.subarray(length);
    return taken;
  };
  const surroundings: Surroundings = {
    launch: { calledAs: words[0]!, childStackLimit: undefined, words: words.slice(1) },
    env: { NIX_CONF_DIR: `${options.cwd}/etc`, ...options.env },
    cwd: options.cwd,
    stdin: {
      isTerminal: false,
      readAll: () => take(input.length),
      readChunk: () => (input.length === 0 ? undefined : take(65536)),
      readLine: () => {
        if (input.length === 0) return undefined;
        const end = input.indexOf(10);
        return end < 0 ? take(input.length).toString('utf8') : take(end + 1).toString('utf8', 0, end);
      },
    },
    stdout,
    stderr,
    installation: options.installation,
    handed: options.handed,
  };
  const printed = findOutput(surroundings);
  const isReplayed = printed !== undefined && printed.become === undefined;
  if (isReplayed) printAgain(surroundings, printed);
  const code = isReplayed ? 0 : await run(surroundings);
  return { isReplayed, stdout: stdout.text(), stdoutBytes: stdout.bytes(), stderr: stderr.text(), stderrBytes: stderr.bytes(), code };
}
