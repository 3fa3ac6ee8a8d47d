// Engine: floe as a library. It marries the two towers: flakes and expressions are evaluated into derivations, derivations are built
// or substituted in a store, and their outputs become shells, apps and paths. Commands hold no logic; they ask here.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { byteStringOf, utf8ToByteString } from '../base/bytes.ts';
import { FloeError, IoError, type TraceFrame, UsageError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { type Attrs, AttrsBuilder, EMPTY_ATTRS } from '../eval/attrs.ts';
import type { EvalLogLevel } from '../eval/host.ts';
import { fetchNamedTree } from '../eval/evaluator.ts';
import { NO_POSITION } from '../eval/position.ts';
import { delay, type Slot, type Value } from '../eval/value.ts';
import { internSymbol } from '../eval/symbol.ts';
import { trustCertificates } from '../io/node.ts';
import { parseInstallable } from '../model/installable.ts';
import { splitStorePath, type StorePath } from '../model/store-path.ts';
import { StoreStand } from '../store/local/store-stand.ts';
import { refuseBehindDaemon } from '../store/local/daemon-store.ts';
import { LocalStore } from '../store/local/local-store.ts';
import type { MachineStore } from '../store/local/machine-store.ts';
import { BlockingBridge } from './bridge.ts';
import { Builds } from './builds.ts';
import type { Environment, Settings } from './config.ts';
import type { DevShells } from './dev-shells.ts';
import { useNodeDigests } from './digests.ts';
import type { EngineEvalHost } from './eval-host.ts';
import { type Debugging, Evaluation, type SearchPath } from './evaluation.ts';
import { fetchClosureForEvaluation } from './fetch-closure.ts';
import { type Findings, type FindingsPlace, handOver, takeFindings } from './findings.ts';
import { Flakes, type LockChoices } from './flakes.ts';
import { requireDynamic } from './features.ts';
import { AttributeTarget, FlakeTarget, outputDefaults, type Purpose, StorePathTarget, type Target } from './installables.ts';
import type { KeptLaunch } from './kept-launch.ts';
import { openStore, type OpenedStore } from './open-store.ts';
import { Printing } from './printing.ts';
import type { Programs } from './programs.ts';
import { type ProgressEvent, ProgressReplay, sendProgress, tellAlso } from './progress-events.ts';
import type { KeptReads, ReadLog } from './reads.ts';
import type { SharedWork } from './shared-work.ts';
import type { WarmEvaluators } from './warm-evaluators.ts';

/** `--arg`, `--argstr` and `--arg-from-file`. */
export interface AutoArgument {
  readonly kind: 'expression' | 'string' | 'file';
  readonly name: string;
  readonly text: string;
}

/** `--file` or `--expr`. Text is a byte string. */
export type SourceChoice =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'expression'; readonly text: string; readonly label: string | undefined };

export interface EngineOptions extends FindingsPlace {
  readonly settings: Settings;
  readonly env: Environment;
  readonly cwd: string;
  /** Where relative paths among the words start, where that is not `cwd`: the folder of the script that has them. */
  readonly wordsFolder?: string | undefined;
  readonly progress: Progress;
  /** Whether the network may be used. */
  readonly online?: boolean;
  /** Derivations that evaluation makes are not written. */
  readonly readOnly?: boolean;
  /** The store that evaluation reads and writes, where it is not the one that builds (`--eval-store`). */
  readonly evalStore?: string | undefined;
  /** The soft stack limit that programs get back which this process becomes or starts; KiB or "unlimited". */
  readonly childStackLimit?: string | undefined;
  /** Whether `progress` shows what builders say, so that failures need not repeat its end. */
  readonly showsLogs?: boolean;
  /** Gets what programs say while they are evaluated (`trace`, `warn`). */
  readonly report?: (level: EvalLogLevel, message: string, frames: readonly TraceFrame[]) => void;
  /** Asks the user, and waits; undefined where there is nobody to answer. */
  readonly ask?: ((question: string) => string | undefined) | undefined;
  /** Gets everything that results rest on. */
  readonly reads?: ReadLog | undefined;
  /** Evaluators of earlier runs, in a process that stays. */
  readonly warm?: WarmEvaluators | undefined;
  /** How other processes help with many attributes; undefined where this one works alone. */
  readonly work?: SharedWork | undefined;
  /** Gets what this process is about to become, to keep it. */
  readonly onBecome?: ((kept: KeptLaunch) => void) | undefined;
}

