// Locking: from a flake's inputs and its old lock file to the new one. Pure and synchronous: `lockFlake` is a generator that asks for
// the trees it misses, all of one level at once, and is resumed with them. It decides what C++ Nix decides (libflake/flake.cc,
// lockFlake and computeLocks): old entries are kept while the reference is the same, `follows` and overrides win over what an input
// itself says, an input's own lock file is believed when the input is new. Nothing is written here; lock-plan.ts says what is to be.
//
// To keep C++ Nix's order of warnings and errors with fetches a level at a time, the graph is walked depth first again and again: a
// walk notes the trees it lacks and goes on beside them; the walk that lacks none is the result. A walk costs microseconds.

import { EvalError, FloeError, RestrictedPathError, UsageError } from '../base/errors.ts';
import { nearestNames, printSuggestions } from '../base/suggestions.ts';
import type { GlobalNames } from '../lang/bind.ts';
import { canonicalFlakeRef, equalFlakeRefs, type FlakeRef, flakeRefFromAttrs, printFlakeRef } from '../model/flake-ref.ts';
import {
  type InputAttrs,
  inputFingerprint,
  integerAttr,
  isLockedInput,
  printInputAttrs,
  relativePathOf,
  withAttrs,
} from '../model/input-scheme.ts';
import {
  checkFollows,
  compareInputPaths,
  emptyLockFile,
  findUnlockedInput,
  type InputPath,
  type LockedNode,
  type LockFile,
  type LockNode,
  parseInputPath,
  parseLockFile,
  printInputPath,
  printLockFile,
  sortedInputs,
  type UnlockedSettings,
} from '../model/lock-file.ts';
import type { WarningSink } from '../model/url.ts';
import { type FlakeFile, type FlakeInput, type FlakeInputs, type FlakeSource, readFlake } from './read.ts';
import type { RegistryUse } from './resolve.ts';

/** A tree that is wanted: an input, to be resolved in these registries and fetched. */
export interface FetchRequest {
  readonly input: InputAttrs;
  readonly registries: RegistryUse;
}

/** A tree that was fetched. Engines may hand out objects with more in them and find them again in the result. */
export interface FetchedTree {
  readonly source: FlakeSource;
  /** What the registries made of the request. */
  readonly resolved: InputAttrs;
  /** As the fetcher locked it: `narHash` and `__final` among the attributes. */
  readonly locked: InputAttrs;
  /** The folder that a registry entry names. */
  readonly dir: string | undefined;
  /** Names the content for evaluation caches; undefined where nothing does. */
  readonly fingerprint: string | undefined;
}

/** An answer to a request: the tree, or why there is none. */
export type FetchAnswer<Tree extends FetchedTree = FetchedTree> = Tree | { readonly error: unknown };

export interface LockFlags {
  /** Forget the old lock file. */
  readonly recreate?: boolean;
  /** By input path. */
  readonly overrides?: readonly { readonly path: InputPath; readonly ref: FlakeRef }[];
  /** Inputs whose old entries do not count. */
  readonly updates?: readonly InputPath[];
  /** Off in pure evaluation: inputs without an entry must be locked by their own attributes. */
  readonly allowUnlocked?: boolean;
  readonly useRegistries?: boolean;
}

export interface LockOptions<Tree extends FetchedTree = FetchedTree> extends LockFlags {
  readonly settings: UnlockedSettings;
  readonly warn: WarningSink;
  /** Names of the base environment (see ReadFlakeOptions). */
  readonly globals?: GlobalNames | undefined;
  readonly debug?: WarningSink | undefined;
  /** What C++ Nix says of a file that a relative path ("/../a/flake.nix") leads to, outside of the tree; undefined where it would read it. */
  explainOutside?(tree: Tree, path: string): string | undefined;
  /** Told of the flake itself before its inputs are looked at. */
  onTop?(top: TopFlake<Tree>): void;
  /** Text of a lock file to start from instead of the flake's own, with its name. */
  readonly referenceLockFile?: { readonly text: string; readonly path: string } | undefined;
}

/** The flake that was asked for. */
export interface TopFlake<Tree extends FetchedTree = FetchedTree> {
  readonly originalRef: FlakeRef;
  readonly resolvedRef: FlakeRef;
  readonly lockedRef: FlakeRef;
  readonly tree: Tree;
  readonly file: FlakeFile;
}

