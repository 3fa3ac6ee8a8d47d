// One walk over many attributes (flake/parts.ts) by several processes. Where it takes long, this process starts others with the same
// command line; each walks the same way by itself, silently, and does of the parts what nobody has taken yet. What they find is plain
// data. Then this process walks once more, with what is known, and tells. So what comes out is what one process alone would give: a part
// that nobody did is evaluated then; where something fails, all is walked by a new evaluator; where parts had something to say to the user
// (`builtins.trace`), those are evaluated again, in order, by a new evaluator: since every process took its parts in order, the one that
// would have spoken first is among them. docs/decisions/0014-several-processes.md.

import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { getHeapStatistics } from 'node:v8';
import type { Json } from '../base/canonical-json.ts';
import { FloeError } from '../base/errors.ts';
import { aloneParts, type Parts } from '../flake/parts.ts';
import type { KeptReads } from './reads.ts';

/** What a process that helps was told. */
export interface HelperPlace {
  /** Whom it helps. */
  readonly parent: number;
  /** Which helper it is, from 1. */
  readonly number: number;
  /** Parts of a group that are taken at once; 0 where whole groups are. */
  readonly block: number;
  /** `builtins.currentTime`. */
  readonly startedS: number;
}

/** How other processes come to be; given by whoever knows the command line. */
export interface SharedWork {
  /** Processes that may work at once, this one included. */
  readonly cores: number;
  /** Nobody asked for it: only what hardly anything is evaluated twice for. */
  readonly isCareful: boolean;
  /** Set in a process that helps. */
  readonly place?: HelperPlace | undefined;
  /** How often this process printed something. */
  printed(): number;
  /** Starts a process with the files of claims and results as its descriptors 3 and 4; undefined where it could not read what this one read. */
  start(place: HelperPlace, claims: number, results: number): ChildProcess | undefined;
}

/** Of the engine: what happens to what evaluation says, and what it read. */
export interface SharingEngine {
  /** How to share the first walk of a run; undefined for the others, since helpers only run to the first. */
  takeWork(): SharedWork | undefined;
  readonly startedS: number;
  /** Messages of programs so far, heard by the user or not. */
  messages(): number;
  /** Whether the user hears them. */
  silence(isSilent: boolean): void;
  /** Writes what results need to the store. */
  writePending(): void;
  /** In a process that helps, before it ends. Gives what it read, where that can be kept. */
  finish(): Promise<KeptReads | undefined>;
  /** What a helper read counts as read here. */
  takeReads(reads: KeptReads | undefined): void;
  /** Lets go of everything evaluated so far. Messages that the user heard are not heard again. */
  restart(): void;
}

/** What is to be walked. */
export interface Walk<Saying, Result> {
  /** Whether what the parts need is written to the store. */
  readonly writes: boolean;
  /** Shows what the walk says. */
  show(saying: Saying): void;
  /** May be called several times, and starts from the engine's evaluator each time. */
  run(parts: Parts<Saying>): Result;
}

/** What a part said and gave; no result for undefined, which JSON has not. */
interface Known<Saying> {
  readonly said: readonly Saying[];
  readonly result?: Json | undefined;
  /** The program had messages for the user. */
  readonly spoke: boolean;
}

/** One line of a helper's results. */
type Line<Saying> =
  | { readonly kind: 'part'; readonly name: string; readonly known: Known<Saying> }
  | { readonly kind: 'end'; readonly reads: KeptReads | null; readonly isInOrder: boolean };

/** A walk, or a group, that is over sooner than this is not shared: another process takes as long to get going. */
const ALONE_MS = 400;
/** Nor is a walk with less than this left, as far as one can tell. */
const WORTH_MS = 600;
/** Parts that are taken at once. PERF: one by one, two processes evaluate nearly all that packages share twice: 12.6 s of CPU for 952 drvPaths against 10.4. */
const BLOCK = 24;
/** Parts that take longer are taken one by one. */
const BIG_MS = 100;
/** Descriptors of a helper. */
const [CLAIMS, RESULTS] = [3, 4];
/** A helper that has used so much of its memory ends, before V8 ends it. */
const FULL = 0.85;

