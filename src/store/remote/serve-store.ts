// A store on another machine behind `nix-store --serve` (ssh:// stores). How the program over there is started is not decided here: the
// store is given a connection. libstore/legacy-ssh-store.cc at 2.34.8.

import { byteStringOf } from '../../base/bytes.ts';
import { FloeError, InvalidPathError, ProtocolError } from '../../base/errors.ts';
import { printHash } from '../../base/hash.ts';
import { AsyncWireReader, WireWriter } from '../../base/wire.ts';
import { readLater } from '../../base/wire-reading.ts';
import type { BuildResult } from '../../model/build-result.ts';
import type { Derivation } from '../../model/derivation.ts';
import { readServeResult, WORKER_VERSION, writeBasicDerivation } from '../../model/worker-protocol.ts';
import { printContentAddress } from '../../model/content-address.ts';
import { takeNar } from '../../model/nar.ts';
import type { PathInfo } from '../../model/path-info.ts';
import {
  CLIENT_MAGIC,
  OLDEST_SERVER,
  readPathInfo,
  readPaths,
  SERVE_COMMANDS,
  SERVE_VERSION,
  SERVER_MAGIC,
  writePaths,
} from '../../model/serve-protocol.ts';
import { parseStorePath, type StoreDir, type StorePath } from '../../model/store-path.ts';
import type { NarSource, Store } from '../store.ts';
import { inChunks, textObject } from '../whole-objects.ts';

/** A program that is spoken to. */
export interface RemoteConnection {
  /** Resolves when more can be written. */
  write(chunk: Uint8Array): Promise<void>;
  /** What it says. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Whether ssh says "started" in a line of its own before the program says anything. */
  readonly saysStarted: boolean;
  close(): Promise<void>;
}

export interface ServeStoreOptions {
  readonly storeDir: StoreDir;
  readonly uri: string;
  /** For messages. */
  readonly host: string;
  /** Starts the program. */
  connect(): Promise<RemoteConnection>;
}

/** One conversation: requests and answers one after the other. */
class Conversation {
  readonly connection: RemoteConnection;
  readonly reader: AsyncWireReader;
  private pending: Uint8Array[] = [];
  readonly writer = new WireWriter((chunk) => void this.pending.push(chunk));
  /** The lower of both versions, once greeted. */
  version = SERVE_VERSION;

  constructor(connection: RemoteConnection) {
    this.connection = connection;
    this.reader = new AsyncWireReader(connection.output);
  }

  /** Sends what was written. */
  async send(): Promise<void> {
    const chunks = this.pending;
    this.pending = [];
    for (const chunk of chunks) await this.connection.write(chunk);
  }

  async greet(host: string): Promise<void> {
    const data = { host };
    if (this.connection.saysStarted && (await this.reader.line()) !== 'started')
      throw new ProtocolError(`failed to start SSH connection to '${host}'`, { data });
    this.writer.number(CLIENT_MAGIC).number(SERVE_VERSION);
    try {
      await this.send();
    } catch (error) {
      // What it said before it hung up says more.
      if (!isLost(error)) throw error;
    }
    const magic = await this.reader.bytes(8);
    if (magic.slice(4).some((byte) => byte !== 0) || new DataView(magic.buffer).getUint32(0, true) !== SERVER_MAGIC)
      throw new ProtocolError(`'nix-store --serve' protocol mismatch from '${host}', got '${byteStringOf(magic)}'`, { data });
    const version = (this.version = Math.min(await this.reader.number(), SERVE_VERSION));
    if (version >> 8 !== 2 || version < OLDEST_SERVER)
      throw new ProtocolError(`unsupported 'nix-store --serve' protocol version on '${host}'`, { data });
  }
}

/** A conversation that nobody else uses meanwhile. */
interface Turn {
  readonly conversation: Conversation;
  /** Lets the next one in. A conversation that broke off in the middle is over. */
  end(isWhole: boolean): Promise<void>;
}

/** A store behind that protocol. What the protocol cannot ask is refused. */
export class ServeStore implements Store {
  readonly storeDir: StoreDir;
  readonly uri: string;
  private readonly options: ServeStoreOptions;
  private opened: Conversation | undefined;
  private lastTurn: Promise<void> = Promise.resolve();

