// The evaluator's door to the world: files, the store, fetching and building, all synchronous. Evaluation writes nothing: trees that
// are added, texts and derivations stay *pending* here with their store paths computed, can be read at those paths, and are written
// in one batch when something needs them (`flush`). What has to wait for the network or a builder goes over the blocking bridge.

import { compareStrings, utf8ToByteString } from '../base/bytes.ts';
import {
  EvalError,
  type FloeError,
  HashMismatchError,
  InvalidPathError,
  StoreError,
  IoError,
  RestrictedPathError,
  type TraceFrame,
} from '../base/errors.ts';
import { type Hash, equalHash, hashBytes, printHash } from '../base/hash.ts';
import type {
  AddToStoreRequest,
  ClosureRequest,
  EvalConstants,
  EvalHost,
  EvalLogLevel,
  FetchedClosure,
  FetchedTree,
  LockedFlakeInfo,
  PathFilter,
  PathKind,
} from '../eval/host.ts';
import { writeTreeNar } from '../fetch/source-tree.ts';
import { parseDerivationFile } from '../model/aterm.ts';
import { startTreeDigest } from '../model/git-hash.ts';
import { type ContentAddress, makeContentPath, makeTextPath } from '../model/content-address.ts';
import type { Derivation } from '../model/derivation.ts';
import type { ByteSink } from '../model/nar.ts';
import type { PathInfo } from '../model/path-info.ts';
import { isDerivationPath, splitStorePath, type StorePath } from '../model/store-path.ts';
import type { BlockingBridge } from './bridge.ts';
import type { RealisedForEvaluation } from './builds.ts';
import { DiskTree, type HostTree, SubTree, TextTree } from './host-tree.ts';
import type { ReadLog } from './reads.ts';
import type { Realisations } from '../store/local/realisations.ts';
import { RecordingDiskTree } from './recording.ts';

/** What evaluation produced and the store does not have yet. */
export type Pending =
  | {
      readonly kind: 'tree';
      readonly tree: HostTree;
      readonly address: ContentAddress;
      readonly references: readonly StorePath[];
      /** Where evaluation knows it by. */
      readonly source: string;
    }
  | { readonly kind: 'text'; readonly text: string; readonly references: readonly StorePath[] }
  | { readonly kind: 'derivation'; readonly derivation: Derivation; readonly aterm: string };

/** The part of a store that evaluation needs; the local store has it. */
export interface EvalStore {
  readonly storeDir: string;
  toRealPath(path: StorePath): string;
  isValidPathSync(path: StorePath): boolean;
  queryPathInfoSync(path: StorePath): PathInfo | undefined;
  readonly realisations?: Pick<Realisations, 'outputPath'> | undefined;
  /** Adds objects in one batch: each content address or text first, then derivations. */
  addPendingObjects(objects: readonly PendingObject[]): void;
  /** From now on a collector leaves these alone, where they are there. */
  addTempRootsSync(paths: readonly StorePath[]): void;
}

/** One object of a batch, in an order in which references come first. */
export interface PendingObject {
  readonly path: StorePath;
  readonly references: readonly StorePath[];
  readonly contentAddress: ContentAddress;
  /** Pushes the object's NAR. */
  readonly writeNar: (sink: ByteSink) => void;
}

export interface HostServices {
  /** Fetched trees are mounted by whoever fetches. */
  fetchTrees(inputs: Parameters<EvalHost['fetchTrees']>[0]): FetchedTree[];
  fetchClosure(request: ClosureRequest): FetchedClosure & { readonly closure: readonly StorePath[] };
  lockFlake(flakeRef: string): LockedFlakeInfo;
  log(level: EvalLogLevel, message: string, frames?: readonly TraceFrame[]): void;
  /** Paths that restricted mode leaves open. */
  readonly allowedPaths: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Gets everything that is read. */
  readonly reads?: ReadLog | undefined;
  /** What earlier runs of an evaluator that stays have produced; what is written stays there, because a collector may delete it. */
  readonly produced?: Map<StorePath, Pending> | undefined;
}

/** What is known of a fetched tree. */
export interface MountedTree {
  /** What messages call it. */
  readonly shown?: string | undefined;
  /** Holds exactly this tree. */
  readonly folder?: string | undefined;
}

const MAX_LINKS = 40;
/** How what a `path:` input holds is called. */
const PATH_INPUT = utf8ToByteString('«path:');