/** What the worker behind the bridge is told, as plain data. */
export interface WorkerSetup {
  readonly env: Environment;
  readonly cwd: string;
  readonly online: boolean;
  readonly isPure: boolean;
  readonly evalStore: string | undefined;
  /** Settings that the user gave, as lines of nix.conf; the rest is read again. */
  readonly overridden: string;
}

/** One run of floe over one store. Make it, use it, `close` it. */
export class Engine {
  readonly settings: Settings;
  readonly env: Environment;
  readonly cwd: string;
  readonly wordsFolder: string;
  readonly progress: Progress;
  readonly online: boolean;
  readonly readOnly: boolean;
  private readonly evalStoreUrl: string | undefined;
  readonly childStackLimit: string | undefined;
  readonly showsLogs: boolean;
  readonly ask: (question: string) => string | undefined;
  readonly reads: ReadLog | undefined;
  private work: SharedWork | undefined;
  private readonly onBecome: EngineOptions['onBecome'];
  private readonly warm: WarmEvaluators | undefined;
  private handed: FindingsPlace['handed'];
  private readonly onFound: FindingsPlace['onFound'];
  /** What was told so far, in a process that stays. */
  private readonly told: ProgressEvent[] = [];
  /** Messages of programs: all, those that were shown, and those that a new evaluator says again. */
  private readonly said = { all: 0, shown: 0, again: 0, isSilent: false };
  /** Added to by whoever reads options, before the first evaluation. */
  readonly autoArguments: AutoArgument[] = [];
  readonly searchPath: SearchPath[] = [];
  readonly flakes: Flakes;
  readonly builds: Builds;
  readonly printing: Printing;
  private readonly report: NonNullable<EngineOptions['report']>;
  /** Set by a debugger before the first evaluation. */
  debugging: Debugging | undefined;
  private opened: OpenedStore | undefined;
  private openedForEvaluation: OpenedStore | undefined;
  private running: Evaluation | undefined;
  private place: string | undefined;
  /** `builtins.currentTime`: the same for every evaluator of a run, and for processes that help. */
  readonly startedS: number;
  private bridge: BlockingBridge | undefined;

  constructor(options: EngineOptions) {
    useNodeDigests();
    trustCertificates(() => options.settings.get('ssl-cert-file'));
    this.settings = options.settings;
    this.env = options.env;
    this.cwd = options.cwd;
    this.wordsFolder = options.wordsFolder ?? options.cwd;
    const { progress, warm } = options;
    this.progress =
      warm === undefined
        ? progress
        : tellAlso(
            progress,
            sendProgress((event) => void this.told.push(event)),
          );
    this.online = options.online ?? true;
    this.readOnly = options.readOnly ?? false;
    this.evalStoreUrl = options.evalStore;
    this.childStackLimit = options.childStackLimit;
    this.showsLogs = options.showsLogs ?? false;
    this.ask = options.ask ?? (() => undefined);
    this.reads = options.reads;
    this.onBecome = options.onBecome;
    this.warm = warm;
    this.handed = options.handed;
    this.onFound = options.onFound;
    this.work = options.work;
    this.startedS = options.work?.place?.startedS ?? Math.floor(Date.now() / 1000);
    this.report = options.report ?? ((level, message) => this.progress.log(level === 'trace' ? 'error' : 'warn', `${level}: ${message}`));
    this.flakes = new Flakes(this);
    this.builds = new Builds(this);
    this.printing = new Printing(this);
  }

  /** The store, opened when it is first asked for. */
  get storeAccess(): OpenedStore {
    return (this.opened ??= openStore(this, undefined, this.evalAccess?.store));
  }