  constructor(options: ServeStoreOptions) {
    this.options = options;
    this.storeDir = options.storeDir;
    this.uri = options.uri;
  }

  private async open(): Promise<Conversation> {
    const { host } = this.options;
    const conversation = new Conversation(await this.options.connect());
    try {
      await conversation.greet(host);
      return conversation;
    } catch (error) {
      await conversation.connection.close();
      throw isLost(error) ? new ProtocolError(`cannot connect to '${host}'`, { data: { host }, cause: error }) : error;
    }
  }

  private async takeTurn(): Promise<Turn> {
    const before = this.lastTurn;
    let letIn = (): void => {};
    this.lastTurn = new Promise<void>((resolve) => (letIn = resolve));
    await before;
    try {
      const conversation = (this.opened ??= await this.open());
      const end = async (isWhole: boolean): Promise<void> => {
        if (!isWhole) {
          this.opened = undefined;
          await conversation.connection.close();
        }
        letIn();
      };
      return { conversation, end };
    } catch (error) {
      letIn();
      throw error;
    }
  }

  private explain(error: unknown): unknown {
    const { host } = this.options;
    return isLost(error) ? new ProtocolError(`the connection to '${host}' was lost`, { data: { host }, cause: error }) : error;
  }

  private async talk<T>(work: (conversation: Conversation) => Promise<T>): Promise<T> {
    const turn = await this.takeTurn();
    let isWhole = false;
    try {
      const result = await work(turn.conversation);
      isWhole = true;
      return result;
    } catch (error) {
      throw this.explain(error);
    } finally {
      await turn.end(isWhole);
    }
  }

  private refuse(operation: string): never {
    throw new FloeError('FLOE_NOT_SUPPORTED', `operation '${operation}' is not supported by store '${this.uri}'`);
  }

  /** Whether the other side answers. */
  async connect(): Promise<undefined> {
    await this.talk(async () => {});
  }

  async queryPathInfo(path: StorePath): Promise<PathInfo | undefined> {
    return (await this.queryPathInfos([path])).get(path);
  }

  /** Of those that are valid, in one question. */
  async queryPathInfos(paths: readonly StorePath[]): Promise<Map<StorePath, PathInfo>> {
    return this.talk(async (conversation) => {
      const { writer, reader } = conversation;
      writer.number(SERVE_COMMANDS.queryPathInfos);
      writePaths(writer, paths, this.storeDir);
      await conversation.send();
      const infos = new Map<StorePath, PathInfo>();
      for (let text = await reader.string(); text !== ''; text = await reader.string()) {
        const path = parseStorePath(text, this.storeDir);
        infos.set(path, await readPathInfo(reader, path, this.storeDir));
      }
      return infos;
    });
  }

  async queryValidPaths(paths: Iterable<StorePath>): Promise<Set<StorePath>> {
    return this.askValid(paths, { lock: false, substitute: false });
  }

  /** Has the other side fetch what it can from its own substituters; what is valid then. */
  async substitute(paths: Iterable<StorePath>): Promise<Set<StorePath>> {
    return this.askValid(paths, { lock: true, substitute: true });
  }

  private askValid(
    paths: Iterable<StorePath>,
    { lock, substitute }: { readonly lock: boolean; readonly substitute: boolean },
  ): Promise<Set<StorePath>> {
    return this.talk(async (conversation) => {
      conversation.writer.number(SERVE_COMMANDS.queryValidPaths).boolean(lock).boolean(substitute);
      writePaths(conversation.writer, paths, this.storeDir);
      await conversation.send();
      return new Set(await readPaths(conversation.reader, this.storeDir));
    });
  }

