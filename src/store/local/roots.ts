// Garbage collector roots that last: symbolic links below gcroots/ and profiles/, links elsewhere that gcroots/auto points to (indirect
// roots), and what running processes use. libstore/gc.cc (findRoots), local-gc.cc, indirect-root-store.cc.

import * as fs from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { printBase32 } from '../../base/base32.ts';
import { FormatError, StoreError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import { parseStorePathBaseName, splitStorePath, type StoreDir, type StorePath } from '../../model/store-path.ts';
import { guardIo, systemErrorCode, systemPath } from './system-error.ts';

/** Store path -> what keeps it: links, files of /proc, `{temp:<pid>}`. */
export type Roots = Map<StorePath, Set<string>>;

export function addRoot(roots: Roots, path: StorePath, from: string): void {
  const known = roots.get(path);
  if (known === undefined) roots.set(path, new Set([from]));
  else known.add(from);
}

export interface RootsOptions {
  readonly stateDir: string;
  readonly storeDir: StoreDir;
  /** Where the store really lies; processes may have files open under either name. */
  readonly realStoreDir: string;
  readonly isValid: (path: StorePath) => boolean;
  readonly progress: Progress;
}

/** The store path that `path` is or lies in; undefined for anything else. */
function storePathOf(path: string, storeDir: StoreDir): StorePath | undefined {
  try {
    return splitStorePath(path, storeDir)?.storePath;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Links below gcroots/ and profiles/; links in gcroots/auto whose target is gone are removed. */
export function findLinkRoots(options: RootsOptions): Roots {
  const roots: Roots = new Map();
  const { stateDir, storeDir, isValid, progress } = options;
  const found = (from: string, target: string): void => {
    const path = storePathOf(target, storeDir);
    if (path === undefined) return;
    if (isValid(path)) addRoot(roots, path, from);
    else progress.log('info', `skipping invalid root from '${from}' to '${target}'`);
  };
  const link = (path: string): void => {
    const target = fs.readlinkSync(systemPath(path), 'latin1');
    if (target.startsWith(`${storeDir}/`)) return found(path, target);
    const indirect = resolve(dirname(path), target);
    const stats = fs.lstatSync(systemPath(indirect), { throwIfNoEntry: false });
    if (stats === undefined) {
      if (!path.startsWith(`${stateDir}/gcroots/auto/`)) return;
      progress.log('info', `removing stale link from '${path}' to '${indirect}'`);
      fs.rmSync(systemPath(path), { force: true });
      return;
    }
    if (!stats.isSymbolicLink()) return;
    const second = fs.readlinkSync(systemPath(indirect), 'latin1');
    if (second.startsWith(`${storeDir}/`)) found(indirect, second);
  };
  const visit = (path: string, stats: fs.Dirent | fs.Stats): void => {
    try {
      if (stats.isDirectory()) {
        for (const entry of fs.readdirSync(systemPath(path), { encoding: 'latin1' as BufferEncoding, withFileTypes: true }))
          visit(`${path}/${entry.name}`, entry);
      } else if (stats.isSymbolicLink()) link(path);
      else if (stats.isFile()) {
        const storePath = storePathOf(`${storeDir}/${path.slice(path.lastIndexOf('/') + 1)}`, storeDir);
        if (storePath !== undefined && isValid(storePath)) addRoot(roots, storePath, path);
      }
    } catch (error) {
      // Permanent failures are no roots; others must not be taken for "nothing is needed".
      if (!['EACCES', 'EPERM', 'ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) throw error;
      progress.log('info', `cannot read potential root '${path}'`);
    }
  };
  for (const folder of ['gcroots', 'profiles']) {
    const stats = fs.lstatSync(`${stateDir}/${folder}`, { throwIfNoEntry: false });
    if (stats !== undefined) visit(`${stateDir}/${folder}`, stats);
  }
  return roots;
}

const GONE = ['ENOENT', 'EACCES', 'ESRCH', 'EPERM', 'EINVAL'];

/** Undefined where the process has ended or is not ours to look at. */
function readOrNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (GONE.includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}

/** Files of the store that running processes have open, run, mapped, stand in, or name in their environment (Linux's /proc). */
export function findRuntimeRoots({ storeDir, realStoreDir, isValid }: RootsOptions): Roots {
  const roots: Roots = new Map();
  const escaped = [...new Set([storeDir, realStoreDir])].map((folder) => RegExp.escape(folder));
  const pattern = new RegExp(`(?:${escaped.join('|')})/([0-9a-z]{32}-[0-9a-zA-Z+\\-._?=]+)`, 'g');
  const validity = new Map<string, StorePath | undefined>();
  const checked = (baseName: string): StorePath | undefined => {
    if (!validity.has(baseName)) {
      let path: StorePath | undefined;
      try {
        const parsed = parseStorePathBaseName(baseName);
        if (isValid(parsed)) path = parsed;
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
      validity.set(baseName, path);
    }
    return validity.get(baseName);
  };
  const search = (text: string | undefined, from: string): void => {
    for (const match of text?.matchAll(pattern) ?? []) {
      const path = checked(match[1]!);
      if (path !== undefined) addRoot(roots, path, from);
    }
  };
  const searchLink = (file: string): void =>
    search(
      readOrNothing(() => fs.readlinkSync(file, 'latin1')),
      file,
    );
  for (const pid of readOrNothing(() => fs.readdirSync('/proc')) ?? []) {
    if (!/^[0-9]+$/.test(pid)) continue;
    searchLink(`/proc/${pid}/exe`);
    searchLink(`/proc/${pid}/cwd`);
    for (const fd of readOrNothing(() => fs.readdirSync(`/proc/${pid}/fd`)) ?? []) searchLink(`/proc/${pid}/fd/${fd}`);
    for (const file of [`/proc/${pid}/maps`, `/proc/${pid}/environ`])
      search(
        readOrNothing(() => fs.readFileSync(file, 'latin1')),
        file,
      );
  }
  for (const file of ['/proc/sys/kernel/modprobe', '/proc/sys/kernel/fbsplash', '/proc/sys/kernel/poweroff_cmd']) {
    search(
      readOrNothing(() => fs.readFileSync(file, 'latin1')),
      file,
    );
  }
  return roots;
}

/** Makes or replaces a symbolic link in one step; folders above it are made. One that is right already is left alone. */
export function replaceLink(link: string, target: string): void {
  guardIo('making link', link, () => {
    const stats = fs.lstatSync(systemPath(link), { throwIfNoEntry: false });
    if (stats?.isSymbolicLink() === true && fs.readlinkSync(systemPath(link), 'latin1') === target) return;
    fs.mkdirSync(systemPath(dirname(link)), { recursive: true });
    const temporary = `${link}.tmp-${process.pid}-${randomBytes(4).toString('hex')}`;
    fs.symlinkSync(systemPath(target), systemPath(temporary));
    try {
      fs.renameSync(systemPath(temporary), systemPath(link));
    } catch (error) {
      fs.rmSync(systemPath(temporary), { force: true });
      throw error;
    }
  });
}

/** Where the link lies that makes the one at `link` a root. */
export function indirectRootPlace(stateDir: string, link: string): string {
  return `${stateDir}/gcroots/auto/${printBase32(createHash('sha1').update(link, 'latin1').digest())}`;
}

/** Notes that the link at `link` (outside the state directory, absolute) is a root as long as it exists. */
export function addIndirectRoot(stateDir: string, link: string): void {
  replaceLink(indirectRootPlace(stateDir, link), link);
}

/**
 * Makes `link` a link to the path, and a root, which `register` notes. Refuses to replace what is no link into the store. The path must
 * be a temporary root.
 */
export function makeRootLink(
  options: Pick<RootsOptions, 'stateDir' | 'storeDir'>,
  path: StorePath,
  link: string,
  register = (place: string): void => addIndirectRoot(options.stateDir, place),
): string {
  const { storeDir } = options;
  const absolute = resolve(link);
  if (absolute === storeDir || absolute.startsWith(`${storeDir}/`)) {
    throw new StoreError(
      `creating a garbage collector root ('${absolute}') in the Nix store is forbidden (are you running nix-build inside the store?)`,
      {
        data: { path: absolute },
      },
    );
  }
  const stats = guardIo('looking at', absolute, () => fs.lstatSync(systemPath(absolute), { throwIfNoEntry: false }));
  if (stats !== undefined && !(stats.isSymbolicLink() && fs.readlinkSync(systemPath(absolute), 'latin1').startsWith(`${storeDir}/`))) {
    throw new StoreError(`cannot create symlink '${absolute}'; already exists`, {
      data: { path: absolute },
      hint: 'move it away, or name another place for the link',
    });
  }
  replaceLink(absolute, `${storeDir}/${path}`);
  register(absolute);
  return absolute;
}
