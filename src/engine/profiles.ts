// Profiles for an engine: packages come and go, each change a new generation; generations are listed, switched and deleted. Whoever
// changes a profile holds its lock from reading the manifest to switching, so that no change of another is lost. nix/profile.cc,
// libstore/profiles.cc. Texts of manifests are byte strings, paths are ordinary text.

import * as fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { byteStringOf, utf8ToByteString } from '../base/bytes.ts';
import type { Json } from '../base/canonical-json.ts';
import { FloeError, IoError } from '../base/errors.ts';
import { equalFlakeRefs, printFlakeRef } from '../model/flake-ref.ts';
import { isLockedInput } from '../model/input-scheme.ts';
import { splitStorePath, type StorePath } from '../model/store-path.ts';
import {
  elementIdentifier,
  elementInstallables,
  elementName,
  manifestChanges,
  parseManifest,
  type ProfileElement,
  ProfileManifest,
} from '../profile/manifest.ts';
import { findGenerations, type Generation, switchProfile, updateProfile } from '../profile/profile.ts';
import { buildUserEnv } from '../profile/user-env.ts';
import { lockPaths } from '../store/local/locks.ts';
import { closureDiff, type SizeStyle } from './closure-diff.ts';
import type { Engine } from './engine.ts';
import type { LockChoices } from './flakes.ts';
import { FlakeTarget, outputDefaults, type Target } from './installables.ts';
import { oldGenerations } from './old-generations.ts';
import { type ElementMatcher, matchingElements } from './profile-matchers.ts';
import { isRoot, profileLink, profilesFolder } from './user-folders.ts';
import { builtElement, describeTarget, nixEnvElements, type PackageDescription } from './profile-packages.ts';

/** One generation, and what it changed. */
export interface GenerationHistory {
  readonly generation: Generation;
  readonly isCurrent: boolean;
  /** The one before it. */
  readonly previous: number | undefined;
  /** Byte strings. */
  readonly changes: readonly string[];
}

/** One profile of one engine. */
export class Profile {
  private readonly engine: Engine;
  /** Absolute; the link to the current generation. */
  readonly path: string;

  /** The default profile unless a path is given. */
  constructor(engine: Engine, path: string | undefined) {
    this.engine = engine;
    this.path = path === undefined ? defaultProfile(engine) : resolve(engine.cwd, path);
  }

  private warn(message: string): void {
    this.engine.progress.log('warn', message);
  }

  /** The packages as they are now. */
  manifest(): ProfileManifest {
    return this.manifestAt(this.path);
  }

  private manifestAt(link: string): ProfileManifest {
    const { engine } = this;
    const folder = this.realFolder(link);
    const json = join(folder, 'manifest.json');
    if (fs.existsSync(json)) return parseManifest(byteStringOf(fs.readFileSync(json)), join(link, 'manifest.json'), engine.storeDir);
    const nix = join(folder, 'manifest.nix');
    const manifest = new ProfileManifest();
    if (fs.lstatSync(nix, { throwIfNoEntry: false }) === undefined) return manifest;
    for (const element of nixEnvElements(engine, byteStringOf(fs.readFileSync(this.realFolder(nix))))) manifest.add(element);
    return manifest;
  }

  /** Where a link into the store leads on this machine; a path that leads elsewhere is itself. */
  private realFolder(link: string): string {
    const { storeAccess, store, storeDir } = this.engine;
    const followed = storeAccess.followToStore(link);
    const found = followed === undefined ? undefined : splitStorePath(followed, storeDir);
    return found === undefined ? link : store.toRealPath(found.storePath) + found.rest;
  }

  /** What `profile list --json` prints. */
  manifestJson(): Json {
    return this.manifest().toJson(this.engine.storeDir);
  }

  private requireFolder(attempt = `cannot read directory "${dirname(this.path)}"`): void {
    if (!fs.existsSync(dirname(this.path))) throw new IoError(`${attempt}: No such file or directory`, { data: { path: this.path } });
  }

