// `copy`: closures from one store into another, where one of them is this engine's own. Into stores of this machine only what is signed
// by a trusted key comes, unless the source is trusted or nobody wants signatures; binary caches take everything. nix/copy.cc.

import { InvalidPathError, SignatureError, UsageError } from '../base/errors.ts';
import type { PathInfo } from '../model/path-info.ts';
import type { Derivation } from '../model/derivation.ts';
import { type DerivationOutputId, printDerivationOutputId, type Realisation } from '../model/realisation.ts';
import { parsePublicKeys } from '../model/signature.ts';
import type { StorePath } from '../model/store-path.ts';
import { isCacheUrl, openBinaryCache } from '../store/binary-cache/open-cache.ts';
import { queryClosure, requirePathInfo } from '../store/closure.ts';
import { copyPaths } from '../store/copy.ts';
import { ServeStore } from '../store/remote/serve-store.ts';
import { WorkerStore } from '../store/remote/worker-store.ts';
import type { Store } from '../store/store.ts';
import { makeSignatureCounter } from './count-signatures.ts';
import type { Engine } from './engine.ts';
import { openStore } from './open-store.ts';
import { resolvedOutput } from './realisations.ts';
import { StoreQueries } from './store-queries.ts';
import { cacheOptions, requiresSignatures } from './substituters.ts';

export interface CopyRequest {
  /** Store URLs; undefined for the engine's own store. One of them is needed. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** "all" for everything that the source has. */
  readonly paths: readonly StorePath[] | 'all';
  /** Outputs that are copied with their realisations; the path where it is known without. */
  readonly realised?: readonly RealisedOutput[];
  /** With everything they refer to. */
  readonly recursive: boolean;
  readonly checkSignatures: boolean;
  /** The destination first takes from its own substituters what it can. */
  readonly substitute?: boolean;
}

/** An output by the name of its realisation. */
export interface RealisedOutput {
  readonly id: DerivationOutputId;
  /** Where it is, where the derivation tells. */
  readonly path: StorePath | undefined;
  /** Its inputs lie in the engine's own store. */
  readonly derivation: Derivation;
}

export interface Opened {
  readonly store: Store;
  /** Whether it takes everything: binary caches, stores whose own keeper decides (ssh). */
  readonly isCache: boolean;
  readonly trusted: boolean;
}

/** The store of a URL, the engine's own where there is none. */
export async function openAnyStore(engine: Engine, url: string | undefined): Promise<Opened> {
  if (url === undefined) return { store: engine.store, isCache: false, trusted: false };
  if (isCacheUrl(url)) return { ...(await openBinaryCache(url, await cacheOptions(engine))), isCache: true };
  if (/^ssh(?:-ng)?:/.test(url)) {
    const { openSshUrl } = await import('./ssh-connections.ts');
    return { ...openSshUrl(engine, url), isCache: true };
  }
  return { store: openStore(engine, url).store, isCache: false, trusted: false };
}

/** Copies what is missing; says how many were copied. */
export async function copyBetweenStores(engine: Engine, request: CopyRequest): Promise<number> {
  if (request.from === undefined && request.to === undefined) throw new UsageError("you must pass '--from' and/or '--to'");
  const [from, to] = await Promise.all([openAnyStore(engine, request.from), openAnyStore(engine, request.to)]);
  try {
    const realisations = await realisationsIn(engine, from.store, request.realised ?? []);
    const named = request.paths === 'all' ? await from.store.queryAllValidPaths() : request.paths;
    const roots = [...new Set([...named, ...realisations.map(({ path }) => path)])];
    const infos = request.recursive ? await closureOf(from.store, roots) : await infosOf(from.store, roots);
    if (request.substitute === true) await substituteThere(engine, to.store, infos);
    if (request.checkSignatures && !to.isCache && !from.trusted) await requireSignatures(engine, infos, to.store);
    const { progress } = engine;
    // A daemon looks at signatures itself.
    const checkSignatures = to.store instanceof WorkerStore && request.checkSignatures && !from.trusted;
    const copied = await copyPaths(from.store, to.store, infos, { progress, checkSignatures });
    for (const realisation of realisations) await to.store.addRealisation?.(realisation);
    return copied.length;
  } finally {
    // The engine's own is the engine's to close.
    for (const { store } of [from, to]) if (store !== engine.store) await store.close();
  }
}

/** Those that the store knows. InvalidPathError where it does not know one. */
async function realisationsIn(engine: Engine, store: Store, outputs: readonly RealisedOutput[]): Promise<Realisation[]> {
  return Promise.all(
    outputs.map(async ({ id, path, derivation }) => {
      const realisation = await store.queryRealisation?.(id);
      if (realisation !== undefined) return realisation;
      const found = path ?? (await resolvedOutput(engine, store, derivation, id.output));
      if (found !== undefined) return { id, path: found, signatures: [] };
      throw new InvalidPathError(`store '${store.uri}' does not know what '${printDerivationOutputId(id)}' is`);
    }),
  );
}

