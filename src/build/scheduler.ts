// Carrying out: each derivation and each path is a goal that is reached once however many ask for it, by being valid already, by being
// substituted, or by being built after its inputs. What fails takes with it what needs it, and, without `keep-going`, everything else
// that is under way. libstore/build/derivation-goal.cc and worker.cc.

import { compareStrings } from '../base/bytes.ts';
import { BuildError, FloeError, type FloeErrorOptions } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import type { BuildFailureStatus, BuildSuccessStatus } from '../model/build-result.ts';
import { printATerm } from '../model/aterm.ts';
import { type Derivation, derivationInputs, derivationReferences, makeDerivationPath } from '../model/derivation.ts';
import { derivationType } from '../model/derivation-hash.ts';
import type { Realisation } from '../model/realisation.ts';
import { mustResolve, resolveDerivation } from '../model/resolve-derivation.ts';
import {
  baseDerivation,
  type DerivationRef,
  type DerivedPath,
  outputsSpecContains,
  type OutputsSpec,
  printDerivationRef,
  printDerivedPath,
  printOutputsSpec,
} from '../model/derived-path.ts';
import { type StorePath, storePathName } from '../model/store-path.ts';
import type { LocalStore } from '../store/local/local-store.ts';
import { closureSync } from '../store/closure.ts';
import type { Builder } from './builder.ts';
import type { ContentChecks } from './content-checks.ts';
import { type DerivationOptions, optionsOfDerivation } from './derivation-options.ts';
import { describeOutputs, printFailure } from './failure-text.ts';
import { outputPathOf } from './local-build.ts';
import type { BuildMode } from './outputs.ts';
import { wantedPaths } from './plan.ts';
import type { RunProgress } from './run-progress.ts';
import type { BuildSettings } from './settings.ts';
import type { Slots } from './slots.ts';
import type { SubstitutableInfo, Substituter } from './substituter.ts';

/** How a goal was reached, or why not. */
export type GoalOutcome =
  | { readonly kind: 'reached'; readonly status: BuildSuccessStatus }
  | { readonly kind: 'failed'; readonly error: BuildError }
  /** A path that no substituter has. */
  | { readonly kind: 'unknown'; readonly error: BuildError }
  /** Something else failed first. */
  | { readonly kind: 'cancelled' };

export interface SchedulerOptions {
  readonly store: LocalStore;
  readonly settings: BuildSettings;
  readonly progress: Progress;
  readonly builder: Builder;
  readonly substituter: Substituter | undefined;
  readonly substitutionSlots: Slots;
  readonly contents: ContentChecks;
  /** Adds signatures by this machine's keys. */
  readonly signRealisation: (realisation: Realisation) => Realisation;
  readonly counts: RunProgress;
  /** Derivations that are not in the store (yet). */
  readonly derivation: (path: StorePath) => Derivation | undefined;
  /** Copies here what of these sources lies in the store of evaluation. */
  readonly bringSources?: ((paths: readonly StorePath[]) => Promise<void>) | undefined;
  readonly signal: AbortSignal;
}

const CANCELLED: GoalOutcome = { kind: 'cancelled' };
const REACHED: GoalOutcome = { kind: 'reached', status: 'AlreadyValid' };

function failed(status: BuildFailureStatus, message: string, options?: FloeErrorOptions & { exitCode?: number }): GoalOutcome {
  return { kind: 'failed', error: new BuildError(status, message, options) };
}