/** EvalHost over the machine and a local store. */
export class EngineEvalHost implements EvalHost {
  readonly constants: EvalConstants;
  private readonly store: EvalStore;
  private readonly bridge: BlockingBridge;
  private readonly services: HostServices;
  private readonly mounts = new Map<StorePath, HostTree>();
  /** What messages call the root of a mounted tree. */
  private readonly shownRoots = new Map<StorePath, string>();
  private readonly pending: Map<StorePath, Pending>;
  /** What this run has produced, where `pending` has that of others too. */
  private readonly ownProducts: Set<StorePath> | undefined;
  private readonly treeFolders = new Map<StorePath, string>();
  private readonly allowed = new Set<StorePath>();
  private readonly disk: DiskTree;
  /** What of `pending` was fetched: flake sources are copied only when something refers to them. */
  private readonly fetched = new Set<StorePath>();
  private readonly plainFolders = new Set<string>();
  /** PERF: paths that the store was asked about, which is a query each. */
  private readonly knownValid = new Set<StorePath>();
  private readonly added = new Map<string, StorePath>();

  constructor(constants: EvalConstants, store: EvalStore, bridge: BlockingBridge, services: HostServices) {
    this.constants = constants;
    this.store = store;
    this.bridge = bridge;
    this.services = services;
    this.pending = services.produced ?? new Map<StorePath, Pending>();
    this.ownProducts = services.produced === undefined ? undefined : new Set();
    this.disk = this.diskTree('');
  }

  private diskTree(root: string, shown?: string): DiskTree {
    const { reads } = this.services;
    return reads === undefined ? new DiskTree(root, shown) : new RecordingDiskTree(reads, root, shown);
  }

  // ---- reading

  /** Makes a fetched tree readable at its store path before (or without) being copied there. */
  mount(path: StorePath, tree: HostTree): void {
    this.mounts.set(path, tree);
    this.allowed.add(path);
  }

  showPath(path: string): string | undefined {
    const inStore = splitStorePathOrNothing(path, this.constants.storeDir);
    if (inStore === undefined) return undefined;
    const shown = this.shownRoots.get(inStore.storePath);
    if (shown !== undefined) return shown + inStore.rest;
    return this.mounts.has(inStore.storePath) || this.pending.has(inStore.storePath) ? path : undefined;
  }

  allow(path: StorePath): void {
    this.allowed.add(path);
  }

  private isAllowed(path: string): boolean {
    const { pureEval, restrictEval, storeDir } = this.constants;
    if (!pureEval && !restrictEval) return true;
    const inStore = splitStorePathOrNothing(path, storeDir);
    if (inStore && (this.allowed.has(inStore.storePath) || this.pending.has(inStore.storePath))) return true;
    if (pureEval) return false;
    const { allowedPaths } = this.services;
    return allowedPaths.some((open) => isWithin(path, open) || isWithin(open, path));
  }

  checkAccess(path: string): void {
    if (this.isAllowed(path)) return;
    const mode = this.constants.pureEval ? "pure evaluation mode (use '--impure' to override)" : 'restricted mode';
    throw new RestrictedPathError(`access to absolute path '${path}' is forbidden in ${mode}`);
  }

  /** Where a path lies: a tree and the path inside it. Symbolic links are not followed. */
  private locate(path: string): { tree: HostTree; rest: string } {
    this.checkAccess(path);
    const inStore = splitStorePathOrNothing(path, this.constants.storeDir);
    if (inStore === undefined) return { tree: this.disk, rest: path === '/' ? '' : path };
    const { storePath, rest } = inStore;
    const mounted = this.mounts.get(storePath);
    if (mounted) return { tree: mounted, rest };
    const pending = this.pending.get(storePath);
    if (pending) {
      const shown = `${this.constants.storeDir}/${storePath}`;
      const tree = pending.kind === 'tree' ? pending.tree : new TextTree(pending.kind === 'text' ? pending.text : pending.aterm, shown);
      this.mounts.set(storePath, tree);
      return { tree, rest };
    }
    const shown = `${this.constants.storeDir}/${storePath}`;
    const real = this.store.toRealPath(storePath);
    // What a store elsewhere does not have may lie in the machine's own, which programs name alike.
    const isValid = (real !== shown || this.services.reads !== undefined) && this.isKnownValid(storePath);
    if (real !== shown && !isValid) return { tree: this.disk, rest: path };
    // What is valid never changes.
    return { tree: isValid ? new DiskTree(real, shown) : this.diskTree(real, shown), rest };
  }

