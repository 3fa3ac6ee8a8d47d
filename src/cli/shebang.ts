// Scripts that name floe as their interpreter: `#! /usr/bin/env nix-shell` with `#! nix-shell ...` lines below, and `#! /usr/bin/env nix`
// with `#! nix ...` lines. The two have rules of their own for quotes. NIX 2.34.8: nix-build/nix-build.cc (shellwords) and
// libutil/args.cc (parseShebangContent).

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { FloeError } from '../base/errors.ts';

/** A script and what it says. */
export interface Script {
  /** As it was named. */
  readonly path: string;
  /** Absolute: where relative paths in its lines start. */
  readonly folder: string;
  /** The words of its lines. */
  readonly words: readonly string[];
  /** What followed the script's name. */
  readonly args: readonly string[];
}

const QUOTES = { "'": 'single', '"': 'double' } as const;

/** Words as Perl's shellwords breaks them up: quotes group, a backslash takes the next character as it is, in double quotes too. */
export function splitShellWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote: 'single' | 'double' | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (quote === undefined && /\s/.test(character)) {
      words.push(word);
      word = '';
      while (at + 1 < text.length && /\s/.test(text[at + 1]!)) at++;
      if (at + 1 === text.length) return words;
    } else if ((character === "'" || character === '"') && (quote === undefined || quote === QUOTES[character])) {
      quote = quote === undefined ? QUOTES[character] : undefined;
    } else if (character === '\\' && quote !== 'single') {
      word += text[++at] ?? '';
    } else word += character;
  }
  if (quote !== undefined) throw new FloeError('FLOE_SHEBANG', 'unterminated quote in shebang line');
  return [...words, word];
}

/** Characters that mean something to shells, or may one day mean something here. */
const RESERVED = '$*~<>|;()[]{}\'"\\';

/** Words of `#! nix` lines: blanks separate, two backticks quote, in quotes three or more stand for one less. */
export function splitShebangWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  const end = () => {
    if (word !== '') words.push(word);
    word = '';
  };
  for (let at = 0; at < text.length;) {
    const character = text[at]!;
    if (/[ \t\n\r]/.test(character)) {
      end();
      at++;
    } else if (character === '`') {
      if (text[at + 1] !== '`') throw new FloeError('FLOE_SHEBANG', 'single backtick is not a supported syntax in the nix shebang.');
      const quoted = readQuoted(text, at + 2);
      // NIX: what stands right before the quotes is lost.
      word = '';
      words.push(quoted.word);
      at = quoted.end;
    } else {
      if (RESERVED.includes(character)) {
        throw new FloeError('FLOE_SHEBANG', `unsupported unquoted character in nix shebang: ${character}. Use double backticks to escape?`);
      }
      if (character === '#' && word === '')
        throw new FloeError('FLOE_SHEBANG', 'unquoted nix shebang argument cannot start with #. Use double backticks to escape?');
      word += character;
      at++;
    }
  }
  end();
  return words;
}

function readQuoted(text: string, start: number): { readonly word: string; readonly end: number } {
  let word = '';
  for (let at = start; at < text.length;) {
    // Exactly two end the word, one blank before them left out.
    const ending = /^ ?``(?!`)/.exec(text.slice(at));
    if (ending !== null) return { word, end: at + ending[0].length };
    const ticks = /^`{3,}/.exec(text.slice(at));
    word += ticks === null ? text[at]! : ticks[0].slice(1);
    at += ticks?.[0].length ?? 1;
  }
  throw new FloeError('FLOE_SHEBANG', 'unterminated quoted string in nix shebang');
}

/** Lines of the file that the first word names; undefined where it names none that can be read. */
function readLines(words: readonly string[], cwd: string): { readonly path: string; readonly lines: string[] } | undefined {
  const [path] = words;
  if (path === undefined) return undefined;
  try {
    const text = readFileSync(resolve(cwd, path), 'utf8');
    return text.startsWith('#!') ? { path, lines: text.split('\n') } : undefined;
  } catch {
    return undefined;
  }
}

const trimEnd = (line: string): string => line.replace(/[\s]+$/, '');

/** The script that the first word names, where its first line makes it one. */
export function readNixShellScript(words: readonly string[], cwd: string): Script | undefined {
  const file = readLines(words, cwd);
  if (file === undefined) return undefined;
  const found: string[] = [];
  for (const line of file.lines.slice(1)) {
    const match = /^#!\s*nix-shell\s+(.*)$/.exec(trimEnd(line));
    if (match !== null) found.push(...splitShellWords(match[1]!));
  }
  return { path: file.path, folder: resolve(cwd, dirname(file.path)), words: found, args: words.slice(1) };
}

/** What lines above and between `#! nix` lines may start with: comments of many languages. */
const COMMENT_CHARACTERS = '#/\\%@*-(';

/** The same for `nix`; lines are read as long as they look like comments. */
export function readNixScript(words: readonly string[], cwd: string): Script | undefined {
  if (words[0]?.startsWith('-') === true) return undefined;
  const file = readLines(words, cwd);
  if (file === undefined) return undefined;
  let content = '';
  for (const line of file.lines.slice(1)) {
    if (line === '' || !COMMENT_CHARACTERS.includes(line[0]!)) break;
    const match = /^#!\s*nix(:? |$)(.*)$/.exec(trimEnd(line));
    if (match !== null) content += `${match[2]}\n`;
  }
  return { path: file.path, folder: resolve(cwd, dirname(file.path)), words: splitShebangWords(content), args: words.slice(1) };
}
