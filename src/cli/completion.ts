// Completion for shells: NIX_GET_COMPLETIONS=n asks, in the place of running, what the nth word may become. The answer is how the shell is
// to treat the words ("normal", "filenames" or "attrs"), then a word a line, a tab and what it means. libutil/args.cc.

import type { FloeError } from '../base/errors.ts';
import {
  type Candidates,
  completeAttrPath,
  completeFlakeOutput,
  completeFlakeRef,
  completeInput,
  completePath,
  completeTemplate,
} from '../engine/complete.ts';
import type { Purpose } from '../engine/installables.ts';
import { SETTINGS } from '../model/settings.ts';
import { ALIASES, GROUP_ALIASES } from './aliases.ts';
import type { BaseCommand } from './base-command.ts';
import { COMMANDS, groupNames, LEGACY_COMMANDS, wordsBelow } from './command-table.ts';
import { type GlobalChoices, globalLookup, LOG_FORMATS } from './globals.ts';
import { openEvaluatingEngine } from './open-engine.ts';
import { type evalOptions, GLOBAL_FLAGS } from './options.ts';
import type { Output, Session } from './session.ts';
import { type DeclaredOption, describeWords, readWords } from './words.ts';

/** One word and what it means. */
interface Completion {
  readonly word: string;
  readonly text: string;
}

interface Answer {
  readonly kind: Candidates['kind'];
  readonly completions: readonly Completion[];
}

const NOTHING: Answer = { kind: 'normal', completions: [] };
const HASH_ALGORITHMS = ['blake3', 'md5', 'sha1', 'sha256', 'sha512'];
const HASH_FORMATS = ['base16', 'nix32', 'base64', 'sri'];

/** What is asked for by the names of arguments: labels of options, names of plain arguments. */
const PATHS = new Set(
  ['path', 'paths', 'file', 'files', 'nar', 'dest-dir', 'flake-lock-path', 'args', 'command', 'regular-file'].concat(['search-path']),
);
const FLAKES = new Set(['flake-url', 'flakeUrl', 'original-ref', 'resolved-ref', 'locked', 'from-url', 'to-url', 'flake-refs']);
const INSTALLABLES = new Set(['installable', 'installables', 'package', 'packages', 'dependency', 'before', 'after']);
const INPUTS = new Set(['input-path', 'inputs']);

/** Where commands look for attributes that are not whole paths. */
const PURPOSES: Readonly<Record<string, Purpose>> = {
  develop: 'develop',
  'print-dev-env': 'develop',
  run: 'run',
  bundle: 'run',
  search: 'search',
  repl: 'repl',
};

/** The first sentence of a description. */
function shorten(text: string): string {
  const end = text.trim().search(/[.\n]/);
  if (end < 0) return text.trim();
  return text.trim().slice(0, end) + (end === text.trim().length - 1 ? '' : ' [...]');
}

const plain = (words: readonly string[]): Completion[] => words.map((word) => ({ word, text: '' }));

function settingsWith(prefix: string): Completion[] {
  const found = Object.entries(SETTINGS).filter(([name]) => name.startsWith(prefix));
  return found.map(([word, { text }]) => ({ word, text: shorten(text) }));
}

/** The question: words of which one, at `index`, is to be completed. */
class Question {
  private readonly words: readonly string[];
  private readonly index: number;
  private readonly choices: GlobalChoices;
  private readonly openSession: (forcesImpure: boolean) => Session;

  constructor(words: readonly string[], index: number, choices: GlobalChoices, openSession: (forcesImpure: boolean) => Session) {
    this.words = words;
    this.index = index;
    this.choices = choices;
    this.openSession = openSession;
  }

  private get prefix(): string {
    return this.words[this.index] ?? '';
  }

