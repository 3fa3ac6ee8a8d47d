// Flakes for an engine: references as the user types them, locking on this machine, values of outputs, and the two ways back from
// evaluation (`fetchTree` and `getFlake`). What is decided lies in flake/, what is fetched in fetch/.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { byteStringOf, utf8ToByteString } from '../base/bytes.ts';
import type { Json } from '../base/canonical-json.ts';
import { FloeError, UsageError } from '../base/errors.ts';
import { hashBytes, printHash, parseSri } from '../base/hash.ts';
import type { Activity } from '../base/progress.ts';
import { Attrs } from '../eval/attrs.ts';
import { isGlobalName } from '../eval/base-names.ts';
import { BUILTINS } from '../eval/builtins/index.ts';
import { callFlake } from '../eval/call-flake.ts';
import type { EvalHost, FetchedTree, LockedFlakeInfo } from '../eval/host.ts';
import { symbols } from '../eval/symbol.ts';
import { delay, force, type Value } from '../eval/value.ts';
import type { FetchedInput } from '../fetch/fetcher.ts';
import { type FetchCache, makeFetchCache } from '../fetch/fetch-cache.ts';
import { inputSourcePath } from '../fetch/fetchers.ts';
import { FolderTree, writeTreeNar } from '../fetch/source-tree.ts';
import { showFlake, type ShowOptions, type ShowSaying } from '../flake/show.ts';
import { makePathResolver, type PathProbe } from '../flake/find.ts';
import { lockedFlakeFingerprint, type LockFlags, parseInputFlag } from '../flake/lock.ts';
import { type FlakeMetadata, flakeMetadataJson, flakeMetadataLines, type MetadataLine } from '../flake/metadata.ts';
import type { Io } from '../io/io.ts';
import { nodeIo } from '../io/node.ts';
import { canonicalPath, parseFlakeRef, type FlakeRef, type PathResolver, printFlakeRef } from '../model/flake-ref.ts';
import type { RegistryEntry } from '../model/flake-registry.ts';
import { type InputAttrs, inputStorePath, isFinalInput, isKnownInput, printInput } from '../model/input-scheme.ts';
import { findLockNode, isLockedNode, sortedInputs } from '../model/lock-file.ts';
import { type StoreDir, splitStorePath, type StorePath } from '../model/store-path.ts';
import { treeInfo } from '../model/tree-info.ts';
import { makeBundledTrees } from './bundled-trees.ts';
import type { Engine } from './engine.ts';
import { cacheFolder, nixCacheFolder } from './cache-folder.ts';
import { makeFetchSettings } from './fetch-settings.ts';
import { applyFlakeConfig } from './flake-config.ts';
import { type EngineTree, evaluationInfo, FlakeFetcher, type LockedFlake as LockedOnDisk } from './lock-flake.ts';
import { packageFolder } from './package-folder.ts';
import { recordingCache, recordingIo, recordingProbe } from './recording.ts';
import { openRegistries } from './registry-files.ts';
import { walkTogether } from './shared-work.ts';

/** What the flake options of a command ask for. */
export interface LockChoices extends LockFlags {
  readonly updateLockFile?: boolean;
  readonly writeLockFile?: boolean;
  readonly commitLockFile?: boolean;
  readonly failOnUnlocked?: boolean;
  /** Leave the flake's `nixConfig` alone. */
  readonly ignoreConfig?: boolean;
  /** Write although inputs are overridden: `flake lock` and `flake update` are asked to. */
  readonly forceWrite?: boolean;
  readonly referenceLockFile?: string | undefined;
  readonly outputLockFile?: string | undefined;
}

/** A locked flake, and its outputs once somebody asks. */
export interface LockedFlake extends LockedOnDisk {
  /** The set that `outputs` returned, evaluated on first use. */
  outputs(): Value;
  /** The whole value of the flake: outputs, inputs, sourceInfo. */
  value(): Value;
}

