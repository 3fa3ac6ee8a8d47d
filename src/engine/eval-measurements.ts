// What a user can ask of evaluation's own course: `trace-function-calls` (a line as each call begins and ends), `eval-profiler` (a file of
// sampled call stacks that flame graph tools read), NIX_SHOW_STATS and NIX_COUNT_CALLS (figures as JSON). libexpr/eval-profiler.cc,
// function-trace.cc and EvalState::printStatistics of C++ Nix 2.34.8, with its words and file format.

import * as fs from 'node:fs';
import process from 'node:process';
import { bytesOf, byteStringToUtf8 } from '../base/bytes.ts';
import { type Json, printJson } from '../base/canonical-json.ts';
import { FloeError, IoError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { Attrs } from '../eval/attrs.ts';
import { Builtin, PartialCall } from '../eval/builtin.ts';
import { countEvaluation, type EvalCounts, watchCalls } from '../eval/call-watch.ts';
import type { CallWatcher } from '../eval/call.ts';
import type { LambdaCode } from '../eval/interpret.ts';
import { NO_POSITION, type PositionId, type PositionTable } from '../eval/position.ts';
import { countSymbols, symbols } from '../eval/symbol.ts';
import { force, isString, Lambda, type Slot, stringText, type Value } from '../eval/value.ts';
import { type Environment, isOn, type Settings } from './config.ts';

export interface MeasurementOptions {
  readonly settings: Settings;
  readonly env: Environment;
  readonly progress: Progress;
  readonly positions: PositionTable;
}

/** Starts what the settings and the environment ask for (`measuresEvaluation`). */
export function startMeasurements(options: MeasurementOptions): Measurements {
  const { settings, env } = options;
  const watchers: CallWatcher[] = [];
  const ends: (() => void)[] = [];
  if (settings.get('trace-function-calls')) watchers.push(new FunctionTrace(options));
  if (settings.get('eval-profiler') !== 'disabled') {
    const profile = new FlameGraph(settings.get('eval-profile-file'), settings.get('eval-profiler-frequency'), options.positions);
    watchers.push(profile);
    ends.push(() => profile.save());
  }
  if (isOn(env, 'NIX_SHOW_STATS')) {
    const statistics = new Statistics(isOn(env, 'NIX_COUNT_CALLS'), options.positions);
    watchers.push(statistics);
    ends.push(() => statistics.print(env['NIX_SHOW_STATS_PATH'] ?? '-'));
  }
  watchCalls(watchers.length === 1 ? watchers[0]! : new Several(watchers));
  return { close: () => ends.forEach((end) => end()) };
}

/** Under way; `close` writes what was measured. */
export interface Measurements {
  close(): void;
}

/** "file:line:column"; without a place, as C++ Nix prints that. */
function printPlace(positions: PositionTable, pos: PositionId): string {
  return pos === NO_POSITION ? '«none»:0' : byteStringToUtf8(positions.print(pos));
}

class Several implements CallWatcher {
  private readonly watchers: readonly CallWatcher[];
  constructor(watchers: readonly CallWatcher[]) {
    this.watchers = watchers;
  }
  enter(fn: Value, args: readonly Slot[], pos: PositionId): void {
    for (const watcher of this.watchers) watcher.enter(fn, args, pos);
  }
  leave(pos: PositionId): void {
    for (const watcher of this.watchers) watcher.leave(pos);
  }
}

class FunctionTrace implements CallWatcher {
  private readonly options: MeasurementOptions;
  constructor(options: MeasurementOptions) {
    this.options = options;
  }
  private tell(what: string, pos: PositionId): void {
    const nowNs = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1000n;
    this.options.progress.log('info', `function-trace ${what} ${printPlace(this.options.positions, pos)} at ${nowNs}`);
  }
  enter(_fn: Value, _args: readonly Slot[], pos: PositionId): void {
    this.tell('entered', pos);
  }
  leave(pos: PositionId): void {
    this.tell('exited', pos);
  }
}

/** Samples of the stack of calls, counted; written every two seconds and at the end. */
class FlameGraph implements CallWatcher {
  private readonly file: number;
  private readonly path: string;
  private readonly periodMs: number;
  private readonly positions: PositionTable;
  private readonly stack: string[] = [];
  /** Where the function stands that a functor is about to call. */
  private functorAt = NO_POSITION;
  private counts = new Map<string, number>();
  private lastSample = performance.now();
  private lastSave = performance.now();

  /** `frequency`: samples a second, 0 for one at each call. */
  constructor(path: string, frequency: number | bigint, positions: PositionTable) {
    this.path = path;
    this.periodMs = Number(frequency) === 0 ? -1 : 1000 / Number(frequency);
    this.positions = positions;
    try {
      this.file = fs.openSync(path, 'w', 0o660);
    } catch (error) {
      throw new IoError(`opening file '${path}': ${(error as Error).message}`, { data: { path }, cause: error });
    }
  }

  enter(fn: Value, args: readonly Slot[], pos: PositionId): void {
    this.stack.push(this.frame(fn, args, pos));
    const now = performance.now();
    if (now - this.lastSample > this.periodMs) {
      const sample = this.stack.join(';');
      this.counts.set(sample, (this.counts.get(sample) ?? 0) + 1);
      this.lastSample = now;
    }
    if (now - this.lastSave >= 2000) {
      this.save();
      this.lastSave = performance.now();
    }
  }

  leave(): void {
    this.stack.pop();
  }

  private frame(fn: Value, args: readonly Slot[], pos: PositionId): string {
    if (fn instanceof Lambda) {
      const { code } = fn;
      const isFunctor = pos !== NO_POSITION && pos === this.functorAt;
      this.functorAt = NO_POSITION;
      // NIX: 2.34.8 looks at the function of a functor before it is evaluated, and knows its place only.
      if (isFunctor) return printPlace(this.positions, pos);
      return (
        printPlace(this.positions, pos === NO_POSITION ? code.position : pos) +
        (code.name === null ? '' : `:${byteStringToUtf8(code.name)}`)
      );
    }
    const place = pos === NO_POSITION ? '' : `${printPlace(this.positions, pos)}:`;
    if (fn instanceof Builtin) return `${place}primop ${fn.name}${fn.name === 'derivationStrict' ? derivationName(args[0]!) : ''}`;
    if (fn instanceof PartialCall) return `${place}primop ${fn.builtin.name}`;
    if (fn instanceof Attrs && fn.get(symbols.functor) !== undefined) {
      this.functorAt = fn.position(symbols.functor);
      return `${printPlace(this.positions, pos === NO_POSITION ? fn.position(symbols.functor) : pos)}:functor`;
    }
    return printPlace(this.positions, pos);
  }

  save(): void {
    const text = [...this.counts].map(([stack, count]) => `${stack} ${count}\n`).join('');
    this.counts = new Map();
    try {
      fs.writeSync(this.file, text);
    } catch (error) {
      throw new IoError(`writing to file '${this.path}': ${(error as Error).message}`, { data: { path: this.path }, cause: error });
    }
  }
}

/** ":name" of a derivation to be, "" where that cannot be told; the evaluator itself reports why. */
function derivationName(argument: Slot): string {
  try {
    const attrs = force(argument);
    const name = attrs instanceof Attrs ? attrs.force(symbols.name) : undefined;
    return name !== undefined && isString(name) ? `:${byteStringToUtf8(stringText(name))}` : '';
  } catch (error) {
    if (error instanceof FloeError) return '';
    throw error;
  }
}

/** The figures of C++ Nix's statistics that mean the same here; sizes in bytes of its own representation are left out. */
class Statistics implements CallWatcher {
  private readonly counts: EvalCounts = countEvaluation();
  private readonly positions: PositionTable;
  private readonly byFunction: Map<LambdaCode, number> | undefined;
  private readonly byBuiltin = new Map<string, number>();
  private functionCalls = 0;
  private builtinCalls = 0;
  private gcMs = 0;
  private gcCycles = 0;
  private readonly observer: PerformanceObserver;

  constructor(countsCalls: boolean, positions: PositionTable) {
    this.positions = positions;
    this.byFunction = countsCalls ? new Map() : undefined;
    this.observer = new PerformanceObserver((list) => this.collect(list.getEntries()));
    this.observer.observe({ entryTypes: ['gc'] });
  }

  private collect(entries: readonly { readonly duration: number }[]): void {
    for (const { duration } of entries) this.gcMs += duration;
    this.gcCycles += entries.length;
  }

  enter(fn: Value): void {
    if (fn instanceof Lambda) {
      this.functionCalls++;
      this.byFunction?.set(fn.code, (this.byFunction.get(fn.code) ?? 0) + 1);
    } else if (fn instanceof Builtin) {
      this.builtinCalls++;
      if (this.byFunction !== undefined) this.byBuiltin.set(fn.name, (this.byBuiltin.get(fn.name) ?? 0) + 1);
    }
  }

  leave(): void {}

  private json(): Json {
    this.collect(this.observer.takeRecords());
    const { counts } = this;
    const cpuTime = process.cpuUsage().user / 1e6;
    const memory = process.memoryUsage();
    return {
      cpuTime,
      time: { cpu: cpuTime, gc: this.gcMs / 1000, gcFraction: this.gcMs / 1000 / cpuTime },
      envs: { number: counts.envs + this.functionCalls },
      list: { elements: counts.listElements, concats: counts.listConcats },
      sets: { number: counts.sets, elements: counts.setElements },
      symbols: { number: countSymbols() },
      nrThunks: counts.thunks,
      nrAvoided: counts.avoided,
      nrLookups: counts.lookups,
      nrOpUpdates: counts.opUpdates,
      nrFunctionCalls: this.functionCalls,
      nrPrimOpCalls: this.builtinCalls,
      gc: { heapSize: memory.heapTotal, totalBytes: memory.heapUsed, cycles: this.gcCycles },
      ...(this.byFunction === undefined ? {} : { primops: Object.fromEntries(this.byBuiltin), functions: this.functions() }),
    };
  }

  /** Functions by how often they were called. */
  private functions(): Json[] {
    return [...this.byFunction!].map(([code, count]): Json => {
      const { name } = code;
      const place = this.positions.resolve(code.position);
      if (place === undefined) return { name, count };
      const { path } = place.origin.source;
      return { name, ...(path === null ? {} : { file: path }), line: place.line, column: place.column, count };
    });
  }

  print(path: string): void {
    this.observer.disconnect();
    const text = `${printJson(this.json(), 2)}\n`;
    if (path === '-') fs.writeSync(2, bytesOf(text));
    else fs.writeFileSync(path, bytesOf(text));
  }
}
