// The settings that building goes by, as plain values. The engine fills them from nix.conf, flags and the machine; names are Nix's.

import type { AutoGcSettings } from './auto-gc.ts';
import type { DownloadSettings } from '../io/download.ts';
import type { SandboxPolicy } from './sandbox/choose.ts';
import type { Derivation } from '../model/derivation.ts';
import type { ExternalBuilder } from './sandbox/external.ts';
import type { SandboxPath } from './sandbox/sandbox.ts';

export interface BuildSettings extends SandboxPolicy, DownloadSettings {
  /** Builds at once. */
  readonly maxJobs: number;
  /** What NIX_BUILD_CORES says; 0 for all the machine has. */
  readonly cores: number;
  readonly keepGoing: boolean;
  readonly keepFailed: boolean;
  readonly keepBuildLog: boolean;
  /** 0 for no limit, as for the next two. */
  readonly maxSilentTimeS: number;
  readonly timeoutS: number;
  readonly maxBuildLogSize: number;
  /** Lines of its log that a failed build's error shows. */
  readonly logLines: number;
  /** Whether logs are shown as they come, so that errors need not repeat their end. */
  readonly showsLogs: boolean;
  /** Command that error messages name for reading the whole log. */
  readonly logCommand: string;
  /** Build where substituting failed. */
  readonly fallback: boolean;
  /** The experimental feature of that name. */
  readonly impureDerivations?: boolean | undefined;
  readonly substitute: boolean;
  readonly alwaysAllowSubstitutes: boolean;
  readonly maxSubstitutionJobs: number;
  /** Downloads by builtin:fetchurl at once; they take no build slots. */
  readonly maxDownloads: number;
  readonly system: string;
  readonly extraPlatforms: readonly string[];
  readonly systemFeatures: readonly string[];
  /** `sandbox-paths`; sources may lie in the store, then with their closure. */
  readonly sandboxPaths: readonly SandboxPath[];
  /** Where builds get their temporary folders; `stateDir`/builds unless said. */
  readonly buildDir: string | undefined;
  /** `impure-env`: variables for fixed-output builds, before those of floe's own environment. */
  readonly impureEnv: ReadonlyMap<string, string>;
  readonly hashedMirrors: readonly string[];
  /** `allowed-impure-host-deps`: prefixes of what derivations may ask for with `__impureHostDeps`. */
  readonly allowedImpureHostDeps?: readonly string[] | undefined;
  readonly preBuildHook?: string | undefined;
  readonly postBuildHook?: string | undefined;
  /** `diff-hook`, where `run-diff-hook` says that it is to be run. */
  readonly diffHook?: string | undefined;
  /** When garbage is collected meanwhile; never, unless said. */
  readonly autoGc?: AutoGcSettings | undefined;
  /** `external-builders`, where that feature is on. */
  readonly externalBuilders?: readonly ExternalBuilder[] | undefined;
  /** All settings as nix.conf would hold them, for hooks. */
  readonly configText?: string | undefined;
}

/** The program that builds this derivation in floe's place. */
export function externalBuilderFor(settings: BuildSettings, { system }: Derivation): ExternalBuilder | undefined {
  return settings.externalBuilders?.find(({ systems }) => systems.includes(system));
}

/** Nix's defaults, for tests and as a start for the engine. */
export const DEFAULT_BUILD_SETTINGS: BuildSettings = {
  maxJobs: 1,
  cores: 0,
  keepGoing: false,
  keepFailed: false,
  keepBuildLog: true,
  maxSilentTimeS: 0,
  timeoutS: 0,
  maxBuildLogSize: 0,
  logLines: 25,
  showsLogs: false,
  logCommand: 'nix log',
  fallback: false,
  substitute: true,
  alwaysAllowSubstitutes: false,
  maxSubstitutionJobs: 16,
  maxDownloads: 16,
  system: `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-${process.platform}`,
  extraPlatforms: process.platform === 'linux' && process.arch === 'x64' ? ['i686-linux'] : [],
  systemFeatures: ['benchmark', 'big-parallel', 'nixos-test'],
  sandboxPaths: [],
  buildDir: undefined,
  impureEnv: new Map(),
  hashedMirrors: [],
  sandbox: 'true',
  sandboxFallback: true,
  requireDropGroups: false,
  bubblewrap: undefined,
  sandboxBuildDir: '/build',
  sandboxShmSize: '50%',
  filterSyscalls: true,
  allowNewPrivileges: false,
  impersonateLinux26: false,
  sslCertFile: undefined,
  childStackLimit: undefined,
  downloadAttempts: 5,
  connectTimeoutS: 15,
  stalledDownloadTimeoutS: 300,
  netrc: '',
};
