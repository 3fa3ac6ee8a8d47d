// Nix's own language suite (tests/functional/lang of a checkout of NixOS/nix at tag 2.34.8, named by FLOE_NIX_SUITE), run as its
// lang.sh runs it, in one process: parse-okay, parse-fail, eval-okay, eval-fail. Prints `passed P of N` a kind.
//
//   node tests/conformance/lang.ts [--list] [--diff] [--strict] [NAME ...]     (NAME: parts of case names)

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker } from 'node:worker_threads';
import { byteStringOf, bytesOfText } from '../../src/base/bytes.ts';
import { FloeError, type TraceFrame } from '../../src/base/errors.ts';
import { printError, type ErrorLevel } from '../../src/cli/print-error.ts';
import { filterEscapes } from '../../src/cli/terminal.ts';
import { type Attrs, makeAttrs } from '../../src/eval/attrs.ts';
import { writeValueAsXml } from '../../src/eval/builtins/xml.ts';
import { Evaluator } from '../../src/eval/evaluator.ts';
import { printAmbiguous } from '../../src/eval/print.ts';
import { ContextAccumulator } from '../../src/eval/string-context.ts';
import { internSymbol } from '../../src/eval/symbol.ts';
import { Lambda, type Slot, type Value } from '../../src/eval/value.ts';
import { bind } from '../../src/lang/bind.ts';
import { parse, type Lint, type ParseOptions } from '../../src/lang/parser.ts';
import { resolvePathLiteral } from '../../src/lang/path-literal.ts';
import { stdinSource } from '../../src/lang/position.ts';
import { printNode } from '../../src/lang/print-ast.ts';
import { BUILTINS } from '../../src/eval/builtins/index.ts';
import { DiskHost } from '../support/eval-host.ts';

const KINDS = ['parse-okay', 'parse-fail', 'eval-okay', 'eval-fail'] as const;
type Kind = (typeof KINDS)[number];

/** What a case printed; `out` and `err` are byte strings. */
interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Programs that ask a fetcher need more than an evaluator: the whole of floe runs them. */
const FETCHES = /\bfetch(?:Tree|Git|Mercurial|Tarball|url)\b/;

const suite = process.env['FLOE_NIX_SUITE'];
const args = process.argv.slice(2);
const wanted = args.filter((arg) => !arg.startsWith('--'));
const folder = `${suite ?? ''}/tests/functional`;

if (suite === undefined || suite === '') {
  console.log('skipped: FLOE_NIX_SUITE does not name a checkout of NixOS/nix');
} else if (isMainThread) {
  // Deep recursion is part of the suite.
  const worker = new Worker(new URL(import.meta.url), { argv: args, resourceLimits: { stackSizeMb: 200 } });
  worker.on('exit', (code) => (process.exitCode = code));
} else {
  runAll();
}

function runAll(): void {
  const names = readdirSync(join(folder, 'lang'))
    .filter((name) => name.endsWith('.nix'))
    .map((name) => name.slice(0, -'.nix'.length));
  let failures = 0;
  for (const kind of KINDS) {
    const cases = names.filter((name) => name.startsWith(`${kind}-`) && !existsSync(`${folder}/lang/${name}.exp-disabled`));
    const chosen = cases.filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
    const failed = chosen.filter((name) => !passes(kind, name));
    console.log(`${kind}: passed ${chosen.length - failed.length} of ${chosen.length}`);
    if (args.includes('--list')) for (const name of failed) console.log(`  ${name}`);
    failures += failed.length;
  }
  process.exitCode = failures === 0 ? 0 : 1;
}

function expected(name: string, suffix: string): string {
  const file = `${folder}/lang/${name}.${suffix}`;
  return existsSync(file) ? readFileSync(file, 'latin1') : '';
}

