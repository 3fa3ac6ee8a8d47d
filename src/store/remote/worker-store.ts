// A store behind a Nix daemon, over any connection that has to be waited for: a socket, or `nix-daemon --stdio` started by ssh
// (ssh-ng:// stores). Several conversations may be open at a time; one that broke is closed, one that only heard an error goes on.
// libstore/remote-store.cc at 2.34.8.

import { concatBytes, copyBytes } from '../../base/bytes.ts';
import { FloeError, InvalidPathError, ProtocolError } from '../../base/errors.ts';
import { AsyncWireReader } from '../../base/wire.ts';
import { type Reading, readLater } from '../../base/wire-reading.ts';
import type { BuildResult } from '../../model/build-result.ts';
import type { Derivation } from '../../model/derivation.ts';
import type { DerivedPath } from '../../model/derived-path.ts';
import { takeNar } from '../../model/nar.ts';
import type { PathInfo } from '../../model/path-info.ts';
import type { DerivationOutputId, Realisation } from '../../model/realisation.ts';
import type { StoreDir, StorePath } from '../../model/store-path.ts';
import { type MissingPaths, since, type SubstitutablePath, type WorkerBuildMode } from '../../model/worker-protocol.ts';
import type { ImportOptions, NarSource, ReadOptions, Store } from '../store.ts';
import { inChunks, textObject } from '../whole-objects.ts';
import type { RemoteConnection } from './serve-store.ts';
import * as requests from './worker-requests.ts';
import { Frames, isAnswer, isLoss, LOST, WorkerWire, type WorkerWireOptions } from './worker-wire.ts';

export interface WorkerStoreOptions extends WorkerWireOptions {
  /** Reaches a daemon. */
  connect(): Promise<RemoteConnection>;
  /** Conversations at a time. */
  readonly maxConnections?: number;
}

/** One conversation, and how it is driven. */
class Conversation {
  readonly wire: WorkerWire;
  readonly reader: AsyncWireReader;
  readonly connection: RemoteConnection;

  constructor(connection: RemoteConnection, options: WorkerWireOptions) {
    this.connection = connection;
    this.wire = new WorkerWire(options);
    this.reader = new AsyncWireReader(connection.output);
  }

  async send(): Promise<void> {
    const chunk = this.wire.takePending();
    if (chunk !== undefined) await this.connection.write(chunk);
  }

  run<T>(reading: Reading<T>): Promise<T> {
    return readLater(reading, this.reader, () => this.send());
  }
}

const MAX_CONNECTIONS = 8;

/** What a daemon says of itself and of whom it talks to. */
export interface DaemonFacts {
  readonly version: string | undefined;
  readonly isTrusted: boolean | undefined;
}

/** See the head of the file. */
export class WorkerStore implements Store {
  readonly storeDir: StoreDir;
  readonly uri: string;
  private readonly options: WorkerStoreOptions;
  private readonly idle: Conversation[] = [];
  private readonly open = new Set<Conversation>();
  private readonly queue: (() => void)[] = [];
  private busy = 0;
  private isClosed = false;

  constructor(options: WorkerStoreOptions) {
    this.options = options;
    this.storeDir = options.storeDir;
    this.uri = options.uri;
  }

  // ---- conversations

  private async take(): Promise<Conversation> {
    const { maxConnections = MAX_CONNECTIONS } = this.options;
    while (this.busy >= maxConnections) await new Promise<void>((resolve) => this.queue.push(resolve));
    this.busy++;
    try {
      return this.idle.pop() ?? (await this.begin());
    } catch (error) {
      this.release();
      throw error;
    }
  }

  private async begin(): Promise<Conversation> {
    if (this.isClosed) throw new ProtocolError(`store '${this.uri}' is closed`);
    const connection = await this.options.connect();
    const conversation = new Conversation(connection, this.options);
    this.open.add(conversation);
    try {
      if (connection.saysStarted && (await conversation.reader.line()) !== 'started')
        throw new ProtocolError(`failed to start SSH connection to '${this.uri}'`);
      await conversation.run(conversation.wire.greet());
      return conversation;
    } catch (error) {
      await this.drop(conversation);
      throw error;
    }
  }

