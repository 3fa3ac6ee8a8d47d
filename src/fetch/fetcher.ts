// Fetching an input: from attributes to a tree, its NAR hash, and the attributes that lock it. Each input type is a `Fetcher` in a file
// of its own; what they share is here: a locked input that the store already has is taken from there, promises of the attributes (NAR
// hash, revision, date) are checked, and NAR hashes are remembered by the trees' fingerprints. Inputs on this machine are fetched at
// once; only those behind a network give a promise. (Nix: libfetchers/fetchers.cc.)

import { FetchError, FloeError, HashMismatchError } from '../base/errors.ts';
import { equalHash, type Hash, parseSri, printHash } from '../base/hash.ts';
import type { Progress } from '../base/progress.ts';
import type { Io } from '../io/io.ts';
import {
  type InputAttrs,
  inputFingerprint,
  inputStorePath,
  inputType,
  integerAttr,
  isFinalInput,
  isKnownInput,
  narHashOf,
  printInput,
  printInputAttrs,
  printRev,
  revOf,
  sortedAttrs,
  withAttrs,
} from '../model/input-scheme.ts';
import type { StoreDir, StorePath } from '../model/store-path.ts';
import type { WarningSink } from '../model/url.ts';
import { cachePlace } from './download.ts';
import type { FetchCache } from './fetch-cache.ts';
import { FolderTree, narHashOfTree, type SourceTree } from './source-tree.ts';

/** What fetching needs to know of the store. */
export interface FetchStore {
  readonly storeDir: StoreDir;
  /** Where a valid object lies, and its NAR hash; undefined where it is not valid. */
  find(path: StorePath): { readonly place: string; readonly narHash: Hash } | undefined;
}

export interface FetchSettings {
  /** `allow-dirty`. */
  readonly allowDirty: boolean;
  /** `warn-dirty`. */
  readonly warnDirty: boolean;
  /** `tarball-ttl`: seconds for which an answer of a server counts. */
  readonly tarballTtl: number;
  /** `access-tokens`: by host, or host and path. */
  readonly accessTokens: Readonly<Record<string, string>>;
  /** `download-attempts`. */
  readonly downloadAttempts: number;
  /** `connect-timeout` and `stalled-download-timeout`: seconds without a word after which a server is given up; 0 for never. */
  readonly connectTimeoutS: number;
  readonly stalledDownloadTimeoutS: number;
  /** Text of the file that `netrc-file` names; "" where there is none. */
  readonly netrc: string;
  /** The experimental feature `verified-fetches`. */
  readonly verifiedFetches: boolean;
}

export const DEFAULT_FETCH_SETTINGS: FetchSettings = {
  allowDirty: true,
  warnDirty: true,
  tarballTtl: 3600,
  accessTokens: {},
  downloadAttempts: 5,
  connectTimeoutS: 15,
  stalledDownloadTimeoutS: 300,
  netrc: '',
  verifiedFetches: false,
};

export interface FetchContext {
  readonly io: Io;
  readonly cache: FetchCache;
  readonly store: FetchStore;
  readonly settings: FetchSettings;
  readonly warn: WarningSink;
  /** Folder that relative file URLs start at. */
  readonly baseDir: string;
  readonly bundledTrees?: BundledTrees | undefined;
  /** Where clones of git repositories lie; in the cache's own folder unless this says otherwise. */
  readonly gitFolder?: string | undefined;
  /** Brings a store object here from a cache; false where none has it. */
  readonly substitute?: ((path: StorePath) => Promise<boolean>) | undefined;
  /** Tells of work under way. */
  readonly progress?: Progress | undefined;
}

/** Trees that this program brings along. */
export interface BundledTrees {
  /** Where the tree of that NAR hash (SRI form) lies on this machine. */
  find(narHash: string): string | undefined;
  /** What to say of a locked path that looks like one of them and is not. */
  hint(path: string): string | undefined;
}

