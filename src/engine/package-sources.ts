// Where `nix-env` finds packages: in a Nix expression or a folder of such (~/.nix-defexpr), by functions or attribute paths over it, in
// another profile, or as store paths. nix-env/nix-env.cc. Texts are byte strings unless they come from the command line.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { byteStringOf, compareStrings, utf8ToByteString } from '../base/bytes.ts';
import { FloeError } from '../base/errors.ts';
import { AttrsBuilder, EMPTY_ATTRS } from '../eval/attrs.ts';
import { callFunction } from '../eval/call.ts';
import { NO_POSITION } from '../eval/position.ts';
import { internSymbol } from '../eval/symbol.ts';
import { delay, force, type Value } from '../eval/value.ts';
import { isDerivationPath, splitStorePath, type StorePath, storePathName } from '../model/store-path.ts';
import { COMBINE_CHANNELS, findAlongAttrPath, findDerivations } from './derivation-values.ts';
import type { Engine } from './engine.ts';
import { Package } from './package.ts';
import { selectPackages } from './package-selectors.ts';
import { StoreQueries } from './store-queries.ts';
import { defaultExpressionPath } from './user-folders.ts';

/** How the words of an installation are meant; 'names' are store paths where the first of them has a slash. */
export type InstallSource =
  | { readonly kind: 'names' }
  /** Functions of the default expression. */
  | { readonly kind: 'expressions' }
  | { readonly kind: 'attr-paths' }
  | { readonly kind: 'profile'; readonly path: string };

export interface PackageSourceOptions {
  /** `--file`; undefined for the default expression. */
  readonly file: string | undefined;
  /** A program in the place of a file. */
  readonly expression?: string | undefined;
  /** "*" for all. */
  readonly systemFilter: string;
}

const MAX_EXPRESSIONS = 1024;

/** Reads packages for one engine. */
export class PackageSources {
  private readonly engine: Engine;
  private readonly options: PackageSourceOptions;

  constructor(engine: Engine, options: PackageSourceOptions) {
    this.engine = engine;
    this.options = options;
  }

  private get state() {
    return this.engine.evaluation().evaluator.state;
  }

  private get selection() {
    const { settings, progress } = this.engine;
    return { system: settings.get('system'), warn: (message: string) => progress.log('warn', message) };
  }

  /** The value of the expression, or of all expressions in the folder. */
  private sourceValue(): Value {
    const { engine } = this;
    const { file, expression } = this.options;
    if (expression !== undefined) return force(this.state.evalText(expression, '/'));
    const path = file === undefined ? utf8ToByteString(defaultExpressionPath(engine)) : engine.lookupFile(file);
    const { host } = engine.evaluation();
    const real = this.followLinks(path);
    const kind = host.pathKind(real);
    if (kind === undefined) throw host.noSuchPath?.(real) ?? new FloeError('FLOE_NO_FILE', `path '${real}' does not exist`);
    if (this.isExpression(real)) return this.state.importFile(path, NO_POSITION);
    if (kind !== 'directory') throw new FloeError('FLOE_NO_FILE', `path '${path}' is not a directory or a Nix expression`);
    const found = new Map<string, string>();
    this.gather(path, found);
    const attrs = new AttrsBuilder().set(internSymbol(COMBINE_CHANNELS), []);
    for (const [name, one] of found)
      attrs.set(
        internSymbol(name),
        delay(() => this.state.importFile(one, NO_POSITION)),
      );
    return attrs.build();
  }

  private followLinks(path: string): string {
    const { host } = this.engine.evaluation();
    let current = path;
    for (let links = 0; links < MAX_EXPRESSIONS && host.pathKind(current) === 'symlink'; links++) {
      const target = host.readLink(current);
      current = target.startsWith('/') ? join(target) : join(current, '..', target);
    }
    return current;
  }

  /** A file, or a folder with a default.nix. */
  private isExpression(real: string): boolean {
    const { host } = this.engine.evaluation();
    const kind = host.pathKind(real);
    return kind === 'regular' || (kind === 'directory' && host.pathKind(this.followLinks(`${real}/default.nix`)) !== undefined);
  }

  /** Expressions in a folder and in the folders below it that are none, by name without ".nix". */
  private gather(folder: string, found: Map<string, string>): void {
    const { host } = this.engine.evaluation();
    const names = host.readDir(this.followLinks(folder)).map(({ name }) => name);
    for (const name of names.sort(compareStrings)) {
      // Channels are profiles.
      if (name === 'manifest.nix') continue;
      const path = this.followLinks(`${folder}/${name}`);
      const kind = host.pathKind(path);
      if (kind === undefined) continue;
      if (this.isExpression(path) && (kind !== 'regular' || path.endsWith('.nix'))) {
        const attrName = name.replace(/\.nix$/, '');
        if (found.has(attrName)) {
          this.warnCollision(path, folder, attrName);
          continue;
        }
        if (found.size + 1 === MAX_EXPRESSIONS)
          throw new FloeError('FLOE_EXPRESSIONS', `too many Nix expressions in directory '${folder}'`);
        found.set(attrName, path);
      } else if (kind === 'directory') this.gather(path, found);
    }
  }

