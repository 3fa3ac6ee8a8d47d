// One evaluation of many attributes by several processes. Where it takes long, this process starts others with the same command line;
// each comes to the same list of attributes by itself, and all take from it, in its order, what nobody has taken yet. Results are plain
// data. What comes out is what one process alone would give: where another one fails or finds another list, this process evaluates the
// rest itself. Where attributes had something to say to the user (`builtins.trace`), those alone are evaluated again, in order, by a new
// evaluator: since every process took its attributes in order, the one that would have spoken first is among them.
// docs/decisions/0014-several-processes.md.

import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from '../base/canonical-json.ts';
import { FloeError } from '../base/errors.ts';
import { checksum } from './kept-results.ts';
import type { KeptReads } from './reads.ts';

/** What a process that helps was told: where claims and results are, and which of how many it is. */
export interface HelperPlace {
  readonly folder: string;
  readonly number: number;
  /** What is taken from; all before is done. */
  readonly first: number;
}

/** How other processes come to be; given by whoever knows the command line. */
export interface SharedWork {
  /** Processes that may work at once, this one included. */
  readonly cores: number;
  /** Set in a process that helps. */
  readonly place?: HelperPlace | undefined;
  /** Whether a process that helps writes what its results need to the store; yes unless said. */
  readonly writes?: boolean | undefined;
  /** Set in a second round. */
  readonly replay?: Replay | undefined;
  start(place: HelperPlace): ChildProcess;
}

/** Messages that wait; `release` shows them or forgets them. */
export interface HeldMessages {
  count(): number;
  release(show: boolean): void;
}

/** Of the engine: what happens to what evaluation says, and what it read. */
export interface SharingEngine {
  readonly work: SharedWork | undefined;
  holdMessages(): HeldMessages;
  /** In a process that helps, before it ends: what its results need is written. Gives what it read, where that can be kept. */
  finish(writes: boolean): Promise<KeptReads | undefined>;
  /** What a helper read counts as read here. */
  takeReads(reads: KeptReads | undefined): void;
  /** Lets go of everything evaluated so far. */
  forget(): void;
}

/** A program had something to say, or failed, while several processes evaluated it: another round is needed. */
class AnotherRound extends Error {
  /** What came out, and the attributes that spoke; undefined where all has to be evaluated again. */
  readonly replay: Replay | undefined;

  constructor(replay: Replay | undefined) {
    super();
    this.replay = replay;
  }
}

/** What `evaluateShared` does in a second round. */
interface Replay {
  readonly results: readonly Json[];
  readonly speakers: readonly number[];
}

/** One line of a helper's file. */
type Line =
  | { readonly kind: 'list'; readonly digest: string }
  | { readonly kind: 'result'; readonly index: number; readonly value: unknown; readonly spoke: boolean }
  | { readonly kind: 'end'; readonly reads: KeptReads | null };

/** An evaluation that is over sooner than this is not shared: another process takes as long to get going. */
const ALONE_MS = 400;
/** Nor is one with less than this left, as far as one can tell. */
const WORTH_MS = 600;
const MIN_COUNT = 16;
/** Attributes that are taken at once. PERF: one by one, two processes evaluate nearly all that packages share twice: 12.6 s of CPU for 952 drvPaths against 10.4. */
const BLOCK = 24;

/**
 * Runs `evaluate`, which may share its work. Where the program has messages for the user, or fails, it runs again with a new evaluator,
 * so that messages come in order and once, and errors as ever.
 */
export async function withSharedWork<Result>(
  engine: SharingEngine,
  evaluate: (work: SharedWork | undefined) => Promise<Result>,
): Promise<Result> {
  try {
    return await evaluate(engine.work);
  } catch (error) {
    if (!(error instanceof AnotherRound)) throw error;
    engine.forget();
    const { replay } = error;
    return evaluate(engine.work && replay && { ...engine.work, replay });
  }
}

/** The results of `evaluate` for 0 to names.length - 1; undefined where all is to be done in the ordinary way. */
export async function evaluateShared<Result extends Json>(
  engine: SharingEngine,
  work: SharedWork,
  names: readonly string[],
  evaluate: (index: number) => Result,
): Promise<Result[] | undefined> {
  if (work.place !== undefined) return help(engine, work.place, names, evaluate, work.writes ?? true);
  if (work.replay !== undefined) return speakAgain<Result>(work.replay, evaluate);
  if (work.cores < 2 || names.length < MIN_COUNT) return undefined;
  const results: Result[] = [];
  const begun = Date.now();
  const held = engine.holdMessages();
  try {
    while (results.length < names.length) {
      results.push(evaluate(results.length));
      // A program that speaks early is left alone, to be heard at once.
      if (held.count() > 0) return undefined;
      const spent = Date.now() - begun;
      const left = names.length - results.length;
      if (spent >= ALONE_MS && (spent / results.length) * left >= WORTH_MS && left >= 2 * work.cores)
        return await shareRest(engine, work, names, results, evaluate, held);
    }
    return results;
  } catch (error) {
    // The error is to look as if nothing had been tried before, and messages come first.
    if (!(error instanceof FloeError)) throw error;
    held.release(false);
    throw new AnotherRound(undefined);
  } finally {
    held.release(true);
  }
}

