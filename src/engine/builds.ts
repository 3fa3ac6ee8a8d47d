// Building for an engine: what evaluation left pending is written, derived paths become outputs, links and profiles point at them.

import * as fs from 'node:fs';
import { byteStringOf, utf8ToByteString } from '../base/bytes.ts';
import { type Json, printJson } from '../base/canonical-json.ts';
import { FloeError, InvalidPathError, UsageError } from '../base/errors.ts';
import type { LogLevel } from '../base/progress.ts';
import type { FetchingSettings } from '../build/download-file.ts';
import type { BuildMode } from '../build/outputs.ts';
import { type Plan, printPlan } from '../build/plan.ts';
import type { RealiseOptions, RealiseResult } from '../build/realise.ts';
import type { RemoteBuilder } from '../build/remote-builder.ts';
import type { ExternalBuilder } from '../build/sandbox/external.ts';
import type { SandboxPath } from '../build/sandbox/sandbox.ts';
import type { BuildSettings } from '../build/settings.ts';
import type { Substituter } from '../build/substituter.ts';
import { nodeIo } from '../io/node.ts';
import { type Derivation, derivationReferences } from '../model/derivation.ts';
import {
  baseDerivation,
  type DerivationRef,
  type DerivedPath,
  outputPlaceholder,
  outputsSpecContains,
  parseDerivedPath,
  printDerivationRef,
} from '../model/derived-path.ts';
import { parseSecretKey } from '../model/signature.ts';
import { isDerivationPath, type StorePath } from '../model/store-path.ts';
import type { SubstitutablePath } from '../model/worker-protocol.ts';
import { updateProfile } from '../profile/profile.ts';
import { StoreStand } from '../store/local/store-stand.ts';
import { DaemonStore } from '../store/local/daemon-store.ts';
import { indirectRootPlace } from '../store/local/roots.ts';
import { type CacheBuildOptions, planInCache, realiseInCache } from './cache-builds.ts';
import type { RealisedOutput } from './copy-paths.ts';
import { planThroughDaemon, realiseThroughDaemon } from './daemon-builds.ts';
import type { Engine } from './engine.ts';
import { statOf } from './reads.ts';
import { StoreQueries } from './store-queries.ts';
import { makeSubstituter } from './substituters.ts';

/** What a derived path became. */
export interface BuiltPath {
  readonly path: DerivedPath;
  /** Output name -> store path; a plain path stands under "". */
  readonly outputs: ReadonlyMap<string, StorePath>;
}

/** What evaluation gets of what was built for it. */
export interface RealisedForEvaluation {
  /** What it may read. */
  readonly readable: readonly StorePath[];
  readonly placeholders: readonly (readonly [placeholder: string, path: string])[];
  /** Something was built or fetched for it, in this run. */
  readonly hasWorked: boolean;
}

/** PERF: the room that builds is loaded when something is planned or built; evaluation alone never pays for it. */
const loadRealise = () => import('../build/realise.ts');

/** The value of `external-builders`. UsageError where it has another form. */
function readExternalBuilders(value: readonly unknown[]): ExternalBuilder[] {
  const isTexts = (list: unknown): list is string[] => Array.isArray(list) && list.every((one) => typeof one === 'string');
  return value.map((one) => {
    const { systems, program, args } = (one ?? {}) as { systems?: unknown; program?: unknown; args?: unknown };
    if (isTexts(systems) && typeof program === 'string' && isTexts(args)) return { systems, program, args };
    throw new UsageError(`setting 'external-builders' must be a list of objects with 'systems', 'program' and 'args'`);
  });
}

export class Builds {
  private readonly engine: Engine;
  /** Whether anything was built or fetched. */
  private hasWorked = false;
  /** What was built in this run. */
  private readonly made = new Map<StorePath, ReadonlyMap<string, StorePath>>();
  private remote: { readonly made: RemoteBuilder | undefined } | undefined;
  /** Made with the first plan, and kept: it remembers what caches said. */
  private substituter: { readonly made: Substituter | undefined } | undefined;

  /** Derivations to build that neither evaluation nor the store has: clients on other machines sent them. */
  readonly given = new Map<StorePath, Derivation>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Writes what these paths need of what evaluation produced. */
  flush(paths: readonly DerivedPath[]): void {
    this.engine.pendingHost?.flush(paths.map((path) => (path.kind === 'built' ? baseDerivation(path.derivation) : path.path)));
  }

