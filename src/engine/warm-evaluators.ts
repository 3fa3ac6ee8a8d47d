// Evaluators that outlive a run, for a process that stays (cli/warm-server.ts): each run has its own engine, store and host, and the evaluator
// of an earlier run with the same settings, which kept what follows from hashes (eval/kept.ts). What an earlier run read for that counts
// as read by each run that has it. A run that told the user something, failed, or read what is not known by its hash leaves nothing behind.

import type { CodeStore } from '../eval/code-pack.ts';
import type { Evaluator, EvaluatorOptions } from '../eval/evaluator.ts';
import type {
  AddToStoreRequest,
  ClosureRequest,
  EvalConstants,
  EvalHost,
  EvalLogLevel,
  FetchedClosure,
  FetchedTree,
  LockedFlakeInfo,
  PathKind,
} from '../eval/host.ts';
import { Kept } from '../eval/kept.ts';
import type { TraceFrame } from '../base/errors.ts';
import type { Derivation } from '../model/derivation.ts';
import type { StorePath } from '../model/store-path.ts';
import type { DiskCodeStore } from './code-cache.ts';
import { type EngineEvalHost, type Pending, referencesOf } from './eval-host.ts';
import { notHere } from './not-here.ts';
import { type KeptReads, ReadLog } from './reads.ts';

/** Evaluators by what decides their results. */
export class WarmEvaluators {
  private readonly states = new Map<string, WarmState>();
  private readonly running = new Map<string, WarmState>();

  /** What the run has printed so far, a byte string. */
  printed: () => string = () => '';

  /** The evaluator for these settings; undefined where this run has it already. */
  open(key: string): WarmState | undefined {
    if (this.running.has(key)) return undefined;
    const state = this.states.get(key) ?? new WarmState();
    this.running.set(key, state);
    return state;
  }

  /** After a run, whose engine is closed. What it used is kept if it succeeded. */
  end(isGood: boolean): void {
    for (const [key, state] of this.running) {
      if (isGood && state.isSound) this.states.set(key, state);
      else this.states.delete(key);
    }
    this.running.clear();
  }
}

/** Packs of compiled code that an evaluator holds. */
const MOST_PACKS = 4;

type PathRead = KeptReads['paths'][number];

/** One evaluator, and what it produced and read. */
export class WarmState {
  /** Objects that evaluation produced. */
  readonly produced = new Map<StorePath, Pending>();
  /** What evaluation itself reads in this run. */
  reads = new ReadLog();
  private readonly kept = new Kept();
  private readonly host = new SwitchedHost();
  private readonly code = new SwitchedCode();
  private evaluator: Evaluator | undefined;
  private isClosed = true;
  private isTainted = false;
  private known = new Set<StorePath>();
  private readonly valid = new Set<StorePath>();
  private readonly folderReads = new Map<string, PathRead[]>();
  private readonly codeStores = new Map<string, DiskCodeStore>();

  /** Whether the next run may go on from here. */
  get isSound(): boolean {
    return this.isClosed && !this.isTainted;
  }

  /** Something happened that another run would not see, or not be told of. */
  taint(): void {
    this.isTainted = true;
  }

  /** The compiled code of a place, as this process knows it. PERF: a pack is megabytes to read. */
  codeStore(place: string, make: () => DiskCodeStore): DiskCodeStore {
    const known = this.codeStores.get(place) ?? make();
    this.codeStores.delete(place);
    this.codeStores.set(place, known);
    const [oldest] = this.codeStores.keys();
    if (this.codeStores.size > MOST_PACKS) this.codeStores.delete(oldest!);
    return known;
  }

  /** Begins a run. */
  begin(
    host: EngineEvalHost,
    code: DiskCodeStore,
    reads: ReadLog,
    make: (options: Pick<EvaluatorOptions, 'host' | 'codeStore' | 'kept'>) => Evaluator,
  ): Evaluator {
    this.host.current = host;
    this.host.taint = () => this.taint();
    this.host.reads = reads;
    this.code.current = code;
    this.isClosed = false;
    this.known = new Set(this.produced.keys());
    this.evaluator ??= make({ host: this.host, codeStore: this.code, kept: this.kept });
    this.evaluator.beginRound();
    return this.evaluator;
  }

  /** Refuses in the middle of a run what its end would refuse. */
  requireSound(reads: ReadLog): void {
    if (this.reads.refused !== undefined) reads.refuse(this.reads.refused);
    if (this.kept.hasNewNames) reads.refuse('a tree is called by another name');
  }

  /** Ends a run; `reads` gets what was read for it, now and before. Safe to call again. */
  close(reads: ReadLog, isValid: (path: StorePath) => boolean): void {
    if (this.isClosed) return;
    const host = this.host.current!;
    const own = this.reads.keep();
    this.reads = new ReadLog();
    if (own === undefined || own.paths.length > 0 || own.variables.length > 0 || own.invalid.length > 0) this.taint();
    reads.take(own);
    this.requireSound(reads);
    this.evaluator!.endRound();
    for (const path of own?.valid ?? []) if (!host.hasProduced(path as StorePath)) this.valid.add(path as StorePath);
    for (const path of this.valid) {
      if (isValid(path)) reads.valid(path);
      else this.valid.delete(path);
    }
    this.keepFolderReads(reads, this.kept.folders(host));
    this.forgetProducts();
    this.isClosed = true;
  }

