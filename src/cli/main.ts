// The program: finds the command that the words name, loads its file and no other, reads its options, runs it, and turns what it
// throws into a message and an exit code. Nix 2.34.8: nix/main.cc and libutil/args.cc decide the corner cases.

import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { BuildError, FloeError, UsageError } from '../base/errors.ts';
import { utf8ToByteString } from '../base/bytes.ts';
import { nearestNames } from '../base/suggestions.ts';
import { loadSettings, measuresEvaluation, type Settings } from '../engine/config.ts';
import type { Engine } from '../engine/engine.ts';
import type { FindingsPlace, HandedOver } from '../engine/findings.ts';
import type { KeptLaunch } from '../engine/kept-launch.ts';
import { notHere } from '../engine/not-here.ts';
import type { ReadLog } from '../engine/reads.ts';
import { writeCompiledCode } from '../engine/compiled-code.ts';
import { ALIASES, GROUP_ALIASES, type Alias } from './aliases.ts';
import { COMMANDS, LEGACY_COMMANDS, REFUSED_COMMANDS, groupNames, wordsBelow, type CommandClass } from './command-table.ts';
import { globalLookup, readGlobals, type GlobalChoices } from './globals.ts';
import type { OutputKeeper } from './kept-output.ts';
import { printVersion, programName, type Launch } from './launch.ts';
import { addHint } from './hints.ts';
import { printError, readSourceFile, toFloeError } from './print-error.ts';
import { makeReport, type Report } from './report.ts';
import { BrokenPipe, processSurroundings, type Session, type Surroundings } from './session.ts';
import { filterEscapes } from './terminal.ts';
import { startWarmEvaluator } from './warm-client.ts';
import { readWords, splitCompound, takeArguments, type FoundOption } from './words.ts';

/** A command and the words that are left for it. */
interface Located {
  /** "flake lock"; "" where the line has no command. */
  readonly name: string;
  readonly load: (() => Promise<CommandClass>) | undefined;
  readonly isLegacy: boolean;
  /** Global options that stood before or between the command's words. */
  readonly globals: readonly FoundOption[];
  readonly rest: readonly string[];
  /** Said once the report is open. */
  readonly warnings: readonly string[];
  /** Words that lead nowhere: thrown unless help is asked for. */
  readonly problem: UsageError | undefined;
}

function describeGroup(group: string): UsageError {
  const words = wordsBelow(group).sort((a, b) => (`${a}\`` < `${b}\`` ? -1 : 1));
  const list = words.map((word) => `  · ${word}`).join('\n');
  return new UsageError(`nix ${group} requires a sub-command. Available sub-commands:\n\n${list}`);
}

/** Follows the words down to a command: global options may stand between them. */
export function locateCommand(program: string, words: readonly string[]): Located {
  const legacy = LEGACY_COMMANDS[program];
  if (legacy !== undefined)
    return { name: program, load: legacy, isLegacy: true, globals: [], rest: words, warnings: [], problem: undefined };
  const lookup = globalLookup(false);
  // A link with the name of a command that is not there.
  const rest = program in REFUSED_COMMANDS ? [program, ...words] : [...words];
  const globals: FoundOption[] = [];
  const warnings: string[] = [];
  const aliased = new Set<string>();
  let name = '';
  const ended = (problem: UsageError | undefined, load?: () => Promise<CommandClass>): Located => ({
    name,
    load,
    isLegacy: false,
    globals,
    rest,
    warnings,
    problem,
  });
  while (rest.length > 0) {
    const word = rest.shift()!;
    if (word === '--') continue;
    if (word.startsWith('-')) {
      const [flag, ...more] = splitCompound(word) as [string, ...string[]];
      rest.unshift(...more);
      const known = lookup(flag);
      if (known === undefined) return ended(new UsageError(`unrecognised flag '${flag}'`));
      globals.push({ name: flag, args: takeArguments(flag, known.arity, rest) });
      continue;
    }
    const alias: Alias | undefined = name === '' ? ALIASES[word] : GROUP_ALIASES[name]?.[word];
    if (alias !== undefined && !aliased.has(name)) {
      aliased.add(name);
      if (alias.isDeprecated) warnings.push(`'${word}' is a deprecated alias for '${alias.words.join(' ')}'`);
      rest.unshift(...alias.words);
      continue;
    }
    const longer = name === '' ? word : `${name} ${word}`;
    if (COMMANDS[longer] !== undefined) {
      name = longer;
      return ended(undefined, COMMANDS[longer]);
    }
    if (name === '' && LEGACY_COMMANDS[word] !== undefined) {
      return { name: word, load: LEGACY_COMMANDS[word], isLegacy: true, globals, rest, warnings, problem: undefined };
    }
    const refused = REFUSED_COMMANDS[longer];
    if (refused !== undefined) return ended(new UsageError(`${refused.why} ('${longer}')`, { hint: refused.hint }));
    if (!groupNames().includes(longer)) {
      return ended(new UsageError(`'${word}' is not a recognised command`, { suggestions: nearestNames(wordsBelow(name), word) }));
    }
    name = longer;
  }
  return ended(name === '' ? new UsageError('no subcommand specified') : describeGroup(name));
}

