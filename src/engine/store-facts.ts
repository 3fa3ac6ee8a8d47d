// What is known of a store as a whole, without asking for objects: where it is, whether it answers, whether it trusts its user. Also of
// stores that floe cannot work in but can copy to and from (binary caches, ssh). nix/store-info.cc.

import { NIX_VERSION } from '../eval/builtins/constants.ts';
import { DEFAULT_STORE_DIR } from '../model/store-path.ts';
import { isCacheUrl, openBinaryCache } from '../store/binary-cache/open-cache.ts';
import { DaemonStore } from '../store/local/daemon-store.ts';
import type { Engine } from './engine.ts';
import { cacheOptions } from './substituters.ts';

export interface StoreFacts {
  readonly url: string;
  /** Undefined where it has none to tell. */
  readonly version: string | undefined;
  /** Undefined where it knows no trust. */
  readonly trusted: boolean | undefined;
  /** Whether floe works in it, and does not only copy to and from it. */
  readonly isLocal: boolean;
}

/** Facts of the store that `--store` or NIX_REMOTE name, else the usual one; it has answered. */
export async function storeFacts(engine: Engine): Promise<StoreFacts> {
  const { settings, env, cwd, progress } = engine;
  const url = settings.get('store');
  if (/^ssh(?:-ng)?:/.test(url)) {
    const { openSshUrl } = await import('./ssh-connections.ts');
    const { store } = openSshUrl(engine, url);
    try {
      const facts = await store.connect();
      return { url, version: facts?.version, trusted: facts?.isTrusted, isLocal: false };
    } finally {
      await store.close();
    }
  }
  if (isCacheUrl(url)) {
    const storeDir = env['NIX_STORE_DIR'] || env['NIX_STORE'] || DEFAULT_STORE_DIR;
    const { store } = await openBinaryCache(url, await cacheOptions({ settings, env, cwd, progress, storeDir }));
    await store.close();
    return { url: store.uri, version: undefined, trusted: url.startsWith('file:') ? true : undefined, isLocal: false };
  }
  const { store } = engine;
  if (store instanceof DaemonStore) {
    const { version, isTrusted } = await store.connect();
    return { url: store.uri, version, trusted: isTrusted, isLocal: true };
  }
  return { url: engine.store.uri, version: NIX_VERSION, trusted: true, isLocal: true };
}
