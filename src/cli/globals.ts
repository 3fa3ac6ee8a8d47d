// Global options: what `-v`, `--log-format`, `--option`, `--<setting>` and their like ask for, gathered from wherever they stand on
// the command line.

import { FloeError } from '../base/errors.ts';
import { LOG_LEVELS, type LogLevel } from '../base/progress.ts';
import type { Assignment } from '../engine/config.ts';
import { findSetting, findSettingOrExtra, SETTINGS } from '../model/settings.ts';
import { GLOBAL_FLAGS, LEGACY_FLAGS, type GlobalFlag } from './options.ts';
import { readInteger } from './read-integer.ts';
import type { FoundOption, GlobalLookup } from './words.ts';

export type LogFormat = 'raw' | 'raw-with-logs' | 'internal-json' | 'bar' | 'bar-with-logs';
/** Their names. */
export const LOG_FORMATS: readonly string[] = ['raw', 'raw-with-logs', 'internal-json', 'bar', 'bar-with-logs'];

/** The sum of all global options. */
export interface GlobalChoices {
  readonly help: boolean;
  readonly version: boolean;
  readonly level: LogLevel;
  readonly logFormat: LogFormat;
  readonly printBuildLogs: boolean;
  readonly offline: boolean;
  readonly refresh: boolean;
  readonly readOnly: boolean;
  readonly gcWarning: boolean;
  /** Settings, in order. */
  readonly assignments: readonly Assignment[];
}

/** The setting that a flag's name (without the dashes) is about. */
function settingOfFlag(name: string): { setting: string; isSwitch: boolean; on: boolean } | undefined {
  const own = findSetting(name);
  if (own !== undefined) return { setting: name, isSwitch: SETTINGS[own].kind === 'bool', on: true };
  if (name.startsWith('no-')) {
    const negated = findSetting(name.slice('no-'.length));
    if (negated !== undefined && SETTINGS[negated].kind === 'bool') return { setting: negated, isSwitch: true, on: false };
  }
  // NIX: `sandbox` has three values and yet takes no argument: --sandbox, --no-sandbox, --relaxed-sandbox.
  return findSettingOrExtra(name) === undefined ? undefined : { setting: name, isSwitch: false, on: true };
}

const SANDBOX_FLAGS: Readonly<Record<string, string>> = {
  '--sandbox': 'true',
  '--build-use-sandbox': 'true',
  '--build-use-chroot': 'true',
  '--no-sandbox': 'false',
  '--relaxed-sandbox': 'relaxed',
};

function findFlag(flags: readonly GlobalFlag[], name: string): GlobalFlag | undefined {
  return flags.find(({ names }) => names.includes(name));
}

/** Knows the global options; `isLegacy` adds those of the older commands. */
export function globalLookup(isLegacy: boolean): GlobalLookup {
  return (name) => {
    const known = findFlag(GLOBAL_FLAGS, name) ?? (isLegacy ? findFlag(LEGACY_FLAGS, name) : undefined);
    if (known !== undefined) return { arity: known.labels.length };
    if (name in SANDBOX_FLAGS) return { arity: 0 };
    if (!name.startsWith('--')) return undefined;
    const setting = settingOfFlag(name.slice(2));
    return setting === undefined ? undefined : { arity: setting.isSwitch ? 0 : 1 };
  };
}

export interface GlobalDefaults {
  readonly isLegacy: boolean;
  /** Whether the log goes to a terminal. */
  readonly isTerminal: boolean;
}

/** Adds the options up, in order. */
export function readGlobals(found: readonly FoundOption[], defaults: GlobalDefaults): GlobalChoices {
  let level: number = LOG_LEVELS.indexOf(defaults.isTerminal && !defaults.isLegacy ? 'notice' : 'info');
  let logFormat: LogFormat = defaults.isLegacy ? 'raw-with-logs' : 'bar';
  const choices = { help: false, version: false, printBuildLogs: false, offline: false, refresh: false, readOnly: false, gcWarning: true };
  const assignments: Assignment[] = [];
  const assign = (name: string, text: string): void => void assignments.push({ name, text });
  for (const { name, args } of found) {
    const canonical = (findFlag(GLOBAL_FLAGS, name) ?? (defaults.isLegacy ? findFlag(LEGACY_FLAGS, name) : undefined))?.names[0] ?? name;
    switch (canonical) {
      case '--help':
        choices.help = true;
        break;
      case '--version':
        choices.version = true;
        break;
      case '--verbose':
        level = Math.min(level + 1, LOG_LEVELS.length - 1);
        break;
      case '--quiet':
        level = Math.max(level - 1, 0);
        break;
      case '--debug':
        level = LOG_LEVELS.indexOf('debug');
        break;
      case '--print-build-logs':
        choices.printBuildLogs = true;
        break;
      case '--log-format':
        if (!LOG_FORMATS.includes(args[0]!)) throw new FloeError('FLOE_USAGE', `option 'log-format' has an invalid value '${args[0]}'`);
        logFormat = args[0] as LogFormat;
        break;
      case '--option':
        assignments.push({ name: args[0]!, text: args[1]!, isOption: true });
        break;
      case '--max-jobs':
        assign('max-jobs', args[0]!);
        break;
      case '--offline':
        choices.offline = true;
        break;
      case '--refresh':
        choices.refresh = true;
        break;
      case '--no-build-output':
        logFormat = 'raw';
        break;
      case '--readonly-mode':
        choices.readOnly = true;
        break;
      case '--no-gc-warning':
        choices.gcWarning = false;
        break;
      default:
        if (canonical in SANDBOX_FLAGS) assign('sandbox', SANDBOX_FLAGS[canonical]!);
        else assignSetting(canonical, args, assign);
    }
  }
  return {
    ...choices,
    level: LOG_LEVELS[level]!,
    logFormat,
    assignments: [...networkAssignments(choices.offline, choices.refresh), ...assignments],
  };
}

function assignSetting(flagName: string, args: readonly string[], assign: (name: string, text: string) => void): void {
  const { setting, isSwitch, on } = settingOfFlag(flagName.slice(2))!;
  if (isSwitch) return assign(setting, on ? 'true' : 'false');
  if (['--cores', '--max-silent-time', '--timeout'].includes(flagName)) readInteger(args[0]!);
  assign(setting, args[0]!);
}

const NEVER = '4294967295';

/** What `--offline` and `--refresh` mean in settings; they come first, so that an explicit setting wins. */
function networkAssignments(offline: boolean, refresh: boolean): Assignment[] {
  const pairs: [string, string][] = [];
  if (offline)
    pairs.push(
      ['substitute', 'false'],
      ['tarball-ttl', NEVER],
      ['download-attempts', '0'],
      ['connect-timeout', '1'],
      ['narinfo-cache-meta-ttl', NEVER],
    );
  if (refresh)
    pairs.push(
      ['tarball-ttl', '0'],
      ['narinfo-cache-negative-ttl', '0'],
      ['narinfo-cache-positive-ttl', '0'],
      ['narinfo-cache-meta-ttl', '0'],
    );
  return pairs.map(([name, text]) => ({ name, text }));
}