  /** Writes what evaluation has produced and what printed values refer to: what `nix eval` and `nix-instantiate` leave in the store. */
  flushAll(): void {
    const host = this.engine.pendingHost;
    if (this.engine.readOnly || host === undefined) return;
    host.flush([...host.pendingObjects(), ...this.engine.printing.printedPaths(), ...this.engine.producedBefore(host)]);
  }

  /** Whether a cache has that path. */
  async canSubstitute(path: StorePath): Promise<boolean> {
    return (await this.substitutable([path])).length > 0;
  }

  /** What substituters have of these paths. */
  async substitutable(paths: readonly StorePath[]): Promise<SubstitutablePath[]> {
    const { store } = this.engine;
    if (store instanceof DaemonStore) return store.querySubstitutablePathInfos(paths);
    const substituter = this.substituterHere();
    const found = substituter === undefined ? [] : await substituter.query(paths);
    return [...found].map(([path, info]) => ({ path, deriver: undefined, ...info }));
  }

  /** Those that caches have which may be asked for many paths at once. */
  async substitutablePaths(paths: readonly StorePath[]): Promise<ReadonlySet<StorePath>> {
    const { store } = this.engine;
    if (store instanceof DaemonStore) return new Set((await store.querySubstitutablePathInfos(paths)).map(({ path }) => path));
    return (await this.substituterHere()?.queryMany?.(paths)) ?? new Set();
  }

  /** What downloads of single files go by. */
  async fetching(): Promise<FetchingSettings> {
    const { settings, io, mirrors } = await this.surroundings();
    return { net: io.net, download: settings, mirrors, hashedMirrors: settings.hashedMirrors };
  }

  private async surroundings(): Promise<Pick<RealiseOptions, 'settings' | 'io'> & Pick<FetchingSettings, 'mirrors'>> {
    const { machineMirrors } = await loadRealise();
    const { settings } = this.engine;
    const io = nodeIo();
    const mirrors = machineMirrors(io, { debian: settings.get('mirrors-debian'), npm: settings.get('mirrors-npm') });
    return { settings: this.buildSettings(), io, mirrors };
  }

  private async options(mode?: BuildMode, signal?: AbortSignal): Promise<RealiseOptions> {
    const { engine } = this;
    return {
      ...(await this.surroundings()),
      store: engine.localStore('building here'),
      remote: await this.machines(),
      progress: engine.progress,
      derivation: (path) => this.given.get(path) ?? engine.pendingHost?.readDerivation(path) ?? this.evaluatedElsewhere(path),
      bringSources: engine.evalStore === engine.store ? undefined : (paths) => this.bringSources(paths),
      substituter: this.substituterHere(),
      ...(await this.signers()),
      signal,
      mode,
    };
  }

  private substituterHere(): Substituter | undefined {
    return (this.substituter ??= { made: makeSubstituter(this.engine) }).made;
  }

  private cacheOptions(store: StoreStand): CacheBuildOptions {
    const { engine } = this;
    return {
      engine,
      store,
      readDerivation: (path) => this.findDerivation(path),
      substituter: engine.settings.get('substitute') ? this.substituterHere() : undefined,
    };
  }

  /** A derivation in a store of evaluation that is not the one that builds. */
  private evaluatedElsewhere(path: StorePath): Derivation | undefined {
    const { evalStore, store } = this.engine;
    return evalStore !== store && evalStore.isValidPathSync(path) ? evalStore.readDerivationSync(path) : undefined;
  }

  /** Copies what the store of evaluation has of these, with everything they refer to, to where they are built with. */
  private async bringSources(paths: readonly StorePath[]): Promise<void> {
    const { evalStore, store } = this.engine;
    const { copyClosure } = await import('./copy-paths.ts');
    await copyClosure(this.engine, evalStore, store, await evalStore.queryValidPaths(paths));
  }

