// An engine as the daemon has it for one client (daemon/host.ts says what that needs): builds as results, plans as sets of paths, and
// which settings a client may change. libstore/daemon.cc (ClientSettings) and local-store.cc at 2.34.8.

import { utf8ToByteString } from '../base/bytes.ts';
import { FloeError, InvalidPathError } from '../base/errors.ts';
import { parseHash } from '../base/hash.ts';
import { NIX_VERSION } from '../eval/builtins/constants.ts';
import { LogFile } from '../build/build-log.ts';
import type { Realised } from '../build/realise.ts';
import type { BuildFailureStatus, BuildResult } from '../model/build-result.ts';
import type { Derivation } from '../model/derivation.ts';
import { type HashModulo, hashDerivationModulo, makeHashModuloLookup } from '../model/derivation-hash.ts';
import type { DerivedPath } from '../model/derived-path.ts';
import { isContentAddressed, type PathInfo } from '../model/path-info.ts';
import type { Realisation } from '../model/realisation.ts';
import { parsePublicKeys } from '../model/signature.ts';
import { findSettingOrExtra } from '../model/settings.ts';
import type { StorePath } from '../model/store-path.ts';
import type { ClientSettings, MissingPaths, SubstitutablePath, WorkerBuildMode, WorkerGcAction } from '../model/worker-protocol.ts';
import { DaemonStore } from '../store/local/daemon-store.ts';
import type { MachineStore } from '../store/local/machine-store.ts';
import type { Engine } from './engine.ts';
import { StoreCare } from './store-care.ts';
import { requiresSignatures } from './substituters.ts';

/** What anyone may change. */
const FREE_SETTINGS = ['timeout', 'build-timeout', 'max-silent-time', 'build-max-silent-time', 'build-poll-interval', 'connect-timeout'];

/** See the head of the file. */
export class EngineDaemonHost {
  readonly nixVersion = NIX_VERSION;
  private readonly engine: Engine;
  private readonly hashes = new Map<StorePath, HashModulo>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  get store(): MachineStore {
    return this.engine.store;
  }

  // ---- settings

  applySettings(client: ClientSettings, isTrusted: boolean): void {
    const { settings } = this.engine;
    settings.set('keep-failed', client.keepFailed);
    settings.set('keep-going', client.keepGoing);
    settings.set('fallback', client.fallback);
    settings.set('max-jobs', client.maxJobs);
    settings.set('max-silent-time', client.maxSilentTimeS);
    settings.set('cores', client.cores);
    settings.set('substitute', client.substitute);
    for (const [name, value] of client.overrides) this.override(name, value, isTrusted);
  }

  private override(name: string, value: string, isTrusted: boolean): void {
    const { settings, progress } = this.engine;
    const warn = (text: string): void => progress.log('warn', text);
    // A daemon's features are its own; the others are gone.
    if (['ssh-auth-sock', 'experimental-features'].includes(name)) return;
    if (name === 'plugin-files') {
      return warn(
        'Ignoring the client-specified plugin-files.\nThe client specifying plugins to the daemon never made sense, and was removed in Nix >=2.14.',
      );
    }
    try {
      if (isTrusted || FREE_SETTINGS.includes(name) || (name === 'builders' && value === '')) {
        settings.setFromText(name, value);
      } else if (findSettingOrExtra(name)?.setting === 'substituters' && !name.startsWith('extra-')) {
        settings.set(
          'substituters',
          value.split(/\s+/).filter((url) => url !== '' && this.isOffered(url, warn)),
        );
      } else {
        warn(`ignoring the client-specified setting '${name}', because it is a restricted setting and you are not a trusted user`);
      }
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      warn(error.message);
    }
  }

  /** Whether an untrusted client may use a substituter. */
  private isOffered(url: string, warn: (text: string) => void): boolean {
    const { settings } = this.engine;
    const offered = [...settings.get('trusted-substituters'), ...settings.get('substituters')];
    if (offered.includes(url) || offered.includes(`${url}/`)) return true;
    warn(
      `ignoring untrusted substituter '${url}', you are not a trusted user.\n` +
        'Run `man nix.conf` for more information on the `substituters` configuration option.',
    );
    return false;
  }

  async isSignedWell(info: PathInfo): Promise<boolean> {
    const { settings, storeDir } = this.engine;
    if (!requiresSignatures(this.store, settings) || isContentAddressed(info, storeDir)) return true;
    if (info.signatures.length === 0) return false;
    const { countGoodSignatures } = await import('../model/signing.ts');
    return countGoodSignatures(info, storeDir, parsePublicKeys(settings.get('trusted-public-keys'))) > 0;
  }

  // ---- building