/** Where a node's files are, for nodes whose tree was fetched while locking. */
export interface NodePlace<Tree extends FetchedTree = FetchedTree> {
  readonly tree: Tree;
  /** "" or "/a/b". */
  readonly folder: string;
}

export interface LockResult<Tree extends FetchedTree = FetchedTree> {
  readonly top: TopFlake<Tree>;
  readonly oldLockFile: LockFile;
  /** The text of the flake's own lock file when it was read; undefined where there was none. */
  readonly oldText: string | undefined;
  readonly lockFile: LockFile;
  readonly places: ReadonlyMap<LockNode, NodePlace<Tree>>;
}

export type Locking<Result, Tree extends FetchedTree = FetchedTree> = Generator<
  readonly FetchRequest[],
  Result,
  readonly FetchAnswer<Tree>[]
>;

function requestKey({ input, registries }: FetchRequest): string {
  return `${registries} ${printInputAttrs(input)}`;
}

/** Trees that have been asked for, and those still missing. */
class Trees<Tree extends FetchedTree> {
  private readonly answers = new Map<string, FetchAnswer<Tree>>();
  private readonly missing = new Map<string, FetchRequest>();
  private readonly files = new Map<string, FlakeFile>();
  private readonly globals: GlobalNames | undefined;

  constructor(globals: GlobalNames | undefined) {
    this.globals = globals;
  }

  /** The tree; undefined where it has to be asked for first. Throws where fetching it failed. */
  get(input: InputAttrs, registries: RegistryUse): Tree | undefined {
    const request = { input, registries };
    const key = requestKey(request);
    const answer = this.answers.get(key);
    if (answer === undefined) {
      this.missing.set(key, request);
      return undefined;
    }
    if ('error' in answer) throw answer.error;
    return answer;
  }

  get isComplete(): boolean {
    return this.missing.size === 0;
  }

  *fetchMissing(): Generator<readonly FetchRequest[], void, readonly FetchAnswer<Tree>[]> {
    const keys = [...this.missing.keys()];
    const answers = yield [...this.missing.values()];
    this.missing.clear();
    keys.forEach((key, index) => this.answers.set(key, answers[index]!));
  }

  /** Reads a flake.nix once, however often the graph is walked. */
  read(tree: Tree, folder: string, ref: FlakeRef, lockPath: InputPath, warn: WarningSink): FlakeFile {
    const key = JSON.stringify([printInputAttrs(tree.locked), folder, lockPath, printFlakeRef(ref)]);
    let file = this.files.get(key);
    if (!file) {
      file = readFlake(tree.source, { folder, ref, lockPath, warn, globals: this.globals });
      this.files.set(key, file);
    }
    return file;
  }
}

/** "a/b" or "" -> "/a/b" or "". */
function folderOf(subdir: string): string {
  const segments = subdir.split('/').filter((segment) => segment !== '' && segment !== '.');
  return segments.map((segment) => `/${segment}`).join('');
}

/** A relative path from a folder of a tree; undefined where it leads out of the tree. */
function folderInTree(folder: string, relative: string): string | undefined {
  const segments = folder.split('/').filter((segment) => segment !== '');
  for (const segment of relative.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') segments.push(segment);
    else if (segments.pop() === undefined) return undefined;
  }
  return segments.map((segment) => `/${segment}`).join('');
}

const SELF_ATTRS = new Set(['submodules', 'lfs']);

/** A flake with its flake.nix read; undefined while trees are missing. Fetched anew where `inputs.self` asks for another form. */
function getFlake<Tree extends FetchedTree>(
  trees: Trees<Tree>,
  originalRef: FlakeRef,
  registries: RegistryUse,
  lockPath: InputPath,
  warn: WarningSink,
  debug: WarningSink = () => {},
): TopFlake<Tree> | undefined {
  const tree = trees.get(originalRef.input, registries);
  if (!tree) return undefined;
  const subdir = tree.dir ?? originalRef.subdir;
  const resolvedRef = { input: tree.resolved, subdir };
  const lockedRef = { input: tree.locked, subdir };
  const file = trees.read(tree, folderOf(subdir), resolvedRef, lockPath, warn);
  const wanted = Object.entries(file.selfAttrs);
  for (const [name] of wanted) if (!SELF_ATTRS.has(name)) throw new EvalError(`flake 'self' attribute '${name}' is not supported`);
  if (wanted.every(([name, value]) => lockedRef.input[name] === value)) return { originalRef, resolvedRef, lockedRef, tree, file };
  const again = trees.get(withAttrs(lockedRef.input, { ...file.selfAttrs, narHash: undefined }), 'no');
  if (!again) {
    debug(`refetching input '${printFlakeRef(lockedRef)}' due to self attribute`);
    return undefined;
  }
  const fullFile = trees.read(again, folderOf(subdir), resolvedRef, lockPath, warn);
  return { originalRef, resolvedRef, lockedRef: { input: again.locked, subdir }, tree: again, file: fullFile };
}