  /** PERF: what reaches other machines is loaded where the setting may name one. */
  private async machines(): Promise<RemoteBuilder | undefined> {
    const builders = this.engine.settings.get('builders');
    if (builders === '' || (builders.startsWith('@') && !builders.includes('\n') && !fs.existsSync(builders.slice(1)))) return undefined;
    const { makeRemoteBuilder } = await import('./remote-machines.ts');
    return (this.remote ??= { made: makeRemoteBuilder(this.engine) }).made;
  }

  /** Signs with the keys of `secret-key-files`. */
  private async signers(): Promise<Pick<RealiseOptions, 'sign' | 'signRealisation'>> {
    const files = this.engine.settings.get('secret-key-files');
    if (files.length === 0) return {};
    const { signPath, signRealisation } = await import('../model/signing.ts');
    const keys = files.map((file) => parseSecretKey(fs.readFileSync(file, 'utf8')));
    return {
      sign: (info) => keys.reduce((signed, key) => signPath(signed, key, this.engine.storeDir), info),
      signRealisation: (realisation) => keys.reduce(signRealisation, realisation),
    };
  }

  private buildSettings(): BuildSettings {
    const { settings, childStackLimit } = this.engine;
    const sandbox = settings.get('sandbox');
    const netrc = settings.get('netrc-file');
    return {
      maxJobs: Number(settings.maxJobs),
      cores: Number(settings.get('cores')),
      keepGoing: settings.get('keep-going'),
      keepFailed: settings.get('keep-failed'),
      keepBuildLog: settings.get('keep-build-log'),
      maxSilentTimeS: Number(settings.get('max-silent-time')),
      timeoutS: Number(settings.get('timeout')),
      maxBuildLogSize: Number(settings.get('max-build-log-size')),
      logLines: Number(settings.get('log-lines')),
      showsLogs: this.engine.showsLogs,
      logCommand: 'nix log',
      fallback: settings.get('fallback'),
      impureDerivations: settings.hasFeature('impure-derivations'),
      substitute: settings.get('substitute'),
      alwaysAllowSubstitutes: settings.get('always-allow-substitutes'),
      maxSubstitutionJobs: Number(settings.get('max-substitution-jobs')),
      maxDownloads: Number(settings.get('http-connections')) || 64,
      system: settings.get('system'),
      extraPlatforms: [...settings.get('extra-platforms')],
      systemFeatures: [
        ...(this.engine.storeAccess.placement.systemFeatures ?? settings.get('system-features')),
        ...(settings.hasFeature('ca-derivations') ? ['ca-derivations'] : []),
      ],
      sandboxPaths: Object.entries(settings.get('sandbox-paths')).map(([target, { source, optional }]) => ({
        target: utf8ToByteString(target),
        source: utf8ToByteString(source),
        optional,
      })),
      buildDir: settings.get('build-dir'),
      impureEnv: new Map(
        Object.entries(settings.get('impure-env')).map(([name, value]) => [utf8ToByteString(name), utf8ToByteString(String(value))]),
      ),
      hashedMirrors: settings.get('hashed-mirrors'),
      allowedImpureHostDeps: [...settings.get('allowed-impure-host-deps')].map(utf8ToByteString),
      preBuildHook: settings.get('pre-build-hook'),
      postBuildHook: settings.get('post-build-hook'),
      autoGc: {
        minFree: Number(settings.get('min-free')),
        maxFree: Number(settings.get('max-free')),
        checkIntervalS: Number(settings.get('min-free-check-interval')),
        keepOutputs: settings.get('keep-outputs'),
        keepDerivations: settings.get('keep-derivations'),
        freeSpaceFile: this.engine.env['_NIX_TEST_FREE_SPACE_FILE'],
      },
      externalBuilders: settings.hasFeature('external-builders') ? readExternalBuilders(settings.get('external-builders')) : undefined,
      diffHook: settings.get('run-diff-hook') ? settings.get('diff-hook') : undefined,
      sandbox: sandbox === 'relaxed' ? 'relaxed' : sandbox ? 'true' : 'false',
      sandboxFallback: settings.isOverridden('sandbox') && sandbox === true ? false : settings.get('sandbox-fallback'),
      requireDropGroups: settings.get('require-drop-supplementary-groups'),
      bubblewrap: undefined,
      sandboxBuildDir: settings.get('sandbox-build-dir'),
      sandboxShmSize: settings.get('sandbox-dev-shm-size'),
      filterSyscalls: settings.get('filter-syscalls'),
      allowNewPrivileges: settings.get('allow-new-privileges'),
      impersonateLinux26: settings.get('impersonate-linux-26'),
      sslCertFile: settings.get('ssl-cert-file'),
      childStackLimit,
      downloadAttempts: Number(settings.get('download-attempts')),
      connectTimeoutS: Number(settings.get('connect-timeout')),
      stalledDownloadTimeoutS: Number(settings.get('stalled-download-timeout')),
      netrc: fs.existsSync(netrc) ? byteStringOf(fs.readFileSync(netrc)) : '',
    };
  }