function openReport(
  surroundings: Surroundings,
  choices: Pick<GlobalChoices, 'level' | 'logFormat' | 'printBuildLogs'>,
  settings?: Settings,
): Report {
  return makeReport(surroundings.stderr, {
    format: choices.logFormat,
    level: choices.level,
    printBuildLogs: choices.printBuildLogs,
    showTrace: settings?.get('show-trace') ?? false,
    hints: settings?.get('hints') ?? true,
    env: surroundings.env,
    processId: process.pid,
  });
}

/** Settings, report and all else a command reaches. */
function openSession(
  surroundings: Surroundings & { readonly wordsFolder?: string },
  choices: GlobalChoices,
  isLegacy: boolean,
  forcesImpure: boolean,
  reads?: ReadLog,
): Session {
  const early = openReport(surroundings, choices);
  const settings = loadSettings({
    env: surroundings.env,
    flags: choices.assignments,
    warn: (text) => early.warn(text),
    onRead: reads && ((path) => reads.observe(utf8ToByteString(path))),
  });
  early.close();
  // Flakes evaluate purely unless told otherwise; the older commands the other way round.
  if (!settings.isOverridden('pure-eval') && settings.originOf('pure-eval') === undefined)
    settings.set('pure-eval', !isLegacy && !forcesImpure, 'machine');
  const report = openReport(surroundings, choices, settings);
  const wordsFolder = surroundings.wordsFolder ?? surroundings.cwd;
  return {
    ...surroundings,
    wordsFolder,
    settings,
    report,
    online: !choices.offline,
    reads: settings.get('eval-cache') ? reads : undefined,
  };
}

/** The session with its report also going to `json-log-path`. */
async function withLogs(session: Session, { logFormat: format, level, printBuildLogs }: GlobalChoices): Promise<Session> {
  const path = session.settings.get('json-log-path');
  if (path === undefined) return session;
  const { withJsonLog } = await import('./json-log.ts');
  const { settings } = session;
  const told = { showTrace: settings.get('show-trace'), hints: settings.get('hints') };
  const options = { format, level, printBuildLogs, ...told, env: session.env, processId: process.pid };
  return { ...session, report: withJsonLog(session.report, path, options) };
}

async function showHelp(located: Located, surroundings: Surroundings): Promise<number> {
  const { printHelp } = await import('./help.ts');
  const program = programName(surroundings.launch);
  surroundings.stdout.write(await printHelp(program, located.name));
  return 0;
}

/** `--version`, with where everything is when `-v` asks for more. */
async function showVersion(surroundings: Surroundings, session: Session, choices: GlobalChoices): Promise<number> {
  surroundings.stdout.write(printVersion(surroundings.launch));
  if (choices.level === 'info' || choices.level === 'notice') return 0;
  const { configFolder, userConfigFiles } = await import('../engine/config.ts');
  const { settings } = session;
  surroundings.stdout.write(
    [
      `System type: ${settings.get('system')}`,
      `Additional system types: ${settings.get('extra-platforms').join(', ')}`,
      'Features: signed-caches',
      `System configuration file: ${configFolder(surroundings.env)}/nix.conf`,
      `User configuration files: ${userConfigFiles(surroundings.env).join(':')}`,
      `Store directory: ${surroundings.env['NIX_STORE_DIR'] || '/nix/store'}`,
      `State directory: ${surroundings.env['NIX_STATE_DIR'] || '/nix/var/nix'}`,
      '',
    ].join('\n'),
  );
  return 0;
}

