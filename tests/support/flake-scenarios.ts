// Runs flake scenarios (tests/flake/lock-scenarios.ts): by floe over memory, or by a real Nix on disk. Both give the same record of
// each step: lock files afterwards, warnings, the error, and the JSON that was printed.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { byteStringToUtf8, utf8ToByteString } from '../../src/base/bytes.ts';
import { printJson } from '../../src/base/canonical-json.ts';
import { FloeError } from '../../src/base/errors.ts';
import { type Hash, hashBytes, printHash } from '../../src/base/hash.ts';
import { FlakeFetcher, type FlakeMachine } from '../../src/engine/lock-flake.ts';
import { makeFetchCache } from '../../src/fetch/fetch-cache.ts';
import { DEFAULT_FETCH_SETTINGS, type FetchedInput } from '../../src/fetch/fetcher.ts';
import { inputSourcePath } from '../../src/fetch/fetchers.ts';
import { listTree } from '../../src/fetch/source-tree.ts';
import { makePathResolver } from '../../src/flake/find.ts';
import { flakeMetadataJson } from '../../src/flake/metadata.ts';
import { lockedFlakeFingerprint, parseInputFlag } from '../../src/flake/lock.ts';
import { planLockFile } from '../../src/flake/lock-plan.ts';
import { memoryIo } from '../../src/io/memory.ts';
import { type FlakeRef, parseFlakeRef } from '../../src/model/flake-ref.ts';
import type { InputPath } from '../../src/model/lock-file.ts';
import type { Scenario } from '../flake/lock-scenarios.ts';

export interface StepRecord {
  readonly run: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly output?: unknown;
  /** Lock files that the step changed, by path; null for one that went away. */
  readonly locks?: Readonly<Record<string, string | null>>;
}

/** The same folder everywhere: its name is in flake.nix files, so hashes depend on it. */
export const SCENARIO_ROOT = '/tmp/floe-flake-scenarios';
const STORE = `${SCENARIO_ROOT}/store`;
const stored = new Map<string, { place: string; narHash: Hash }>();
const CLOCK_SECONDS = 1_700_000_000;

function fill(text: string): string {
  return text.replaceAll('ROOT', `${SCENARIO_ROOT}/work`);
}

/** Texts of messages without what differs by design: where a tree lies. */
function normalise(text: string): string {
  return text
    .replaceAll(/\/tmp\/floe-flake-scenarios\/store\/[0-9a-z]{32}-source/g, '@TREE@')
    .replaceAll(`'/${SCENARIO_ROOT}`, `'${SCENARIO_ROOT}`)
    .replaceAll(`${SCENARIO_ROOT}/work`, 'ROOT')
    .trimEnd();
}

function lockChanges(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): Record<string, string | null> | undefined {
  const changes: Record<string, string | null> = {};
  for (const [path, text] of after) if (before.get(path) !== text) changes[path] = normalise(text);
  for (const path of before.keys()) if (!after.has(path)) changes[path] = null;
  return Object.keys(changes).length > 0 ? changes : undefined;
}

function record(run: readonly string[], parts: Omit<StepRecord, 'run'>): StepRecord {
  return {
    run: run.join(' '),
    ...(parts.error !== undefined && { error: normalise(parts.error) }),
    ...(parts.warnings && parts.warnings.length > 0 && { warnings: parts.warnings.map(normalise) }),
    ...(parts.output !== undefined && { output: JSON.parse(normalise(JSON.stringify(parts.output))) as unknown }),
    ...(parts.locks && { locks: parts.locks }),
  };
}

// ---- floe

/** Runs a scenario with floe, nothing touching the disk. */
export async function runWithFloe(scenario: Scenario): Promise<StepRecord[]> {
  stored.clear();
  const io = memoryIo();
  const work = `${SCENARIO_ROOT}/work`;
  const write = (files: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(files)) {
      if (text.startsWith('-> ')) io.files.writeLink(`${work}/${path}`, text.slice(3));
      else io.files.write(`${work}/${path}`, utf8ToByteString(fill(text)), path.endsWith('.sh'));
    }
  };
  write(scenario.files);
  const records: StepRecord[] = [];
  for (const step of scenario.steps) {
    if ('write' in step) write(step.write);
    else if ('remove' in step) for (const path of step.remove) io.files.remove(`${work}/${path}`);
    else {
      const before = memoryLocks(io.files, work);
      const warnings: string[] = [];
      const parts = await runStep(io, step.run.map(fill), `${work}/${step.in ?? ''}`.replace(/\/$/, ''), warnings);
      records.push(
        record(step.run, { ...parts, warnings, locks: lockChanges(before, memoryLocks(io.files, work)) ?? undefined } as Omit<
          StepRecord,
          'run'
        >),
      );
    }
  }
  return records;
}

