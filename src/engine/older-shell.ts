// What `nix-shell` does: the one derivation that programs stand for, its inputs built, and a shell with its variables.
// nix-build/nix-build.cc.

import { resolve } from 'node:path';
import { byteStringToUtf8, utf8ToByteString } from '../base/bytes.ts';
import { printJson } from '../base/canonical-json.ts';
import { FloeError, InvalidPathError, UsageError } from '../base/errors.ts';
import { readDerivationOptions } from '../build/derivation-options.ts';
import { completeAttrs } from '../build/environment.ts';
import type { BuildMode } from '../build/outputs.ts';
import { printShellAttrs } from '../build/structured-attrs.ts';
import type { Attrs } from '../eval/attrs.ts';
import { AttrsBuilder } from '../eval/attrs.ts';
import { internSymbol } from '../eval/symbol.ts';
import { force, Lambda, type Value } from '../eval/value.ts';
import { type Derivation, derivationInputs } from '../model/derivation.ts';
import { baseDerivation, type DerivationRef, type DerivedPath } from '../model/derived-path.ts';
import { mustResolve, resolveDerivation } from '../model/resolve-derivation.ts';
import type { StorePath } from '../model/store-path.ts';
import { chooseShell, type ChosenShell } from '../shell/choose-shell.ts';
import { findProgram } from '../shell/launch.ts';
import { findAlongAttrPath, findDerivations } from './derivation-values.ts';
import type { Engine, SourceChoice } from './engine.ts';
import { Instantiation } from './instantiate.ts';
import type { KeptOlderShell, OlderShellTask } from './kept-older-shell.ts';
import { storedDerivation } from './older-build.ts';
import { StoreQueries } from './store-queries.ts';

export interface OlderShellRequest {
  readonly sources: readonly SourceChoice[];
  readonly attrPaths: readonly string[];
  /** Whether the program takes packages from `<nixpkgs>` because the user named packages. */
  readonly takesPackages: boolean;
  readonly isPure: boolean;
  /** Variables that stay all the same. */
  readonly keep: readonly string[];
  /** Regular expressions: inputs that are not built. */
  readonly exclude: readonly string[];
  readonly task: OlderShellTask;
  readonly mode: BuildMode;
  readonly dryRun: boolean;
}

/** What `-p` stands for: a derivation whose inputs are the packages. */
export function packagesExpression(packages: readonly string[]): string {
  const inputs = packages.map((one) => `(${one}) `).join('');
  return `{...}@args: with import <nixpkgs> args; (pkgs.runCommandCC or pkgs.runCommand) "shell" { buildInputs = [ ${inputs}]; } ""`;
}

/** Works with one engine. */
export class OlderShell {
  private readonly engine: Engine;
  private readonly instantiation: Instantiation;

  constructor(engine: Engine) {
    this.engine = engine;
    this.instantiation = new Instantiation(engine);
  }

  /** The program in a folder is shell.nix, else default.nix. */
  private resolveSource(source: SourceChoice): SourceChoice {
    if (source.kind === 'expression') return source;
    const { evaluator, host } = this.engine.evaluation(`file:${source.path}`);
    const folder = evaluator.guard(() => {
      let path = this.engine.lookupFile(source.path);
      for (let links = 0; links < 1024 && host.pathKind(path) === 'symlink'; links++) {
        path = utf8ToByteString(resolve(byteStringToUtf8(path), '..', byteStringToUtf8(host.readLink(path))));
      }
      return host.pathKind(path) === 'directory' ? path : undefined;
    });
    if (folder === undefined) return source;
    const found = evaluator.guard(() => ['shell.nix', 'default.nix'].filter((name) => host.pathKind(`${folder}/${name}`) !== undefined));
    const file = (name: string): SourceChoice => ({ kind: 'file', path: byteStringToUtf8(`${folder}/${name}`) });
    if (found.includes('shell.nix')) {
      if (this.engine.settings.get('nix-shell-always-looks-for-shell-nix')) return file('shell.nix');
      const setting = "'nix-shell-always-looks-for-shell-nix'";
      this.engine.progress.log(
        'warn',
        `Skipping '${byteStringToUtf8(folder)}/shell.nix', because the setting ${setting} is disabled. This is a deprecated behavior. Consider enabling ${setting}.`,
      );
    }
    if (found.includes('default.nix')) return file('default.nix');
    throw new FloeError('FLOE_NO_FILE', `neither 'shell.nix' nor 'default.nix' found in '${byteStringToUtf8(folder)}'`);
  }

