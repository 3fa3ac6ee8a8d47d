// Where floe keeps what it can make again. PERF: a file of its own, because the first thing that runs asks for it.

import { join } from 'node:path';

/** `$XDG_CACHE_HOME/floe`. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] ?? '/', '.cache'), 'floe');
}