  private isKnownValid(path: StorePath): boolean {
    if (this.knownValid.has(path)) return true;
    const isValid = this.store.isValidPathSync(path);
    if (isValid) {
      this.knownValid.add(path);
      this.services.reads?.valid(path);
    } else this.services.reads?.invalid(path);
    return isValid;
  }

  private kindOf(path: string): PathKind | undefined {
    const { tree, rest } = this.locate(path);
    return tree.kind(rest);
  }

  /** Follows symbolic links in every component but, unless `last`, the final one. */
  private resolve(path: string, last: boolean, depth = 0): string {
    if (depth > MAX_LINKS) throw new IoError(`path '${path}' has too many levels of symbolic links`);
    if (path === '/') return path;
    const { storeDir } = this.constants;
    if (path === storeDir) return path;
    const slash = path.lastIndexOf('/');
    const parent = slash === 0 ? '/' : path.slice(0, slash);
    const name = path.slice(slash + 1);
    let folder = parent;
    if (parent !== '/' && parent !== storeDir && !this.plainFolders.has(parent)) {
      folder = this.resolve(parent, true, depth + 1);
      if (folder === parent) this.plainFolders.add(parent);
    }
    const here = folder === '/' ? `/${name}` : `${folder}/${name}`;
    if (!last) return here;
    // Outside the store the machine follows links itself; only a link that leads into a store elsewhere needs our own walk.
    // What may not be looked at counts as no link: whoever opens the whole path is refused, by its name.
    if (!this.isAllowed(here)) return here;
    const { tree, rest } = this.locate(here);
    if (tree.kind(rest) !== 'symlink') return here;
    const target = tree.readLink(rest);
    return this.resolve(canonicalPath(target.startsWith('/') ? target : `${folder}/${target}`), true, depth + 1);
  }

  noSuchPath(path: string): FloeError {
    try {
      this.readFile(path);
    } catch (error) {
      // The tree's own reason: not tracked by git, filtered out.
      if (error instanceof RestrictedPathError) return error;
    }
    return new IoError(`path '${this.showPath(path) ?? path}' does not exist`, { data: { path } });
  }

  /** Trees name what cannot be read by its path below their root, or by its place on the machine; users know it by what the tree is called. */
  private explainRead(error: unknown, path: string, { tree, rest }: { tree: HostTree; rest: string }, isFolder: boolean): unknown {
    const shown = this.showPath(path);
    if (shown === undefined || !(error instanceof IoError) || error instanceof RestrictedPathError) return error;
    if (shown === path || shown.startsWith(PATH_INPUT)) {
      // NIX: trees of `path:` lie in the store and are read there.
      const reason = /": ([A-Z][a-z ]+)$/.exec(error.message)?.[1];
      if (reason === undefined) return error;
      const what = isFolder ? `cannot read directory "${path}"` : `opening file '${path}'`;
      return new IoError(`${what}: ${reason}`, { data: { path }, cause: error });
    }
    return tree.kind(rest) === undefined ? new IoError(`'${shown}' does not exist`, { data: { path }, cause: error }) : error;
  }

  readFile(path: string): string {
    const resolved = this.resolve(path, true);
    const place = this.locate(resolved);
    try {
      return place.tree.readFile(place.rest);
    } catch (error) {
      throw this.explainRead(error, resolved, place, false);
    }
  }

  readDir(path: string): { name: string; kind: PathKind }[] {
    const resolved = this.resolve(path, true);
    const place = this.locate(resolved);
    try {
      const entries = place.tree.readDir(place.rest);
      // Above what may be read, only the way there is seen.
      return place.tree === this.disk
        ? entries.filter(({ name }) => this.isAllowed(`${resolved === '/' ? '' : resolved}/${name}`))
        : entries;
    } catch (error) {
      throw this.explainRead(error, resolved, place, true);
    }
  }

  pathKind(path: string): PathKind | undefined {
    if (path === this.constants.storeDir) return 'directory';
    let parent: string;
    try {
      parent = this.resolve(path, false);
    } catch (error) {
      if (error instanceof IoError) return undefined;
      throw error;
    }
    return this.kindOf(parent);
  }

