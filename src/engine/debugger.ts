// `--debugger`: evaluation that stops where something fails, at `builtins.break` and, step by step, at every point that lang/debug-points.ts
// put into the program; there the user looks around with the repl's commands and some more. libexpr/eval.cc (runDebugRepl) and
// libcmd/repl.cc decide when it stops and every word it prints.

import { utf8ToByteString } from '../base/bytes.ts';
import { EvalError, FloeError, type SourcePosition } from '../base/errors.ts';
import { Attrs } from '../eval/attrs.ts';
import type { BuiltinDefinition } from '../eval/builtin.ts';
import { BUILTINS } from '../eval/builtins/index.ts';
import { resolveError } from '../eval/trace.ts';
import { internSymbol, symbolName } from '../eval/symbol.ts';
import { force, peek, type Slot } from '../eval/value.ts';
import { NO_POSITION as NO_OFFSET } from '../lang/ast.ts';
import { addDebugPoints, DEBUG_POINT, type DebugFrame, type DebugPoint } from '../lang/debug-points.ts';
import type { Debugging } from './evaluation.ts';
import type { Engine } from './engine.ts';
import { Repl, type ReplFace, splitCommand } from './repl.ts';

/** The user's side of a debugger. */
export interface DebuggerFace extends ReplFace {
  /** The next line of input, behind a prompt; undefined at its end. Waits. */
  readLine(isContinued: boolean): string | undefined;
  /** An error that the session goes on after, or the one it stopped at. */
  error(error: FloeError, level: 'error' | 'info'): void;
  /** A place with the lines around it, a byte string without a line end. */
  describePlace(position: SourcePosition): string;
  /** Colours of what is listed. */
  readonly colours: { readonly index: string; readonly problem: string; readonly names: string; readonly normal: string };
}

/** A point that evaluation is in, with the values of its frames; or, first of all, the error it stopped at. */
interface Trace {
  readonly point: DebugPoint;
  readonly values: readonly Slot[];
  readonly error?: FloeError;
}

/** Base names without underscores, in the order in which C++ Nix has them. */
const TOP_NAMES =
  'builtins true false null scopedImport import isNull break abort throw derivationStrict placeholder baseNameOf dirOf removeAttrs map toString fetchMercurial fetchTree fetchTarball fetchGit fromTOML derivation';
const HELP = `
        Debug mode commands
  :env             Show env stack
  :bt, :backtrace  Show trace stack
  :st              Show current trace
  :st <idx>        Change to another trace in the stack
  :c, :continue    Go until end of program, exception, or builtins.break
  :s, :step        Go one step
`;
const SEEN = 'isDebugged';
/** The code of the error that ends a program whose user quit where nothing was wrong. */
export const QUIT = 'FLOE_QUIT';

export class Debugger {
  private readonly engine: Engine;
  private readonly face: DebuggerFace;
  private readonly points: DebugPoint[] = [];
  /** Innermost last. */
  private readonly traces: Trace[] = [];
  private isStepping = false;
  private isInside = false;
  private tries = 0;
  private isGreeted = false;

  constructor(engine: Engine, face: DebuggerFace) {
    this.engine = engine;
    this.face = face;
    engine.debugging = this.instruments();
  }

  private instruments(): Debugging {
    const functions = { ...BUILTINS.functions };
    const { tryEval, break: break_ } = functions as Record<string, BuiltinDefinition>;
    functions['tryEval'] = {
      ...tryEval!,
      run: (state, pos, ...slots) => {
        this.tries++;
        try {
          return tryEval!.run(state, pos, ...slots);
        } finally {
          this.tries--;
        }
      },
    };
    functions['break'] = {
      ...break_!,
      run: (state, pos, ...slots) => {
        if (this.traces.length > 0) this.stop(new FloeError('FLOE_BREAKPOINT', 'breakpoint reached'), 'info');
        return break_!.run(state, pos, ...slots);
      },
    };
    const { settings } = this.engine;
    for (const [name, setting] of [
      ['trace', 'debugger-on-trace'],
      ['warn', 'debugger-on-warn'],
    ] as const) {
      if (!settings.get(setting) && !(name === 'warn' && settings.get('debugger-on-trace'))) continue;
      const definition = functions[name]!;
      functions[name] = {
        ...definition,
        run: (state, pos, message, result) => {
          definition.run(state, pos, message!, null);
          if (this.traces.length > 0) this.stop(undefined, 'info');
          return force(result!, pos);
        },
      };
    }
    const point: BuiltinDefinition = {
      args: ['point', 'values', 'expression'],
      text: 'A place where the debugger may stop.',
      addsFrame: false,
      run: (_state, pos, number, values, expression) =>
        this.pass(force(number!) as number, force(values!) as Slot[], () => force(expression!, pos)),
    };
    return {
      builtins: { ...BUILTINS, functions },
      hidden: { [DEBUG_POINT]: point },
      transform: (root, source) => (source.label.endsWith('derivation-internal.nix') ? root : addDebugPoints(root, source, this.points)),
    };
  }