function passes(kind: Kind, name: string): boolean {
  const isXml = existsSync(`${folder}/lang/${name}.exp.xml`);
  const outcome = runCase(kind, name, isXml);
  const here = new RegExp(folder.replace(/[^\w/]/g, '\\$&'), 'g');
  const out = kind === 'parse-okay' || kind === 'eval-okay' ? outcome.out.replace(here, '/pwd') : '';
  const err = postprocess(name, outcome.err.replace(here, '/pwd'));
  const wantedStatus = kind.endsWith('okay') ? 0 : 1;
  const comparisons = isXml
    ? [['out', out, expected(name, 'exp.xml')] as const]
    : [['out', out, kind.endsWith('okay') ? expected(name, 'exp') : ''] as const, ['err', err, expected(name, 'err.exp')] as const];
  const differing = comparisons.filter(([, got, want]) => got !== want);
  if (args.includes('--diff') && (differing.length > 0 || outcome.status !== wantedStatus)) {
    console.log(`--- ${name} (status ${outcome.status})`);
    for (const [what, got, want] of differing) showDifference(what, want, got);
  }
  return differing.length === 0 && outcome.status === wantedStatus;
}

/** The one case with a script of its own hides numbers, which depend on comments in a file of Nix's. */
function postprocess(name: string, err: string): string {
  if (!existsSync(`${folder}/lang/${name}.postprocess`)) return err;
  return err.replace(/[0-9 ]{7}[0-9]([^0-9])/g, '<number>$1').replace(/[0-9]+/g, '<number>');
}

function showDifference(what: string, want: string, got: string): void {
  const place = mkdtempSync(join(tmpdir(), 'lang-'));
  writeFileSync(`${place}/expected.${what}`, want, 'latin1');
  writeFileSync(`${place}/got.${what}`, got, 'latin1');
  try {
    execFileSync('diff', ['-u', `expected.${what}`, `got.${what}`], { cwd: place, stdio: 'pipe' });
  } catch (error) {
    process.stdout.write((error as { stdout: Buffer }).stdout);
  }
}

function runCase(kind: Kind, name: string, isXml: boolean): Outcome {
  let out = '';
  let err = '';
  let showTrace = true;
  try {
    if (kind.startsWith('parse')) {
      out = `${parseCase(name, (text) => (err += text))}\n`;
    } else {
      const flags = readFlags(name, kind === 'eval-fail' ? ['--eval', '--strict', '--show-trace'] : []);
      if (kind === 'eval-fail' && FETCHES.test(readFileSync(`${folder}/lang/${name}.nix`, 'latin1'))) return runWhole(name, flags);
      if (flags.includes('--no-show-trace')) showTrace = false;
      out = evalCase(name, flags, isXml, showTrace, (text) => (err += text));
    }
    return { status: 0, out, err };
  } catch (error) {
    if (!(error instanceof FloeError)) {
      return { status: 2, out, err: `${err}${String(error)}\n${(error as Error).stack ?? ''}\n` };
    }
    return { status: 1, out, err: err + printReport(error, 'error', showTrace) };
  }
}

function runWhole(name: string, flags: readonly string[]): Outcome {
  const floe = fileURLToPath(new URL('../../bin/floe', import.meta.url));
  const home = mkdtempSync(join(tmpdir(), 'lang-home-'));
  const env = { PATH: process.env['PATH'], HOME: home, NIX_REMOTE: join(home, 'root') };
  const words = ['nix-instantiate', ...flags, `lang/${name}.nix`];
  const { status, stdout, stderr } = spawnSync(floe, words, { cwd: folder, env, encoding: 'latin1' });
  rmSync(home, { recursive: true, force: true });
  return { status: status ?? 2, out: stdout, err: stderr };
}