  /**
   * Makes all of it valid, after saying what that takes. Throws BuildError, where several things failed by their derivations with the
   * outputs; with `older` as the older commands do it.
   */
  async build(
    paths: readonly DerivedPath[],
    { mode, quiet = false, older = false }: { mode?: BuildMode; quiet?: boolean; older?: boolean } = {},
  ): Promise<BuiltPath[]> {
    this.flush(paths);
    if (this.engine.stays && !this.areThere(paths)) this.engine.reads?.refuse('something is missing');
    const plan = await this.plan(paths);
    if (!quiet && this.engine.settings.get('print-missing')) this.printPlan(plan, 'info');
    const { reads } = this.engine;
    if ((mode ?? 'normal') !== 'normal' || !this.isDone(plan)) {
      this.hasWorked = true;
      reads?.refuse('something was built');
    }
    const result = await this.realise(paths, plan, mode);
    const { throwFailures, throwFailuresOlder } = await loadRealise();
    (older ? throwFailuresOlder : throwFailures)(result, this.engine.storeDir, this.engine.progress);
    return result.results.flatMap((one) => {
      if (!one.success) return [];
      const { request, outputs } = one;
      for (const output of outputs.values()) reads?.valid(output);
      if (request.kind === 'built') {
        const derivation = this.derivationPath(request.derivation);
        this.made.set(derivation, new Map([...(this.made.get(derivation) ?? []), ...outputs]));
      }
      return [{ path: request, outputs: request.kind === 'opaque' ? new Map([['', request.path]]) : outputs }];
    });
  }

  /** The same without a word beforehand, and failed builds are in the result. */
  async tryBuild(
    paths: readonly DerivedPath[],
    { mode, signal }: { readonly mode?: BuildMode; readonly signal?: AbortSignal } = {},
  ): Promise<RealiseResult> {
    this.flush(paths);
    return this.realise(paths, await this.plan(paths), mode, signal);
  }

  private async realise(
    paths: readonly DerivedPath[],
    plan: Plan,
    mode: BuildMode | undefined,
    outer?: AbortSignal,
  ): Promise<RealiseResult> {
    const interrupt = new AbortController();
    const signal = outer === undefined ? interrupt.signal : AbortSignal.any([interrupt.signal, outer]);
    const stop = () => interrupt.abort();
    process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
    try {
      const { store } = this.engine;
      if (store instanceof DaemonStore) return await realiseThroughDaemon(store, paths, mode ?? 'normal', signal);
      if (store instanceof StoreStand) return await realiseInCache(paths, plan, this.cacheOptions(store), signal);
      const { tryRealise } = await loadRealise();
      this.warnDynamic(plan);
      const options = await this.options(mode, signal);
      const buildsAgain = (mode ?? 'normal') !== 'normal' && paths.some(({ kind }) => kind === 'built');
      const runsBuilders = buildsAgain || [...plan.willBuild.values()].some(({ builder }) => !builder.startsWith('builtin:'));
      const shell = runsBuilders ? await this.sandboxShell(options) : undefined;
      const settings =
        shell === undefined ? options.settings : { ...options.settings, sandboxPaths: [...options.settings.sandboxPaths, shell] };
      return await tryRealise(paths, { ...options, settings });
    } finally {
      process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', stop);
    }
  }

