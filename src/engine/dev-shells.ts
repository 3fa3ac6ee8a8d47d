// Dev shells for an engine: from an installable to the environment its build would have, and into a shell with it.
// nix/develop.cc decides what is built and what the shell is told.

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8ToByteString } from '../base/bytes.ts';
import { FloeError, InvalidPathError } from '../base/errors.ts';
import { printATerm } from '../model/aterm.ts';
import { makeHashModuloLookup } from '../model/derivation-hash.ts';
import { hashBytes } from '../base/hash.ts';
import { makeTextPath } from '../model/content-address.ts';
import { isDerivationPath, printStorePath, type StorePath } from '../model/store-path.ts';
import { updateProfile } from '../profile/profile.ts';
import { type DevEnvironment, getEnvScript, makeEnvironmentDerivation, parseDevEnvironment } from '../shell/dev-env.ts';
import type { ShellTask } from '../shell/rc.ts';
import type { Engine, SourceChoice } from './engine.ts';
import type { Findings } from './findings.ts';
import type { LockChoices } from './flakes.ts';
import type { Target } from './installables.ts';
import { environmentScript } from './kept-launch.ts';
import type { EnvironmentChoices } from './start-program.ts';

/** What makes an environment, or holds it already. */
export interface WantedEnvironment extends Findings {
  /** The environment itself, where that was asked for. */
  readonly path?: StorePath | undefined;
  /** The bash that the derivation is built with. */
  readonly builder?: string | undefined;
  /** The flake's folder, where it has one here. */
  readonly folder?: string | undefined;
}

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

  /** Finds what the environment of the target's derivation is built by. */
  async find(target: Target): Promise<WantedEnvironment> {
    if (target.storePath?.endsWith('-env')) return { paths: [], path: target.storePath };
    const { derivation, builder } = await this.environmentOf(target);
    return { paths: [{ kind: 'built', derivation, outputs: 'all' }], builder, folder: target.flake?.top.tree.fetched.folder };
  }

  /** Builds it. The profile, where one is named, gets a new generation. */
  async build(wanted: WantedEnvironment, profile: string | undefined): Promise<BuiltEnvironment> {
    const { engine } = this;
    const path = wanted.path ?? (await this.buildEnvironment(wanted));
    if (profile !== undefined) {
      engine.reads?.refuse('a profile was changed');
      await updateProfile(engine.store, profile, path);
    }
    engine.reads?.valid(path);
    const text = fs.readFileSync(engine.store.toRealPath(path), 'latin1');
    return { environment: parseDevEnvironment(text), path, builder: wanted.builder };
  }

  /** The derivation whose build writes the environment down, made of the target's. */
  private async environmentOf(target: Target): Promise<{ derivation: StorePath; builder: string }> {
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
    return { derivation: environmentPath, builder: derivation.builder };
  }

  private async buildEnvironment({ paths }: WantedEnvironment): Promise<StorePath> {
    const { engine } = this;
    const [built] = await engine.builds.build(paths, { quiet: true });
    for (const output of built!.outputs.values()) if (fs.statSync(engine.store.toRealPath(output)).size > 0) return output;
    throw new FloeError('FLOE_DEVELOP', 'get-env.sh failed to produce an environment');
  }

  private async derivationOf(target: Target): Promise<StorePath> {
    const derivations = new Set<StorePath>();
    for (const path of target.derivedPaths()) {
      if (path.kind === 'built') derivations.add(this.engine.builds.derivationPath(path.derivation));
      else if (isDerivationPath(path.path)) derivations.add(path.path);
      else {
        this.engine.reads?.refuse('it was asked what a path was made by');
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
      const { script, files } = environmentScript(environment, { userFolder: this.engine.cwd, redirects }, folder);
      if (files.length > 0) this.engine.reads?.refuse('the script names a temporary folder');
      return script;
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
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
  async enter({ path, builder }: BuiltEnvironment, options: EnterOptions): Promise<never> {
    const { engine } = this;
    const { settings, cwd } = engine;
    return engine.become({
      kind: 'shell',
      environmentFile: engine.store.toRealPath(path),
      environmentPath: printStorePath(path, engine.storeDir),
      builder,
      task: options.task,
      choices: options.choices,
      redirects: [...options.redirects],
      prompt: {
        whole: settings.get('bash-prompt'),
        prefix: settings.get('bash-prompt-prefix'),
        suffix: settings.get('bash-prompt-suffix'),
      },
      userFolder: cwd,
      cwd: options.task.kind === 'phase' ? (options.folder ?? cwd) : cwd,
      mount: engine.storeAccess.placement.mount,
    });
  }
}

export { devEnvironmentToJson } from '../shell/dev-env.ts';
