// Store URL -> binary cache: `file:///folder` and `http(s)://...`, with the parameters that C++ Nix knows, and what the cache says of
// itself in nix-cache-info (Nix manual, "HTTP Binary Cache Store", "Local Binary Cache Store").

import { byteStringOf, utf8ToByteString } from '../../base/bytes.ts';
import { FetchError, FloeError, StoreError, UsageError } from '../../base/errors.ts';
import { type Progress, SILENT } from '../../base/progress.ts';
import type { Io } from '../../io/io.ts';
import { parseSecretKey, type SecretKey } from '../../model/signature.ts';
import type { StoreDir } from '../../model/store-path.ts';
import { parseStoreUrl } from '../placement.ts';
import { BinaryCacheStore, DEFAULT_CACHE_PRIORITY, DESCRIPTION_FILE, parseCacheDescription } from './binary-cache-store.ts';
import { type CacheFiles, readWhole } from './cache-files.ts';
import { Connections } from './connections.ts';
import { FileCache } from './file-cache.ts';
import { HttpCache, type HttpCacheSettings } from './http-cache.ts';
import { CacheMemory, type NarInfoCacheOptions } from './narinfo-cache.ts';

export interface OpenCacheOptions {
  readonly io: Pick<Io, 'files' | 'net' | 'processes' | 'now'>;
  readonly storeDir: StoreDir;
  readonly cwd: string;
  readonly settings: HttpCacheSettings;
  /** Shared by all caches. */
  readonly connections?: Connections | undefined;
  readonly progress?: Progress | undefined;
  /** Treats folders as servers: answers are kept, nothing is written (_NIX_FORCE_HTTP, for tests). */
  readonly forceHttp?: boolean | undefined;
  /** Where answers are kept; undefined for nowhere. */
  readonly memory?: NarInfoCacheOptions | undefined;
  /** Headers for a host, logins above all. */
  readonly headersFor?: ((host: string) => Readonly<Record<string, string>>) | undefined;
}

export interface OpenedCache {
  readonly store: BinaryCacheStore;
  /** Smaller is asked first. */
  readonly priority: number;
  /** Its objects need no signature. */
  readonly trusted: boolean;
  readonly wantMassQuery: boolean;
}

/** Whether a store of that URL is a binary cache. */
export function isCacheUrl(url: string): boolean {
  return /^(?:file|https?):\/\//.test(url);
}

const PARAMETERS = [
  'compression',
  'compression-level',
  'index-debug-info',
  'parallel-compression',
  'priority',
  'trusted',
  'want-mass-query',
  'secret-key',
  'secret-keys',
  'store',
  'write-nar-listing',
];
/** C++ Nix has these too; here they change nothing, since what they are about is not done. */
const HARMLESS_PARAMETERS = [
  'local-nar-cache',
  'log-compression',
  'ls-compression',
  'narinfo-compression',
  'path-info-cache-size',
  'require-sigs',
  'system-features',
];

/** A connection that broke down or never came about may be tried again at once; one that timed out costs too much for that. */
const SLOW_FAILURE_MS = 2000;
const REMEMBER_FAST_FAILURE_MS = 20_000;
const REMEMBER_SLOW_FAILURE_MS = 300_000;

/**
 * Opens a cache. FetchError where it cannot be reached (code FLOE_SUBSTITUTER_DISABLED where that was found out a moment ago, and need
 * not be said again); StoreError where it is none, or one for another store directory.
 */
