// A store on this machine behind a Nix daemon (`daemon`, `unix://PATH`): its files are read right here, everything else is asked of the
// daemon. Short questions go over one conversation that blocks, which evaluation needs; what may take long (builds, imports, collections)
// goes over others that are waited for. libstore/uds-remote-store.cc, local-fs-store.cc at 2.34.8.

import * as fs from 'node:fs';
import { createHash } from 'node:crypto';
import { copyBytes } from '../../base/bytes.ts';
import { FloeError, InvalidPathError } from '../../base/errors.ts';
import { WireReader } from '../../base/wire.ts';
import { type Reading, readNow } from '../../base/wire-reading.ts';
import { parseATerm } from '../../model/aterm.ts';
import type { ContentAddress } from '../../model/content-address.ts';
import type { Derivation } from '../../model/derivation.ts';
import { type HashModulo, makeHashModuloLookup } from '../../model/derivation-hash.ts';
import type { PathInfo } from '../../model/path-info.ts';
import type { DerivationOutputId } from '../../model/realisation.ts';
import { type StorePath, storePathName } from '../../model/store-path.ts';
import { since, writeKeyedPathInfo } from '../../model/worker-protocol.ts';
import { WireWriter } from '../../base/wire.ts';
import * as requests from '../remote/worker-requests.ts';
import { type DaemonFacts, explainLoss, WorkerStore, type WorkerStoreOptions } from '../remote/worker-store.ts';
import { Frames, isAnswer, WorkerWire } from '../remote/worker-wire.ts';
import type { NarSource, ReadOptions } from '../store.ts';
import { type BlockingConnection, connectBlocking, connectToDaemon } from './daemon-socket.ts';
import type { GcOptions, GcResults } from './gc.ts';
import type { MachineStore } from './machine-store.ts';
import { dumpTreeChunks } from './nar-files.ts';
import {
  type HostTreeRequest,
  hostTreePath,
  pendingDerivation,
  pendingHostTree,
  pendingText,
  type PendingDerivation,
  type PendingObject,
} from './pending-objects.ts';
import { Realisations } from './realisations.ts';
import { makeRootLink, type Roots } from './roots.ts';
import { guardIo } from './system-error.ts';
import type { VerifyOptions } from './verify.ts';

export interface DaemonStoreOptions extends Omit<WorkerStoreOptions, 'connect'> {
  /** The daemon's socket. */
  readonly socket: string;
  /** Where the objects lie. */
  readonly realStoreDir: string;
  readonly stateDir: string;
  readonly logDir: string;
  /** Ask for realisations of content-addressed derivations. */
  readonly withRealisations: boolean;
}

/** A conversation that blocks. */
interface BlockingConversation {
  readonly wire: WorkerWire;
  readonly reader: WireReader;
  readonly connection: BlockingConnection;
}

/** See the head of the file. */
export class DaemonStore extends WorkerStore implements MachineStore {
  readonly realStoreDir: string;
  readonly stateDir: string;
  readonly logDir: string;
  readonly isReadOnly = false;
  readonly realisations: Realisations | undefined;
  readonly #options: DaemonStoreOptions;
  /** Hashes modulo of derivations in the store; they never change. */
  readonly #hashes = new Map<StorePath, HashModulo>();
  #blocking: BlockingConversation | undefined;