/** The flake alone, without its inputs: fetched and read. */
export function* readTopFlake<Tree extends FetchedTree>(
  ref: FlakeRef,
  useRegistries: boolean,
  warn: WarningSink,
  globals?: GlobalNames,
): Locking<TopFlake<Tree>, Tree> {
  const trees = new Trees<Tree>(globals);
  for (;;) {
    const flake = getFlake(trees, ref, useRegistries ? 'all' : 'no', [], warn);
    if (flake) return flake;
    yield* trees.fetchMissing();
  }
}

function lockFileText(file: FlakeFile): string | undefined {
  const path = `${file.folder}/flake.lock`;
  return file.source.tree.kind(path) === undefined ? undefined : file.source.tree.readFile(path);
}

function readLockFileOf(file: FlakeFile, options: LockOptions, warn: WarningSink): LockFile {
  const text = lockFileText(file);
  if (text === undefined) return emptyLockFile();
  return parseLockFile(text, file.source.describe(`${file.folder}/flake.lock`), { settings: options.settings, warn });
}

/** Locks a flake. Warnings are given once, in the order of the inputs. */
export function* lockFlake<Tree extends FetchedTree>(topRef: FlakeRef, options: LockOptions<Tree>): Locking<LockResult<Tree>, Tree> {
  const trees = new Trees<Tree>(options.globals);
  const useRegistries = options.useRegistries ?? true;
  const settled: string[] = [];
  let isTold = false;
  for (;;) {
    const warnings: string[] = [];
    try {
      const top = getFlake(trees, topRef, useRegistries ? 'all' : 'no', [], (message) => settled.push(message), options.debug);
      if (top) {
        if (!isTold) {
          isTold = true;
          options.onTop?.(top);
        }
        const result = new Walk(top, trees, options, useRegistries, warnings).run();
        if (trees.isComplete) {
          for (const message of [...settled, ...warnings]) options.warn(message);
          return result;
        }
      }
    } catch (error) {
      // What went wrong may lie behind a tree that is still to come: then it goes wrong again.
      if (trees.isComplete) {
        for (const message of [...settled, ...warnings]) options.warn(message);
        throw error;
      }
    }
    yield* trees.fetchMissing();
  }
}

interface OverrideTarget<Tree extends FetchedTree> {
  readonly path: InputPath;
  readonly input: FlakeInput;
  /** Where the flake lies that wants it: relative paths start there. */
  readonly place: NodePlace<Tree>;
  readonly parent: InputPath | undefined;
}

/** One walk over the graph of inputs. */
class Walk<Tree extends FetchedTree> {
  private readonly top: TopFlake<Tree>;
  private readonly trees: Trees<Tree>;
  private readonly options: LockOptions;
  private readonly inputRegistries: RegistryUse;
  private readonly warn: WarningSink;
  private readonly overrides = new Map<string, OverrideTarget<Tree>>();
  private readonly explicit: ReadonlySet<string>;
  private readonly updates: ReadonlySet<string>;
  private readonly overridesUsed = new Set<string>();
  private readonly updatesUsed = new Set<string>();
  private readonly places = new Map<LockNode, NodePlace<Tree>>();
  private readonly parents: FlakeRef[] = [];

  constructor(top: TopFlake<Tree>, trees: Trees<Tree>, options: LockOptions, useRegistries: boolean, warnings: string[]) {
    this.top = top;
    this.trees = trees;
    this.options = options;
    this.inputRegistries = useRegistries ? 'limited' : 'no';
    this.warn = (message) => void warnings.push(message);
    const place = { tree: top.tree, folder: top.file.folder };
    for (const { path, ref } of options.overrides ?? []) {
      const input: FlakeInput = { ref, isFlake: true, follows: undefined, overrides: new Map() };
      this.overrides.set(printInputPath(path), { path, input, place, parent: undefined });
    }
    this.explicit = new Set(this.overrides.keys());
    this.updates = new Set((options.updates ?? []).map(printInputPath));
  }