  /** Evaluates the expression of a point. */
  private pass<Result>(number: number, values: readonly Slot[], evaluate: () => Result): Result {
    if (this.isInside) return evaluate();
    this.traces.push({ point: this.points[number]!, values });
    try {
      if (this.isStepping) this.stop(undefined, 'info');
      return evaluate();
    } catch (error) {
      // Where an error passes first is where it happened; thunks throw it again later.
      const isIgnored = this.tries > 0 && this.engine.settings.get('ignore-try');
      if (error instanceof FloeError && error.data[SEEN] !== true && error.code !== QUIT && !isIgnored) {
        Object.assign(error, { data: { ...error.data, [SEEN]: true } });
        this.stop(error, 'error');
      }
      throw error;
    } finally {
      this.traces.pop();
    }
  }

  /** Lets the user look around. Returns where evaluation shall go on. */
  private stop(error: FloeError | undefined, level: 'error' | 'info'): void {
    if (this.isInside) return;
    const front = this.traces.at(-1)!;
    const shown = error === undefined ? undefined : this.bare(error);
    const traces = [...this.traces].reverse();
    if (shown !== undefined && front.point.offset !== NO_OFFSET) traces.unshift({ ...front, error: shown });
    if (shown !== undefined) {
      this.face.error(shown, level);
      this.face.notice('');
      if (this.tries > 0 && level === 'error')
        this.face.notice("This exception occurred in a 'tryEval' call. Use --ignore-try to skip these.\n");
    }
    this.isInside = true;
    try {
      if (this.session(traces) === 'continue') return;
    } finally {
      this.isInside = false;
    }
    throw error !== undefined && level === 'error' ? uncaught(error) : new FloeError(QUIT, 'the user quit');
  }

  /** The error as it was when it was thrown, before anything was said about where it came from. */
  private bare(error: FloeError): FloeError {
    const copy = new FloeError(error.code, error.message, {
      ...(error.position === undefined ? {} : { position: error.position }),
      suggestions: error.suggestions,
    });
    copy.frames.push(...error.frames.filter(({ text }) => !text.startsWith('while calling ') && !text.startsWith('from call site')));
    resolveError(copy, this.engine.evaluation().evaluator.state.positions);
    return copy;
  }