export async function openBinaryCache(url: string, options: OpenCacheOptions): Promise<OpenedCache> {
  const { kind, location, parameters } = parseStoreUrl(url, options.cwd);
  const { progress = SILENT, storeDir } = options;
  for (const name of parameters.keys()) {
    if (!PARAMETERS.includes(name) && !HARMLESS_PARAMETERS.includes(name))
      progress.log('warn', `unknown setting '${name}' of store '${url}'`);
  }
  const flag = (name: string): boolean => parameters.get(name) === 'true' || parameters.get(name) === '1';
  const isFolder = kind === 'file' && options.forceHttp !== true;
  const memory =
    isFolder || options.memory === undefined ? undefined : new CacheMemory(options.memory, cacheUri(kind, url, location), storeDir);
  const files = openFiles(kind, cacheUri(kind, url, location), options, memory);
  const store = new BinaryCacheStore({
    files,
    storeDir: parameters.get('store') ?? storeDir,
    memory,
    progress,
    compression: parameters.get('compression'),
    compressionLevel: readLevel(parameters.get('compression-level'), url),
    secretKeys: readKeys(parameters, options.io),
    parallelCompression: flag('parallel-compression'),
    writesXz: () => options.io.processes.run('xz', ['--version']) !== undefined,
    writesListings: flag('write-nar-listing'),
    indexesDebugInfo: flag('index-debug-info'),
  });
  const description = await readDescription(files, memory, !isFolder);
  if (description.storeDir !== undefined && description.storeDir !== store.storeDir) {
    throw new StoreError(`binary cache '${files.uri}' is for Nix stores with prefix '${description.storeDir}', not '${store.storeDir}'`, {
      code: 'FLOE_STORE_DIR_MISMATCH',
      data: { uri: files.uri, theirs: description.storeDir, ours: store.storeDir },
    });
  }
  const priority = parameters.get('priority');
  if (priority !== undefined && !/^-?[0-9]+$/.test(priority))
    throw new UsageError(`parameter 'priority' of store '${url}' is no number: '${priority}'`);
  return {
    store,
    priority: priority === undefined ? (description.priority ?? DEFAULT_CACHE_PRIORITY) : Number(priority),
    trusted: flag('trusted'),
    wantMassQuery: parameters.has('want-mass-query') ? flag('want-mass-query') : description.wantMassQuery,
  };
}

/** The URL without parameters and slashes at its end. */
function cacheUri(kind: string, url: string, location: string): string {
  if (kind === 'file') return `file://${location.replace(/\/+$/, '')}`;
  const question = url.indexOf('?');
  return (question < 0 ? url : url.slice(0, question)).replace(/\/+$/, '');
}

function openFiles(kind: string, uri: string, options: OpenCacheOptions, memory: CacheMemory | undefined): CacheFiles {
  const { io, settings, connections = new Connections(0), progress = SILENT, headersFor } = options;
  if (kind === 'file') {
    const folder = uri.slice('file://'.length);
    if (!folder.startsWith('/')) throw new UsageError(`store '${uri}' names no absolute folder`, { hint: "write 'file:///the/folder'" });
    return new FileCache(io.files, utf8ToByteString(folder));
  }
  if (memory?.isUnreachable === true) {
    throw new FetchError(`substituter '${uri}' is disabled`, { code: 'FLOE_SUBSTITUTER_DISABLED', data: { uri } });
  }
  const onDead = (_error: FloeError, tookMs: number): void =>
    memory?.rememberUnreachable(tookMs < SLOW_FAILURE_MS ? REMEMBER_FAST_FAILURE_MS : REMEMBER_SLOW_FAILURE_MS);
  return new HttpCache({ uri, net: io.net, settings, connections, progress, headersFor, onDead, now: io.now });
}

async function readDescription(files: CacheFiles, memory: CacheMemory | undefined, isRequired: boolean) {
  const remembered = memory?.lookupDescription();
  if (remembered !== undefined) return parseCacheDescription(remembered);
  const contents = await readWhole(files, DESCRIPTION_FILE);
  // NIX: where there is none it would be written, which a folder that is treated as a server does not take.
  if (contents === undefined && isRequired && files.uri.startsWith('file:'))
    throw new FloeError('FLOE_NOT_SUPPORTED', `uploading to '${files.uri}/${DESCRIPTION_FILE}' is not supported`);
  if (contents === undefined && isRequired)
    throw new StoreError(`'${files.uri}' does not appear to be a binary cache`, { data: { uri: files.uri } });
  const text = contents === undefined ? '' : byteStringOf(contents);
  memory?.rememberDescription(text);
  return parseCacheDescription(text);
}

function readLevel(text: string | undefined, url: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^-?[0-9]+$/.test(text)) throw new UsageError(`parameter 'compression-level' of store '${url}' is no number: '${text}'`);
  return Number(text);
}

function readKeys(parameters: ReadonlyMap<string, string>, io: Pick<Io, 'files'>): SecretKey[] {
  const paths = [parameters.get('secret-key') ?? '', ...(parameters.get('secret-keys') ?? '').split(',')].filter((path) => path !== '');
  return paths.map((path) => parseSecretKey(byteStringOf(io.files.readFile(utf8ToByteString(path))).trim()));
}