export class Flakes {
  private readonly engine: Engine;
  private opened: FlakeFetcher | undefined;
  /** Registry entries of `--override-flake` and `--inputs-from`, first in the order of look-up. */
  readonly flagEntries: RegistryEntry[] = [];
  /** Flakes of `--inputs-from` whose inputs are not among them yet. */
  readonly inputsFrom: string[] = [];
  private waiting: FlakeFetcher | undefined;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Lets go of what was fetched in this run, so that changed folders are read again. */
  forget(): void {
    this.opened = undefined;
    this.waiting = undefined;
  }

  private warn(message: string): void {
    this.engine.progress.log('warn', message);
  }

  /** Fetches for this run. */
  get fetcher(): FlakeFetcher {
    if (this.opened) return this.opened;
    const { engine } = this;
    const { settings, env, wordsFolder, storeDir, evalStore: store } = engine;
    const { reads } = engine;
    const machineIo = nodeIo();
    const cache = cacheFolder(env);
    const fetchFolder = utf8ToByteString(join(cache, 'fetch'));
    const machineCache = makeFetchCache(machineIo.files, fetchFolder, () => machineIo.now());
    const { io, fetchCache } = this.recorded(machineIo, machineCache);
    const bundledTrees = makeBundledTrees(['src/debpkgs', 'templates'].flatMap((name) => packageFolder(name) ?? []).map(utf8ToByteString), {
      io: machineIo,
      cache: machineCache,
    });
    const copyTree = ({ tree, storePath, narHash }: FetchedInput): void => {
      if (store.isValidPathSync(storePath)) return;
      const contentAddress = { method: 'nar' as const, hash: narHash };
      store.addPendingObjects([{ path: storePath, references: [], contentAddress, writeNar: (sink) => writeTreeNar(tree, sink) }]);
    };
    this.opened = new FlakeFetcher({
      context: {
        io,
        cache: fetchCache,
        store: {
          storeDir,
          find: (path) => {
            const info = store.queryPathInfoSync(path);
            if (info !== undefined) reads?.valid(path);
            return info && { place: store.toRealPath(path), narHash: info.narHash };
          },
        },
        settings: makeFetchSettings(settings),
        warn: (message) => this.warn(message),
        baseDir: utf8ToByteString(wordsFolder),
        bundledTrees,
        gitFolder: utf8ToByteString(join(nixCacheFolder(env), 'gitv3')),
        progress: engine.progress,
        substitute: (path) => this.substitute(path),
      },
      registries: openRegistries(engine, this.flagEntries, (url) => this.fetchFileNow(url)),
      settings: {
        trustTarballsFromGitForges: settings.get('trust-tarballs-from-git-forges'),
        allowDirtyLocks: settings.get('allow-dirty-locks'),
      },
      globals: {
        has: (name) =>
          isGlobalName(BUILTINS, name, {
            hasFeature: (feature) => feature === 'fetch-tree' || settings.hasFeature(feature),
            isPure: engine.isPure,
          }),
      },
      lockFolder: join(cache, 'locks'),
      beforeWrite: () => reads?.refuse('the lock file was written'),
      keepTree: (fetched) => {
        if (bundledTrees.find(printHash(fetched.narHash, 'sri')) === undefined) copyTree(fetched);
      },
      explainOutside: ({ fetched }, path) =>
        explainOutside(canonicalPath(`${storeDir}/${fetched.storePath}${path}`), storeDir, engine.isPure),
      // The caches lie in it: a home folder is the flake. If the store does, too, nothing helps.
      holdStill: (fetched) => {
        const holds = (path: string): boolean => path.startsWith(`${fetched.folder}/`);
        if (!holds(fetchFolder) || holds(utf8ToByteString(engine.storeAccess.placement.realStoreDir))) return fetched;
        copyTree(fetched);
        const folder = store.toRealPath(fetched.storePath);
        return { ...fetched, tree: new FolderTree(machineIo.files, folder), folder };
      },
    });
    return this.opened;
  }