  /** /bin/sh of the sandbox, unpacked first where that is needed; undefined where the user's settings or the machine leave it out. */
  private async sandboxShell(options: RealiseOptions): Promise<SandboxPath | undefined> {
    const { settings, storeDir, progress } = this.engine;
    const { store } = options;
    if (options.settings.sandbox === 'false' || settings.isOverridden('sandbox-paths')) return undefined;
    const { findSandboxShell } = await import('./sandbox-shell.ts');
    const shell = findSandboxShell(storeDir);
    if (shell === undefined) return undefined;
    const { program, seed } = shell;
    if (seed !== undefined && !store.isValidPathSync(seed.path)) {
      store.addDerivations(seed.derivations.map((each) => ({ ...each, references: derivationReferences(each.derivation) })));
      const { realise } = await loadRealise();
      try {
        await realise([{ kind: 'built', derivation: seed.derivations.at(-1)!.path, outputs: 'all' }], options);
      } catch (error) {
        if (!(error instanceof FloeError)) throw error;
        progress.log('warn', `builds get no '/bin/sh', because the static shell of the embedded packages cannot be had: ${error.message}`);
        return undefined;
      }
    }
    return { target: '/bin/sh', source: program, optional: true };
  }

  /** Fetches a path in the place of what the store has; false where no substituter has it. Its references must be valid. */
  async fetchAgain(path: StorePath): Promise<boolean> {
    const { substituter } = await this.options();
    return (await substituter?.substitute(path, { repair: true, signal: new AbortController().signal })) ?? false;
  }

  /** Whether all of it is valid, as far as that can be seen without asking anybody. */
  private areThere(paths: readonly DerivedPath[]): boolean {
    const { store } = this.engine;
    return paths.every((path) => {
      if (path.kind === 'opaque') return store.isValidPathSync(path.path);
      const known = [...this.outputPaths(path).values()];
      const count = path.outputs === 'all' ? this.derivation(this.derivationPath(path.derivation)).outputs.size : path.outputs.length;
      return known.length === count && known.every((output) => store.isValidPathSync(output));
    });
  }

  /** Whether there is nothing to do. */
  private isDone(plan: Plan): boolean {
    return plan.dynamic.size === 0 && printPlan(plan, this.engine.storeDir).length === 0;
  }

  /** Says what building the paths would take, in Nix's words. */
  async printMissing(paths: readonly DerivedPath[], level: LogLevel): Promise<void> {
    const plan = await this.plan(paths);
    this.printPlan(plan, level);
    this.noteDone(paths, plan);
  }

  /** The result rests on all of it being there; if it is not, on what caches have and on what is built meanwhile. */
  noteDone(paths: readonly DerivedPath[], plan: Plan): void {
    const { reads } = this.engine;
    if (!this.isDone(plan)) reads?.refuse('something is missing');
    else for (const path of paths) for (const output of this.outputPaths(path).values()) reads?.valid(output);
  }

  /** What building the paths would take. */
  async plan(paths: readonly DerivedPath[]): Promise<Plan> {
    const { store } = this.engine;
    const activity = this.engine.progress.start('unknown', 'querying info about missing paths', { level: 'debug' });
    try {
      if (store instanceof DaemonStore) {
        // It knows only of what lies in its store.
        this.flush(paths);
        return await planThroughDaemon(store, paths);
      }
      if (store instanceof StoreStand) return await planInCache(paths, this.cacheOptions(store));
      const { planRealisation } = await loadRealise();
      return await planRealisation(paths, await this.options());
    } finally {
      activity.stop();
    }
  }

  printPlan(plan: Plan, level: LogLevel): void {
    this.warnDynamic(plan);
    const lines = printPlan(plan, this.engine.storeDir);
    // A message each: that is how tools that read the log want them.
    for (const line of lines) this.engine.progress.log(level, line);
  }

  /** Says which wishes no plan can tell anything of. NIX: once with the plan, and again when building begins. */
  private warnDynamic({ dynamic }: Plan): void {
    for (const ref of dynamic) {
      const printed = printDerivationRef(ref, this.engine.storeDir);
      this.engine.progress.log('warn', `Ignoring dynamic derivation ${printed} while querying missing paths; not yet implemented`);
    }
  }

  private findDerivation(path: StorePath): Derivation | undefined {
    return (
      this.engine.pendingHost?.readDerivation(path) ??
      this.evaluatedElsewhere(path) ??
      (this.engine.store.isValidPathSync(path) ? this.engine.store.readDerivationSync(path) : undefined)
    );
  }

