// Where an engine fetches built objects from: the stores that the settings name, opened when something is first asked of them. The
// public default cache holds paths of /nix/store only, so with another store directory it is left out without a word.

import * as fs from 'node:fs';
import { byteStringOf, utf8ToByteString } from '../base/bytes.ts';
import { FloeError } from '../base/errors.ts';
import type { Substituter } from '../build/substituter.ts';
import { nodeIo } from '../io/node.ts';
import { parsePublicKeys } from '../model/signature.ts';
import type { ContentAddress } from '../model/content-address.ts';
import { DEFAULT_STORE_DIR, type StorePath } from '../model/store-path.ts';
import type { OpenCacheOptions } from '../store/binary-cache/open-cache.ts';
import { StoreStand } from '../store/local/store-stand.ts';
import { LocalStore } from '../store/local/local-store.ts';
import { WorkerStore } from '../store/remote/worker-store.ts';
import type { Store } from '../store/store.ts';
import type { SubstitutionSource } from '../store/substitute.ts';
import type { Engine } from './engine.ts';
import { cacheFolder } from './cache-folder.ts';
import { openStore } from './open-store.ts';

/** The substituter of an engine; undefined where nothing is to be substituted. Nothing is loaded or asked before it is used. */
export function makeSubstituter(engine: Engine): Substituter | undefined {
  const { settings, store, progress } = engine;
  const urls = substituterUrls(engine);
  if (urls.length === 0 || !settings.get('substitute')) return undefined;
  // Without a network nothing is substituted, unless the user says so (from folders).
  if (!engine.online && !settings.isOverridden('substitute')) return undefined;
  // NIX: nothing counts as signed for a cache, only what comes from a trusted store.
  const isCache = store instanceof StoreStand;
  const trustedKeys = isCache
    ? new Map()
    : requiresSignatures(store, settings)
      ? parsePublicKeys(settings.get('trusted-public-keys'))
      : undefined;
  const load = async () => {
    const [{ Substitution }, { makeSignatureCounter }] = await Promise.all([
      import('../store/substitute.ts'),
      import('./count-signatures.ts'),
    ]);
    const open = () => openSources(engine, urls);
    return new Substitution({ addresses, destination: store, open, trustedKeys, countGoodSignatures: makeSignatureCounter(), progress });
  };
  let loaded: ReturnType<typeof load> | undefined;
  const substitution = () => (loaded ??= load());
  const addresses = new Map<StorePath, ContentAddress>();
  return {
    noteAddress: (path, address) => void addresses.set(path, address),
    queryMany: async (paths) => (await substitution()).queryMany(paths),
    queryRealisation: async (id) => (await substitution()).queryRealisation(id),
    query: async (paths) => (await substitution()).query(paths),
    substitute: async (path, options) => (await substitution()).substitute(path, options),
  };
}

/** Whether what is copied into a store needs a signature by a trusted key: as its URL says, else as the settings say. */
export function requiresSignatures(store: Store, settings: Engine['settings']): boolean {
  // A daemon looks at signatures itself.
  if (store instanceof WorkerStore) return false;
  return store instanceof LocalStore ? store.requiresSignatures : settings.get('require-sigs');
}

/** Without doubles, and without the default cache where it has nothing to offer. */
function substituterUrls({ settings, storeDir }: Pick<Engine, 'settings' | 'storeDir'>): string[] {
  const defaults = storeDir === DEFAULT_STORE_DIR ? [] : settings.defaultOf('substituters');
  return [...new Set(settings.get('substituters'))].filter((url) => !defaults.includes(url));
}

/** The caches among the substituters: they may keep logs of builds. */
export async function openLogSources(engine: Engine): Promise<Store[]> {
  const urls = substituterUrls(engine);
  if (urls.length === 0 || (!engine.online && !engine.settings.isOverridden('substitute'))) return [];
  const [{ BinaryCacheStore }, sources] = await Promise.all([
    import('../store/binary-cache/binary-cache-store.ts'),
    openSources(engine, urls),
  ]);
  return sources.map(({ store }) => store).filter((store) => store instanceof BinaryCacheStore);
}

async function openSources(engine: Engine, urls: readonly string[]): Promise<SubstitutionSource[]> {
  const options = await cacheOptions(engine);
  const opened = await Promise.all(urls.map((url) => openSource(engine, url, options)));
  return opened.filter((source) => source !== undefined);
}

/** Undefined, after a warning, where a substituter cannot be used. */
async function openSource(engine: Engine, url: string, options: OpenCacheOptions): Promise<SubstitutionSource | undefined> {
  try {
    const { isCacheUrl, openBinaryCache } = await import('../store/binary-cache/open-cache.ts');
    if (isCacheUrl(url)) return await openBinaryCache(url, options);
    const parameters = new URLSearchParams(url.slice(url.indexOf('?') + 1));
    const flag = (name: string): boolean => parameters.get(name) === 'true';
    const isElsewhere = /^ssh(?:-ng)?:/.test(url);
    const { store } = isElsewhere ? (await import('./ssh-connections.ts')).openSshUrl(engine, url) : openStore(engine, url);
    return { store, priority: Number(parameters.get('priority') ?? 0), trusted: flag('trusted'), wantMassQuery: flag('want-mass-query') };
  } catch (error) {
    if (!(error instanceof FloeError)) throw error;
    // What could not be reached was said when it was given up.
    if (!['FLOE_SUBSTITUTER_DISABLED', 'FLOE_UNREACHABLE', 'FLOE_FETCH'].includes(error.code)) engine.progress.log('warn', error.message);
    return undefined;
  }
}

/** What binary caches are opened with: the network, patience, logins, and floe's memory of earlier answers. */
export async function cacheOptions({
  settings,
  env,
  cwd,
  storeDir,
  progress,
}: Pick<Engine, 'settings' | 'env' | 'cwd' | 'storeDir' | 'progress'>): Promise<OpenCacheOptions> {
  const [{ Connections }, { findLogin }] = await Promise.all([import('../store/binary-cache/connections.ts'), import('../io/netrc.ts')]);
  const io = nodeIo();
  const netrcFile = settings.get('netrc-file');
  const netrc = fs.existsSync(netrcFile) ? byteStringOf(fs.readFileSync(netrcFile)) : '';
  return {
    io,
    storeDir,
    cwd,
    progress,
    settings: {
      downloadAttempts: Number(settings.get('download-attempts')),
      connectTimeoutS: Number(settings.get('connect-timeout')),
      stalledDownloadTimeoutS: Number(settings.get('stalled-download-timeout')),
    },
    connections: new Connections(Number(settings.get('http-connections'))),
    forceHttp: env['_NIX_FORCE_HTTP'] === '1',
    memory: {
      files: io.files,
      folder: utf8ToByteString(`${cacheFolder(env)}/narinfo`),
      positiveTtlS: Number(settings.get('narinfo-cache-positive-ttl')),
      negativeTtlS: Number(settings.get('narinfo-cache-negative-ttl')),
      metaTtlS: Number(settings.get('narinfo-cache-meta-ttl')),
      now: io.now,
    },
    headersFor: (host): Record<string, string> => {
      const login = netrc === '' ? undefined : findLogin(netrc, host);
      return login === undefined ? {} : { authorization: `Basic ${btoa(`${login.login}:${login.password}`)}` };
    },
  };
}
