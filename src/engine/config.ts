// Where settings come from: the machine, nix.conf (system and user, with includes), NIX_CONFIG, flags, a flake's nixConfig; later
// ones win. model/settings.ts says what settings there are. Nix manual, "nix.conf" and "Common environment variables".

import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { FloeError, UsageError } from '../base/errors.ts';
import {
  appendSetting,
  findSettingOrExtra,
  parseSetting,
  printSetting,
  SETTINGS,
  type SettingName,
  type SettingValue,
} from '../model/settings.ts';
import { type Unobeyed, UNOBEYED_SETTINGS } from '../model/unobeyed-settings.ts';

/** Variables of the environment; what is unset is undefined. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a value was written, least binding first. */
export type SettingOrigin = 'machine' | 'system-file' | 'user-file' | 'environment' | 'flake' | 'flag';

/** One `name = value` that somebody wrote, not read yet. */
export interface Assignment {
  readonly name: string;
  readonly text: string;
  /** NIX: a value that `--option` gives and nothing can be made of is a warning. */
  readonly isOption?: boolean;
}

/** Settings that a flake made. */
export type FlakeValues = readonly (readonly [name: SettingName, value: unknown])[];

/** Features that floe always has on; a setting behind another one is ignored with a warning, as in Nix. */
const ALWAYS_ON: readonly string[] = ['nix-command', 'flakes', 'fetch-tree'];

/** All settings of one run. `get` reads one; the rest is for those who fill and print them. */
export class Settings {
  readonly #values = new Map<SettingName, { value: unknown; origin: SettingOrigin }>();
  readonly #machine: MachineDefaults;
  readonly #warn: (message: string) => void;

  constructor(machine: MachineDefaults, warn: (message: string) => void) {
    this.#machine = machine;
    this.#warn = warn;
  }

  get<Name extends SettingName>(name: Name): SettingValue<Name> {
    const written = this.#values.get(name);
    if (written !== undefined) return written.value as SettingValue<Name>;
    return this.defaultOf(name);
  }

  /** The value where nobody wrote one. */
  defaultOf<Name extends SettingName>(name: Name): SettingValue<Name> {
    const compute = this.#machine[name] as (() => SettingValue<Name>) | undefined;
    return compute === undefined ? (SETTINGS[name].default as unknown as SettingValue<Name>) : compute();
  }

  set<Name extends SettingName>(name: Name, value: SettingValue<Name>, origin: SettingOrigin = 'flag'): void {
    this.#values.set(name, { value, origin });
  }