/** What a fetcher itself finds out. */
export interface RawFetch {
  readonly tree: SourceTree;
  /** The input's attributes with what was learnt (rev, lastModified, ...). */
  readonly attrs: InputAttrs;
  /** Names the content, as evaluation caches want it; undefined where the fetcher knows no name but the NAR hash. */
  readonly fingerprint?: string | undefined;
  /** Under which the NAR hash is remembered, where that is not the fingerprint: equal only for equal content. */
  readonly hashKey?: string | undefined;
  /** Known already, where the tree was unpacked here or lies in the store. */
  readonly narHash?: Hash | undefined;
  /** Folder that holds exactly this tree, where there is one. */
  readonly folder?: string | undefined;
}

export interface FetchedInput extends RawFetch {
  readonly narHash: Hash;
  /** Where the tree would be in the store. Nothing was copied there. */
  readonly storePath: StorePath;
}

export type MaybePromise<T> = T | Promise<T>;

/** Fetches inputs of one type. */
export type Fetcher = (attrs: InputAttrs, context: FetchContext) => MaybePromise<RawFetch>;

/** Applies `next` at once, or when the promise is there. */
export function andThen<A, B>(value: MaybePromise<A>, next: (value: A) => MaybePromise<B>): MaybePromise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Exit code of a command that met content of the wrong hash. */
const HASH_MISMATCH_EXIT = 102;

function traced(attrs: InputAttrs, error: unknown): unknown {
  if (error instanceof FloeError && isKnownInput(attrs)) error.frames.push({ text: `while fetching the input '${printInput(attrs)}'` });
  return error;
}

/** Fetches with the fetcher of the input's type. A promise only where a network is needed. */
export function fetchWith(fetchers: ReadonlyMap<string, Fetcher>, attrs: InputAttrs, context: FetchContext): MaybePromise<FetchedInput> {
  const stored = findLocked(attrs, context);
  if (stored) return stored;
  if (context.substitute === undefined || !isFinalInput(attrs) || narHashOf(attrs) === undefined)
    return fetchFromSource(fetchers, attrs, context);
  if (!isOnThisMachine(attrs)) return substitute(attrs, context).then((found) => found ?? fetchFromSource(fetchers, attrs, context));
  // What lies here is quicker read than asked for; a cache may have what is gone.
  const instead = async (error: unknown): Promise<FetchedInput> => {
    const found = error instanceof HashMismatchError ? undefined : await substitute(attrs, context);
    if (found === undefined) throw error;
    return found;
  };
  try {
    const fetched = fetchFromSource(fetchers, attrs, context);
    return fetched instanceof Promise ? fetched.catch(instead) : fetched;
  } catch (error) {
    return instead(error);
  }
}

async function substitute(attrs: InputAttrs, context: FetchContext): Promise<FetchedInput | undefined> {
  const isThere = await context.substitute!(inputStorePath(attrs, context.store.storeDir));
  return isThere ? findLocked(attrs, context) : undefined;
}

function isOnThisMachine(attrs: InputAttrs): boolean {
  const { type, url, path } = attrs;
  return type === 'path' || typeof path === 'string' || (typeof url === 'string' && /^(?:file:|\/)/.test(url));
}

function fetchFromSource(fetchers: ReadonlyMap<string, Fetcher>, attrs: InputAttrs, context: FetchContext): MaybePromise<FetchedInput> {
  try {
    const fetcher = fetchers.get(inputType(attrs));
    if (!fetcher)
      throw new FetchError(`cannot fetch unsupported input '${printInputAttrs(attrs)}'`, {
        hint: `floe has no fetcher for inputs of type '${inputType(attrs)}'`,
      });
    const raw = fetcher(attrs, context);
    if (!(raw instanceof Promise)) return complete(attrs, raw, context);
    return raw.then((result) => complete(attrs, result, context)).catch((error: unknown) => Promise.reject(traced(attrs, error)));
  } catch (error) {
    throw traced(attrs, error);
  }
}

