// The pipe a builder writes its output to. Node's own pipes to children are sockets, and a program that opens /dev/stderr fails on a
// socket; so this is a FIFO, unlinked as soon as both of its ends are open.

import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmdirSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { IoError } from '../base/errors.ts';

/** One FIFO, both ends open. */
export interface LogPipe {
  /** For the builder; close it once the builder has been started. */
  readonly writeEnd: number;
  readonly output: Socket;
}

/** Makes a pipe with the help of a name in `folder`, which must exist. */
export function makeLogPipe(folder: string): LogPipe {
  const place = mkdtempSync(`${folder}/pipe-`);
  const path = `${place}/log`;
  const { status, error, stderr } = spawnSync('mkfifo', ['-m', '600', path], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  if (status !== 0) {
    rmdirSync(place);
    throw new IoError(`cannot make a pipe for the build's output: ${error?.message ?? stderr.trim()}`, { cause: error });
  }
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY);
  unlinkSync(path);
  rmdirSync(place);
  return { writeEnd, output: new Socket({ fd: readEnd, readable: true, writable: false }) };
}

/** Closes the end that only the builder is to hold. */
export function closeWriteEnd(pipe: LogPipe): void {
  closeSync(pipe.writeEnd);
}