  /** Builds a derivation whose inputs are there. */
  async buildDerivation(
    path: StorePath,
    derivation: Derivation,
    options: { readonly maxSilentTimeS: number; readonly timeoutS: number; readonly maxLogSize: number; readonly keepFailed: boolean },
  ): Promise<BuildResult> {
    return this.talk(async (conversation) => {
      const { writer, reader, version } = conversation;
      writer.number(SERVE_COMMANDS.buildDerivation).string(`${this.storeDir}/${path}`);
      writeBasicDerivation(writer, { storeDir: this.storeDir, version: WORKER_VERSION }, derivation);
      writer.number(options.maxSilentTimeS).number(options.timeoutS).number(options.maxLogSize);
      // How often to build again, and whether to ask for the same each time: no longer done.
      writer.number(0).number(0);
      if (version >= 0x207) writer.boolean(options.keepFailed);
      await conversation.send();
      return readLater(readServeResult(version), reader);
    });
  }

  /** Everything reachable from valid paths, on demand with outputs of derivations, in one question. */
  async queryClosure(paths: Iterable<StorePath>, includeOutputs = false): Promise<StorePath[]> {
    return this.talk(async (conversation) => {
      conversation.writer.number(SERVE_COMMANDS.queryClosure).boolean(includeOutputs);
      writePaths(conversation.writer, paths, this.storeDir);
      await conversation.send();
      return readPaths(conversation.reader, this.storeDir);
    });
  }

  async queryAllValidPaths(): Promise<StorePath[]> {
    return this.refuse('queryAllValidPaths');
  }

  async queryPathFromHashPart(): Promise<StorePath | undefined> {
    return this.refuse('queryPathFromHashPart');
  }

  async queryReferrers(): Promise<StorePath[]> {
    return this.refuse('queryReferrers');
  }

  async queryValidDerivers(): Promise<StorePath[]> {
    return [];
  }

  async *narFromPath(path: StorePath): AsyncGenerator<Uint8Array, void, undefined> {
    // The other side would end the conversation.
    if ((await this.queryPathInfo(path)) === undefined)
      throw new InvalidPathError(`path '${this.storeDir}/${path}' is not valid in store '${this.uri}'`, { data: { path } });
    const turn = await this.takeTurn();
    const { conversation } = turn;
    let isWhole = false;
    try {
      conversation.writer.number(SERVE_COMMANDS.dumpStorePath).string(`${this.storeDir}/${path}`);
      await conversation.send();
      yield* takeNar(conversation.reader, () => (isWhole = true));
    } catch (error) {
      throw this.explain(error);
    } finally {
      await turn.end(isWhole);
    }
  }

  /** Keeps them as long as the connection lasts. */
  async addTempRoots(paths: Iterable<StorePath>): Promise<void> {
    await this.askValid(paths, { lock: true, substitute: false });
  }

  async addToStore(info: PathInfo, nar: NarSource): Promise<void> {
    await this.talk(async (conversation) => {
      const { writer, reader } = conversation;
      const shown = `${this.storeDir}/${info.path}`;
      writer.number(SERVE_COMMANDS.addToStoreNar).string(shown);
      writer.string(info.deriver === undefined ? '' : `${this.storeDir}/${info.deriver}`);
      writer.string(printHash(info.narHash, 'base16'));
      writePaths(writer, info.references, this.storeDir);
      writer.number(info.registrationTime).number(info.narSize).boolean(info.ultimate).strings(info.signatures);
      writer.string(info.contentAddress === undefined ? '' : printContentAddress(info.contentAddress));
      await conversation.send();
      for await (const chunk of nar) await conversation.connection.write(chunk);
      if ((await reader.number()) !== 1)
        throw new ProtocolError(`failed to add path '${shown}' to remote host '${this.options.host}'`, { data: { path: info.path } });
    });
  }

  async addText(name: string, text: Uint8Array, references: readonly StorePath[]): Promise<StorePath> {
    const { info, nar } = textObject(name, text, references, this.storeDir);
    await this.addToStore(info, inChunks([nar]));
    return info.path;
  }

  async addSignatures(): Promise<void> {
    this.refuse('addSignatures');
  }

  async close(): Promise<void> {
    await this.lastTurn;
    await this.opened?.connection.close();
    this.opened = undefined;
  }
}

/** Whether the other side has hung up. */
function isLost(error: unknown): boolean {
  return (error instanceof FloeError && error.data['isEndOfFile'] === true) || (error as { code?: unknown }).code === 'EPIPE';
}
