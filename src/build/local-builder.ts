// Building on this machine: whether a derivation can be built here at all, waiting for a place among the jobs, and locking its outputs
// against other builders, floe's and C++ Nix's. The build itself is local-build.ts. libstore/build/derivation-building-goal.cc.

import { setTimeout as sleep } from 'node:timers/promises';
import { compareStrings } from '../base/bytes.ts';
import { BuildError } from '../base/errors.ts';
import type { Derivation } from '../model/derivation.ts';
import { derivationType } from '../model/derivation-hash.ts';
import type { StorePath } from '../model/store-path.ts';
import type { PathLocks } from '../store/local/locks.ts';
import type { Builder, BuildJob, BuildOutcome } from './builder.ts';
import { isBuiltin } from './builtin-builders.ts';
import type { DerivationOptions } from './derivation-options.ts';
import { LocalBuild, type LocalBuildOptions, outputPathOf, tellOfBuild } from './local-build.ts';
import { externalBuilderFor } from './settings.ts';

/** How often a machine without a free place is asked again. */
const BUSY_MS = 500;

/** Builds on this machine, or has one of the other machines build. */
export class LocalBuilder implements Builder {
  readonly #options: LocalBuildOptions;

  constructor(options: LocalBuildOptions) {
    this.#options = options;
  }

  refuses(job: BuildJob): BuildError | undefined {
    const { remote } = this.#options;
    if (remote?.suits(job.derivation.system, requiredFeatures(job.derivation, job.options)) === true) return undefined;
    return this.#refusesHere(job);
  }

