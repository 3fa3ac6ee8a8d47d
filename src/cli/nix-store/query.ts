// `nix-store --query`, `--read-log`, `--print-env`, `--check-validity`: what the store says about paths.

import { bytesOf, utf8ToByteString } from '../../base/bytes.ts';
import { FloeError, UsageError } from '../../base/errors.ts';
import { readLogIn } from '../../engine/kept-logs.ts';
import { printHash } from '../../base/hash.ts';
import { STRUCTURED_ATTRS_VARIABLE } from '../../model/derivation-json.ts';
import { isDerivationPath, parseStorePath, type StorePath } from '../../model/store-path.ts';
import type { OperationRun } from './operation.ts';
import { realisePath } from './realise.ts';

const QUERIES: Readonly<Record<string, string>> = {
  '--outputs': 'outputs',
  '--requisites': 'requisites',
  '-R': 'requisites',
  '--references': 'references',
  '--referrers': 'referrers',
  '--referers': 'referrers',
  '--referrers-closure': 'referrers-closure',
  '--referers-closure': 'referrers-closure',
  '--deriver': 'deriver',
  '-d': 'deriver',
  '--valid-derivers': 'valid-derivers',
  '--binding': 'binding',
  '-b': 'binding',
  '--hash': 'hash',
  '--size': 'size',
  '--tree': 'tree',
  '--graph': 'graph',
  '--graphml': 'graphml',
  '--resolve': 'resolve',
  '--roots': 'roots',
};
const SWITCHES: Readonly<Record<string, keyof Switches>> = {
  '--use-output': 'useOutput',
  '-u': 'useOutput',
  '--force-realise': 'forceRealise',
  '--force-realize': 'forceRealise',
  '-f': 'forceRealise',
  '--include-outputs': 'includeOutputs',
};

interface Switches {
  useOutput: boolean;
  forceRealise: boolean;
  includeOutputs: boolean;
}

interface Question extends Switches {
  readonly query: string;
  /** What `--binding` asks for. */
  readonly binding: string;
  readonly args: readonly string[];
}

function readQuestion(run: OperationRun): Question {
  const switches: Switches = { useOutput: false, forceRealise: false, includeOutputs: false };
  const args = [...run.args];
  let query: string | undefined;
  let binding = '';
  for (const flag of run.flags) {
    const asked = QUERIES[flag];
    const named = SWITCHES[flag];
    if (named !== undefined) switches[named] = true;
    else if (asked === undefined) throw new UsageError(`unknown flag '${flag}'`);
    else {
      if (query !== undefined && query !== asked) throw new UsageError(`query type '${flag}' conflicts with earlier flag`);
      query = asked;
      if (asked === 'binding') {
        if (args.length === 0) throw new UsageError('expected binding name');
        binding = args.shift()!;
      }
    }
  }
  return { ...switches, query: query ?? 'outputs', binding, args };
}

/** The paths a query is about: those named, or (with --use-output) the outputs of derivations among them. */
async function subjects(run: OperationRun, { args, forceRealise }: Question, useOutput: boolean): Promise<StorePath[][]> {
  const found: StorePath[][] = [];
  for (const arg of args) {
    const path = run.queries.resolve(arg);
    if (forceRealise) await realisePath(run, path, [], true);
    found.push(useOutput && isDerivationPath(path) ? await run.queries.outputsOf(path) : [path]);
  }
  return found;
}

