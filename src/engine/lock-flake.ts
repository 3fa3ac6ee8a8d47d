// Locking flakes on this machine: drives the pure steps of flake/ (what to fetch, what the lock file becomes) with the fetchers of
// fetch/ and the registries, writes what was decided, and gives what evaluation needs: the lock file's text and the trees behind its
// nodes. Synchronous as long as everything lies on this machine and nothing is to be written.

import { FloeError } from '../base/errors.ts';
import type { LockedFlakeInfo } from '../eval/host.ts';
import { andThen, type FetchContext, type FetchedInput, type MaybePromise } from '../fetch/fetcher.ts';
import { fetchInput, inputSourcePath } from '../fetch/fetchers.ts';
import type { SourceTree } from '../fetch/source-tree.ts';
import {
  type FetchAnswer,
  type FetchedTree,
  type FetchRequest,
  lockFlake,
  type Locking,
  type LockOptions,
  type LockResult,
  readTopFlake,
  type TopFlake,
} from '../flake/lock.ts';
import { type LockPlan, planLockFile, type WriteFlags } from '../flake/lock-plan.ts';
import { type RegistryUse, type ResolvedInput, resolveInput } from '../flake/resolve.ts';
import type { FlakeRef } from '../model/flake-ref.ts';
import type { GlobalNames } from '../lang/bind.ts';
import type { FlakeRegistry } from '../model/flake-registry.ts';
import { type InputAttrs, isDirectInput, isKnownInput, printInput, printInputAttrs, relativePathOf } from '../model/input-scheme.ts';
import { isLockedNode, lockFileToJson, printLockFile, type UnlockedSettings } from '../model/lock-file.ts';
import type { StorePath } from '../model/store-path.ts';
import { treeInfo } from '../model/tree-info.ts';
import { writeLockFile } from './lock-writer.ts';

/** A fetched tree of this machine. */
export interface EngineTree extends FetchedTree {
  readonly fetched: FetchedInput;
}

export interface FlakeMachine {
  readonly context: FetchContext;
  /** In the order of look-up: flag, user, system, global. */
  readonly registries: readonly FlakeRegistry[];
  readonly settings: UnlockedSettings;
  /** Names of the base environment, so that an undefined variable in a flake.nix is found while locking. */
  readonly globals?: GlobalNames | undefined;
  /** `$XDG_CACHE_HOME/floe/locks`. */
  readonly lockFolder: string;
  /** Told before a lock file is written. */
  readonly beforeWrite?: (() => void) | undefined;
  /** Puts a tree into the store; called for `path:` inputs before a lock file is written that names them. */
  readonly keepTree?: ((fetched: FetchedInput) => MaybePromise<void>) | undefined;
  /** Of a folder that this program itself changes while it runs: a copy. */
  readonly holdStill?: ((fetched: FetchedInput) => FetchedInput) | undefined;
  /** See LockOptions. */
  readonly explainOutside?: LockOptions<EngineTree>['explainOutside'];
  /** How messages call a tree that was fetched: its folder here, or the store path it would have, unless this says otherwise. */
  readonly describe?: ((fetched: FetchedInput, path: string) => string) | undefined;
}

export type LockOnDiskOptions = Omit<LockOptions<EngineTree>, 'settings' | 'warn' | 'globals'> & { readonly flags: WriteFlags };

/**
 * NIX: the flake itself stays as it was read before its lock file was written (revision, hash and all), in this run of the program;
 * 2.34.8 keeps it in its input cache.
 */
export interface LockedFlake {
  readonly result: LockResult<EngineTree>;
  /** The flake that was asked for, `result.top`. */
  readonly top: TopFlake<EngineTree>;
  readonly plan: LockPlan;
}

/** How often a lock file may change under our hands before we give up. */
const MAX_ROUNDS = 5;

