// One build on this machine, its outputs locked: the builder runs in a sandbox with its output logged, and what it made is registered.
// libstore/unix/build/derivation-builder.cc.

import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { availableParallelism } from 'node:os';
import { byteStringToUtf8, compareStrings, utf8ToByteString } from '../base/bytes.ts';
import { BuildError, FloeError } from '../base/errors.ts';
import type { Activity, Progress } from '../base/progress.ts';
import type { Derivation } from '../model/derivation.ts';
import { derivationType } from '../model/derivation-hash.ts';
import type { PathInfo } from '../model/path-info.ts';
import type { Realisation } from '../model/realisation.ts';
import {
  hashPlaceholder,
  makeStorePath,
  outputPathName,
  parseStorePathBaseName,
  splitStorePath,
  type StorePath,
  storePathHash,
  storePathName,
} from '../model/store-path.ts';
import { closureSync } from '../store/closure.ts';
import type { LocalStore } from '../store/local/local-store.ts';
import { deleteTree } from '../store/local/nar-files.ts';
import { systemPath } from '../store/local/system-error.ts';
import { BuilderMessages, LineCutter, LogFile } from './build-log.ts';
import type { BuildJob, BuildOutcome } from './builder.ts';
import type { ContentChecks } from './content-checks.ts';
import { type FetchingSettings, transferShower } from './download-file.ts';
import { isBuiltin, runBuiltin } from './builtin-builders.ts';
import type { RemoteBuilder } from './remote-builder.ts';
import { runDiffHook, runPostBuildHook, runPreBuildHook } from './hooks.ts';
import type { RunProgress } from './run-progress.ts';
import { makeEnvironment, rewriteText } from './environment.ts';
import { describeOutputs, printFailure } from './failure-text.ts';
import { exists, makeFolder, makeFolders, movePath, setMode, statOf, writeFile } from './host-files.ts';
import { type OutputPlace, registerOutputs } from './outputs.ts';
import type { SandboxChooser } from './sandbox/choose.ts';
import { type BuilderCommand, type BuilderExit, describeExit, type PreparedSandbox, type SandboxPath } from './sandbox/sandbox.ts';
import { type BuildSettings, externalBuilderFor } from './settings.ts';
import type { Slots } from './slots.ts';
import { watchBuilder } from './watch-builder.ts';

/** What all builds of one run share. */
export interface LocalBuildOptions {
  readonly store: LocalStore;
  readonly settings: BuildSettings;
  readonly progress: Progress;
  readonly sandboxes: SandboxChooser;
  readonly fetching: FetchingSettings;
  /** floe's own environment; byte strings. */
  readonly env: (name: string) => string | undefined;
  readonly sign: (info: PathInfo) => PathInfo;
  readonly signRealisation: (realisation: Realisation) => Realisation;
  readonly contents: ContentChecks;
  readonly counts: RunProgress;
  /** floe's own environment as hooks get it. */
  readonly hookEnv: Readonly<Record<string, string | undefined>>;
  /** Limits on what runs at once. */
  readonly slots: { readonly builds: Slots; readonly downloads: Slots };
  /** Other machines that build; undefined where there are none. */
  readonly remote?: RemoteBuilder | undefined;
  /** A derivation that may not be written yet; undefined to read it from the store. */
  readonly derivation: (path: StorePath) => Derivation | undefined;
}

/** Bytes free below which a failed build may have failed for want of them. */
const LITTLE_SPACE = 8 * 1024 * 1024;
const HOME = '/homeless-shelter';

/** A builder that ran and failed. */
class BuilderFailed extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

/** Where an output belongs, as far as that is known before it is built. */
export function outputPathOf(store: LocalStore, derivation: Derivation, name: string): StorePath | undefined {
  const output = derivation.outputs.get(name);
  if (output !== undefined && 'path' in output) return output.path;
  return store.realisations?.outputPath(derivation, name);
}