  /** Why this machine cannot build it. */
  #refusesHere({ path, derivation, options }: BuildJob): BuildError | undefined {
    const { settings, store } = this.#options;
    const printed = store.printPath(path);
    const wrongSystem =
      !isBuiltin(derivation) &&
      derivation.system !== settings.system &&
      !settings.extraPlatforms.includes(derivation.system) &&
      externalBuilderFor(settings, derivation) === undefined;
    const required = requiredFeatures(derivation, options);
    const missing = required.some((feature) => !settings.systemFeatures.includes(feature));
    const noJobs = settings.maxJobs === 0;
    if (!wrongSystem && !missing && !noJobs) return undefined;
    const list = (features: readonly string[]) => [...features].sort(compareStrings).join(', ');
    const reasons = [
      noJobs
        ? "\nReason: local builds are disabled (max-jobs = 0)\nHint: set 'max-jobs' to a non-zero value to enable local builds, or configure remote builders via 'builders'"
        : '',
      wrongSystem ? `\nReason: platform mismatch\nRequired system: '${derivation.system}'\nCurrent system: '${settings.system}'` : '',
      missing
        ? `\nReason: missing system features\nRequired features: {${list(required)}}\nAvailable features: {${list(settings.systemFeatures)}}`
        : '',
    ];
    return new BuildError('InputRejected', `Cannot build '${printed}'.${reasons.join('')}`, { exitCode: 100 });
  }

  async build(job: BuildJob, signal: AbortSignal): Promise<BuildOutcome> {
    const refusal = this.#refusesHere(job);
    const staysHere = refusal === undefined && (job.mode !== 'normal' || job.options.preferLocalBuild);
    const outcome = staysHere ? undefined : await this.#buildElsewhere(job, signal, refusal === undefined);
    if (outcome !== undefined) return outcome;
    return refusal === undefined ? this.#buildHere(job, signal) : { success: false, error: refusal };
  }

  /** Undefined where no other machine takes it. One whose places are all taken is waited for only where it cannot be built here. */
  async #buildElsewhere(job: BuildJob, signal: AbortSignal, canBuildHere: boolean): Promise<BuildOutcome | undefined> {
    const { remote, store } = this.#options;
    if (remote === undefined) return undefined;
    for (;;) {
      signal.throwIfAborted();
      if (job.mode === 'normal' && this.#allValid(job)) return this.#already(job);
      const claim = await remote.claim(job.derivation.system, requiredFeatures(job.derivation, job.options));
      if (claim === undefined || (claim === 'busy' && canBuildHere)) return undefined;
      if (claim === 'busy') {
        await sleep(BUSY_MS, undefined, { signal });
        continue;
      }
      let locks: PathLocks | undefined;
      const ended = this.#options.counts.builds.run();
      try {
        locks = await store.lockPaths(this.#lockNames(job), { wait: false });
        if (locks !== undefined) {
          if (job.mode === 'normal' && this.#allValid(job)) return this.#already(job);
          const outcome = await claim.build(job, signal);
          if (outcome.success) await tellOfBuild(this.#options, store.printPath(job.path), outcome.outputs);
          return outcome;
        }
      } finally {
        locks?.release();
        ended();
        await claim.close();
      }
      await this.#waitForOthers(job, signal);
    }
  }

  async #buildHere(job: BuildJob, signal: AbortSignal): Promise<BuildOutcome> {
    const slots = this.#options.slots[isBuiltin(job.derivation) ? 'downloads' : 'builds'];
    for (;;) {
      signal.throwIfAborted();
      if (job.mode === 'normal' && this.#allValid(job)) return this.#already(job);
      const slot = await slots.take(signal);
      let locks: PathLocks | undefined;
      try {
        // Whoever had the slot may have failed, and so ended everything: let that be heard first.
        await new Promise(setImmediate);
        signal.throwIfAborted();
        locks = await this.#options.store.lockPaths(this.#lockNames(job), { wait: false });
        if (locks !== undefined) {
          // Someone else may have built it since.
          if (job.mode === 'normal' && this.#allValid(job)) return this.#already(job);
          return await new LocalBuild(this.#options, job, signal).run();
        }
      } finally {
        locks?.release();
        slot.release();
      }
      await this.#waitForOthers(job, signal);
    }
  }

  /** What is locked: the outputs' paths, or names that stand for those nobody knows yet. */
  #lockNames({ path, derivation }: BuildJob): StorePath[] {
    return [...derivation.outputs].map(([name, output]) => ('path' in output ? output.path : (`${path}.${name}` as StorePath)));
  }

  /** Where the outputs are, as far as that is known. */
  #known({ derivation }: BuildJob): [string, StorePath][] {
    return [...derivation.outputs.keys()].flatMap((name): [string, StorePath][] => {
      const path = outputPathOf(this.#options.store, derivation, name);
      return path === undefined ? [] : [[name, path]];
    });
  }

  #allValid(job: BuildJob): boolean {
    const known = this.#known(job);
    return known.length === job.derivation.outputs.size && known.every(([, path]) => this.#options.store.isValidPathSync(path));
  }

  #already(job: BuildJob): BuildOutcome {
    return { success: true, status: 'AlreadyValid', outputs: new Map(this.#known(job)) };
  }

  /** Another process builds this: it keeps no slot busy here. */
  async #waitForOthers(job: BuildJob, signal: AbortSignal): Promise<void> {
    const { store, progress } = this.#options;
    const paths = this.#lockNames(job);
    const text = `waiting for lock on ${paths.map((path) => `'${store.toRealPath(path)}'`).join(', ')}`;
    const activity = progress.start('build-waiting', text, { level: 'warn' });
    try {
      let interrupt!: () => void;
      const interrupted = new Promise<undefined>((resolve) => (interrupt = () => resolve(undefined)));
      signal.addEventListener('abort', interrupt, { once: true });
      const waiting = store.lockPaths(paths, { wait: true });
      const locks = await Promise.race([waiting, interrupted]);
      signal.removeEventListener('abort', interrupt);
      if (locks === undefined) void waiting.then((late) => late?.release());
      locks?.release();
    } finally {
      activity.stop();
    }
  }
}

/** What a machine must have to build it. */
function requiredFeatures(derivation: Derivation, { requiredSystemFeatures }: DerivationOptions): readonly string[] {
  const type = derivationType(derivation);
  return type === 'input-addressed' || type === 'fixed' ? requiredSystemFeatures : [...requiredSystemFeatures, 'ca-derivations'];
}
