// What floe adds to errors of a program on their way to the user, behind everything that C++ Nix says: which name was meant, which line
// lacks its semicolon, what to do about a value of the wrong type. Only the last word of a command gets them: messages that are compared
// or matched elsewhere (sessions, logs, `tryEval`) stay as they are.

import type { FloeError, SourcePosition } from '../base/errors.ts';
import { printSuggestions } from '../base/suggestions.ts';

/** Reads a file that a position names; undefined where it cannot be had. */
export type ReadSource = (file: string) => string | undefined;

/** Gives the error the hint that helps with it, where it has none and there is one. */
export function addHint(error: FloeError, readSource: ReadSource): void {
  error.hint ??= undefinedName(error) ?? missingSemicolon(error, readSource) ?? wrongType(error) ?? recursion(error);
}

function undefinedName({ code, data }: FloeError): string | undefined {
  const near = data['near'];
  return code === 'FLOE_UNDEFINED_VARIABLE' && Array.isArray(near) ? printSuggestions(near as string[]) : undefined;
}

/** A binding begins where a `;` was due: the line that lacks it is the one before, which the caret does not show. */
function missingSemicolon({ message, position }: FloeError, readSource: ReadSource): string | undefined {
  if (position === undefined || !/^syntax error, .* expecting (.* or )?';'/.test(message)) return undefined;
  const lines = textOf(position, readSource)?.split(/\r\n|\n|\r/);
  if (lines === undefined || !/^\s*[\w'".-]*\s*$/.test(lines[position.line - 1]!.slice(0, position.column - 1))) return undefined;
  let index = position.line - 2;
  while (index >= 0 && /^\s*(#.*)?$/.test(lines[index]!)) index--;
  const line = lines[index];
  if (line === undefined) return undefined;
  if (/[a-z][a-z0-9+.-]*:[^\s"';]*#/i.test(line))
    return `the URL in line ${index + 1} has to stand in quotes: without them, what follows '#' is a comment`;
  return /;\s*(#.*)?$/.test(line) ? undefined : `line ${index + 1} seems to lack its ';'`;
}

function textOf(position: SourcePosition, readSource: ReadSource): string | undefined {
  return position.line === 0 ? undefined : (position.source ?? readSource(position.file));
}

const WRONG_TYPES: readonly (readonly [message: RegExp, hint: string])[] = [
  [/^expected a list but found (a string|a path|an integer|a set)\b/, "a list of one is written '[ x ]'"],
  [
    /^(expected .* but found (a|the) (function|built-in function)|cannot coerce a (function|built-in function) to a string)/,
    'it is a function that was not called: it wants its arguments, as in `f x` or `f { ... }`',
  ],
  [/^expected a set but found a list\b/, "the function takes one set: 'f { name = [ ... ]; }'"],
  [/^cannot coerce a set to a string/, 'only sets with `outPath` (derivations, flakes) or `__toString` become text'],
];

function wrongType({ message, frames }: FloeError): string | undefined {
  const [, hint] = WRONG_TYPES.find(([pattern]) => pattern.test(message)) ?? [];
  const isArgument = frames.some(({ text }) => text === 'while evaluating the value passed for the lambda argument');
  return message.startsWith('expected a set but found a list') && !isArgument ? undefined : hint;
}

function recursion({ message }: FloeError): string | undefined {
  return message === 'infinite recursion encountered'
    ? 'the value needs itself before it is there; --show-trace says on which way'
    : undefined;
}