  private release(): void {
    this.busy--;
    this.queue.shift()?.();
  }

  private async drop(conversation: Conversation): Promise<void> {
    this.open.delete(conversation);
    await conversation.connection.close();
  }

  private async giveBack(conversation: Conversation, isWhole: boolean): Promise<void> {
    if (isWhole && !this.isClosed) this.idle.push(conversation);
    else await this.drop(conversation);
    this.release();
  }

  /** Runs something in a conversation of its own. Where `signal` fires, the daemon is hung up on, which ends what it does. */
  private async converse<T>(work: (conversation: Conversation) => Promise<T>, { signal, parent }: ReadOptions = {}): Promise<T> {
    const conversation = await this.take();
    conversation.wire.parent = parent;
    const hangUp = (): void => void conversation.connection.close();
    signal?.addEventListener('abort', hangUp, { once: true });
    if (signal?.aborted === true) hangUp();
    let isWhole = false;
    try {
      const result = await work(conversation);
      isWhole = true;
      return result;
    } catch (error) {
      isWhole = isAnswer(error);
      if (signal?.aborted === true) throw new FloeError('FLOE_INTERRUPTED', 'interrupted by the user', { cause: error });
      throw explainLoss(error, this.uri);
    } finally {
      signal?.removeEventListener('abort', hangUp);
      conversation.wire.parent = undefined;
      await this.giveBack(conversation, isWhole && signal?.aborted !== true);
    }
  }

  /** Asks one question. */
  protected ask<T>(request: (wire: WorkerWire) => Reading<T>, options?: ReadOptions): Promise<T> {
    return this.converse((conversation) => conversation.run(request(conversation.wire)), options);
  }

  /** The same for questions that are answered at once. */
  protected askShortly<T>(request: (wire: WorkerWire) => Reading<T>): Promise<T> {
    return this.ask(request);
  }

  /** Sends a stream in frames while listening to what the daemon has to say of it. */
  private async upload(conversation: Conversation, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const { connection, wire } = conversation;
    await conversation.send();
    let isOver = false;
    const answer = conversation.run(wire.answer()).finally(() => (isOver = true));
    answer.catch(() => {});
    let sending: Promise<void> = Promise.resolve();
    const frames = new Frames((frame) => (sending = connection.write(frame)));
    for await (const chunk of chunks) {
      if (isOver) break;
      frames.push(chunk);
      await sending;
    }
    frames.end();
    await sending;
    await answer;
  }

  // ---- the store

  /** Whether the daemon answers, and what it says of itself. */
  async connect(): Promise<DaemonFacts> {
    return this.converse(async ({ wire }) => ({ version: wire.daemonVersion, isTrusted: wire.isTrusted }));
  }

  async queryPathInfo(path: StorePath): Promise<PathInfo | undefined> {
    return this.askShortly((wire) => requests.queryPathInfo(wire, path));
  }

  async queryValidPaths(paths: Iterable<StorePath>): Promise<Set<StorePath>> {
    return this.askShortly((wire) => requests.queryValidPaths(wire, paths));
  }

  /** Has the daemon fetch what it can from its own substituters; what is valid then. */
  async substitute(paths: Iterable<StorePath>, options?: ReadOptions): Promise<Set<StorePath>> {
    return this.ask((wire) => requests.queryValidPaths(wire, paths, true), options);
  }

  async queryAllValidPaths(): Promise<StorePath[]> {
    return this.askShortly((wire) => requests.queryAllValidPaths(wire));
  }

  async queryPathFromHashPart(hashPart: string): Promise<StorePath | undefined> {
    return this.askShortly((wire) => requests.queryPathFromHashPart(wire, hashPart));
  }

  async queryReferrers(path: StorePath): Promise<StorePath[]> {
    return this.askShortly((wire) => requests.queryReferrers(wire, path));
  }

  async queryValidDerivers(path: StorePath): Promise<StorePath[]> {
    return this.askShortly((wire) => requests.queryValidDerivers(wire, path));
  }

  async querySubstitutablePathInfos(paths: readonly StorePath[]): Promise<SubstitutablePath[]> {
    return this.ask((wire) => requests.querySubstitutablePathInfos(wire, paths));
  }