/** Whether the file starts as scripts do. */
function isScript(path: string): boolean {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const start = Buffer.alloc(2);
    return readSync(fd, start) === 2 && start.toString('latin1') === '#!';
  } catch {
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** The words, or those of the script that the first one names: `#! /usr/bin/env nix` and `#! nix ...` lines below. */
async function readScript(
  program: string,
  words: readonly string[],
  cwd: string,
): Promise<{ readonly words: readonly string[]; readonly wordsFolder?: string }> {
  const [first] = words;
  if (first === undefined || !/nix$|^floe$/.test(program) || !isScript(resolve(cwd, first))) return { words };
  // PERF: loaded where it is needed.
  const { readNixScript } = await import('./shebang.ts');
  const script = readNixScript(words, cwd);
  return script === undefined ? { words } : { words: [...script.words, script.path, ...script.args], wordsFolder: script.folder };
}

/** What a shell asks for while its user types. */
async function showCompletions(surroundings: Surroundings, number: number): Promise<number> {
  const choices: GlobalChoices = { ...readGlobals([], { isLegacy: false, isTerminal: false }), level: 'error' };
  const { printCompletions } = await import('./completion.ts');
  await printCompletions(surroundings.launch.words, number, surroundings.stdout, choices, (forcesImpure) =>
    openSession(surroundings, choices, false, forcesImpure),
  );
  return 0;
}

/** Runs what the words ask for, in the given surroundings. Returns the exit code. */
export async function run(givenSurroundings: Surroundings): Promise<number> {
  let surroundings: Surroundings & { readonly wordsFolder?: string } = givenSurroundings;
  const { launch } = surroundings;
  const program = programName(launch);
  const completed = Number(surroundings.env['NIX_GET_COMPLETIONS']);
  if (completed > 0) return showCompletions(surroundings, completed);
  let tellsBuildStatus = false;
  let report = openReport(surroundings, { level: 'info', logFormat: 'raw', printBuildLogs: false });
  try {
    if (launch.words.length === 1 && launch.words[0] === '__dump-cli') {
      const { dumpCommands } = await import('./dump.ts');
      surroundings.stdout.write(`${await dumpCommands()}\n`);
      return 0;
    }
    const { words, ...script } = await readScript(program, launch.words, surroundings.cwd);
    surroundings = { ...surroundings, ...script };
    const located = locateCommand(program, words);
    const isTerminal = surroundings.stderr.isTerminal;
    const early = readGlobals(located.globals, { isLegacy: located.isLegacy, isTerminal });
    if (located.load === undefined) {
      if (early.help || words.includes('--help')) return await showHelp(located, surroundings);
      if (early.version) return await showVersion(surroundings, openSession(surroundings, early, false, false), early);
      throw located.problem ?? new UsageError('no subcommand specified');
    }
    const commandClass = await located.load();
    tellsBuildStatus = located.isLegacy || commandClass.exitsWithBuildStatus;
    const command = new commandClass();
    const rest = command.replaceWords(located.rest, surroundings.cwd);
    if (wantsHelp(rest)) return await showHelp(located, surroundings);
    const later = readWords(command, rest, globalLookup(located.isLegacy));
    const choices = readGlobals([...located.globals, ...later], { isLegacy: located.isLegacy, isTerminal });
    // A script's words lie in a file.
    const keeper = commandClass.keepsOutput && words === launch.words ? await listen(surroundings) : undefined;
    if (surroundings.warm !== undefined && keeper === undefined) throw notHere('its output is not kept');
    surroundings = keeper?.surroundings ?? surroundings;
    const opened = openSession(surroundings, choices, located.isLegacy, commandClass.forcesImpure, keeper?.reads);
    // Running leaves more than results where a log goes to a file or what evaluation costs is asked for.
    const isKept =
      opened.reads !== undefined && opened.settings.get('json-log-path') === undefined && !measuresEvaluation(opened.settings, opened.env);
    if (surroundings.warm !== undefined && !(isKept && mayBeAnswered(opened, choices))) throw notHere('nothing is kept, or all is told');
    const session = await withLogs(opened, choices);
    report = session.report;
    for (const warning of located.warnings) report.warn(warning);
    if (choices.version) return await showVersion(surroundings, session, choices);
    const warmNext = (): void => {
      const idleMinutes = session.settings.get('warm-evaluator');
      const isFit = isKept && keeper?.reads.refused === undefined && session.settings.get('pure-eval');
      if (idleMinutes > 0 && isFit) session.startWarm?.(idleMinutes);
    };
    const keep = (become?: KeptLaunch): void => {
      if (!isKept || keeper === undefined) return;
      keeper.keep(become);
      session.warm?.answer(become);
      warmNext();
    };
    /** Whatever is done with them, what was evaluated for them may be wanted again. */
    const onFound: FindingsPlace['onFound'] = (handOver) => (session.warm === undefined ? warmNext() : session.warm.found(handOver()));
    // PERF: few runs have a debugger, and it brings the repl along.
    const debugging = rest.includes('--debugger') ? await import('./repl-session.ts') : undefined;
    const startDebugger = debugging && ((engine: Engine) => debugging.startDebugger(session, engine));
    command.session = { ...session, onBecome: keep, onFound, startDebugger };
    command.choices = choices;
    const code = (await command.execute()) ?? 0;
    if (code === 0) keep();
    return code;
  } catch (error) {
    if (error instanceof BrokenPipe) return 1;
    if (error instanceof FloeError && error.code === 'FLOE_QUIT') return 0;
    return explain(error, report, program, tellsBuildStatus);
  } finally {
    report.close();
  }
}

/** Whether a process that stays may run this: it is allowed to, and nobody wants to hear of what it need not do again. */
function mayBeAnswered({ settings }: Session, { level, logFormat }: GlobalChoices): boolean {
  return settings.get('warm-evaluator') > 0 && ['error', 'warn', 'notice', 'info'].includes(level) && logFormat !== 'internal-json';
}

/** Somebody who hears what a command prints, and keeps it; undefined where this floe keeps nothing. */
async function listen(surroundings: Surroundings): Promise<OutputKeeper | undefined> {
  if (surroundings.installation === undefined) return undefined;
  const { OutputKeeper } = await import('./kept-output.ts');
  const keeper = new OutputKeeper(surroundings, surroundings.warm?.reads);
  const [first] = surroundings.launch.words;
  if (first !== undefined) keeper.reads.observe(utf8ToByteString(resolve(surroundings.cwd, first)));
  return keeper;
}

/** `--help` counts also where other words are wrong, but not behind `--`. */
function wantsHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const help = words.indexOf('--help');
  return help >= 0 && (end < 0 || help < end);
}

