// Builds on other machines: what the build needs is copied there, the derivation is built there, its log is kept here, and what came out
// is copied back. Machines are reached by ssh, or, for stores of this machine, as a daemon of floe's own. nix/build-remote/build-remote.cc
// at 2.34.8.

import * as fs from 'node:fs';
import process from 'node:process';
import { bytesOfText, byteStringToUtf8 } from '../base/bytes.ts';
import { BuildError, FloeError } from '../base/errors.ts';
import type { Activity, Progress } from '../base/progress.ts';
import { LogFile } from '../build/build-log.ts';
import type { BuildJob, BuildOutcome } from '../build/builder.ts';
import { outputPathOf } from '../build/local-build.ts';
import { type ConnectedMachine, RemoteBuilder } from '../build/remote-builder.ts';
import type { BuildResult } from '../model/build-result.ts';
import { derivationType } from '../model/derivation-hash.ts';
import { type Machine, machineStoreUrl, parseMachines } from '../model/machines.ts';
import type { PathInfo } from '../model/path-info.ts';
import type { StorePath } from '../model/store-path.ts';
import { queryClosure, requirePathInfo } from '../store/closure.ts';
import { copyPaths } from '../store/copy.ts';
import type { LocalStore } from '../store/local/local-store.ts';
import type { ServeStore } from '../store/remote/serve-store.ts';
import { WorkerStore } from '../store/remote/worker-store.ts';
import type { Engine } from './engine.ts';
import { isSshUrl, openSshUrl, startProgram, storeDirOf } from './ssh-connections.ts';

/** The machines of the setting `builders`; undefined where it names none. */
export function makeRemoteBuilder(engine: Engine): RemoteBuilder | undefined {
  const { settings, progress } = engine;
  const readFile = (path: string): string | undefined => (fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : undefined);
  const machines = parseMachines(settings.get('builders'), settings.get('system'), readFile);
  if (machines.length === 0) return undefined;
  const { stateDir } = engine.store;
  const builder: RemoteBuilder = new RemoteBuilder({
    machines,
    stateDir,
    progress,
    connect: (machine) => connect(engine, machine, () => builder),
  });
  return builder;
}

/** Where lines of a build's log go that arrive outside of the protocol. */
interface LogTarget {
  line: (text: string) => void;
}

async function connect(engine: Engine, machine: Machine, builder: () => RemoteBuilder): Promise<ConnectedMachine> {
  const log: LogTarget = { line: (text) => engine.progress.log('info', text) };
  const store = openMachine(engine, machine, log);
  let isTrusted: boolean | undefined;
  const activity = engine.progress.start('unknown', `connecting to '${machine.uri}'`, { level: 'talkative' });
  try {
    isTrusted = (await store.connect())?.isTrusted;
  } catch (error) {
    await store.close();
    throw error;
  } finally {
    activity.stop();
  }
  return {
    build: (job, signal) => new MachineBuild(engine, builder(), machine, store, log, isTrusted !== false, job).run(signal),
    close: () => store.close(),
  };
}

/** The machine's store: over ssh, or a daemon that is started here for one of this machine. */
function openMachine(engine: Engine, machine: Machine, log: LogTarget): ServeStore | WorkerStore {
  const url = machineStoreUrl(machine);
  const progress = withLogLines(engine.progress, log);
  if (isSshUrl(url)) return openSshUrl({ env: engine.env, progress }, url, (text) => log.line(text)).store;
  const { childStackLimit = '8192' } = engine;
  const own = [...process.execArgv, process.argv[1]!, '--launched', 'nix-daemon', childStackLimit, 'unset'];
  const parameters = new Map(new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''));
  return new WorkerStore({
    storeDir: storeDirOf(parameters, engine.env),
    uri: machine.uri,
    progress,
    connect: () => startProgram([process.execPath, ...own, '--stdio', '--store', url], { ...engine.env, NODE_OPTIONS: undefined }, false),
    maxConnections: 1,
  });
}