  async addTempRoots(paths: Iterable<StorePath>): Promise<void> {
    await this.askShortly((wire) => requests.addTempRoots(wire, paths));
  }

  async addSignatures(path: StorePath, signatures: readonly string[]): Promise<void> {
    await this.askShortly((wire) => requests.addSignatures(wire, path, signatures));
  }

  async queryRealisation(id: DerivationOutputId): Promise<Realisation | undefined> {
    return this.askShortly((wire) => requests.queryRealisation(wire, id));
  }

  async addRealisation(realisation: Realisation): Promise<void> {
    await this.askShortly((wire) => requests.registerRealisation(wire, realisation));
  }

  narFromPath(path: StorePath, options?: ReadOptions): NarSource {
    return this.readNar(path, options);
  }

  private async *readNar(path: StorePath, options?: ReadOptions): AsyncGenerator<Uint8Array, void, undefined> {
    // A daemon says so in the middle of the data, and hangs up.
    if ((await this.queryPathInfo(path)) === undefined)
      throw new InvalidPathError(`path '${this.storeDir}/${path}' is not valid in store '${this.uri}'`, { data: { path } });
    const conversation = await this.take();
    conversation.wire.parent = options?.parent;
    let isWhole = false;
    try {
      await conversation.run(requests.askForNar(conversation.wire, path));
      yield* takeNar(conversation.reader, () => (isWhole = true));
    } catch (error) {
      throw explainLoss(error, this.uri);
    } finally {
      await this.giveBack(conversation, isWhole);
    }
  }

  async addToStore(info: PathInfo, nar: NarSource, options: ImportOptions = {}): Promise<void> {
    const { repair = false, checkSignatures = true } = options;
    await this.converse(async (conversation) => {
      const { wire, connection } = conversation;
      requests.writeAddNar(wire, info, repair, checkSignatures);
      if (wire.version >= since(23)) return this.upload(conversation, nar);
      const chunks: Uint8Array[] = [];
      for await (const chunk of nar) chunks.push(copyBytes(chunk));
      await conversation.send();
      const whole = concatBytes(chunks);
      if (wire.version < since(21)) await connection.write(whole);
      return conversation.run(requests.finishOldAddNar(wire, whole));
    });
  }

  async addText(name: string, text: Uint8Array, references: readonly StorePath[]): Promise<StorePath> {
    const { info, nar } = textObject(name, text, references, this.storeDir);
    await this.addToStore(info, inChunks([nar]));
    return info.path;
  }

  /** Keeps the log of a build; only trusted users may. */
  async addBuildLog(derivation: StorePath, log: Uint8Array): Promise<void> {
    await this.converse(async (conversation) => {
      requests.writeAddBuildLog(conversation.wire, derivation);
      await this.upload(conversation, inChunks([log]));
      await conversation.run(requests.readDone());
    });
  }

  // ---- building

  /** What building takes. */
  async queryMissing(paths: readonly DerivedPath[]): Promise<MissingPaths> {
    return this.ask((wire) => requests.queryMissing(wire, paths));
  }

  /** Builds; undefined where the daemon is too old to tell of each path alone, and all went well. */
  async buildPaths(
    paths: readonly DerivedPath[],
    mode: WorkerBuildMode,
    options?: ReadOptions,
  ): Promise<{ path: DerivedPath; result: BuildResult }[] | undefined> {
    return this.ask((wire) => requests.buildPathsWithResults(wire, paths, mode), options);
  }

  /** Builds a derivation whose inputs are there. */
  async buildDerivation(path: StorePath, derivation: Derivation, mode: WorkerBuildMode, options?: ReadOptions): Promise<BuildResult> {
    return this.ask((wire) => requests.buildDerivation(wire, path, derivation, mode), options);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const conversation of [...this.open]) await this.drop(conversation);
    this.idle.length = 0;
  }
}

/** A daemon that hung up is said so. */
export function explainLoss(error: unknown, uri: string): unknown {
  return isLoss(error) ? new ProtocolError(LOST, { data: { uri }, cause: error }) : error;
}
