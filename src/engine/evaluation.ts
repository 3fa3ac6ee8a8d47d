// One evaluator over the machine: settings and options become the evaluator's constants, files and the store its host, the user's
// cache its compiled code.

import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { utf8ToByteString } from '../base/bytes.ts';
import type { TraceFrame } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { BUILTINS } from '../eval/builtins/index.ts';
import type { BuiltinTable } from '../eval/builtin.ts';
import { Evaluator, type Instruments } from '../eval/evaluator.ts';
import type { EvalConstants, EvalLogLevel, LockedFlakeInfo } from '../eval/host.ts';
import type { ParseOptions } from '../lang/parser.ts';
import type { StorePath } from '../model/store-path.ts';
import type { BlockingBridge } from './bridge.ts';
import { cacheFolder } from './cache-folder.ts';
import { DiskCodeStore } from './code-cache.ts';
import { type Environment, localSystem, measuresEvaluation, type Settings } from './config.ts';
import { type Measurements, startMeasurements } from './eval-measurements.ts';
import { EngineEvalHost, type EvalStore, type HostServices } from './eval-host.ts';
import type { ReadLog } from './reads.ts';
import type { WarmEvaluators } from './warm-evaluators.ts';

/** Any store path: where it really lies tells one store from another. */
const KEY_PATH = `${'0'.repeat(32)}-x` as StorePath;

export interface SearchPath {
  readonly prefix: string;
  readonly path: string;
}

export interface EvaluationOptions {
  readonly settings: Settings;
  readonly env: Environment;
  readonly cwd: string;
  readonly store: EvalStore;
  readonly bridge: BlockingBridge;
  readonly progress: Progress;
  /** What is evaluated, as the name of its compiled code. */
  readonly place: string;
  /** `builtins.currentTime`. */
  readonly startedS: number;
  /** Overrides the setting. */
  readonly pure: boolean;
  readonly readOnly: boolean;
  /** `-I` entries, before those of NIX_PATH and the setting. */
  readonly searchPath: readonly SearchPath[];
  readonly allowedPaths: readonly string[];
  /** Gets everything that evaluation reads. */
  readonly reads?: ReadLog | undefined;
  /** Evaluators of earlier runs. */
  readonly warm?: WarmEvaluators | undefined;
  /** A debugger's hands. */
  readonly debugging?: Debugging | undefined;
  fetchTrees: HostServices['fetchTrees'];
  readonly fetchClosure: HostServices['fetchClosure'];
  lockFlake(flakeRef: string): LockedFlakeInfo;
  /** Prints a trace, a warning or an error with its frames. */
  report(level: EvalLogLevel, message: string, frames?: readonly TraceFrame[]): void;
}

/** What a debugger changes about evaluation. */
export interface Debugging extends Instruments {
  readonly builtins: BuiltinTable;
}

/** An evaluator and its host; `close` keeps the compiled code for the next run. */
export class Evaluation {
  readonly evaluator: Evaluator;
  readonly host: EngineEvalHost;
  private readonly code: DiskCodeStore;
  private readonly measurements: Measurements | undefined;
  private readonly finishWarm: (() => void) | undefined;
  /** Throws where what was evaluated so far is not to be used, in a process that stays. */
  readonly requireSound: () => void;

