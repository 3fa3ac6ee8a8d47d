// The other end of ssh:// stores: `nix-store --serve` answers requests on its standard input about this engine's store. Reading waits
// (nothing else happens meanwhile); builds and fetches run as everywhere. nix-store/nix-store.cc (opServe) at 2.34.8.

import { FloeError, FormatError, BuildError } from '../base/errors.ts';
import { utf8ToByteString } from '../base/bytes.ts';
import { parseHash } from '../base/hash.ts';
import { WireReader, WireWriter } from '../base/wire.ts';
import { readNow } from '../base/wire-reading.ts';
import { parseContentAddress } from '../model/content-address.ts';
import type { DerivedPath } from '../model/derived-path.ts';
import type { PathInfo } from '../model/path-info.ts';
import {
  buildStatusNumber,
  CLIENT_MAGIC,
  SERVE_COMMANDS,
  SERVE_VERSION,
  SERVER_MAGIC,
  writePathInfo,
  writePaths,
} from '../model/serve-protocol.ts';
import { isDerivationPath, parseStorePath, type StorePath, storePathName } from '../model/store-path.ts';
import { readBasicDerivation, WORKER_VERSION, writeServeResult } from '../model/worker-protocol.ts';
import { EngineDaemonHost } from './daemon-host.ts';
import type { Engine } from './engine.ts';
import { importPaths } from './store-archives.ts';
import { StoreQueries } from './store-queries.ts';

export interface ServeOptions {
  /** Gives bytes until there are none (undefined). */
  readonly read: () => Uint8Array | undefined;
  readonly write: (chunk: Uint8Array) => void;
  /** Whether the client may add, fetch and build. */
  readonly mayWrite: boolean;
}

const NEVER = new AbortController().signal;

const COMMAND_NAMES = new Map(
  Object.entries(SERVE_COMMANDS).map(([name, number]) => [number as number, name as keyof typeof SERVE_COMMANDS]),
);

/** One client. */
export class ServeSession {
  private readonly engine: Engine;
  private readonly reader: WireReader;
  private readonly writer: WireWriter;
  private readonly options: ServeOptions;
  private pending: Uint8Array[] = [];
  private version = SERVE_VERSION;

  constructor(engine: Engine, options: ServeOptions) {
    this.engine = engine;
    this.options = options;
    this.reader = new WireReader(options.read);
    this.writer = new WireWriter((chunk) => void this.pending.push(chunk));
  }

  private flush(): void {
    const chunks = this.pending;
    this.pending = [];
    if (chunks.length > 0) this.options.write(Buffer.concat(chunks));
  }

  /** Answers until the client hangs up. */
  async run(): Promise<void> {
    if (this.reader.number() !== CLIENT_MAGIC) throw new FormatError('protocol mismatch');
    this.writer.number(SERVER_MAGIC).number(SERVE_VERSION);
    this.flush();
    this.version = Math.min(this.reader.number(), SERVE_VERSION);
    while (!this.reader.isAtEnd()) {
      const number = this.reader.number();
      const command = COMMAND_NAMES.get(number);
      if (command === undefined) throw new FormatError(`unknown serve command ${number}`);
      await this[command]();
      this.flush();
    }
  }

  private path(text = this.reader.string()): StorePath {
    return parseStorePath(text, this.engine.storeDir);
  }

  private paths(): StorePath[] {
    return this.reader.strings().map((text) => this.path(text));
  }

  private requireWriting(what: string): void {
    if (!this.options.mayWrite) throw new FloeError('FLOE_READ_ONLY', `${what} is not allowed`);
  }

  private async queryValidPaths(): Promise<void> {
    const { store, builds, storeDir } = this.engine;
    const lock = this.reader.number() !== 0;
    const substitute = this.reader.number() !== 0;
    const paths = this.paths();
    if (lock && this.options.mayWrite) await store.addTempRoots(paths);
    if (substitute && this.options.mayWrite) await builds.tryBuild(paths.map((path) => ({ kind: 'opaque', path })));
    writePaths(this.writer, await store.queryValidPaths(paths), storeDir);
  }

