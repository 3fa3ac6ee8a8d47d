// How a Nix daemon of this machine is reached: its Unix domain socket, spoken to with waiting (as all of Node does) or without. A blocking
// conversation reads and writes the socket's descriptor itself, with the event loop standing still.

import { once } from 'node:events';
import * as fs from 'node:fs';
import { connect, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { ProtocolError, StoreError } from '../../base/errors.ts';
import type { RemoteConnection } from '../remote/serve-store.ts';
import { systemErrorCode } from './system-error.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  ECONNREFUSED: 'Connection refused',
  ENOTSOCK: 'Socket operation on non-socket',
};

function cannotConnect(path: string, code: string | undefined, cause: unknown): StoreError {
  return new StoreError(`cannot connect to socket at '${path}': ${REASONS[code ?? ''] ?? code ?? 'unknown error'}`, {
    code: 'FLOE_NO_DAEMON',
    data: { path },
    cause,
    hint: 'is the Nix daemon running? `floe daemon` starts one',
  });
}

/** What a socket address holds. */
const MAX_ADDRESS = 107;

/** Another name for a socket, short enough for an address; `release` when it is bound or connected. */
export function shortSocketName(path: string): { readonly name: string; readonly release: () => void } {
  if (Buffer.byteLength(path) <= MAX_ADDRESS) return { name: path, release: () => {} };
  const folder = fs.openSync(dirname(path), fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  return { name: `/proc/self/fd/${folder}/${basename(path)}`, release: () => fs.closeSync(folder) };
}

/** A socket whose system call has been made; how that ended is still to be heard. StoreError where its folder is missing. */
function connecting(path: string): Socket {
  try {
    const { name, release } = shortSocketName(path);
    try {
      return connect({ path: name });
    } finally {
      release();
    }
  } catch (error) {
    throw cannotConnect(path, systemErrorCode(error), error);
  }
}

/** Why a connection did not come about, where the system call itself only said that it did not. */
function reasonOf(path: string): string {
  try {
    if (!fs.statSync(path).isSocket()) return 'ENOTSOCK';
    fs.accessSync(path, fs.constants.W_OK);
    return 'ECONNREFUSED';
  } catch (error) {
    return systemErrorCode(error) ?? 'ENOENT';
  }
}

/** What Node's handle of a socket has beside what its types tell. */
interface Handle {
  readonly fd: number;
  setBlocking(blocking: boolean): number;
}

/** A connection that is read and written without waiting for events. */
export interface BlockingConnection {
  /** Undefined at the end. */
  read(): Uint8Array | undefined;
  write(bytes: Uint8Array): void;
  close(): void;
}

const READ_SIZE = 64 * 1024;

/** Connects at once. StoreError where nobody listens. */
export function connectBlocking(path: string): BlockingConnection {
  const socket = connecting(path);
  // Node must not read what is ours, nor be kept alive, nor be told of errors that are met here.
  socket.pause();
  socket.unref();
  socket.on('error', () => undefined);
  const handle = (socket as Socket & { readonly _handle: Handle | null })._handle;
  const fd = handle?.fd ?? -1;
  try {
    if (handle === null || fd < 0) throw Object.assign(new Error('no descriptor'), { code: reasonOf(path) });
    handle.setBlocking(true);
    // Writing nothing fails where the socket is not connected.
    fs.writeSync(fd, new Uint8Array(0));
  } catch (error) {
    socket.destroy();
    const code = systemErrorCode(error);
    throw cannotConnect(path, code === 'ENOTCONN' || code === 'EPIPE' ? reasonOf(path) : code, error);
  }
  const buffer = new Uint8Array(READ_SIZE);
  const guard = (action: () => number): number => {
    try {
      return action();
    } catch (error) {
      if (!['EPIPE', 'ECONNRESET'].includes(systemErrorCode(error) ?? '')) throw error;
      throw new ProtocolError(`the connection was lost: ${(error as Error).message}`, { data: { isEndOfFile: true }, cause: error });
    }
  };
  return {
    read() {
      const count = guard(() => fs.readSync(fd, buffer));
      return count === 0 ? undefined : buffer.slice(0, count);
    },
    write(bytes) {
      for (let at = 0; at < bytes.length;) at += guard(() => fs.writeSync(fd, bytes, at));
    },
    close: () => void socket.destroy(),
  };
}

/** Whether somebody listens there. */
export function isListening(path: string): boolean {
  try {
    connectBlocking(path).close();
    return true;
  } catch (error) {
    if (error instanceof StoreError) return false;
    throw error;
  }
}

/** Connects, to be waited for. */
export async function connectToDaemon(path: string): Promise<RemoteConnection> {
  const socket = connecting(path);
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw cannotConnect(path, systemErrorCode(error), error);
  }
  let failure: Error | undefined;
  socket.on('error', (error) => (failure = error));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return {
    saysStarted: false,
    output: socket,
    async write(chunk) {
      if (failure !== undefined || socket.destroyed)
        throw new ProtocolError(`the connection was lost: ${failure?.message ?? 'it is closed'}`, {
          data: { isEndOfFile: true },
          cause: failure,
        });
      if (!socket.write(chunk)) await Promise.race([once(socket, 'drain').catch(() => undefined), closed]);
    },
    async close() {
      socket.destroy();
      await closed;
    },
  };
}
