// Every setting of Nix 2.34.8, and floe's own, as data: name, kind, default, older names, what it means. How values are written as
// text (nix.conf, NIX_CONFIG, `--option`, flags) and read back is here too; where they come from is engine/config.ts. Nix manual,
// "nix.conf".

import { UsageError } from '../base/errors.ts';

/**
 * How a setting's text is read. Integers take a suffix K, M, G or T; lists, sets and maps are words between blanks; `paths` is a list
 * in which every word is a path; a `map` holds words `name=value`.
 */
export type SettingKind =
  | 'bool'
  | 'integer'
  | 'string'
  | 'optional-string'
  | 'path'
  | 'optional-path'
  | 'list'
  | 'set'
  | 'map'
  | 'features'
  | 'max-jobs'
  | 'sandbox'
  | 'sandbox-paths'
  | 'diagnose'
  | 'json';

/** The value each kind has in memory. */
export interface SettingValues {
  bool: boolean;
  integer: number;
  string: string;
  'optional-string': string | undefined;
  path: string;
  'optional-path': string | undefined;
  list: readonly string[];
  set: readonly string[];
  map: Readonly<Record<string, string>>;
  features: readonly string[];
  'max-jobs': number | 'auto';
  sandbox: boolean | 'relaxed';
  'sandbox-paths': Readonly<Record<string, SandboxPath>>;
  diagnose: 'ignore' | 'warn' | 'fatal';
  json: readonly unknown[];
}

/** What is mounted at one path of a sandbox. */
export interface SandboxPath {
  readonly source: string;
  /** Written with a question mark: nothing happens where the source is missing. */
  readonly optional: boolean;
}

export interface Setting<Kind extends SettingKind = SettingKind> {
  readonly kind: Kind;
  /** Undefined where it follows from the machine: engine/config.ts knows. */
  readonly default: SettingValues[Kind];
  readonly text: string;
  readonly aliases: readonly string[];
  /** The experimental feature that Nix hides the setting behind. floe has these always on. */
  readonly feature: string | undefined;
  /** The default is found on the machine. */
  readonly fromMachine: boolean;
}

interface Extra {
  readonly aliases?: readonly string[];
  readonly feature?: string;
  readonly fromMachine?: boolean;
}

function setting<Kind extends SettingKind>(kind: Kind, value: SettingValues[Kind], text: string, extra: Extra = {}): Setting<Kind> {
  return { kind, default: value, text, aliases: extra.aliases ?? [], feature: extra.feature, fromMachine: extra.fromMachine ?? false };
}

const bool = (value: boolean, text: string, extra?: Extra): Setting<'bool'> => setting('bool', value, text, extra);
const integer = (value: number, text: string, extra?: Extra): Setting<'integer'> => setting('integer', value, text, extra);
const string = (value: string, text: string, extra?: Extra): Setting<'string'> => setting('string', value, text, extra);
const list = (value: readonly string[], text: string, extra?: Extra): Setting<'list'> => setting('list', value, text, extra);
const set = (value: readonly string[], text: string, extra?: Extra): Setting<'set'> => setting('set', value, text, extra);