  private async queryPathInfos(): Promise<void> {
    const { store, storeDir } = this.engine;
    for (const path of this.paths()) {
      const info = await store.queryPathInfo(path);
      if (info === undefined) continue;
      this.writer.string(`${storeDir}/${path}`);
      writePathInfo(this.writer, info, storeDir, this.version);
    }
    this.writer.string('');
  }

  private async dumpStorePath(): Promise<void> {
    for await (const chunk of this.engine.store.narFromPath(this.path())) this.options.write(chunk);
  }

  private async importPaths(): Promise<void> {
    this.requireWriting('importing paths');
    await importPaths(this.engine.store, this.reader, () => {});
    this.writer.number(1);
  }

  /** What a client says about builds; times and sizes are seconds and bytes. */
  private readBuildOptions(): void {
    const { settings } = this.engine;
    const number = (): number => this.reader.number();
    settings.set('keep-build-log', false);
    settings.set('substitute', false);
    settings.set('max-silent-time', number());
    settings.set('timeout', number());
    if (this.version >= 0x202) settings.set('max-build-log-size', number());
    if (this.version >= 0x203) {
      if (number() !== 0)
        throw new FloeError('FLOE_NOT_SUPPORTED', 'client requested repeating builds, but this is not currently implemented');
      void number();
    }
    if (this.version >= 0x207) settings.set('keep-failed', number() !== 0);
  }

  private async buildPaths(): Promise<void> {
    this.requireWriting('building paths');
    const paths = this.reader.strings().map((text): DerivedPath => {
      const [base, outputs] = text.split('!');
      const path = this.path(base);
      return isDerivationPath(path)
        ? { kind: 'built', derivation: path, outputs: outputs === undefined ? 'all' : outputs.split(',') }
        : { kind: 'opaque', path };
    });
    this.readBuildOptions();
    try {
      await this.engine.builds.build(paths, { quiet: true });
      this.writer.number(0);
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      const status = error instanceof BuildError ? error.status : 'MiscFailure';
      this.writer.number(buildStatusNumber(status)).string(utf8ToByteString(error.message));
    }
  }

  private async queryClosure(): Promise<void> {
    const { storeDir } = this.engine;
    const outputs = this.reader.number() !== 0;
    writePaths(this.writer, await new StoreQueries(this.engine).closure(this.paths(), { outputs }), storeDir);
  }

  private async buildDerivation(): Promise<void> {
    this.requireWriting('building paths');
    const path = this.path();
    const context = { storeDir: this.engine.storeDir, version: WORKER_VERSION };
    const derivation = readNow(readBasicDerivation(context, storePathName(path).slice(0, -'.drv'.length)), this.reader);
    this.readBuildOptions();
    const host = new EngineDaemonHost(this.engine);
    writeServeResult(this.writer, this.version, await host.buildDerivation(path, derivation, 'normal', NEVER));
  }

  private async addToStoreNar(): Promise<void> {
    this.requireWriting('importing paths');
    const { reader } = this;
    const path = this.path();
    const deriver = reader.string();
    const narHash = parseHash(reader.string(), 'sha256');
    const references = this.paths().sort();
    const registrationTime = reader.number();
    const narSize = reader.number();
    const ultimate = reader.number() !== 0;
    const signatures = reader.strings();
    const address = reader.string();
    if (narSize === 0) throw new FormatError('narInfo is too old and missing the narSize field');
    const info: PathInfo = {
      path,
      narHash,
      narSize,
      references,
      deriver: deriver === '' ? undefined : this.path(deriver),
      registrationTime,
      ultimate,
      signatures,
      contentAddress: address === '' ? undefined : parseContentAddress(address),
    };
    let left = narSize;
    const take = (): Uint8Array => {
      const chunk = reader.peek().slice(0, left);
      reader.skip(chunk.length);
      left -= chunk.length;
      return chunk;
    };
    const nar = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      while (left > 0) yield take();
    };
    await this.engine.store.addToStore(info, nar(), { checkSignatures: false });
    // The store reads nothing of what it has.
    while (left > 0) take();
    this.writer.number(1);
  }
}
