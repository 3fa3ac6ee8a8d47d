// One conversation with a Nix daemon, as the client sees it: the greeting, requests that are gathered until an answer is waited for, and
// what the daemon says while it works, which goes to `Progress`. Whether waiting blocks is decided by whoever drives the readings
// (worker-store.ts, local/daemon-store.ts). libstore/worker-protocol-connection.cc, remote-store.cc at 2.34.8.

import { byteStringOf, byteStringToUtf8, concatBytes, copyBytes } from '../../base/bytes.ts';
import { FloeError, FormatError, ProtocolError } from '../../base/errors.ts';
import { type Activity, type Progress, type ProgressFields } from '../../base/progress.ts';
import { WireWriter } from '../../base/wire.ts';
import { type Reading, readNumber, readString, readStrings } from '../../base/wire-reading.ts';
import {
  type ClientSettings,
  OLDEST_WORKER,
  readMessage,
  since,
  type WireContext,
  WORKER_CLIENT_MAGIC,
  WORKER_FEATURES,
  WORKER_OPERATIONS,
  WORKER_SERVER_MAGIC,
  WORKER_VERSION,
  type WorkerError,
  type WorkerMessage,
  writeClientSettings,
} from '../../model/worker-protocol.ts';

/** What a conversation is about. */
export interface WorkerWireOptions {
  readonly storeDir: string;
  /** For messages. */
  readonly uri: string;
  readonly progress: Progress;
  /** What the daemon is told of the user's settings; undefined to tell it nothing (stores on other machines). */
  readonly settings?: (() => ClientSettings) | undefined;
}

/** Gives so many bytes of what is being sent, fewer at its end. */
export type BytesOnDemand = (count: number) => Uint8Array;

/** What a daemon that hung up is said to have done. */
export const LOST = 'Nix daemon disconnected unexpectedly (maybe it crashed?)';

/** Whether an error means that the daemon hung up. */
export function isLoss(error: unknown): boolean {
  if (error instanceof FloeError) return error.data['isEndOfFile'] === true;
  return ['EPIPE', 'ECONNRESET'].includes((error as { readonly code?: string }).code ?? '');
}

/** Whether an error is the daemon's answer, after which the conversation goes on. */
export function isAnswer(error: unknown): boolean {
  return error instanceof FloeError && error.data['isAnswer'] === true;
}

const text = (bytes: string): string => byteStringToUtf8(bytes);
const textFields = (fields: ProgressFields): ProgressFields => fields.map((field) => (typeof field === 'string' ? text(field) : field));

/** One conversation; see `greet`. */
export class WorkerWire implements WireContext {
  readonly storeDir: string;
  readonly writer: WireWriter;
  /** The lower of both versions, once greeted. */
  version = WORKER_VERSION;
  /** The daemon's Nix; undefined where it does not say (before 1.33). */
  daemonVersion: string | undefined;
  /** Whether the daemon trusts this user; undefined where it does not say. */
  isTrusted: boolean | undefined;
  private readonly options: WorkerWireOptions;
  private readonly activities = new Map<bigint, Activity>();
  private pending: Uint8Array[] = [];
  /** What the answer now waited for is part of. */
  parent: Activity | undefined;

  constructor(options: WorkerWireOptions) {
    this.options = options;
    this.storeDir = options.storeDir;
    this.writer = new WireWriter((chunk) => void this.pending.push(chunk));
  }

  /** What was written and not yet sent. */
  takePending(): Uint8Array | undefined {
    const chunks = this.pending;
    if (chunks.length === 0) return undefined;
    this.pending = [];
    return chunks.length === 1 ? chunks[0] : concatBytes(chunks);
  }

