// What a piece of work touches of the disk: node:fs, watched. Every path that is opened, looked at, listed or whose link is read, by
// whichever function, in this thread. What sqlite opens by itself, other threads and other programs are not seen.

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { resolve } from 'node:path';

const READERS = [
  ...['access', 'accessSync', 'exists', 'existsSync', 'lstat', 'lstatSync', 'stat', 'statSync', 'statfs', 'statfsSync'],
  ...['open', 'openSync', 'openAsBlob', 'opendir', 'opendirSync', 'readFile', 'readFileSync', 'createReadStream', 'readdir', 'readdirSync'],
  ...[
    'readlink',
    'readlinkSync',
    'realpath',
    'realpathSync',
    'copyFile',
    'copyFileSync',
    'cp',
    'cpSync',
    'glob',
    'globSync',
    'watch',
    'watchFile',
  ],
] as const;

type Reader = (...args: unknown[]) => unknown;

function pathOf(value: unknown): string | undefined {
  if (typeof value === 'string') return resolve(value);
  if (value instanceof URL) return value.pathname;
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : undefined;
}

/** Runs `work`; the paths that it touched, and what it gave. */
export async function touchedPaths<Result>(
  work: () => Promise<Result>,
): Promise<{ readonly paths: readonly string[]; readonly result: Result }> {
  const paths = new Set<string>();
  const restore: (() => void)[] = [];
  const watch = (holder: Record<string, unknown>): void => {
    for (const name of READERS) {
      const original = holder[name] as Reader | undefined;
      if (typeof original !== 'function') continue;
      const watched: Reader = function (this: unknown, ...args) {
        const path = pathOf(args[0]);
        if (path !== undefined) paths.add(path);
        return original.apply(this, args);
      };
      // `realpathSync.native` and its like.
      holder[name] = Object.assign(watched, original);
      restore.push(() => (holder[name] = original));
    }
  };
  watch(fs as unknown as Record<string, unknown>);
  watch(fs.promises as unknown as Record<string, unknown>);
  syncBuiltinESMExports();
  try {
    return { result: await work(), paths: [...paths] };
  } finally {
    for (const undo of restore) undo();
    syncBuiltinESMExports();
  }
}
