// Signatures on store paths: made with a key of the user's, or taken over from other stores. nix/sigs.cc.

import * as fs from 'node:fs';
import { FloeError, UsageError } from '../base/errors.ts';
import { equalHash } from '../base/hash.ts';
import { pathFingerprint, type PathInfo } from '../model/path-info.ts';
import { parseSecretKey, printSignature } from '../model/signature.ts';
import type { StorePath } from '../model/store-path.ts';
import { requirePathInfo } from '../store/closure.ts';
import { openAnyStore } from './copy-paths.ts';
import type { Engine } from './engine.ts';

/** Signs paths with the key in a file; says how many signatures are new. */
export async function signPaths(engine: Engine, paths: readonly StorePath[], keyFile: string): Promise<number> {
  let text: string;
  try {
    text = fs.readFileSync(keyFile, 'utf8');
  } catch (error) {
    throw new FloeError('FLOE_IO', `cannot read secret key file '${keyFile}'`, { cause: error, hint: "'key generate-secret' makes one" });
  }
  const key = parseSecretKey(text);
  const { sign } = await import('../model/signing.ts');
  const { storeDir } = engine;
  const store = engine.store;
  let added = 0;
  for (const path of paths) {
    const info = await requirePathInfo(store, path);
    const signature = printSignature(sign(key, pathFingerprint(info, storeDir)));
    if (info.signatures.includes(signature)) continue;
    await store.addSignatures(path, [signature]);
    added++;
  }
  return added;
}

/** Whether two stores mean the same by a path. */
function isSameObject(a: PathInfo, b: PathInfo): boolean {
  return equalHash(a.narHash, b.narHash) && a.narSize === b.narSize && a.references.join() === b.references.join();
}

/** Takes over the signatures that other stores have on paths; says how many are new. */
export async function copySignatures(engine: Engine, paths: readonly StorePath[], urls: readonly string[]): Promise<number> {
  if (urls.length === 0) throw new UsageError("you must specify at least one substituter using '-s'");
  const others = await Promise.all(urls.map((url) => openAnyStore(engine, url)));
  const { store } = engine;
  let added = 0;
  try {
    for (const path of paths) {
      const info = store.requirePathInfoSync(path);
      const infos = await Promise.all(others.map((other) => other.store.queryPathInfo(path)));
      const theirs = infos.filter((other) => other !== undefined && isSameObject(info, other)).flatMap((other) => other!.signatures);
      const fresh = [...new Set(theirs)].filter((signature) => !info.signatures.includes(signature));
      if (fresh.length === 0) continue;
      await store.addSignatures(path, fresh);
      added += fresh.length;
    }
  } finally {
    for (const other of others) if (other.store !== store) await other.store.close();
  }
  return added;
}
