// Where the store is: what `--store`, the setting `store` or NIX_REMOTE say, else NIX_STORE_DIR and its kin, else the first of a Nix
// daemon's socket, a writable /nix/store, a private store to be seen at /nix through a mount namespace, /nix itself (root without namespaces), and a store under the
// home folder with hashes of its own (docs/decisions: Store). Pure: what it must know of the machine it is told. Store URLs: Nix manual,
// "Store URL format".

import { FloeError, UsageError } from '../base/errors.ts';
import { DEFAULT_STORE_DIR, type StoreDir } from '../model/store-path.ts';

/** What decides beside the URL. Paths are absolute. */
export interface StoreMachine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string | undefined;
  readonly isRoot: boolean;
  /** A folder that is there and that this user may write to. */
  isWritableFolder(path: string): boolean;
  exists(path: string): boolean;
  /** Somebody answers at that socket. */
  isListening(path: string): boolean;
  /** This user may make mount namespaces. Costs a process; asked last. */
  canMount(): boolean;
}

/** A store on this machine's file system. */
export interface StorePlacement {
  /** What paths are called and hashed with. */
  readonly storeDir: StoreDir;
  /** Where the objects lie. */
  readonly realStoreDir: string;
  readonly stateDir: string;
  readonly logDir: string;
  /** As the user would write it. */
  readonly uri: string;
  readonly readOnly: boolean;
  /** Of a daemon that has to be asked; undefined where this process works in the store itself. */
  readonly socket?: string | undefined;
  /** Whether what is copied here needs a signature; undefined where the URL does not say. */
  readonly requiresSignatures: boolean | undefined;
  /** What builds in it may ask for, where its URL says. */
  readonly systemFeatures?: readonly string[] | undefined;
  /** What a child must see where, so that store paths work for it; undefined where they work as they are. */
  readonly mount: { readonly physical: string; readonly at: string } | undefined;
  /** The two layers that the objects lie in; undefined where they lie in one folder. */
  readonly overlay?: OverlayPlacement | undefined;
  /** To be said once, plainly. */
  readonly warning: string | undefined;
  /** Parameters of the URL that this kind of store does not have. */
  readonly unknownParameters: readonly string[];
}

/** What the URL of a `local-overlay` store says beyond that of a local one. */
export interface OverlayPlacement {
  /** URL of the store below. */
  readonly lowerStore: string;
  readonly upperLayer: string;
  readonly checkMount: boolean;
  readonly remountHook: string;
}