/** A locked tree that the store has, that came with the program, or that the cache keeps unpacked. */
function findLocked(attrs: InputAttrs, context: FetchContext): FetchedInput | undefined {
  const narHash = narHashOf(attrs);
  if (!isFinalInput(attrs) || narHash === undefined) return undefined;
  const storePath = inputStorePath(attrs, context.store.storeDir);
  const found = context.store.find(storePath);
  const sri = printHash(narHash, 'sri');
  const cached = cachePlace('trees', sri, context);
  const folder = found?.place ?? context.bundledTrees?.find(sri) ?? (context.io.files.stat(cached) ? cached : undefined);
  if (folder === undefined) return undefined;
  return { tree: new FolderTree(context.io.files, folder), attrs, fingerprint: inputFingerprint(attrs), narHash, storePath, folder };
}

function complete(specified: InputAttrs, raw: RawFetch, context: FetchContext): FetchedInput {
  const attrs = checkLocks(specified, withAttrs(raw.attrs, { __final: true }));
  const narHash = raw.narHash ?? cachedNarHash(raw, context);
  const wanted = narHashOf(specified);
  if (wanted && !equalHash(wanted, narHash)) throw hashMismatch(specified, wanted, narHash, context);
  const locked = withAttrs(attrs, { narHash: printHash(narHash, 'sri') });
  const fingerprint = raw.fingerprint ?? (inputType(attrs) === 'path' ? `path:${printHash(narHash, 'sri')}` : inputFingerprint(locked));
  return { ...raw, attrs: locked, fingerprint, narHash, storePath: inputStorePath(locked, context.store.storeDir) };
}

function cachedNarHash(raw: RawFetch, { cache }: FetchContext): Hash {
  const key = raw.hashKey ?? raw.fingerprint;
  const known = key === undefined ? undefined : cache.lookup('nar-hash', key)?.value['narHash'];
  if (typeof known === 'string') return parseSri(known);
  const narHash = narHashOfTree(raw.tree);
  if (key !== undefined) cache.store('nar-hash', key, { narHash: printHash(narHash, 'sri') });
  return narHash;
}

function hashMismatch(specified: InputAttrs, wanted: Hash, got: Hash, { bundledTrees }: FetchContext): HashMismatchError {
  const [wantedText, gotText] = [printHash(wanted, 'sri'), printHash(got, 'sri')];
  const { path } = specified;
  return new HashMismatchError(`NAR hash mismatch in input '${printInput(specified)}', expected '${wantedText}' but got '${gotText}'`, {
    data: { wanted: wantedText, got: gotText, exitCode: HASH_MISMATCH_EXIT },
    hint:
      (typeof path === 'string' ? bundledTrees?.hint(path) : undefined) ??
      'the source has changed since it was locked; if that is right, lock it anew with `floe flake update`',
  });
}

/** Holds what was fetched against what the attributes promised. A final input keeps exactly its attributes. */
function checkLocks(specified: InputAttrs, result: InputAttrs): InputAttrs {
  if (isFinalInput(specified)) {
    const wanted = narHashOf(specified);
    // Old lock files lack the padding of the hash.
    const normal = wanted ? withAttrs(specified, { narHash: printHash(wanted, 'sri') }) : specified;
    for (const [name, value] of sortedAttrs(normal)) {
      if (!Object.hasOwn(result, name) || name === 'narHash' || result[name] === value) continue;
      throw new FetchError(`mismatch in field '${name}' of input '${printInputAttrs(normal)}', got '${printInputAttrs(result)}'`, {
        data: { field: name },
      });
    }
    return normal;
  }
  const lastModified = integerAttr(specified, 'lastModified');
  if (lastModified !== undefined && integerAttr(result, 'lastModified') !== lastModified) {
    const got = integerAttr(result, 'lastModified') ?? -1;
    throw new FetchError(`'lastModified' attribute mismatch in input '${printInput(result)}', expected ${lastModified}, got ${got}`);
  }
  const rev = revOf(specified);
  const gotRev = revOf(result);
  if (rev && !(gotRev && equalHash(rev, gotRev)))
    throw new FetchError(`'rev' attribute mismatch in input '${printInput(result)}', expected ${printRev(rev)}`);
  const revCount = integerAttr(specified, 'revCount');
  if (revCount !== undefined && integerAttr(result, 'revCount') !== revCount) {
    throw new FetchError(`'revCount' attribute mismatch in input '${printInput(result)}', expected ${revCount}`);
  }
  return result;
}
