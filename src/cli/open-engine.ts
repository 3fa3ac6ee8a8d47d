// From a command's options to an Engine: what `--arg`, `-I`, `--impure`, `--file` and their like mean to it.

import { UsageError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { Engine, type AutoArgument, type SourceChoice } from '../engine/engine.ts';
import { parseSearchPathEntry } from '../engine/evaluation.ts';
import type { BaseCommand } from './base-command.ts';
import type { evalOptions, sourceOptions } from './options.ts';
import { sharedWorkOf } from './shared-work.ts';

type EvalOptions = ReturnType<typeof evalOptions>;
type SourceOptions = ReturnType<typeof sourceOptions>;

/** The engine for a command that evaluates nothing. What happens is told to the user, unless to somebody else. */
export function openEngine(command: BaseCommand, evalStore?: string, progress: Progress = command.session.report): Engine {
  const { session, choices } = command;
  return new Engine({
    settings: session.settings,
    env: session.env,
    cwd: session.cwd,
    wordsFolder: session.wordsFolder,
    progress,
    online: session.online,
    readOnly: choices.readOnly,
    evalStore,
    childStackLimit: session.launch.childStackLimit,
    showsLogs: choices.printBuildLogs || choices.logFormat.endsWith('-with-logs') || choices.logFormat === 'internal-json',
    report: (level, message, frames) => session.report.evaluation(level, message, frames),
    ask: (question) => askUser(command, question),
    reads: session.reads,
    onBecome: session.onBecome,
    handed: session.handed,
    onFound: session.onFound,
    warm: session.warm?.evaluators,
    work: sharedWorkOf(session),
  });
}

/** Asks where the bar is drawn, and so somebody sits before it. NIX: the end of input answers nothing. */
function askUser({ session, choices }: BaseCommand, question: string): string | undefined {
  const { report, stderr, stdin } = session;
  if (!stderr.isTerminal || !choices.logFormat.startsWith('bar')) return undefined;
  return report.suspend(() => {
    stderr.write(`\r\x1b[K${question} `);
    return stdin.readLine();
  });
}

/** The engine for a command that evaluates. */
export function openEvaluatingEngine(command: BaseCommand, options: EvalOptions & Partial<SourceOptions>): Engine {
  const { settings } = command.session;
  if (options.impure) settings.set('pure-eval', false);
  const engine = openEngine(command, options.evalStore);
  if (options.debugger) command.session.startDebugger?.(engine);
  engine.autoArguments.push(...readAutoArguments(command, options));
  engine.searchPath.push(...options.include.map(parseSearchPathEntry));
  for (const [from, to] of options.overrideFlake) engine.flakes.override(from, to);
  return engine;
}

function readAutoArguments(command: BaseCommand, options: EvalOptions): AutoArgument[] {
  return [
    ...options.arg.map(([name, text]): AutoArgument => ({ kind: 'expression', name, text })),
    ...options.argstr.map(([name, text]): AutoArgument => ({ kind: 'string', name, text })),
    ...options.argFromFile.map(([name, path]): AutoArgument => ({ kind: 'file', name, text: path })),
    ...options.argFromStdin.map((name): AutoArgument => {
      return { kind: 'string', name, text: Buffer.from(command.session.stdin.readAll()).toString('utf8') };
    }),
  ];
}

/** What `--file` and `--expr` ask for; undefined where words are flakes and store paths. */
export function sourceChoice(command: BaseCommand, { file, expr }: SourceOptions): SourceChoice | undefined {
  const { settings, stdin } = command.session;
  if (file !== undefined && expr !== undefined) throw new UsageError("'--file' and '--expr' are exclusive");
  if (file !== undefined) {
    if (settings.isOverridden('pure-eval') && settings.get('pure-eval'))
      throw new UsageError("'--file' is not compatible with '--pure-eval'");
    settings.set('pure-eval', false);
    if (file === '-') return { kind: 'expression', text: Buffer.from(stdin.readAll()).toString('latin1'), label: '«stdin»' };
    return { kind: 'file', path: file };
  }
  return expr === undefined ? undefined : { kind: 'expression', text: Buffer.from(expr, 'utf8').toString('latin1'), label: undefined };
}

/** Installables from the words and, with `--stdin`, from standard input; "." where there are none. */
export function readInstallables(command: BaseCommand, words: readonly string[], fromStdin: boolean): string[] {
  if (!fromStdin) return words.length === 0 ? ['.'] : [...words];
  const text = Buffer.from(command.session.stdin.readAll()).toString('utf8');
  return [...words, ...text.split(/\s+/).filter((word) => word !== '')];
}