  /** The doors that fetchers get: with the log of what is read behind them, where there is one. */
  private recorded(io: Io, cache: FetchCache): { readonly io: Io; readonly fetchCache: FetchCache } {
    const { reads, settings, storeAccess } = this.engine;
    if (reads === undefined) return { io, fetchCache: cache };
    const objects = `${utf8ToByteString(storeAccess.placement.realStoreDir)}/`;
    // Unpacked trees are named by their hashes.
    const named = [`${cache.folder}/trees/`, `${cache.folder}/files/`];
    const isFixed = (path: string): boolean =>
      (path.startsWith(objects) && reads.knowsValid(path.slice(objects.length).split('/', 1)[0]!)) ||
      named.some((folder) => path.startsWith(folder));
    const recorded = recordingIo(io, reads, isFixed);
    const noted = makeFetchCache(recorded.files, cache.folder, () => io.now());
    return { io: recorded, fetchCache: recordingCache(cache, noted, reads, settings.get('tarball-ttl')) };
  }

  /** Brings a source tree here from a cache, where one has it. */
  private async substitute(path: StorePath): Promise<boolean> {
    const { builds } = this.engine;
    if (!(await builds.canSubstitute(path))) return false;
    try {
      await builds.build([{ kind: 'opaque', path }], { quiet: true });
      await builds.shareWithEvaluation([path]);
      return true;
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      this.engine.progress.log('debug', `substitution of '${path}' failed: ${error.message}`);
      return false;
    }
  }

  private fetchFileNow(url: string): string {
    const fetched = this.fetchNow({ type: 'file', url });
    return fetched.folder ?? this.engine.evalStore.toRealPath(fetched.storePath);
  }

  /** Entries of `--override-flake`. */
  override(from: string, to: string): void {
    const { input, subdir } = this.parse(to, true);
    this.flagEntries.push({ from: this.parse(from, true).input, to: input, dir: subdir, exact: false });
  }

  /** Lets the inputs of the flakes of `--inputs-from` serve as registry entries. To be awaited before anything is looked up. */
  async prepareRegistries(): Promise<void> {
    for (let text = this.inputsFrom.shift(); text !== undefined; text = this.inputsFrom.shift()) {
      const { result } = await this.lock(this.parse(text), { writeLockFile: false, ignoreConfig: true });
      for (const [id, edge] of sortedInputs(result.lockFile.root)) {
        const node = edge.kind === 'follows' ? findLockNode(result.lockFile, edge.path) : edge.node;
        if (node === undefined || !isLockedNode(node)) continue;
        const { input, subdir } = node.lockedRef;
        this.flagEntries.push({ from: { type: 'indirect', id }, to: input, dir: subdir, exact: false });
      }
    }
  }

  /** For references that users type. */
  pathResolver(allowMissing = false): PathResolver {
    return makePathResolver({
      probe: this.engine.reads === undefined ? DISK_PROBE : recordingProbe(this.engine.reads),
      baseDir: utf8ToByteString(this.engine.wordsFolder),
      allowMissing,
      notice: (message) => this.engine.progress.log('notice', message),
      warn: (message) => this.warn(message),
    });
  }

  parse(text: string, allowMissing = false): FlakeRef {
    return parseFlakeRef(utf8ToByteString(text), { paths: this.pathResolver(allowMissing), warn: (message) => this.warn(message) });
  }

  /** A reference within a program, a byte string: it is relative to nothing. */
  parseWithin(text: string): FlakeRef {
    return parseFlakeRef(text, { warn: (message) => this.warn(message) });
  }

