// A FloeError as text: trace, message, place with an excerpt of the source, suggestions, hint. The layout is that of C++ Nix 2.34.8
// to the letter (libutil/error.cc); only here do messages get colour.

import { readFileSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { decodeUtf8Within, textOfByteString } from '../base/bytes.ts';
import { FloeError, type SourcePosition, type TraceFrame } from '../base/errors.ts';
import { printSuggestions } from '../base/suggestions.ts';
import { BLUE, filterEscapes, GREEN, MAGENTA, NORMAL, RED } from './terminal.ts';

/** What a message is printed as. */
export type ErrorLevel = 'error' | 'warning' | 'evaluation warning' | 'note' | 'info';

const COLOURS: Readonly<Record<ErrorLevel, string>> = {
  error: RED,
  warning: MAGENTA,
  'evaluation warning': MAGENTA,
  note: RED,
  info: GREEN,
};

export interface PrintErrorOptions {
  readonly showTrace?: boolean;
  /** Whether to say what may help, too; yes unless told otherwise. */
  readonly hints?: boolean;
  readonly level?: ErrorLevel;
  /** Source text of a file named by a position; undefined where it cannot be had. */
  readonly readSource?: (file: string) => string | undefined;
}

/** A trace without `--show-trace` ends when that much has been printed; frames with a place count twice. */
const TRACE_LIMIT = 3;
/** So many repeated frames in a row are still printed. */
const REPEATED_FRAMES_SHOWN = 5;

/** A file's text, a byte string; undefined where it cannot be read. */
export function readSourceFile(file: string): string | undefined {
  if (!file.startsWith('/')) return undefined;
  try {
    return readFileSync(Buffer.from(file, 'latin1'), 'latin1');
  } catch {
    return undefined;
  }
}

/** Line before, line itself, line after, as far as they exist. Lines end with \n, \r\n or \r; behind a last line end there is one more, empty. An empty text has none. */
function linesAround(source: string, line: number): readonly [string | undefined, string | undefined, string | undefined] {
  const lines = source === '' ? [] : source.split(/\r\n|\n|\r/);
  const shown = (index: number): string | undefined => (lines[index] === undefined ? undefined : textOfByteString(lines[index]));
  return [shown(line - 2), shown(line - 1), shown(line)];
}

/** "at file:line:column:" and the excerpt. */
function printPosition(position: SourcePosition, indent: string, options: PrintErrorOptions): string {
  let text = `${indent}${BLUE}at ${MAGENTA}${position.file}:${position.line}${position.column > 0 ? `:${position.column}` : ''}${NORMAL}:`;
  const source = position.line === 0 ? undefined : (position.source ?? (options.readSource ?? readSourceFile)(position.file));
  if (source === undefined) return text;
  const [before, line, after] = linesAround(source, position.line);
  const number = (offset: number): string => String(position.line + offset).padStart(5);
  if (before !== undefined) text += `\n ${number(-1)}| ${before}`;
  if (line !== undefined) {
    text += `\n ${number(0)}| ${line}`;
    if (position.column > 0) text += `\n      |${' '.repeat(position.column)}${RED}^${NORMAL}`;
  }
  if (after !== undefined) text += `\n ${number(1)}| ${after}`;
  return `${text}\n`;
}

/** A place as the debugger lists it: file, line and column, and the lines around. */
export function printPlace(position: SourcePosition): string {
  const place = `${position.file}:${position.line}:${position.column}`;
  const [, ...excerpt] = printPosition(position, '', {}).replace(/\n$/, '').split('\n');
  return decodeUtf8Within(excerpt.length === 0 ? place : `${place}\n\n${excerpt.join('\n')}`);
}

function hasPlace(position: SourcePosition | undefined): position is SourcePosition {
  return position !== undefined && position.line > 0;
}

function printFrame(frame: TraceFrame, options: PrintErrorOptions): string {
  return `\n… ${frame.text}\n${hasPlace(frame.position) ? printPosition(frame.position, '  ', options) : ''}`;
}

/** The trace, outermost frame first; the empty string where there is none to show. */
function printTrace(frames: readonly TraceFrame[], options: PrintErrorOptions): string {
  let text = '';
  let count = 0;
  let isTruncated = false;
  const seen = new Set<string>();
  let skipped: TraceFrame[] = [];
  const print = (frame: TraceFrame): void => {
    text += printFrame(frame, options);
    if (hasPlace(frame.position)) count++;
  };
  const printSkipped = (): void => {
    if (skipped.length > REPEATED_FRAMES_SHOWN) text += `\n${MAGENTA}(${skipped.length} duplicate frames omitted)${NORMAL}\n`;
    else skipped.forEach(print);
    skipped = [];
  };
  for (const frame of frames) {
    if (frame.text === '') continue;
    if (!options.showTrace && count > TRACE_LIMIT) isTruncated = true;
    if (isTruncated && !frame.isCustom) continue;
    const { position } = frame;
    const key = `${hasPlace(position) ? `${position.file}:${position.line}:${position.column}` : ''}\n${frame.text}`;
    if (seen.has(key)) {
      skipped.push(frame);
      continue;
    }
    seen.add(key);
    printSkipped();
    count++;
    print(frame);
  }
  printSkipped();
  if (isTruncated) text += `\n${MAGENTA}(stack trace truncated; use '--show-trace' to show the full, detailed trace)${NORMAL}\n`;
  return text;
}

/** Every line behind the width of the prefix, line ends without blanks. */
function indentBehind(prefix: string, text: string): string {
  const blank = ' '.repeat(filterEscapes(prefix, true).length);
  return text
    .split('\n')
    .map((line, index) => `${index === 0 ? prefix : blank}${line}`.trimEnd())
    .join('\n');
}

/** What a user reads about an error, colours in; without a line end. */
export function printError(error: FloeError, options: PrintErrorOptions = {}): string {
  const level = options.level ?? 'error';
  const prefix = `${COLOURS[level]}${level}:${NORMAL} `;
  const frames = [...error.frames].reverse();
  let text = '';
  if (frames.some((frame) => frame.text !== '')) text = `${printTrace(frames, options)}\n${prefix}`;
  else if (frames.length > 0) text = `\n${prefix}`;
  text += `${error.message}\n`;
  if (hasPlace(error.position)) text += `${printPosition(error.position, '', options)}\n`;
  const suggestions = printSuggestions(error.suggestions, (name) => `${MAGENTA}${name}${NORMAL}`);
  if (suggestions !== undefined) text = `${text.replace(/\n+$/, '\n')}${suggestions}\n`;
  if (error.hint !== undefined && options.hints !== false) text = `${text.replace(/\n+$/, '\n')}${error.hint}\n`;
  // NIX: the words of C++ Nix's TOML reader end in a line end that its colours hide from trimming, so an indented empty line follows them.
  const lastLine = error.data['hasEmptyLastLine'] === true ? `\n${' '.repeat(filterEscapes(prefix, true).length)}` : '';
  return decodeUtf8Within(indentBehind(prefix, text.trimEnd()) + lastLine);
}

/** Any thrown value as a FloeError: the machine's refusals in the machine's words, everything else as a bug. */
export function toFloeError(error: unknown): FloeError {
  if (error instanceof FloeError) return error;
  const { code, errno, syscall, path } = error as NodeJS.ErrnoException;
  if (code !== undefined && syscall !== undefined) {
    const known = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1];
    const reason = known === undefined ? code : known[0]!.toUpperCase() + known.slice(1);
    return new FloeError('FLOE_IO', `${syscall}${path === undefined ? '' : ` '${path}'`}: ${reason}`, { cause: error });
  }
  if (error instanceof RangeError && error.message === 'Maximum call stack size exceeded') {
    return new FloeError('FLOE_STACK_OVERFLOW', 'stack overflow (possible infinite recursion)', { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new FloeError('FLOE_BUG', message.startsWith('bug in floe') ? message : `bug in floe: ${message}`, {
    cause: error,
    hint: 'Please report this, with the command and its output under FLOE_DEBUG=1.',
  });
}