  private warnCollision(path: string, folder: string, name: string): void {
    const isChannel = path.includes('channels') && folder.includes('channels');
    const suggestion = isChannel ? `\nsuggestion: remove '${name}' from either the root channels or the user channels` : '';
    this.engine.progress.log('warn', `name collision in input Nix expressions, skipping '${path}'${suggestion}`);
  }

  private packagesOf(value: Value, prefix: string): Package[] {
    const { state } = this;
    return findDerivations(state, value, this.engine.autoArgs(), true, prefix).map((found) => Package.of(state, found));
  }

  /** All packages at an attribute path of the expression. */
  available(attrPath: string): Package[] {
    const { engine, options } = this;
    return engine.evaluation().evaluator.guard(() => {
      const value = findAlongAttrPath(this.state, attrPath, engine.autoArgs(), this.sourceValue());
      const packages = this.packagesOf(value, attrPath);
      return options.systemFilter === '*' ? packages : packages.filter(({ system }) => system === options.systemFilter);
    });
  }

  /** The packages of a user environment, given the link to it. */
  installed(profile: string): Package[] {
    const { engine } = this;
    const folder = this.realFolder(profile);
    if (fs.existsSync(join(folder, 'manifest.json'))) {
      const what = `profile "${profile}" is incompatible with 'nix-env'; please use 'nix profile' instead`;
      throw new FloeError('FLOE_PROFILE_VERSION', what);
    }
    const link = join(folder, 'manifest.nix');
    if (fs.lstatSync(link, { throwIfNoEntry: false }) === undefined) return [];
    const text = byteStringOf(fs.readFileSync(this.realFolder(link)));
    const { evaluator } = engine.evaluation();
    return evaluator.guard(() => {
      const { state } = evaluator;
      const root = evaluator.evalText(text, utf8ToByteString(profile));
      return findDerivations(state, root, EMPTY_ATTRS).map((found) => Package.of(state, found));
    });
  }

  /** Where a link into the store leads on this machine. */
  private realFolder(link: string): string {
    const { storeAccess, store, storeDir } = this.engine;
    const followed = storeAccess.followToStore(link);
    const found = followed === undefined ? undefined : splitStorePath(followed, storeDir);
    return found === undefined ? link : store.toRealPath(found.storePath) + found.rest;
  }

  /** What the words of an installation stand for. */
  async toInstall(source: InstallSource, words: readonly string[], newestOnly: boolean): Promise<Package[]> {
    const { engine } = this;
    const texts = words.map(utf8ToByteString);
    const { evaluator } = engine.evaluation();
    switch (source.kind) {
      case 'names':
        if (words[0]?.includes('/') === true) return Promise.all(words.map((word) => this.bare(word)));
        return evaluator.guard(() => selectPackages(this.available(''), texts, { ...this.selection, newestOnly }));
      case 'profile':
        return evaluator.guard(() => selectPackages(this.installed(source.path), texts, { ...this.selection, newestOnly }));
      case 'expressions':
        return evaluator.guard(() => {
          const argument = this.sourceValue();
          return texts.flatMap((text) => {
            const call = force(this.state.evalText(text, utf8ToByteString(engine.cwd)));
            return this.packagesOf(callFunction(this.state, call, [argument], NO_POSITION), '');
          });
        });
      case 'attr-paths':
        return evaluator.guard(() => {
          const root = this.sourceValue();
          return texts.flatMap((text) => this.packagesOf(findAlongAttrPath(this.state, text, engine.autoArgs(), root), ''));
        });
    }
  }

  /** Those of installed packages that the names match. */
  select(packages: readonly Package[], words: readonly string[]): Package[] {
    const { evaluator } = this.engine.evaluation();
    return evaluator.guard(() => selectPackages(packages, words.map(utf8ToByteString), { ...this.selection, newestOnly: false }));
  }

  private async bare(word: string): Promise<Package> {
    const queries = new StoreQueries(this.engine);
    const path = queries.resolve(word);
    const isDerivation = isDerivationPath(path);
    const outPath = isDerivation ? await this.outputOf(path) : path;
    return Package.bare(this.state, { name: storePathName(path), drvPath: isDerivation ? path : undefined, outPath });
  }

  private async outputOf(drvPath: StorePath): Promise<StorePath> {
    const output = (await new StoreQueries(this.engine).derivation(drvPath)).outputs.get('out');
    if (output === undefined || !('path' in output))
      throw new FloeError(
        'FLOE_NO_OUTPUT',
        `derivation '${this.engine.storeDir}/${drvPath}' does not have an output 'out' with a known path`,
      );
    return output.path;
  }
}
