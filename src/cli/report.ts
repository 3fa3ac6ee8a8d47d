// Turns what rooms tell (base/progress.ts) into what a user sees on standard error: plain lines, a bar on the last line of the
// terminal, or JSON for other programs (`--log-format`). Nix 2.34.8: libutil/logging.cc and libmain/progress-bar.cc decide which
// lines appear where; how the bar looks is ours.

import { decodeUtf8Within } from '../base/bytes.ts';
import { ACTIVITY_TYPES, LOG_LEVELS, RESULT_TYPES } from '../base/progress.ts';
import type { Activity, ActivityType, LogLevel, Progress, ProgressFields, ResultType, StartOptions } from '../base/progress.ts';
import { printSize } from '../base/byte-size.ts';
import { FloeError, type TraceFrame } from '../base/errors.ts';
import type { LogFormat } from './globals.ts';
import { printError, toFloeError, type ErrorLevel } from './print-error.ts';
import type { Output } from './session.ts';
import { BLUE, BOLD, CLEAR_LINE, FAINT, filterEscapes, GREEN, MAGENTA, NORMAL, RED } from './terminal.ts';

export interface ReportOptions {
  readonly format: LogFormat;
  readonly level: LogLevel;
  readonly printBuildLogs: boolean;
  readonly showTrace: boolean;
  readonly hints: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** First part of activity ids, so that those of several processes differ. */
  readonly processId: number;
}

/** A report, open until `close`. */
export interface Report extends Progress {
  warn(text: string): void;
  /** An error that ends the command, or one that does not (`level`). */
  error(error: unknown, level?: ErrorLevel): void;
  /** What a program says while it is evaluated (`builtins.trace`, `builtins.warn`), and what the evaluator says about it. */
  evaluation(level: 'trace' | 'warn' | 'error' | 'evaluation warning', message: string, frames?: readonly TraceFrame[]): void;
  /** Whether errors come with their whole trace; `on` changes that. Says how it was. */
  showTrace(on?: boolean): boolean;
  /** Takes the bar away while `action` writes to the terminal itself. */
  suspend<Result>(action: () => Result): Result;
  close(): void;
}

const INFO = LOG_LEVELS.indexOf('info');
const REDRAW_MS = 50;
/** Activities that end sooner are never shown. */
const SHOW_AFTER_MS = 10;

/** "hello-1.0" of "/nix/store/<hash>-hello-1.0.drv". */
function nameOfPath(path: string | number | undefined): string {
  const text = String(path ?? '');
  const base = text.slice(text.lastIndexOf('/') + 1).replace(/\.drv$/, '');
  const dash = base.indexOf('-');
  return dash < 0 ? '' : base.slice(dash + 1);
}

/** The name without its version, as builds are called in front of their log lines. */
function nameWithoutVersion(name: string): string {
  const match = /-[^A-Za-z]/.exec(name);
  return match === null ? name : name.slice(0, match.index);
}

abstract class BaseReport implements Report {
  readonly level: LogLevel;
  protected readonly output: Output;
  protected options: ReportOptions;
  protected readonly limit: number;
  /** Colours: on a terminal that can, for a user who did not say no. */
  protected readonly isTerminal: boolean;

  constructor(output: Output, options: ReportOptions) {
    this.output = output;
    this.options = options;
    this.level = options.level;
    this.limit = LOG_LEVELS.indexOf(options.level);
    const { env } = options;
    this.isTerminal =
      output.isTerminal && (env['TERM'] ?? 'dumb') !== 'dumb' && env['NO_COLOR'] === undefined && env['NOCOLOR'] === undefined;
  }

  log(level: LogLevel, text: string): void {
    if (LOG_LEVELS.indexOf(level) > this.limit) return;
    // Rooms say what is wrong; that it is a warning is said here.
    const bare = level === 'warn' ? text.replace(/^warning: /, '') : text;
    this.line(level, decodeUtf8Within(level === 'warn' ? `${MAGENTA}warning:${NORMAL} ${bare}` : bare));
  }

  warn(text: string): void {
    this.log('warn', text);
  }

  evaluation(level: 'trace' | 'warn' | 'error' | 'evaluation warning', message: string, frames: readonly TraceFrame[] = []): void {
    if (level === 'trace') return this.log('error', `trace: ${message}`);
    // Without a place it is a plain line, whose further lines are not indented.
    if (level === 'warn' && frames.length === 0) return this.warn(message);
    const error = new FloeError('FLOE_EVALUATION_MESSAGE', message, { position: frames[0]?.position });
    this.error(error, level === 'warn' ? 'warning' : level);
  }

