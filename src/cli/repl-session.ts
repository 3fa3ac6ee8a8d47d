// Reading lines for the repl and the debugger: from a terminal with editing, completion and a history, or from a pipe, where prompt and
// line are echoed as GNU readline echoes them, so that a log of a session reads alike. What lines mean is engine/repl.ts's matter.

import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import type { Interface } from 'node:readline/promises';
import { createContext, Script } from 'node:vm';
import { byteStringToUtf8, bytesOf, utf8ToByteString } from '../base/bytes.ts';
import { FloeError } from '../base/errors.ts';
import { Debugger, type DebuggerFace } from '../engine/debugger.ts';
import type { Engine } from '../engine/engine.ts';
import { historyFile, type LineResult, type ReplFace } from '../engine/repl.ts';
import { markdownRenderer } from './markdown.ts';
import { printPlace } from './print-error.ts';
import type { Session } from './session.ts';
import { BLUE, FAINT, GREEN, NORMAL, RED } from './terminal.ts';

const PROMPT = 'nix-repl> ';
const MORE_PROMPT = '        > ';
const HISTORY_SIZE = 1000;
const CYAN = '\x1b[36;1m';
const MAGENTA = '\x1b[35;1m';
const PALETTE = {
  number: CYAN,
  string: MAGENTA,
  path: GREEN,
  function: BLUE,
  thunk: MAGENTA,
  problem: RED,
  elided: FAINT,
  normal: NORMAL,
};

/** What a session does with lines. */
export interface LineHandler {
  /** Printed at the start; none for a session inside another. */
  readonly greeting?: string;
  start(): Promise<void>;
  processLine(line: string): Promise<LineResult>;
  complete(line: string): { readonly word: string; readonly candidates: readonly string[] };
}

/** The repl's way to the user. */
export function replFace(session: Session): ReplFace {
  const { report, stdin, stdout } = session;
  return {
    write: (text) => report.suspend(() => stdout.write(bytesOf(text))),
    notice: (text) => report.log('notice', text),
    runFloe: (words) => void spawnSync(process.execPath, [...process.execArgv, process.argv[1]!, ...words], { stdio: 'inherit' }),
    showTrace: (on) => report.showTrace(on),
    palette: PALETTE,
    interruptible: (run) => (stdin.isTerminal ? runInterruptibly(run) : run()),
    renderMarkdown: markdownRenderer(session),
  };
}

/** Lets evaluations of an engine stop for the user. */
export function startDebugger(session: Session, engine: Engine): void {
  // What is printed once is not all there is to it.
  engine.reads?.refuse('a debugger listens');
  new Debugger(engine, debuggerFace(session));
}

/** The debugger's way to the user: lines are waited for, since evaluation stands still meanwhile. */
function debuggerFace(session: Session): DebuggerFace {
  const { report, stdin, stdout } = session;
  return {
    ...replFace(session),
    interruptible: (run) => run(),
    readLine: (isContinued) =>
      report.suspend(() => {
        const prompt = isContinued ? MORE_PROMPT : PROMPT;
        if (stdin.isTerminal) stdout.write(prompt);
        const line = stdin.readLine();
        if (!stdin.isTerminal) stdout.write(line === undefined ? prompt : echoed(prompt, line));
        return line;
      }),
    error: (error, level) => report.error(error, level),
    describePlace: (position) => utf8ToByteString(printPlace(position)),
    colours: { index: BLUE, problem: RED, names: MAGENTA, normal: NORMAL },
  };
}

/** Evaluation holds the event loop, where a signal would wait for its end; V8 can be told to give up at one. */
function runInterruptibly<Result>(run: () => Result): Result {
  const script = new Script('run()');
  process.stdin.setRawMode(false);
  try {
    return script.runInContext(createContext({ run }), { breakOnSigint: true }) as Result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw error;
    throw new FloeError('FLOE_INTERRUPTED', 'interrupted by the user', {
      hint: "values that were being evaluated stay unfinished; ':r' starts afresh",
    });
  } finally {
    process.stdin.setRawMode(true);
  }
}

/** Reads a line behind a prompt; undefined at the end of input. */
type ReadLine = (prompt: string) => Promise<string | undefined>;

const SCREEN_WIDTH = 80;
const SCREEN_THIRD = Math.floor(SCREEN_WIDTH / 3);

/** What GNU readline shows of a prompt and a whole line on a terminal that can do nothing: a long line has moved to the left. */
function echoed(prompt: string, line: string): string {
  const cursor = prompt.length + line.length;
  if (cursor <= SCREEN_WIDTH - 2) return `${prompt}${line}\n`;
  return `${prompt}\r<${`${prompt}${line}`.slice(cursor - 2 * SCREEN_THIRD + 1)}\n`;
}

function pipedLines({ stdin, stdout }: Session): ReadLine {
  return async (prompt) => {
    const line = stdin.readLine();
    stdout.write(line === undefined ? prompt : echoed(prompt, line));
    return line;
  };
}

/** The common beginning of the candidates is inserted at once, a second Tab lists them. */
function makeCompleter(handler: LineHandler): (line: string) => [string[], string] {
  return (line) => {
    const { word, candidates } = handler.complete(line);
    return [candidates.map(byteStringToUtf8), byteStringToUtf8(word)];
  };
}

async function terminalLines(engine: Engine, handler: LineHandler): Promise<{ readonly read: ReadLine; readonly lines: Interface }> {
  const { createInterface } = await import('node:readline/promises');
  const file = historyFile(engine);
  const known = file !== undefined && existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: true,
    historySize: HISTORY_SIZE,
    history: known.slice(-HISTORY_SIZE).reverse(),
    completer: makeCompleter(handler),
  });
  let isClosed = false;
  lines.once('close', () => (isClosed = true));
  const read: ReadLine = (prompt) =>
    new Promise((resolve, reject) => {
      if (isClosed) return resolve(undefined);
      const control = new AbortController();
      const end = () => resolve(undefined);
      // Ctrl-C gives up the line, not the session.
      const interrupt = () => {
        process.stdout.write('\n');
        control.abort();
        resolve('');
      };
      lines.once('close', end).once('SIGINT', interrupt);
      lines.question(prompt, { signal: control.signal }).then(
        (line) => {
          lines.off('close', end).off('SIGINT', interrupt);
          if (file !== undefined && line !== '') appendFileSync(file, `${line}\n`);
          resolve(line);
        },
        (error: unknown) => (control.signal.aborted ? undefined : reject(error)),
      );
    });
  return { read, lines };
}

/** Reads and processes lines until the user or the input ends it. Errors are printed, and the session goes on. */
export async function runSession(session: Session, engine: Engine, handler: LineHandler): Promise<void> {
  const { report, stdin, stdout } = session;
  if (handler.greeting !== undefined) report.log('notice', handler.greeting);
  await handler.start();
  const terminal = stdin.isTerminal && stdout.isTerminal ? await terminalLines(engine, handler) : undefined;
  const read = terminal?.read ?? pipedLines(session);
  let input = '';
  try {
    for (;;) {
      const line = await report.suspend(() => read(input === '' ? PROMPT : MORE_PROMPT));
      if (line === undefined) return stdout.write('\n');
      input += `${line}\n`;
      let result: LineResult = 'again';
      try {
        result = await handler.processLine(input);
      } catch (error) {
        report.error(error);
      }
      if (result === 'incomplete') continue;
      if (result === 'quit') return;
      input = '';
      stdout.write('\n');
    }
  } finally {
    terminal?.lines.close();
  }
}