  private async locked<Result>(work: () => Promise<Result>): Promise<Result> {
    this.requireFolder(`opening lock file "${this.path}.lock"`);
    const onWait = (): void => this.engine.progress.log('info', `waiting for lock on profile "${this.path}"`);
    const locks = await lockPaths([utf8ToByteString(this.path)], { wait: true, onWait });
    try {
      return await work();
    } finally {
      locks?.release();
    }
  }

  private async install(manifest: ProfileManifest): Promise<void> {
    const { store } = this.engine;
    await updateProfile(store, this.path, await buildUserEnv(store, manifest, (message) => this.warn(message)));
  }

  /** Builds packages and adds them; those that are there already are told. */
  async add(targets: readonly Target[], priority: number | undefined): Promise<void> {
    // A manifest that cannot be read is told before anything is built.
    this.manifest();
    const described = targets.map((target) => describeTarget(this.engine, target));
    const elements = await this.realise(described);
    this.requireFolder();
    await this.locked(async () => {
      const manifest = this.manifest();
      for (const element of elements) this.addElement(manifest, { ...element, priority: priority ?? element.priority });
      try {
        await this.install(manifest);
      } catch (error) {
        throw explainConflict(error, manifest, this.engine.storeDir);
      }
    });
  }

  private async realise(packages: readonly PackageDescription[]): Promise<ProfileElement[]> {
    const { builds } = this.engine;
    await builds.build(packages.flatMap(({ paths }) => paths));
    return packages.map((one) => builtElement(builds, one));
  }

  private addElement(manifest: ProfileManifest, element: ProfileElement): void {
    const name = elementName(element);
    const present = manifest.get(name);
    const [was, is] = [present?.source, element.source];
    const isThere =
      was !== undefined && is !== undefined && equalFlakeRefs(was.originalRef, is.originalRef) && was.attrPath === is.attrPath;
    if (isThere && present?.priority === element.priority) return this.warn(`'${name}' is already added`);
    manifest.add(element, name);
  }

  async remove(matchers: readonly ElementMatcher[]): Promise<void> {
    await this.changing(async () => {
      const manifest = this.manifest();
      const names = matchingElements(manifest, matchers, (message) => this.warn(message));
      if (names.length === 0) return this.warn("No packages to remove. Use 'nix profile list' to see the current profile.");
      const { progress } = this.engine;
      for (const name of names) {
        progress.log('notice', `removing '${elementIdentifier(manifest.get(name)!)}'`);
        manifest.remove(name);
      }
      progress.log('info', `removed ${names.length} packages, kept ${manifest.size} packages`);
      await this.install(manifest);
    });
  }

  /** Under the lock; a profile in a folder that is not there has no packages, and nobody to lock out. */
  private async changing(work: () => Promise<void>): Promise<void> {
    return fs.existsSync(dirname(this.path)) ? this.locked(work) : work();
  }

  /** Locks the flakes of packages anew, and builds what came of it. */
  async upgrade(matchers: readonly ElementMatcher[], locking: LockChoices): Promise<void> {
    await this.changing(async () => {
      const manifest = this.manifest();
      const names = matchingElements(manifest, matchers, (message) => this.warn(message));
      if (names.length === 0) return this.warn("No packages to upgrade. Use 'nix profile list' to see the current profile.");
      const upgrades = new Map<string, PackageDescription>();
      let canUpgrade = false;
      for (const name of names) {
        if (!this.canUpgrade(manifest.get(name)!)) continue;
        canUpgrade = true;
        const described = await this.describeUpgrade(manifest.get(name)!, locking);
        if (described !== undefined) upgrades.set(name, described);
      }
      if (!canUpgrade) return this.warn('Found some packages but none of them could be upgraded.');
      const elements = await this.realise([...upgrades.values()]);
      [...upgrades.keys()].forEach((name, index) => {
        const { active, priority } = manifest.get(name)!;
        manifest.replace(name, { ...elements[index]!, active, priority });
      });
      await this.install(manifest);
    });
  }