/** Tells the user's post-build-hook what was built, here or elsewhere. */
export async function tellOfBuild(
  { settings, progress, store, hookEnv }: LocalBuildOptions,
  derivation: string,
  built: ReadonlyMap<string, StorePath>,
): Promise<void> {
  if (settings.postBuildHook === undefined || settings.postBuildHook === '') return;
  const outputs = [...built.values()].map((path) => store.printPath(path)).sort(compareStrings);
  const config = settings.configText ?? '';
  await runPostBuildHook({ program: settings.postBuildHook, env: hookEnv, progress, derivation, outputs, config });
}

/** One build, its outputs locked. */
export class LocalBuild {
  readonly #shared: LocalBuildOptions;
  readonly #job: BuildJob;
  readonly #signal: AbortSignal;
  readonly #printed: string;
  readonly #activity: Activity;
  readonly #tail: string[] = [];
  #logFile: LogFile | undefined;

  constructor(shared: LocalBuildOptions, job: BuildJob, signal: AbortSignal) {
    this.#shared = shared;
    this.#job = job;
    this.#signal = signal;
    this.#printed = shared.store.printPath(job.path);
    const verb = job.mode === 'repair' ? 'repairing outputs of' : job.mode === 'check' ? 'checking outputs of' : 'building';
    this.#activity = shared.progress.start('build', `${verb} '${this.#printed}'`, { level: 'info', fields: [this.#printed, '', 1, 1] });
  }