  private derivation(path: StorePath): Derivation {
    const derivation = this.findDerivation(path);
    if (derivation === undefined) throw new InvalidPathError(`path '${this.engine.storeDir}/${path}' is not valid`);
    return derivation;
  }

  /** Where a derivation lies that may be an output of another. FloeError where nobody has built that one. */
  derivationPath(ref: DerivationRef): StorePath {
    if (typeof ref === 'string') return ref;
    const { storeDir } = this.engine;
    const drvPath = this.derivationPath(ref.derivation);
    if (!this.derivation(drvPath).outputs.has(ref.output)) {
      throw new FloeError('FLOE_NO_OUTPUT', `derivation '${storeDir}/${drvPath}' does not have an output named '${ref.output}'`);
    }
    const path = this.outputPaths({ kind: 'built', derivation: ref.derivation, outputs: [ref.output] }).get(ref.output);
    if (path !== undefined) return path;
    const printed = printDerivationRef(ref.derivation, storeDir);
    throw new FloeError('FLOE_UNREALISED', `cannot operate on output '${ref.output}' of the unbuilt derivation '${printed}'`);
  }

  /** Where outputs will be, whether they are there or not. */
  outputPaths(path: DerivedPath): Map<string, StorePath> {
    if (path.kind === 'opaque') return new Map([['', path.path]]);
    const outputs = new Map<string, StorePath>();
    const drvPath = this.derivationPath(path.derivation);
    const derivation = this.derivation(drvPath);
    for (const [name, output] of derivation.outputs) {
      if (!outputsSpecContains(path.outputs, name)) continue;
      const known = 'path' in output ? output.path : (this.made.get(drvPath)?.get(name) ?? this.realisedPath(derivation, name));
      if (known !== undefined) outputs.set(name, known);
    }
    return outputs;
  }

  /** What an output of a content-addressed derivation turned out to be; undefined where it was never built. */
  private realisedPath(derivation: Derivation, name: string): StorePath | undefined {
    const { realisations } = this.engine.store;
    if (realisations === undefined) return undefined;
    this.engine.reads?.refuse('it was asked what an output had been built as');
    // Hashes of inputs are read from the store.
    this.flush([...derivation.inputDerivations.keys()].map((path) => ({ kind: 'opaque', path })));
    return realisations.outputPath(derivation, name);
  }

  /**
   * Of outputs that are asked for: those whose paths their derivations tell, and names of those that only realisations tell (with
   * `all`, of every output where content-addressed derivations are on).
   */
  splitOutputs(paths: readonly DerivedPath[], all: boolean): { known: StorePath[]; realised: RealisedOutput[] } {
    const { realisations } = this.engine.store;
    const known: StorePath[] = [];
    const realised: RealisedOutput[] = [];
    for (const path of paths) {
      if (path.kind === 'opaque') {
        known.push(path.path);
        continue;
      }
      const drvPath = this.derivationPath(path.derivation);
      const derivation = this.derivation(drvPath);
      this.flush([...derivation.inputDerivations.keys()].map((input) => ({ kind: 'opaque', path: input })));
      for (const [name, output] of derivation.outputs) {
        if (!outputsSpecContains(path.outputs, name)) continue;
        if ('path' in output) known.push(output.path);
        if (realisations !== undefined && output.kind !== 'impure' && (all || !('path' in output)))
          realised.push({ id: realisations.idOf(derivation, name), path: 'path' in output ? output.path : undefined, derivation });
        const made = output.kind === 'impure' ? this.made.get(drvPath)?.get(name) : undefined;
        if (made !== undefined) known.push(made);
      }
    }
    return { known, realised };
  }

  /** What `build --dry-run --json` prints. */
  derivedPathsJson(paths: readonly DerivedPath[]): Json {
    return paths.map((path) =>
      path.kind === 'opaque' ? `${this.engine.storeDir}/${path.path}` : this.builtJson({ path, outputs: this.outputPaths(path) }),
    );
  }

  /** What `build --json` prints. */
  builtJsonText(built: readonly BuiltPath[]): string {
    return printJson(built.map((one) => this.builtJson(one)));
  }

  private builtJson({ path, outputs }: BuiltPath): Json {
    const { storeDir } = this.engine;
    if (path.kind === 'opaque') return `${storeDir}/${path.path}`;
    const printed = [...outputs].map(([name, output]): [string, Json] => [name, `${storeDir}/${output}`]);
    return { drvPath: this.derivationJson(path.derivation), outputs: new Map(printed) };
  }