  /** `--arg`s, with `inNixShell` where the function asks for it. */
  private argumentsFor(value: Value): Attrs {
    const plain = this.engine.autoArgs();
    const asks = value instanceof Lambda && value.code.formals?.some(({ symbol }) => symbol === internSymbol('inNixShell')) === true;
    if (!asks || plain.has(internSymbol('inNixShell'))) return plain;
    const all = new AttrsBuilder().set(internSymbol('inNixShell'), true);
    plain.keys().forEach((symbol, index) => all.set(symbol, plain.slots()[index]!));
    return all.build();
  }

  private derivationsOf(source: SourceChoice, attrPath: string): StorePath[] {
    const root = this.instantiation.value(source);
    const { evaluator } = this.engine.evaluation();
    const { state } = evaluator;
    return evaluator.guard(() => {
      const value = findAlongAttrPath(state, attrPath, this.argumentsFor(force(root)), root);
      return findDerivations(state, value, this.argumentsFor(value)).map(({ drvPath }) => drvPath);
    });
  }

  /** The derivation whose environment is wanted. */
  private async findDerivation({ sources, attrPaths }: OlderShellRequest): Promise<StorePath> {
    const found: StorePath[] = [];
    const programs: SourceChoice[] = [];
    for (const source of sources) {
      const stored = source.kind === 'file' ? await storedDerivation(this.engine, source.path) : undefined;
      if (stored === undefined) programs.push(this.resolveSource(source));
      else found.push(stored.derivation);
    }
    for (const source of programs) for (const attrPath of attrPaths) found.push(...this.derivationsOf(source, attrPath));
    if (found.length !== 1) throw new UsageError('nix-shell requires a single derivation');
    return found[0]!;
  }

  private readDerivation(path: StorePath): Derivation {
    const derivation = this.engine.evaluation().host.readDerivation(path);
    if (derivation === undefined) throw new InvalidPathError(`path '${this.engine.storeDir}/${path}' is not valid`);
    return derivation;
  }

  /** Builds what the derivation needs, and becomes the shell. */
  async run(request: OlderShellRequest): Promise<void> {
    const { engine } = this;
    if (request.takesPackages) this.requireNixpkgs();
    const drvPath = await this.findDerivation(request);
    const derivation = this.readDerivation(drvPath);
    const excluded = request.exclude.map((text) => new RegExp(text));
    const inputs = derivationInputs(derivation).filter(
      ([input]) => !excluded.some((one) => one.test(`${engine.storeDir}/${baseDerivation(input)}`)),
    );
    const needed: DerivedPath[] = [
      ...inputs.map(([input, outputs]): DerivedPath => ({ kind: 'built', derivation: input, outputs: [...outputs] })),
      ...derivation.inputSources.map((path): DerivedPath => ({ kind: 'opaque', path })),
    ];
    engine.builds.flush([{ kind: 'opaque', path: drvPath }]);
    if (request.dryRun) {
      if (engine.settings.get('print-missing')) await engine.builds.printMissing(needed, 'info');
      return;
    }
    await engine.builds.build(needed, { mode: request.mode, older: true });
    const resolved = this.resolved(derivation);
    const shell = await this.chooseShell(resolved, request);
    await this.enter(drvPath, resolved, shell, request);
  }

  /** Says plainly what is missing, before an expression that the user never wrote fails. */
  private requireNixpkgs(): void {
    try {
      this.instantiation.findFile('nixpkgs');
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      throw new FloeError(error.code, error.message, {
        cause: error,
        hint: "packages of '-p' come from a nixpkgs that NIX_PATH, '-I nixpkgs=...' or a channel names; 'floe shell debpkgs#NAME' needs none",
      });
    }
  }

  /** With the paths of inputs in it that are known only now. */
  private resolved(derivation: Derivation): Derivation {
    if (!mustResolve(derivation, true)) return derivation;
    const { builds, storeDir } = this.engine;
    const pathOf = (input: DerivationRef, output: string) =>
      builds.outputPaths({ kind: 'built', derivation: input, outputs: [output] }).get(output);
    return resolveDerivation(derivation, storeDir, pathOf) ?? derivation;
  }