  private canUpgrade(element: ProfileElement): boolean {
    const { source } = element;
    const found = `Found package '${elementIdentifier(element)}', but it was`;
    if (source === undefined) this.warn(`${found} not added from a flake, so it can't be checked for upgrades!`);
    else if (this.isLocked(source.originalRef.input)) this.warn(`${found} added from a locked flake reference so it can't be upgraded!`);
    else return true;
    return false;
  }

  private isLocked(input: Parameters<typeof isLockedInput>[0]): boolean {
    return isLockedInput(input, this.engine.flakes.fetcher.machine.settings);
  }

  /** Undefined where the flake is what it was. */
  private async describeUpgrade({ source }: ProfileElement, locking: LockChoices): Promise<PackageDescription | undefined> {
    const { engine } = this;
    const { originalRef, lockedRef, attrPath, outputs } = source!;
    const flake = await engine.flakes.lock(originalRef, locking);
    const target = new FlakeTarget(engine, flake, originalRef, `.${attrPath}`, outputs, outputDefaults('build', ''));
    const described = describeTarget(engine, target);
    const now = flake.top.lockedRef;
    if (this.isLocked(now.input) && equalFlakeRefs(lockedRef, now)) return undefined;
    engine.progress.log('info', `upgrading '${attrPath}' from flake '${printFlakeRef(lockedRef)}' to '${printFlakeRef(now)}'`);
    return described;
  }

  /** All generations, oldest first. */
  history(): GenerationHistory[] {
    this.requireFolder();
    const { generations, current } = findGenerations(this.path);
    let before: { readonly number: number; readonly manifest: ProfileManifest } | undefined;
    return generations.map((generation) => {
      const { number, path } = generation;
      const manifest = this.manifestAt(path);
      const changes = [...manifestChanges(before?.manifest ?? new ProfileManifest(), manifest)];
      const previous = before?.number;
      before = { number, manifest };
      return { generation, isCurrent: number === current, previous, changes };
    });
  }

  /** How each generation's closure differs from the one before: `report` gets both numbers and lines (byte strings). */
  async diffClosures(style: SizeStyle, report: (from: number, to: number, lines: readonly string[]) => void): Promise<void> {
    this.requireFolder();
    const { generations } = findGenerations(this.path);
    for (const [index, generation] of generations.entries()) {
      const before = generations[index - 1];
      if (before === undefined) continue;
      const lines = await closureDiff(this.engine, this.objectOf(before), this.objectOf(generation), style);
      report(before.number, generation.number, lines);
    }
  }

  private objectOf({ path }: Generation): StorePath {
    const { storeAccess, storeDir } = this.engine;
    const followed = storeAccess.followToStore(path);
    const found = followed === undefined ? undefined : splitStorePath(followed, storeDir);
    if (found === undefined) throw new FloeError('FLOE_NOT_IN_STORE', `path "${path}" is not in the Nix store`);
    return found.storePath;
  }

  /** Makes another generation the current one: the newest before it, unless a number is given. */
  async rollback(to: number | undefined, dryRun: boolean): Promise<void> {
    await this.locked(async () => {
      const { generations, current } = findGenerations(this.path);
      const older = generations.filter(({ number }) => current !== undefined && number < current);
      const chosen = to === undefined ? older.at(-1) : generations.find(({ number }) => number === to);
      if (chosen === undefined) {
        const what =
          to === undefined ? `no profile version older than the current (${current ?? 0}) exists` : `profile version ${to} does not exist`;
        throw new FloeError('FLOE_NO_GENERATION', what);
      }
      this.engine.progress.log('notice', `switching profile from version ${current ?? 0} to ${chosen.number}`);
      if (!dryRun) switchProfile(this.path, chosen.path);
    });
  }

  /** Deletes generations but the current one; with a time (seconds since 1970) those that were not current since. */
  async wipeHistory(olderThan: number | undefined, dryRun: boolean): Promise<void> {
    await this.deleteGenerations((generations, current) => oldGenerations(generations, current, olderThan), dryRun);
  }

