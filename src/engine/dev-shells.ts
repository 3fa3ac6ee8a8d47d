// Dev shells for an engine: from an installable to the environment its build would have, and into a shell with it.
// nix/develop.cc decides what is built and what the shell is told.

import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf, utf8ToByteString } from '../base/bytes.ts';
import { FloeError, InvalidPathError } from '../base/errors.ts';
import { printATerm } from '../model/aterm.ts';
import { makeHashModuloLookup } from '../model/derivation-hash.ts';
import { hashBytes } from '../base/hash.ts';
import { makeTextPath } from '../model/content-address.ts';
import { isDerivationPath, printStorePath, type StorePath } from '../model/store-path.ts';
import { updateProfile } from '../profile/profile.ts';
import { chooseShell } from '../shell/choose-shell.ts';
import { type DevEnvironment, environmentSystem, getEnvScript, makeEnvironmentDerivation, parseDevEnvironment } from '../shell/dev-env.ts';
import { makeRcScript, makeShellScript, shellArguments, type ShellFile, type ShellTask } from '../shell/rc.ts';
import type { Engine, SourceChoice } from './engine.ts';
import type { LockChoices } from './flakes.ts';
import type { Target } from './installables.ts';
import { applyEnvironmentChoices, becomeProgram, type EnvironmentChoices } from './start-program.ts';

/** An environment, and the store path that holds it. */
export interface BuiltEnvironment {
  readonly environment: DevEnvironment;
  readonly path: StorePath;
  /** The bash that the derivation is built with. */
  readonly builder: string | undefined;
}

export interface EnterOptions {
  readonly task: ShellTask;
  readonly choices: EnvironmentChoices;
  /** Where phases run: the flake's folder, where it has one here. */
  readonly folder?: string | undefined;
  readonly redirects: ReadonlyMap<string, string>;
}

export class DevShells {
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Builds the environment of the target's derivation. The profile, where one is named, gets a new generation. */
  async build(target: Target, profile: string | undefined): Promise<BuiltEnvironment> {
    const { engine } = this;
    const { path, builder } = target.storePath?.endsWith('-env')
      ? { path: target.storePath, builder: undefined }
      : await this.buildEnvironment(target);
    if (profile !== undefined) {
      await updateProfile(engine.store, profile, path);
    }
    const text = fs.readFileSync(engine.store.toRealPath(path), 'latin1');
    return { environment: parseDevEnvironment(text), path, builder };
  }

  private async buildEnvironment(target: Target): Promise<{ path: StorePath; builder: string }> {
    const { engine } = this;
    const { host } = engine.evaluation();
    const { storeDir } = engine;
    const drvPath = await this.derivationOf(target);
    const read = (path: StorePath) => {
      const derivation = host.readDerivation(path);
      if (derivation === undefined) throw new InvalidPathError(`path '${printStorePath(path, storeDir)}' is not valid`);
      return derivation;
    };
    const derivation = read(drvPath);
    const environment = makeEnvironmentDerivation(derivation, storeDir, makeHashModuloLookup(read, storeDir));
    host.addTextToStore('get-env.sh', getEnvScript(), []);
    const aterm = printATerm(environment, storeDir);
    const references = [...environment.inputSources, ...environment.inputDerivations.keys()].sort();
    const environmentPath = makeTextPath(`${environment.name}.drv`, hashBytes('sha256', aterm), references, storeDir);
    host.registerDerivation(environmentPath, environment, aterm);
    const [built] = await engine.builds.build([{ kind: 'built', derivation: environmentPath, outputs: 'all' }], { quiet: true });
    for (const output of built!.outputs.values()) {
      if (fs.statSync(engine.store.toRealPath(output)).size > 0) return { path: output, builder: derivation.builder };
    }
    throw new FloeError('FLOE_DEVELOP', 'get-env.sh failed to produce an environment');
  }