  /** Locks a flake; the lock file is written where it changed and nothing forbids it. */
  async lock(ref: FlakeRef, choices: LockChoices): Promise<LockedFlake> {
    const { engine } = this;
    const { settings } = engine;
    await this.prepareRegistries();
    if (choices.referenceLockFile !== undefined && !settings.get('allow-dirty'))
      throw new UsageError('reference lock file was provided, but the `allow-dirty` setting is set to false');
    if (choices.referenceLockFile !== undefined) engine.reads?.observe(utf8ToByteString(choices.referenceLockFile));
    const locked = await this.fetcher.lockOnDisk(ref, {
      ...choices,
      useRegistries: choices.useRegistries ?? settings.get('use-registries'),
      allowUnlocked: true,
      ...(choices.ignoreConfig !== true && { onTop: (top) => applyFlakeConfig(engine, top) }),
      referenceLockFile:
        choices.referenceLockFile === undefined
          ? undefined
          : { path: choices.referenceLockFile, text: byteStringOf(fs.readFileSync(choices.referenceLockFile)) },
      flags: {
        update: choices.updateLockFile ?? true,
        write: (choices.writeLockFile ?? true) && (choices.forceWrite === true || (choices.overrides ?? []).length === 0),
        commit: choices.commitLockFile ?? false,
        outputPath: choices.outputLockFile,
        failOnUnlocked: choices.failOnUnlocked ?? false,
        commitSummary: settings.get('commit-lock-file-summary'),
        warnDirty: settings.get('warn-dirty'),
      },
    });
    return this.withValue(locked);
  }

  /** Names a flake for its compiled code: where it lies, whatever has changed there since the last time. */
  private placeOf({ fetched, resolved }: EngineTree): string {
    const context = { ...this.fetcher.machine.context, warn: () => {} };
    return (isKnownInput(resolved) ? inputSourcePath(resolved, context) : undefined) ?? fetched.folder ?? fetched.storePath;
  }

  private withValue(locked: LockedOnDisk): LockedFlake {
    this.engine.evaluation(this.placeOf(locked.top.tree));
    const whole = this.engine.perEvaluation(({ evaluator }) => evaluator.guard(() => callFlake(evaluator.state, this.infoFor(locked))));
    return {
      ...locked,
      value: whole,
      outputs: () => {
        const flake = whole();
        const outputs = flake instanceof Attrs ? flake.get(symbols.outputs) : undefined;
        return outputs === undefined ? null : this.engine.evaluation().evaluator.guard(() => force(outputs));
      },
    };
  }

  /** Walks the outputs; lines go to the sink, JSON is returned. */
  show(
    locked: LockedFlake,
    options: Omit<ShowOptions, 'system'>,
    sink: { line(text: string): void; warn(message: string): void; readonly isTerminal: boolean },
  ): Promise<Json> {
    const { progress, settings } = this.engine;
    const paint = (code: string) => (text: string) => (sink.isTerminal ? `\x1b[${code}m${text}\x1b[0m` : text);
    const style = { green: paint('32;1'), bold: paint('1'), warning: paint('35;1') };
    const system = settings.get('eval-system') || settings.get('system');
    const title = printFlakeRef(locked.top.lockedRef);
    const activities: Activity[] = [];
    return walkTogether<ShowSaying, Json>(this.engine, {
      writes: false,
      show: ([kind, text = '']) => {
        if (kind === 'visited') activities.pop()?.stop();
        else if (kind === 'visiting') activities.push(progress.start('unknown', `evaluating '${text}'`, { level: 'info' }));
        else sink[kind](text);
      },
      run: (parts) => {
        // The title comes before anything is evaluated.
        const outputs = delay(() => locked.outputs());
        return this.engine.evaluation().evaluator.guard(() => showFlake(outputs, title, { ...options, system }, style, parts));
      },
    });
  }

