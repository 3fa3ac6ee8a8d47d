// Building in a store that is behind a Nix daemon: plans and builds are asked of the daemon, and what it answers is told in the words of
// builds on this machine; and what a daemon is told of this user's settings. libstore/remote-store.cc at 2.34.8.

import { byteStringToUtf8, utf8ToByteString } from '../base/bytes.ts';
import { BuildError } from '../base/errors.ts';
import type { LogLevel } from '../base/progress.ts';
import type { BuildMode } from '../build/outputs.ts';
import type { Plan } from '../build/plan.ts';
import type { Realised, RealiseResult } from '../build/realise.ts';
import type { BuildResult } from '../model/build-result.ts';
import type { Derivation } from '../model/derivation.ts';
import { type DerivationRef, type DerivedPath, outputsSpecContains, printDerivedPath } from '../model/derived-path.ts';
import type { Realisation } from '../model/realisation.ts';
import { OWN_SETTINGS, printSetting, type SettingName } from '../model/settings.ts';
import type { StorePath } from '../model/store-path.ts';
import type { ClientSettings } from '../model/worker-protocol.ts';
import type { DaemonStore } from '../store/local/daemon-store.ts';
import type { Settings } from './config.ts';

/** Sent in fields of their own, or not at all. */
const NOT_SENT: readonly SettingName[] = [
  'keep-failed',
  'keep-going',
  'fallback',
  'max-jobs',
  'max-silent-time',
  'cores',
  'substitute',
  'show-trace',
  'experimental-features',
  'store',
];

/** Settings of evaluation and of the command line mean nothing to a daemon; floe's own, nothing to another's. */
const OF_CLIENTS =
  /^(?:pure-eval|restrict-eval|eval-|flake-|accept-|commit-|tarball-|nix-path|warn-|lint-|use-registries|bash-|debugger-|trace-|allow-import|allow-unsafe|allow-dirty|allowed-uris|max-call-depth|ignore-try|repl-|color|print-missing|json-log|log-format|abort-on-warn|access-tokens)/;

/** What a daemon is told: what the user overrode, not what the machine's own nix.conf says. */
export function clientSettings(settings: Settings, verbosity: LogLevel | undefined): ClientSettings {
  const names = settings.overriddenNames().filter((name) => !NOT_SENT.includes(name) && !OWN_SETTINGS.has(name) && !OF_CLIENTS.test(name));
  return {
    keepFailed: settings.get('keep-failed'),
    keepGoing: settings.get('keep-going'),
    fallback: settings.get('fallback'),
    verbosity: verbosity ?? 'info',
    maxJobs: Number(settings.maxJobs),
    maxSilentTimeS: Number(settings.get('max-silent-time')),
    verboseBuild: false,
    cores: Number(settings.get('cores')),
    substitute: settings.get('substitute'),
    overrides: new Map(names.sort().map((name) => [name, utf8ToByteString(printSetting(name, settings.get(name)))])),
  };
}

/** What realising would take, as the daemon sees it. */
export async function planThroughDaemon(store: DaemonStore, paths: readonly DerivedPath[]): Promise<Plan> {
  const missing = await store.queryMissing(paths);
  const unknownFacts = { references: [], downloadSize: 0, narSize: 0 };
  return {
    willBuild: new Map(missing.willBuild.map((path) => [path, store.readDerivationSync(path)])),
    willSubstitute: new Map(missing.willSubstitute.map((path) => [path, unknownFacts])),
    unknown: new Set(missing.unknown),
    dynamic: new Set(),
    downloadSize: missing.downloadSize,
    narSize: missing.narSize,
  };
}

/** Has the daemon make all of it valid. */
export async function realiseThroughDaemon(
  store: DaemonStore,
  paths: readonly DerivedPath[],
  mode: BuildMode,
  signal: AbortSignal,
): Promise<RealiseResult> {
  const answers = await store.buildPaths(paths, mode, { signal });
  const byName = new Map(answers?.map(({ path, result }) => [printDerivedPath(path, store.storeDir), result]));
  const results = paths.flatMap((request): Realised[] => {
    const result = byName.get(printDerivedPath(request, store.storeDir));
    // Cancelled, because another one failed: C++ Nix says nothing of it, floe's daemon leaves it out.
    if (answers !== undefined && (result === undefined || (!result.success && result.message === ''))) return [];
    if (result !== undefined && !result.success)
      return [{ request, success: false, error: new BuildError(result.status, byteStringToUtf8(result.message)) }];
    return [{ request, success: true, status: result?.status ?? 'Built', outputs: outputsOf(store, request, result) }];
  });
  // NIX: through a daemon, 2.34.8 exits with 1 however a build failed.
  return { results, cancelled: [], exitStatus: results.every(({ success }) => success) ? 0 : 1 };
}

const builtOutputs = (result: BuildResult | undefined): ReadonlyMap<string, Realisation> =>
  result?.success === true ? result.builtOutputs : new Map<string, Realisation>();

/** The store path of a derivation; undefined where it is an output that the daemon knows nothing of. */
function locateDerivation(store: DaemonStore, ref: DerivationRef): StorePath | undefined {
  if (typeof ref === 'string') return ref;
  const outer = locateDerivation(store, ref.derivation);
  return outer === undefined ? undefined : store.queryDerivationOutputsSync(outer).get(ref.output);
}

/** Where what was asked for is: said by the derivation, by the daemon's answer, or by what the daemon knows now. */
function outputsOf(store: DaemonStore, request: DerivedPath, result: BuildResult | undefined): Map<string, StorePath> {
  const outputs = new Map<string, StorePath>();
  if (request.kind === 'opaque') return outputs;
  const derivationPath = locateDerivation(store, request.derivation);
  if (derivationPath === undefined) return new Map([...builtOutputs(result)].map(([name, { path }]) => [name, path]));
  const derivation: Derivation = store.readDerivationSync(derivationPath);
  const built = builtOutputs(result);
  let known: Map<string, StorePath> | undefined;
  for (const [name, output] of derivation.outputs) {
    if (!outputsSpecContains(request.outputs, name)) continue;
    const path =
      'path' in output ? output.path : (built.get(name)?.path ?? (known ??= store.queryDerivationOutputsSync(derivationPath)).get(name));
    if (path !== undefined) outputs.set(name, path);
  }
  return outputs;
}