  /** Lines until the user goes on or quits. */
  private session(traces: readonly Trace[]): 'continue' | 'quit' {
    const { face } = this;
    if (!this.isGreeted) face.notice('Nix 2.34.8 debugger\nType :? for help.');
    this.isGreeted = true;
    const repl = new Repl(this.engine, face, async () => []);
    repl.setScope(valuesOf(traces[0]!));
    let index = 0;
    let input = '';
    for (;;) {
      const line = face.readLine(input !== '');
      if (line === undefined) {
        this.isStepping = false;
        face.write('\n');
        return 'quit';
      }
      input += `${line}\n`;
      const { command, argument } = splitCommand(input.trim());
      let isIncomplete = false;
      try {
        switch (command) {
          case ':s':
          case ':step':
            this.isStepping = true;
            return 'continue';
          case ':c':
          case ':continue':
            this.isStepping = false;
            return 'continue';
          case ':q':
          case ':quit':
            this.isStepping = false;
            return 'quit';
          case ':bt':
          case ':backtrace':
            traces.forEach((trace, at) => face.write(this.describe(trace, at)));
            break;
          case ':env':
            if (traces[index] !== undefined) face.write(this.environment(traces[index]));
            break;
          case ':st':
            if (/^\d+/.test(argument)) index = Number.parseInt(argument, 10);
            if (traces[index] === undefined) break;
            face.write(`${this.describe(traces[index]!, index)}\n${this.environment(traces[index]!)}`);
            repl.setScope(valuesOf(traces[index]!));
            break;
          default: {
            const result = repl.processLine(utf8ToByteString(input));
            if (result instanceof Promise) {
              // What it waits for cannot come while evaluation stands still.
              result.catch(() => {});
              throw new FloeError('FLOE_REPL', `'${command}' cannot be used in the debugger`);
            }
            if (command === ':?' || command === ':help') face.write(HELP);
            isIncomplete = result === 'incomplete';
          }
        }
      } catch (error) {
        if (!(error instanceof FloeError)) throw error;
        face.error(error, 'error');
      }
      if (isIncomplete) continue;
      input = '';
      face.write('\n');
    }
  }

  private describe({ point, error }: Trace, index: number): string {
    const { colours } = this.face;
    const name = (text: string): string => `${colours.names}${text}${colours.normal}`;
    const hint =
      error !== undefined
        ? `${colours.problem}error: ${colours.normal}${utf8ToByteString(error.message)}`
        : point.kind === 'call'
          ? 'while calling a function'
          : point.kind === 'select'
            ? `while evaluating the attribute '${name(point.name ?? '')}'`
            : point.kind === 'let'
              ? `while evaluating a '${name('let')}' expression`
              : point.kind === 'file'
                ? `while evaluating the file '${name(utf8ToByteString(point.name ?? ''))}':`
                : `while calling ${name(point.name === null ? 'anonymous lambda' : `'${point.name}'`)}`;
    const place = error?.position ?? point.source.at(point.offset);
    return `\n${colours.index}${index}${colours.normal}: ${hint}\n${place === undefined ? '' : `${this.face.describePlace(place)}\n`}`;
  }

  /** The names in scope, level by level. */
  private environment({ point, values }: Trace): string {
    const { colours } = this.face;
    const list = (names: readonly string[]): string => `${colours.names}${names.map((one) => `${one} `).join('')}${colours.normal}\n`;
    const levels = point.frames.map((frame, level) => {
      const set = frame.isWith ? evaluated(values[level]) : undefined;
      const members = set === undefined ? '' : `with: ${list(set.keys().map(symbolName))}`;
      return `Env level ${level}\nstatic: ${list(bySymbol(frame))}${members}\n`;
    });
    return `${levels.join('')}Env level ${point.frames.length}\n${list(TOP_NAMES.split(' '))}\n`;
  }
}

/** The same error as one that no `tryEval` catches: the program is to end. */
function uncaught(error: FloeError): EvalError {
  const copy = new EvalError(error.message, {
    code: error.code,
    data: error.data,
    suggestions: error.suggestions,
    ...(error.position === undefined ? {} : { position: error.position }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
  copy.frames.push(...error.frames);
  return copy;
}

function bySymbol({ names }: DebugFrame): string[] {
  return [...names].sort((a, b) => internSymbol(a) - internSymbol(b));
}

/** A set, where it is there without evaluating anything. */
function evaluated(slot: Slot | undefined): Attrs | undefined {
  if (slot === undefined) return undefined;
  const value = peek(slot);
  return value instanceof Attrs ? value : undefined;
}

/** What the names in scope at a trace stand for; inner names win. */
function valuesOf({ point, values }: Trace): Map<string, Slot> {
  const scope = new Map<string, Slot>();
  for (let level = point.frames.length - 1; level >= 0; level--) {
    const slot = values[level]!;
    // A frame's own set is made of nothing but names; that of a `with` may not be there yet.
    const set = point.frames[level]!.isWith ? evaluated(slot) : force(slot);
    if (!(set instanceof Attrs)) continue;
    set.keys().forEach((key, index) => scope.set(symbolName(key), set.slots()[index]!));
  }
  return scope;
}