  private metadata({ top, result }: LockedFlake): FlakeMetadata {
    const { storeDir } = this.engine;
    const identity = lockedFlakeFingerprint({ ...result, top }, this.fetcher.machine.settings);
    const fingerprint = identity === undefined ? undefined : printHash(hashBytes('sha256', identity), 'base16');
    const { storePath, tree, narHash } = top.tree.fetched;
    // `nix flake metadata` tells a path that is there to look at.
    const { host } = this.engine.evaluation();
    host.addMountedTree(storePath, tree, { method: 'nar', hash: narHash });
    host.flush([storePath]);
    return { top, lockFile: result.lockFile, path: `${storeDir}/${storePath}`, fingerprint };
  }

  metadataJson(locked: LockedFlake): Json {
    return flakeMetadataJson(this.metadata(locked));
  }

  metadataLines(locked: LockedFlake): MetadataLine[] {
    return flakeMetadataLines(this.metadata(locked), this.fetcher.machine.settings, printTime);
  }

  /** What evaluation needs; its trees become readable at their store paths. */
  private infoFor(locked: LockedOnDisk): LockedFlakeInfo {
    const { info } = evaluationInfo(locked, this.fetcher);
    this.mount(locked.top.tree.fetched, locked.top.tree.resolved);
    for (const { tree } of locked.result.places.values()) this.mount(tree.fetched, tree.resolved);
    return info;
  }

  private mount(fetched: FetchedInput, asked: InputAttrs): void {
    const address = { method: 'nar', hash: fetched.narHash } as const;
    const { folder } = fetched;
    this.engine
      .evaluation()
      .host.addMountedTree(fetched.storePath, fetched.tree, address, { shown: this.shownRoot(fetched, asked), folder });
  }

  /** NIX: what messages call a tree: its folder where it is a working tree, its store path where it is a folder as it stands, else its reference. */
  private shownRoot(fetched: FetchedInput, asked: InputAttrs): string | undefined {
    if (!isKnownInput(asked)) return undefined;
    if (isFinalInput(asked)) return `\xc2\xab${printInput(asked)}\xc2\xbb`;
    if (asked['type'] === 'path') return undefined;
    const isWorkingTree = asked['type'] === 'git' && asked['rev'] === undefined && asked['ref'] === undefined;
    const workingTree = isWorkingTree ? inputSourcePath(asked, this.fetcher.machine.context) : undefined;
    return workingTree ?? `\xc2\xab${printInput(fetched.attrs)}\xc2\xbb`;
  }

  /** `builtins.fetchTree` and its like: what lies on this machine is fetched here, what does not by the worker behind the bridge. */
  fetchTreesForEvaluation(inputs: Parameters<EvalHost['fetchTrees']>[0]): FetchedTree[] {
    return inputs.map(({ attrs }) => {
      const fetched = this.fetchNow(attrs);
      if (!this.engine.evalStore.isValidPathSync(fetched.storePath)) {
        const shown = this.shownRoot(fetched, attrs) ?? `${this.engine.storeDir}/${fetched.storePath}`;
        this.engine.progress.start('unknown', `copying '${shown}/' to the store`, { level: 'chatty' }).stop();
      }
      this.mount(fetched, attrs);
      return { storePath: fetched.storePath, info: treeInfo(fetched.attrs) };
    });
  }

  private fetchNow(asked: InputAttrs): FetchedInput {
    const { fetcher, engine } = this;
    const { input: attrs } = fetcher.resolve(asked, 'all');
    if (isHere(attrs) || this.isStored(attrs)) {
      const fetched = fetcher.fetchDirect(attrs);
      if (!(fetched instanceof Promise)) return fetched;
      // It has to be waited for after all, which only the worker can.
      fetched.catch(() => undefined);
    }
    // What the worker sees is not written down; a tree that is locked is the same wherever it comes from.
    if (attrs['narHash'] === undefined) engine.reads?.refuse('something was fetched');
    const answer = engine.callBridge('fetch', attrs) as {
      attrs: InputAttrs;
      storePath: StorePath;
      narHash: string;
      fingerprint: string | undefined;
    };
    const place = engine.evalStore.toRealPath(answer.storePath);
    return {
      tree: new FolderTree(fetcher.machine.context.io.files, place),
      attrs: answer.attrs,
      fingerprint: answer.fingerprint,
      narHash: parseSri(answer.narHash),
      storePath: answer.storePath,
      folder: place,
    };
  }

