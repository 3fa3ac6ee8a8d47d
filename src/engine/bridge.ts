// The blocking bridge: evaluation is synchronous, fetching and building are not. The evaluator's thread posts a request to a worker
// and sleeps until the answer is there; what the worker reports meanwhile (progress, log lines) is handed on as it comes. Only plain
// data crosses. The worker starts with the first request, so an evaluation that fetches and builds nothing never pays for it.

import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import {
  BuildError,
  FetchError,
  FloeError,
  FormatError,
  HashMismatchError,
  InvalidPathError,
  LockFileError,
  StoreError,
  UsageError,
} from '../base/errors.ts';

/** What crosses from the evaluator's thread. */
export interface BridgeRequest {
  readonly operation: string;
  readonly argument: unknown;
}

type BridgeReply =
  | { readonly kind: 'event'; readonly event: unknown }
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: PackedError };

interface PackedError {
  readonly code: string | undefined;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly hint?: string | undefined;
  readonly suggestions?: readonly string[];
  readonly frames?: FloeError['frames'];
  readonly position?: FloeError['position'];
  readonly status?: string;
  readonly exitCode?: number;
}

function packError(error: unknown): PackedError {
  if (error instanceof FloeError) {
    const { code, message, data, hint, suggestions, frames, position } = error;
    const build = error instanceof BuildError ? { status: error.status, exitCode: error.exitCode } : {};
    return {
      code,
      message,
      data: JSON.parse(JSON.stringify(data)) as Record<string, unknown>,
      hint,
      suggestions,
      frames,
      position,
      ...build,
    };
  }
  return { code: undefined, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function unpackError(packed: PackedError): Error {
  const { code, message, data, hint, position, suggestions } = packed;
  if (code === undefined) return new Error(message);
  const options = { ...(data && { data }), ...(hint !== undefined && { hint }), position, suggestions: suggestions ?? [] };
  const error = makeError(code, message, options, packed);
  error.frames.push(...(packed.frames ?? []));
  return error;
}

function makeError(code: string, message: string, options: ConstructorParameters<typeof FloeError>[2], packed: PackedError): FloeError {
  switch (code) {
    case 'FLOE_BUILD':
      return new BuildError(packed.status ?? 'MiscFailure', message, { ...options, exitCode: packed.exitCode ?? 1 });
    case 'FLOE_HASH_MISMATCH':
      return new HashMismatchError(message, options);
    case 'FLOE_INVALID_PATH':
      return new InvalidPathError(message, options);
    case 'FLOE_STORE':
      return new StoreError(message, options);
    case 'FLOE_FETCH':
      return new FetchError(message, options);
    case 'FLOE_LOCK_FILE':
      return new LockFileError(message, options);
    case 'FLOE_FORMAT':
      return new FormatError(message, options);
    case 'FLOE_USAGE':
      return new UsageError(message, options);
    default:
      return new FloeError(code, message, options);
  }
}

/** The evaluator's side. */
export class BlockingBridge {
  private readonly entry: URL;
  private readonly workerData: unknown;
  private readonly onEvent: (event: unknown) => void;
  private running: { worker: Worker; port: MessagePort; signal: Int32Array } | undefined;

  constructor(entry: URL, workerData: unknown, onEvent: (event: unknown) => void) {
    this.entry = entry;
    this.workerData = workerData;
    this.onEvent = onEvent;
  }

  private start(): { port: MessagePort; signal: Int32Array } {
    if (this.running) return this.running;
    const { port1, port2 } = new MessageChannel();
    const signal = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(this.entry, {
      workerData: { port: port2, signal, data: this.workerData },
      transferList: [port2],
      trackUnmanagedFds: false,
    });
    worker.unref();
    port1.unref();
    this.running = { worker, port: port1, signal };
    return this.running;
  }

  /** Blocks until the worker has answered; throws what it threw. */
  call(operation: string, argument: unknown): unknown {
    const { port, signal } = this.start();
    port.postMessage({ operation, argument } satisfies BridgeRequest);
    for (;;) {
      Atomics.wait(signal, 0, 0);
      Atomics.store(signal, 0, 0);
      for (let received = receiveMessageOnPort(port); received !== undefined; received = receiveMessageOnPort(port)) {
        const reply = received.message as BridgeReply;
        if (reply.kind === 'event') this.onEvent(reply.event);
        else if (reply.kind === 'result') return reply.value;
        else throw unpackError(reply.error);
      }
    }
  }

  async close(): Promise<void> {
    await this.running?.worker.terminate();
    this.running = undefined;
  }
}

/** The worker's side: answers requests one after the other. */
export function serveBridge(
  workerData: unknown,
  start: (data: unknown, emit: (event: unknown) => void) => (request: BridgeRequest) => Promise<unknown>,
): void {
  const { port, signal, data } = workerData as { port: MessagePort; signal: Int32Array; data: unknown };
  const send = (reply: BridgeReply) => {
    port.postMessage(reply);
    Atomics.store(signal, 0, 1);
    Atomics.notify(signal, 0);
  };
  const handle = start(data, (event) => send({ kind: 'event', event }));
  let queue = Promise.resolve();
  port.on('message', (request: BridgeRequest) => {
    queue = queue.then(async () => {
      try {
        send({ kind: 'result', value: await handle(request) });
      } catch (error) {
        send({ kind: 'error', error: packError(error) });
      }
    });
  });
}
