// floe's public interface on Node: an engine over this machine's store and settings. Lock flakes, evaluate, build, compose environments.
// `floe/pure` is the part of it that needs no Node (language and formats); everything there is here too.
//
//   import { openFloe } from 'floe';
//   const floe = openFloe({ cwd: '/home/me/project' });
//   try {
//     const [built] = await floe.build('.#default');
//     console.log(built.outputs);                       // { out: '/nix/store/...' }
//   } finally {
//     await floe.close();
//   }

import process from 'node:process';
import { byteStringToUtf8, utf8ToByteString } from './base/bytes.ts';
import { SILENT, type Progress } from './base/progress.ts';
import { loadSettings, type Environment } from './engine/config.ts';
import { Engine, type SourceChoice } from './engine/engine.ts';
import type { Purpose, Target } from './engine/installables.ts';
import { NixValue } from './eval/value-handle.ts';
import { parseInputPath, printLockFile } from './model/lock-file.ts';
import { printStorePath } from './model/store-path.ts';
import { devEnvironmentToJson } from './shell/dev-env.ts';

/** What a floe is opened with; all of it may be left out. */
export interface OpenChoices {
  /** Where relative words start; this process's working folder unless said. */
  readonly cwd?: string;
  /** HOME, XDG_*, NIX_* and what builders and programs may see; this process's unless said. */
  readonly env?: Environment;
  /** Settings of nix.conf by name, as it would hold them ("max-jobs": "4"); above files and NIX_CONFIG. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Gets log lines and activities (builds, downloads); nobody listens unless said. */
  readonly progress?: Progress;
  /** Whether the network may be used; true unless said. */
  readonly online?: boolean;
}

/** An expression (with relative paths starting at the working folder), or a file, instead of a flake. */
export type Source = { readonly expression: string } | { readonly file: string };

/** What became of one installable. */
export interface Built {
  /** Store path of the derivation; undefined for a store path that only was fetched. */
  readonly derivation: string | undefined;
  /** Store paths by output name. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** How a flake is locked. */
export interface LockRequest {
  /** Inputs to look up anew ("nixpkgs", "a/b"); `true` for all. */
  readonly update?: readonly string[] | true;
  /** Whether flake.lock is written; true unless said. */
  readonly write?: boolean;
}

/** One run of floe over one store. Throws FloeError and its kinds; `close` it when done. */
export class Floe {
  readonly #engine: Engine;

  constructor(choices: OpenChoices = {}) {
    const env = choices.env ?? process.env;
    const cwd = choices.cwd ?? process.cwd();
    const progress = choices.progress ?? SILENT;
    const flags = Object.entries(choices.settings ?? {}).map(([name, text]) => ({ name, text }));
    const settings = loadSettings({ env, flags, warn: (message) => progress.log('warn', message) });
    this.#engine = new Engine({ settings, env, cwd, wordsFolder: cwd, progress, online: choices.online ?? true });
  }

  /** Brings the lock of a flake up to date, and gives its text as flake.lock holds it. */
  async lock(flake: string, request: LockRequest = {}): Promise<string> {
    const { flakes } = this.#engine;
    const updates = request.update === true ? [] : (request.update ?? []).map((path) => parseInputPath(utf8ToByteString(path)));
    const { result } = await flakes.lock(flakes.parse(flake), {
      updates,
      recreate: request.update === true,
      writeLockFile: request.write ?? true,
    });
    return `${byteStringToUtf8(printLockFile(result.lockFile))}\n`;
  }

  async #targets(words: readonly string[], purpose: Purpose, source: Source | undefined): Promise<Target[]> {
    return await this.#engine.targets([...words], purpose, source && sourceChoice(source), {});
  }

  /** The value of an installable (`.#packages.x86_64-linux`), or of an attribute path in a source. */
  async evaluate(installable: string, source?: Source): Promise<NixValue> {
    const [target] = await this.#targets([installable], 'build', source);
    const { value } = target!.value();
    return new NixValue(this.#engine.evaluation().evaluator, value);
  }

  /** Builds or fetches installables, in their order. BuildError names what failed, with the end of its log. */
  async build(installables: string | readonly string[], source?: Source): Promise<Built[]> {
    const { builds, storeDir } = this.#engine;
    const targets = await this.#targets(typeof installables === 'string' ? [installables] : installables, 'build', source);
    const built = await builds.build(targets.flatMap((target) => target.derivedPaths()));
    return built.map(({ path, outputs }) => ({
      derivation: path.kind === 'built' ? printStorePath(builds.derivationPath(path.derivation), storeDir) : undefined,
      // A path that is no derivation's is its own only output.
      outputs: Object.fromEntries([...outputs].map(([name, output]) => [name || 'out', printStorePath(output, storeDir)])),
    }));
  }

  /** The environment of a dev shell, in the shape that `floe print-dev-env --json` prints: variables by name, and bash functions. */
  async devEnvironment(installable = '.', source?: Source): Promise<unknown> {
    const [target] = await this.#targets([installable], 'develop', source);
    const shells = await this.#engine.devShells();
    const { environment } = await shells.build(await shells.find(target!), undefined);
    return devEnvironmentToJson(environment);
  }

  /** Lets go of the store. Safe to call more than once. */
  async close(): Promise<void> {
    await this.#engine.close();
  }
}

/** A floe over this machine. */
export function openFloe(choices: OpenChoices = {}): Floe {
  return new Floe(choices);
}

function sourceChoice(source: Source): SourceChoice {
  if ('file' in source) return { kind: 'file', path: source.file };
  return { kind: 'expression', text: utf8ToByteString(source.expression), label: undefined };
}

export * from './pure.ts';
export { BuildError, FetchError, HashMismatchError, IoError, LockFileError, StoreError, UsageError } from './base/errors.ts';
export type { Activity, LogLevel, Progress } from './base/progress.ts';
export type { Environment } from './engine/config.ts';
