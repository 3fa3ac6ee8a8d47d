// Profiles: a link `<profile>` to `<profile>-<n>-link`, one such link a generation, each to a store path. Switching is one rename.
// Nix manual, "Profiles"; libstore/profiles.cc.

import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StoreError } from '../base/errors.ts';
import { printStorePath, type StorePath } from '../model/store-path.ts';
import { replaceLink } from '../store/local/roots.ts';

export interface Generation {
  readonly number: number;
  /** The generation's link. */
  readonly link: string;
  /** What the link points to. */
  readonly target: string;
  /** Seconds since 1970. */
  readonly creationTime: number;
}

/** What a profile needs of its store. */
export interface ProfileStore {
  readonly storeDir: string;
  /** Makes `link` point to the path and a root of the collector. */
  addPermanentRoot(path: StorePath, link: string): void | Promise<void>;
}

function generationNumber(profileName: string, name: string): number | undefined {
  if (!name.startsWith(`${profileName}-`) || !name.endsWith('-link')) return undefined;
  const digits = name.slice(profileName.length + 1, -'-link'.length);
  return /^[0-9]+$/.test(digits) ? Number(digits) : undefined;
}

/** All generations by number, and the current one's number. A profile that does not exist has none. */
export function queryGenerations(profile: string): { generations: Generation[]; current: number | undefined } {
  const name = basename(profile);
  const folder = dirname(profile);
  const generations: Generation[] = [];
  for (const entry of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
    const number = generationNumber(name, entry);
    if (number === undefined) continue;
    const link = join(folder, entry);
    const stats = fs.lstatSync(link);
    generations.push({ number, link, target: fs.readlinkSync(link), creationTime: Math.floor(stats.mtimeMs / 1000) });
  }
  generations.sort((a, b) => a.number - b.number);
  const isLink = fs.lstatSync(profile, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  return { generations, current: isLink ? generationNumber(name, basename(fs.readlinkSync(profile))) : undefined };
}

/** A generation for the path, the newest one where that has it already. The profile does not switch to it yet. */
export async function createGeneration(store: ProfileStore, profile: string, path: StorePath): Promise<string> {
  const { generations } = queryGenerations(profile);
  const last = generations.at(-1);
  if (last?.target === printStorePath(path, store.storeDir)) return last.link;
  const link = `${profile}-${(last?.number ?? 0) + 1}-link`;
  await store.addPermanentRoot(path, link);
  return link;
}

/** Makes a generation the current one. */
export function switchProfile(profile: string, generationLink: string): void {
  if (dirname(generationLink) !== dirname(profile)) throw new StoreError(`generation '${generationLink}' is not one of profile '${profile}'`);
  const stats = fs.lstatSync(profile, { throwIfNoEntry: false });
  if (stats && !stats.isSymbolicLink()) throw new StoreError(`'${profile}' is no profile: something that is no symbolic link is in the way`);
  replaceLink(profile, basename(generationLink));
}
