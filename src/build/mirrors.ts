// `mirror://debian/...` and `mirror://npm/...` -> addresses to try. The mirrors are those of settings, or else those this machine is
// configured with: apt's sources, npm's registry. No host is known to floe itself. Formats: sources.list(5) in both styles, npmrc.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FetchError } from '../base/errors.ts';

/** One address of a file, and what the server must be told. */
export interface MirrorAddress {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Addresses for a URL, the best first; a URL that names no mirror stands for itself. */
export type MirrorResolver = (url: string) => Promise<readonly MirrorAddress[]>;

/** What of the machine mirrors are found in; all of it ordinary text. */
export interface MirrorMachine {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of a file; undefined where it cannot be read. */
  readFile(path: string): string | undefined;
  /** Names in a folder; empty where there is none. */
  listFolder(path: string): readonly string[];
}

export interface MirrorSettings {
  /** `mirrors-debian`: addresses of archives, up to what comes before "/pool/". */
  readonly debian: readonly string[];
  /** `mirrors-npm`: addresses of registries. */
  readonly npm: readonly string[];
}

const SCHEME = 'mirror://';

/** A resolver that looks at the machine once, when first asked for a kind of mirror. */
export function makeMirrorResolver(settings: MirrorSettings, machine: MirrorMachine): MirrorResolver {
  let debian: readonly string[] | undefined;
  let npm: Promise<NpmConfig> | undefined;
  return async (url) => {
    if (!url.startsWith(SCHEME)) return [{ url }];
    const [, kind, path] = /^mirror:\/\/([^/]*)\/(.*)$/.exec(url) ?? [];
    if (kind === 'debian') {
      debian ??= settings.debian.length > 0 ? settings.debian : findDebianMirrors(machine);
      if (debian.length === 0) throw noMirror(url, 'mirrors-debian', "apt's sources in /etc/apt name no Debian archive");
      return debian.map((base) => ({ url: join(base, path!) }));
    }
    if (kind === 'npm') {
      if (settings.npm.length > 0) return settings.npm.map((base) => ({ url: join(base, path!) }));
      npm ??= readNpmConfig(machine);
      const address = npmAddress(await npm, path!);
      if (address === undefined)
        throw noMirror(url, 'mirrors-npm', "npm is configured with no registry, and 'npm config get registry' does not run");
      return [address];
    }
    throw new FetchError(`unable to download '${url}': there are no mirrors called '${kind ?? ''}'`, {
      data: { url },
      hint: "floe knows 'mirror://debian/' and 'mirror://npm/'",
    });
  };
}

function noMirror(url: string, setting: string, reason: string): FetchError {
  return new FetchError(`unable to download '${url}': no mirror is known, since ${reason}`, {
    code: 'FLOE_NO_MIRROR',
    data: { url, setting },
    hint: `name one with the setting '${setting}', for example '--option ${setting} https://mirror.example.org/'`,
  });
}

function join(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`;
}

// ---- apt

const APT = '/etc/apt';
/** Suites that a Debian archive has, so that other vendors' repositories are rarely asked for Debian's files. */
const DEBIAN_SUITE =
  /^(?:stable|oldstable|oldoldstable|testing|unstable|sid|experimental|jessie|stretch|buster|bullseye|bookworm|trixie|forky|duke)(?:-(?:updates|proposed-updates|security|backports|backports-sloppy|lts|debug))?$/;

interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
}

/** Addresses of the Debian archives in apt's sources; security archives, which hold only a part, come last. */
export function findDebianMirrors(machine: MirrorMachine): string[] {
  const files = [`${APT}/sources.list`, ...machine.listFolder(`${APT}/sources.list.d`).map((name) => `${APT}/sources.list.d/${name}`)];
  const sources = files.flatMap((file) => {
    const text = /\.(list|sources)$/.test(file) ? machine.readFile(file) : undefined;
    return text === undefined ? [] : file.endsWith('.list') ? parseOneLineSources(text) : parseDeb822Sources(text);
  });
  const debian = sources.filter(
    ({ suite, components }) => DEBIAN_SUITE.test(suite.replace(/\/updates$/, '')) && components.includes('main'),
  );
  const rank = ({ uri, suite }: AptSource) => (/security/.test(suite) ? 2 : /\/debian\/*$/.test(uri) ? 0 : 1);
  const ordered = [...debian].sort((a, b) => rank(a) - rank(b));
  return [...new Set(ordered.flatMap(({ uri }) => expandAptUri(uri, machine)))];
}

/** `deb [options] uri suite component...` a line. */
function parseOneLineSources(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)(.*)/.exec(line.replace(/#.*/, ''));
    return match === null ? [] : [{ uri: match[1]!, suite: match[2]!, components: match[3]!.split(/\s+/) }];
  });
}

/** Stanzas with `Types:`, `URIs:`, `Suites:`; a value goes on in lines that start with a blank. */
function parseDeb822Sources(text: string): AptSource[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  return lines
    .join('\n')
    .split(/\n\s*\n/)
    .flatMap((stanza) => {
      const fields = new Map<string, string>();
      for (const [, name, value] of stanza.replace(/\n[ \t]+/g, ' ').matchAll(/^([\w-]+):[ \t]*(.*)$/gm))
        fields.set(name!.toLowerCase(), value!.trim());
      const words = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter(Boolean);
      if (!words('types').includes('deb') || /^(no|false|off|0)$/i.test(fields.get('enabled') ?? '')) return [];
      return words('uris').flatMap((uri) => words('suites').map((suite) => ({ uri, suite, components: words('components') })));
    });
}

/** Ordinary addresses; a `mirror+file:` list of them is read. */
function expandAptUri(uri: string, machine: MirrorMachine): string[] {
  const list = /^mirror\+file:(?:\/\/)?(\/.*)$/.exec(uri);
  if (list !== null) {
    const lines = (machine.readFile(list[1]!) ?? '').split('\n').map((line) => line.split('\t')[0]!.trim());
    return lines.filter((line) => /^(https?|file):/.test(line));
  }
  if (uri.startsWith('file:/') && !uri.startsWith('file://')) return [`file://${uri.slice('file:'.length)}`];
  return /^(https?|file):/.test(uri) ? [uri] : [];
}

// ---- npm

interface NpmConfig {
  /** Keys of all npmrc files, those that count more first. */
  readonly get: (key: string) => string | undefined;
  /** The registry, from npm itself where no file names one. */
  readonly registry: string | undefined;
}

async function readNpmConfig(machine: MirrorMachine): Promise<NpmConfig> {
  const { env } = machine;
  const fromEnv = new Map(
    Object.entries(env).flatMap(([name, value]) =>
      /^npm_config_/i.test(name) && value !== undefined && value !== ''
        ? [[name.slice('npm_config_'.length).toLowerCase(), value] as const]
        : [],
    ),
  );
  const user = fromEnv.get('userconfig') ?? (env['HOME'] === undefined ? undefined : `${env['HOME']}/.npmrc`);
  const files = [user, fromEnv.get('globalconfig'), '/usr/local/etc/npmrc', '/usr/etc/npmrc', '/etc/npmrc'];
  const rcs = files.map((file) => parseNpmrc((file === undefined ? undefined : machine.readFile(file)) ?? '', env));
  const get = (key: string) => fromEnv.get(key) ?? rcs.map((rc) => rc.get(key)).find((value) => value !== undefined);
  return { get, registry: get('registry') ?? (await askNpm(env)) };
}

/** `key = value` lines; `${NAME}` stands for a variable of the environment. */
function parseNpmrc(text: string, env: MirrorMachine['env']): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*([^=;#\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (match === null) continue;
    const value = match[2]!.replace(/^(["'])(.*)\1$/, '$2').replace(/\$\{([^}]+)\}/g, (whole, name: string) => env[name] ?? whole);
    values.set(match[1]!, value);
  }
  return values;
}

async function askNpm(env: MirrorMachine['env']): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('npm', ['config', 'get', 'registry'], { cwd: '/', env, timeout: 30_000 });
    const answer = stdout.trim();
    return /^https?:\/\//.test(answer) ? answer : undefined;
  } catch {
    return undefined;
  }
}

/** Address of a package file, with the credentials npm would send. */
function npmAddress(config: NpmConfig, path: string): MirrorAddress | undefined {
  const scope = /^(@[^/]+)\//.exec(path)?.[1];
  const registry = (scope === undefined ? undefined : config.get(`${scope}:registry`)) ?? config.registry;
  if (registry === undefined) return undefined;
  const prefix = registry.replace(/^https?:/, '').replace(/\/*$/, '/');
  const token = config.get(`${prefix}:_authToken`);
  const basic = config.get(`${prefix}:_auth`);
  const authorization = token !== undefined ? `Bearer ${token}` : basic !== undefined ? `Basic ${basic}` : undefined;
  return { url: join(registry, path), headers: authorization === undefined ? undefined : { authorization } };
}