/** Fetches for one run of the program; what was fetched once is not fetched again. */
export class FlakeFetcher {
  readonly machine: FlakeMachine;
  private readonly known = new Map<string, MaybePromise<FetchedInput>>();
  private readonly fetchOne: (input: InputAttrs) => MaybePromise<FetchedInput>;

  constructor(machine: FlakeMachine, fetchOne = (input: InputAttrs) => fetchInput(input, machine.context)) {
    this.machine = machine;
    this.fetchOne = fetchOne;
  }

  /** Another over the same machine, which fetches in its own way. */
  fetchingWith(fetchOne: (input: InputAttrs) => FetchedInput): FlakeFetcher {
    return new FlakeFetcher(this.machine, fetchOne);
  }

  /** An input as it stands, not looked up in registries. */
  fetchDirect(input: InputAttrs): MaybePromise<FetchedInput> {
    const key = printInputAttrs(input);
    const known = this.known.get(key);
    if (known) return known;
    const fetched = andThen(this.fetchOne(input), (one) => this.machine.holdStill?.(one) ?? one);
    this.known.set(key, fetched);
    return fetched instanceof Promise ? fetched.then((value) => (this.known.set(key, value), value)) : fetched;
  }

  /** What the registries make of an input. */
  resolve(input: InputAttrs, registries: RegistryUse): ResolvedInput {
    const known = !isKnownInput(input) || isDirectInput(input);
    if (!known && registries === 'no')
      throw new FloeError('FLOE_REGISTRY', `'${printInput(input)}' is an indirect flake reference, but registry lookups are not allowed`);
    return known ? { input, dir: undefined } : resolveInput(input, this.machine.registries, registries);
  }

  fetch(input: InputAttrs, registries: RegistryUse): MaybePromise<EngineTree> {
    const { input: resolved, dir } = this.resolve(input, registries);
    return andThen(this.fetchDirect(resolved), (fetched) => this.wrap(fetched, resolved, dir));
  }

  private wrap(fetched: FetchedInput, resolved: InputAttrs, dir: string | undefined): EngineTree {
    const { describe, context } = this.machine;
    const shown = fetched.folder ?? inputSourcePath(resolved, context) ?? `${context.store.storeDir}/${fetched.storePath}`;
    return {
      source: { tree: fetched.tree, describe: (path) => describe?.(fetched, path) ?? shown + path },
      resolved,
      locked: fetched.attrs,
      dir,
      fingerprint: fetched.fingerprint,
      fetched,
    };
  }

  private answer({ input, registries }: FetchRequest): MaybePromise<FetchAnswer<EngineTree>> {
    try {
      const fetched = this.fetch(input, registries);
      return fetched instanceof Promise ? fetched.catch((error: unknown) => ({ error })) : fetched;
    } catch (error) {
      return { error };
    }
  }

  /** Runs a locking to its end, all trees of a level at once. */
  drive<Result>(locking: Locking<Result, EngineTree>): MaybePromise<Result> {
    const step = (answers: readonly FetchAnswer<EngineTree>[]): MaybePromise<Result> => {
      for (let given = answers; ;) {
        const next = locking.next(given);
        if (next.done) return next.value;
        const wanted = next.value.map((request) => this.answer(request));
        if (wanted.some((answer) => answer instanceof Promise)) return Promise.all(wanted).then(step);
        given = wanted as FetchAnswer<EngineTree>[];
      }
    };
    return step([]);
  }

  /** The flake alone: fetched, its flake.nix read. */
  readFlake(ref: FlakeRef, useRegistries = true): MaybePromise<TopFlake<EngineTree>> {
    return this.drive(readTopFlake<EngineTree>(ref, useRegistries, this.machine.context.warn, this.machine.globals));
  }

  /** Locks in memory. */
  lock(ref: FlakeRef, options: Omit<LockOptions<EngineTree>, 'settings' | 'warn' | 'globals'> = {}): MaybePromise<LockResult<EngineTree>> {
    const { settings, context, globals, explainOutside } = this.machine;
    const debug = (message: string) => context.progress?.log('debug', message);
    return this.drive(lockFlake<EngineTree>(ref, { ...options, settings, warn: context.warn, debug, globals, explainOutside }));
  }

