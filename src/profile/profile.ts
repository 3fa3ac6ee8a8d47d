// Profiles: a link to the current generation, and beside it `<profile>-<number>-link` for each generation, every one of them a root of
// the garbage collector. libstore/profiles.cc. Paths are ordinary text, absolute.

import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { StorePath } from '../model/store-path.ts';
import { replaceLink } from '../store/local/roots.ts';

/** One generation of a profile. */
export interface Generation {
  readonly number: number;
  /** The link to the store. */
  readonly path: string;
  /** Seconds since 1970. */
  readonly creationTime: number;
}

/** What profiles ask of a store: a link that is a root. */
export interface RootingStore {
  readonly storeDir: string;
  addRootLink(path: StorePath, link: string): Promise<string>;
}

/** Number of a generation by the name of its link; undefined for other names. */
function generationNumber(profileName: string, name: string): number | undefined {
  if (!name.startsWith(`${profileName}-`)) return undefined;
  const match = /^(\d+)-link/.exec(name.slice(profileName.length + 1));
  return match === null ? undefined : Number(match[1]);
}

/** All generations, oldest first, and the number of the current one. */
export function findGenerations(profile: string): { generations: Generation[]; current: number | undefined } {
  const folder = dirname(profile);
  const name = basename(profile);
  const generations: Generation[] = [];
  for (const entry of readFolder(folder)) {
    const number = generationNumber(name, entry);
    if (number === undefined) continue;
    const path = join(folder, entry);
    generations.push({ number, path, creationTime: Math.floor(lstatSync(path).mtimeMs / 1000) });
  }
  generations.sort((a, b) => a.number - b.number);
  const target = readLinkIfAny(profile);
  return { generations, current: target === undefined ? undefined : generationNumber(name, basename(target)) };
}

function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function readLinkIfAny(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The link of a generation that is `outPath`: the newest where that is the same, else a new one. */
export async function createGeneration(store: RootingStore, profile: string, outPath: StorePath): Promise<string> {
  const { generations } = findGenerations(profile);
  const newest = generations.at(-1);
  if (newest !== undefined && readLinkIfAny(newest.path) === `${store.storeDir}/${outPath}`) return newest.path;
  const path = `${profile}-${(newest?.number ?? 0) + 1}-link`;
  // The link keeps the object from the moment it is there: the profile itself is switched after it.
  await store.addRootLink(outPath, path);
  return path;
}

/** Makes a generation the current one, in one step. */
export function switchProfile(profile: string, generation: string): void {
  replaceLink(profile, dirname(generation) === dirname(profile) ? basename(generation) : generation);
}

/** Makes `outPath` the current generation of a profile. */
export async function updateProfile(store: RootingStore, profile: string, outPath: StorePath): Promise<void> {
  switchProfile(profile, await createGeneration(store, profile, outPath));
}
