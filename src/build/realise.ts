// The entry to building: derived paths become valid outputs, by being there, by substitution, or by building. Everything a run shares
// (limits, the sandbox, mirrors) is put together here.

import { BuildError, FloeError } from '../base/errors.ts';
import { byteStringToUtf8, compareStrings, utf8ToByteString } from '../base/bytes.ts';
import { type Progress, SILENT } from '../base/progress.ts';
import type { Io } from '../io/io.ts';
import { type BuildSuccessStatus, exitStatusOf } from '../model/build-result.ts';
import type { Derivation } from '../model/derivation.ts';
import { baseDerivation, type DerivedPath, printDerivedPath } from '../model/derived-path.ts';
import type { PathInfo } from '../model/path-info.ts';
import type { Realisation } from '../model/realisation.ts';
import { type StorePath, storePathName } from '../model/store-path.ts';
import type { LocalStore } from '../store/local/local-store.ts';
import { AutoGc } from './auto-gc.ts';
import { ContentChecks } from './content-checks.ts';
import { optionsOfDerivation } from './derivation-options.ts';
import { outputPathOf } from './local-build.ts';
import { LocalBuilder } from './local-builder.ts';
import { makeMirrorResolver, type MirrorResolver } from './mirrors.ts';
import type { BuildMode } from './outputs.ts';
import { makePlan, type Plan, type PlanSource } from './plan.ts';
import type { RemoteBuilder } from './remote-builder.ts';
import { RunProgress } from './run-progress.ts';
import { SandboxChooser } from './sandbox/choose.ts';
import { printFailure } from './failure-text.ts';
import { type GoalOutcome, printRequest, Scheduler } from './scheduler.ts';
import type { BuildSettings } from './settings.ts';
import { Slots } from './slots.ts';
import type { Substituter } from './substituter.ts';

export interface RealiseOptions {
  readonly store: LocalStore;
  readonly settings: BuildSettings;
  readonly io: Io;
  readonly progress?: Progress | undefined;
  /** Derivations that are known without reading them from the store, where they must still lie when they are built. */
  readonly derivation?: ((path: StorePath) => Derivation | undefined) | undefined;
  /** Copies here what of these sources lies in another store, that of evaluation. */
  readonly bringSources?: ((paths: readonly StorePath[]) => Promise<void>) | undefined;
  readonly substituter?: Substituter | undefined;
  /** Other machines that build; none unless said. */
  readonly remote?: RemoteBuilder | undefined;
  /** Resolves `mirror://`; the machine's own mirrors unless said. */
  readonly mirrors?: MirrorResolver | undefined;
  /** Adds signatures by this machine's keys to what was built. */
  readonly sign?: ((info: PathInfo) => PathInfo) | undefined;
  readonly signRealisation?: ((realisation: Realisation) => Realisation) | undefined;
  /** Ends everything: builders are killed, downloads given up. */
  readonly signal?: AbortSignal | undefined;
  /** For what was asked for, not for its inputs. */
  readonly mode?: BuildMode | undefined;
}

/** What became of one request. */
export type Realised =
  | {
      readonly request: DerivedPath;
      readonly success: true;
      readonly status: BuildSuccessStatus;
      /** Output name -> path; empty for a plain path. */
      readonly outputs: ReadonlyMap<string, StorePath>;
    }
  | { readonly request: DerivedPath; readonly success: false; readonly error: BuildError };

export interface RealiseResult {
  /** In the order of the requests; without those that were cancelled because another failed. */
  readonly results: readonly Realised[];
  readonly cancelled: readonly DerivedPath[];
  /** The exit status that C++ Nix's older commands have after such failures (100 to 104 or 1); 0 where nothing failed. */
  readonly exitStatus: number;
}

const NEVER = new AbortController().signal;

/** The facts a plan is made from, taken from a store. */
export function planSource(options: Pick<RealiseOptions, 'store' | 'settings' | 'derivation' | 'substituter'>): PlanSource {
  const { store, settings, substituter } = options;
  const known = new Map<StorePath, Derivation>();
  const substitutes = substituter !== undefined && settings.substitute;
  const read = (path: StorePath): Derivation | undefined => {
    const derivation = options.derivation?.(path) ?? known.get(path);
    if (derivation !== undefined || !store.isValidPathSync(path)) return derivation;
    const stored = store.readDerivationSync(path);
    known.set(path, stored);
    return stored;
  };
  return {
    readDerivation(path) {
      const derivation = read(path);
      for (const output of derivation?.outputs.values() ?? [])
        if (output.kind === 'fixed') substituter?.noteAddress?.(output.path, output.address);
      return derivation;
    },
    validPaths: (paths) => store.queryValidPaths(paths),
    substitutable: substitutes ? (paths) => substituter.query(paths) : undefined,
    outputPath: (derivation, name) => outputPathOf(store, derivation, name),
    async realisedElsewhere(derivation, name) {
      const { realisations } = store;
      if (!substitutes || realisations === undefined || derivation.outputs.get(name)?.kind === 'impure') return undefined;
      return (await substituter.queryRealisation?.(realisations.idOf(derivation, name)))?.path;
    },
    mayBeSubstituted: (derivation, path) =>
      settings.alwaysAllowSubstitutes || optionsOfDerivation(path, derivation, store.storeDir).allowSubstitutes,
  };
}