  async missing(paths: readonly DerivedPath[]): Promise<MissingPaths> {
    const plan = await this.engine.builds.plan(paths);
    const { downloadSize, narSize } = plan;
    return {
      willBuild: [...plan.willBuild.keys()],
      willSubstitute: [...plan.willSubstitute.keys()],
      unknown: [...plan.unknown],
      downloadSize,
      narSize,
    };
  }

  async build(
    paths: readonly DerivedPath[],
    mode: WorkerBuildMode,
    signal: AbortSignal,
  ): Promise<{ path: DerivedPath; result: BuildResult }[]> {
    const startTime = now();
    const { results } = await this.engine.builds.tryBuild(paths, { mode, signal });
    return results.map((realised) => ({ path: realised.request, result: this.toResult(realised, startTime) }));
  }

  async buildOrFail(paths: readonly DerivedPath[], mode: WorkerBuildMode, signal: AbortSignal): Promise<void> {
    const result = await this.engine.builds.tryBuild(paths, { mode, signal });
    const { throwFailures } = await import('../build/realise.ts');
    throwFailures(result, this.engine.storeDir, this.engine.progress);
  }

  async buildDerivation(path: StorePath, derivation: Derivation, mode: WorkerBuildMode, signal: AbortSignal): Promise<BuildResult> {
    const { store } = this;
    if (store instanceof DaemonStore) return store.buildDerivation(path, derivation, mode, { signal });
    this.engine.builds.given.set(path, derivation);
    const [built] = await this.build([{ kind: 'built', derivation: path, outputs: 'all' }], mode, signal);
    return built?.result ?? failure('MiscFailure', 'the build was cancelled', now());
  }

  private toResult(realised: Realised, startTime: number): BuildResult {
    if (!realised.success) return failure(realised.error.status as BuildFailureStatus, realised.error.message, startTime);
    const { request, status, outputs } = realised;
    const builtOutputs = new Map<string, Realisation>();
    if (request.kind === 'built' && typeof request.derivation === 'string') {
      const derivation = this.derivation(request.derivation);
      for (const [output, path] of outputs) builtOutputs.set(output, { id: this.idOf(derivation, output), path, signatures: [] });
    }
    return { success: true, status, builtOutputs, timesBuilt: status === 'Built' ? 1 : 0, startTime, stopTime: now() };
  }

  private derivation(path: StorePath): Derivation {
    return this.engine.builds.given.get(path) ?? this.store.readDerivationSync(path);
  }

  private idOf(derivation: Derivation, output: string): Realisation['id'] {
    const lookup = makeHashModuloLookup((path) => this.derivation(path), this.engine.storeDir, this.hashes);
    const { hash } = hashDerivationModulo(derivation, this.engine.storeDir, lookup, true);
    return { hash: parseHash(`sha256:${hash}`), output };
  }

  async derivationOutputs(path: StorePath): Promise<Map<string, StorePath | undefined>> {
    if (!this.store.isValidPathSync(path))
      throw new InvalidPathError(`path '${this.store.printPath(path)}' is not valid`, { data: { path } });
    const derivation = this.store.readDerivationSync(path);
    const known = this.store.queryDerivationOutputsSync(path);
    const { realisations } = this.store;
    return new Map(
      [...derivation.outputs].map(([name, output]): [string, StorePath | undefined] => {
        if ('path' in output) return [name, output.path];
        return [name, realisations?.outputPath(derivation, name) ?? known.get(name)];
      }),
    );
  }

  async substitutable(paths: readonly StorePath[]): Promise<SubstitutablePath[]> {
    return paths.length === 0 ? [] : this.engine.builds.substitutable(paths);
  }

  // ---- care

  async collectGarbage(request: {
    readonly action: WorkerGcAction;
    readonly pathsToDelete: ReadonlySet<StorePath>;
    readonly maxFreedBytes: number;
  }) {
    return new StoreCare(this.engine).collectGarbage(request);
  }

  async verify(checkContents: boolean, repair: boolean): Promise<boolean> {
    return new StoreCare(this.engine).verify({ checkContents, repair });
  }

  async addBuildLog(derivation: StorePath, log: Uint8Array): Promise<void> {
    const { store } = this;
    if (store instanceof DaemonStore) return store.addBuildLog(derivation, log);
    const file = new LogFile(store.logDir, derivation);
    file.write(log);
    file.close();
  }
}

const now = (): number => Math.floor(Date.now() / 1000);

function failure(status: BuildFailureStatus, message: string, startTime: number): BuildResult {
  const isNonDeterministic = status === 'NotDeterministic';
  return { success: false, status, message: utf8ToByteString(message), isNonDeterministic, timesBuilt: 0, startTime, stopTime: now() };
}