  /** That of `--eval-store`. */
  private get evalAccess(): OpenedStore | undefined {
    if (this.evalStoreUrl === undefined) return undefined;
    return (this.openedForEvaluation ??= openStore(this, this.evalStoreUrl));
  }

  /** Where evaluation writes derivations and sources, and reads what lies in the store; the store itself unless the user says otherwise. */
  get evalStore(): OpenedStore['store'] {
    return this.evalAccess?.store ?? this.store;
  }

  get store(): MachineStore {
    return this.storeAccess.store;
  }

  /** The same where this process works in it itself; FloeError, naming `what` was to be done, where a daemon does. */
  localStore(what: string): LocalStore {
    const { store } = this;
    if (store instanceof StoreStand) throw new UsageError(`${what} is not supported by store '${store.uri}', which lies elsewhere`);
    return store instanceof LocalStore ? store : refuseBehindDaemon(store.uri, what);
  }

  /** Makes what a store elsewhere knows of the store paths among these words known to questions that cannot wait. Other stores know. */
  async learn(words: readonly string[]): Promise<void> {
    const { store } = this;
    if (!(store instanceof StoreStand)) return;
    const paths = words.flatMap((word) => {
      const followed = this.storeAccess.followToStore(resolve(this.wordsFolder, word.replace(/[!^].*/, '')));
      const found = followed === undefined ? undefined : splitStorePath(followed, this.storeDir);
      return found === undefined ? [] : [found.storePath];
    });
    await store.learn(paths);
  }

  /** Brings the files of an object here, where the store lies elsewhere. In other stores they are. */
  async obtain(path: StorePath): Promise<void> {
    if (this.store instanceof StoreStand) await this.store.obtain(path);
  }

  get storeDir(): string {
    return this.store.storeDir;
  }

  get isPure(): boolean {
    return this.settings.get('pure-eval');
  }

  /** The one evaluator of this run. `place` names what is evaluated first, for its compiled code. */
  evaluation(place = this.cwd): Evaluation {
    this.place ??= place;
    return (this.running ??= this.startEvaluation(this.place));
  }

  private startEvaluation(place: string): Evaluation {
    const evaluation = new Evaluation({
      settings: this.settings,
      env: this.env,
      cwd: this.cwd,
      store: this.evalStore,
      bridge: this.openBridge(),
      progress: this.progress,
      place,
      startedS: this.startedS,
      pure: this.isPure,
      readOnly: this.readOnly,
      searchPath: this.searchPath,
      allowedPaths: [],
      reads: this.reads,
      warm: this.warm,
      debugging: this.debugging,
      fetchTrees: (inputs) => this.flakes.fetchTreesForEvaluation(inputs),
      fetchClosure: (request) => fetchClosureForEvaluation(this, request),
      lockFlake: (flakeRef) => this.flakes.lockForEvaluation(this.flakes.parseWithin(flakeRef), false),
      report: (level, message, frames) => this.say(() => this.report(level, message, frames ?? [])),
    });
    // NIX: the names of arguments are symbols before any program is read; see symbols in symbol.ts.
    for (const { name } of this.autoArguments) internSymbol(utf8ToByteString(name));
    return evaluation;
  }

  /** Dev shells over this engine. PERF: loaded by need, as are programs. */
  async devShells(): Promise<DevShells> {
    const { DevShells } = await import('./dev-shells.ts');
    return new DevShells(this);
  }

  async programs(): Promise<Programs> {
    const { Programs } = await import('./programs.ts');
    return new Programs(this);
  }

  /** The evaluator's host, where anything was evaluated. */
  get pendingHost(): EngineEvalHost | undefined {
    return this.running?.host;
  }

  private openBridge(): BlockingBridge {
    if (this.bridge) return this.bridge;
    const { settings, env, cwd, online, isPure } = this;
    const entry = new URL('./bridge-worker.ts', import.meta.url);
    const replay = new ProgressReplay(this.progress);
    const setup: WorkerSetup = {
      env: { ...env },
      cwd,
      online,
      isPure,
      evalStore: this.evalStoreUrl,
      overridden: settings.printOverridden(),
    };
    return (this.bridge = new BlockingBridge(entry, setup, (event) => replay.receive(event as ProgressEvent)));
  }