  async run(): Promise<BuildOutcome> {
    const ended = this.#shared.counts.builds.run();
    try {
      const outputs = await (isBuiltin(this.#job.derivation) ? this.#runBuiltin() : this.#runProgram());
      await tellOfBuild(this.#shared, this.#printed, outputs);
      return { success: true, status: 'Built', outputs };
    } catch (error) {
      if (this.#signal.aborted) throw this.#signal.reason;
      if (error instanceof BuilderFailed) return { success: false, error: this.#failure(error) };
      if (error instanceof BuildError) return { success: false, error };
      throw error;
    } finally {
      this.#logFile?.close();
      this.#activity.stop();
      ended();
    }
  }

  // ---- places

  /** Where each output is written. Leftovers of a build that was killed are removed. */
  #choosePlaces(hidesStore: boolean): Map<string, OutputPlace> {
    const { store } = this.#shared;
    const { derivation, mode } = this.#job;
    const places = new Map<string, OutputPlace>();
    for (const [name, output] of derivation.outputs) {
      const path = outputPathOf(store, derivation, name);
      if (path === undefined) {
        const scratch = this.#unknownPath(name);
        deleteTree(store.toRealPath(scratch));
        places.set(name, { output, path, scratch, valid: false });
        continue;
      }
      const registered = store.isValidPathSync(path);
      const valid = registered && (mode !== 'repair' || this.#shared.contents.isGood(path));
      if (!registered) store.deleteInvalidPath(path);
      const inTheWay = !hidesStore && registered && (valid || mode === 'repair');
      const scratch = inTheWay ? this.#fallbackPath(path) : path;
      if (scratch !== path) deleteTree(store.toRealPath(scratch));
      places.set(name, { output, path, scratch, valid });
    }
    return places;
  }

  /** Where an output is written whose path follows from what is written. */
  #unknownPath(name: string): StorePath {
    const { path, derivation } = this.#job;
    const zeroes = `sha256:${'0'.repeat(64)}`;
    return makeStorePath(`rewrite:${path}:name:${name}`, zeroes, outputPathName(derivation.name, name), this.#shared.store.storeDir);
  }

  /** A path that no store object has, of the same length. */
  #fallbackPath(path: StorePath): StorePath {
    const zeroes = `sha256:${'0'.repeat(64)}`;
    return makeStorePath(`rewrite:${this.#job.path}:${path}`, zeroes, storePathName(path), this.#shared.store.storeDir);
  }

  #rewritesFor(places: ReadonlyMap<string, OutputPlace>): Map<string, string> {
    const { store } = this.#shared;
    const rewrites = new Map<string, string>();
    for (const [name, { scratch, path }] of places) {
      rewrites.set(hashPlaceholder(name), store.printPath(scratch));
      if (path !== undefined && scratch !== path) rewrites.set(storePathHash(path), storePathHash(scratch));
    }
    return rewrites;
  }

  #readDerivation(path: StorePath): Derivation {
    return this.#shared.derivation(path) ?? this.#shared.store.readDerivationSync(path);
  }

  /** The closure of all inputs, sorted. */
  #inputClosure(): StorePath[] {
    const { derivation } = this.#job;
    const roots: StorePath[] = [...derivation.inputSources];
    for (const [input, outputs] of derivation.inputDerivations) {
      const known = this.#readDerivation(input).outputs;
      for (const name of outputs) {
        const output = known.get(name);
        if (output === undefined || !('path' in output)) {
          throw new BuildError(
            'InputRejected',
            `derivation '${this.#printed}' requires non-existent output '${name}' from input derivation '${this.#shared.store.printPath(input)}'`,
            { exitCode: 100 },
          );
        }
        roots.push(output.path);
      }
    }
    return this.#closure(roots);
  }

  #closure(roots: readonly StorePath[]): StorePath[] {
    const { store } = this.#shared;
    return [...closureSync(roots, (path) => store.requirePathInfoSync(path).references)].sort(compareStrings);
  }

  // ---- programs

  async #runProgram(): Promise<ReadonlyMap<string, StorePath>> {
    const { store, settings, sandboxes, progress } = this.#shared;
    const { derivation, options, path } = this.#job;
    const type = derivationType(derivation);
    const fixed = type === 'fixed';
    const impure = type === 'impure';
    const external = externalBuilderFor(settings, derivation);
    const sandbox =
      external === undefined
        ? sandboxes.choose({
            derivation: this.#printed,
            noChroot: options.noChroot,
            isolated: !fixed && !impure,
            divertedStore: store.storeDir !== store.realStoreDir,
          })
        : sandboxes.external(external, this.#ownEnvironment());
    if (options.requiredSystemFeatures.includes('uid-range')) {
      throw new BuildError(
        'InputRejected',
        `cannot build '${this.#printed}': floe does not give builds a range of user ids (feature 'uid-range') yet`,
        { exitCode: 100 },
      );
    }
    if (!sandbox.hidesStore && exists(HOME)) {
      throw new FloeError(
        'FLOE_HOME_EXISTS',
        `home directory "${HOME}" exists; please remove it to assure purity of builds without sandboxing`,
      );
    }
    if (sandbox.hidesStore && store.storeDir.startsWith(settings.sandboxBuildDir))
      throw new FloeError('FLOE_SANDBOX_BUILD_DIR', '`sandbox-build-dir` must not contain the storeDir');
    const places = this.#choosePlaces(sandbox.hidesStore);
    const inputs = this.#inputClosure();
    const buildDir = this.#makeBuildDir(sandbox.hidesStore);
    const rewrites = this.#rewritesFor(places);
    let prepared: PreparedSandbox | undefined;
    let succeeded = false;
    try {
      const environment = await makeEnvironment({
        derivation,
        options,
        inputs: new Set(inputs),
        buildDir: sandbox.buildDirInside(buildDir),
        cores: settings.cores === 0 ? availableParallelism() : settings.cores,
        fixed,
        impure,
        machineEnv: (name) => settings.impureEnv.get(name) ?? this.#shared.env(name),
        rewrites,
        store,
        readDerivation: async (input) => this.#readDerivation(input),
      });
      for (const [name, contents] of environment.files) writeFile(`${buildDir}/${name}`, contents);
      prepared = sandbox.prepare({
        system: derivation.system,
        folder: `${store.toRealPath(path)}.chroot`,
        storeDir: store.storeDir,
        realStoreDir: store.realStoreDir,
        inputs,
        extraPaths: sandbox.hidesStore ? await this.#sandboxPaths(inputs, places) : [],
        buildDir,
        network: fixed || impure,
        kvm: settings.systemFeatures.includes('kvm'),
        outputs: new Map([...places].map(([name, { scratch }]) => [name, store.printPath(scratch)])),
      });
      if (settings.keepBuildLog) this.#logFile = new LogFile(store.logDir, path);
      progress.log('chatty', `executing builder '${byteStringToUtf8(derivation.builder)}'`);
      const args = derivation.args.map((arg) => rewriteText(arg, rewrites));
      const exit = await this.#watch(prepared, { program: derivation.builder, args, env: environment.variables });
      if (exit.kind === 'not-started') throw this.#notStarted(sandbox.kind);
      if (exit.kind !== 'exited' || exit.code !== 0) throw new BuilderFailed(`builder ${describeExit(exit)}`);
      const outputs = await this.#register(places, inputs, buildDir, (output) =>
        prepared!.hostPath(sandbox.hidesStore ? store.printPath(output) : store.toRealPath(output)),
      );
      succeeded = true;
      return outputs;
    } finally {
      this.#cleanUp(buildDir, succeeded, places, prepared, sandbox.hidesStore);
    }
  }