  constructor(options: EvaluationOptions) {
    const { settings, env, store, pure } = options;
    const constants = makeConstants(options);
    // Which folders are open follows links that nobody writes down.
    if (constants.restrictEval) options.reads?.refuse('evaluation is restricted');
    const parse = parseOptionsOf(settings, pure);
    const isMeasured = measuresEvaluation(settings, env);
    const evalSettings = { maxCallDepth: Number(settings.get('max-call-depth')), showTrace: settings.get('show-trace') };
    const isPlain = pure && options.debugging === undefined && !isMeasured && !hasLints(parse);
    if (options.warm !== undefined && !isPlain) options.reads?.refuse('evaluation is not pure, or is watched');
    const { currentSystem, traceVerbose, readOnly, abortOnWarn, experimentalFeatures = new Set() } = constants;
    const key = [currentSystem, store.storeDir, store.toRealPath(KEY_PATH), traceVerbose, readOnly, abortOnWarn, [...experimentalFeatures]];
    const warm = options.warm?.open(JSON.stringify([key, parse, evalSettings, constants.allowImportFromDerivation]));
    const reads = warm?.reads ?? options.reads;
    this.host = new EngineEvalHost(constants, store, options.bridge, {
      env,
      allowedPaths: [...options.allowedPaths, ...searchPathFolders(options, constants)],
      fetchTrees: (inputs) => options.fetchTrees(inputs),
      fetchClosure: (request) => options.fetchClosure(request),
      lockFlake: (flakeRef) => options.lockFlake(flakeRef),
      log: (level, message, frames) => options.report(level, message, frames),
      reads,
      produced: warm?.produced,
    });
    const variant = JSON.stringify([pure, [...(constants.experimentalFeatures ?? [])].sort()]);
    const openCode = (log: ReadLog | undefined) => new DiskCodeStore(cacheFolder(env), options.place, variant, store.storeDir, log);
    // Pure evaluation reads files of the store only, which are known by their paths.
    this.code = warm?.codeStore(`${cacheFolder(env)} ${options.place}`, () => openCode(undefined)) ?? openCode(reads);
    const parts = {
      builtins: options.debugging?.builtins ?? BUILTINS,
      parse,
      settings: evalSettings,
      instruments: options.debugging,
    };
    // Compiled code was parsed in another run, so what a lint had to say would be lost.
    const codeStore = hasLints(parse) || options.debugging !== undefined ? undefined : this.code;
    this.evaluator =
      warm === undefined
        ? new Evaluator({ ...parts, host: this.host, codeStore })
        : warm.begin(this.host, this.code, options.reads!, (switched) => new Evaluator({ ...parts, ...switched }));
    this.finishWarm = warm && (() => warm.close(options.reads!, (path) => store.isValidPathSync(path)));
    this.requireSound = () => warm?.requireSound(options.reads!);
    this.measurements = isMeasured
      ? startMeasurements({ settings, env, progress: options.progress, positions: this.evaluator.state.positions })
      : undefined;
  }

  close(): void {
    this.code.save();
    this.finishWarm?.();
    this.measurements?.close();
  }
}

/** What the settings say about parsing. */
export function parseOptionsOf(settings: Settings, pureEval: boolean): ParseOptions {
  const shortPaths = settings.get('lint-short-path-literals');
  return {
    pureEval,
    pipeOperators: settings.get('experimental-features').includes('pipe-operators'),
    lintUrlLiterals: settings.get('lint-url-literals'),
    lintShortPathLiterals:
      !settings.isOverridden('lint-short-path-literals') && settings.get('warn-short-path-literals') ? 'warn' : shortPaths,
    lintAbsolutePathLiterals: settings.get('lint-absolute-path-literals'),
  };
}

function hasLints({ lintUrlLiterals, lintShortPathLiterals, lintAbsolutePathLiterals }: ParseOptions): boolean {
  return [lintUrlLiterals, lintShortPathLiterals, lintAbsolutePathLiterals].some((lint) => lint !== 'ignore');
}

/** What the search path leaves open to restricted evaluation: its entries, and what links among them lead to. */
function searchPathFolders({ cwd }: EvaluationOptions, { restrictEval, pureEval, nixPath }: EvalConstants): string[] {
  if (!restrictEval || pureEval) return [];
  return nixPath
    .filter(({ path }) => !/^[a-z][a-z0-9+.-]*:/.test(path))
    .flatMap(({ path }) => {
      const folder = resolve(cwd, path);
      return existsSync(folder) ? [folder, realpathSync(folder)] : [folder];
    })
    .map(utf8ToByteString);
}

function makeConstants({ settings, store, cwd, pure, readOnly, searchPath, reads, startedS }: EvaluationOptions): EvalConstants {
  return {
    currentSystem: settings.get('eval-system') || settings.get('system') || localSystem(),
    get currentTime() {
      if (pure) return undefined;
      reads?.refuse('the time was read');
      return startedS;
    },
    storeDir: store.storeDir,
    nixPath: pure ? [] : [...searchPath, ...settings.get('nix-path').map(parseSearchPathEntry)],
    workingFolder: utf8ToByteString(cwd),
    pureEval: pure,
    restrictEval: settings.get('restrict-eval'),
    allowImportFromDerivation: settings.get('allow-import-from-derivation'),
    traceImportFromDerivation: settings.get('trace-import-from-derivation'),
    traceVerbose: settings.get('trace-verbose'),
    readOnly,
    abortOnWarn: settings.get('abort-on-warn'),
    allowedUris: settings.get('allowed-uris'),
    experimentalFeatures: new Set(['nix-command', 'flakes', 'fetch-tree', ...settings.get('experimental-features')]),
  };
}

/** `nixpkgs=/path` or `/path`. */
export function parseSearchPathEntry(text: string): SearchPath {
  const equals = text.indexOf('=');
  return equals < 0 ? { prefix: '', path: text } : { prefix: text.slice(0, equals), path: text.slice(equals + 1) };
}
