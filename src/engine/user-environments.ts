// What `nix-env` does to a profile: packages are installed, upgraded, uninstalled, given flags; each time a new user environment is made
// and becomes the newest generation. nix-env/nix-env.cc and user-env.cc. The manifest and the environment's derivation are the same to
// the bit as C++ Nix 2.34.8 makes them.

import { compareStrings, utf8ToByteString } from '../base/bytes.ts';
import { FloeError } from '../base/errors.ts';
import { AttrsBuilder } from '../eval/attrs.ts';
import { compareVersionTexts, parsePackageName } from '../eval/builtins/versions.ts';
import { callFunction } from '../eval/call.ts';
import { addFrame } from '../eval/error-position.ts';
import { NO_POSITION } from '../eval/position.ts';
import { printAmbiguous } from '../eval/print.ts';
import { makeContext, opaqueElement } from '../eval/string-context.ts';
import { internSymbol, symbols } from '../eval/symbol.ts';
import { force, makeString, type Slot, type Value } from '../eval/value.ts';
import type { DerivedPath } from '../model/derived-path.ts';
import type { StorePath } from '../model/store-path.ts';
import { findDerivations } from './derivation-values.ts';
import type { Engine } from './engine.ts';
import { type Package } from './package.ts';
import { comparePriorities, noMatch, PackageSelector } from './package-selectors.ts';
import { type InstallSource, type PackageSources } from './package-sources.ts';
import type { Profile } from './profiles.ts';
import { StoreQueries } from './store-queries.ts';

export interface UserEnvironmentOptions {
  readonly dryRun: boolean;
  /** Only packages that need no build. */
  readonly prebuiltOnly: boolean;
  /** A name in the place of the package's own; undefined for its own. */
  readonly forceName: string | undefined;
  readonly repair: boolean;
  /** Say nothing of what is installed and built. */
  readonly isQuiet?: boolean;
}

export interface InstallOptions {
  /** Keep installed packages of the same name. */
  readonly preserveInstalled: boolean;
  /** Start from an empty environment. */
  readonly removeAll: boolean;
  readonly priority: number | undefined;
}

/** Which versions are upgrades of another. */
export type UpgradeKind = 'newer' | 'newer-or-equal' | 'equal' | 'always';

/** Makes the derivation of an environment out of its packages. */
const ENVIRONMENT = `{ manifest, derivations }:
derivation {
  name = "user-environment";
  system = "builtin";
  builder = "builtin:buildenv";
  preferLocalBuild = true;
  allowSubstitutes = false;
  inherit manifest;
  derivations = map (
    one: [ (one.meta.active or "true") (one.meta.priority or 5) (builtins.length one.outputs) ] ++ map (name: one.\${name}) one.outputs
  ) derivations;
}`;

/** Changes one profile. */
export class UserEnvironments {
  private readonly engine: Engine;
  private readonly profile: Profile;
  private readonly sources: PackageSources;
  private readonly options: UserEnvironmentOptions;

  constructor(engine: Engine, profile: Profile, sources: PackageSources, options: UserEnvironmentOptions) {
    this.engine = engine;
    this.profile = profile;
    this.sources = sources;
    this.options = options;
  }

  private tell(message: string): void {
    if (this.options.isQuiet !== true) this.engine.progress.log('info', message);
  }

  private guard<T>(run: () => T): T {
    return this.engine.evaluation().evaluator.guard(run);
  }

  private installed(): Package[] {
    return this.sources.installed(this.profile.path);
  }

  /** Does the work again as long as others change the profile meanwhile. */
  private async changing(work: () => Promise<Package[] | undefined>): Promise<void> {
    for (;;) {
      const token = this.profile.currentTarget();
      const packages = await work();
      if (packages === undefined) return;
      const environment = await this.build(packages);
      if (await this.profile.switchTo(environment, token)) return;
      this.tell(`profile "${this.profile.path}" changed while we were busy; restarting`);
    }
  }

  private async printMissing(packages: readonly Package[]): Promise<void> {
    if (this.options.isQuiet === true) return;
    const paths = this.guard(() => packages.map(derivedPathOf));
    // What evaluation made (toFile) is there, and not missing.
    this.engine.builds.flush(paths);
    await this.engine.builds.printMissing(paths, 'info');
  }

  /** Adds packages; those with the same names make room unless they are kept. */
  async install(source: InstallSource, words: readonly string[], options: InstallOptions): Promise<void> {
    const { dryRun, prebuiltOnly, forceName } = this.options;
    const found = await this.sources.toInstall(source, words, true);
    const added = prebuiltOnly ? await this.prebuilt(found) : found;
    if (forceName !== undefined) for (const one of added) one.rename(utf8ToByteString(forceName));
    if (options.priority !== undefined) for (const one of added) one.setMeta('priority', String(options.priority));
    await this.changing(async () => {
      const packages = options.removeAll ? [...added] : this.guard(() => [...added, ...this.remaining(added, options)]);
      await this.printMissing(added);
      return dryRun ? undefined : packages;
    });
  }