  run(): LockResult<Tree> {
    const { top, options } = this;
    try {
      const reference = options.referenceLockFile;
      const oldLockFile = reference
        ? parseLockFile(reference.text, reference.path, { settings: options.settings, warn: this.warn })
        : readLockFileOf(top.file, options, this.warn);
      const lockFile = emptyLockFile();
      const place = { tree: top.tree, folder: top.file.folder };
      this.places.set(lockFile.root, place);
      this.compute(top.file.inputs, lockFile.root, [], options.recreate ? undefined : oldLockFile.root, [], place, false);
      if (this.trees.isComplete) {
        this.warnUnused();
        checkFollows(lockFile);
      }
      return { top, oldLockFile, oldText: lockFileText(top.file), lockFile, places: this.places };
    } catch (error) {
      if (error instanceof FloeError)
        error.frames.push({ text: `while updating the lock file of flake '${printFlakeRef(top.lockedRef)}'` });
      throw error;
    }
  }

  private warnUnused(): void {
    for (const { path, ref } of [...(this.options.overrides ?? [])].sort((a, b) => compareInputPaths(a.path, b.path))) {
      const name = printInputPath(path);
      if (!this.overridesUsed.has(name)) this.warn(`the flag '--override-input ${name} ${printFlakeRef(ref)}' does not match any input`);
    }
    for (const path of [...(this.options.updates ?? [])].sort(compareInputPaths)) {
      const name = printInputPath(path);
      if (!this.updatesUsed.has(name)) this.warn(`'${name}' does not match any input of this flake`);
    }
  }

  /** Notes what a flake wants of the inputs of its inputs. What was noted earlier, further up, stays. */
  private addOverrides(input: FlakeInput, path: InputPath, place: NodePlace<Tree>, parent: InputPath): void {
    for (const [name, override] of input.overrides) {
      const target = [...path, name];
      const key = printInputPath(target);
      if ((override.ref || override.follows) && !this.overrides.has(key))
        this.overrides.set(key, { path: target, input: override, place, parent });
      this.addOverrides(override, target, place, parent);
    }
  }

  private warnOverridesOfNothing(inputs: FlakeInputs, prefix: InputPath): void {
    const here = [...this.overrides.values()].filter(
      ({ path }) => path.length === prefix.length + 1 && compareInputPaths(path.slice(0, -1), prefix) === 0,
    );
    for (const { path } of here.sort((a, b) => compareInputPaths(a.path, b.path))) {
      const name = path.at(-1)!;
      if (!inputs.has(name)) this.warn(`input '${printInputPath(prefix)}' has an override for a non-existent input '${name}'`);
    }
  }

  /**
   * Locks the inputs of one node. `prefix` is the node's path, `oldNode` its old entry, `place` where its flake lies. `follows` of old
   * entries are relative to `followsPrefix`. With `trustLock` the inputs come from a lock file that was already checked.
   */
  private compute(
    inputs: FlakeInputs,
    node: LockNode,
    prefix: InputPath,
    oldNode: LockNode | undefined,
    followsPrefix: InputPath,
    place: NodePlace<Tree>,
    trustLock: boolean,
  ): void {
    for (const [name, input] of inputs) this.addOverrides(input, [...prefix, name], place, prefix);
    this.warnOverridesOfNothing(inputs, prefix);
    for (const [name, declared] of inputs) {
      const path = [...prefix, name];
      try {
        this.computeInput(name, declared, node, path, oldNode, followsPrefix, place, trustLock);
      } catch (error) {
        if (!(error instanceof FloeError)) throw error;
        error.frames.push({ text: `while updating the flake input '${printInputPath(path)}'` });
        if (declared.isUndeclared === true && error.code === 'FLOE_REGISTRY') error.hint = hintAboutUndeclared(name, inputs);
        throw error;
      }
    }
  }