  /** Reads `name = text`. False where no setting has that name. UsageError where the text is no value of it. */
  setFromText(name: string, text: string, origin: SettingOrigin = 'flag'): boolean {
    const found = findSettingOrExtra(name);
    if (found === undefined) return false;
    const { setting } = found;
    const { feature } = SETTINGS[setting];
    if (feature !== undefined && !this.hasFeature(feature)) {
      this.#warn(`Ignoring setting '${setting}' because experimental feature '${feature}' is not enabled`);
      return true;
    }
    const value = parseSetting(setting, text, this.#warn);
    this.set(setting, found.append ? appendSetting(setting, this.get(setting), value) : value, origin);
    return true;
  }

  /** True where a user wrote the value: in his own file, the environment, or as a flag. */
  isOverridden(name: SettingName): boolean {
    const written = this.#values.get(name);
    return written !== undefined && written.origin !== 'machine' && written.origin !== 'system-file';
  }

  originOf(name: SettingName): SettingOrigin | undefined {
    return this.#values.get(name)?.origin;
  }

  hasFeature(name: string): boolean {
    return ALWAYS_ON.includes(name) || this.get('experimental-features').includes(name);
  }

  /** Settings that a user wrote, not the machine. */
  overriddenNames(): SettingName[] {
    return [...this.#values.keys()].filter((name) => this.isOverridden(name));
  }

  /** What a flake set, as plain data for another process; `takeFlakeValues` takes it. */
  flakeValues(): FlakeValues {
    return [...this.#values].flatMap(([name, { value, origin }]) => (origin === 'flake' ? [[name, value] as const] : []));
  }

  takeFlakeValues(values: FlakeValues): void {
    // JSON has no undefined.
    for (const [name, value] of values) this.#values.set(name, { value: value ?? undefined, origin: 'flake' });
  }

  /** `name = value` lines of what a user overrode, as a daemon is told. */
  printOverridden(): string {
    return this.overriddenNames()
      .map((name) => `${name} = ${printSetting(name, this.get(name))}\n`)
      .join('');
  }

  /** Builds that run at once: `max-jobs`, with `auto` for the machine's cores. */
  get maxJobs(): number {
    const value = this.get('max-jobs');
    return value === 'auto' ? availableParallelism() : value;
  }

  /** What NIX_BUILD_CORES says: `cores`, with 0 for the machine's. */
  get buildCores(): number {
    return this.get('cores') || availableParallelism();
  }
}

/** Whether a variable that is a switch is on: C++ Nix takes "0" and nothing as off. */
export function isOn(env: Environment, name: string): boolean {
  return (env[name] ?? '0') !== '0' && env[name] !== '';
}

/** Whether the user asked what evaluation itself does and costs. */
export function measuresEvaluation(settings: Settings, env: Environment): boolean {
  return settings.get('trace-function-calls') || settings.get('eval-profiler') !== 'disabled' || isOn(env, 'NIX_SHOW_STATS');
}

/** Defaults that follow from the machine, each computed when it is first asked for. */
export type MachineDefaults = { readonly [Name in SettingName]?: () => SettingValue<Name> };

/** Folder of the system's nix.conf. */
export function configFolder(env: Environment): string {
  return env['NIX_CONF_DIR'] || '/etc/nix';
}

function homeFolder(env: Environment): string | undefined {
  return env['HOME'] || undefined;
}

/** The user's configuration files, most binding first. */
export function userConfigFiles(env: Environment): string[] {
  const given = env['NIX_USER_CONF_FILES'];
  if (given !== undefined) return given.split(':').filter((file) => file !== '');
  const home = homeFolder(env);
  const own =
    env['NIX_CONFIG_HOME'] ??
    (env['XDG_CONFIG_HOME'] ? join(env['XDG_CONFIG_HOME'], 'nix') : home === undefined ? undefined : join(home, '.config/nix'));
  const shared = (env['XDG_CONFIG_DIRS'] || '/etc/xdg').split(':').filter((folder) => folder !== '');
  return [...(own === undefined ? [] : [own]), ...shared.map((folder) => join(folder, 'nix'))].map((folder) => join(folder, 'nix.conf'));
}

/**
 * Reads the text of a nix.conf: one `name = value` a line, `#` to the line's end is a comment, `include` and `!include` (which may be
 * missing) name other files, relative to this one.
 */
export function parseConfig(text: string, path: string, onRead: SettingsRequest['onRead'] = () => {}): Assignment[] {
  const result: Assignment[] = [];
  for (const full of text.split('\n')) {
    const hash = full.indexOf('#');
    const line = hash < 0 ? full : full.slice(0, hash);
    const words = line.split(/[ \t\r]+/).filter((word) => word !== '');
    if (words.length === 0) continue;
    const wrong = (): never => {
      throw new UsageError(`syntax error in configuration line '${line}' in "${path}"`);
    };
    if (words.length < 2) wrong();
    if (words[0] === 'include' || words[0] === '!include') {
      if (words.length !== 2) wrong();
      const included = resolve(dirname(path), words[1]!);
      onRead(included);
      const content = readIfThere(included);
      if (content !== undefined) result.push(...parseConfig(content, included, onRead));
      else if (words[0] === 'include') throw new FloeError('FLOE_CONFIG', `file "${included}" included from "${path}" not found`);
    } else {
      if (words[1] !== '=') wrong();
      result.push({ name: words[0]!, text: words.slice(2).join(' ') });
    }
  }
  return result;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Parts of a NIX_PATH: between colons, but not those of a URL. */
export function splitNixPath(text: string): string[] {
  const result: string[] = [];
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf(':', start);
    if (end < 0) end = text.length;
    const equals = text.lastIndexOf('=', end);
    const target = text.slice(equals >= start && equals < end ? equals + 1 : start);
    if (end < text.length && /^(?:channel:|flake:|(?:https?|file|channel|git|s3|ssh):\/\/)/.test(target)) {
      end = text.indexOf(':', end + 1);
      if (end < 0) end = text.length;
    }
    result.push(text.slice(start, end));
    start = end + 1;
  }
  return result;
}

function readWritable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Nix's name of the system this process runs on. */
export function localSystem(): string {
  const machine =
    process.arch === 'x64' ? 'x86_64' : process.arch === 'arm64' ? 'aarch64' : process.arch === 'ia32' ? 'i686' : process.arch;
  return `${machine}-${process.platform}`;
}

const X86_LEVELS: readonly (readonly string[])[] = [
  ['cx16', 'lahf_lm', 'popcnt', 'sse4_1', 'sse4_2', 'ssse3'],
  ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe'],
  ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'],
];

/** Other systems whose programs run here: 32 bits, and the levels of x86_64 that the processor has. */
function extraPlatforms(): string[] {
  if (process.platform !== 'linux' || process.arch !== 'x64') return [];
  const flags = new Set(/^flags\s*:\s*(.*)$/m.exec(readIfThere('/proc/cpuinfo') ?? '')?.[1]?.split(' '));
  const result = ['i686-linux', 'x86_64-v1-linux'];
  for (const [index, wanted] of X86_LEVELS.entries()) {
    if (!wanted.every((flag) => flags.has(flag))) break;
    result.push(`x86_64-v${index + 2}-linux`);
  }
  return result;
}

/** What the default of `nix-path` is made of, where it is there: the user's channels, root's nixpkgs, root's channels. */
function channelFolders(env: Environment): [own: string | undefined, nixpkgs: string, channels: string] {
  const home = homeFolder(env);
  const channels = join(env['NIX_STATE_DIR'] || '/nix/var/nix', 'profiles/per-user/root/channels');
  return [home === undefined ? undefined : join(home, '.nix-defexpr/channels'), join(channels, 'nixpkgs'), channels];
}

/** The defaults that this machine and environment give. */
export function machineDefaults(env: Environment): MachineDefaults {
  const folder = configFolder(env);
  return {
    builders: () => `@${join(folder, 'machines')}`,
    'extra-platforms': extraPlatforms,
    'netrc-file': () => join(folder, 'netrc'),
    'nix-path': () => {
      const [own, nixpkgs, channels] = channelFolders(env);
      return [
        ...(own !== undefined && existsSync(own) ? [own] : []),
        ...(existsSync(nixpkgs) ? [`nixpkgs=${nixpkgs}`] : []),
        ...(existsSync(channels) ? [channels] : []),
      ];
    },
    'require-drop-supplementary-groups': () => process.getuid?.() === 0,
    'ssl-cert-file': () =>
      [
        '/etc/ssl/certs/ca-certificates.crt',
        '/etc/ssl/certs/ca-bundle.crt',
        '/etc/pki/tls/certs/ca-bundle.crt',
        '/nix/var/nix/profiles/default/etc/ssl/certs/ca-bundle.crt',
      ].find((file) => existsSync(file)),
    system: localSystem,
    'system-features': () => [
      'benchmark',
      'big-parallel',
      ...(readWritable('/dev/kvm') ? ['kvm'] : []),
      'nixos-test',
      ...(process.platform === 'linux' ? ['uid-range'] : []),
    ],
  };
}

export interface SettingsRequest {
  readonly env: Environment;
  /** From the command line, in order. */
  readonly flags?: readonly Assignment[];
  readonly warn?: (message: string) => void;
  /** False to read no files (tests). */
  readonly readFiles?: boolean;
  /** Gets the path of every file that is read, or would be if it were there. */
  readonly onRead?: ((path: string) => void) | undefined;
}

/** Collects settings from all places. Unknown names are warned about, in Nix's words. */
export function loadSettings(request: SettingsRequest): Settings {
  const { env, flags = [], warn = () => {}, onRead = () => {} } = request;
  const settings = new Settings(machineDefaults(env), warn);
  const unknown = new Set<string>();
  const apply = (assignments: readonly Assignment[], origin: SettingOrigin): void => {
    // Features first: whether other settings count can depend on them.
    const features = (name: string): boolean => name === 'experimental-features' || name === 'extra-experimental-features';
    for (const assignment of [...assignments.filter(({ name }) => features(name)), ...assignments.filter(({ name }) => !features(name))]) {
      if (origin !== 'flag' && /^(?:extra-)?nix-path$/.test(assignment.name) && env['NIX_PATH'] !== undefined) continue;
      try {
        if (!settings.setFromText(assignment.name, assignment.text, origin)) unknown.add(assignment.name);
      } catch (error) {
        if (assignment.isOption !== true || !(error instanceof UsageError)) throw error;
        warn(error.message);
      }
    }
  };
  if (request.readFiles !== false) {
    const systemFile = join(configFolder(env), 'nix.conf');
    onRead(systemFile);
    const system = readIfThere(systemFile);
    if (system !== undefined) apply(parseConfig(system, systemFile, onRead), 'system-file');
    for (const file of userConfigFiles(env).reverse()) {
      onRead(file);
      const text = readIfThere(file);
      if (text !== undefined) apply(parseConfig(text, file, onRead), 'user-file');
    }
  }
  if (env['NIX_CONFIG'] !== undefined) apply(parseConfig(env['NIX_CONFIG'], 'NIX_CONFIG', onRead), 'environment');
  for (const folder of channelFolders(env)) if (folder !== undefined) onRead(folder);
  applyEnvironment(settings, env);
  apply(flags, 'flag');
  for (const name of unknown) warn(`unknown setting '${name}'`);
  warnOfUnobeyed(settings, warn);
  return settings;
}

/** Says which settings somebody relies on in vain. */
function warnOfUnobeyed(settings: Settings, warn: (message: string) => void): void {
  for (const [name, { why, isHarmless }] of Object.entries(UNOBEYED_SETTINGS) as [SettingName, Unobeyed][]) {
    if (isHarmless || settings.originOf(name) === undefined) continue;
    if (printSetting(name, settings.get(name)) === printSetting(name, settings.defaultOf(name))) continue;
    warn(`setting '${name}' has no effect yet: ${why}`);
  }
}

/** Settings that have an environment variable of their own. */
function applyEnvironment(settings: Settings, env: Environment): void {
  if (env['NIX_PATH'] !== undefined) settings.set('nix-path', splitNixPath(env['NIX_PATH']), 'environment');
  if (env['NIX_REMOTE'] && settings.originOf('store') === undefined) settings.set('store', env['NIX_REMOTE'], 'environment');
  const certificates = env['NIX_SSL_CERT_FILE'] || env['SSL_CERT_FILE'];
  if (certificates) settings.set('ssl-cert-file', certificates, 'environment');
  if (env['NIX_ABORT_ON_WARN'] === '1') settings.set('abort-on-warn', true, 'environment');
  if (env['NIX_CURRENT_SYSTEM']) settings.set('system', env['NIX_CURRENT_SYSTEM'], 'environment');
}