  private derivationJson(ref: DerivationRef): Json {
    const { storeDir } = this.engine;
    if (typeof ref === 'string') return `${storeDir}/${ref}`;
    return { drvPath: this.derivationJson(ref.derivation), output: ref.output, outputPath: `${storeDir}/${this.derivationPath(ref)}` };
  }

  /** `result`, `result-dev`, `result-1`...: links that are roots of the collector. */
  async makeLinks(built: readonly BuiltPath[], link: string): Promise<void> {
    if (this.engine.store instanceof StoreStand) return;
    let index = 0;
    for (const { path, outputs } of built) {
      const numbered = index === 0 ? link : `${link}-${index}`;
      index++;
      for (const [name, output] of outputs) {
        const isPlain = path.kind === 'opaque' || name === 'out' || name === '';
        await this.makeLink(output, isPlain ? numbered : `${numbered}-${name}`);
      }
    }
  }

  /** A link that is a root of the collector. */
  async makeLink(output: StorePath, link: string): Promise<void> {
    const place = await this.engine.store.addRootLink(output, link);
    this.noteLink(place);
    this.noteLink(indirectRootPlace(this.engine.store.stateDir, place));
  }

  /** A link that is there already need not be made again. */
  private noteLink(path: string): void {
    const { reads } = this.engine;
    if (reads === undefined) return;
    reads.look(path, statOf(path));
    reads.link(path, fs.readlinkSync(path, 'latin1' as BufferEncoding));
  }

  /** `--profile`: what was built becomes the current generation. It must be exactly one path. */
  async updateProfile(profile: string, built: readonly BuiltPath[]): Promise<void> {
    const paths = built.flatMap(({ outputs }) => [...outputs.values()]);
    if (paths.length !== 1) {
      throw new InvalidPathError(`'--profile' requires that the arguments produce a single store path, but there are ${paths.length}`);
    }
    await updateProfile(this.engine.store, profile, paths[0]!);
  }

  /** Copies what was built or fetched to where evaluation reads, if that is another store. */
  async shareWithEvaluation(paths: readonly StorePath[]): Promise<void> {
    const { store, evalStore } = this.engine;
    if (store === evalStore) return;
    const { copyClosure } = await import('./copy-paths.ts');
    await copyClosure(this.engine, store, evalStore, paths);
  }

  /** In the worker: import from derivation. Gives what evaluation may read then: the outputs and all they refer to. */
  async realiseForEvaluation(texts: readonly string[]): Promise<RealisedForEvaluation> {
    const { storeDir } = this.engine;
    const paths = texts.map((text) => parseDerivedPath(text, storeDir));
    const built = await this.build(paths, { quiet: true, older: true });
    const outputs = built.flatMap(({ outputs }) => [...outputs.values()]).filter((path) => !isDerivationPath(path));
    await this.shareWithEvaluation(outputs);
    const isRestricted = this.engine.isPure || this.engine.settings.get('restrict-eval');
    const readable = isRestricted ? [...(await new StoreQueries(this.engine).closure(outputs))] : outputs;
    return { readable, placeholders: built.flatMap((one) => this.placeholdersOf(one)), hasWorked: this.hasWorked };
  }

  /** What stands in values for outputs whose paths were not known when these were made. */
  private placeholdersOf({ path, outputs }: BuiltPath): [placeholder: string, path: string][] {
    if (path.kind === 'opaque') return [];
    const { derivation: ref } = path;
    const known = typeof ref === 'string' ? this.derivation(ref).outputs : undefined;
    return [...outputs].flatMap(([name, output]): [string, string][] => {
      const kind = known?.get(name);
      if (kind !== undefined && 'path' in kind) return [];
      return [[outputPlaceholder({ derivation: ref, output: name }), `${this.engine.storeDir}/${output}`]];
    });
  }

  /** A text of a value with the paths of outputs that were built for it. */
  fillIn(text: string, built: readonly BuiltPath[]): string {
    let result = text;
    for (const [from, to] of built.flatMap((one) => this.placeholdersOf(one))) result = result.replaceAll(from, () => to);
    return result;
  }
}
