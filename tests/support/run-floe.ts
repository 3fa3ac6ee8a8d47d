// Runs a command line inside this process, with its own streams, environment and folder, and gives back what it printed.

import type { Output, Surroundings } from '../../src/cli/session.ts';
import { run } from '../../src/cli/main.ts';

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface RunOptions {
  readonly cwd: string;
  /** The whole environment. */
  readonly env?: Record<string, string | undefined>;
  readonly stdin?: string;
}

function collect(): Output & { readonly text: () => string } {
  const chunks: Buffer[] = [];
  return {
    write: (text) => void chunks.push(typeof text === 'string' ? Buffer.from(text, 'utf8') : Buffer.from(text)),
    isTerminal: false,
    columns: 80,
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}

/** `words[0]` is the name floe is called by: "floe", "nix-build", ... */
export async function runFloe(words: readonly string[], options: RunOptions): Promise<RunResult> {
  const stdout = collect();
  const stderr = collect();
  let input = options.stdin ?? '';
  const surroundings: Surroundings = {
    launch: { calledAs: words[0]!, childStackLimit: undefined, words: words.slice(1) },
    env: { NIX_CONF_DIR: `${options.cwd}/etc`, ...options.env },
    cwd: options.cwd,
    stdin: {
      isTerminal: false,
      readAll: () => {
        const all = Buffer.from(input);
        input = '';
        return all;
      },
      readLine: () => {
        if (input === '') return undefined;
        const end = input.indexOf('\n');
        const line = end < 0 ? input : input.slice(0, end);
        input = end < 0 ? '' : input.slice(end + 1);
        return line;
      },
    },
    stdout,
    stderr,
  };
  const code = await run(surroundings);
  return { stdout: stdout.text(), stderr: stderr.text(), code };
}