/** What realising would do (`--dry-run`). */
export function planRealisation(
  requests: readonly DerivedPath[],
  options: Pick<RealiseOptions, 'store' | 'settings' | 'derivation' | 'substituter'>,
): Promise<Plan> {
  return makePlan(requests, planSource(options));
}

/** The mirrors this machine is configured with, for `mirrors-debian` and `mirrors-npm` that are empty. */
export function machineMirrors(io: Io, settings: { readonly debian: readonly string[]; readonly npm: readonly string[] }): MirrorResolver {
  const attempt = <T>(action: () => T): T | undefined => {
    try {
      return action();
    } catch (error) {
      if (error instanceof FloeError) return undefined;
      throw error;
    }
  };
  return makeMirrorResolver(settings, {
    env: io.env,
    readFile: (path) => attempt(() => Buffer.from(io.files.readFile(utf8ToByteString(path))).toString('utf8')),
    listFolder: (path) => (attempt(() => io.files.readDir(utf8ToByteString(path))) ?? []).map(({ name }) => byteStringToUtf8(name)).sort(),
  });
}

/**
 * Makes all requested outputs valid. Failed builds are in the result; other errors (an interrupt, a full disk) are thrown, after
 * everything under way has ended.
 */
export async function tryRealise(requests: readonly DerivedPath[], options: RealiseOptions): Promise<RealiseResult> {
  const { store, settings, io, substituter } = options;
  const progress = options.progress ?? SILENT;
  const signal = options.signal ?? NEVER;
  const derivation = options.derivation ?? (() => undefined);
  await protect(requests, options);
  const contents = new ContentChecks(store, progress);
  const counts = new RunProgress(progress);
  const builder = new LocalBuilder({
    store,
    settings,
    progress,
    sandboxes: new SandboxChooser(settings, io.env['PATH'] ?? '', (message) => progress.log('warn', message)),
    fetching: {
      net: io.net,
      download: settings,
      mirrors: options.mirrors ?? machineMirrors(io, { debian: [], npm: [] }),
      hashedMirrors: settings.hashedMirrors,
    },
    env: (name) => {
      const value = io.env[name];
      return value === undefined ? undefined : utf8ToByteString(value);
    },
    sign: options.sign ?? ((info) => info),
    signRealisation: options.signRealisation ?? ((realisation) => realisation),
    contents,
    counts,
    hookEnv: io.env,
    remote: options.remote,
    slots: { builds: new Slots(settings.maxJobs), downloads: new Slots(settings.maxDownloads) },
    derivation,
  });
  const substitutionSlots = new Slots(settings.maxSubstitutionJobs);
  const scheduler = new Scheduler({
    store,
    settings,
    progress,
    builder,
    substituter,
    substitutionSlots,
    contents,
    counts,
    signRealisation: options.signRealisation ?? ((realisation) => realisation),
    derivation,
    bringSources: options.bringSources,
    signal,
  });
  const autoGc = settings.autoGc === undefined ? undefined : new AutoGc(store, settings.autoGc, progress);
  autoGc?.start();
  const reached = new Map<DerivedPath, Promise<GoalOutcome>>();
  for (const request of inOrderOfNames(requests)) reached.set(request, scheduler.reach(request, options.mode ?? 'normal'));
  const settled = await Promise.allSettled(requests.map((request) => reached.get(request)!));
  await autoGc?.stop();
  counts.stop();
  if (signal.aborted) throw new FloeError('FLOE_INTERRUPTED', 'interrupted by the user');
  const cancelled: DerivedPath[] = [];
  const results = settled.flatMap((each, index) => {
    if (each.status === 'rejected') throw each.reason;
    if (each.value.kind === 'cancelled') cancelled.push(requests[index]!);
    return resultOf(requests[index]!, each.value, scheduler);
  });
  const anyFailed = results.some(({ success }) => !success);
  return { results, cancelled, exitStatus: anyFailed ? exitStatusOf(scheduler.failures) : 0 };
}