async function closureOf(store: Store, roots: readonly StorePath[]): Promise<PathInfo[]> {
  // PERF: two questions over the network in place of one a level.
  if (store instanceof ServeStore) return infosOf(store, await store.queryClosure(roots));
  return [...(await queryClosure(store, roots)).values()];
}

/** Has a store fetch what it can of these from its own substituters. */
async function substituteThere(engine: Engine, store: Store, infos: readonly PathInfo[]): Promise<void> {
  const paths = infos.map(({ path }) => path);
  if (store instanceof ServeStore || store instanceof WorkerStore) await store.substitute(paths);
  else if (store === engine.store) await engine.builds.tryBuild(paths.map((path) => ({ kind: 'opaque', path })));
  else {
    throw new UsageError(`store '${store.uri}' cannot substitute: only this machine's own store and those behind daemons or over ssh can`);
  }
}

async function infosOfServed(store: ServeStore, paths: readonly StorePath[]): Promise<PathInfo[]> {
  const infos = await store.queryPathInfos(paths);
  return paths.map((path) => {
    const info = infos.get(path);
    if (info === undefined)
      throw new InvalidPathError(`path '${store.storeDir}/${path}' is not valid in store '${store.uri}'`, { data: { path } });
    return info;
  });
}

function infosOf(store: Store, paths: readonly StorePath[]): Promise<PathInfo[]> {
  return store instanceof ServeStore ? infosOfServed(store, paths) : Promise.all(paths.map((path) => requirePathInfo(store, path)));
}

/** Copies these with all they refer to between the two stores of a run: that of evaluation and the one that builds. */
export async function copyClosure(engine: Engine, from: Store, to: Store, roots: Iterable<StorePath>): Promise<void> {
  const infos = [...(await queryClosure(from, roots)).values()];
  await requireSignatures(engine, infos, to);
  await copyPaths(from, to, infos, { progress: engine.progress, checkSignatures: false });
}

/** Before anything is copied, so that nothing comes half. */
async function requireSignatures({ settings }: Engine, infos: readonly PathInfo[], to: Store): Promise<void> {
  if (!requiresSignatures(to, settings)) return;
  const keys = parsePublicKeys(settings.get('trusted-public-keys'));
  const count = makeSignatureCounter();
  const present = await to.queryValidPaths(infos.map(({ path }) => path));
  for (const info of infos) {
    if (present.has(info.path) || count(info, to.storeDir, keys) > 0) continue;
    throw new SignatureError(`cannot add path '${to.storeDir}/${info.path}' because it lacks a signature by a trusted key`, {
      data: { path: info.path, signatures: info.signatures },
      hint: "add the signer's public key to the setting 'trusted-public-keys', or copy with '--no-check-sigs'",
    });
  }
}

export interface SshCopyRequest {
  /** "user@host:port". */
  readonly host: string;
  readonly direction: 'to' | 'from';
  /** Paths as users type them. */
  readonly words: readonly string[];
  readonly compress: boolean;
  readonly includeOutputs: boolean;
  readonly substitute: boolean;
  readonly dryRun: boolean;
}

/** `nix-copy-closure`: closures to or from a machine that ssh reaches; whoever may log in there is trusted. */
export async function copyClosureOverSsh(engine: Engine, request: SshCopyRequest): Promise<void> {
  const { openSshStore, parseSshAuthority } = await import('./ssh-connections.ts');
  const authority = parseSshAuthority(request.host);
  const parameters = new Map(request.compress ? [['compress', 'true']] : []);
  const other = openSshStore(engine, { ...authority, isDaemon: false, parameters, uri: `ssh://${request.host}` });
  const [from, to] = request.direction === 'to' ? [engine.store, other] : [other, engine.store];
  try {
    const queries = new StoreQueries(engine);
    const roots = request.words.map((word) => queries.resolve(word));
    const paths =
      from === engine.store
        ? [...(await queries.closure(roots, { outputs: request.includeOutputs }))]
        : await other.queryClosure(roots, request.includeOutputs);
    const infos = await infosOf(from, paths);
    if (request.dryRun) {
      const present = await to.queryValidPaths(paths);
      for (const path of paths) if (!present.has(path)) engine.progress.log('notice', `would copy '${engine.storeDir}/${path}'`);
      return;
    }
    if (request.substitute) await substituteThere(engine, to, infos);
    await copyPaths(from, to, infos, { progress: engine.progress, checkSignatures: false });
  } finally {
    await other.close();
  }
}