function memoryLocks(files: ReturnType<typeof memoryIo>['files'], folder: string): Map<string, string> {
  const locks = new Map<string, string>();
  const visit = (path: string) => {
    for (const { name, kind } of files.readDir(path)) {
      if (kind === 'directory') visit(`${path}/${name}`);
      else if (name.endsWith('.lock')) locks.set(`${path}/${name}`.slice(folder.length + 1), files.read(`${path}/${name}`));
    }
  };
  visit(folder);
  return locks;
}

async function runStep(
  io: ReturnType<typeof memoryIo>,
  words: readonly string[],
  cwd: string,
  warnings: string[],
): Promise<{ error?: string; output?: unknown }> {
  const warn = (message: string) => void warnings.push(byteStringToUtf8(message));
  const machine: FlakeMachine = {
    context: {
      io,
      cache: makeFetchCache(io.files, `${SCENARIO_ROOT}/cache`, () => io.now()),
      store: { storeDir: STORE, find: (path) => stored.get(path) },
      settings: DEFAULT_FETCH_SETTINGS,
      warn,
      baseDir: cwd,
    },
    registries: [],
    settings: { trustTarballsFromGitForges: true, allowDirtyLocks: false },
    lockFolder: `${SCENARIO_ROOT}/locks`,
    globals: { has: (name) => name !== 'undefinedName' },
    describe: (_, path) => `@TREE@${path}`,
  };
  const [command, ...rest] = words;
  const isUpdate = command === 'update';
  const refOf = (text: string, allowMissing = false) => {
    const probe = {
      kind: (path: string) => io.files.stat(path)?.kind,
      readLink: (path: string) => io.files.readLink(path),
      device: () => 1,
    };
    return parseFlakeRef(text, { paths: makePathResolver({ probe, baseDir: cwd, allowMissing, warn }), warn });
  };
  try {
    const overrides: { path: InputPath; ref: FlakeRef }[] = [];
    const updates: InputPath[] = [];
    let flake = '.';
    let outputPath: string | undefined;
    let reference: string | undefined;
    let write = true;
    let updating = true;
    while (rest.length > 0) {
      const word = rest.shift()!;
      if (word === '--override-input') {
        if (command === 'metadata') write = false;
        overrides.push({ path: parseInputFlag(rest.shift()!, word), ref: refOf(rest.shift()!, true) });
      } else if (word === '--output-lock-file') outputPath = rest.shift()!;
      else if (word === '--reference-lock-file') reference = rest.shift()!;
      else if (word === '--no-write-lock-file') write = false;
      else if (word === '--no-update-lock-file') updating = false;
      else if (!word.startsWith('--')) {
        if (isUpdate) updates.push(parseInputFlag(word, 'update'));
        else flake = word;
      }
    }
    const ref = refOf(flake);
    const fetcher = new FlakeFetcher(machine);
    const referenceLockFile = reference === undefined ? undefined : { text: io.files.read(reference), path: reference };
    const result = await fetcher.lock(ref, { recreate: isUpdate && updates.length === 0, overrides, updates, referenceLockFile });
    const flags = {
      update: updating,
      write,
      commit: false,
      outputPath,
      failOnUnlocked: command === 'lock',
      commitSummary: '',
      warnDirty: true,
    };
    const place = { sourcePath: inputSourcePath(ref.input, machine.context), exists: (path: string) => io.files.stat(path) !== undefined };
    const plan = planLockFile(result, flags, place, machine.settings, warn);
    if (plan.kind === 'write') io.files.write(plan.path, plan.text);
    // The real Nix has copied every input to its store by now.
    for (const { tree } of result.places.values()) copyTree(io, tree.fetched);
    const { top } = result;
    if (command !== 'metadata') return {};
    const fingerprint = lockedFlakeFingerprint(result, machine.settings);
    const json = flakeMetadataJson({
      top,
      lockFile: result.lockFile,
      path: `${STORE}/${top.tree.fetched.storePath}`,
      fingerprint: fingerprint === undefined ? undefined : printHash(hashBytes('sha256', fingerprint), 'base16'),
    });
    return { output: JSON.parse(byteStringToUtf8(printJson(json))) as unknown };
  } catch (error) {
    if (!(error instanceof FloeError)) throw error;
    return { error: byteStringToUtf8(error.message) };
  }
}

