// What the generators of this folder share: random numbers from a seed, command lines run here and by a real Nix, batches narrowed down to the
// cases that differ, and the loop of their own command lines (`node tests/oracle/X.ts [SEED] [COUNT]`).

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { byteStringOf } from '../../src/base/bytes.ts';
import { runFloe } from '../support/run-floe.ts';

/** A small generator of numbers, the same for the same seed. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0;
  }
  below(limit: number): number {
    // xorshift
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % limit;
  }
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
  /** True once in so many times. */
  once(inTimes: number): boolean {
    return this.below(inTimes) === 0;
  }
  list<T>(below: number, make: (index: number) => T): T[] {
    return Array.from({ length: this.below(below) }, (_, index) => make(index));
  }
}

/** Of many cases, those that do not agree: `agree` looks at several at once. */
export function narrowDown<T>(cases: readonly T[], agree: (some: readonly T[]) => boolean): T[] {
  if (cases.length === 0 || agree(cases)) return [];
  if (cases.length === 1) return [...cases];
  const middle = cases.length >> 1;
  return [...narrowDown(cases.slice(0, middle), agree), ...narrowDown(cases.slice(middle), agree)];
}

/** A command line: the name that the program is called by, and its words. */
export interface Invocation {
  readonly words: readonly string[];
  /** A byte string. */
  readonly stdin?: string;
}

/** What it printed, byte strings. */
export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** A folder that command lines run in, with stores of its own. */
export class Workplace {
  readonly folder: string;
  readonly #env: Record<string, string>;

  /** `settings` are lines of the configuration. */
  constructor(folder: string, settings: readonly string[] = []) {
    this.folder = folder;
    for (const name of ['work/here', 'ran', 'etc']) mkdirSync(join(folder, name), { recursive: true });
    this.#env = {
      HOME: folder,
      PATH: process.env['PATH'] ?? '',
      TERM: 'dumb',
      NIX_CONFIG: ['experimental-features = nix-command flakes', 'substituters =', 'flake-registry =', ...settings].join('\n'),
      NIX_CONF_DIR: join(folder, 'etc'),
      NIX_STORE_DIR: join(folder, 'store'),
      NIX_STATE_DIR: join(folder, 'state'),
      NIX_LOG_DIR: join(folder, 'log'),
    };
  }

  /** Where command lines run. */
  get work(): string {
    return join(this.folder, 'work/here');
  }

  async here({ words, stdin = '' }: Invocation): Promise<Ran> {
    const { stdoutBytes, stderrBytes, code } = await runFloe(words, {
      cwd: this.work,
      stdin: Buffer.from(stdin, 'latin1'),
      env: this.#env,
    });
    return { stdout: byteStringOf(stdoutBytes), stderr: byteStringOf(stderrBytes), code };
  }

  /** All of them, in one start of the real Nix. */
  there(command: readonly string[], invocations: readonly Invocation[]): Ran[] {
    const place = (index: number, what: string): string => join(this.folder, 'ran', `${index}.${what}`);
    const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
    const script = invocations.map(({ words, stdin }, index) => {
      writeFileSync(place(index, 'in'), stdin ?? '', 'latin1');
      return `timeout 20 ${words.map(quote).join(' ')} < ${place(index, 'in')} > ${place(index, 'out')} 2> ${place(index, 'err')}; echo $? > ${place(index, 'code')}`;
    });
    writeFileSync(place(0, 'sh'), script.join('\n'));
    spawnSync(command[0]!, [...command.slice(1), 'bash', place(0, 'sh')], { cwd: this.work, env: this.#env });
    const read = (index: number, what: string): string => readFileSync(place(index, what), 'latin1');
    return invocations.map((_, index) => ({
      stdout: read(index, 'out'),
      stderr: read(index, 'err'),
      code: Number(read(index, 'code')),
    }));
  }
}

let place: Workplace | undefined;

/** A folder for command lines that only read their input; removed with the process. */
export function temporaryPlace(): Workplace {
  if (place !== undefined) return place;
  const folder = mkdtempSync(join(tmpdir(), 'floe-hunt-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return (place = new Workplace(folder, ['sandbox = false', 'max-jobs = 0']));
}

/** A case that differs: what it is, and what each made of it. */
export interface Difference {
  readonly shown: string;
  readonly here: string;
  readonly there: string;
}

/** Messages may go on here: hints come behind what a real Nix says. */
function isSame(here: Ran, there: Ran, comparable: (text: string) => string): boolean {
  if (here.code !== there.code || comparable(here.stdout) !== comparable(there.stdout)) return false;
  const [ours, theirs] = [comparable(here.stderr), comparable(there.stderr)];
  return ours === theirs || (theirs !== '' && ours.startsWith(theirs));
}

const printRan = ({ stdout, stderr, code }: Ran): string => `${stdout}${stderr}[${code}]`;

/** Runs command lines both ways and gives those that differ. `comparable` drops what may differ. */
export async function compareInvocations(
  workplace: Workplace,
  command: readonly string[],
  invocations: readonly Invocation[],
  comparable: (text: string) => string = (text) => text,
): Promise<Difference[]> {
  const there = workplace.there(command, invocations);
  const differences: Difference[] = [];
  for (const [index, invocation] of invocations.entries()) {
    const ran = await workplace.here(invocation);
    if (isSame(ran, there[index]!, comparable)) continue;
    const [ours, theirs] = [printRan(ran), printRan(there[index]!)];
    const { words, stdin } = invocation;
    differences.push({
      shown: `${words.join(' ')}${stdin === undefined ? '' : ` <<<${JSON.stringify(stdin)}`}`,
      here: ours,
      there: theirs,
    });
  }
  return differences;
}

/** The command that starts the real Nix; undefined where FLOE_ORACLE is unset. */
export function oracleCommand(): readonly string[] | undefined {
  const oracle = process.env['FLOE_ORACLE'];
  return oracle === undefined || oracle === '' ? undefined : oracle.split(' ');
}

/** Looks for differences from the command line, in batches, and prints them. */
export async function hunt(
  what: string,
  batchSize: number,
  compareBatch: (
    random: Random,
    size: number,
    command: readonly string[],
    rest: readonly string[],
  ) => Promise<readonly Difference[]> | readonly Difference[],
): Promise<void> {
  const command = oracleCommand();
  if (command === undefined) return console.log('skipped: FLOE_ORACLE names no C++ Nix');
  const [seed = '1', count = '1000', ...rest] = process.argv.slice(2);
  const random = new Random(Number(seed));
  let different = 0;
  for (let done = 0; done < Number(count); done += batchSize) {
    for (const { shown, here, there } of await compareBatch(random, Math.min(batchSize, Number(count) - done), command, rest)) {
      different++;
      console.log(`--- ${shown}\n  here:  ${here}\n  there: ${there}`);
    }
  }
  console.log(`${count} ${what}, ${different} different`);
  process.exitCode = different === 0 ? 0 : 1;
}
