// What the warm evaluator does with a question: it runs the user's command line as the user's own process would, with evaluators that stay
// (engine/warm-evaluators.ts), and answers what was printed, or what the process is to become. It answers only what would also be kept
// for the next time (kept-output.ts), that is, what follows from what was read; before anything else would happen (an error, a build, a
// question to the user, the network) it gives up, and the user's process runs the command as if nothing had been tried.

import process from 'node:process';
import { bytesOfText, copyBytes } from '../base/bytes.ts';
import type { HandedOver } from '../engine/findings.ts';
import { notHere } from '../engine/not-here.ts';
import { ReadLog } from '../engine/reads.ts';
import { WarmEvaluators } from '../engine/warm-evaluators.ts';
import type { Printed } from './kept-output.ts';
import type { Launch } from './launch.ts';
import { run } from './main.ts';
import type { Output, Surroundings } from './session.ts';

/** A stream as the user's process has it. */
interface StreamFacts {
  readonly isTerminal: boolean;
  readonly columns: number;
}

/** What the user's process is. */
export interface WarmQuestion {
  readonly launch: Launch;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: StreamFacts;
  readonly stderr: StreamFacts;
  readonly stdinIsTerminal: boolean;
  /** Its terminal's session, or that of whatever it was started from. */
  readonly session: string;
}

/** What it is to print, and to become; or what it is to go on from by itself. */
export type WarmAnswer = ({ readonly kind: 'printed' } & Printed) | { readonly kind: 'handed'; readonly handed: HandedOver };

/** Questions that are not answered are not tried again at once, and less and less often. */
const MOST_SKIPPED = 64;

class ReadsHere extends ReadLog {
  override refuse(reason: string): void {
    super.refuse(reason);
    throw notHere(reason);
  }
}

/** Answers questions, one after the other. */
export class WarmAnswers {
  private readonly evaluators = new WarmEvaluators();
  private readonly installation: string;
  private readonly mostSkipped: number;
  /** By question: how often it failed in a row, and how many times it is still left alone. */
  private readonly failures = new Map<string, { count: number; left: number }>();

  /** `mostSkipped` bounds how often a question that was not answered is left alone. */
  constructor(installation: string, mostSkipped = MOST_SKIPPED) {
    this.installation = installation;
    this.mostSkipped = mostSkipped;
  }

  /** Undefined where the user's process has to do it. */
  async answer(question: WarmQuestion): Promise<WarmAnswer | undefined> {
    const name = JSON.stringify([question.cwd, question.launch.calledAs, question.launch.words]);
    const failed = this.failures.get(name);
    if (failed !== undefined && failed.left > 0) return void failed.left--;
    const answer = await this.run(question).catch(() => undefined);
    this.failures.delete(name);
    if (answer === undefined) {
      const count = (failed?.count ?? 0) + 1;
      this.failures.set(name, { count, left: Math.min(this.mostSkipped, 2 ** (count - 1) - 1) });
      const [oldest] = this.failures.keys();
      if (this.failures.size > 1000) this.failures.delete(oldest!);
    }
    return answer;
  }

  private async run({ launch, cwd, env, stdout, stderr, stdinIsTerminal }: WarmQuestion): Promise<WarmAnswer | undefined> {
    const reads = new ReadsHere();
    const printed = { stdout: listen(stdout), stderr: listen(stderr) };
    let answer: (WarmAnswer & { kind: 'printed' }) | undefined;
    let handed: HandedOver | undefined;
    const refuse = (): never => reads.refuse('standard input is read') as never;
    const surroundings: Surroundings = {
      launch,
      env: { ...env },
      cwd,
      stdin: { isTerminal: stdinIsTerminal, readAll: refuse, readChunk: refuse, readLine: refuse },
      stdout: printed.stdout.output,
      stderr: printed.stderr.output,
      installation: this.installation,
      warm: {
        evaluators: this.evaluators,
        reads,
        found: (found) => (handed = found),
        answer: (become) => {
          if (reads.refused !== undefined) throw notHere(reads.refused);
          answer = { kind: 'printed', stdout: printed.stdout.take('latin1'), stderr: printed.stderr.take('utf8'), become };
          if (become !== undefined) throw notHere('the user’s process becomes a program');
        },
      },
    };
    this.evaluators.printed = () => printed.stdout.take('latin1');
    let code = 1;
    try {
      code = await run(surroundings);
    } finally {
      this.evaluators.end(answer !== undefined || handed !== undefined);
    }
    if (answer !== undefined && (code === 0 || answer.become !== undefined)) return answer;
    return handed && { kind: 'handed', handed };
  }
}

function listen({ isTerminal, columns }: StreamFacts): { readonly output: Output; take(encoding: 'latin1' | 'utf8'): string } {
  const chunks: Uint8Array[] = [];
  return {
    output: { write: (text) => void chunks.push(typeof text === 'string' ? bytesOfText(text) : copyBytes(text)), isTerminal, columns },
    take: (encoding) => Buffer.concat(chunks).toString(encoding),
  };
}

/** Makes this process look like the user's, but for its descriptors, while `action` runs. */
export async function inPlaceOf<Result>({ cwd, env }: WarmQuestion, action: () => Promise<Result>): Promise<Result> {
  for (const name of Object.keys(process.env)) if (!Object.hasOwn(env, name)) delete process.env[name];
  for (const [name, value] of Object.entries(env)) if (process.env[name] !== value) process.env[name] = value;
  process.chdir(cwd);
  try {
    return await action();
  } finally {
    process.chdir('/');
  }
}