function copyTree(io: ReturnType<typeof memoryIo>, { tree, storePath, narHash }: FetchedInput): void {
  const place = `${STORE}/${storePath}`;
  if (io.files.stat(place)) return;
  for (const { path, kind } of listTree(tree)) {
    if (kind === 'symlink') io.files.writeLink(place + path, tree.readLink(path));
    else io.files.writeFileAtomic(place + path, tree.readBytes(path), { executable: tree.isExecutable(path) });
  }
  stored.set(storePath, { place, narHash });
}

// ---- a real Nix

/** Runs a scenario with the Nix that `oracle` (a command prefix) starts. */
export function runWithOracle(scenario: Scenario, oracle: string): StepRecord[] {
  fs.rmSync(SCENARIO_ROOT, { recursive: true, force: true });
  const work = `${SCENARIO_ROOT}/work`;
  const write = (files: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(files)) {
      const full = `${work}/${path}`;
      fs.mkdirSync(full.slice(0, full.lastIndexOf('/')), { recursive: true });
      if (text.startsWith('-> ')) fs.symlinkSync(text.slice(3), full);
      else fs.writeFileSync(full, fill(text), { mode: path.endsWith('.sh') ? 0o755 : 0o644 });
    }
  };
  write(scenario.files);
  const records: StepRecord[] = [];
  for (const step of scenario.steps) {
    if ('write' in step) write(step.write);
    else if ('remove' in step) for (const path of step.remove) fs.rmSync(`${work}/${path}`, { recursive: true });
    else {
      setTimes(work);
      const before = diskLocks(work);
      const result = spawnSync('/bin/sh', ['-c', `exec ${oracle} nix flake "$@"`, 'sh', ...step.run.map(fill)], {
        cwd: `${work}/${step.in ?? ''}`,
        encoding: 'utf8',
        env: {
          ...process.env,
          NIX_STORE_DIR: STORE,
          NIX_STATE_DIR: `${SCENARIO_ROOT}/var`,
          XDG_CACHE_HOME: `${SCENARIO_ROOT}/cache`,
          HOME: SCENARIO_ROOT,
        },
      });
      setTimes(work);
      records.push(
        record(step.run, { ...readNixOutput(result), locks: lockChanges(before, diskLocks(work)) ?? undefined } as Omit<StepRecord, 'run'>),
      );
    }
  }
  fs.rmSync(SCENARIO_ROOT, { recursive: true, force: true });
  return records;
}

function setTimes(path: string): void {
  if (fs.lstatSync(path).isDirectory()) for (const name of fs.readdirSync(path)) setTimes(`${path}/${name}`);
  fs.lutimesSync(path, CLOCK_SECONDS, CLOCK_SECONDS);
}

function diskLocks(folder: string): Map<string, string> {
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.lock'));
  return new Map(names.map((name) => [name, fs.readFileSync(`${folder}/${name}`, 'latin1')]));
}

/** What Nix printed (or floe in its way), taken apart: warnings with the lines that belong to them, and the last error. */
export function readNixOutput({ status, stdout, stderr }: { status: number | null; stdout: string; stderr: string }): {
  error?: string;
  warnings: string[];
  output?: unknown;
} {
  const warnings: string[] = [];
  let error: string | undefined;
  let target: 'warning' | 'error' | undefined;
  for (const line of stderr.replaceAll(/\u001b\[[0-9;]*m/g, '').split('\n')) {
    const head = /^\s*(warning|error): ?(.*)$/.exec(line);
    if (head) {
      target = head[1] as 'warning' | 'error';
      if (target === 'warning') warnings.push(head[2]!);
      else error = head[2]!;
      if (/^(Invalid flake input|ignoring untrusted)/.test(head[2]!)) warnings.pop();
    } else if (target === 'warning' && /^(•| {2,4}\S)/.test(line)) warnings[warnings.length - 1] += `\n${line}`;
    else target = undefined;
  }
  const failed = status !== 0;
  return {
    ...(failed && { error: error ?? `exit ${status}` }),
    warnings,
    ...(!failed && stdout.trim() !== '' && { output: JSON.parse(stdout) as unknown }),
  };
}
