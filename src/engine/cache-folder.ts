// Where floe keeps what it can make again. PERF: a file of its own, because the first thing that runs asks for it.

import { join } from 'node:path';

/** `$XDG_CACHE_HOME/floe`. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] ?? '/', '.cache'), 'floe');
}

/** Where Nix itself keeps what it can make again: what floe shares with it lies there. */
export function nixCacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  return env['NIX_CACHE_HOME'] || join(env['XDG_CACHE_HOME'] || join(env['HOME'] ?? '/', '.cache'), 'nix');
}