  constructor(options: DaemonStoreOptions) {
    super({ ...options, connect: () => connectToDaemon(options.socket) });
    this.#options = options;
    this.realStoreDir = options.realStoreDir;
    this.stateDir = options.stateDir;
    this.logDir = options.logDir;
    if (options.withRealisations) {
      const table = {
        queryRealisation: (id: DerivationOutputId) => this.askNow((wire) => requests.queryRealisation(wire, id)),
        putRealisation: (realisation: Parameters<typeof requests.registerRealisation>[1]) =>
          this.askNow((wire) => requests.registerRealisation(wire, realisation)),
        transaction: <T>(work: () => T): T => work(),
      };
      const lookup = makeHashModuloLookup((path) => this.readDerivationSync(path), this.storeDir, this.#hashes);
      this.realisations = new Realisations(table, this.storeDir, lookup);
    }
  }

  // ---- conversations that block

  #blockingConversation(): BlockingConversation {
    if (this.#blocking !== undefined) return this.#blocking;
    const connection = connectBlocking(this.#options.socket);
    const conversation = { wire: new WorkerWire(this.#options), reader: new WireReader(() => connection.read()), connection };
    try {
      this.#run(conversation, conversation.wire.greet());
    } catch (error) {
      connection.close();
      throw error;
    }
    return (this.#blocking = conversation);
  }

  #send({ wire, connection }: BlockingConversation): void {
    const bytes = wire.takePending();
    if (bytes !== undefined) connection.write(bytes);
  }

  #run<T>(conversation: BlockingConversation, reading: Reading<T>): T {
    return readNow(reading, conversation.reader, () => this.#send(conversation));
  }

  #converseNow<T>(work: (conversation: BlockingConversation) => T): T {
    const conversation = this.#blockingConversation();
    try {
      return work(conversation);
    } catch (error) {
      if (!isAnswer(error)) {
        this.#blocking = undefined;
        conversation.connection.close();
      }
      throw explainLoss(error, this.uri);
    }
  }

  /** Asks, and waits for the answer with everything else standing still. */
  askNow<T>(request: (wire: WorkerWire) => Reading<T>): T {
    return this.#converseNow((conversation) => this.#run(conversation, request(conversation.wire)));
  }

  /** PERF: a short question costs less than the waiting for it, and needs no second conversation. */
  protected override async askShortly<T>(request: (wire: WorkerWire) => Reading<T>): Promise<T> {
    return this.askNow(request);
  }

  override async connect(): Promise<DaemonFacts> {
    return this.#converseNow(({ wire }) => ({ version: wire.daemonVersion, isTrusted: wire.isTrusted }));
  }

  override async close(): Promise<void> {
    this.#blocking?.connection.close();
    this.#blocking = undefined;
    await super.close();
  }

  // ---- places and questions

  toRealPath(path: StorePath): string {
    return `${this.realStoreDir}/${path}`;
  }

  printPath(path: StorePath): string {
    return `${this.storeDir}/${path}`;
  }

  isValidPathSync(path: StorePath): boolean {
    return this.askNow((wire) => requests.isValidPath(wire, path));
  }

  queryPathInfoSync(path: StorePath): PathInfo | undefined {
    return this.askNow((wire) => requests.queryPathInfo(wire, path));
  }

  requirePathInfoSync(path: StorePath): PathInfo {
    const info = this.queryPathInfoSync(path);
    if (info === undefined) throw new InvalidPathError(`path '${this.printPath(path)}' is not valid`, { data: { path } });
    return info;
  }

  queryDerivationOutputsSync(derivation: StorePath): Map<string, StorePath> {
    return this.askNow((wire) => requests.queryDerivationOutputs(wire, derivation));
  }

  readDerivationSync(path: StorePath): Derivation {
    const file = this.toRealPath(path);
    const text = guardIo('reading', file, () => fs.readFileSync(file, 'latin1'));
    return parseATerm(text, storePathName(path).slice(0, -'.drv'.length), this.storeDir);
  }

  /** Read from the files here. */
  override narFromPath(path: StorePath, options?: ReadOptions): NarSource {
    const file = this.toRealPath(path);
    if (!fs.existsSync(file)) return super.narFromPath(path, options);
    const check = (): PathInfo => this.requirePathInfoSync(path);
    return {
      async *[Symbol.asyncIterator]() {
        check();
        yield* dumpTreeChunks(file);
      },
    };
  }

  // ---- roots

  addTempRootsSync(paths: Iterable<StorePath>): void {
    this.askNow((wire) => requests.addTempRoots(wire, paths));
  }

  async addRootLink(path: StorePath, link: string): Promise<string> {
    this.addTempRootsSync([path]);
    return makeRootLink(this, path, link, (absolute) => this.addIndirectRoot(absolute));
  }

  addIndirectRoot(link: string): void {
    this.askNow((wire) => requests.addIndirectRoot(wire, link));
  }

  findRoots(): Roots {
    return this.askNow((wire) => requests.findRoots(wire));
  }

  // ---- adding

  addTextSync(name: string, text: Uint8Array, references: readonly StorePath[]): StorePath {
    const object = pendingText(name, text, references, this.storeDir);
    this.addPendingObjects([object]);
    return object.path;
  }

  addDerivations(derivations: readonly PendingDerivation[]): void {
    this.addPendingObjects(derivations.map(pendingDerivation));
  }

  computeTreePathSync(request: HostTreeRequest): { readonly path: StorePath; readonly address: ContentAddress } {
    return hostTreePath(request, this.storeDir);
  }

  addTreeSync(request: HostTreeRequest): StorePath {
    const object = pendingHostTree(request, this.storeDir);
    this.addPendingObjects([object]);
    return object.path;
  }

  /** Roots first, then what is missing goes to the daemon in one upload. */
  addPendingObjects(objects: readonly PendingObject[]): void {
    if (objects.length === 0) return;
    const paths = objects.map(({ path }) => path);
    this.addTempRootsSync(paths);
    const valid = this.askNow((wire) => requests.queryValidPaths(wire, paths));
    const missing = objects.filter(({ path }) => !valid.has(path));
    if (missing.length === 0) return;
    const { version } = this.#blockingConversation().wire;
    if (version >= since(32)) this.#addAll(missing);
    else for (const object of missing) this.#addOne(object);
  }

  /** What a daemon wants to know of an object before its NAR. */
  #describe(object: PendingObject): PathInfo {
    const state = createHash('sha256');
    let narSize = 0;
    object.writeNar((chunk) => {
      state.update(chunk);
      narSize += chunk.length;
    });
    return {
      path: object.path,
      narHash: { algorithm: 'sha256', bytes: new Uint8Array(state.digest()) },
      narSize,
      references: object.references,
      registrationTime: 0,
      ultimate: false,
      signatures: [],
      contentAddress: object.contentAddress,
    };
  }

  #addAll(objects: readonly PendingObject[]): void {
    this.#converseNow((conversation) => {
      const { wire, connection } = conversation;
      requests.writeAddMultiple(wire, false, true);
      this.#send(conversation);
      const frames = new Frames((frame) => connection.write(frame));
      const writer = new WireWriter((chunk) => frames.push(chunk));
      writer.number(objects.length);
      for (const object of objects) {
        writeKeyedPathInfo(writer, wire, this.#describe(object));
        object.writeNar((chunk) => frames.push(chunk));
      }
      frames.end();
      this.#run(conversation, wire.answer());
    });
  }