  /** Has the worker do something that takes waiting, and waits. */
  callBridge(operation: 'realise' | 'fetch' | 'fetch-closure' | 'derivation', argument: unknown): unknown {
    if (this.stays) this.reads?.refuse('something has to be fetched or built');
    return this.openBridge().call(operation, argument);
  }

  /** `--arg`s as a set; thunks, so that an unused one is never evaluated. */
  readonly autoArgs = this.perEvaluation(({ evaluator }): Attrs => {
    if (this.autoArguments.length === 0) return EMPTY_ATTRS;
    const set = new AttrsBuilder();
    for (const { kind, name, text } of this.autoArguments) {
      const bytes = utf8ToByteString(text);
      const slot: Slot =
        kind === 'string'
          ? bytes
          : kind === 'file'
            ? readArgumentFile(resolve(this.wordsFolder, text), this.reads)
            : delay(() => evaluator.state.evalText(bytes, utf8ToByteString(this.wordsFolder)));
      set.setName(name, slot, NO_POSITION);
    }
    return set.build();
  });

  /** Whether the evaluator outlives this run, so that nothing is to be fetched or built here. */
  get stays(): boolean {
    return this.warm !== undefined;
  }

  /** What a command has to know before it does anything: found out by evaluating, unless another process has done that. */
  async findOut<Found extends Findings>(evaluate: () => Promise<Found>): Promise<Found> {
    // What opening it has to say is said by each process for itself.
    void this.store;
    const { handed } = this;
    this.handed = undefined;
    const taken = handed && takeFindings<Found>(this, handed);
    if (taken !== undefined) return taken;
    const before = this.told.length;
    const found = await evaluate();
    this.running?.requireSound();
    this.onFound?.(() => handOver(this, found, this.told.slice(before)));
    return found;
  }

  /** The value of `--file` or `--expr`. */
  sourceValue(source: SourceChoice): Value {
    if (source.kind === 'expression')
      return this.evaluation().evaluator.evalText(source.text, utf8ToByteString(this.wordsFolder), source.label);
    const path = this.lookupFile(source.path);
    return this.evaluation(`file:${path}`).evaluator.evalFile(path);
  }

  /** A file as the command line names it: a path, `<search/path>`, the URL of a tarball, `flake:` and a reference. libcmd/common-eval-args.cc. */
  lookupFile(text: string): string {
    const { evaluator } = this.evaluation(`file:${text}`);
    if (text.startsWith('<') && text.endsWith('>') && text.length > 2) {
      return evaluator.guard(() => evaluator.state.findFile(evaluator.state.searchPath, utf8ToByteString(text.slice(1, -1)), NO_POSITION));
    }
    const fetched = evaluator.guard(() => fetchNamedTree(utf8ToByteString(text), evaluator.state.host));
    if (fetched !== undefined) return fetched;
    return utf8ToByteString(resolve(this.wordsFolder, text));
  }

  /** What words point at. Flakes are locked on the way; nothing is evaluated yet but `--file` and `--expr`. */
  async targets(words: readonly string[], purpose: Purpose, source: SourceChoice | undefined, locking: LockChoices): Promise<Target[]> {
    await this.flakes.prepareRegistries();
    if (source !== undefined) {
      const root = this.perEvaluation(() => this.sourceValue(source));
      root();
      return words.map((word) => {
        const installable = parseInstallable(word, { storeDir: this.storeDir, inExpression: true });
        if (installable.kind !== 'attribute') throw new FloeError('FLOE_USAGE', `'${word}' is no attribute path`);
        return new AttributeTarget(this, root, installable.attrPath, installable.outputs);
      });
    }
    const targets: Target[] = [];
    for (const word of words) targets.push(await this.target(word, purpose, locking));
    return targets;
  }