/** `nix-store --query`. */
export async function query(run: OperationRun): Promise<void> {
  const question = readQuestion(run);
  const { queries, engine } = run;
  const printPath = (path: StorePath): void => run.print(`${engine.storeDir}/${path}`);
  const paths = async (useOutput = question.useOutput) => (await subjects(run, question, useOutput)).flat();
  switch (question.query) {
    case 'outputs':
      return (await paths(true)).forEach(printPath);
    case 'requisites':
    case 'references':
    case 'referrers':
    case 'referrers-closure':
      return queries.sorted(await related(run, question.query, await paths(), question.includeOutputs)).forEach(printPath);
    case 'deriver':
      for (const arg of question.args) {
        const { deriver } = queries.info(queries.resolve(arg));
        run.print(deriver === undefined ? 'unknown-deriver' : `${engine.storeDir}/${deriver}`);
      }
      return;
    case 'valid-derivers': {
      const derivers = await Promise.all(question.args.map((arg) => run.store.queryValidDerivers(queries.resolve(arg))));
      return queries.sorted(derivers.flat()).forEach(printPath);
    }
    case 'binding':
      for (const arg of question.args) await printBinding(run, queries.deriverOf(queries.resolve(arg)), question.binding);
      return;
    case 'hash':
      return (await paths()).forEach((path) => run.print(printHash(queries.info(path).narHash, 'nix32', true)));
    case 'size':
      return (await paths()).forEach((path) => run.print(String(queries.info(path).narSize)));
    case 'tree': {
      const done = new Set<StorePath>();
      for (const arg of question.args) for (const line of queries.treeLines(queries.resolve(arg), done)) run.print(line);
      return;
    }
    case 'graph':
      return run.write(queries.dotGraph(await paths()));
    case 'graphml':
      return run.write(queries.graphMl(await paths()));
    case 'resolve':
      return question.args.forEach((arg) => printPath(queries.resolve(arg)));
    case 'roots':
      for (const { link, target } of await queries.rootsOf(await paths())) run.write(bytesOf(`${link} -> ${engine.storeDir}/${target}\n`));
  }
}

async function related(
  { queries, store }: OperationRun,
  query: string,
  paths: readonly StorePath[],
  outputs: boolean,
): Promise<Set<StorePath>> {
  if (query === 'requisites') return queries.closure(paths, { outputs });
  if (query === 'referrers-closure') return queries.closure(paths, { referrers: true });
  if (query === 'references') return new Set(paths.flatMap((path) => queries.info(path).references));
  return new Set((await Promise.all(paths.map((path) => store.queryReferrers(path)))).flat());
}

async function printBinding(run: OperationRun, path: StorePath, name: string): Promise<void> {
  const value = (await run.queries.derivation(path)).env.get(utf8ToByteString(name));
  if (value === undefined || name === STRUCTURED_ATTRS_VARIABLE) {
    throw new FloeError('FLOE_NO_BINDING', `derivation '${run.engine.storeDir}/${path}' has no environment binding named '${name}'`);
  }
  run.write(bytesOf(`${value}\n`));
}

/** A word that a shell reads as that text. */
function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** `nix-store --print-env`. */
export async function printEnv(run: OperationRun): Promise<void> {
  run.refuseFlags();
  if (run.args.length !== 1) throw new UsageError("'--print-env' requires one derivation store path");
  const { env, args } = await run.queries.derivation(parseStorePath(run.args[0]!, run.engine.storeDir));
  // NIX: an empty line follows each variable (2.34.8).
  for (const [name, value] of env) {
    if (name !== STRUCTURED_ATTRS_VARIABLE) run.write(bytesOf(`export ${name}; ${name}=${quoteForShell(value)}\n\n`));
  }
  run.write(bytesOf(`export _args; _args=${quoteForShell(args.join(' '))}\n`));
}

/** `nix-store --read-log`. */
export async function readLog(run: OperationRun): Promise<void> {
  run.refuseFlags();
  for (const arg of run.args) {
    const path = run.queries.resolve(arg);
    const log = await readLogIn(run.store, path);
    if (log === undefined) throw new FloeError('FLOE_NO_LOG', `build log of derivation '${run.engine.storeDir}/${path}' is not available`);
    run.write(log);
  }
}

/** `nix-store --check-validity`. */
export async function checkValidity(run: OperationRun): Promise<void> {
  const flags = run.readFlags('--print-invalid');
  for (const arg of run.args) {
    const path = run.queries.resolve(arg);
    if (run.store.isValidPathSync(path)) continue;
    if (!flags.has('--print-invalid')) run.queries.info(path);
    run.print(`${run.engine.storeDir}/${path}`);
  }
}