/** Undefined where something is not as it was. */
function speakAgain<Result extends Json>({ results, speakers }: Replay, evaluate: (index: number) => Result): Result[] | undefined {
  for (const index of speakers) if (evaluate(index) !== results[index]) return undefined;
  return [...results] as Result[];
}

function digestOf(names: readonly string[]): string {
  return checksum(Buffer.from(names.join('\0'), 'latin1'));
}

/** The indices that this process takes, in order, from `first` on. Neighbours go together: they tend to need the same. */
function* claims(folder: string, first: number, count: number): Generator<number, void, undefined> {
  for (let block = Math.floor(first / BLOCK); block * BLOCK < count; block++) {
    try {
      fs.closeSync(fs.openSync(join(folder, String(block)), 'wx'));
    } catch {
      // Another process has it.
      continue;
    }
    const end = Math.min(count, (block + 1) * BLOCK);
    for (let index = Math.max(first, block * BLOCK); index < end; index++) yield index;
  }
}

async function shareRest<Result extends Json>(
  engine: SharingEngine,
  work: SharedWork,
  names: readonly string[],
  done: readonly Result[],
  evaluate: (index: number) => Result,
  held: HeldMessages,
): Promise<Result[]> {
  const folder = fs.mkdtempSync(join(tmpdir(), 'floe-shared-'));
  const helpers: ChildProcess[] = [];
  try {
    const count = Math.min(work.cores, Math.ceil((names.length - done.length) / 8));
    const ends: Promise<unknown>[] = [];
    for (let number = 1; number < count; number++) {
      const helper = work.start({ folder, number, first: done.length });
      helpers.push(helper);
      ends.push(
        new Promise((resolve) => {
          helper.on('error', resolve);
          helper.on('exit', resolve);
        }),
      );
    }
    const results: (Result | undefined)[] = [...done];
    const speakers = new Set<number>();
    const evaluateHere = (index: number): Result => {
      const before = held.count();
      const result = evaluate(index);
      if (held.count() > before) speakers.add(index);
      return result;
    };
    for (const index of claims(folder, done.length, names.length)) results[index] = evaluateHere(index);
    await Promise.all(ends);
    for (let number = 1; number < count; number++)
      takeResults(engine, readLines(join(folder, `results-${number}`)), digestOf(names), results, speakers);
    // What a helper could not do, or did not live to tell: no longer in order.
    const isWhole = names.every((_, index) => results[index] !== undefined);
    const whole = names.map((_, index) => results[index] ?? evaluateHere(index));
    if (speakers.size === 0) return whole;
    held.release(false);
    throw new AnotherRound(isWhole ? { results: whole, speakers: [...speakers].sort((a, b) => a - b) } : undefined);
  } finally {
    for (const helper of helpers) helper.kill();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function takeResults<Result>(
  engine: SharingEngine,
  lines: readonly Line[],
  digest: string,
  results: (Result | undefined)[],
  speakers: Set<number>,
): void {
  const [first] = lines;
  const last = lines.at(-1);
  if (first?.kind !== 'list' || first.digest !== digest) return;
  // Without its end, what the results need may not have been written.
  if (last?.kind !== 'end') return;
  engine.takeReads(last.reads ?? undefined);
  for (const line of lines) {
    if (line.kind !== 'result') continue;
    results[line.index] ??= line.value as Result;
    if (line.spoke) speakers.add(line.index);
  }
}

function readLines(file: string): Line[] {
  try {
    return fs
      .readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
  } catch {
    // It never began, or was killed in the middle of a line.
    return [];
  }
}

/** In a process that helps: takes what is left, writes down what it finds, and ends. */
async function help<Result extends Json>(
  engine: SharingEngine,
  { folder, number, first }: HelperPlace,
  names: readonly string[],
  evaluate: (index: number) => Result,
  writes: boolean,
): Promise<never> {
  const descriptor = fs.openSync(join(folder, `results-${number}`), 'wx', 0o600);
  const tell = (line: Line): void => void fs.writeSync(descriptor, `${JSON.stringify(line)}\n`);
  const held = engine.holdMessages();
  tell({ kind: 'list', digest: digestOf(names) });
  try {
    for (const index of claims(folder, first, names.length)) {
      const before = held.count();
      const value = evaluate(index);
      tell({ kind: 'result', index, value, spoke: held.count() > before });
    }
  } catch {
    // The first process meets the same error, and tells of it.
  }
  const reads = await engine.finish(writes).catch(() => undefined);
  // What the root said, the first process heard too.
  tell({ kind: 'end', reads: reads ?? null });
  process.exit(0);
}