  /** Whether a regular file may be executed; for copying templates. */
  isExecutable(path: string): boolean {
    const { tree, rest } = this.locate(this.resolve(path, false));
    return tree.isExecutable(rest);
  }

  readLink(path: string): string {
    const { tree, rest } = this.locate(this.resolve(path, false));
    return tree.readLink(rest);
  }

  // ---- adding

  addToStore(request: AddToStoreRequest): StorePath {
    const { name, method, algorithm, filter, expected, references = [] } = request;
    const contentReferences = { others: references, self: false };
    const key = filter === undefined && references.length === 0 ? `${method}:${algorithm}:${name}:${request.path}` : undefined;
    const known = key === undefined ? undefined : this.added.get(key);
    if (known !== undefined) return known;
    if (expected) {
      const path = makeContentPath(name, { method, hash: expected }, contentReferences, this.constants.storeDir);
      if (this.isValidPath(path)) return this.remember(key, path);
    }
    const { tree, rest } = this.locate(this.resolve(request.path, false));
    if (tree.kind(rest) === undefined) throw this.noSuchPath(request.path);
    const accepted = filter && method !== 'flat' ? acceptedPaths(tree, rest, request.path, filter) : undefined;
    const part = rest === '' && accepted === undefined ? tree : new SubTree(tree, rest, accepted);
    const hash = this.hashTree(part, method, algorithm, request.path);
    if (expected && !equalHash(expected, hash)) {
      throw new HashMismatchError(
        `hash mismatch for path '${request.path}': expected ${printHash(expected, 'sri')}, got ${printHash(hash, 'sri')}`,
        {
          data: { wanted: printHash(expected, 'sri'), got: printHash(hash, 'sri') },
        },
      );
    }
    const address = { method, hash };
    const path = makeContentPath(name, address, contentReferences, this.constants.storeDir);
    this.produce(path, { kind: 'tree', tree: part, address, references, source: request.path });
    return this.remember(key, path);
  }

  private produce(path: StorePath, pending: Pending): void {
    this.ownProducts?.add(path);
    if (!this.pending.has(path)) this.pending.set(path, pending);
  }

  private remember(key: string | undefined, path: StorePath): StorePath {
    if (key !== undefined) this.added.set(key, path);
    this.allowed.add(path);
    return path;
  }

  private hashTree(tree: HostTree, method: ContentAddress['method'], algorithm: Hash['algorithm'], shown: string): Hash {
    if (method === 'flat' || method === 'text') {
      if (tree.kind('') !== 'regular') throw new EvalError(`path '${shown}' is not a regular file, so it has no flat hash`);
      return hashBytes(algorithm, tree.readBytes(''));
    }
    const sink = startTreeDigest(method, algorithm);
    writeTreeNar(
      tree,
      (chunk) => sink.update(chunk),
      (below) => shown + below,
    );
    return { algorithm, bytes: sink.digest() };
  }

  addTextToStore(name: string, text: string, references: readonly StorePath[]): StorePath {
    const path = makeTextPath(name, hashBytes('sha256', text), references, this.constants.storeDir);
    this.allowed.add(path);
    this.produce(path, { kind: 'text', text, references });
    return path;
  }

  registerDerivation(path: StorePath, derivation: Derivation, aterm: string): void {
    this.produce(path, { kind: 'derivation', derivation, aterm });
  }

  readDerivation(path: StorePath): Derivation | undefined {
    const pending = this.pending.get(path);
    if (pending?.kind === 'derivation') return pending.derivation;
    if (!isDerivationPath(path) || !this.isKnownValid(path)) return undefined;
    const text = new DiskTree(this.store.toRealPath(path)).readFile('');
    return parseDerivationFile(path, text, this.constants.storeDir);
  }

  realisedOutput(path: StorePath, output: string): StorePath | undefined {
    const derivation = this.readDerivation(path);
    if (derivation === undefined || this.store.realisations === undefined) return undefined;
    this.services.reads?.refuse('it was asked what an output had been built as');
    // Hashes of inputs are read from the store.
    this.flush([...derivation.inputDerivations.keys()]);
    return this.store.realisations.outputPath(derivation, output);
  }