  /** Says hello. ProtocolError where the other side is no daemon, or too old. */
  *greet(): Reading<void> {
    const { uri, settings } = this.options;
    try {
      this.writer.number(WORKER_CLIENT_MAGIC).number(WORKER_VERSION);
      const magic: Uint8Array = yield 8;
      if (new DataView(magic.buffer, magic.byteOffset).getBigUint64(0, true) !== BigInt(WORKER_SERVER_MAGIC))
        throw new ProtocolError(`protocol mismatch, got '${text(byteStringOf(magic))}'`);
      const daemon = yield* readNumber();
      if (daemon >> 8 !== WORKER_VERSION >> 8) throw new ProtocolError('Nix daemon protocol version not supported');
      if (daemon < OLDEST_WORKER) throw new ProtocolError('the Nix daemon version is too old');
      this.version = Math.min(daemon, WORKER_VERSION);
      if (this.version >= since(38)) {
        this.writer.strings(WORKER_FEATURES);
        yield* readStrings();
      }
      // Obsolete: the processor to run on, and whether to keep space aside.
      this.writer.number(0).number(0);
      if (this.version >= since(33)) this.daemonVersion = text(yield* readString());
      if (this.version >= since(35)) this.isTrusted = [undefined, true, false][yield* readNumber()];
      yield* this.answer();
    } catch (error) {
      if (!(error instanceof FloeError) && !isLoss(error)) throw error;
      const why = isLoss(error) ? LOST : (error as Error).message;
      throw new ProtocolError(`cannot open connection to remote store '${uri}': ${why}`, { data: { uri }, cause: error });
    }
    if (settings === undefined) return;
    this.writer.number(WORKER_OPERATIONS.setOptions);
    writeClientSettings(this.writer, settings());
    yield* this.answer();
  }

  /** Listens to the daemon until it has the result. Its error is thrown. `source` is what it may ask for meanwhile. */
  *answer(source?: BytesOnDemand): Reading<void> {
    try {
      for (;;) {
        const message = yield* readMessage(this);
        if (message.kind === 'last') return;
        if (message.kind === 'error') throw toError(message.error);
        if (message.kind === 'read') {
          if (source === undefined) throw new FormatError('the Nix daemon asks for data where there is none');
          this.writer.string(byteStringOf(source(message.length)));
        } else this.tell(message);
      }
    } finally {
      for (const activity of this.activities.values()) activity.stop();
      this.activities.clear();
    }
  }

  private tell(message: WorkerMessage): void {
    const { progress } = this.options;
    switch (message.kind) {
      case 'next':
        progress.log('error', text(message.text));
        break;
      case 'start': {
        const { id, type, level, fields } = message;
        const parent = this.activities.get(message.parent) ?? this.parent;
        this.activities.set(id, progress.start(type, text(message.text), { level, fields: textFields(fields), parent }));
        break;
      }
      case 'stop':
        this.activities.get(message.id)?.stop();
        this.activities.delete(message.id);
        break;
      case 'result':
        if (message.type !== undefined) this.activities.get(message.id)?.result(message.type, textFields(message.fields));
        break;
    }
  }
}

function toError({ message, traces, status }: WorkerError): FloeError {
  const error = new FloeError('FLOE_DAEMON', text(message), {
    data: { isAnswer: true, ...(status === undefined ? {} : { exitCode: status }) },
  });
  for (const trace of [...traces].reverse()) error.frames.push({ text: text(trace) });
  return error;
}

const FRAME_SIZE = 64 * 1024;

/** Cuts a stream into frames, as daemons read what has no length of its own. `end` closes it. */
export class Frames {
  private readonly send: (frame: Uint8Array) => void;
  private gathered: Uint8Array[] = [];
  private size = 0;

  constructor(send: (frame: Uint8Array) => void) {
    this.send = send;
  }

  /** Keeps a copy of small chunks. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.gathered.push(copyBytes(chunk));
    this.size += chunk.length;
    if (this.size >= FRAME_SIZE) this.flush();
  }

  private flush(): void {
    if (this.size === 0) return;
    const frame = new Uint8Array(8 + this.size);
    new DataView(frame.buffer).setBigUint64(0, BigInt(this.size), true);
    let at = 8;
    for (const chunk of this.gathered) {
      frame.set(chunk, at);
      at += chunk.length;
    }
    this.gathered = [];
    this.size = 0;
    this.send(frame);
  }

  end(): void {
    this.flush();
    this.send(new Uint8Array(8));
  }
}