  private remaining(added: readonly Package[], { preserveInstalled }: InstallOptions): Package[] {
    const names = new Set(added.map(({ name }) => parsePackageName(name).name));
    const remaining = this.installed().filter((one) => {
      const stays = preserveInstalled || !names.has(parsePackageName(one.name).name) || one.metaBoolean('keep', false);
      if (!stays) this.tell(`replacing old '${one.name}'`);
      return stays;
    });
    for (const { name } of added) this.tell(`installing '${name}'`);
    return remaining;
  }

  /** Those whose output is there or can be fetched. */
  private async prebuilt(packages: readonly Package[]): Promise<Package[]> {
    const paths = this.guard(() => packages.map(({ outPath }) => outPath));
    const available = await availablePaths(this.engine, paths);
    return packages.filter((_, index) => available.has(paths[index]!));
  }

  /** Replaces installed packages by better ones of the same name. */
  async upgrade(source: InstallSource, words: readonly string[], kind: UpgradeKind): Promise<void> {
    await this.changing(async () => {
      const installed = this.installed();
      const found = await this.sources.toInstall(source, words, false);
      const available = this.options.prebuiltOnly ? await this.prebuilt(found) : found;
      const packages = this.guard(() => installed.map((one) => this.upgraded(one, available, kind)));
      await this.printMissing(packages);
      return this.options.dryRun ? undefined : packages;
    });
  }

  private upgraded(installed: Package, available: readonly Package[], kind: UpgradeKind): Package {
    const { name, version } = parsePackageName(installed.name);
    try {
      if (installed.metaBoolean('keep', false)) return installed;
      let best: Package | undefined;
      let bestVersion = '';
      for (const candidate of available) {
        // An upgrade never ranks lower.
        if (comparePriorities(installed, candidate) > 0) continue;
        const is = parsePackageName(candidate.name);
        if (is.name !== name || !isUpgrade(compareVersionTexts(version, is.version), kind)) continue;
        const order = best === undefined ? -1 : comparePriorities(best, candidate) || compareVersionTexts(bestVersion, is.version);
        if (order >= 0) continue;
        best = candidate;
        bestVersion = is.version;
      }
      if (best === undefined || best.outPath === installed.outPath) return installed;
      const verb = compareVersionTexts(version, bestVersion) <= 0 ? 'upgrading' : 'downgrading';
      this.tell(`${verb} '${installed.name}' to '${best.name}'`);
      return best;
    } catch (error) {
      if (error instanceof FloeError) addFrame(error, NO_POSITION, `while trying to find an upgrade for '${installed.name}'`);
      throw error;
    }
  }

  /** Takes packages out, by name or by store path. */
  async uninstall(words: readonly string[]): Promise<void> {
    const { engine } = this;
    await this.changing(async () => {
      let packages = this.installed();
      for (const word of words) {
        const path = word.includes('/') ? new StoreQueries(engine).resolve(word) : undefined;
        const selector = new PackageSelector(utf8ToByteString(word));
        const stays = (one: Package): boolean => (path === undefined ? !selector.matches(one.name) : one.outPath !== path);
        const [staying, leaving] = this.guard(() => partition(packages, stays));
        if (leaving.length === 0) engine.progress.log('warn', `selector '${word}' matched no installed derivations`);
        for (const { name } of leaving) this.tell(`uninstalling '${name}'`);
        packages = staying;
      }
      return this.options.dryRun ? undefined : packages;
    });
  }

  /** Sets a meta attribute of installed packages. */
  async setFlag(name: string, value: string, words: readonly string[]): Promise<void> {
    await this.changing(async () => {
      const packages = this.installed();
      const selectors = words.map((word) => new PackageSelector(utf8ToByteString(word)));
      const used = new Set<PackageSelector>();
      this.guard(() => {
        for (const one of packages) {
          const selector = selectors.find((each) => each.matches(one.name));
          if (selector === undefined) continue;
          used.add(selector);
          this.tell(`setting flag on '${one.name}'`);
          one.setMeta(utf8ToByteString(name), utf8ToByteString(value));
        }
      });
      const unused = selectors.find((selector) => !used.has(selector) && selector.text !== '*');
      if (unused !== undefined) throw noMatch(unused);
      return packages;
    });
  }

  /** Makes one package the whole profile. */
  async set(source: InstallSource, words: readonly string[]): Promise<void> {
    const { builds } = this.engine;
    const { dryRun, forceName, repair } = this.options;
    const found = await this.sources.toInstall(source, words, true);
    if (found.length !== 1) throw new FloeError('FLOE_USAGE', '--set requires exactly one derivation');
    const [one] = found as [Package];
    if (forceName !== undefined) one.rename(utf8ToByteString(forceName));
    const path = this.guard(() => derivedPathOf(one));
    await this.printMissing([one]);
    if (dryRun) return;
    await builds.build([path], { quiet: true, older: true, mode: repair ? 'repair' : 'normal' });
    await this.profile.switchTo(
      this.guard(() => one.outPath),
      undefined,
    );
  }