  async answer(): Promise<Answer> {
    const globals = globalLookup(false);
    let name = '';
    let at = 0;
    while (at < this.words.length) {
      const word = this.words[at]!;
      if (at === this.index) return word.startsWith('-') ? this.flags([], word) : this.subcommands(name);
      if (word.startsWith('-')) {
        const { arity = 0 } = globals(word) ?? {};
        if (this.index <= at + arity) return this.globalArgument(word, this.index - at - 1);
        at += 1 + arity;
        continue;
      }
      const alias = name === '' ? ALIASES[word] : GROUP_ALIASES[name]?.[word];
      for (const part of alias?.words ?? [word]) name = name === '' ? part : `${name} ${part}`;
      at++;
      const load = COMMANDS[name] ?? LEGACY_COMMANDS[name];
      if (load !== undefined) {
        const commandClass = await load();
        return this.argument(name, new commandClass(), commandClass.forcesImpure, at);
      }
      if (!groupNames().includes(name)) return NOTHING;
    }
    return this.subcommands(name);
  }

  private subcommands(group: string): Answer {
    return { kind: 'normal', completions: plain(wordsBelow(group).filter((word) => word.startsWith(this.prefix))) };
  }

  private flags(own: readonly DeclaredOption[], prefix: string): Answer {
    const all = [
      ...own.filter(({ hidden }) => !hidden).map(({ names, description }) => ({ names, text: description ?? '' })),
      ...GLOBAL_FLAGS.map(({ names, text }) => ({ names, text })),
    ];
    const offer = (names: readonly string[], text: string): Completion[] =>
      names.filter((name) => name.startsWith(prefix)).map((word) => ({ word, text: shorten(text) }));
    const found = all.flatMap(({ names, text }) =>
      offer(
        names.filter((name) => prefix === '-' || name.startsWith('--')),
        text,
      ),
    );
    if (prefix === '-')
      return { kind: 'normal', completions: [{ word: '--', text: '' }, ...found.filter(({ word }) => word.length === 2)] };
    // Settings are options too; they would drown the others.
    const settings = found.length > 0 ? [] : Object.entries(SETTINGS).flatMap(([name, { text }]) => offer([`--${name}`], text));
    return { kind: 'normal', completions: [...found, ...settings] };
  }

  private globalArgument(flag: string, position: number): Answer {
    if (flag === '--option' && position === 0) return { kind: 'normal', completions: settingsWith(this.prefix) };
    if (flag === '--log-format') return { kind: 'normal', completions: plain(LOG_FORMATS.filter((name) => name.startsWith(this.prefix))) };
    return NOTHING;
  }

  /** A word behind a command's own: the argument of an option, an option, or a plain argument. */
  private async argument(name: string, command: BaseCommand, forcesImpure: boolean, from: number): Promise<Answer> {
    const { options, arguments: declared } = describeWords(command);
    const own = new Map(options.flatMap((option) => option.names.map((one) => [one, option] as const)));
    const globals = globalLookup(name in LEGACY_COMMANDS);
    const others: string[] = [];
    const given: string[] = [];
    let wanted: { readonly label: string; readonly flag?: string; readonly position?: number } | undefined;
    let plainCount = 0;
    let onlyArguments = false;
    for (let at = from; at < this.words.length || at <= this.index; at++) {
      const word = this.words[at] ?? '';
      const isFlag = !onlyArguments && word.startsWith('-');
      if (at === this.index) {
        if (isFlag) return this.flags(options, word);
        const argument = declared[plainCount] ?? (declared.at(-1)?.isRest === true ? declared.at(-1) : undefined);
        wanted = { label: argument?.name ?? '' };
        plainCount++;
      } else if (isFlag && word === '--') onlyArguments = true;
      else if (isFlag) {
        const arity = own.get(word)?.arity ?? globals(word)?.arity ?? 0;
        const end = Math.min(at + arity, this.words.length);
        if (at < this.index && this.index <= at + arity) {
          const position = this.index - at - 1;
          wanted = { label: own.get(word)?.labels[position] ?? own.get(word)?.labels.at(-1) ?? '', flag: word, position };
        } else others.push(...this.words.slice(at, end + 1));
        at = Math.max(at, Number.isFinite(arity) ? at + arity : end);
      } else {
        given.push(word);
        plainCount++;
      }
    }
    if (wanted?.flag !== undefined && !own.has(wanted.flag)) return this.globalArgument(wanted.flag, wanted.position!);
    const reader = this.read(command, [...others, '--', ...given]);
    command.choices = { ...this.choices, readOnly: true };
    command.session = this.openSession(forcesImpure);
    return { ...NOTHING, ...(await this.offer(name, reader, wanted?.label ?? '', given)) };
  }