/** A store URL taken apart. */
export interface StoreUrl {
  /** "auto", "local", "daemon", or the scheme of another kind. */
  readonly kind: string;
  /** What stands between `://` and `?`. */
  readonly location: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Schemes of Nix's stores that are no local ones. */
const OTHER_SCHEMES = ['ssh', 'ssh-ng', 'http', 'https', 's3', 'file', 'dummy', 'mounted-ssh-ng'];
/** Parameters of local stores, and of all stores, that change no place. */
const HARMLESS_PARAMETERS = [
  'trusted',
  'priority',
  'want-mass-query',
  'path-info-cache-size',
  'build-dir',
  'use-roots-daemon',
  'ignore-gc-delete-failure',
];

const DAEMON_PARAMETERS = ['max-connections', 'max-connection-age'];

/** Reads a store URL; UsageError where it is none. */
export function parseStoreUrl(url: string, cwd: string): StoreUrl {
  const question = url.indexOf('?');
  const base = question < 0 ? url : url.slice(0, question);
  const parameters = new Map<string, string>(question < 0 ? [] : new URLSearchParams(url.slice(question + 1)));
  if (base === '' || base === 'auto') return { kind: 'auto', location: '', parameters };
  if (base === 'local' || base === 'daemon') return { kind: base, location: '', parameters };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/s.exec(base);
  if (scheme) return { kind: scheme[1]!, location: decodePath(scheme[2]!), parameters };
  if (base.includes('/')) return { kind: 'local', location: absolute(base, cwd), parameters };
  throw new UsageError(`cannot parse store URL '${url}'`, {
    hint: "a store is a folder with a slash in it ('./store'), 'local', 'auto', or a URL such as 'https://...'",
  });
}

function decodePath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Without "." and ".." and doubled slashes. */
function absolute(path: string, cwd: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${cwd}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** The whole of /nix where both layouts agree (profiles too then work under their names), else the store folder alone. */
function mountFor(storeDir: string, realStoreDir: string): StorePlacement['mount'] {
  if (storeDir === realStoreDir) return undefined;
  if (storeDir === '/nix/store' && realStoreDir.endsWith('/nix/store'))
    return { physical: realStoreDir.slice(0, -'/store'.length), at: '/nix' };
  return { physical: realStoreDir, at: storeDir };
}

interface Folders {
  readonly storeDir: string;
  readonly realStoreDir: string;
  readonly stateDir: string;
  readonly logDir: string;
}

function chrootFolders(root: string, storeDir: string): Folders {
  const below = root === '/' ? '' : root;
  return { storeDir, realStoreDir: `${below}/nix/store`, stateDir: `${below}/nix/var/nix`, logDir: `${below}/nix/var/log/nix` };
}

function placement(folders: Folders, uri: string, more: Partial<StorePlacement> = {}): StorePlacement {
  return {
    ...folders,
    uri,
    readOnly: false,
    requiresSignatures: undefined,
    mount: mountFor(folders.storeDir, folders.realStoreDir),
    warning: undefined,
    unknownParameters: [],
    ...more,
  };
}

/** Folders as the environment has them, C++ Nix's defaults otherwise. */
function environmentFolders({ env }: StoreMachine): Folders {
  const storeDir = absoluteFolder(env['NIX_STORE_DIR'] || env['NIX_STORE'] || DEFAULT_STORE_DIR);
  return {
    storeDir,
    realStoreDir: storeDir,
    stateDir: absoluteFolder(env['NIX_STATE_DIR'] || '/nix/var/nix'),
    logDir: absoluteFolder(env['NIX_LOG_DIR'] || '/nix/var/log/nix'),
  };
}

function absoluteFolder(path: string): string {
  if (!path.startsWith('/')) throw new FloeError('FLOE_NO_ABSOLUTE_PATH', `not an absolute path: "${path}"`);
  return stripSlash(path);
}

function stripSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function isOn(text: string | undefined): boolean | undefined {
  return text === undefined ? undefined : ['true', 'yes', '1'].includes(text);
}

function placeLocal(url: StoreUrl, uri: string, machine: StoreMachine): StorePlacement {
  const defaults = environmentFolders(machine);
  const parameters = new Map(url.parameters);
  const take = (name: string): string | undefined => {
    const value = parameters.get(name);
    parameters.delete(name);
    return value === undefined || value === '' ? undefined : stripSlash(value);
  };
  const root = take('root') ?? (url.location === '' ? undefined : absolute(url.location, machine.cwd));
  const storeDir = take('store') ?? defaults.storeDir;
  const base = root === undefined ? { ...defaults, storeDir, realStoreDir: storeDir } : chrootFolders(root, storeDir);
  const folders: Folders = {
    storeDir,
    realStoreDir: take('real') ?? base.realStoreDir,
    stateDir: take('state') ?? base.stateDir,
    logDir: take('log') ?? base.logDir,
  };
  const readOnly = isOn(take('read-only')) === true;
  const requiresSignatures = isOn(take('require-sigs'));
  const overlay: OverlayPlacement | undefined =
    url.kind === 'local-overlay'
      ? {
          lowerStore: parameters.get('lower-store') ?? '',
          upperLayer: take('upper-layer') ?? '',
          checkMount: isOn(take('check-mount')) ?? true,
          remountHook: take('remount-hook') ?? '',
        }
      : undefined;
  if (overlay !== undefined) parameters.delete('lower-store');
  const systemFeatures = take('system-features')?.split(/\s+/);
  for (const name of HARMLESS_PARAMETERS) parameters.delete(name);
  return placement(folders, uri, { readOnly, systemFeatures, requiresSignatures, overlay, unknownParameters: [...parameters.keys()] });
}

/** Where the daemon of the usual store listens. */
function daemonSocket(machine: StoreMachine): string {
  return machine.env['NIX_DAEMON_SOCKET_PATH'] || `${environmentFolders(machine).stateDir}/daemon-socket/socket`;
}

/** `daemon`, `unix://PATH`: folders as of local stores, reached by a socket. */
function placeDaemon(url: StoreUrl, machine: StoreMachine): StorePlacement {
  const usual = daemonSocket(machine);
  const socket = url.location === '' ? usual : absolute(url.location, machine.cwd);
  const place = placeLocal({ ...url, location: '' }, '', machine);
  const parameters = [...url.parameters].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
  const uri = (socket === usual ? 'daemon' : `unix://${socket}`) + (parameters === '' ? '' : `?${parameters}`);
  return { ...place, uri, socket, unknownParameters: place.unknownParameters.filter((name) => !DAEMON_PARAMETERS.includes(name)) };
}

function answersAt(socket: string, machine: StoreMachine): boolean {
  return machine.exists(socket) && machine.isListening(socket);
}

/** Folder for floe's own data. */
function dataFolder({ env, home }: StoreMachine): string {
  const data = env['XDG_DATA_HOME'];
  if (data !== undefined && data.startsWith('/')) return `${stripSlash(data)}/floe`;
  if (home !== undefined && home.startsWith('/')) return `${stripSlash(home)}/.local/share/floe`;
  throw new FloeError('FLOE_NO_HOME', 'there is no place for the store: neither HOME nor XDG_DATA_HOME names a folder', {
    hint: 'set HOME, or say where the store shall be with `--store DIR`',
  });
}

function placeAuto(machine: StoreMachine): StorePlacement {
  const { env } = machine;
  const socket = daemonSocket(machine);
  const daemon: StoreUrl = { kind: 'daemon', location: '', parameters: new Map() };
  if (env['NIX_STORE_DIR'] || env['NIX_STATE_DIR']) {
    const folders = environmentFolders(machine);
    const isOthers = machine.exists(folders.stateDir) && !machine.isWritableFolder(folders.stateDir);
    return isOthers && answersAt(socket, machine) ? placeDaemon(daemon, machine) : placement(folders, 'local');
  }
  // Root needs nobody's leave, and may be about to become the daemon.
  if (!machine.isRoot && answersAt(socket, machine)) return placeDaemon(daemon, machine);
  const shared = chrootFolders('/', DEFAULT_STORE_DIR);
  if (machine.isWritableFolder(shared.realStoreDir) && (machine.isWritableFolder(shared.stateDir) || !machine.exists(shared.stateDir)))
    return placement(shared, 'local');
  const data = dataFolder(machine);
  const root = `${data}/root`;
  const own = chrootFolders(root, DEFAULT_STORE_DIR);
  // PERF: a private store that is there was made when namespaces worked; the probe costs a process at every start.
  if (machine.exists(`${own.stateDir}/db/schema`) || machine.canMount()) return placement(own, root);
  if (machine.isRoot && !machine.exists(shared.realStoreDir)) return placement(shared, 'local');
  const storeDir = `${data}/store`;
  return placement(
    { storeDir, realStoreDir: storeDir, stateDir: `${data}/var/nix`, logDir: `${data}/var/log/nix` },
    `local?store=${storeDir}&state=${data}/var/nix`,
    {
      warning: `this machine allows no mount namespaces, so the store is '${storeDir}' and not '${DEFAULT_STORE_DIR}': its paths have other hashes than everyone else's, binary caches do not help, and everything is built here`,
    },
  );
}

/** Finds the place of a store. `url` is what the user said, "" or undefined for nothing. FloeError for kinds that are not there yet. */
export function placeStore(url: string | undefined, machine: StoreMachine): StorePlacement {
  const text = url || machine.env['NIX_REMOTE'] || 'auto';
  const parsed = parseStoreUrl(text, machine.cwd);
  switch (parsed.kind) {
    case 'auto':
      return parsed.parameters.size === 0 ? placeAuto(machine) : placeLocal(parsed, text, machine);
    case 'local':
    case 'local-overlay':
      return placeLocal(parsed, text, machine);
    case 'daemon':
    case 'unix':
      return placeDaemon(parsed, machine);
    default:
      if (!OTHER_SCHEMES.includes(parsed.kind))
        throw new UsageError(`don't know how to open Nix store with scheme '${parsed.kind}'`, { data: { url: text } });
      throw new FloeError('FLOE_NOT_SUPPORTED', `floe cannot use a store of kind '${parsed.kind}' yet ('${text}')`, {
        data: { url: text },
        hint: 'name a local store: `--store DIR`, or none at all for the usual one',
      });
  }
}
