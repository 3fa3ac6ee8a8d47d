// Copying objects between any two stores: one, several, or closures; references arrive before what refers to them.

import { FloeError } from '../base/errors.ts';
import { type Activity, type Progress, SILENT } from '../base/progress.ts';
import type { PathInfo } from '../model/path-info.ts';
import type { StorePath } from '../model/store-path.ts';
import { queryClosure, sortTopologically } from './closure.ts';
import type { ImportOptions, NarSource, Store } from './store.ts';

export interface CopyOptions extends ImportOptions {
  readonly progress?: Progress;
  /** Objects under way at a time. */
  readonly parallel?: number;
}

const DEFAULT_PARALLEL = 8;

/** Stores with other names for the same objects cannot exchange them: paths are part of the content. */
function requireSameDirectory(from: Store, to: Store): void {
  if (from.storeDir === to.storeDir) return;
  throw new FloeError(
    'FLOE_STORE_DIR_MISMATCH',
    `cannot copy from store '${from.uri}' (${from.storeDir}) to store '${to.uri}' (${to.storeDir}): their store directories differ`,
    {
      data: { from: from.storeDir, to: to.storeDir },
    },
  );
}

/** The usual local store goes without saying. */
function describeCopy(shown: string, from: string, to: string): string {
  const goesUnsaid = (uri: string): boolean => /^(?:local|daemon)(?:\?|$)/.test(uri);
  if (goesUnsaid(from)) return `copying path '${shown}' to '${to}'`;
  if (goesUnsaid(to)) return `copying path '${shown}' from '${from}'`;
  return `copying path '${shown}' from '${from}' to '${to}'`;
}

/** Tells how many bytes have passed. */
async function* counted(nar: NarSource, size: number, activity: Activity): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of nar) {
    done += chunk.length;
    activity.result('progress', [done, size, 0, 0]);
    yield chunk;
  }
}

async function copyOne(from: Store, to: Store, info: PathInfo, options: CopyOptions): Promise<void> {
  const { progress = SILENT } = options;
  const shown = `${from.storeDir}/${info.path}`;
  const activity = progress.start('copy-path', describeCopy(shown, from.uri, to.uri), {
    fields: [shown, from.uri, to.uri],
    level: 'info',
  });
  try {
    // Where and when it was made, and that it was made here, is this store's own knowledge.
    const nar = counted(from.narFromPath(info.path, { parent: activity }), info.narSize, activity);
    await to.addToStore({ ...info, registrationTime: 0, ultimate: false }, nar, options);
  } finally {
    activity.stop();
  }
}

/** Copies exactly these objects, those that are missing (or all, to repair). Returns what was copied. */
export async function copyPaths(from: Store, to: Store, infos: Iterable<PathInfo>, options: CopyOptions = {}): Promise<StorePath[]> {
  requireSameDirectory(from, to);
  const byPath = new Map([...infos].map((info) => [info.path, info]));
  // INVARIANT: roots first, then the question what is valid, so that nothing found valid can be collected meanwhile.
  await to.addTempRoots(byPath.keys());
  const valid = options.repair === true ? new Set<StorePath>() : await to.queryValidPaths(byPath.keys());
  const order = sortTopologically(byPath.keys(), (path) => byPath.get(path)!.references).filter((path) => !valid.has(path));
  const { progress = SILENT, parallel = DEFAULT_PARALLEL } = options;
  const activity = progress.start('copy-paths', `copying ${order.length} paths`, order.length > 0 ? { level: 'info' } : {});
  const done = new Map<StorePath, Promise<void>>();
  const running = new Set<Promise<void>>();
  try {
    for (const path of order) {
      const info = byPath.get(path)!;
      while (running.size >= parallel) await Promise.race(running);
      const earlier = info.references.filter((reference) => reference !== path).map((reference) => done.get(reference));
      const copying = Promise.all(earlier).then(() => copyOne(from, to, info, options));
      done.set(path, copying);
      running.add(copying);
      const leave = (): void => {
        running.delete(copying);
        activity.result('progress', [done.size - running.size, order.length, running.size, 0]);
      };
      copying.then(leave, leave);
    }
    await Promise.all(done.values());
  } catch (error) {
    // Nothing is left running when the error is told.
    await Promise.allSettled(done.values());
    throw error;
  } finally {
    activity.stop();
  }
  return order;
}

/** Copies the closure of valid paths. Returns what was copied. */
export async function copyClosure(from: Store, to: Store, roots: Iterable<StorePath>, options: CopyOptions = {}): Promise<StorePath[]> {
  requireSameDirectory(from, to);
  return copyPaths(from, to, (await queryClosure(from, roots)).values(), options);
}