  /** All generations, oldest first, and the number of the current one. */
  async generations(): Promise<{ readonly generations: readonly Generation[]; readonly current: number | undefined }> {
    return this.locked(async () => findGenerations(this.path));
  }

  /** What the link says now; "" where there is none. By it is seen whether another changed the profile. */
  currentTarget(): string {
    const stats = fs.lstatSync(this.path, { throwIfNoEntry: false });
    return stats?.isSymbolicLink() === true ? fs.readlinkSync(this.path) : '';
  }

  /** Makes a store object the newest generation; false where the link is not any more what it was. */
  async switchTo(path: StorePath, expectedTarget: string | undefined): Promise<boolean> {
    return this.locked(async () => {
      if (expectedTarget !== undefined && expectedTarget !== this.currentTarget()) return false;
      await updateProfile(this.engine.store, this.path, path);
      return true;
    });
  }

  /** Deletes the chosen generations. */
  async deleteGenerations(
    choose: (generations: readonly Generation[], current: number | undefined) => readonly Generation[],
    dryRun: boolean,
  ): Promise<void> {
    await this.locked(async () => {
      const { generations, current } = findGenerations(this.path);
      for (const { number, path } of choose(generations, current)) {
        this.engine.progress.log('notice', `${dryRun ? 'would remove' : 'removing'} profile version ${number}`);
        if (!dryRun) fs.rmSync(path, { force: true });
      }
    });
  }
}

/** The profile of this user; the link that stands for it in the home folder is made where it is missing. */
export function defaultProfile(engine: Engine): string {
  const link = profileLink(engine);
  try {
    const folder = profilesFolder(engine);
    fs.mkdirSync(folder, { recursive: true });
    fs.mkdirSync(dirname(link), { recursive: true });
    const profile = join(folder, 'profile');
    makeLinkIfMissing(link, profile);
    // NIX: what most start files of shells expect of a machine's profile.
    if (isRoot()) makeLinkIfMissing(join(engine.storeAccess.placement.stateDir, 'profiles/default'), profile);
    return resolve(dirname(link), fs.readlinkSync(link));
  } catch {
    return link;
  }
}

/** Makes a profile the user's own. */
export function switchUserProfile(engine: Engine, profile: string): void {
  const link = profileLink(engine);
  fs.mkdirSync(dirname(link), { recursive: true });
  switchProfile(link, profile);
}

function makeLinkIfMissing(link: string, target: string): void {
  if (fs.lstatSync(link, { throwIfNoEntry: false }) === undefined) switchProfile(link, target);
}

/** The error that two packages collide in Nix's words for people who add packages; any other error as it is. */
function explainConflict(error: unknown, manifest: ProfileManifest, storeDir: string): unknown {
  if (!(error instanceof FloeError) || error.code !== 'FLOE_BUILDENV_CONFLICT') return error;
  const { fileA, fileB, priority } = error.data as { fileA: string; fileB: string; priority: number };
  const find = (elements: readonly [string, ProfileElement][]) => {
    for (const [name, element] of elements) {
      for (const path of element.storePaths) {
        const file = [fileA, fileB].find((one) => one.startsWith(`${storeDir}/${path}`));
        if (file !== undefined) return { file, name, words: elementInstallables(element, storeDir).join(' ') };
      }
    }
    return undefined;
  };
  const present = find(manifest.elements);
  const added = find(manifest.elements.reverse());
  if (present === undefined || added === undefined) return error;
  const message = `An existing package already provides the following file:

  "${present.file}"

This is the conflicting file from the new package:

  "${added.file}"

To remove the existing package:

  nix profile remove ${present.name}

The new package can also be added next to the existing one by assigning a different priority.
The conflicting packages have a priority of ${priority}.
To prioritise the new package:

  nix profile add ${added.words} --priority ${priority - 1}

To prioritise the existing package:

  nix profile add ${added.words} --priority ${priority + 1}`;
  return new FloeError('FLOE_PROFILE_CONFLICT', message, { data: error.data, cause: error });
}

export { printExtendedOutputs } from '../profile/manifest.ts';