/** Thrown out of a silent walk that leads nowhere. */
class Abandoned extends Error {}

/** Runs the walk, with the help of other processes where that pays. */
export async function walkTogether<Saying extends Json, Result>(engine: SharingEngine, walk: Walk<Saying, Result>): Promise<Result> {
  const work = engine.takeWork();
  if (work?.place !== undefined) return help(engine, work, work.place, walk);
  if (work === undefined || work.cores < 2) return walk.run(aloneParts((saying) => walk.show(saying)));
  return new FirstProcess(engine, work, walk).run();
}

/** Who took what: lines in a file that all processes append to. The first line about a thing counts. */
class Claims {
  private readonly descriptor: number;
  private readonly number: number;
  private readonly owners = new Map<string, number>();
  private position = 0;
  private rest = '';

  constructor(descriptor: number, number: number) {
    this.descriptor = descriptor;
    this.number = number;
  }

  /** Whether the thing is this process's, now or from before. */
  take(thing: string): boolean {
    if (!this.owners.has(thing)) {
      try {
        fs.writeSync(this.descriptor, `${JSON.stringify([this.number, thing])}\n`);
        this.read();
      } catch {
        // A full disk.
        throw new Abandoned();
      }
    }
    return this.owners.get(thing) === this.number;
  }

  private read(): void {
    const chunk = Buffer.alloc(4096);
    for (;;) {
      const length = fs.readSync(this.descriptor, chunk, 0, chunk.length, this.position);
      if (length === 0) return;
      this.position += length;
      const lines = (this.rest + chunk.toString('latin1', 0, length)).split('\n');
      this.rest = lines.pop()!;
      for (const line of lines) {
        const [owner, thing] = JSON.parse(line) as [number, string];
        if (!this.owners.has(thing)) this.owners.set(thing, owner);
      }
    }
  }
}