  /** Locks, and writes the lock file where it changed and may be written. */
  lockOnDisk(ref: FlakeRef, options: LockOnDiskOptions): MaybePromise<LockedFlake> {
    return this.lockRound(ref, options, 1);
  }

  private lockRound(ref: FlakeRef, options: LockOnDiskOptions, round: number): MaybePromise<LockedFlake> {
    const { context, settings } = this.machine;
    return andThen(this.lock(ref, options), (result) => {
      const sourcePath = isKnownInput(ref.input) ? inputSourcePath(ref.input, context) : undefined;
      const place = { sourcePath, exists: (path: string) => context.io.files.stat(path) !== undefined };
      const plan = planLockFile(result, options.flags, place, settings, context.warn);
      return plan.kind === 'keep' ? { result, top: result.top, plan } : this.write(ref, options, result, plan, round);
    });
  }

  private async write(
    ref: FlakeRef,
    options: LockOnDiskOptions,
    result: LockResult<EngineTree>,
    plan: Extract<LockPlan, { kind: 'write' }>,
    round: number,
  ): Promise<LockedFlake> {
    const { context, lockFolder, keepTree, beforeWrite } = this.machine;
    beforeWrite?.();
    // A folder that is locked by its hash can change; the lock file stays good as long as the store has the folder as it was.
    if (keepTree) for (const fetched of lockedFolders(result)) await keepTree(fetched);
    // Writing changes the flake's own tree, and what was read of it may still be wanted in the store.
    if (keepTree && plan.inTree !== undefined) await keepTree(result.top.tree.fetched);
    const expected = plan.inTree === undefined || options.referenceLockFile || round > MAX_ROUNDS ? null : result.oldText;
    const outcome = await writeLockFile(plan, expected, { io: context.io, lockFolder, warn: context.warn });
    if (outcome === 'written') return { result, top: result.top, plan };
    this.known.clear();
    return this.lockRound(ref, options, round + 1);
  }
}

/** Trees of `path:` inputs that were locked just now. */
function lockedFolders(result: LockResult<EngineTree>): Set<FetchedInput> {
  const folders = new Set<FetchedInput>();
  for (const [node, { tree }] of result.places) {
    if (isLockedNode(node) && relativePathOf(node.lockedRef.input) === undefined && tree.locked['type'] === 'path')
      folders.add(tree.fetched);
  }
  return folders;
}

/** What evaluation needs of a locked flake, and the trees it may read before the store has them. */
export function evaluationInfo(
  locked: LockedFlake,
  fetcher: FlakeFetcher,
): { readonly info: LockedFlakeInfo; readonly mounts: readonly (readonly [StorePath, SourceTree])[] } {
  const { result, plan } = locked;
  const { top } = result;
  const { storeDir } = fetcher.machine.context.store;
  const { keyOf } = lockFileToJson(result.lockFile);
  const overrides: Record<string, LockedFlakeInfo['overrides'][string]> = {};
  const mounts: (readonly [StorePath, SourceTree])[] = [];
  for (const [node, place] of result.places) {
    const isRoot = node === result.lockFile.root;
    const { tree, folder } = place;
    const attrs = isLockedNode(node) ? node.lockedRef.input : top.lockedRef.input;
    const forceDirty = isRoot && plan.kind === 'keep' && plan.forceDirty;
    overrides[keyOf.get(node)!] = {
      sourceInfo: { ...treeInfo(attrs, { forceDirty }), outPath: `${storeDir}/${tree.fetched.storePath}` },
      dir: folder.slice(1),
    };
    mounts.push([tree.fetched.storePath, tree.fetched.tree]);
  }
  return { info: { lockFile: printLockFile(result.lockFile), overrides }, mounts };
}