  private isStored(attrs: InputAttrs): boolean {
    if (attrs['narHash'] === undefined || attrs['__final'] !== true) return false;
    return this.engine.evalStore.isValidPathSync(inputStorePath(attrs, this.engine.storeDir));
  }

  /** In the worker: fetches, and copies the tree to the store, where the evaluator's thread finds it. */
  async fetchIntoStore(
    attrs: InputAttrs,
  ): Promise<{ attrs: InputAttrs; storePath: StorePath; narHash: string; fingerprint: string | undefined }> {
    const { fetched } = await this.fetcher.fetch(attrs, 'all');
    const { host } = this.engine.evaluation();
    host.addMountedTree(fetched.storePath, fetched.tree, { method: 'nar', hash: fetched.narHash });
    host.flush([fetched.storePath]);
    return {
      attrs: fetched.attrs,
      storePath: fetched.storePath,
      narHash: printHash(fetched.narHash, 'sri'),
      fingerprint: fetched.fingerprint,
    };
  }

  /**
   * Locks a flake while evaluation stands still: for `builtins.getFlake` and the repl's `:load-flake`. Its lock file is never written;
   * with `mustFit` one that would not do is an error, else it is said.
   */
  lockForEvaluation(ref: FlakeRef, mustFit: boolean): LockedFlakeInfo {
    const { engine, fetcher } = this;
    // What has to be waited for is fetched by the worker.
    this.waiting ??= fetcher.fetchingWith((input) => this.fetchNow(input));
    const locked = this.waiting.lockOnDisk(ref, {
      useRegistries: !engine.isPure && engine.settings.get('use-registries'),
      allowUnlocked: !engine.isPure,
      flags: {
        update: false,
        write: mustFit,
        commit: false,
        outputPath: undefined,
        failOnUnlocked: false,
        commitSummary: '',
        warnDirty: false,
      },
    });
    if (locked instanceof Promise) throw new FloeError('FLOE_BUG', `locking '${printFlakeRef(ref)}' during evaluation did not wait`);
    return this.infoFor(locked);
  }
}

/** `2026-01-31 12:00:00`, in UTC or local time. */
function printTime(seconds: number, utc: boolean): string {
  const time = new Date(seconds * 1000);
  const shown = utc ? time : new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return shown.toISOString().slice(0, 19).replace('T', ' ');
}

/** Inputs whose fetchers need no network. */
function isHere(attrs: InputAttrs): boolean {
  const { type, url } = attrs;
  return (
    type === 'path' ||
    type === 'indirect' ||
    (type === 'git' && attrs['lfs'] !== true && typeof url === 'string' && (url.startsWith('file:') || url.startsWith('/')))
  );
}

const DISK_PROBE: PathProbe = {
  kind: (path) => {
    const stats = fs.lstatSync(path, { throwIfNoEntry: false });
    return stats && (stats.isFile() ? 'regular' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'unknown');
  },
  readLink: (path) => fs.readlinkSync(path),
  device: (path) => fs.statSync(path).dev,
};

export { parseInputFlag };

/** NIX: trees of flakes lie in the store, and so does what is beside them: nothing that may be read, or that has the name of a store object. */
function explainOutside(path: string, storeDir: StoreDir, isPure: boolean): string | undefined {
  if (isPure) return `access to absolute path '${path}' is forbidden in pure evaluation mode (use '--impure' to override)`;
  try {
    splitStorePath(path, storeDir);
  } catch (error) {
    if (error instanceof FloeError) return error.message;
  }
  return undefined;
}