  /** Fills the command with the other words, as far as they can be read. */
  private read(command: BaseCommand, words: readonly string[]): BaseCommand {
    try {
      readWords(command, words, globalLookup(false));
    } catch {
      // What is wrong with them is said when the command runs.
    }
    return command;
  }

  private async offer(name: string, command: BaseCommand, label: string, given: readonly string[]): Promise<Answer> {
    const { prefix } = this;
    const { session } = command;
    if (PATHS.has(label)) return toAnswer(completePath(session, prefix));
    if (label === 'hash-algo') return { kind: 'normal', completions: plain(HASH_ALGORITHMS.filter((one) => one.startsWith(prefix))) };
    if (label === 'hash-format') return { kind: 'normal', completions: plain(HASH_FORMATS.filter((one) => one.startsWith(prefix))) };
    if (![FLAKES, INSTALLABLES, INPUTS].some((names) => names.has(label)) && label !== 'template') return NOTHING;
    const options = evaluationOptionsOf(command);
    if (options.file !== undefined) session.settings.set('pure-eval', false);
    const engine = openEvaluatingEngine(command, options);
    try {
      if (label === 'template') return toAnswer(await completeTemplate(engine, prefix));
      if (FLAKES.has(label)) return toAnswer(completeFlakeRef(engine, prefix));
      if (INPUTS.has(label)) return toAnswer(await completeInput(engine, flakesOf(command, given), prefix));
      if (options.file !== undefined) return toAnswer(completeAttrPath(engine, options.file, prefix));
      if (options.expr !== undefined) return { kind: 'attrs', completions: [] };
      return toAnswer(await completeFlakeOutput(engine, prefix, PURPOSES[name] ?? 'build'));
    } finally {
      await engine.close();
    }
  }
}

type EvaluationOptions = ReturnType<typeof evalOptions> & { readonly file?: string; readonly expr?: string };

/** A command's options for evaluation, whatever group they stand in; what was not read counts as not given. */
function evaluationOptionsOf(command: BaseCommand): EvaluationOptions {
  const all: Record<string, unknown> = { arg: [], argstr: [], argFromFile: [], argFromStdin: [], include: [], overrideFlake: [] };
  for (const group of Object.values(command)) {
    if (typeof group !== 'object' || group === null || Object.getPrototypeOf(group) !== Object.prototype) continue;
    for (const [key, value] of Object.entries(group)) if (typeof value !== 'object' || Array.isArray(value)) all[key] = value;
  }
  return all as unknown as EvaluationOptions;
}

/** The flakes that a command's inputs are those of. */
function flakesOf(command: BaseCommand, given: readonly string[]): readonly string[] {
  const { flake } = command as unknown as { readonly flake?: unknown };
  if (typeof flake === 'string') return [flake];
  return given.length === 0 ? ['.'] : given;
}

function toAnswer({ kind, words }: Candidates): Answer {
  return { kind, completions: plain(words) };
}

/** Answers on standard output. Nothing goes wrong: what cannot be found out is not offered. */
export async function printCompletions(
  words: readonly string[],
  number: number,
  stdout: Output,
  choices: GlobalChoices,
  openSession: (forcesImpure: boolean) => Session,
): Promise<void> {
  let answer = NOTHING;
  try {
    answer = await new Question(words, number - 1, choices, openSession).answer();
  } catch (error) {
    if ((error as FloeError).code === undefined) throw error;
  }
  const lines = new Set(answer.completions.map(({ word, text }) => `${word}\t${text}`));
  stdout.write(
    `${answer.kind}\n${[...lines]
      .sort()
      .map((line) => `${line}\n`)
      .join('')}`,
  );
}