/** A file that only its descriptor leads to: nothing is left of it, however the processes end. */
function openHidden(): number {
  const folder = fs.mkdtempSync(join(tmpdir(), 'floe-shared-'));
  try {
    return fs.openSync(join(folder, 'file'), 'ax+', 0o600);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** How far a walk has come. */
class Steps {
  /** Parts that were asked for. */
  count = 0;
  private group = '';
  private readonly groups = new Map<string, number>();

  /** The next part of a group; which of its parts that is. */
  next(group: string): number {
    this.count++;
    this.group = group;
    const index = this.groups.get(group) ?? 0;
    this.groups.set(group, index + 1);
    return index;
  }

  /** What others need not begin with: the group that this walk is in, and blocks of that size. */
  begun(size: number): string[] {
    const blocks =
      size === 0
        ? []
        : [...this.groups].flatMap(([group, count]) => {
            const length = group === this.group ? Math.ceil(count / size) : Math.floor(count / size);
            return Array.from({ length }, (_, block) => blockName(group, block));
          });
    return [this.group, ...blocks];
  }
}

function blockName(group: string, block: number): string {
  return `${group} ${block}`;
}

/** What is to come, as far as a walk has told, and whether that is worth another process. */
class Forecast {
  private readonly work: SharedWork;
  private readonly left = new Map<string, number>();
  private readonly begunMs = Date.now();
  private group: string | undefined;
  private groupMs = 0;
  private readonly ahead = new Set<string>();
  private done = 0;
  /** Parts of the group that took long, one after the other. */
  private bigOnes = 0;

  constructor(work: SharedWork) {
    this.work = work;
  }

  expect(group: string, parts: number): void {
    this.left.set(group, (this.left.get(group) ?? 0) + parts);
    if (group !== this.group) this.ahead.add(group);
  }

  /** Tells of a part that took from then on. How to share the rest; undefined where it is not worth it, yet. */
  after(group: string, startMs: number): { readonly processes: number; readonly block: number } | undefined {
    const nowMs = Date.now();
    if (this.group !== group) {
      this.group = group;
      this.groupMs = startMs;
      this.bigOnes = 0;
    }
    this.done++;
    this.ahead.delete(group);
    this.left.set(group, Math.max(0, (this.left.get(group) ?? 0) - 1));
    this.bigOnes = nowMs - startMs >= ALONE_MS ? this.bigOnes + 1 : 0;
    const leftHere = this.left.get(group)!;
    const groups = this.ahead.size;
    const hereMs = nowMs - this.groupMs;
    const enough = (count: number) => Math.min(this.work.cores, count);
    if (hereMs >= ALONE_MS && groups >= (leftHere > 0 ? 1 : 2) && this.work.isCareful)
      return { processes: enough(groups + (leftHere > 0 ? 1 : 0)), block: 0 };
    // What these parts are made of was evaluated with the first.
    if (this.bigOnes >= 2 && leftHere >= 2) return { processes: enough(leftHere), block: 1 };
    if (this.work.isCareful || nowMs - this.begunMs < ALONE_MS) return undefined;
    const parts = [...this.left.values()].reduce((sum, count) => sum + count, 0);
    const eachMs = (nowMs - this.begunMs) / this.done;
    if (Math.max(eachMs * parts, hereMs * groups) < WORTH_MS || Math.max(parts, groups) < 2) return undefined;
    return { processes: enough(1 + Math.max(groups, Math.ceil(parts / 8))), block: eachMs > BIG_MS ? 1 : BLOCK };
  }
}

/**
 * What one process does of a shared walk: at first groups that no other has begun, since what a group is made of is evaluated by each
 * process that works on it; then blocks of any, where groups alone would leave processes idle.
 */
class Share<Saying extends Json> {
  /** Whether each part came after all that were done before. */
  isInOrder = true;
  private readonly engine: SharingEngine;
  private readonly claims: Claims;
  private readonly block: number;
  /** Parts that this process has done, before and now. */
  private readonly known: Map<string, Known<Saying>>;
  private readonly after: (name: string, known: Known<Saying>) => void;
  private last = 0;

  constructor(
    engine: SharingEngine,
    claims: Claims,
    block: number,
    known = new Map<string, Known<Saying>>(),
    after: (name: string, known: Known<Saying>) => void = () => {},
  ) {
    this.engine = engine;
    this.claims = claims;
    this.block = block;
    this.known = known;
    this.after = after;
  }

  /** Walks through what is left. */
  run<Result>(walk: Walk<Saying, Result>): void {
    walk.run(this.parts(new Steps(), true));
    this.rest(walk);
  }

  /** The last round: no longer in the order of the walk, perhaps. */
  rest<Result>(walk: Walk<Saying, Result>): void {
    if (this.block > 0) walk.run(this.parts(new Steps(), false));
  }

  /** For a walk that has come as far as `steps` says. */
  parts(steps: Steps, groupsOnly: boolean): Parts<Saying> {
    const { claims, engine, block, known } = this;
    // Of the part that is being done; what is said between parts is said again by whoever walks.
    let said: Saying[] = [];
    return {
      expect() {},
      part: (group, name, elsewhere, evaluate) => {
        const index = steps.next(group);
        if (groupsOnly && !claims.take(group)) return elsewhere;
        if (block > 0 && !claims.take(blockName(group, Math.floor(index / block)))) return elsewhere;
        if (known.has(name)) return elsewhere;
        if (steps.count < this.last) this.isInOrder = false;
        else this.last = steps.count;
        said = [];
        const before = engine.messages();
        const result = evaluate();
        const found: Known<Saying> = { said, result, spoke: engine.messages() > before };
        said = [];
        known.set(name, found);
        this.after(name, found);
        return result;
      },
      say: (saying) => void said.push(saying),
      aloud() {
        throw new Abandoned();
      },
    };
  }
}

/** A process that helps, as the first one sees it. */
interface Helper {
  readonly process: ChildProcess;
  readonly results: number;
  readonly end: Promise<unknown>;
}

/** The process that the user started. */
class FirstProcess<Saying extends Json, Result> {
  private readonly engine: SharingEngine;
  private readonly work: SharedWork;
  private readonly walk: Walk<Saying, Result>;
  /** Sayings that the user has seen. */
  private shown = 0;
  /** What was done before others helped, and then by anybody. */
  private readonly known = new Map<string, Known<Saying>>();
  private share: Share<Saying> | undefined;
  private claims: number | undefined;
  /** Messages before it fell silent. */
  private messages = 0;
  private readonly helpers: Helper[] = [];

  constructor(engine: SharingEngine, work: SharedWork, walk: Walk<Saying, Result>) {
    this.engine = engine;
    this.work = work;
    this.walk = walk;
  }

  async run(): Promise<Result> {
    const { engine, walk } = this;
    try {
      const result = walk.run(this.firstParts());
      if (this.share === undefined) return result;
      this.share.rest(walk);
      const { isInOrder, spoke } = await this.gather(this.share);
      engine.silence(false);
      if (isInOrder || !spoke) {
        if (spoke) {
          if (walk.writes) engine.writePending();
          engine.restart();
        }
        return walk.run(this.tellingParts(this.known));
      }
    } catch (error) {
      // What failed out of order is to fail as if nothing had been tried.
      if (this.share === undefined || !(error instanceof FloeError || error instanceof Abandoned)) throw error;
    } finally {
      this.letGo();
    }
    engine.restart();
    return walk.run(this.tellingParts(new Map()));
  }

  /** For the first walk: alone and aloud, until it turns out to be long. */
  private firstParts(): Parts<Saying> {
    const { engine, known } = this;
    const forecast = new Forecast(this.work);
    const steps = new Steps();
    let said: Saying[] = [];
    let isForAlone = false;
    let others: Parts<Saying> | undefined;
    return {
      expect: (group, parts) => forecast.expect(group, parts),
      part: (group, name, elsewhere, evaluate) => {
        if (others !== undefined) return others.part(group, name, elsewhere, evaluate);
        steps.next(group);
        said = [];
        const startMs = Date.now();
        const before = engine.messages();
        const result = evaluate();
        const spoke = engine.messages() > before;
        known.set(name, { said, result, spoke });
        said = [];
        // What speaks in one configuration mostly speaks in all, and all that speaks is evaluated again in the end.
        isForAlone ||= spoke && this.work.isCareful;
        const plan = isForAlone ? undefined : forecast.after(group, startMs);
        if (plan !== undefined) others = this.startOthers(steps, plan);
        isForAlone ||= plan !== undefined;
        return result;
      },
      say: (saying) => {
        if (others !== undefined) return others.say(saying);
        said.push(saying);
        this.shown++;
        this.walk.show(saying);
      },
      aloud: (run) => {
        if (others !== undefined) return others.aloud(run);
        isForAlone = true;
        run();
      },
    };
  }

  /** What this process does from now on; undefined where no other can be started. */
  private startOthers(steps: Steps, { processes, block }: { readonly processes: number; readonly block: number }) {
    let claims: Claims;
    try {
      this.claims = openHidden();
      claims = new Claims(this.claims, 0);
      for (const thing of steps.begun(block)) claims.take(thing);
      for (let number = 1; number < processes; number++) {
        const results = openHidden();
        const helper = this.work.start({ parent: process.pid, number, block, startedS: this.engine.startedS }, this.claims, results);
        if (helper === undefined) throw new Abandoned();
        const end = new Promise((resolve) => void helper.on('error', resolve).on('exit', resolve));
        this.helpers.push({ process: helper, results, end });
      }
    } catch {
      // No room for files, or for processes.
      this.letGo();
      return undefined;
    }
    this.engine.silence(true);
    this.messages = this.engine.messages();
    this.share = new Share(this.engine, claims, block, this.known);
    return this.share.parts(steps, true);
  }

  /** Waits for all, and takes what they found. Whether everybody kept to the order, and whether the program said what nobody heard. */
  private async gather(share: Share<Saying>): Promise<{ readonly isInOrder: boolean; readonly spoke: boolean }> {
    await Promise.all(this.helpers.map(({ end }) => end));
    let { isInOrder } = share;
    let spoke = this.engine.messages() > this.messages;
    for (const { results } of this.helpers) {
      const lines = readLines<Saying>(results);
      const last = lines.at(-1);
      // Without its end, what the results need may not have been written.
      if (last?.kind !== 'end') continue;
      isInOrder &&= last.isInOrder;
      this.engine.takeReads(last.reads ?? undefined);
      for (const line of lines) {
        if (line.kind !== 'part' || this.known.has(line.name)) continue;
        this.known.set(line.name, line.known);
        spoke ||= line.known.spoke;
      }
    }
    return { isInOrder, spoke };
  }

  /** For a walk that tells what the user has not seen yet; parts that are known and did not speak are not evaluated. */
  private tellingParts(known: ReadonlyMap<string, Known<Saying>>): Parts<Saying> {
    let skipped = this.shown;
    const say = (saying: Saying): void => {
      if (skipped-- > 0) return;
      this.shown++;
      this.walk.show(saying);
    };
    return {
      expect() {},
      part<Given extends Json | undefined>(_group: string, name: string, _elsewhere: Given, evaluate: () => Given): Given {
        const found = known.get(name);
        if (found === undefined || found.spoke) return evaluate();
        for (const saying of found.said) say(saying);
        return found.result as Given;
      },
      say,
      aloud: (run) => run(),
    };
  }

  private letGo(): void {
    this.engine.silence(false);
    for (const { process: helper, results } of this.helpers.splice(0)) {
      helper.kill();
      fs.closeSync(results);
    }
    if (this.claims !== undefined) fs.closeSync(this.claims);
    this.claims = undefined;
  }
}

function readLines<Saying>(descriptor: number): Line<Saying>[] {
  try {
    const data = Buffer.alloc(fs.fstatSync(descriptor).size);
    for (let at = 0; at < data.length;) {
      const length = fs.readSync(descriptor, data, at, data.length - at, at);
      if (length === 0) return [];
      at += length;
    }
    return data
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line<Saying>);
  } catch {
    // It was killed in the middle of a line.
    return [];
  }
}

/** In a process that helps: does what is left, writes down what it finds, and ends. */
async function help<Saying extends Json, Result>(
  engine: SharingEngine,
  work: SharedWork,
  { parent, number, block }: HelperPlace,
  walk: Walk<Saying, Result>,
): Promise<never> {
  const tell = (line: Line<Saying>): void => void fs.writeSync(RESULTS, `${JSON.stringify(line)}\n`);
  const printed = work.printed();
  const share = new Share<Saying>(engine, new Claims(CLAIMS, number), block, new Map(), (name, known) => {
    // What fetching and building have to say, the user is to see; and nobody may be waiting any more.
    if (work.printed() > printed || process.ppid !== parent) throw new Abandoned();
    tell({ kind: 'part', name, known });
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    if (used > limit * FULL) throw new Abandoned();
  });
  engine.silence(true);
  try {
    share.run(walk);
  } catch {
    // The first process meets the same error, and tells of it.
  }
  try {
    if (process.ppid === parent) {
      if (walk.writes) engine.writePending();
      const reads = await engine.finish();
      tell({ kind: 'end', reads: reads ?? null, isInOrder: share.isInOrder });
    }
  } catch {
    // Without an end nothing of it counts.
  }
  process.exit(0);
}