/** All of them, in the order `config show` prints. */
export const SETTINGS = {
  'abort-on-warn': bool(false, 'Make `builtins.warn` an error, so that it shows where it was called.'),
  'accept-flake-config': bool(false, "Accept a flake's `nixConfig` without asking.", { feature: 'flakes' }),
  'access-tokens': setting('map', {}, 'Tokens for hosts that want one, as `host=token`.'),
  'allow-dirty': bool(true, 'Allow Git and Mercurial trees with uncommitted changes.'),
  'allow-dirty-locks': bool(false, 'Allow lock files to name trees with uncommitted changes by their hash.', { feature: 'flakes' }),
  'allow-import-from-derivation': bool(true, 'Allow evaluation to build what it reads.'),
  'allow-new-privileges': bool(false, 'Let builders gain privileges through setuid programs and file capabilities (Linux).'),
  'allow-symlinked-store': bool(false, 'Accept a store directory that is reached through a symbolic link.'),
  'allow-unsafe-native-code-during-evaluation': bool(false, 'Offer builtins that run native code (floe has none).'),
  'allowed-impure-host-deps': set([], 'Prefixes of host paths that derivations may ask for (macOS).'),
  'allowed-uris': list([], 'Prefixes of URLs that restricted evaluation may fetch.'),
  'allowed-users': list(['*'], 'Users, and groups as `@group`, who may talk to the daemon.'),
  'always-allow-substitutes': bool(false, 'Substitute even what says `allowSubstitutes = false`.'),
  'auto-allocate-uids': bool(false, 'Choose user ids for builds from a range instead of from a group.', { feature: 'auto-allocate-uids' }),
  'auto-optimise-store': bool(false, 'Replace equal files of the store by hard links as they are added.'),
  'bash-prompt': string('', 'Prompt (PS1) of development shells.'),
  'bash-prompt-prefix': string('', 'What comes before the prompt of development shells.'),
  'bash-prompt-suffix': string('', 'What comes after the prompt of development shells.'),
  'build-dir': setting('optional-path', undefined, 'Folder on the host in which builds get their temporary folders.'),
  'build-hook': list(['nix', '__build-remote'], 'Program that is asked whether another machine takes a build.'),
  'build-poll-interval': integer(5, 'Seconds between two looks at a lock that somebody else holds.'),
  'build-users-group': string('', 'Group whose members run builds when floe runs as root.', { fromMachine: true }),
  builders: string('@/etc/nix/machines', 'Machines that build, one a line or between semicolons, or `@` and a file of them.', {
    fromMachine: true,
  }),
  'builders-use-substitutes': bool(false, 'Let machines that build fetch from their own substituters.'),
  'commit-lock-file-summary': string('', 'First line of the message of lock file commits.', {
    aliases: ['commit-lockfile-summary'],
    feature: 'flakes',
  }),
  'compress-build-log': bool(true, 'Compress build logs.', { aliases: ['build-compress-log'] }),
  'connect-timeout': integer(15, 'Seconds a connection to a binary cache may take to come about; 0 for no limit.'),
  cores: integer(0, 'Cores that one build may use; 0 for all.', { aliases: ['build-cores'] }),
  'debugger-on-trace': bool(false, 'Enter the debugger at `builtins.trace`.'),
  'debugger-on-warn': bool(false, 'Enter the debugger at `builtins.warn`.'),
  'diff-hook': setting('optional-path', undefined, 'Program that is shown two different outputs of one derivation.'),
  'download-attempts': integer(5, 'Times a download is tried.'),
  'download-buffer-size': integer(1048576, 'Bytes of a download that may wait for their reader.'),
  'download-speed': integer(0, 'Kilobytes a second that downloads may use; 0 for no limit.'),
  'eval-attrset-update-layer-rhs-threshold': integer(16, 'Size of a right operand of `//` up to which sets are layered.'),
  'eval-cache': bool(true, 'Keep results of evaluating flakes.'),
  'eval-profile-file': setting('path', 'nix.profile', 'File the evaluation profile goes to.'),
  'eval-profiler': string('disabled', 'Kind of evaluation profile: `disabled` or `flamegraph`.'),
  'eval-profiler-frequency': integer(99, 'Samples a second of the evaluation profile; 0 for one at each call.'),
  'eval-system': string('', '`builtins.currentSystem`, where it is not to be the value of `system`.'),
  'experimental-features': setting('features', [], 'Experimental features of Nix that are on.'),
  'external-builders': setting('json', [], 'Programs that run derivations of other systems, as JSON.'),
  'extra-platforms': set([], 'Other systems this machine runs programs of.', { fromMachine: true }),
  fallback: bool(false, 'Build where substituting fails.', { aliases: ['build-fallback'] }),
  'filter-syscalls': bool(true, 'Refuse builders system calls that would make setuid files or extended attributes (Linux).'),
  'flake-registry': string('https://channels.nixos.org/flake-registry.json', 'Path or URL of the global flake registry; empty for none.', {
    feature: 'flakes',
  }),
  'fsync-metadata': bool(true, "Flush changes of the store's database to disk."),
  'fsync-store-paths': bool(false, 'Flush store objects to disk before they are registered.'),
  'gc-reserved-space': integer(8388608, 'Bytes kept free for the garbage collector.'),
  'hashed-mirrors': list([], 'Servers that offer files by their hash.'),
  'http-connections': integer(25, 'Connections that downloads use at once; 0 for no limit.', {
    aliases: ['binary-caches-parallel-connections'],
  }),
  http2: bool(true, 'Use HTTP/2.'),
  'id-count': integer(8388608, 'Number of user ids that builds are given from.'),
  'ignore-try': bool(false, 'Do not let the debugger stop at errors that `tryEval` catches.'),
  'ignored-acls': set(['security.csm', 'security.selinux', 'system.nfs4_acl'], 'Extended attributes that store objects may keep.'),
  'impersonate-linux-26': bool(false, 'Show builders a Linux 2.6.', { aliases: ['build-impersonate-linux-26'] }),
  'impure-env': setting('map', {}, 'Environment variables for fixed-output builds, as `name=value`.', {
    feature: 'configurable-impure-env',
  }),
  'json-log-path': setting('optional-path', undefined, 'File or socket that gets the log as JSON.'),
  'keep-build-log': bool(true, 'Keep build logs.', { aliases: ['build-keep-log'] }),
  'keep-derivations': bool(true, 'Keep the derivations of what the garbage collector keeps.', { aliases: ['gc-keep-derivations'] }),
  'keep-env-derivations': bool(false, 'Keep the derivations of user environments.', { aliases: ['env-keep-derivations'] }),
  'keep-failed': bool(false, 'Keep the temporary folders of failed builds.'),
  'keep-going': bool(false, 'Go on with other builds when one fails.'),
  'keep-outputs': bool(false, 'Keep the outputs of derivations that the garbage collector keeps.', { aliases: ['gc-keep-outputs'] }),
  'lint-absolute-path-literals': setting('diagnose', 'ignore', 'What to do about path literals that start with `/` or `~`.'),
  'lint-short-path-literals': setting('diagnose', 'ignore', 'What to do about relative path literals that do not start with a dot.'),
  'lint-url-literals': setting('diagnose', 'ignore', 'What to do about URLs without quotes.'),
  'log-lines': integer(25, 'Lines of its log that are shown of a failed build.'),
  'max-build-log-size': integer(0, 'Bytes a builder may print; 0 for no limit.', { aliases: ['build-max-log-size'] }),
  'max-call-depth': integer(10000, 'Depth of calls at which evaluation gives up.'),
  'max-free': integer(9223372036854775807, 'Free bytes at which an automatic garbage collection stops.'),
  'max-jobs': setting('max-jobs', 1, 'Builds that run here at once; `auto` for one a core.', { aliases: ['build-max-jobs'] }),
  'max-silent-time': integer(0, 'Seconds a builder may be silent; 0 for no limit.', { aliases: ['build-max-silent-time'] }),
  'max-substitution-jobs': integer(16, 'Store objects that are substituted at once.', { aliases: ['substitution-max-jobs'] }),
  'min-free': integer(0, 'Free bytes below which a build first collects garbage; 0 for never.'),
  'min-free-check-interval': integer(5, 'Seconds between two looks at the free space.'),
  'nar-buffer-size': integer(33554432, 'Bytes of a NAR that are kept in memory.'),
  'narinfo-cache-meta-ttl': integer(604800, "Seconds for which a binary cache's own description is believed."),
  'narinfo-cache-negative-ttl': integer(3600, 'Seconds for which "not there" of a binary cache is believed.'),
  'narinfo-cache-positive-ttl': integer(2592000, 'Seconds for which "there" of a binary cache is believed.'),
  'netrc-file': setting('path', '/etc/nix/netrc', 'File with names and passwords for downloads.', { fromMachine: true }),
  'nix-path': list([], 'Search path of `<name>`.', { fromMachine: true }),
  'nix-shell-always-looks-for-shell-nix': bool(true, 'Let nix-shell prefer shell.nix in any folder it is given.'),
  'nix-shell-shebang-arguments-relative-to-script': bool(true, "Read paths in a script's `nix-shell` lines relative to the script."),
  'plugin-files': list([], 'Plugins of C++ Nix (floe loads none).'),
  'post-build-hook': string('', 'Program that runs after each build.'),
  'pre-build-hook': string('', 'Program that may change the sandbox before each build.'),
  'preallocate-contents': bool(false, 'Reserve the space of files before writing them.'),
  'print-missing': bool(true, 'Print what will be built or fetched.'),
  'pure-eval': bool(false, 'Let evaluation see only what is locked by a hash.'),
  'require-drop-supplementary-groups': bool(true, 'Fail where builders cannot be freed of the groups floe runs with.', {
    fromMachine: true,
  }),
  'require-sigs': bool(true, 'Want a signature by a trusted key on what is copied into the store.'),
  'restrict-eval': bool(false, 'Let evaluation read only the search path and `allowed-uris`.'),
  'run-diff-hook': bool(false, 'Run `diff-hook`.'),
  sandbox: setting('sandbox', true, 'Isolate builds: `true`, `false`, or `relaxed` where derivations may say no.', {
    aliases: ['build-use-chroot', 'build-use-sandbox'],
  }),
  'sandbox-build-dir': setting('path', '/build', 'The build folder as seen inside the sandbox (Linux).'),
  'sandbox-dev-shm-size': string('50%', 'Size of /dev/shm in the sandbox (Linux).'),
  'sandbox-fallback': bool(true, 'Build without a sandbox where the system offers none.'),
  'sandbox-paths': setting(
    'sandbox-paths',
    {},
    'Paths of the host that the sandbox shows, as `inside=outside`, with `?` where they may be missing.',
    { aliases: ['build-chroot-dirs', 'build-sandbox-paths'] },
  ),
  'secret-key-files': list([], 'Files with the keys that sign what is built here.'),
  'show-trace': bool(false, 'Print the whole trace of evaluation errors.'),
  'ssl-cert-file': setting('optional-path', undefined, 'File with the certificates that downloads trust.', { fromMachine: true }),
  'stalled-download-timeout': integer(300, 'Seconds after which a download without data is given up.'),
  'start-id': integer(872415232, 'First user id that builds are given.'),
  store: string('auto', 'URL of the store.'),
  substitute: bool(true, 'Fetch from substituters.', { aliases: ['build-use-substitutes'] }),
  substituters: list(['https://cache.nixos.org/'], 'Stores that are asked for objects before they are built.', {
    aliases: ['binary-caches'],
  }),
  'sync-before-registering': bool(false, 'Flush everything to disk before a store object is registered.'),
  system: string('x86_64-linux', 'System this machine builds for.', { fromMachine: true }),
  'system-features': set([], 'Features that derivations may require of this machine.', { fromMachine: true }),
  'tarball-ttl': integer(3600, 'Seconds for which a downloaded tarball counts as fresh.'),
  timeout: integer(0, 'Seconds a build may take; 0 for no limit.', { aliases: ['build-timeout'] }),
  'trace-function-calls': bool(false, 'Print each function call with its time.'),
  'trace-import-from-derivation': bool(false, 'Warn when evaluation builds what it reads.'),
  'trace-verbose': bool(false, 'Let `builtins.traceVerbose` print.'),
  'trust-tarballs-from-git-forges': bool(true, 'Take a revision of a Git forge for a lock.'),
  'trusted-public-keys': list(['cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY='], 'Keys whose signatures are trusted.', {
    aliases: ['binary-cache-public-keys'],
  }),
  'trusted-substituters': set([], 'Substituters that any user of the daemon may ask for.', { aliases: ['trusted-binary-caches'] }),
  'trusted-users': list(['root'], 'Users, and groups as `@group`, to whom the daemon grants everything.'),
  'upgrade-nix-store-path-url': string(
    'https://github.com/NixOS/nixpkgs/raw/master/nixos/modules/installer/tools/nix-fallback-paths.nix',
    'Where `upgrade-nix` learns of new releases.',
  ),
  'use-case-hack': bool(false, 'Rename files whose names differ in case only, where NARs are unpacked outside the store (macOS).'),
  'use-cgroups': bool(false, 'Run builds in cgroups (Linux).'),
  'use-registries': bool(true, 'Look flake references up in registries.', { feature: 'flakes' }),
  'use-sqlite-wal': bool(true, 'Use a write-ahead log for the database.'),
  'use-xdg-base-directories': bool(false, 'Keep profiles and the like in the XDG folders.'),
  'user-agent-suffix': string('', 'What is added to the user agent of downloads.'),
  'warn-dirty': bool(true, 'Warn about Git and Mercurial trees with uncommitted changes.'),
  'warn-large-path-threshold': integer(0, 'Bytes from which copying to the store warns; 0 for never.'),
  'warn-short-path-literals': bool(false, 'Older form of `lint-short-path-literals = warn`.'),
  // floe's own
  'eval-cores': integer(
    0,
    'Processes that evaluate many attributes together; 0 for up to one a core, and only for systems and configurations.',
  ),
  'eval-memory': integer(0, 'Megabytes that each process beside the first may use for that; 0 for its share of half the memory.'),
  hints: bool(true, 'Say behind an error what may help.'),
  'warm-evaluator': integer(0, 'Minutes for which a process waits that keeps inputs of flakes evaluated for the next command; 0 for none.'),
  'mirrors-debian': list([], "Mirrors behind `mirror://debian/`, best first; empty for those of the machine's apt.", { fromMachine: true }),
  'mirrors-npm': list([], 'Registries behind `mirror://npm/`, best first; empty for the one npm is configured with.', {
    fromMachine: true,
  }),
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export type SettingValue<Name extends SettingName> = SettingValues[(typeof SETTINGS)[Name]['kind']];

/** Settings that Nix does not have; left out where output is compared with Nix's. */
export const OWN_SETTINGS: ReadonlySet<string> = new Set([
  'eval-cores',
  'eval-memory',
  'hints',
  'mirrors-debian',
  'mirrors-npm',
  'warm-evaluator',
]);

/** Kinds that `extra-<name>` can add to. */
const APPENDABLE: ReadonlySet<SettingKind> = new Set(['list', 'set', 'map', 'features', 'sandbox-paths']);

let aliasTable: Map<string, SettingName> | undefined;

/** The setting a name or an older name stands for. */
export function findSetting(name: string): SettingName | undefined {
  if (Object.hasOwn(SETTINGS, name)) return name as SettingName;
  if (aliasTable === undefined) {
    aliasTable = new Map();
    for (const [own, { aliases }] of Object.entries(SETTINGS)) for (const alias of aliases) aliasTable.set(alias, own as SettingName);
  }
  return aliasTable.get(name);
}

/** What a word on the left of `=` means: a setting, or what is added to one. Undefined for an unknown name. */
export function findSettingOrExtra(name: string): { readonly setting: SettingName; readonly append: boolean } | undefined {
  const own = findSetting(name);
  if (own !== undefined) return { setting: own, append: false };
  if (!name.startsWith('extra-')) return undefined;
  const base = findSetting(name.slice('extra-'.length));
  return base !== undefined && APPENDABLE.has(SETTINGS[base].kind) ? { setting: base, append: true } : undefined;
}

/** Names of experimental features that Nix 2.34.8 knows; another one is warned about. */
export const EXPERIMENTAL_FEATURES: readonly string[] = [
  'auto-allocate-uids',
  'blake3-hashes',
  'ca-derivations',
  'cgroups',
  'configurable-impure-env',
  'daemon-trust-override',
  'dynamic-derivations',
  'external-builders',
  'fetch-closure',
  'fetch-tree',
  'flakes',
  'git-hashing',
  'impure-derivations',
  'local-overlay-store',
  'mounted-ssh-store',
  'nix-command',
  'parse-toml-timestamps',
  'pipe-operators',
  'read-only-local-store',
  'recursive-nix',
  'verified-fetches',
];

const UNITS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** "12", "4K", "2G" -> bytes or whatever is counted. Undefined where it is no such number. */
export function parseIntegerWithUnit(text: string): number | undefined {
  const match = /^(-?\d+)([KMGT]?)$/i.exec(text);
  return match ? Number(match[1]) * (UNITS[match[2]!.toUpperCase()] ?? 1) : undefined;
}

function words(text: string): string[] {
  return text.split(/[ \t\n\r]+/).filter((word) => word !== '');
}

function sortedUnique(values: readonly string[]): string[] {
  return [...new Set(values)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function parseSandboxPaths(text: string): Record<string, SandboxPath> {
  const result: Record<string, SandboxPath> = {};
  for (const word of words(text)) {
    const optional = word.endsWith('?');
    const path = optional ? word.slice(0, -1) : word;
    const equals = path.indexOf('=');
    const target = equals < 0 ? path : path.slice(0, equals);
    result[target] = { source: equals < 0 ? path : path.slice(equals + 1), optional };
  }
  return result;
}

function parseByKind(kind: SettingKind, name: string, text: string, warn: (message: string) => void): SettingValues[SettingKind] {
  const invalid = (what: string): never => {
    throw new UsageError(what, { data: { setting: name, value: text } });
  };
  switch (kind) {
    case 'bool':
      if (text === 'true' || text === 'yes' || text === '1') return true;
      if (text === 'false' || text === 'no' || text === '0') return false;
      return invalid(`Boolean setting '${name}' has invalid value '${text}'`);
    case 'integer':
      return parseIntegerWithUnit(text) ?? invalid(`setting '${name}' has invalid value '${text}'`);
    case 'max-jobs':
      if (text === 'auto') return 'auto';
      return /^\d+$/.test(text) ? Number(text) : invalid(`configuration setting '${name}' should be 'auto' or an integer`);
    case 'sandbox':
      if (text === 'true' || text === 'false') return text === 'true';
      return text === 'relaxed' ? text : invalid(`option '${name}' has invalid value '${text}'`);
    case 'diagnose':
      if (text === 'ignore' || text === 'warn' || text === 'fatal') return text;
      return invalid(`option '${name}' has invalid value '${text}' (expected 'ignore', 'warn', or 'fatal')`);
    case 'string':
      if (name === 'eval-profiler' && text !== 'disabled' && text !== 'flamegraph')
        return invalid(`option '${name}' has invalid value '${text}'`);
      return text;
    case 'optional-string':
      return text === '' ? undefined : text;
    case 'path':
      return text === '' ? invalid(`setting '${name}' is a path and paths cannot be empty`) : text;
    case 'optional-path':
      return text === '' ? undefined : text;
    case 'list':
      return words(text);
    case 'set':
      return sortedUnique(words(text));
    case 'map':
      return Object.fromEntries(
        words(text)
          .filter((word) => word.includes('='))
          .map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
      );
    case 'features': {
      const known: string[] = [];
      for (const word of words(text)) {
        if (word === 'no-url-literals') {
          warn(`experimental feature '${word}' has been stabilized and renamed; use 'lint-url-literals = fatal' setting instead`);
        } else if (EXPERIMENTAL_FEATURES.includes(word)) {
          known.push(word, ...(word === 'flakes' ? ['fetch-tree'] : []));
        } else {
          warn(`unknown experimental feature '${word}'`);
        }
      }
      return sortedUnique(known);
    }
    case 'sandbox-paths':
      return parseSandboxPaths(text);
    case 'json':
      try {
        return JSON.parse(text) as readonly unknown[];
      } catch (error) {
        return invalid(`parsing setting '${name}': ${(error as Error).message}`);
      }
  }
}

/** Reads a setting's text. UsageError, in Nix's words, where it is none of that kind; `warn` hears what is merely odd. */
export function parseSetting<Name extends SettingName>(name: Name, text: string, warn: (message: string) => void): SettingValue<Name> {
  return parseByKind(SETTINGS[name].kind, name, text, warn) as SettingValue<Name>;
}

/** What `extra-<name>` makes of two values. */
export function appendSetting<Name extends SettingName>(
  name: Name,
  value: SettingValue<Name>,
  more: SettingValue<Name>,
): SettingValue<Name> {
  const kind: SettingKind = SETTINGS[name].kind;
  if (kind === 'list' || kind === 'set' || kind === 'features') {
    const all = [...(value as readonly string[]), ...(more as readonly string[])];
    return (kind === 'list' ? all : sortedUnique(all)) as unknown as SettingValue<Name>;
  }
  // NIX: the entry that was there first stays.
  return { ...(more as object), ...(value as object) } as SettingValue<Name>;
}

/** A value as `config show` prints it, and as nix.conf takes it. */
export function printSetting<Name extends SettingName>(name: Name, value: SettingValue<Name>): string {
  const kind: SettingKind = SETTINGS[name].kind;
  switch (kind) {
    case 'list':
    case 'set':
    case 'features':
      return (value as readonly string[]).join(' ');
    case 'map':
      return Object.entries(value as Record<string, string>)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, text]) => `${key}=${text}`)
        .join(' ');
    case 'sandbox-paths':
      return Object.entries(value as Record<string, SandboxPath>)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([target, { source, optional }]) => `${target}${source === target ? '' : `=${source}`}${optional ? '?' : ''}`)
        .join(' ');
    case 'json':
      return JSON.stringify(value);
    case 'integer':
      return BigInt(value as number) >= 2n ** 63n ? '9223372036854775807' : String(value);
    default:
      return value === undefined ? '' : String(value);
  }
}