/** What builders over there say becomes the log of the build here. */
function withLogLines(progress: Progress, log: LogTarget): Progress {
  const inner = new WeakMap<Activity, Activity>();
  return {
    ...(progress.level === undefined ? {} : { level: progress.level }),
    log: (level, text) => progress.log(level, text),
    start(type, text, options = {}) {
      const { parent } = options;
      const shown = progress.start(type, text, { ...options, parent: parent && (inner.get(parent) ?? parent) });
      const activity: Activity = {
        result(resultType, fields) {
          if (resultType === 'build-log-line') log.line(String(fields[0]));
          else shown.result(resultType, fields);
        },
        stop: () => shown.stop(),
      };
      inner.set(activity, shown);
      return activity;
    },
  };
}

/** One build on one machine. */
class MachineBuild {
  private readonly engine: Engine;
  private readonly builder: RemoteBuilder;
  private readonly machine: Machine;
  private readonly remote: ServeStore | WorkerStore;
  private readonly log: LogTarget;
  private readonly isTrusted: boolean;
  private readonly job: BuildJob;
  private readonly store: LocalStore;

  constructor(
    engine: Engine,
    builder: RemoteBuilder,
    machine: Machine,
    remote: ServeStore | WorkerStore,
    log: LogTarget,
    isTrusted: boolean,
    job: BuildJob,
  ) {
    this.engine = engine;
    this.builder = builder;
    this.machine = machine;
    this.remote = remote;
    this.log = log;
    this.isTrusted = isTrusted;
    this.job = job;
    this.store = engine.localStore('building');
  }

  async run(signal: AbortSignal): Promise<BuildOutcome> {
    const { progress, settings } = this.engine;
    const printed = this.store.printPath(this.job.path);
    const activity = progress.start('build', `building '${printed}' on '${this.machine.uri}'`, {
      level: 'info',
      fields: [printed, this.machine.uri, 1, 1],
    });
    const file = settings.get('keep-build-log') ? new LogFile(this.store.logDir, this.job.path) : undefined;
    this.log.line = (text) => {
      activity.result('build-log-line', [text]);
      file?.write(bytesOfText(`${text}\n`));
    };
    // Hanging up is what ends a build over there.
    const hangUp = (): void => void this.remote.close();
    signal.addEventListener('abort', hangUp, { once: true });
    try {
      const inputs = await this.copyInputs();
      const result = await this.build(inputs, signal);
      if (!result.success) return this.failure(byteStringToUtf8(result.message), result.status);
      return { success: true, status: 'Built', outputs: await this.copyOutputs(result) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FloeError) return this.failure(error.message, 'MiscFailure');
      throw error;
    } finally {
      signal.removeEventListener('abort', hangUp);
      file?.close();
      activity.stop();
    }
  }

  private failure(message: string, status: string): BuildOutcome {
    const { settings, progress } = this.engine;
    if (settings.get('keep-failed')) {
      const { system } = this.job.derivation;
      const hint =
        system === settings.get('system') || settings.get('extra-platforms').includes(system)
          ? " You can re-run the command with `--builders ''` to disable remote building for this invocation."
          : '';
      progress.log('warn', `The failed build directory was kept on the remote builder due to \`--keep-failed\`.${hint}`);
    }
    const text = `build of '${this.store.printPath(this.job.path)}' on '${this.machine.uri}' failed: ${message}`;
    return { success: false, error: new BuildError(status, text, { exitCode: 100 }) };
  }

  /** All that the build may read. */
  private async inputClosure(): Promise<PathInfo[]> {
    const { derivation } = this.job;
    const roots = [...derivation.inputSources];
    for (const [path, names] of derivation.inputDerivations) {
      const input = this.engine.builds.given.get(path) ?? this.store.readDerivationSync(path);
      for (const name of names) {
        const output = outputPathOf(this.store, input, name);
        if (output !== undefined) roots.push(output);
      }
    }
    return [...(await queryClosure(this.store, roots)).values()];
  }