  /**
   * $NIX_BUILD_SHELL; else the bash that the derivation is built with, where it will do; else, for somebody at a terminal, bashInteractive of
   * nixpkgs; else the machine's bash. docs/decisions/0005.
   */
  private async chooseShell(derivation: Derivation, { task }: OlderShellRequest): Promise<ChosenShell> {
    const { env, storeAccess } = this.engine;
    const { mount } = storeAccess.placement;
    const find = (program: string): string | undefined => {
      try {
        return findProgram(program, env['PATH'], mount);
      } catch {
        return undefined;
      }
    };
    const given = env['NIX_BUILD_SHELL'];
    if (given !== undefined) return { path: find(given) ?? given, leadsPath: given.includes('/') };
    const isInteractive = task.kind === 'interactive' || (task.kind === 'command' && task.isInteractive);
    const builder = byteStringToUtf8(derivation.builder);
    const isUsable = builder.endsWith('/bash') && builder.startsWith(`${this.engine.storeDir}/`) && find(builder) !== undefined;
    if (isUsable && (!isInteractive || chooseShell([builder], mount).leadsPath)) return { path: builder, leadsPath: true };
    const own = find('bash');
    if (own !== undefined && !isInteractive) return { path: own, leadsPath: false };
    const interactive = await this.bashInteractive();
    if (interactive !== undefined) return { path: interactive, leadsPath: true };
    if (own !== undefined) return { path: own, leadsPath: false };
    throw new FloeError('FLOE_NO_BASH', "there is no 'bash' for the shell: not in PATH, and not in <nixpkgs>", {
      hint: 'name one in the variable NIX_BUILD_SHELL',
    });
  }

  /** Bash of `<nixpkgs>`, built; undefined where the search path has no nixpkgs, or a word was said why it cannot be. */
  private async bashInteractive(): Promise<string | undefined> {
    const { engine, instantiation } = this;
    try {
      instantiation.findFile('nixpkgs');
    } catch {
      return undefined;
    }
    try {
      const root = instantiation.value({ kind: 'expression', text: '(import <nixpkgs> {}).bashInteractive', label: undefined });
      const [bash] = instantiation.found(root, '');
      if (bash === undefined)
        throw new FloeError('FLOE_NO_BASH', "the 'bashInteractive' attribute in <nixpkgs> did not evaluate to a derivation");
      const [built] = await engine.builds.build([{ kind: 'built', derivation: bash.path, outputs: ['out'] }]);
      return `${engine.storeDir}/${built!.outputs.get('out')}/bin/bash`;
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      engine.progress.log('warn', `the bash of <nixpkgs> cannot be had: ${error.message}`);
      engine.progress.log('notice', 'uses bash from your environment');
      return undefined;
    }
  }

  private async enter(drvPath: StorePath, derivation: Derivation, shell: ChosenShell, request: OlderShellRequest): Promise<never> {
    const { engine } = this;
    const { storeDir, settings } = engine;
    // Programs in PATH come and go.
    if (!shell.path.startsWith(`${storeDir}/`)) engine.reads?.refuse('the shell was looked for in PATH');
    const { structuredAttrs, passAsFile } = await this.readAttributes(drvPath, derivation);
    return engine.become({
      kind: 'older-shell',
      task: request.task,
      isPure: request.isPure,
      keep: request.keep,
      shell,
      storeDir,
      cores: Number(settings.get('cores')),
      variables: [...derivation.env],
      passAsFile: [...passAsFile],
      structuredAttrs,
      cwd: engine.cwd,
      mount: engine.storeAccess.placement.mount,
    });
  }

  /** Structured attributes, where there are any, and variables that go into files. */
  private async readAttributes(
    drvPath: StorePath,
    derivation: Derivation,
  ): Promise<{ readonly structuredAttrs: KeptOlderShell['structuredAttrs']; readonly passAsFile: ReadonlySet<string> }> {
    const { engine } = this;
    const { store, storeDir, builds } = engine;
    const options = readOptions(derivation, drvPath, storeDir);
    if (options.structuredAttrs === undefined) return { structuredAttrs: undefined, passAsFile: options.passAsFile };
    const inputs: StorePath[] = [];
    for (const [path, outputs] of derivation.inputDerivations)
      inputs.push(...builds.outputPaths({ kind: 'built', derivation: path, outputs: [...outputs] }).values());
    const queries = new StoreQueries(engine);
    const present = inputs.filter((path) => store.isValidPathSync(path));
    if (present.length < inputs.length) engine.reads?.refuse('an input is not there');
    const closure = await queries.closure([...present, ...derivation.inputSources]);
    const request = { derivation, options, store, inputs: new Set(closure), readDerivation: (path: StorePath) => queries.derivation(path) };
    const attrs = await completeAttrs(request, options.structuredAttrs);
    return { structuredAttrs: { json: printJson(attrs), shell: printShellAttrs(attrs) }, passAsFile: new Set() };
  }
}

function readOptions(derivation: Derivation, drvPath: StorePath, storeDir: string): ReturnType<typeof readDerivationOptions> {
  try {
    return readDerivationOptions(derivation, storeDir);
  } catch (error) {
    if (error instanceof FloeError) error.frames.push({ text: `while parsing derivation '${storeDir}/${drvPath}'` });
    throw error;
  }
}
