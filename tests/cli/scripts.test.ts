// Runs the command line scripts beside this file. `flake/lock.txt` holds cases for `flake lock`; one case is
//
//   $ floe config show max-jobs          the command, words as a shell splits them ('...' and "..." quote)
//   # env NAME=value                     a variable, before the command ($PWD, here and in words, is the script's folder); `# needs oracle` skips where FLOE_ORACLE is unset
//   # stdin 1 + 1\n                      what the command reads, likewise
//   # in a process of its own           where output depends on which names were met before (symbols are shared by a process)
//   1                                    expected standard output; `...` alone stands for any lines
//   ! error: ...                         expected standard error, a line each behind "! "
//   ? 1                                  expected exit code, 0 unless said
//
// Commands run in this process (unless said), in a fresh folder a script; `$ write NAME` is followed by lines behind "| " that become a file. UPDATE=1
// rewrites the expectations, UPDATE=flake/ those of the scripts whose names have that in them.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launcher } from '../support/own-store.ts';
import { runFloe } from '../support/run-floe.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
/** "1" for all scripts, or a part of the names of those that are rewritten. */
const update = process.env['UPDATE'];

interface Case {
  readonly line: number;
  /** Lines before the expectations: variables, the command, file content. */
  readonly head: string[];
  readonly words: string[];
  readonly env: Record<string, string>;
  readonly stdin: string;
  readonly content: string[];
  readonly expected: string[];
}

/** Splits as a shell does: blanks, single and double quotes, backslashes outside single quotes. */
function splitWords(line: string): string[] {
  const words: string[] = [];
  for (const match of line.matchAll(/(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+/g)) {
    words.push(
      match[0].replace(
        /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g,
        (_, single: string | undefined, double: string | undefined, escaped: string | undefined) =>
          single ?? double?.replace(/\\(.)/g, '$1') ?? escaped ?? '',
      ),
    );
  }
  return words;
}

function parseScript(text: string): Case[] {
  const cases: Case[] = [];
  let head: string[] = [];
  let env: Record<string, string> = {};
  let stdin = '';
  text.split('\n').forEach((line, index) => {
    const last = cases.at(-1);
    if (line.startsWith('$ ')) {
      cases.push({ line: index + 1, head: [...head, line], words: splitWords(line.slice(2)), env, stdin, content: [], expected: [] });
      head = [];
      env = {};
      stdin = '';
    } else if (line.startsWith('# ')) {
      const variable = /^# env (\w+)=(.*)$/.exec(line);
      if (variable !== null) env[variable[1]!] = variable[2]!.replaceAll('\\n', '\n');
      if (line.startsWith('# stdin ')) stdin = line.slice('# stdin '.length).replaceAll('\\n', '\n');
      head.push(line);
    } else if (line.startsWith('| ') || line === '|') {
      last?.head.push(line);
      last?.content.push(line.slice(2));
    } else if (line !== '' && last !== undefined) {
      last.expected.push(line);
    }
  });
  return cases;
}

/** What a run gave, in the form of expectations. */
function describeRun(result: { stdout: string; stderr: string; code: number }): string[] {
  const lines = (text: string): string[] =>
    text === ''
      ? []
      : text
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => (line === '' ? '(empty line)' : line));
  return [
    ...lines(result.stdout),
    ...lines(result.stderr).map((line) => `! ${line === '(empty line)' ? '' : line}`.trimEnd()),
    ...(result.code === 0 ? [] : [`? ${result.code}`]),
  ];
}

function runLauncher(
  words: readonly string[],
  cwd: string,
  env: Record<string, string | undefined>,
): { stdout: string; stderr: string; code: number } {
  const all = { PATH: process.env['PATH'], NIX_CONF_DIR: `${cwd}/etc`, ...env };
  const { stdout, stderr, status } = spawnSync(launcher, words.slice(1), { cwd, env: all, encoding: 'utf8' });
  return { stdout, stderr, code: status ?? -1 };
}

/** `...` alone stands for any number of lines. */
function matches(actual: readonly string[], expected: readonly string[]): boolean {
  if (expected.length === 0) return actual.length === 0;
  if (expected[0] === '...')
    return actual.some((_, index) => matches(actual.slice(index), expected.slice(1))) || matches([], expected.slice(1));
  return actual.length > 0 && actual[0] === expected[0] && matches(actual.slice(1), expected.slice(1));
}

const base = mkdtempSync(join(tmpdir(), 'floe-cli-'));
after(() => rmSync(base, { recursive: true, force: true }));

for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.txt')) continue;
  const path = join(entry.parentPath, entry.name);
  const name = relative(folder, path);
  const isUpdate = update !== undefined && (update === '1' || name.includes(update));
  test(name, async () => {
    const cwd = mkdtempSync(join(base, 'run-'));
    // Scripts ask no binary cache.
    mkdirSync(join(cwd, 'etc'));
    writeFileSync(join(cwd, 'etc/nix.conf'), 'substituters =\n');
    const text = readFileSync(path, 'utf8');
    const cases = parseScript(text);
    const preface = text.slice(0, text.search(/^[$#] /m));
    const updated: string[] = [];
    for (const one of cases) {
      if (one.words[0] === 'write') {
        const file = join(cwd, one.words[1]!);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, one.content.map((line) => `${line}\n`).join(''));
        updated.push([...one.head].join('\n'));
        continue;
      }
      const env = Object.fromEntries(Object.entries(one.env).map(([key, value]) => [key, value.replaceAll('$PWD', cwd)]));
      const words = one.words.map((word) => word.replaceAll('$PWD', cwd));
      // A store of the script's own, also where this user could make /nix.
      const place = 'NIX_STORE_DIR' in env ? { NIX_LOG_DIR: join(cwd, 'log') } : { NIX_REMOTE: join(cwd, 'root') };
      const all = { HOME: cwd, ...place, ...env };
      const isAlone = one.head.includes('# in a process of its own');
      const result = isAlone ? runLauncher(words, cwd, all) : await runFloe(words, { cwd, env: all, stdin: one.stdin });
      const actual = describeRun(result).map((line) => line.replaceAll(cwd, '$PWD'));
      if (isUpdate && !matches(actual, one.expected)) one.expected.splice(0, Infinity, ...actual);
      updated.push([...one.head, ...one.expected].join('\n'));
      if (!isUpdate)
        assert.ok(
          matches(actual, one.expected),
          `${name}:${one.line}: ${one.words.join(' ')}\n--- expected\n${one.expected.join('\n')}\n--- got\n${actual.join('\n')}`,
        );
    }
    if (isUpdate) writeFileSync(path, `${preface}${updated.join('\n\n').trimEnd()}\n`);
  });
}