/** The goals of one run. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  /** Aborted by the caller, or by the first failure. */
  readonly #stop = new AbortController();
  readonly #builds = new Map<string, Promise<GoalOutcome>>();
  readonly #paths = new Map<StorePath, Promise<GoalOutcome>>();
  readonly #derivations = new Map<StorePath, { derivation: Derivation; options: DerivationOptions }>();
  /** What derivations made in this run. */
  readonly #made = new Map<StorePath, Map<string, StorePath>>();
  readonly #resolving = new Map<StorePath, Promise<GoalOutcome>>();
  /** Derivation -> its resolution. */
  readonly #resolved = new Map<StorePath, StorePath>();
  /** Derivations that were asked for and the outputs wanted of them, and whether a request has failed. */
  readonly #requested = new Map<string, string>();
  #hasFailed = false;
  /** Statuses of all failures, for the exit status. */
  readonly failures: BuildFailureStatus[] = [];

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { signal } = options;
    if (signal.aborted) this.#stop.abort(signal.reason);
    signal.addEventListener('abort', () => this.#stop.abort(signal.reason), { once: true });
  }

  /** Reaches a request; what fails below it is reported as it happens. */
  async reach(request: DerivedPath, mode: BuildMode): Promise<GoalOutcome> {
    if (request.kind === 'built') this.#requested.set(printDerivationRef(request.derivation, ''), printOutputsSpec(request.outputs));
    const outcome = await (request.kind === 'opaque'
      ? this.#obtainPath(request.path)
      : this.#obtainOutputs(request.derivation, request.outputs, mode));
    if (outcome.kind !== 'failed' && outcome.kind !== 'unknown') return outcome;
    // NIX: without keep-going the first request that fails is the only one; whatever else would fail by it is dropped.
    if (this.#hasFailed && !this.#options.settings.keepGoing) return CANCELLED;
    this.#hasFailed = true;
    return outcome;
  }

  // ---- what goals are made of

  /** Runs one goal; errors that are no failed build end everything. */
  async #goal(body: () => Promise<GoalOutcome>): Promise<GoalOutcome> {
    try {
      // Goals ask for goals: without a pause each level of the graph would be a level of the stack.
      await undefined;
      if (this.#stop.signal.aborted) return CANCELLED;
      const outcome = await body();
      if (outcome.kind === 'failed') this.#noteFailure(outcome.error.status as BuildFailureStatus);
      return outcome;
    } catch (error) {
      if (this.#stop.signal.aborted && error === this.#stop.signal.reason) return CANCELLED;
      this.#stop.abort(new FloeError('FLOE_CANCELLED', 'cancelled, since something else failed'));
      throw error;
    }
  }

  #noteFailure(status: BuildFailureStatus): void {
    this.failures.push(status);
    if (!this.#options.settings.keepGoing && status !== 'DependencyFailed') {
      this.#stop.abort(new FloeError('FLOE_CANCELLED', 'cancelled, since another build failed'));
    }
  }

  #fail(status: BuildFailureStatus, message: string): GoalOutcome {
    this.#noteFailure(status);
    return failed(status, message);
  }

  /** Tells whoever counts how a goal ended. */
  async #counted(ended: (outcome: 'done' | 'failed' | 'dropped') => void, goal: Promise<GoalOutcome>): Promise<GoalOutcome> {
    let outcome: GoalOutcome = CANCELLED;
    try {
      outcome = await goal;
      return outcome;
    } finally {
      const made = outcome.kind === 'reached' && outcome.status !== 'AlreadyValid';
      const failure = outcome.kind === 'failed' && outcome.error.status !== 'DependencyFailed';
      ended(made ? 'done' : failure ? 'failed' : 'dropped');
    }
  }

  /** Waits for all, also where one throws, so that nothing goes on behind the caller's back. */
  async #all(goals: readonly Promise<GoalOutcome>[]): Promise<GoalOutcome[]> {
    const settled = await Promise.allSettled(goals);
    return settled.map((each) => {
      if (each.status === 'rejected') throw each.reason;
      return each.value;
    });
  }

  /** A failure below what was asked for is said when it happens; the caller gets only what it asked for. */
  #report(outcome: GoalOutcome): void {
    if (outcome.kind === 'failed') this.#options.progress.log('error', printFailure(outcome.error));
  }

  #load(path: StorePath): { derivation: Derivation; options: DerivationOptions } {
    const known = this.#derivations.get(path);
    if (known !== undefined) return known;
    const { store, derivation: lookup, progress } = this.#options;
    const derivation = lookup(path) ?? store.readDerivationSync(path);
    const options = optionsOfDerivation(path, derivation, store.storeDir, (message) => progress.log('warn', message));
    const loaded = { derivation, options };
    this.#derivations.set(path, loaded);
    return loaded;
  }

  // ---- paths

  #obtainPath(path: StorePath, repair = false): Promise<GoalOutcome> {
    if (!repair && this.#options.store.isValidPathSync(path)) return Promise.resolve({ kind: 'reached', status: 'AlreadyValid' });
    const known = repair ? undefined : this.#paths.get(path);
    if (known !== undefined) return known;
    const goal = this.#goal(() => this.#substitute(path, repair));
    this.#paths.set(path, goal);
    return goal;
  }

  async #substitute(path: StorePath, repair: boolean): Promise<GoalOutcome> {
    const { store, substituter, settings } = this.#options;
    const printed = store.printPath(path);
    const unknown: GoalOutcome = {
      kind: 'unknown',
      error: new BuildError('NoSubstituters', `path '${printed}' is required, but there is no substituter that can build it`),
    };
    if (substituter === undefined || !settings.substitute) return unknown;
    const info = (await substituter.query([path])).get(path);
    if (info === undefined) return unknown;
    this.#options.counts.expectBytes(info.downloadSize, info.narSize);
    return this.#counted(this.#options.counts.substitutions.expect(), this.#fetchWithReferences(path, info, repair, substituter, unknown));
  }

  /** Fetches what a path refers to, and then the path. */
  async #fetchWithReferences(
    path: StorePath,
    info: SubstitutableInfo,
    repair: boolean,
    substituter: Substituter,
    unknown: GoalOutcome,
  ): Promise<GoalOutcome> {
    const { store, substitutionSlots, progress, counts } = this.#options;
    const printed = store.printPath(path);
    const references = info.references.filter((reference) => reference !== path);
    const outcomes = await this.#all(references.map((reference) => this.#obtainPath(reference)));
    if (outcomes.some(({ kind }) => kind === 'failed'))
      return failed('DependencyFailed', `some references of path '${printed}' could not be realised`);
    const missing = outcomes.filter((outcome) => outcome.kind === 'unknown');
    if (missing.length > 0) {
      // NIX: a reference that nobody has outweighs one that was promised and did not arrive.
      if (missing.some(({ error }) => error.data['substituterFailed'] !== true)) return unknown;
      const message = `some references of path '${printed}' could not be realised`;
      return { kind: 'unknown', error: new BuildError('DependencyFailed', message, { data: { substituterFailed: true } }) };
    }
    if (outcomes.some(({ kind }) => kind === 'cancelled')) return CANCELLED;
    const slot = await substitutionSlots.take(this.#stop.signal);
    const ended = counts.substitutions.run();
    try {
      const found = await substituter.substitute(path, { repair, signal: this.#stop.signal });
      return found ? { kind: 'reached', status: 'Substituted' } : unknown;
    } catch (error) {
      if (!(error instanceof FloeError) || this.#stop.signal.aborted) throw error;
      // The caller may still be able to build; so this alone ends nothing.
      progress.log('error', printFailure(error));
      return {
        kind: 'unknown',
        error: new BuildError('TransientFailure', error.message, { cause: error, data: { substituterFailed: true } }),
      };
    } finally {
      ended();
      slot.release();
    }
  }

  // ---- derivations

  /** Where a derivation is, as far as that is known. */
  #derivationPath(ref: DerivationRef): StorePath | undefined {
    if (typeof ref === 'string') return ref;
    const path = this.#derivationPath(ref.derivation);
    return path === undefined || !this.#isThere(path) ? undefined : this.#outputPath(path, ref.output);
  }

  #isThere(path: StorePath): boolean {
    return this.#options.derivation(path) !== undefined || this.#options.store.isValidPathSync(path);
  }

  /** Sees to it that a derivation is there, by substitution or, where another derivation gives it, by building that. */
  async #obtainDerivation(ref: DerivationRef, mode: BuildMode): Promise<GoalOutcome> {
    const known = this.#derivationPath(ref);
    if (known !== undefined && this.#isThere(known) && (mode === 'normal' || typeof ref === 'string')) return REACHED;
    const obtained = await (typeof ref === 'string' ? this.#obtainPath(ref) : this.#obtainOutputs(ref.derivation, [ref.output], 'normal'));
    if (obtained.kind === 'cancelled' || obtained.kind === 'reached') return obtained;
    this.#reportOnce(obtained);
    return this.#fail('DependencyFailed', `failed to obtain derivation of '${printDerivationRef(ref, this.#options.store.storeDir)}'`);
  }

  async #obtainOutputs(ref: DerivationRef, outputs: OutputsSpec, mode: BuildMode): Promise<GoalOutcome> {
    const { store } = this.#options;
    const obtained = await this.#obtainDerivation(ref, mode);
    if (obtained.kind !== 'reached') return obtained;
    const path = this.#derivationPath(ref)!;
    const printed = store.printPath(path);
    const { derivation, options } = this.#load(path);
    const type = derivationType(derivation);
    const { realisations } = store;
    if (realisations === undefined && type !== 'input-addressed' && type !== 'fixed') throw missingFeature('ca-derivations');
    if (type === 'impure' && !this.#options.settings.impureDerivations) throw missingFeature('impure-derivations');
    if (outputs !== 'all') {
      const missing = outputs.find((name) => !derivation.outputs.has(name));
      if (missing !== undefined) throw new FloeError('FLOE_NO_OUTPUT', `derivation '${printed}' does not have output '${missing}'`);
    }
    const names = outputs === 'all' ? [...derivation.outputs.keys()] : [...outputs];
    // Of what is impure nothing is known beforehand.
    const wanted = () => (type === 'impure' ? names.map(() => undefined) : names.map((name) => this.#outputPath(path, name)));
    const invalid = () => wanted().filter((output) => output === undefined || !store.isValidPathSync(output));
    if (invalid().length === 0) {
      await store.addTempRoots(wanted() as StorePath[]);
      this.#realiseKnown(path, names);
      if (mode === 'normal') return { kind: 'reached', status: 'AlreadyValid' };
    }
    const mayFetch = this.#options.settings.alwaysAllowSubstitutes || options.allowSubstitutes;
    if (type !== 'impure' && mayFetch && this.#options.substituter !== undefined && this.#options.settings.substitute) {
      const outcome = await this.#fetchOutputs(path, names);
      if (outcome !== undefined) return outcome;
      if (invalid().length === 0) {
        this.#realiseKnown(path, names);
        if (mode === 'normal') return { kind: 'reached', status: 'Substituted' };
      }
    }
    if (type !== 'impure' && mode === 'check' && invalid().length > 0) {
      throw new FloeError('FLOE_CHECK_IMPOSSIBLE', `some outputs of '${printed}' are not valid, so checking is not possible`, {
        hint:
          'Hint: --rebuild and --check error if the derivation was not previously built and cannot be substituted.\n' +
          '      Remove it to perform a fresh build, or use --repair to rewrite missing or corrupted builds in the store.',
      });
    }
    const good = (output: StorePath | undefined) => output !== undefined && this.#options.contents.isGood(output);
    if (mode === 'repair' && wanted().every(good)) return this.#repairClosure(path, wanted() as StorePath[]);
    if (mustResolve(derivation, realisations !== undefined)) {
      if (realisations === undefined) throw missingFeature('ca-derivations');
      return this.#buildResolved(path, names, mode);
    }
    return this.#build(path, mode);
  }

  // ---- outputs that are known only when they are built

  /** Where an output is, as far as that is known. */
  #outputPath(path: StorePath, name: string): StorePath | undefined {
    const { derivation } = this.#load(path);
    return this.#made.get(path)?.get(name) ?? outputPathOf(this.#options.store, derivation, name);
  }

  #note(path: StorePath, outputs: Iterable<readonly [string, StorePath]>): void {
    const known = this.#made.get(path) ?? new Map<string, StorePath>();
    for (const [name, output] of outputs) known.set(name, output);
    this.#made.set(path, known);
  }

  /** Outputs whose paths the derivation tells are realised as well, though nobody built them here: content-addressed ones build on them. */
  #realiseKnown(path: StorePath, names: readonly string[]): void {
    const { realisations } = this.#options.store;
    if (realisations === undefined) return;
    const { derivation } = this.#load(path);
    for (const name of names) {
      const output = derivation.outputs.get(name);
      if (output === undefined || !('path' in output)) continue;
      const id = realisations.idOf(derivation, name);
      if (realisations.query(id) === undefined) realisations.register({ id, path: output.path, signatures: [] });
    }
  }

  /** Reaches all inputs, puts their paths into the derivation, and builds what that gives. */
  async #buildResolved(path: StorePath, names: readonly string[], mode: BuildMode): Promise<GoalOutcome> {
    const { store, progress, signRealisation } = this.#options;
    const { derivation } = this.#load(path);
    let resolving = this.#resolving.get(path);
    if (resolving === undefined) {
      resolving = this.#goal(() => this.#resolve(path));
      this.#resolving.set(path, resolving);
    }
    const inputs = await resolving;
    if (inputs.kind !== 'reached') return inputs;
    const resolved = this.#resolved.get(path)!;
    const printed = `resolved derivation: '${store.printPath(path)}' -> '${store.printPath(resolved)}'`;
    const activity = progress.start('build-waiting', printed, {
      level: 'info',
      fields: [store.printPath(path), store.printPath(resolved)],
    });
    try {
      const outcome = await this.#obtainOutputs(resolved, names, mode);
      if (outcome.kind === 'cancelled') return outcome;
      if (outcome.kind !== 'reached') {
        for (const name of names) this.#reportOnce(outcome, `${resolved}!${name}`);
        return this.#fail('DependencyFailed', `build of resolved derivation '${store.printPath(resolved)}' failed`);
      }
      const outputs = names.map((name) => [name, this.#outputPath(resolved, name)!] as const);
      this.#note(path, outputs);
      const { realisations } = store;
      if (realisations !== undefined && derivationType(derivation) !== 'impure')
        for (const [output, made] of outputs)
          realisations.register(signRealisation({ id: realisations.idOf(derivation, output), path: made, signatures: [] }));
      return outcome.status === 'AlreadyValid' ? { kind: 'reached', status: 'ResolvesToAlreadyValid' } : outcome;
    } finally {
      activity.stop();
    }
  }

  async #resolve(path: StorePath): Promise<GoalOutcome> {
    const { store } = this.#options;
    const { derivation } = this.#load(path);
    this.#refuseImpureInputs(path, derivation);
    const inputs = await this.#obtainInputs(path, derivation);
    const unreached = this.#unreachedInputs(path, derivation, inputs);
    if (unreached !== undefined) return unreached;
    const resolved = resolveDerivation(derivation, store.storeDir, (input, output) => {
      const inputPath = this.#derivationPath(input);
      return inputPath === undefined ? undefined : this.#outputPath(inputPath, output);
    });
    if (resolved === undefined) throw new FloeError('FLOE_UNRESOLVED', `cannot resolve derivation '${store.printPath(path)}'`);
    const aterm = printATerm(resolved, store.storeDir);
    const resolvedPath = makeDerivationPath(resolved, aterm, store.storeDir);
    this.#derivations.set(resolvedPath, { derivation: resolved, options: optionsOfDerivation(resolvedPath, resolved, store.storeDir) });
    this.#resolved.set(path, resolvedPath);
    // The record of what is really built.
    store.addDerivations([{ path: resolvedPath, aterm, references: derivationReferences(resolved), derivation: resolved }]);
    return { kind: 'reached', status: 'AlreadyValid' };
  }

  /** What is pure, and not known by its content, may not depend on what is impure. */
  #refuseImpureInputs(path: StorePath, derivation: Derivation): void {
    const type = derivationType(derivation);
    if (type === 'impure' || type === 'fixed' || !this.#options.settings.impureDerivations) return;
    for (const input of derivation.inputDerivations.keys()) {
      if (derivationType(this.#load(input).derivation) !== 'impure') continue;
      const { store } = this.#options;
      throw new FloeError(
        'FLOE_IMPURE_INPUT',
        `pure derivation '${store.printPath(path)}' depends on impure derivation '${store.printPath(input)}'`,
      );
    }
  }

  /** Output names and paths of a request that was reached. */
  outputsOf(request: DerivedPath): ReadonlyMap<string, StorePath> {
    if (request.kind === 'opaque') return new Map();
    const derivation = this.#derivationPath(request.derivation)!;
    const names = [...this.#load(derivation).derivation.outputs.keys()];
    return new Map(
      names.flatMap((name): [string, StorePath][] => {
        const path = outputsSpecContains(request.outputs, name) ? this.#outputPath(derivation, name) : undefined;
        return path === undefined ? [] : [[name, path]];
      }),
    );
  }

  /** Fetches outputs; gives an outcome only where that decides. */
  async #fetchOutputs(derivation: StorePath, names: readonly string[]): Promise<GoalOutcome | undefined> {
    const printed = this.#options.store.printPath(derivation);
    const outcomes = await this.#all(names.flatMap((name) => this.#fetchOutput(derivation, name)));
    if (outcomes.some(({ kind }) => kind === 'cancelled')) return CANCELLED;
    const broken = outcomes.some(
      (outcome) => outcome.kind === 'failed' || (outcome.kind === 'unknown' && outcome.error.data['substituterFailed'] === true),
    );
    if (!broken || this.#options.settings.fallback) return undefined;
    return this.#fail(
      'TransientFailure',
      `some substitutes for the outputs of derivation '${printed}' failed (usually happens due to networking issues); try '--fallback' to build derivation from source `,
    );
  }

  #fetchOutput(path: StorePath, name: string): Promise<GoalOutcome>[] {
    const known = this.#outputPath(path, name);
    if (known !== undefined) return this.#options.store.isValidPathSync(known) ? [] : [this.#obtainPath(known)];
    return [this.#goal(() => this.#fetchRealised(path, name))];
  }

  /** Asks substituters what an output turned out to be elsewhere, and fetches that. */
  async #fetchRealised(path: StorePath, name: string): Promise<GoalOutcome> {
    const { store, substituter } = this.#options;
    const unknown: GoalOutcome = {
      kind: 'unknown',
      error: new BuildError('NoSubstituters', `no substituter knows output '${name}' of '${store.printPath(path)}'`),
    };
    const { realisations } = store;
    if (realisations === undefined || substituter?.queryRealisation === undefined) return unknown;
    const realisation = await substituter.queryRealisation(realisations.idOf(this.#load(path).derivation, name));
    if (realisation === undefined) return unknown;
    const outcome = await this.#obtainPath(realisation.path);
    if (outcome.kind === 'reached') realisations.register(realisation);
    return outcome;
  }

  /** All outputs of a derivation, by building it. */
  #build(path: StorePath, mode: BuildMode): Promise<GoalOutcome> {
    const key = `${mode} ${path}`;
    const known = this.#builds.get(key);
    if (known !== undefined) return known;
    const goal = this.#counted(
      this.#options.counts.builds.expect(),
      this.#goal(() => this.#buildNow(path, mode)),
    );
    this.#builds.set(key, goal);
    return goal;
  }

  async #buildNow(path: StorePath, mode: BuildMode): Promise<GoalOutcome> {
    const { builder } = this.#options;
    const { derivation, options } = this.#load(path);
    const unreached = this.#unreachedInputs(path, derivation, await this.#obtainInputs(path, derivation));
    if (unreached !== undefined) return unreached;
    const job = { path, derivation, options, mode };
    const refusal = builder.refuses(job);
    if (refusal !== undefined) return { kind: 'failed', error: refusal };
    const outcome = await builder.build(job, this.#stop.signal);
    if (!outcome.success) return { kind: 'failed', error: outcome.error };
    this.#note(path, outcome.outputs);
    return { kind: 'reached', status: outcome.status };
  }

  /** What inputs that were not reached mean for the derivation. */
  #unreachedInputs(path: StorePath, derivation: Derivation, inputs: readonly GoalOutcome[]): GoalOutcome | undefined {
    const { store } = this.#options;
    const failures = inputs.filter(({ kind }) => kind === 'failed' || kind === 'unknown').length;
    if (failures > 0) {
      const outputs = describeOutputs(derivation, (output) => store.printPath(output));
      const count = `${failures} ${failures === 1 ? 'dependency' : 'dependencies'}`;
      return failed('DependencyFailed', `Cannot build '${store.printPath(path)}'.\nReason: ${count} failed.${outputs}`);
    }
    return inputs.some(({ kind }) => kind === 'cancelled') ? CANCELLED : undefined;
  }

  async #obtainInputs(path: StorePath, derivation: Derivation): Promise<GoalOutcome[]> {
    const { store, settings, bringSources } = this.#options;
    let hasFailed = false;
    const reported = async (goal: Promise<GoalOutcome>, input?: DerivationRef, outputs: OutputsSpec = 'all') => {
      const outcome = await goal;
      if (outcome.kind === 'failed' || outcome.kind === 'unknown') {
        // NIX: without keep-going the first input that fails is the only one.
        if (hasFailed && !settings.keepGoing) return CANCELLED;
        hasFailed = true;
      }
      const requested = input === undefined || settings.keepGoing ? undefined : this.#requested.get(printDerivationRef(input, ''));
      // NIX: without keep-going a request that fails ends everything, what needs it included; it is heard before what comes after it.
      const key = input === undefined ? undefined : `${printDerivationRef(input, '')}^${printOutputsSpec(outputs)}`;
      if (outcome.kind !== 'failed' || requested === undefined) this.#reportOnce(outcome, key);
      else if (printOutputsSpec(outputs) <= requested) this.#reportOnce(outcome, key);
      return outcome.kind === 'failed' && requested !== undefined ? CANCELLED : outcome;
    };
    const isMissing = (source: StorePath) => !store.isValidPathSync(source);
    await bringSources?.(derivation.inputSources.filter(isMissing));
    const sources = derivation.inputSources.filter(isMissing);
    if (sources.length > 0 && !settings.substitute) {
      throw new FloeError(
        'FLOE_MISSING_INPUT',
        `dependency '${store.printPath(sources[0]!)}' of '${store.printPath(path)}' does not exist, and substitution is disabled`,
      );
    }
    return this.#all([
      ...derivationInputs(derivation)
        .sort((a, b) => compareStrings(storePathName(baseDerivation(a[0])), storePathName(baseDerivation(b[0]))))
        .map(([input, outputs]) => reported(this.#obtainOutputs(input, outputs, 'normal'), input, outputs)),
      ...sources.map((source) => reported(this.#obtainPath(source))),
    ]);
  }

  readonly #reported = new Set<BuildError | string>();

  /** NIX: what was wanted in several ways is said as often; `key` names the way. */
  #reportOnce(outcome: GoalOutcome, key?: string): void {
    if (outcome.kind !== 'failed' && outcome.kind !== 'unknown') return;
    if (this.#reported.has(key ?? outcome.error)) return;
    this.#reported.add(key ?? outcome.error);
    this.#report({ kind: 'failed', error: outcome.error });
  }

  // ---- repairing

  /** The outputs themselves are good: repairs what they refer to. */
  async #repairClosure(path: StorePath, outputs: readonly StorePath[]): Promise<GoalOutcome> {
    const { store, progress } = this.#options;
    const makers = new Map<StorePath, StorePath>();
    closureSync([path], (derivation) => {
      for (const output of wantedPaths(this.#load(derivation).derivation, 'all')) makers.set(output, derivation);
      return this.#load(derivation).derivation.inputDerivations.keys();
    });
    const own = new Set(outputs);
    const closure = closureSync(outputs, (each) => store.requirePathInfoSync(each).references);
    const goals: Promise<GoalOutcome>[] = [];
    for (const each of [...closure].sort(compareStrings)) {
      if (own.has(each) || this.#options.contents.isGood(each)) continue;
      progress.log(
        'error',
        `found corrupted or missing path '${store.printPath(each)}' in the output closure of '${store.printPath(path)}'`,
      );
      const maker = makers.get(each);
      goals.push(maker === undefined ? this.#obtainPath(each, true) : this.#build(maker, 'repair'));
    }
    const outcomes = await this.#all(goals);
    if (outcomes.every(({ kind }) => kind === 'reached')) return { kind: 'reached', status: 'AlreadyValid' };
    throw new FloeError('FLOE_REPAIR', `some paths in the output closure of derivation '${store.printPath(path)}' could not be repaired`);
  }
}

function missingFeature(feature: string): FloeError {
  return new FloeError(
    'FLOE_FEATURE_DISABLED',
    `experimental Nix feature '${feature}' is disabled; add '--extra-experimental-features ${feature}' to enable it`,
  );
}

/** A request as users write it. */
export function printRequest(request: DerivedPath, storeDir: string): string {
  return request.kind === 'opaque' ? printDerivedPath(request, storeDir) : printDerivationRef(request.derivation, storeDir);
}