/** Words of a flags file, quotes taken off as a shell would. */
function readFlags(name: string, fallback: readonly string[]): string[] {
  const file = `${folder}/lang/${name}.flags`;
  if (!existsSync(file)) return [...fallback];
  return readFileSync(file, 'utf8')
    .replace(/#.*/g, '')
    .split(/\s+/)
    .filter((word) => word !== '');
}

function parseCase(name: string, warn: (text: string) => void): string {
  const text = readFileSync(`${folder}/lang/${name}.nix`, 'latin1');
  const source = stdinSource(text);
  const globals = new Evaluator({ host: new DiskHost(), builtins: BUILTINS }).state.globalNames;
  const { root } = parse(source, { warn: ({ message }) => warn(`warning: ${message}\n`) });
  bind(root, source, globals);
  return printNode(root, (literal) => resolvePathLiteral(literal, { directory: folder, home: '/fake-home' }));
}

function evalCase(name: string, flags: readonly string[], isXml: boolean, showTrace: boolean, write: (text: string) => void): string {
  const option = (flag: string): string | undefined => (flags.includes(flag) ? flags[flags.indexOf(flag) + 1] : undefined);
  const paths = flags.flatMap((flag, i) => (flag === '-I' ? [flags[i + 1]!] : []));
  const absolute = (path: string): string => (path.startsWith('/') ? path : `${folder}/${path}`);
  const entry = (text: string): { prefix: string; path: string } => {
    const equals = text.indexOf('=');
    return { prefix: equals < 0 ? '' : text.slice(0, equals), path: absolute(text.slice(equals + 1)) };
  };
  const features = ['nix-command', 'flakes', ...(option('--extra-experimental-features') ?? '').split(' ')];
  const host = new DiskHost({
    env: { TEST_VAR: 'foo', HOME: '/fake-home', NIX_PATH: 'lang/dir3:lang/dir4' },
    constants: { nixPath: [...paths, 'lang/dir3', 'lang/dir4'].map(entry), experimentalFeatures: new Set(features) },
    log: (level, message, frames) => write(printLog(level, message, frames)),
  });
  const lint = (flag: string): Lint => (option(flag) as Lint | undefined) ?? 'ignore';
  const parseOptions: ParseOptions = {
    lintUrlLiterals: lint('--lint-url-literals'),
    lintShortPathLiterals: lint('--lint-short-path-literals'),
    lintAbsolutePathLiterals: lint('--lint-absolute-path-literals'),
  };
  const depth = option('--max-call-depth');
  const evaluator = new Evaluator({
    host,
    builtins: BUILTINS,
    settings: { showTrace, ...(depth === undefined ? {} : { maxCallDepth: Number(depth) }) },
    parse: parseOptions,
  });
  return evaluator.guard(() => {
    const { state } = evaluator;
    let value: Value = state.evalProgram(`${folder}/lang/${name}.nix`);
    value = autoCall(evaluator, value, autoArguments(evaluator, flags));
    const path = option('-A');
    if (path !== undefined) for (const part of path.split('.')) value = (value as Attrs).force(internSymbol(part))!;
    if (kindOfOutput(name, flags)) evaluator.forceDeep(value);
    if (isXml) {
      let text = '';
      writeValueAsXml(state, value, 0, new ContextAccumulator(), { strict: true, locations: false }, (piece) => (text += piece));
      return text;
    }
    return `${printAmbiguous(value)}\n`;
  });
}

/** What standard error gets; a byte string. */
function printLog(level: string, message: string, frames: readonly TraceFrame[]): string {
  if (level !== 'warn' || frames.length === 0) return `${level === 'warn' ? 'warning' : level}: ${message}\n`;
  const [place, ...rest] = frames;
  const warning = new FloeError('FLOE_WARNING', message, place?.text === '' ? { position: place.position } : {});
  warning.frames.push(...(place?.text === '' ? rest : frames));
  return printReport(warning, 'warning', true);
}

function printReport(error: FloeError, level: ErrorLevel, showTrace: boolean): string {
  return `${byteStringOf(bytesOfText(filterEscapes(printError(error, { showTrace, level }), true)))}\n`;
}

function kindOfOutput(name: string, flags: readonly string[]): boolean {
  return name.startsWith('eval-okay') || flags.includes('--strict');
}

function autoArguments(evaluator: Evaluator, flags: readonly string[]): Map<string, Slot> {
  const given = new Map<string, Slot>();
  for (let i = 0; i < flags.length; i++) {
    if (flags[i] === '--arg') given.set(flags[i + 1]!, evaluator.state.evalText(flags[i + 2]!, folder));
    if (flags[i] === '--argstr') given.set(flags[i + 1]!, flags[i + 2]!);
  }
  return given;
}

function autoCall(evaluator: Evaluator, value: Value, given: Map<string, Slot>): Value {
  if (!(value instanceof Lambda) || value.code.formals === null) return value;
  return evaluator.call(value, makeAttrs(given));
}