  /** Trees that lie in plain folders: what was read there. */
  private keepFolderReads(reads: ReadLog, folders: readonly string[]): void {
    const paths = reads.keep()?.paths ?? [];
    for (const folder of folders) {
      const below = paths.filter(([path]) => path === folder || path.startsWith(`${folder}/`));
      const before = this.folderReads.get(folder) ?? [];
      if (before.length > 0)
        reads.take({ paths: before, variables: [], writable: [], store: null, valid: [], invalid: [], expiresMs: null });
      const known = new Set(before.map(([path, { F }]) => `${path}\0${F ?? ''}`));
      const added = below.filter(([path, { F }]) => !known.has(`${path}\0${F ?? ''}`));
      if (added.length > 0) this.folderReads.set(folder, [...before, ...added]);
    }
  }

  /** Lets go of trees that are read anew in each run, and of what refers to them. */
  private forgetProducts(): void {
    const { storeDir } = this.host.constants;
    const gone = new Set<StorePath>();
    for (const [path, pending] of this.produced) {
      if (pending.kind === 'tree' ? this.kept.isFixed(pending.source, storeDir) : this.known.has(path)) continue;
      if (pending.kind === 'tree' || referencesOf(pending).some((reference) => gone.has(reference))) {
        gone.add(path);
        this.produced.delete(path);
      }
    }
  }
}

/** The code store of this run. */
class SwitchedCode implements CodeStore {
  current: CodeStore | undefined;

  get(path: string): string | undefined {
    return this.current!.get(path);
  }

  put(path: string, content: string, form: string): void {
    this.current!.put(path, content, form);
  }
}

/** The host of this run. What leads out of the store, or is no input of a flake, cannot be kept. */
class SwitchedHost implements EvalHost {
  current: EngineEvalHost | undefined;
  taint: () => void = () => undefined;
  /** Of the run: what it refuses is not answered, even where a program or the printer goes on after the error. */
  reads: ReadLog | undefined;

  private get host(): EngineEvalHost {
    return this.current!;
  }

  get constants(): EvalConstants {
    return this.host.constants;
  }

  readFile(path: string): string {
    return this.host.readFile(path);
  }

  readDir(path: string): { readonly name: string; readonly kind: PathKind }[] {
    return this.host.readDir(path);
  }

  pathKind(path: string): PathKind | undefined {
    return this.host.pathKind(path);
  }

  readLink(path: string): string {
    return this.host.readLink(path);
  }

  showPath(path: string): string | undefined {
    return this.host.showPath(path);
  }

  checkAccess(path: string): void {
    this.host.checkAccess(path);
  }

  treeFolder(storePath: StorePath): string | undefined {
    return this.host.treeFolder(storePath);
  }

  noSuchPath(path: string): Error {
    return this.host.noSuchPath(path);
  }

  addToStore(request: AddToStoreRequest): StorePath {
    return this.host.addToStore(request);
  }

  addTextToStore(name: string, text: string, references: readonly StorePath[]): StorePath {
    return this.host.addTextToStore(name, text, references);
  }

  registerDerivation(path: StorePath, derivation: Derivation, aterm: string): void {
    this.host.registerDerivation(path, derivation, aterm);
  }

  readDerivation(path: StorePath): Derivation | undefined {
    return this.host.readDerivation(path);
  }

  fetchTrees(inputs: Parameters<EvalHost['fetchTrees']>[0]): FetchedTree[] {
    // Those of locked inputs say so.
    if (inputs.some(({ attrs }) => attrs['__final'] !== true)) this.taint();
    return this.host.fetchTrees(inputs);
  }

  fetchClosure(request: ClosureRequest): FetchedClosure {
    this.taint();
    return this.host.fetchClosure(request);
  }

  lockFlake(flakeRef: string): LockedFlakeInfo {
    this.taint();
    return this.host.lockFlake(flakeRef);
  }

  realise(paths: readonly string[]): never {
    return this.refuse(`'${paths[0]}' is needed for evaluation`);
  }

  isValidPath(path: StorePath): boolean {
    return this.host.isValidPath(path);
  }

  allow(path: StorePath): void {
    this.host.allow(path);
  }

  queryReferences(path: StorePath): readonly StorePath[] {
    return this.host.queryReferences(path);
  }

  getEnv(name: string): string {
    return this.host.getEnv(name);
  }

  /** Which of two messages comes first can depend on names that other programs had, too. */
  log(_level: EvalLogLevel, message: string, _frames?: readonly TraceFrame[]): never {
    return this.refuse(`the program says '${message}'`);
  }

  private refuse(reason: string): never {
    this.reads?.refuse(reason);
    throw notHere(reason);
  }
}