  /** Builds packages and their environment. */
  private async build(packages: readonly Package[]): Promise<StorePath> {
    const { builds, store, settings } = this.engine;
    const mode = this.options.repair ? 'repair' : 'normal';
    const derivations = this.guard(() =>
      packages.flatMap(({ drvPath }): DerivedPath[] => (drvPath === undefined ? [] : [derivedOf(drvPath)])),
    );
    await builds.build(derivations, { quiet: true, older: true, mode });
    const installs = this.guard(() =>
      packages.map((one) => ({
        one,
        outputs: one.outputsToInstall(),
        drvPath: settings.get('keep-env-derivations') ? one.drvPath : undefined,
      })),
    );
    const outputs = installs.flatMap((each) => [...each.outputs.values()]);
    await store.addTempRoots(outputs);
    await builds.build(
      outputs.map((path) => ({ kind: 'opaque', path })),
      { quiet: true },
    );
    const references = [...outputs, ...installs.flatMap(({ drvPath }) => drvPath ?? [])];
    const found = this.guard(() => this.environmentDerivation(installs, [...new Set(references)].sort(compareStrings)));
    const [built] = await builds.build([derivedOf(found)], { quiet: true, older: true, mode });
    return built!.outputs.get('out')!;
  }

  private environmentDerivation(installs: readonly Installed[], references: readonly StorePath[]): StorePath {
    const { storeDir } = this.engine;
    const { evaluator, host } = this.engine.evaluation();
    const { state } = evaluator;
    const elements = installs.map((each) => describeInstalled(each, storeDir));
    const manifest = host.addTextToStore('env-manifest.nix', printAmbiguous(elements, false), references);
    const path = makeString(`${storeDir}/${manifest}`, makeContext([opaqueElement(manifest)]));
    const attrs = new AttrsBuilder().setName('manifest', path).setName('derivations', elements).build();
    const environment = callFunction(state, force(state.evalText(ENVIRONMENT, '/')), [attrs], NO_POSITION);
    return findDerivations(state, environment, new AttrsBuilder().build())[0]!.drvPath;
  }
}

interface Installed {
  readonly one: Package;
  readonly outputs: ReadonlyMap<string, StorePath>;
  readonly drvPath: StorePath | undefined;
}

/** What a user environment's manifest says of a package. */
function describeInstalled({ one, outputs, drvPath }: Installed, storeDir: string): Value {
  const print = (path: StorePath): string => `${storeDir}/${path}`;
  const attrs = new AttrsBuilder();
  for (const [name, path] of outputs) attrs.setName(name, new AttrsBuilder().set(symbols.outPath, print(path)).build());
  attrs.set(symbols.type, 'derivation').set(symbols.name, one.name).set(symbols.outPath, print(one.outPath));
  if (one.system !== '') attrs.set(symbols.system, one.system);
  if (drvPath !== undefined) attrs.set(symbols.drvPath, print(drvPath));
  attrs.set(symbols.outputs, [...outputs.keys()]);
  const meta = new AttrsBuilder();
  for (const name of one.metaNames()) {
    const value: Slot | undefined = one.meta(name);
    if (value !== undefined) meta.setName(name, value);
  }
  return attrs.set(internSymbol('meta'), meta.build()).build();
}

function derivedOf(derivation: StorePath): DerivedPath {
  return { kind: 'built', derivation, outputs: 'all' };
}

function derivedPathOf(one: Package): DerivedPath {
  const { drvPath } = one;
  return drvPath === undefined ? { kind: 'opaque', path: one.outPath } : derivedOf(drvPath);
}

function isUpgrade(order: number, kind: UpgradeKind): boolean {
  if (kind === 'always') return true;
  return kind === 'equal' ? order === 0 : order < 0 || (kind === 'newer-or-equal' && order === 0);
}

/**
 * Those that pass and those that do not. NIX: the order is that of libstdc++'s std::partition, which swaps from both ends: the order of
 * packages shows in the environment's hash.
 */
function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const all = [...items];
  let first = 0;
  for (let last = all.length; first < last;) {
    if (test(all[first]!)) {
      first++;
      continue;
    }
    do last--;
    while (first < last && !test(all[last]!));
    if (first === last) break;
    [all[first], all[last]] = [all[last]!, all[first]!];
    first++;
  }
  return [all.slice(0, first), all.slice(first)];
}

/** Which of the paths are valid, or can be fetched. */
export async function availablePaths(engine: Engine, paths: readonly StorePath[]): Promise<Set<StorePath>> {
  const wanted = [...new Set(paths)];
  const valid = await engine.store.queryValidPaths(wanted);
  return new Set([...valid, ...(await engine.builds.substitutablePaths(wanted.filter((path) => !valid.has(path))))]);
}