  error(error: unknown, level: ErrorLevel = 'error'): void {
    const known = toFloeError(error);
    const { showTrace, hints } = this.options;
    this.printError(known, printError(known, { level, showTrace, hints }), level);
    if (this.options.env['FLOE_DEBUG'] && error instanceof Error && known.code === 'FLOE_BUG') this.line('error', error.stack ?? '');
  }

  protected printError(_error: FloeError, text: string, level: ErrorLevel): void {
    const loudness: LogLevel = level === 'error' ? 'error' : level.endsWith('warning') ? 'warn' : 'info';
    if (LOG_LEVELS.indexOf(loudness) <= this.limit) this.line(loudness, text);
  }

  showTrace(on?: boolean): boolean {
    const before = this.options.showTrace;
    if (on !== undefined) this.options = { ...this.options, showTrace: on };
    return before;
  }

  suspend<Result>(action: () => Result): Result {
    return action();
  }

  close(): void {}

  protected abstract line(level: LogLevel, text: string): void;
  abstract start(type: ActivityType, text: string, options?: StartOptions): Activity;
}

/** Plain lines, for logs that are read later. */
class PlainReport extends BaseReport {
  protected override line(level: LogLevel, text: string): void {
    const priority = { error: 3, warn: 4, notice: 5, info: 5, talkative: 6, chatty: 6, debug: 7, vomit: 7 }[level];
    const prefix = this.options.env['IN_SYSTEMD'] === '1' ? `<${priority}>` : '';
    this.output.write(`${prefix}${filterEscapes(text, !this.isTerminal)}\n`);
  }

  override start(_type: ActivityType, text: string, options: StartOptions = {}): Activity {
    if (text !== '') this.log(options.level ?? 'vomit', `${text}...`);
    return {
      result: (type, fields) => {
        if (!this.options.printBuildLogs) return;
        if (type === 'build-log-line') this.log('error', String(fields[0]));
        else if (type === 'post-build-log-line') this.log('error', `post-build-hook: ${fields[0]}`);
      },
      stop: () => {},
    };
  }
}

/** One JSON object a line behind "@nix ", as other programs read Nix's log. */
class JsonReport extends BaseReport {
  #nextId = 1;
  readonly #ids = new WeakMap<Activity, number>();
  readonly #prefix: string;

  constructor(output: Output, options: ReportOptions, prefix = '@nix ') {
    super(output, options);
    this.#prefix = prefix;
  }

  #write(message: object): void {
    this.output.write(`${this.#prefix}${JSON.stringify(message)}\n`);
  }

  protected override line(level: LogLevel, text: string): void {
    this.#write({ action: 'msg', level: LOG_LEVELS.indexOf(level), msg: text });
  }

  protected override printError(error: FloeError, text: string, level: ErrorLevel): void {
    const { position } = error;
    this.#write({
      action: 'msg',
      column: position?.column ?? null,
      file: position?.file ?? null,
      level: level === 'error' ? 0 : level.endsWith('warning') ? 1 : INFO,
      line: position?.line ?? null,
      msg: text,
      raw_msg: decodeUtf8Within(error.message),
    });
  }

  override start(type: ActivityType, text: string, options: StartOptions = {}): Activity {
    const id = this.options.processId * 2 ** 20 + this.#nextId++;
    const parent = options.parent === undefined ? 0 : (this.#ids.get(options.parent) ?? 0);
    const { fields } = options;
    this.#write({
      action: 'start',
      ...(fields === undefined || fields.length === 0 ? {} : { fields }),
      id,
      level: LOG_LEVELS.indexOf(options.level ?? 'vomit'),
      parent,
      text: decodeUtf8Within(text),
      type: ACTIVITY_TYPES[type],
    });
    let isOpen = true;
    const activity: Activity = {
      result: (resultType, values) => {
        this.#write({ action: 'result', ...(values.length === 0 ? {} : { fields: values }), id, type: RESULT_TYPES[resultType] });
      },
      stop: () => {
        if (isOpen) this.#write({ action: 'stop', id });
        isOpen = false;
      },
    };
    this.#ids.set(activity, id);
    return activity;
  }
}

/** What the bar knows about one activity. */
interface Shown {
  readonly type: ActivityType;
  readonly text: string;
  readonly name: string;
  readonly parent: Shown | undefined;
  readonly begin: number;
  readonly isVisible: boolean;
  readonly expectedByType: Map<number, number>;
  lastLine: string;
  phase: string;
  done: number;
  expected: number;
  running: number;
  failed: number;
}

interface Total {
  readonly open: Set<Shown>;
  done: number;
  expected: number;
  failed: number;
}