  private computeInput(
    name: string,
    declared: FlakeInput,
    node: LockNode,
    path: InputPath,
    oldNode: LockNode | undefined,
    followsPrefix: InputPath,
    place: NodePlace<Tree>,
    trustLock: boolean,
  ): void {
    const key = printInputPath(path);
    const override = this.overrides.get(key);
    if (override) this.overridesUsed.add(key);
    // An override changes where an input comes from, not whether it is a flake.
    const input: FlakeInput = override ? { ...override.input, isFlake: declared.isFlake } : declared;
    if (input.follows) {
      node.inputs.set(name, { kind: 'follows', path: input.follows });
      return;
    }
    const ref = input.ref ?? flakeRefFromAttrs({ type: 'indirect', id: name });
    const relative = relativePathOf(ref.input);
    const parent = relative === undefined ? undefined : override ? override.parent : path.slice(0, -1);
    const base = override?.place ?? place;
    this.updatesUsed.add(key);
    const oldEdge = oldNode && !this.updates.has(key) ? oldNode.inputs.get(name) : undefined;
    const oldLock = oldEdge?.kind === 'node' ? oldEdge.node : undefined;
    const isKept =
      oldLock !== undefined &&
      equalFlakeRefs(canonicalFlakeRef(oldLock.originalRef), canonicalFlakeRef(ref)) &&
      equalParents(oldLock.parent, parent) &&
      !this.explicit.has(key);
    if (isKept) this.keepInput(name, oldLock, node, path, relative, base, followsPrefix, place, trustLock);
    else this.lockInput(name, declared, input, ref, node, path, relative, base, parent);
  }

  /** The old entry stays. Its flake is fetched only where its inputs may have changed all the same. */
  private keepInput(
    name: string,
    oldLock: LockedNode,
    node: LockNode,
    path: InputPath,
    relative: string | undefined,
    base: NodePlace<Tree>,
    followsPrefix: InputPath,
    place: NodePlace<Tree>,
    trustLock: boolean,
  ): void {
    const child: LockedNode = { ...oldLock, inputs: new Map() };
    node.inputs.set(name, { kind: 'node', node: child });
    const inputs = new Map<string, FlakeInput>();
    // An input of this one is to be updated: its flake says what it is.
    let mustRefetch = (this.options.updates ?? []).some(
      (update) => update.length > path.length && compareInputPaths(update.slice(0, path.length), path) === 0,
    );
    if (!mustRefetch) {
      for (const [childName, edge] of sortedInputs(oldLock)) {
        if (edge.kind === 'node') {
          inputs.set(childName, { ref: edge.node.originalRef, isFlake: edge.node.isFlake, follows: undefined, overrides: new Map() });
          continue;
        }
        // An override that is gone may have hidden inputs which the lock file does not have.
        if (!trustLock && !this.overrides.has(printInputPath([...path, childName]))) {
          mustRefetch = true;
          break;
        }
        inputs.set(childName, { ref: undefined, isFlake: true, follows: [...followsPrefix, ...edge.path], overrides: new Map() });
      }
    }
    if (!mustRefetch) {
      this.compute(inputs, child, path, oldLock, followsPrefix, place, true);
      return;
    }
    const flake = this.inputFlake(oldLock.lockedRef, relative, base, this.inputRegistries, path);
    if (!flake) return;
    this.places.set(child, flake.place);
    this.compute(flake.file.inputs, child, path, oldLock, followsPrefix, flake.place, false);
  }

  /** A new entry. */
  private lockInput(
    name: string,
    declared: FlakeInput,
    input: FlakeInput,
    ref: FlakeRef,
    node: LockNode,
    path: InputPath,
    relative: string | undefined,
    base: NodePlace<Tree>,
    parent: InputPath | undefined,
  ): void {
    const key = printInputPath(path);
    if (this.options.allowUnlocked === false && relative === undefined && !isLockedInput(ref.input, this.options.settings)) {
      throw new EvalError(`cannot update unlocked flake input '${key}' in pure mode`, { hint: 'lock the flake first, or pass --impure' });
    }
    const isExplicit = this.explicit.has(key);
    // The reference that the flake declares stays the original one, so that the entry outlives the flag that overrode it.
    const originalRef = isExplicit && declared.ref ? declared.ref : ref;
    const isFlake = input.isFlake;
    if (!isFlake) {
      const locked = this.lockTree(ref, relative, base);
      if (!locked) return;
      const child: LockedNode = { inputs: new Map(), lockedRef: locked.lockedRef, originalRef, isFlake, parent };
      if (locked.place) this.places.set(child, locked.place);
      node.inputs.set(name, { kind: 'node', node: child });
      return;
    }
    const flake = this.inputFlake(ref, relative, base, isExplicit ? 'all' : this.inputRegistries, path);
    if (!flake) return;
    const child: LockedNode = { inputs: new Map(), lockedRef: flake.lockedRef, originalRef, isFlake, parent };
    node.inputs.set(name, { kind: 'node', node: child });
    for (const above of this.parents)
      if (equalFlakeRefs(above, ref)) throw new EvalError(`found circular import of flake '${printFlakeRef(above)}'`);
    this.parents.push(ref);
    try {
      this.places.set(child, flake.place);
      const ownLocks = readLockFileOf(flake.file, this.options, this.warn);
      this.compute(flake.file.inputs, child, path, ownLocks.root, path, flake.place, false);
    } finally {
      this.parents.pop();
    }
  }