  /** A fetched tree whose bytes may be wanted in the store later. */
  addMountedTree(path: StorePath, tree: HostTree, address: ContentAddress, { shown, folder }: MountedTree = {}): void {
    if (folder !== undefined) this.treeFolders.set(path, folder);
    if (shown !== undefined) this.shownRoots.set(path, shown);
    this.mount(path, tree);
    this.fetched.add(path);
    // Also where the store has it: a collector may delete it before something refers to it. Writing leaves alone what is valid then.
    this.pending.set(path, { kind: 'tree', tree, address, references: [], source: `${this.constants.storeDir}/${path}` });
  }

  treeFolder(path: StorePath): string | undefined {
    return this.treeFolders.get(path);
  }

  isValidPath(path: StorePath): boolean {
    return this.pending.has(path) || this.mounts.has(path) || this.isKnownValid(path);
  }

  queryReferences(path: StorePath): readonly StorePath[] {
    const pending = this.pending.get(path);
    if (pending !== undefined) return referencesOf(pending);
    const info = this.store.queryPathInfoSync(path);
    if (info === undefined) this.services.reads?.invalid(path);
    else this.services.reads?.valid(path);
    return info?.references ?? [];
  }

  /** Writes `roots` and everything pending that they refer to. One batch, references first. */
  flush(roots: readonly StorePath[]): void {
    const batch = this.ownProducts === undefined ? this.batchOf(roots) : this.missingOf(roots);
    if (batch.length > 0) this.store.addPendingObjects(batch);
    this.noteWritten(roots, batch);
    if (this.ownProducts === undefined) for (const { path } of batch) this.pending.delete(path);
  }

  /** What of all this the store lacks. PERF: below what is valid, all is valid, and a collector leaves it as long as we are there. */
  private missingOf(roots: readonly StorePath[]): PendingObject[] {
    const valid = new Set<StorePath>();
    const isValid = (path: StorePath): boolean => this.store.isValidPathSync(path);
    const batch = this.batchOf(roots, (path) => isValid(path) && valid.add(path) !== undefined);
    if (batch.length === 0) return batch;
    // PERF: at once with what is written, since each addition starts a program that locks.
    this.store.addTempRootsSync([...valid, ...batch.map(({ path }) => path)]);
    // One may have gone before it was held.
    return [...valid].every(isValid) ? batch : this.batchOf(roots);
  }