  private async target(word: string, purpose: Purpose, locking: LockChoices): Promise<Target> {
    const installable = parseInstallable(word, {
      storeDir: this.storeDir,
      paths: this.flakes.pathResolver(),
      followToStore: (path) => this.storeAccess.followToStore(resolve(this.wordsFolder, path)),
      warn: (message) => this.progress.log('warn', message),
    });
    if (installable.kind === 'store-path') {
      requireDynamic(this.settings, installable.path);
      await this.learn([word]);
      return new StorePathTarget(installable.path, this.storeDir);
    }
    if (installable.kind === 'attribute') throw new FloeError('FLOE_USAGE', `'${word}' is no installable`);
    const flake = await this.flakes.lock(installable.ref, locking);
    const system = this.settings.get('eval-system') || this.settings.get('system');
    return new FlakeTarget(
      this,
      flake,
      installable.ref,
      installable.fragment,
      installable.outputs,
      outputDefaults(purpose, system),
      this.progress,
    );
  }

  /** What was printed may name what only an earlier run has produced. */
  producedBefore(host: EngineEvalHost): StorePath[] {
    return this.warm === undefined ? [] : host.productsIn(this.warm.printed());
  }

  /** How to share the first walk over many attributes. */
  takeWork(): SharedWork | undefined {
    const { work } = this;
    this.work = undefined;
    return work;
  }

  private say(show: () => void): void {
    const { said } = this;
    said.all++;
    if (said.isSilent) return;
    if (said.again > 0) {
      said.again--;
      return;
    }
    said.shown++;
    show();
  }

  /** Messages of programs so far, shown or not. */
  messages(): number {
    return this.said.all;
  }

  /** Whether messages of programs are kept from the user. */
  silence(isSilent: boolean): void {
    this.said.isSilent = isSilent;
  }

  /** Writes all that evaluation has made so far to the store. */
  writePending(): void {
    this.builds.flushAll();
  }

  /** What a process that helps does last. */
  async finish(): Promise<KeptReads | undefined> {
    const kept = this.reads?.keep();
    await this.close();
    return kept;
  }

  /** What a process that helped read counts as read here. */
  takeReads(reads: KeptReads | undefined): void {
    this.reads?.take(reads);
  }

  /** Lets go of everything evaluated so far; the next evaluation begins anew. Messages that were shown are not shown again. */
  restart(): void {
    this.running?.close();
    this.running = undefined;
    this.said.again = this.said.shown;
  }

  /** Something made of the evaluator's values, made anew where a new evaluator has come. */
  perEvaluation<Made>(make: (evaluation: Evaluation) => Made): () => Made {
    let made: { readonly evaluation: Evaluation; readonly value: Made } | undefined;
    return () => {
      const evaluation = this.evaluation();
      if (made?.evaluation !== evaluation) made = { evaluation, value: make(evaluation) };
      return made.value;
    };
  }

  /** Closes itself, and this process becomes the shell or program. */
  async become(kept: KeptLaunch): Promise<never> {
    await this.close();
    this.onBecome?.(kept);
    const { becomeKept } = await import('./kept-launch.ts');
    return becomeKept(kept, this.env, { stackLimit: this.childStackLimit });
  }

  /** Keeps caches and lets go of the store. Safe to call more than once. */
  async close(): Promise<void> {
    try {
      this.running?.close();
    } finally {
      await this.bridge?.close();
      await this.opened?.close();
      await this.openedForEvaluation?.close();
      this.opened = undefined;
      this.openedForEvaluation = undefined;
    }
  }
}

/** Read by the user, not by the program: purity does not matter. */
function readArgumentFile(path: string, reads: ReadLog | undefined): string {
  reads?.observe(utf8ToByteString(path));
  try {
    return byteStringOf(readFileSync(path));
  } catch (error) {
    throw new IoError(`cannot read '${path}': ${(error as Error).message}`, { data: { path }, cause: error });
  }
}

export type { EvalLogLevel };
export type { ShellTask } from '../shell/rc.ts';