  /** An input's flake.nix, in the tree of the flake that names it or in one of its own. */
  private inputFlake(
    ref: FlakeRef,
    relative: string | undefined,
    base: NodePlace<Tree>,
    registries: RegistryUse,
    path: InputPath,
  ): { readonly lockedRef: FlakeRef; readonly file: FlakeFile; readonly place: NodePlace<Tree> } | undefined {
    if (relative !== undefined) {
      const root = folderInTree(base.folder, relative);
      const folder = root === undefined ? undefined : folderInTree(root, ref.subdir);
      if (folder === undefined) {
        const file = `${base.folder}/${relative}/${ref.subdir}/flake.nix`;
        throw leadsOutside(relative, path, this.options.explainOutside?.(base.tree, file));
      }
      const file = this.trees.read(base.tree, folder, ref, path, this.warn);
      return { lockedRef: ref, file, place: { tree: base.tree, folder: file.folder } };
    }
    const flake = getFlake(this.trees, ref, registries, path, this.warn, this.options.debug);
    return flake && { lockedRef: flake.lockedRef, file: flake.file, place: { tree: flake.tree, folder: flake.file.folder } };
  }

  /** An input of which only the files count. */
  private lockTree(
    ref: FlakeRef,
    relative: string | undefined,
    base: NodePlace<Tree>,
  ): { readonly lockedRef: FlakeRef; readonly place: NodePlace<Tree> | undefined } | undefined {
    if (relative !== undefined) {
      const folder = folderInTree(base.folder, relative);
      return { lockedRef: ref, place: folder === undefined ? undefined : { tree: base.tree, folder } };
    }
    const tree = this.trees.get(ref.input, this.inputRegistries);
    return tree && { lockedRef: { input: tree.locked, subdir: ref.subdir }, place: { tree, folder: '' } };
  }
}

function equalParents(a: InputPath | undefined, b: InputPath | undefined): boolean {
  return a === undefined || b === undefined ? a === b : compareInputPaths(a, b) === 0;
}

function leadsOutside(relative: string, path: InputPath, explained: string | undefined): RestrictedPathError {
  const what = `the path '${relative}' of input '${printInputPath(path)}' leads out of the tree of the flake that names it`;
  const advice =
    'a relative path stays within the tree (the repository, or the folder of the flake); use an absolute `path:` or `git+file:` reference for another';
  return new RestrictedPathError(explained ?? what, { hint: explained === undefined ? advice : `${what}\n${advice}` });
}

/** Reads `a/b` of a flag; UsageError where it names no input. */
export function parseInputFlag(text: string, flag: string): InputPath {
  const path = parseInputPath(text);
  if (path.length > 0) return path;
  throw new UsageError(`${flag} was passed a zero-length input path, which would refer to the flake itself, not an input`);
}

/** Text whose SHA-256 names a locked flake with all its inputs, for evaluation caches; undefined where an input is not locked. */
export function lockedFlakeFingerprint(result: LockResult, settings: UnlockedSettings): string | undefined {
  const { top, lockFile } = result;
  if (findUnlockedInput(lockFile, settings)) return undefined;
  const fingerprint = top.tree.fingerprint ?? inputFingerprint(top.lockedRef.input);
  if (fingerprint === undefined) return undefined;
  const revCount = integerAttr(top.lockedRef.input, 'revCount');
  const lastModified = integerAttr(top.lockedRef.input, 'lastModified');
  return (
    `${fingerprint};${top.lockedRef.subdir};${printLockFile(lockFile)}` +
    (revCount === undefined ? '' : `;revCount=${revCount}`) +
    (lastModified === undefined ? '' : `;lastModified=${lastModified}`)
  );
}

/** Somebody wrote an argument of `outputs` and no input of that name. */
function hintAboutUndeclared(name: string, inputs: FlakeInputs): string {
  const declared = [...inputs].flatMap(([known, input]) => (input.isUndeclared === true ? [] : [known]));
  const near = printSuggestions(nearestNames(declared, name));
  const declare = `'outputs' takes '${name}', which 'inputs' does not have; declare it: inputs.${name}.url = "...";`;
  return near === undefined ? declare : `${declare}\n${near}`;
}