  #ownEnvironment(): ReadonlyMap<string, string> {
    const set = Object.entries(this.#shared.hookEnv).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
    return new Map(set.map(([name, value]) => [utf8ToByteString(name), utf8ToByteString(value)]));
  }

  /** A folder that only one build uses; what a killed process left of it is removed. */
  #makeBuildDir(hidden: boolean): string {
    const { settings, store } = this.#shared;
    const parent = settings.buildDir ?? `${store.stateDir}/builds`;
    makeFolders(parent);
    // The outputs are locked, so nobody else builds this derivation in this store. The name is short: builds put sockets there, whose
    // paths may have 107 bytes. A folder that may be kept has a name of its own: it stays where the builder saw it.
    const folder = settings.keepFailed
      ? `${parent}/nix-${process.pid}-${randomBytes(4).readUInt32LE()}`
      : `${parent}/floe-${this.#job.path.slice(0, 16)}`;
    deleteTree(folder);
    makeFolder(folder, 0o700);
    if (!hidden) return folder;
    // Where the sandbox gives the folder another owner or mode, the one above it keeps others out.
    makeFolder(`${folder}/build`, 0o700);
    return `${folder}/build`;
  }

  /** `sandbox-paths`, those in the store with their closure; without this derivation's own outputs. */
  async #sandboxPaths(inputs: readonly StorePath[], places: ReadonlyMap<string, OutputPlace>): Promise<SandboxPath[]> {
    const { store, settings, hookEnv } = this.#shared;
    const paths = new Map<string, SandboxPath>();
    const closure: StorePath[] = [];
    for (const path of settings.sandboxPaths) {
      const found = splitStorePath(path.source, store.storeDir);
      const valid = found !== undefined && store.isValidPathSync(found.storePath);
      if (valid) closure.push(found.storePath);
      paths.set(path.target, valid ? { ...path, source: store.toRealPath(found.storePath) + found.rest } : path);
    }
    for (const path of this.#closure(closure))
      paths.set(store.printPath(path), { target: store.printPath(path), source: store.toRealPath(path), optional: false });
    for (const path of this.#impureHostDeps()) paths.set(path.target, path);
    if (settings.preBuildHook !== undefined && settings.preBuildHook !== '') {
      for (const path of await runPreBuildHook(settings.preBuildHook, this.#printed, hookEnv)) paths.set(path.target, path);
    }
    for (const path of inputs) paths.delete(store.printPath(path));
    for (const { path } of places.values()) if (path !== undefined) paths.delete(store.printPath(path));
    return [...paths.values()];
  }

  /** `__impureHostDeps`, as far as this machine allows them. */
  #impureHostDeps(): SandboxPath[] {
    const allowed = this.#shared.settings.allowedImpureHostDeps ?? [];
    return this.#job.options.impureHostDeps.map((path) => {
      if (!allowed.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))) {
        throw new BuildError(
          'InputRejected',
          `derivation '${this.#printed}' requested impure path '${path}', but it was not in allowed-impure-host-deps`,
        );
      }
      return { target: path, source: path, optional: true };
    });
  }

  /** Runs the builder to its end, its output kept and shown. */
  async #watch(prepared: PreparedSandbox, command: BuilderCommand): Promise<BuilderExit> {
    const { settings, progress } = this.#shared;
    const messages = new BuilderMessages(progress, this.#activity);
    const cutter = new LineCutter((line) => {
      if (!messages.take(line)) this.#say(line);
    });
    try {
      return await watchBuilder(prepared.start(command), {
        settings,
        derivation: this.#printed,
        signal: this.#signal,
        onOutput: (chunk) => {
          this.#logFile?.write(chunk);
          cutter.push(chunk.toString('latin1'));
        },
      });
    } finally {
      cutter.end();
      messages.end();
    }
  }

  #say(line: string): void {
    this.#activity.result('build-log-line', [byteStringToUtf8(line)]);
    this.#tail.push(line);
    if (this.#tail.length > this.#shared.settings.logLines) this.#tail.shift();
  }

  /** The sandbox could not be set up, or the builder could not be executed in it. */
  #notStarted(kind: string): Error {
    const last = this.#tail.at(-1) ?? '';
    const failed = /^(?:bwrap: execvp|unshare: failed to execute) (.*): ([^:]*)$/.exec(last);
    if (failed !== null) {
      this.#tail[this.#tail.length - 1] = `error: executing '${failed[1]!}': ${failed[2]!}`;
      return new BuilderFailed('builder failed with exit code 1');
    }
    return new FloeError(
      'FLOE_SANDBOX',
      `cannot set up the sandbox (${kind}) for '${this.#printed}': ${byteStringToUtf8(this.#tail.join('; ')) || 'no reason given'}`,
      {
        hint: "'--no-sandbox' builds without one",
      },
    );
  }

  #cleanUp(
    buildDir: string,
    succeeded: boolean,
    places: ReadonlyMap<string, OutputPlace>,
    prepared: PreparedSandbox | undefined,
    hidesStore: boolean,
  ): void {
    const { store, settings, progress } = this.#shared;
    const folder = hidesStore ? buildDir.slice(0, buildDir.lastIndexOf('/')) : buildDir;
    const keep = settings.keepFailed && !succeeded && !this.#signal.aborted;
    for (const { path, scratch, valid } of places.values()) {
      if (scratch !== path) deleteTree(store.toRealPath(scratch));
      if (!keep || !hidesStore || valid || this.#job.mode !== 'normal' || prepared === undefined || path === undefined) continue;
      const written = prepared.hostPath(store.printPath(path));
      if (statOf(written) !== undefined) movePath(written, store.toRealPath(path));
    }
    if (keep) {
      setMode(folder, 0o755);
      setMode(buildDir, 0o755);
      progress.log('error', `note: keeping build directory "${byteStringToUtf8(buildDir)}"`);
    } else deleteTree(folder);
    prepared?.dispose();
  }

  // ---- builtin builders

  async #runBuiltin(): Promise<ReadonlyMap<string, StorePath>> {
    const { store, fetching, progress } = this.#shared;
    const { derivation, path } = this.#job;
    const places = this.#choosePlaces(true);
    const folder = `${store.toRealPath(path)}.chroot`;
    const hostPath = (output: StorePath) => `${folder}/${output}`;
    deleteTree(folder);
    makeFolder(folder, 0o700);
    if (this.#shared.settings.keepBuildLog) this.#logFile = new LogFile(store.logDir, path);
    try {
      const inputs = this.#inputClosure();
      try {
        await runBuiltin({
          derivation,
          outputs: new Map([...places].map(([name, { scratch }]) => [name, hostPath(scratch)])),
          storeDir: store.storeDir,
          toRealPath: (each) => store.toRealPath(each),
          fetching,
          signal: this.#signal,
          warn: (message) => progress.log('warn', message),
          startTransfer: transferShower(this.#shared.progress, this.#activity),
        });
      } catch (error) {
        if (!(error instanceof FloeError) || error.code === 'FLOE_IO') throw error;
        this.#logLines(printFailure(error));
        if (error.hint !== undefined) this.#logLines(`hint: ${error.hint}`);
        throw new BuilderFailed('builder failed with exit code 1');
      }
      return await this.#register(places, inputs, folder, hostPath);
    } finally {
      deleteTree(folder);
    }
  }

  #logLines(text: string): void {
    for (const line of text.split('\n')) {
      const bytes = Buffer.from(line, 'utf8').toString('latin1');
      this.#logFile?.write(Buffer.from(`${bytes}\n`, 'latin1'));
      this.#say(bytes);
    }
  }

  // ---- the end

  async #register(
    places: ReadonlyMap<string, OutputPlace>,
    inputs: readonly StorePath[],
    buildDir: string,
    hostPath: (path: StorePath) => string,
  ): Promise<ReadonlyMap<string, StorePath>> {
    const { store, settings, sign, hookEnv, progress } = this.#shared;
    const { diffHook } = settings;
    const hasDiffHook = diffHook !== undefined && diffHook !== '';
    const { derivation, path, options, mode } = this.#job;
    this.#logFile?.close();
    const infos = await registerOutputs({
      store,
      derivation,
      derivationPath: parseStorePathBaseName(path),
      options,
      places,
      inputs,
      hostPath,
      mode,
      keepsDifferent: settings.keepFailed || hasDiffHook,
      onDifferent: async (old, other) => {
        if (hasDiffHook) await runDiffHook(diffHook, { old, new: other, derivation: this.#printed, buildDir }, hookEnv, progress);
      },
      sign,
    });
    if (mode !== 'check') for (const info of infos.values()) this.#shared.contents.noteGood(info.path);
    const outputs = new Map<string, StorePath>();
    for (const [name, place] of places) outputs.set(name, infos.get(name)?.path ?? place.path!);
    if (mode !== 'check') this.#realise(outputs);
    return outputs;
  }

  /** Remembers what the outputs turned out to be. */
  #realise(outputs: ReadonlyMap<string, StorePath>): void {
    const { store, signRealisation } = this.#shared;
    const { derivation } = this.#job;
    const { realisations } = store;
    if (realisations === undefined || derivationType(derivation) === 'impure') return;
    for (const [name, path] of outputs)
      realisations.register(signRealisation({ id: realisations.idOf(derivation, name), path, signatures: [] }));
  }

  #isDiskFull(): boolean {
    const { store, settings } = this.#shared;
    return [store.realStoreDir, settings.buildDir ?? store.stateDir].some((folder) => {
      try {
        const { bavail, bsize } = fs.statfsSync(systemPath(folder));
        return bavail * bsize < LITTLE_SPACE;
      } catch {
        return false;
      }
    });
  }

  #failure({ reason }: BuilderFailed): BuildError {
    const { store, settings } = this.#shared;
    const { derivation } = this.#job;
    const full = this.#isDiskFull();
    const transient = full || derivation.outputs.get('out')?.kind === 'fixed';
    let message = `Cannot build '${this.#printed}'.\nReason: ${reason}.${describeOutputs(derivation, (path) => store.printPath(path))}`;
    if (!settings.showsLogs && this.#tail.length > 0) {
      message += `\nLast ${this.#tail.length} log lines:\n${this.#tail.map((line) => `> ${byteStringToUtf8(line)}\n`).join('')}`;
      message += `For full logs, run:\n  ${settings.logCommand} ${this.#printed}`;
    }
    if (full) message += '\nnote: build failure may have been caused by lack of free disk space';
    return new BuildError(transient ? 'TransientFailure' : 'PermanentFailure', message, {
      exitCode: transient ? 1 : 100,
      data: { derivation: this.#printed, log: this.#tail.map(byteStringToUtf8) },
    });
  }
}
