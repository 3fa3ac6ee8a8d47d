// Old generations of all profiles of a user, deleted as `nix-collect-garbage -d` does, so that what only they need becomes garbage.
// nix-collect-garbage.cc, libstore/profiles.cc.

import * as fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from '../base/errors.ts';
import { utf8ToByteString } from '../base/bytes.ts';
import { findGenerations, type Generation } from '../profile/profile.ts';
import { lockPaths } from '../store/local/locks.ts';
import type { Engine } from './engine.ts';
import { profileLink, profilesFolder } from './user-folders.ts';

export interface OldGenerationsRequest {
  /** Seconds since 1970: generations stay that were current then or later. Undefined leaves the current one alone. */
  readonly olderThan: number | undefined;
  readonly dryRun: boolean;
}

const DAY_SECONDS = 86400;

/** "14d" as the time that many days ago; UsageError for anything else. */
export function parseOlderThan(text: string, now: number): number {
  if (!text.endsWith('d')) throw new UsageError(`invalid number of days specifier '${text}', expected something like '14d'`);
  const days = Number(text.slice(0, -1));
  if (!/^[0-9]+d$/.test(text) || days < 1) throw new UsageError(`invalid number of days specifier '${text}'`);
  return now - days * DAY_SECONDS;
}

/** Where this user's profiles lie. */
function profileFolders(engine: Engine): Set<string> {
  const own = profilesFolder(engine);
  const link = profileLink(engine);
  const { stateDir } = engine.storeAccess.placement;
  const target =
    fs.lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true ? resolve(dirname(link), fs.readlinkSync(link)) : undefined;
  return new Set([own, join(stateDir, 'profiles'), ...(target === undefined ? [] : [dirname(target)])]);
}

function isAccessible(path: string, mode: number): boolean {
  try {
    fs.accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** Links that lead to a generation's link, below a folder. */
function* profilesBelow(folder: string): Generator<string, void, undefined> {
  if (!isAccessible(folder, fs.constants.R_OK)) return;
  const canWrite = isAccessible(folder, fs.constants.W_OK);
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* profilesBelow(path);
    else if (entry.isSymbolicLink() && canWrite && readLink(path).includes('link')) yield path;
  }
}

function readLink(path: string): string {
  try {
    return fs.readlinkSync(path);
  } catch (error) {
    // Another process was quicker.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** What may go. The newest generation that is older than the given time stays too: it was current then. */
export function oldGenerations(
  generations: readonly Generation[],
  current: number | undefined,
  olderThan: number | undefined,
): Generation[] {
  if (olderThan === undefined) return generations.filter(({ number }) => number !== current);
  const newestFirst = [...generations].reverse();
  const firstOlder = newestFirst.findIndex(({ creationTime }) => creationTime < olderThan);
  return firstOlder < 0 ? [] : newestFirst.slice(firstOlder + 1).filter(({ number }) => number !== current);
}

/** What may go where the current generation and so many before it are to stay, counted together. */
export function generationsBeyond(generations: readonly Generation[], current: number | undefined, count: number): Generation[] {
  const newestFirst = [...generations].reverse();
  const at = newestFirst.findIndex(({ number }) => number === current);
  return at < 0 ? [] : newestFirst.slice(at + count);
}

/** Deletes (or, with `dryRun`, names) old generations of every profile. */
export async function removeOldGenerations(engine: Engine, { olderThan, dryRun }: OldGenerationsRequest): Promise<void> {
  const { progress } = engine;
  for (const folder of profileFolders(engine)) {
    for (const profile of profilesBelow(folder)) {
      progress.log('info', `removing old generations of profile ${profile}`);
      const locks = await lockPaths([utf8ToByteString(profile)], { wait: true });
      try {
        const { generations, current } = findGenerations(profile);
        for (const { number, path } of oldGenerations(generations, current, olderThan)) {
          progress.log('notice', `${dryRun ? 'would remove' : 'removing'} profile version ${number}`);
          if (!dryRun) fs.rmSync(path, { force: true });
        }
      } finally {
        locks?.release();
      }
    }
  }
}