/** What has to be there before the request can be reached. */
function basePath(request: DerivedPath): StorePath {
  return request.kind === 'opaque' ? request.path : baseDerivation(request.derivation);
}

/** The order in which C++ Nix begins: by name. */
function inOrderOfNames(requests: readonly DerivedPath[]): DerivedPath[] {
  const name = (request: DerivedPath): string => storePathName(basePath(request));
  return [...requests].sort((a, b) => compareStrings(name(a), name(b)));
}

function resultOf(request: DerivedPath, outcome: GoalOutcome, scheduler: Scheduler): Realised[] {
  if (outcome.kind === 'cancelled') return [];
  if (outcome.kind !== 'reached') return [{ request, success: false, error: outcome.error }];
  return [{ request, success: true, status: outcome.status, outputs: scheduler.outputsOf(request) }];
}

/** Keeps collectors from everything that may be used or made, all in one go: derivations, their outputs and what is asked for. */
async function protect(requests: readonly DerivedPath[], options: RealiseOptions): Promise<void> {
  const source = planSource(options);
  const roots = new Set<StorePath>();
  const todo = requests.map(basePath);
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    if (roots.has(path)) continue;
    roots.add(path);
    const derivation = path.endsWith('.drv') ? source.readDerivation(path) : undefined;
    if (derivation === undefined) continue;
    const outputs = [...derivation.outputs.values()].flatMap((output) => ('path' in output ? [output.path] : []));
    for (const output of outputs) roots.add(output);
    // What is valid keeps its own closure alive.
    if (outputs.length > 0 && outputs.every((output) => options.store.isValidPathSync(output))) continue;
    todo.push(...derivation.inputDerivations.keys());
  }
  await options.store.addTempRoots(roots);
}

/** As tryRealise; but failed builds are thrown, as C++ Nix's commands report them. */
export async function realise(requests: readonly DerivedPath[], options: RealiseOptions): Promise<RealiseResult> {
  const result = await tryRealise(requests, options);
  throwFailuresOlder(result, options.store.storeDir, options.progress ?? SILENT);
  return result;
}

/** Throws where a request failed: the failure itself where there is one, otherwise all are logged and their requests named. */
export function throwFailures(result: RealiseResult, storeDir: string, progress: Progress): void {
  const failures = result.results.flatMap((one) => (one.success ? [] : [one]));
  if (failures.length === 0) return;
  if (failures.length === 1) throw withStatus(failures[0]!.error, result.exitStatus);
  for (const { error } of failures) progress.log('error', printFailure(error));
  throw failuresOf(
    failures.map(({ request }) => printDerivedPath(request, storeDir)),
    result.exitStatus,
  );
}

/**
 * The same as the older commands have it: derivations are named without their outputs, and what was cancelled counts as failed, with an
 * empty message. libstore/build/entry-points.cc, buildPaths.
 */
export function throwFailuresOlder(result: RealiseResult, storeDir: string, progress: Progress): void {
  const unreached = [
    ...result.results.flatMap((one) => (one.success ? [] : [{ request: one.request, error: one.error }])),
    ...result.cancelled.map((request) => ({ request, error: undefined })),
  ].sort((a, b) => compareStrings(orderOf(a.request, storeDir), orderOf(b.request, storeDir)));
  const [first, ...others] = unreached;
  if (first === undefined) return;
  const log = (error: BuildError | undefined) => progress.log('error', error === undefined ? '' : printFailure(error));
  for (const { error } of others) log(error);
  const names = unreached.map(({ request }) => printRequest(request, storeDir));
  if (new Set(names).size === 1 && first.error !== undefined) throw withStatus(first.error, result.exitStatus);
  log(first.error);
  throw failuresOf(names, result.exitStatus);
}

/** Requests in this order of texts are in the order of C++ Nix's goals. */
function orderOf(request: DerivedPath, storeDir: string): string {
  return `${request.kind === 'opaque' ? 'a' : 'da'}$${storePathName(basePath(request))}$${printDerivedPath(request, storeDir)}`;
}

function withStatus(error: BuildError, exitCode: number): BuildError {
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new BuildError(error.status, error.message, { exitCode, data: error.data, cause: error, ...hint });
}

function failuresOf(names: readonly string[], exitCode: number): BuildError {
  const list = [...new Set(names)].sort().map((name) => `'${name}'`);
  return new BuildError('MiscFailure', `build of ${list.join(', ')} failed`, { exitCode });
}