  /** `roots` and everything pending that they refer to, but for what lies below those that `isThere` accepts. */
  private batchOf(roots: readonly StorePath[], isThere: (path: StorePath) => boolean = () => false): PendingObject[] {
    const batch: PendingObject[] = [];
    const seen = new Set<StorePath>();
    const stack: { path: StorePath; leave: boolean }[] = roots.map((path) => ({ path, leave: false }));
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const pending = this.pending.get(top.path);
      if (pending === undefined) continue;
      if (top.leave) {
        batch.push(this.pendingObject(top.path, pending));
        continue;
      }
      if (seen.has(top.path)) continue;
      seen.add(top.path);
      if (isThere(top.path)) continue;
      stack.push({ path: top.path, leave: true });
      for (const path of referencesOf(pending)) if (!seen.has(path)) stack.push({ path, leave: false });
    }
    return batch;
  }

  /** The result needs what was written for it; what others of the same batch refer to is valid as long as they are. */
  private noteWritten(roots: readonly StorePath[], batch: readonly PendingObject[]): void {
    const { reads } = this.services;
    if (reads === undefined) return;
    const below = new Set(batch.flatMap(({ path, references }) => references.filter((reference) => reference !== path)));
    for (const root of roots) if (!below.has(root)) reads.valid(root);
  }

  private pendingObject(path: StorePath, pending: Pending): PendingObject {
    if (pending.kind === 'tree')
      return {
        path,
        references: referencesOf(pending),
        contentAddress: pending.address,
        writeNar: (sink) => writeTreeNar(pending.tree, sink, (below) => path + below),
      };
    const text = pending.kind === 'text' ? pending.text : pending.aterm;
    return {
      path,
      references: referencesOf(pending),
      contentAddress: { method: 'text', hash: hashBytes('sha256', text) },
      writeNar: (sink) => writeTreeNar(new TextTree(text, path), sink),
    };
  }

  /** What evaluation itself has produced so far and is not written yet: derivations, texts, trees. Not what was fetched. */
  pendingObjects(): StorePath[] {
    return [...(this.ownProducts ?? this.pending.keys())].filter((path) => !this.fetched.has(path));
  }

  /** Products of evaluation that a text names. */
  productsIn(text: string): StorePath[] {
    return [...new Set(text.match(/[0-9a-z]{32}-[\w+.?=-]+/g) as StorePath[] | null)].filter((path) => this.pending.has(path));
  }

  /** Whether evaluation has produced it, in this run or an earlier one. */
  hasProduced(path: StorePath): boolean {
    return this.pending.has(path);
  }

  // ---- the world

  fetchTrees(inputs: Parameters<EvalHost['fetchTrees']>[0]): FetchedTree[] {
    const trees = this.services.fetchTrees(inputs);
    for (const { storePath } of trees) this.allowed.add(storePath);
    return trees;
  }

  fetchClosure(request: ClosureRequest): FetchedClosure {
    const fetched = this.services.fetchClosure(request);
    for (const path of fetched.closure) {
      this.allowed.add(path);
      this.services.reads?.valid(path);
    }
    return fetched;
  }

  lockFlake(flakeRef: string): LockedFlakeInfo {
    return this.services.lockFlake(flakeRef);
  }

  realise(paths: readonly string[]): ReadonlyMap<string, string> | undefined {
    const roots = paths
      .map((path) => path.split('^')[0]!.split('!')[0]!)
      .map((path) => splitStorePath(path, this.constants.storeDir)?.storePath);
    for (const root of roots) if (root === undefined) throw new InvalidPathError(`path '${paths.join(' ')}' is not in the Nix store`);
    if (this.constants.readOnly) this.refuseToBuild(roots as StorePath[]);
    this.flush(roots as StorePath[]);
    const { readable, placeholders, hasWorked } = this.bridge.call('realise', paths) as RealisedForEvaluation;
    // The next time it is there, and nothing is said of it.
    if (hasWorked) this.services.reads?.refuse('something was built');
    for (const path of readable) {
      this.allowed.add(path);
      this.services.reads?.valid(path);
    }
    return placeholders.length === 0 ? undefined : new Map(placeholders);
  }

  /** Nothing is written in read-only mode, so what evaluation itself has made cannot be built. */
  private refuseToBuild(roots: readonly StorePath[]): void {
    for (const root of roots.filter((one) => this.pending.has(one))) {
      if (!this.store.isValidPathSync(root)) throw new InvalidPathError(`path '${root}' is not valid`);
      for (const output of this.readDerivation(root)?.outputs.values() ?? [])
        if ('path' in output && !this.store.isValidPathSync(output.path))
          throw new StoreError(`cannot substitute path '${this.constants.storeDir}/${output.path}' - no write access to the Nix store`);
    }
  }

  getEnv(name: string): string {
    if (this.constants.pureEval || this.constants.restrictEval) return '';
    const value = this.services.env[name];
    this.services.reads?.variable(name, value);
    return value ?? '';
  }

  log(level: EvalLogLevel, message: string, frames?: readonly TraceFrame[]): void {
    this.services.log(level, message, frames);
  }
}

/** What it refers to. */
export function referencesOf(pending: Pending): StorePath[] {
  if (pending.kind !== 'derivation') return [...pending.references].sort(compareStrings);
  return [...new Set([...pending.derivation.inputSources, ...pending.derivation.inputDerivations.keys()])].sort(compareStrings);
}

function splitStorePathOrNothing(path: string, storeDir: string): ReturnType<typeof splitStorePath> {
  if (!path.startsWith(storeDir)) return undefined;
  try {
    return splitStorePath(path, storeDir);
  } catch {
    return undefined;
  }
}

/** Whether `path` is `folder` or lies below it. */
function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/** Resolves "." and ".." and doubled slashes; absolute paths only. */
export function canonicalPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Runs the filter over a tree, in order of names; gives what it accepted, relative to the root. */
function acceptedPaths(tree: HostTree, root: string, shown: string, filter: PathFilter): Set<string> {
  const accepted = new Set<string>();
  const visit = (below: string): void => {
    const entries = tree.readDir(root + below).sort((a, b) => compareStrings(a.name, b.name));
    for (const { name, kind } of entries) {
      const path = `${below}/${name}`;
      if (!filter(shown + path, kind)) continue;
      accepted.add(path);
      if (kind === 'directory') visit(path);
    }
  };
  if (tree.kind(root) === 'directory') visit('');
  return accepted;
}