  private async copyInputs(): Promise<StorePath[]> {
    const { progress, settings } = this.engine;
    const infos = await this.inputClosure();
    const paths = infos.map(({ path }) => path);
    await this.builder.withUploadLock(this.machine, async () => {
      const activity = progress.start('unknown', `copying dependencies to '${this.machine.uri}'`, { level: 'talkative' });
      try {
        if (settings.get('builders-use-substitutes')) await this.remote.substitute(paths);
        await copyPaths(this.store, this.remote, infos, { progress, checkSignatures: false });
      } finally {
        activity.stop();
      }
    });
    return paths;
  }

  private async build(inputs: readonly StorePath[], signal: AbortSignal): Promise<BuildResult> {
    const { job, remote } = this;
    const type = derivationType(job.derivation);
    if (this.isTrusted || type === 'fixed' || type === 'floating' || type === 'impure') {
      // Its inputs are all there now. Where it has no derivations among them it stays as it is, and so do the names of its outputs.
      const inputSources = job.derivation.inputDerivations.size === 0 ? job.derivation.inputSources : [...inputs].sort();
      const plain = { ...job.derivation, inputDerivations: new Map(), dynamicInputs: undefined, inputSources };
      if (remote instanceof WorkerStore) return remote.buildDerivation(job.path, plain, 'normal', { signal });
      return remote.buildDerivation(job.path, plain, buildOptions(this.engine));
    }
    if (!(remote instanceof WorkerStore)) throw new FloeError('FLOE_NOT_TRUSTED', `machine '${this.machine.uri}' does not trust this user`);
    const { progress } = this.engine;
    await copyPaths(this.store, remote, (await queryClosure(this.store, [job.path])).values(), { progress, checkSignatures: false });
    const results = await remote.buildPaths([{ kind: 'built', derivation: job.path, outputs: 'all' }], 'normal', { signal });
    const times = { timesBuilt: 1, startTime: 0, stopTime: 0 };
    return results?.[0]?.result ?? { success: true, status: 'Built', builtOutputs: new Map(), ...times };
  }

  /** Brings the outputs home; the caller holds their locks. */
  private async copyOutputs(result: BuildResult): Promise<ReadonlyMap<string, StorePath>> {
    const { store, remote, job } = this;
    const { progress } = this.engine;
    const outputs = new Map<string, StorePath>();
    const built = result.success ? result.builtOutputs : new Map<string, never>();
    for (const [name, output] of job.derivation.outputs) {
      const path = 'path' in output ? output.path : built.get(name)?.path;
      if (path === undefined) throw new FloeError('FLOE_NO_OUTPUT', `it did not say where output '${name}' is`);
      outputs.set(name, path);
    }
    const missing = [...new Set(outputs.values())].filter((path) => !store.isValidPathSync(path));
    const activity = progress.start('unknown', `copying outputs from '${this.machine.uri}'`, { level: 'talkative' });
    try {
      const infos = await Promise.all(missing.map((path) => requirePathInfo(remote, path)));
      const options = { progress, checkSignatures: false, hasLock: true };
      await copyPaths(remote, store, infos, options);
    } finally {
      activity.stop();
    }
    const { realisations } = store;
    for (const [name, output] of job.derivation.outputs) {
      if ('path' in output || output.kind === 'impure' || realisations === undefined) continue;
      realisations.register({ id: realisations.idOf(job.derivation, name), path: outputs.get(name)!, signatures: [] });
    }
    return outputs;
  }
}

/** What the older protocol tells the other side of a build. */
function buildOptions({ settings }: Engine) {
  return {
    maxSilentTimeS: Number(settings.get('max-silent-time')),
    timeoutS: Number(settings.get('timeout')),
    maxLogSize: Number(settings.get('max-build-log-size')),
    keepFailed: settings.get('keep-failed'),
  };
}
