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
import { force, isString, peek, type Slot, stringText, type Value } from '../eval/value.ts';
import { NO_POSITION as NO_OFFSET } from '../lang/ast.ts';
import { printIdentifier } from '../lang/print-ast.ts';
import { addDebugPoints, DEBUG_POINT, type DebugFrame, type DebugPoint, type QuietKind } from '../lang/debug-points.ts';
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

/** A point and the values of its frames, at one time. */
interface Visit {
  readonly point: DebugPoint;
  readonly values: readonly Slot[];
}

/** A point that evaluation is in; with `problem`, that it stopped at, or that an error left behind. */
interface Trace extends Visit {
  readonly problem?: string;
  readonly place: SourcePosition | undefined;
}

/** What C++ Nix shows of a point that an error left behind. */
const LEFT_BEHIND = 'Fake frame for debugging purposes';
/** NIX: what is said to be at a place, but one that is none. */
const PLACELESS: ReadonlySet<string> = new Set(['breakpoint reached', 'infinite recursion encountered']);
const WRONG_OPERAND = /^expected a (Boolean|set) but found /;
const WRONG_ARGUMENT = /^function '.*' called with(out required| unexpected) argument '/s;
/** Of a point's own errors, those that leave it behind. */
const OWN_ERRORS: Partial<Record<DebugPoint['kind'], RegExp>> = {
  check:
    /^(cannot add .* to (an integer|a float)$|a string that refers to a store path cannot be appended to a path|assertion '.*' failed$|dynamic attribute )/s,
  select: /^attribute '.*' missing$/s,
  variable: /^undefined variable '/,
};
const QUIET: ReadonlySet<DebugPoint['kind']> = new Set<QuietKind>(['check', 'operand', 'closure', 'variable']);

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
  /** The operand that was evaluated last and is neither a Boolean nor a set. */
  private operand: Visit | undefined;
  /** Where functions with named arguments were made, by their places. */
  private readonly closures = new Map<string, Visit>();
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
        this.stop(new FloeError('FLOE_BREAKPOINT', 'breakpoint reached'), 'info');
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
  private pass(number: number, values: readonly Slot[], evaluate: () => Value): Value {
    if (this.isInside) return evaluate();
    const visit = { point: this.points[number]!, values };
    return QUIET.has(visit.point.kind) ? this.passQuietly(visit, evaluate) : this.passOpenly(visit, evaluate);
  }

  private passOpenly(visit: Visit, evaluate: () => Value): Value {
    this.traces.push({ ...visit, place: placeOf(visit) });
    try {
      if (this.isStepping) this.stop(undefined, 'info');
      return evaluate();
    } catch (error) {
      this.meet(error, visit);
      throw error;
    } finally {
      // NIX: the last one, which may be one that an error left behind.
      this.traces.pop();
    }
  }

  private passQuietly(visit: Visit, evaluate: () => Value): Value {
    const { kind } = visit.point;
    try {
      const value = evaluate();
      if (kind === 'operand' && typeof value !== 'boolean' && !(value instanceof Attrs)) this.operand = visit;
      if (kind === 'closure') this.closures.set(placeKey(placeOf(visit)), visit);
      return value;
    } catch (error) {
      // An operand's own errors are told by the check around it.
      if (kind === 'check' || kind === 'variable') this.meet(error, visit);
      throw error;
    }
  }

  /** An error passes a point. Where it passes first is where it happened; thunks throw it again later. */
  private meet(error: unknown, visit: Visit): void {
    if (!(error instanceof FloeError) || error.data[SEEN] === true || error.code === QUIT) return;
    resolveError(error, this.engine.evaluation().evaluator.state.positions);
    const left = this.leftBehind(error, visit);
    const isQuiet = QUIET.has(visit.point.kind);
    if (left === undefined && isQuiet) return;
    Object.assign(error, { data: { ...error.data, [SEEN]: true } });
    if (left !== undefined) this.traces.push({ ...left, problem: LEFT_BEHIND, place: placeOf(left) });
    const isIgnored = this.tries > 0 && this.engine.settings.get('ignore-try');
    if (!isIgnored) this.stop(error, 'error', left !== undefined);
  }

  /** The point that an error leaves behind where it happens; undefined for most errors. */
  private leftBehind(error: FloeError, visit: Visit): Visit | undefined {
    const message = utf8ToByteString(error.message);
    if (visit.point.kind === 'check' && WRONG_OPERAND.test(message)) return this.operand;
    if (visit.point.kind === 'call' && WRONG_ARGUMENT.test(message)) return this.closures.get(placeKey(error.position));
    return OWN_ERRORS[visit.point.kind]?.test(message) === true ? visit : undefined;
  }

  /** Lets the user look around. Returns where evaluation shall go on. */
  private stop(error: FloeError | undefined, level: 'error' | 'info', isLeftBehind = false): void {
    if (this.isInside || this.traces.length === 0) return;
    const front = this.traces.at(-1)!;
    const shown = error === undefined ? undefined : this.bare(error, isLeftBehind);
    const traces = [...this.traces].reverse();
    const { source, expression } = front.point;
    if (shown !== undefined && expression !== NO_OFFSET)
      traces.unshift({
        ...front,
        problem: utf8ToByteString(shown.message),
        place: PLACELESS.has(shown.message) ? undefined : (shown.position ?? source.at(expression)),
      });
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
    throw error === undefined ? new FloeError(QUIT, 'the user quit') : uncaught(error);
  }

  /** The error as it was when it was thrown, before anything was said about where it came from. */
  private bare(error: FloeError, isLeftBehind: boolean): FloeError {
    const copy = new FloeError(error.code, error.message, {
      ...(error.position === undefined || PLACELESS.has(error.message) ? {} : { position: error.position }),
      suggestions: error.suggestions,
    });
    const isOfArguments = WRONG_ARGUMENT.test(error.message);
    const isLater = (text: string): boolean =>
      isOfArguments
        ? text !== 'from call site'
        : isLeftBehind || /^(while calling |from call site|while evaluating the condition of the assertion )/.test(text);
    copy.frames.push(...error.frames.filter(({ text }) => !isLater(text)));
    return copy;
  }

  /** Lines until the user goes on or quits. */
  private session(traces: readonly Trace[]): 'continue' | 'quit' {
    const { face } = this;
    if (!this.isGreeted) face.notice('Nix 2.34.8 debugger\nType :? for help.');
    this.isGreeted = true;
    const repl = new Repl(this.engine, face, 'inside');
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

  private describe({ point, values, problem, place }: Trace, index: number): string {
    const { colours } = this.face;
    const name = (text: string): string => `${colours.names}${text}${colours.normal}`;
    const hint =
      problem !== undefined
        ? `${colours.problem}error: ${colours.normal}${problem}`
        : point.kind === 'call'
          ? 'while calling a function'
          : point.kind === 'select'
            ? `while evaluating the attribute '${name(this.selected({ point, values }))}'`
            : point.kind === 'let'
              ? `while evaluating a '${name('let')}' expression`
              : point.kind === 'file'
                ? `while evaluating the file '${name(utf8ToByteString(point.name ?? ''))}':`
                : `while calling ${name(point.name === null ? 'anonymous lambda' : `'${point.name}'`)}`;
    return `\n${colours.index}${index}${colours.normal}: ${hint}\n${place === undefined ? '' : `${this.face.describePlace(place)}\n`}`;
  }

  /** The path that a point selects. */
  private selected({ point, values }: Visit): string {
    let computed = point.frames.length;
    const names = point.path.map((name) => {
      if (name !== null) return printIdentifier(name);
      const value = force(values[computed++]!);
      return isString(value) ? printIdentifier(stringText(value)) : '';
    });
    return names.join('.');
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
    data: { ...error.data, [SEEN]: true },
    suggestions: error.suggestions,
    ...(error.position === undefined ? {} : { position: error.position }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
  copy.frames.push(...error.frames);
  return copy;
}

function placeOf({ point }: Visit): SourcePosition | undefined {
  return point.source.at(point.offset);
}

function placeKey(position: SourcePosition | undefined): string {
  return position === undefined ? '' : `${position.file}:${position.line}:${position.column}`;
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