  #addOne(object: PendingObject): void {
    this.#converseNow((conversation) => {
      const { wire, connection } = conversation;
      requests.writeAddNar(wire, this.#describe(object), false, true);
      this.#send(conversation);
      if (wire.version >= since(23)) {
        const frames = new Frames((frame) => connection.write(frame));
        object.writeNar((chunk) => frames.push(chunk));
        frames.end();
        return this.#run(conversation, wire.answer());
      }
      const chunks: Uint8Array[] = [];
      object.writeNar((chunk) => void chunks.push(copyBytes(chunk)));
      const nar = Buffer.concat(chunks);
      if (wire.version < since(21)) connection.write(nar);
      this.#run(conversation, requests.finishOldAddNar(wire, nar));
    });
  }

  // ---- care

  async collectGarbage(options: GcOptions): Promise<GcResults> {
    const { action, pathsToDelete = [], ignoreLiveness = false, maxFreedBytes, onDelete } = options;
    const results = await this.ask((wire) =>
      requests.collectGarbage(wire, { action, paths: pathsToDelete, ignoreLiveness, maxFreedBytes }),
    );
    // The daemon tells of the whole alone.
    if (action.startsWith('delete')) results.paths.forEach((path, index) => onDelete?.(path, index === 0 ? results.freedBytes : 0));
    return results;
  }

  async verify(options: VerifyOptions = {}): Promise<boolean> {
    return this.ask((wire) => requests.verifyStore(wire, options.checkContents === true, options.repair !== undefined));
  }

  async optimise(): Promise<undefined> {
    await this.ask((wire) => requests.optimiseStore(wire));
  }
}

/** Fails where a store is behind a daemon and something was asked that only its files' owner can do. */
export function refuseBehindDaemon(uri: string, what: string): never {
  throw new FloeError('FLOE_NOT_SUPPORTED', `${what} is not supported by store '${uri}', which is behind a daemon`, {
    hint: "name the store itself: '--store local'",
  });
}
