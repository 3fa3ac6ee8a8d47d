// `store verify`: contents of single paths against their hashes, and who vouches for them. nix/verify.cc.

import * as fs from 'node:fs';
import { FloeError } from '../base/errors.ts';
import { type PathInfo } from '../model/path-info.ts';
import { countGoodSignatures } from '../model/signing.ts';
import { parsePublicKeys, parseSecretKey, type PublicKey, publicKeyOf } from '../model/signature.ts';
import type { StorePath } from '../model/store-path.ts';
import type { Store } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { openStore } from './open-store.ts';
import { StoreCare } from './store-care.ts';

export interface VerifyPathsOptions {
  readonly contents: boolean;
  readonly trust: boolean;
  /** 0: what was built here needs none, anything else one. */
  readonly signaturesNeeded: number;
  /** URLs of stores whose signatures count too. */
  readonly substituters: readonly string[];
}

/** How many paths had which trouble. */
export interface VerifyPathsResult {
  corrupted: number;
  untrusted: number;
  failed: number;
}

/** Keys that signatures may be by: those trusted, and the public halves of the user's own. */
export function trustedKeys(engine: Engine): Map<string, PublicKey> {
  const { settings } = engine;
  const keys = parsePublicKeys(settings.get('trusted-public-keys'));
  for (const file of settings.get('secret-key-files')) {
    try {
      const key = publicKeyOf(parseSecretKey(fs.readFileSync(file, 'utf8')));
      keys.set(key.name, key);
    } catch (error) {
      if (!(error instanceof FloeError) && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
      // NIX: keys that this user may not read are left out in silence.
    }
  }
  return keys;
}

function isTrusted(infos: readonly PathInfo[], storeDir: string, keys: ReadonlyMap<string, PublicKey>, needed: number): boolean {
  if (infos[0]!.ultimate && needed === 0) return true;
  if (infos.some((info) => countGoodSignatures({ ...info, signatures: [] }, storeDir, keys) === Infinity)) return true;
  const signatures = [...new Set(infos.flatMap((info) => info.signatures))];
  return countGoodSignatures({ ...infos[0]!, signatures }, storeDir, keys) >= Math.max(needed, 1);
}

/** Checks each path and tells what is wrong with it. */
export async function verifyPaths(engine: Engine, paths: readonly StorePath[], options: VerifyPathsOptions): Promise<VerifyPathsResult> {
  const { progress, store, storeDir } = engine;
  const others: Store[] = options.substituters.map((url) => openStore(engine, url).store);
  const keys = trustedKeys(engine);
  const care = new StoreCare(engine);
  const result: VerifyPathsResult = { corrupted: 0, untrusted: 0, failed: 0 };
  const all = progress.start('verify-paths', '');
  let done = 0;
  for (const path of paths) {
    try {
      const info = (await store.queryPathInfo(path)) ?? store.requirePathInfoSync(path);
      const activity = progress.start('unknown', `checking '${storeDir}/${path}'`, { level: 'info', parent: all });
      try {
        if (options.contents && !(await care.checkContents(path))) {
          result.corrupted++;
          activity.result('corrupted-path', [`${storeDir}/${path}`]);
        }
        if (options.trust) {
          const more = await Promise.all(others.map((other) => other.queryPathInfo(path)));
          if (!isTrusted([info, ...more.filter((one) => one !== undefined)], storeDir, keys, options.signaturesNeeded)) {
            result.untrusted++;
            activity.result('untrusted-path', [`${storeDir}/${path}`]);
            progress.log('error', `path '${storeDir}/${path}' is untrusted`);
          }
        }
      } finally {
        activity.stop();
      }
      done++;
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      progress.log('error', `error: ${error.message}`);
      result.failed++;
    }
    all.result('progress', [done, paths.length, 0, result.failed]);
  }
  all.stop();
  for (const other of others) await other.close();
  return result;
}
