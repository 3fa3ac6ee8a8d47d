// V8's cache of compiled JavaScript, for files that are in no pack (bin/pack.ts). PERF: node:module is loaded only where there is one: it and
// the cache cost 3 ms.

import { enableCompileCache, flushCompileCache } from 'node:module';

let isKept = false;

/** From here on what is compiled is looked for in that folder, and written there in the end. */
export function keepCompiledCode(folder: string): void {
  enableCompileCache(folder);
  isKept = true;
}

/** Writes what was compiled: Node does that at an exit of its own, which comes neither where a process becomes another program nor where it is cut short. */
export function writeCompiledCode(): void {
  if (isKept) flushCompileCache();
}