/** Lines as they come, and on a terminal a last line that says what is going on. */
class BarReport extends BaseReport {
  readonly #hasBar: boolean;
  /** The one that moved last at the end. */
  readonly #activities = new Set<Shown>();
  readonly #shown = new WeakMap<Activity, Shown>();
  readonly #totals = new Map<number, Total>();
  #drawn = '';
  #timer: NodeJS.Timeout | undefined;
  #lastDraw = 0;
  #paused = 0;

  constructor(output: Output, options: ReportOptions) {
    super(output, options);
    this.#hasBar = this.isTerminal;
  }

  protected override line(_level: LogLevel, text: string): void {
    const clean = filterEscapes(text, !this.isTerminal);
    if (!this.#hasBar || this.#drawn === '') this.output.write(`${clean}\n`);
    else {
      this.output.write(`${CLEAR_LINE}${clean}${NORMAL}\n`);
      this.#drawn = '';
      this.#draw();
    }
  }

  override suspend<Result>(action: () => Result): Result {
    this.#erase();
    this.#paused++;
    try {
      return action();
    } finally {
      this.#paused--;
      if (this.#activities.size > 0) this.#update();
    }
  }

  override close(): void {
    clearTimeout(this.#timer);
    this.#erase();
    this.#paused = Infinity;
  }

  #erase(): void {
    if (this.#drawn !== '') this.output.write(CLEAR_LINE);
    this.#drawn = '';
  }

  #total(type: number): Total {
    let total = this.#totals.get(type);
    if (total === undefined) this.#totals.set(type, (total = { open: new Set(), done: 0, expected: 0, failed: 0 }));
    return total;
  }

  override start(type: ActivityType, text: string, options: StartOptions = {}): Activity {
    const { fields = [] } = options;
    if (text !== '' && type !== 'build-waiting') this.log(options.level ?? 'vomit', `${text}...`);
    const parent = options.parent === undefined ? undefined : this.#shown.get(options.parent);
    const shown: Shown = {
      type,
      text: describeActivity(type, decodeUtf8Within(text), fields),
      name: nameWithoutVersion(nameOfPath(fields[0])),
      parent,
      // Evaluation holds the event loop: what is not drawn at once is not drawn before its end.
      begin: type === 'unknown' && text.startsWith('evaluating ') ? 0 : Date.now(),
      isVisible: !isPartOfOther(type, parent),
      expectedByType: new Map(),
      lastLine: '',
      phase: '',
      done: 0,
      expected: 0,
      running: 0,
      failed: 0,
    };
    const number = ACTIVITY_TYPES[type];
    this.#activities.add(shown);
    this.#total(number).open.add(shown);
    this.#update();
    const activity: Activity = {
      result: (resultType, values) => this.#result(shown, resultType, values),
      stop: () => {
        if (!this.#activities.delete(shown)) return;
        const total = this.#total(number);
        total.open.delete(shown);
        total.done += shown.done;
        total.failed += shown.failed;
        for (const [other, expected] of shown.expectedByType) this.#total(other).expected -= expected;
        this.#update();
      },
    };
    this.#shown.set(activity, shown);
    return activity;
  }

  #result(shown: Shown, type: ResultType, fields: ProgressFields): void {
    switch (type) {
      case 'build-log-line':
      case 'post-build-log-line': {
        const text = decodeUtf8Within(String(fields[0])).trimEnd();
        if (this.options.printBuildLogs) {
          this.log('info', `${FAINT}${shown.name || 'unnamed'}${type === 'build-log-line' ? '> ' : ' (post)> '}${NORMAL}${text}`);
          return;
        }
        shown.lastLine = text;
        // Whoever speaks last is shown.
        this.#activities.delete(shown);
        this.#activities.add(shown);
        break;
      }
      case 'set-phase':
        shown.phase = String(fields[0]);
        break;
      case 'fetch-status':
        shown.lastLine = String(fields[0]);
        break;
      case 'progress':
        [shown.done, shown.expected, shown.running, shown.failed] = [
          Number(fields[0]),
          Number(fields[1]),
          Number(fields[2]),
          Number(fields[3]),
        ];
        break;
      case 'set-expected': {
        const other = Number(fields[0]);
        this.#total(other).expected += Number(fields[1]) - (shown.expectedByType.get(other) ?? 0);
        shown.expectedByType.set(other, Number(fields[1]));
        break;
      }
      default:
        break;
    }
    this.#update();
  }

  #update(): void {
    if (!this.#hasBar || this.#paused > 0) return;
    // Evaluation holds the event loop: draw at once where the last time is long enough ago.
    if (Date.now() - this.#lastDraw >= REDRAW_MS) this.#draw();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#draw();
    }, REDRAW_MS).unref();
  }

  #draw(): void {
    if (!this.#hasBar || this.#paused > 0) return;
    const status = this.#status();
    const current = [...this.#activities]
      .reverse()
      .find(({ isVisible, text, lastLine, begin }) => isVisible && (text !== '' || lastLine !== '') && Date.now() - begin >= SHOW_AFTER_MS);
    let line = status === '' ? '' : `[${status}]`;
    if (current !== undefined) {
      const { text, phase, lastLine } = current;
      line += `${line === '' ? '' : ' '}${text}${phase === '' ? '' : ` (${phase})`}${lastLine === '' ? '' : `${text === '' ? '' : ': '}${lastLine}`}`;
    }
    const drawn = line === '' ? '' : `\r${filterEscapes(line, false, this.output.columns)}${NORMAL}\x1b[K`;
    if (drawn === this.#drawn) return;
    this.#lastDraw = Date.now();
    if (drawn === '') this.#erase();
    else this.output.write(drawn);
    this.#drawn = drawn;
  }

  /** "2/3/10 built, 1/4 copied (1.0 MiB/3.2 MiB), 5.0 MiB DL": running, done, expected. */
  #status(): string {
    const parts = [
      this.#counts('builds', String, '%s built'),
      joinCopied(this.#counts('copy-paths', String, '%s copied'), this.#counts('copy-path', printSize, '%s')),
      this.#counts('file-transfer', printSize, '%s DL'),
      this.#counts('optimise-store', String, '%s paths optimised'),
      this.#counts('verify-paths', String, '%s paths verified'),
    ];
    return parts.filter((part) => part !== '').join(', ');
  }

  #counts(type: ActivityType, print: (value: number) => string, pattern: string): string {
    const total = this.#total(ACTIVITY_TYPES[type]);
    let { done, failed } = total;
    let expected = done;
    let running = 0;
    for (const shown of total.open) {
      done += shown.done;
      expected += shown.expected;
      running += shown.running;
      failed += shown.failed;
    }
    expected = Math.max(expected, total.expected);
    if (running + done + expected + failed === 0) return '';
    const parts = [
      ...(running > 0 ? [`${BLUE}${print(running)}${NORMAL}`] : []),
      ...(running > 0 || done > 0 || expected === 0 || expected !== done ? [`${GREEN}${print(done)}${NORMAL}`] : []),
      ...(expected !== done || running > 0 ? [print(expected)] : []),
    ];
    return `${pattern.replace('%s', parts.join('/'))}${failed > 0 ? ` (${RED}${print(failed)} failed${NORMAL})` : ''}`;
  }
}

function joinCopied(count: string, size: string): string {
  if (count === '' && size === '') return '';
  return `${count === '' ? '0 copied' : count}${size === '' ? '' : ` (${size})`}`;
}

/** Downloads that serve a copy, and copies that serve a substitution, are not shown beside it. */
function isPartOfOther(type: ActivityType, parent: Shown | undefined): boolean {
  const hidesIn: readonly ActivityType[] =
    type === 'file-transfer' ? ['copy-path', 'query-path-info'] : type === 'copy-path' ? ['substitute'] : [];
  for (let shown = parent; shown !== undefined; shown = shown.parent) if (hidesIn.includes(shown.type)) return true;
  return false;
}

function describeActivity(type: ActivityType, text: string, fields: ProgressFields): string {
  const name = `${BOLD}${nameOfPath(fields[0])}${NORMAL}`;
  switch (type) {
    case 'build':
      return `building ${name}${fields[1] ? ` on ${BOLD}${fields[1]}${NORMAL}` : ''}`;
    case 'substitute':
      return `${String(fields[1]).startsWith('local') ? 'copying' : 'fetching'} ${name} from ${fields[1]}`;
    case 'post-build-hook':
      return `post-build ${name}`;
    case 'query-path-info':
      return `querying ${name} on ${fields[1]}`;
    default:
      return text;
  }
}

/** A report in JSON alone, as files get it. */
export function makeJsonLog(output: Output, options: ReportOptions): Report {
  return new JsonReport(output, options, '');
}

/** A report to standard error, in the form that was asked for. */
export function makeReport(output: Output, options: ReportOptions): Report {
  switch (options.format) {
    case 'internal-json':
      return new JsonReport(output, options);
    case 'raw':
      return new PlainReport(output, options);
    case 'raw-with-logs':
      return new PlainReport(output, { ...options, printBuildLogs: true });
    case 'bar':
      return new BarReport(output, options);
    case 'bar-with-logs':
      return new BarReport(output, { ...options, printBuildLogs: true });
  }
}
