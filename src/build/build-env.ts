// builtin:buildenv: one folder of symbolic links into several packages, as user environments are made. What collides is decided by
// priority; what cannot be decided is an error. libstore/builtins/buildenv.cc.

import { compareStrings } from '../base/bytes.ts';
import { FloeError } from '../base/errors.ts';
import { exists, listFolder, makeFolder, makeLink, readFile, readLink, statOf } from './host-files.ts';
import { deleteTree } from '../store/local/nar-files.ts';
import { systemErrorCode } from '../store/local/system-error.ts';

/** A package and how it ranks; a lower number wins. */
export interface EnvPackage {
  readonly path: string;
  readonly active: boolean;
  readonly priority: number;
}

/** How the builder sees files: store paths may lie elsewhere on this machine. */
export interface EnvFiles {
  /** Where a path really lies, all symbolic links on the way followed; undefined where one leads nowhere. */
  resolve(path: string): string | undefined;
}

/** Packages that packages bring along rank below all others. */
const FIRST_PROPAGATED_PRIORITY = 1000;
/** Files that every package may have and that would only collide. */
const LEFT_OUT = ['/propagated-build-inputs', '/nix-support', '/perllocal.pod', '/info/dir', '/log', '/manifest.nix', '/manifest.json'];

/** Reads `derivations`: for each package whether it is active, its priority, the number of its outputs, and these. */
export function parseEnvPackages(text: string): EnvPackage[] {
  const words = text.split(/[ \t\n\r]+/).filter(Boolean);
  const packages: EnvPackage[] = [];
  for (let index = 0; index < words.length;) {
    const active = words[index++] !== 'false';
    const priority = readInteger(words[index++]);
    const outputs = readInteger(words[index++]);
    for (let output = 0; output < outputs; output++) {
      const path = words[index++];
      if (path === undefined) throw new FloeError('FLOE_BUILDENV', "attribute 'derivations' ends in the middle of a package");
      packages.push({ path, active, priority });
    }
  }
  return packages;
}

function readInteger(word: string | undefined): number {
  if (word === undefined || !/^-?\d+$/.test(word))
    throw new FloeError('FLOE_BUILDENV', `attribute 'derivations' has '${word ?? ''}' where a number must be`);
  return Number(word);
}

class EnvBuilder {
  readonly #files: EnvFiles;
  readonly #warn: (message: string) => void;
  readonly #priorities = new Map<string, number>();

  constructor(files: EnvFiles, warn: (message: string) => void) {
    this.#files = files;
    this.#warn = warn;
  }

  /** Links everything in `source` (a path as builders see it) into `target`. */
  link(source: string, target: string, priority: number): void {
    const real = this.#files.resolve(source);
    if (real === undefined || statOf(real)?.isDirectory() !== true) {
      this.#warn(`not including "${source}" in the user environment because it's not a directory`);
      return;
    }
    for (const name of listFolder(real)) {
      if (name.startsWith('.')) continue;
      this.#linkEntry(`${source}/${name}`, `${target}/${name}`, priority);
    }
  }

  #linkEntry(source: string, target: string, priority: number): void {
    const real = this.#files.resolve(source);
    const stats = real === undefined ? undefined : statOf(real);
    if (stats === undefined) return this.#warn(`skipping dangling symlink '${target}'`);
    if (LEFT_OUT.some((suffix) => source.endsWith(suffix))) return;
    const present = statOf(target);
    if (present !== undefined) {
      if (stats.isDirectory() && present.isDirectory()) return this.link(source, target, priority);
      if (stats.isDirectory() && present.isSymbolicLink()) return this.#merge(source, target, priority);
      if (present.isDirectory())
        throw new FloeError('FLOE_BUILDENV', `collision between non-directory '${source}' and directory '${target}'`);
      if (present.isSymbolicLink() && !this.#replaces(source, target, priority)) return;
    }
    makeLink(source, target);
    this.#priorities.set(target, priority);
  }

  /** A folder comes to lie where a link to another one is: a real folder takes both. */
  #merge(source: string, target: string, priority: number): void {
    const other = readLink(target);
    const real = this.#files.resolve(other);
    if (real === undefined || statOf(real)?.isDirectory() !== true) {
      throw new FloeError('FLOE_BUILDENV', `collision between "${source}" and non-directory "${other}"`);
    }
    const otherPriority = this.#priorities.get(target) ?? 0;
    deleteTree(target);
    makeFolder(target, 0o755);
    this.link(other, target, otherPriority);
    this.link(source, target, priority);
  }

  /** Whether the new file takes the place of the link that is there, which is then gone. */
  #replaces(source: string, target: string, priority: number): boolean {
    const previous = this.#priorities.get(target) ?? 0;
    if (previous === priority) {
      throw new FloeError(
        'FLOE_BUILDENV_CONFLICT',
        `Unable to build profile. There is a conflict for the following files:\n\n  "${readLink(target)}"\n  "${source}"`,
        { data: { fileA: readLink(target), fileB: source, priority } },
      );
    }
    if (previous < priority) return false;
    deleteTree(target);
    return true;
  }
}

/** Fills the existing folder `out` with links to all active packages and what they propagate. */
export function buildEnv(out: string, packages: readonly EnvPackage[], files: EnvFiles, warn: (message: string) => void): void {
  const builder = new EnvBuilder(files, warn);
  const done = new Set<string>();
  let postponed = new Set<string>();
  const add = (path: string, priority: number) => {
    if (done.has(path)) return;
    done.add(path);
    builder.link(path, out, priority);
    for (const next of propagated(path, files)) if (!done.has(next)) postponed.add(next);
  };
  const ordered = [...packages].sort((a, b) => a.priority - b.priority || compareStrings(a.path, b.path));
  for (const { path, active, priority } of ordered) if (active) add(path, priority);
  for (let priority = FIRST_PROPAGATED_PRIORITY; postponed.size > 0;) {
    const wave = [...postponed].sort(compareStrings);
    postponed = new Set();
    for (const path of wave) add(path, priority++);
  }
}

/** Packages that a package wants beside it. */
function propagated(path: string, files: EnvFiles): string[] {
  const list = files.resolve(`${path}/nix-support/propagated-user-env-packages`);
  if (list === undefined || !exists(list)) return [];
  try {
    return readFile(list)
      .toString('latin1')
      .split(/[ \n]+/)
      .filter(Boolean);
  } catch (error) {
    if (systemErrorCode((error as Error).cause) === 'EISDIR') return [];
    throw error;
  }
}
