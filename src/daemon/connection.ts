// One client of the daemon, from its greeting until it hangs up: requests are read, worked on one after the other (operations.ts) and
// answered. libstore/daemon.cc, processConnection, at 2.34.8.

import { byteStringToUtf8, utf8ToByteString } from '../base/bytes.ts';
import { FloeError, ProtocolError } from '../base/errors.ts';
import { AsyncWireReader, WireWriter } from '../base/wire.ts';
import { type Reading, readLater, readNumber, readStrings } from '../base/wire-reading.ts';
import {
  OLDEST_WORKER,
  since,
  type WireContext,
  WORKER_CLIENT_MAGIC,
  WORKER_FEATURES,
  WORKER_MESSAGES,
  WORKER_OPERATIONS,
  WORKER_SERVER_MAGIC,
  WORKER_VERSION,
  writeError,
} from '../model/worker-protocol.ts';
import type { ClientInput } from './client-input.ts';
import type { DaemonHost } from './host.ts';
import { OPERATIONS } from './operations.ts';
import type { Tunnel } from './tunnel.ts';

type OperationName = keyof typeof WORKER_OPERATIONS;

const NAMES = new Map(Object.entries(WORKER_OPERATIONS).map(([name, number]) => [number as number, name as OperationName]));

export interface DaemonConnectionOptions {
  readonly input: ClientInput;
  /** Sends; returns when it is on its way. */
  readonly send: (bytes: Uint8Array) => void;
  readonly host: DaemonHost;
  /** The same progress that the host tells. */
  readonly tunnel: Tunnel;
  readonly isTrusted: boolean;
  /** Called where the client is gone and nothing that runs could be told to stop. */
  readonly onLost: () => void;
}

/** See the head of the file. */
export class DaemonConnection implements WireContext {
  readonly storeDir: string;
  readonly host: DaemonHost;
  readonly tunnel: Tunnel;
  readonly isTrusted: boolean;
  readonly reader: AsyncWireReader;
  readonly writer: WireWriter;
  version = WORKER_VERSION;
  private readonly options: DaemonConnectionOptions;
  private readonly hangUp = new AbortController();
  private pending: Uint8Array[] = [];
  private isAnswering = false;
  /** Requests under way that stop when the client goes. */
  private stoppable = 0;

  constructor(options: DaemonConnectionOptions) {
    this.options = options;
    this.host = options.host;
    this.storeDir = options.host.store.storeDir;
    this.tunnel = options.tunnel;
    this.isTrusted = options.isTrusted;
    this.reader = new AsyncWireReader(options.input);
    this.writer = new WireWriter((chunk) => void this.pending.push(chunk));
    options.input.onHangUp = () => {
      this.hangUp.abort();
      if (this.isAnswering && this.stoppable === 0) options.onLost();
    };
  }

  read<T>(reading: Reading<T>): Promise<T> {
    return readLater(reading, this.reader);
  }

  /** Sends what was written. */
  flush(): void {
    if (this.pending.length > 0) this.options.send(Buffer.concat(this.pending.splice(0)));
  }

  /** Sends bytes as they are. */
  send(bytes: Uint8Array): void {
    this.flush();
    this.options.send(bytes);
  }

  /** The request is read: from here on messages go out, and an error is an answer. */
  begin(): void {
    this.isAnswering = true;
    this.tunnel.open();
  }

  /** The result follows. */
  end(): void {
    this.tunnel.close();
    this.isAnswering = false;
    this.writer.number(WORKER_MESSAGES.last);
  }

  /** Does something, with messages going out meanwhile. */
  async work<T>(action: () => Promise<T> | T): Promise<T> {
    this.begin();
    const result = await action();
    this.end();
    return result;
  }

  /** The same for what can be told to stop when the client hangs up. */
  async workUntilHangUp<T>(action: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.stoppable++;
    try {
      return await this.work(() => action(this.hangUp.signal));
    } finally {
      this.stoppable--;
    }
  }

  /** Asks for data that the client has offered (before 1.23). */
  askForData(length: number): void {
    this.writer.number(WORKER_MESSAGES.read).number(length);
    this.flush();
  }

  private async greet(): Promise<void> {
    if ((await this.read(readNumber())) !== WORKER_CLIENT_MAGIC) throw new ProtocolError('protocol mismatch');
    this.writer.number(WORKER_SERVER_MAGIC).number(WORKER_VERSION);
    this.flush();
    const client = await this.read(readNumber());
    this.version = this.tunnel.version = Math.min(client, WORKER_VERSION);
    if (this.version >= since(38)) {
      await this.read(readStrings());
      this.writer.strings(WORKER_FEATURES);
      this.flush();
    }
    if (this.version < OLDEST_WORKER) throw new ProtocolError('the Nix client version is too old');
    // Obsolete: the processor to run on, and whether to keep space aside.
    if ((await this.read(readNumber())) !== 0) await this.read(readNumber());
    await this.read(readNumber());
    if (this.version >= since(33)) this.writer.string(this.host.nixVersion);
    if (this.version >= since(35)) this.writer.number(this.isTrusted ? 1 : 2);
    await this.work(() => {
      this.flush();
    });
    this.flush();
  }

  /** Answers until the client hangs up. ProtocolError where it does not speak the protocol. */
  async run(): Promise<void> {
    await this.greet();
    for (;;) {
      let number: number;
      try {
        number = await this.read(readNumber());
      } catch (error) {
        if (isEndOfInput(error)) return;
        throw error;
      }
      if (!(await this.perform(number))) return;
      this.flush();
    }
  }

  /** False where the conversation cannot go on. */
  private async perform(number: number): Promise<boolean> {
    try {
      const name = NAMES.get(number);
      if (name === undefined) throw new ProtocolError(`invalid operation ${number}`);
      await OPERATIONS[name](this);
      return true;
    } catch (error) {
      if (this.hangUp.signal.aborted) return false;
      const goesOn = this.isAnswering && error instanceof FloeError;
      this.tunnel.close();
      this.isAnswering = false;
      // What a result had begun with is dropped.
      this.pending = [];
      this.sendError(error);
      return goesOn;
    }
  }

  private sendError(error: unknown): void {
    const known = error instanceof FloeError ? error : undefined;
    const message = error instanceof Error ? error.message : String(error);
    const traces = (known?.frames ?? []).map(({ text }) => utf8ToByteString(byteStringToUtf8(text))).reverse();
    const exitCode = (error as { readonly exitCode?: unknown }).exitCode;
    writeError(this.writer, this, { message: utf8ToByteString(message), traces, status: typeof exitCode === 'number' ? exitCode : 1 });
    this.flush();
  }
}

function isEndOfInput(error: unknown): boolean {
  return error instanceof FloeError && error.data['isEndOfFile'] === true;
}