/** Prints an error, and says what to exit with. */
function explain(error: unknown, report: Report, program: string, tellsBuildStatus: boolean): number {
  try {
    if (error instanceof FloeError) addHint(error, readSourceFile);
    report.error(error);
    if (error instanceof UsageError) report.log('error', `Try '${program} --help' for more information.`);
  } catch (second) {
    if (!(second instanceof BrokenPipe)) throw second;
  }
  if (error instanceof BuildError) return tellsBuildStatus ? error.exitCode : 1;
  const status = error instanceof FloeError ? error.data['exitCode'] : undefined;
  return typeof status === 'number' ? status : 1;
}

/** A run that takes less is not worth a process that stays. */
const WORTH_WARM_US = 250_000;

/** What a warm evaluator can do for this run: it is not there, but could help the next one; or it has helped. */
export type WarmHelp = 'alone' | HandedOver | undefined;

async function startRun(launch: Launch, help: WarmHelp): Promise<number> {
  let surroundings: Surroundings;
  try {
    surroundings = processSurroundings(launch);
    const here = surroundings;
    let isStarted = false;
    const startWarm = (idleMinutes: number): void => {
      const { user, system } = process.cpuUsage();
      if (user + system < WORTH_WARM_US || isStarted) return;
      isStarted = true;
      startWarmEvaluator(here, idleMinutes);
    };
    if (help === 'alone') surroundings = { ...here, startWarm };
    else if (help !== undefined) surroundings = { ...here, handed: help };
  } catch (error) {
    writeSync(2, `${filterEscapes(printError(toFloeError(error)), true)}\n`);
    return 1;
  }
  return run(surroundings);
}

/** The whole run of this process. */
export async function main(launch: Launch, help?: WarmHelp): Promise<void> {
  // NIX: store objects are for everybody to read.
  process.umask(0o022);
  const code = await startRun(launch, help);
  // A worker or a socket that is still open must not keep the process.
  writeCompiledCode();
  process.exit(code);
}