  private async derivationOf(target: Target): Promise<StorePath> {
    const derivations = new Set<StorePath>();
    for (const path of target.derivedPaths()) {
      if (path.kind === 'built') derivations.add(path.derivation);
      else if (isDerivationPath(path.path)) derivations.add(path.path);
      else {
        const [deriver] = await this.engine.store.queryValidDerivers(path.path);
        if (deriver === undefined) throw new FloeError('FLOE_NO_DERIVER', `'${target.what}' does not have a known deriver`);
        derivations.add(deriver);
      }
    }
    const [derivation] = derivations;
    if (derivations.size !== 1) {
      throw new FloeError(
        'FLOE_DEVELOP',
        `'${target.what}' needs to evaluate to a single derivation, but it evaluated to ${derivations.size} derivations`,
      );
    }
    return derivation!;
  }

  /** What `print-dev-env` prints: bash code that makes the environment. */
  script(environment: DevEnvironment, redirects: ReadonlyMap<string, string> = new Map()): string {
    const folder = fs.mkdtempSync(join(tmpdir(), 'nix-dev-env.'));
    try {
      return this.rc(environment, folder, redirects).script;
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }

  private rc(
    environment: DevEnvironment,
    temporaryFolder: string,
    redirects: ReadonlyMap<string, string>,
  ): { script: string; files: ShellFile[] } {
    return makeRcScript(environment, {
      outputsFolder: utf8ToByteString(join(this.engine.cwd, 'outputs')),
      temporaryFolder: utf8ToByteString(temporaryFolder),
      redirects,
    });
  }

  /** `--redirect`: folders that stand for the outputs of installables, which are built or at least known. */
  async redirects(
    pairs: readonly (readonly [string, string])[],
    source: SourceChoice | undefined,
    locking: LockChoices,
  ): Promise<Map<string, string>> {
    const { engine } = this;
    const result = new Map<string, string>();
    for (const [installable, folder] of pairs) {
      const [target] = await engine.targets([installable], 'develop', source, locking);
      for (const path of target!.derivedPaths()) {
        for (const output of engine.builds.outputPaths(path).values())
          result.set(printStorePath(output, engine.storeDir), utf8ToByteString(folder));
      }
    }
    return result;
  }

  /** Becomes the shell, or the command in it; the engine is closed first. */
  async enter({ environment, path, builder }: BuiltEnvironment, options: EnterOptions): Promise<never> {
    const { engine } = this;
    const { settings, cwd } = engine;
    const { mount } = engine.storeAccess.placement;
    const folder = fs.mkdtempSync(join(tmpdir(), 'nix-develop.'));
    const { script, files } = this.rc(environment, folder, options.redirects);
    for (const file of files) fs.writeFileSync(file.path, bytesOf(file.content));
    if (files.length === 0) fs.rmdirSync(folder);
    const rcPath = join(tmpdir(), `nix-shell.${randomUUID()}`);
    const env = { ...applyEnvironmentChoices(engine.env, options.choices), NIX_GCROOT: printStorePath(path, engine.storeDir) };
    const shell = chooseShell(builder === undefined ? [] : [builder], mount);
    const whole = makeShellScript(script, {
      task: options.task.kind === 'command' ? { kind: 'command', words: options.task.words.map(utf8ToByteString) } : options.task,
      rcPath: utf8ToByteString(rcPath),
      shell,
      prompt: utf8ToByteString(settings.get('bash-prompt')),
      promptPrefix: utf8ToByteString(settings.get('bash-prompt-prefix')),
      promptSuffix: utf8ToByteString(settings.get('bash-prompt-suffix')),
      isTraced: false,
    });
    // The script removes the file; nobody else may have made it.
    fs.writeFileSync(rcPath, bytesOf(whole), { mode: 0o600, flag: 'wx' });
    const system = environmentSystem(environment);
    return becomeProgram(engine, {
      program: shell.path,
      args: shellArguments(options.task, shell.path, rcPath).slice(1),
      env: { ...env, SHELL: shell.path },
      cwd: options.task.kind === 'phase' ? (options.folder ?? cwd) : cwd,
      system,
    });
  }
}

export { devEnvironmentToJson } from '../shell/dev-env.ts';
