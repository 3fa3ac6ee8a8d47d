// `store make-content-addressed`: a closure again, in which every path follows from its contents; references inside are rewritten.
// libstore/make-content-addressed.cc.

import { hashBytes } from '../base/hash.ts';
import { concatBytes, copyBytes } from '../base/bytes.ts';
import { RewritingSink } from '../build/rewrite.ts';
import { type ContentReferences, makeContentPath } from '../model/content-address.ts';
import type { PathInfo } from '../model/path-info.ts';
import { type StorePath, storePathHash, storePathName } from '../model/store-path.ts';
import { queryClosure, requirePathInfo, sortTopologically } from '../store/closure.ts';
import { HashModulo } from '../store/scan.ts';
import type { Store } from '../store/store.ts';
import { openAnyStore } from './copy-paths.ts';
import type { Engine } from './engine.ts';

/** Rewrites bytes; texts have equal lengths. */
function rewritten(bytes: Uint8Array, rewrites: ReadonlyMap<string, string>): Uint8Array {
  if (rewrites.size === 0) return bytes;
  const chunks: Uint8Array[] = [];
  const sink = new RewritingSink(rewrites, (chunk) => void chunks.push(copyBytes(chunk)));
  sink.push(bytes);
  sink.end();
  return concatBytes(chunks);
}

async function readNar(store: Store, path: StorePath): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.narFromPath(path)) chunks.push(copyBytes(chunk));
  return concatBytes(chunks);
}

/** Writes one object under its new path, with the references that `known` maps. */
async function rewritePath(from: Store, to: Store, path: StorePath, known: ReadonlyMap<StorePath, StorePath>): Promise<StorePath> {
  const old: PathInfo = await requirePathInfo(from, path);
  const rewrites = new Map<string, string>();
  const others = new Set<StorePath>();
  for (const reference of old.references) {
    if (reference === path) continue;
    const replacement = known.get(reference) ?? reference;
    if (replacement !== reference) rewrites.set(`${from.storeDir}/${reference}`, `${from.storeDir}/${replacement}`);
    others.add(replacement);
  }
  const nar = rewritten(await readNar(from, path), rewrites);
  const modulo = new HashModulo('sha256', storePathHash(path));
  modulo.push(nar);
  const contentAddress = { method: 'nar' as const, hash: modulo.finish() };
  const self = old.references.includes(path);
  const references: ContentReferences = { others: [...others].sort(), self };
  const fresh = makeContentPath(storePathName(path), contentAddress, references, to.storeDir);
  const final = rewritten(nar, new Map([[storePathHash(path), storePathHash(fresh)]]));
  const info: PathInfo = {
    path: fresh,
    narHash: hashBytes('sha256', final),
    narSize: final.length,
    references: [...others, ...(self ? [fresh] : [])].sort(),
    registrationTime: 0,
    ultimate: false,
    signatures: [],
    contentAddress,
  };
  async function* whole(): AsyncIterable<Uint8Array> {
    yield final;
  }
  await to.addToStore(info, whole(), { checkSignatures: false });
  return fresh;
}

/** Rewrites the closures of paths from one store into another (undefined: the engine's own). Gives old path -> new path. */
export async function makeContentAddressed(
  engine: Engine,
  paths: readonly StorePath[],
  places: { readonly from: string | undefined; readonly to: string | undefined },
): Promise<ReadonlyMap<StorePath, StorePath>> {
  const [from, to] = await Promise.all([openAnyStore(engine, places.from), openAnyStore(engine, places.to)]);
  try {
    const closure = await queryClosure(from.store, paths);
    const known = new Map<StorePath, StorePath>();
    for (const path of sortTopologically(closure.keys(), (one) => closure.get(one)?.references ?? [])) {
      const fresh = await rewritePath(from.store, to.store, path, known);
      engine.progress.log('info', `rewriting '${from.store.storeDir}/${path}' to '${to.store.storeDir}/${fresh}'`);
      known.set(path, fresh);
    }
    return known;
  } finally {
    for (const { store } of [from, to]) if (store !== engine.store) await store.close();
  }
}
