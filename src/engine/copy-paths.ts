// `copy`: closures from one store into another, where one of them is this engine's own. Into stores of this machine only what is signed
// by a trusted key comes, unless the source is trusted or nobody wants signatures; binary caches take everything. nix/copy.cc.

import { SignatureError, UsageError } from '../base/errors.ts';
import type { PathInfo } from '../model/path-info.ts';
import { parsePublicKeys } from '../model/signature.ts';
import type { StorePath } from '../model/store-path.ts';
import { isCacheUrl, openBinaryCache } from '../store/binary-cache/open-cache.ts';
import { queryClosure, requirePathInfo } from '../store/closure.ts';
import { copyPaths } from '../store/copy.ts';
import type { Store } from '../store/store.ts';
import { makeSignatureCounter } from './count-signatures.ts';
import type { Engine } from './engine.ts';
import { openStore } from './open-store.ts';
import { cacheOptions } from './substituters.ts';

export interface CopyRequest {
  /** Store URLs; undefined for the engine's own store. One of them is needed. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** "all" for everything that the source has. */
  readonly paths: readonly StorePath[] | 'all';
  /** With everything they refer to. */
  readonly recursive: boolean;
  readonly checkSignatures: boolean;
}

export interface Opened {
  readonly store: Store;
  readonly isCache: boolean;
  readonly trusted: boolean;
}

/** The store of a URL, the engine's own where there is none. */
export async function openAnyStore(engine: Engine, url: string | undefined): Promise<Opened> {
  if (url === undefined) return { store: engine.store, isCache: false, trusted: false };
  if (isCacheUrl(url)) return { ...(await openBinaryCache(url, await cacheOptions(engine))), isCache: true };
  return { store: openStore(engine, url).store, isCache: false, trusted: false };
}

/** Copies what is missing; says how many were copied. */
export async function copyBetweenStores(engine: Engine, request: CopyRequest): Promise<number> {
  if (request.from === undefined && request.to === undefined) throw new UsageError("you must pass '--from' and/or '--to'");
  const [from, to] = await Promise.all([openAnyStore(engine, request.from), openAnyStore(engine, request.to)]);
  try {
    const roots = request.paths === 'all' ? await from.store.queryAllValidPaths() : request.paths;
    const infos = request.recursive ? [...(await queryClosure(from.store, roots)).values()] : await infosOf(from.store, roots);
    if (request.checkSignatures && !to.isCache && !from.trusted) await requireSignatures(engine, infos, to.store);
    const { progress } = engine;
    return (await copyPaths(from.store, to.store, infos, { progress, checkSignatures: false })).length;
  } finally {
    // The engine's own is the engine's to close.
    for (const { store } of [from, to]) if (store !== engine.store) await store.close();
  }
}

function infosOf(store: Store, paths: readonly StorePath[]): Promise<PathInfo[]> {
  return Promise.all(paths.map((path) => requirePathInfo(store, path)));
}

/** Before anything is copied, so that nothing comes half. */
async function requireSignatures({ settings }: Engine, infos: readonly PathInfo[], to: Store): Promise<void> {
  if (!settings.get('require-sigs')) return;
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
