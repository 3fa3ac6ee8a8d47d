// The daemon's socket: every client gets a process of its own, which has its settings, its temporary roots and its builds, and ends with
// it. This process only listens, asks who is there, and hands the connection over. nix/unix/daemon.cc, daemonLoop, at 2.34.8.

import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Progress } from '../base/progress.ts';
import { FloeError, StoreError } from '../base/errors.ts';
import { shortSocketName } from '../store/local/daemon-socket.ts';
import { judge, type Peer, readPeer, type TrustSettings, type Verdict } from './trust.ts';

export interface ListenOptions {
  readonly socketPath: string;
  readonly progress: Progress;
  readonly trust: TrustSettings;
  /** Trust everyone or nobody, whoever it is. */
  readonly forced: boolean | undefined;
  /** Starts the process that serves a client, which has the connection as its standard input and output. */
  readonly serve: (connection: Socket, isTrusted: boolean) => ChildProcess;
}

/** systemd's socket, where it started us with one. */
const isActivated = (): boolean => process.env['LISTEN_PID'] === String(process.pid) && process.env['LISTEN_FDS'] === '1';
const ACTIVATED_FD = 3;

async function bind(server: Server, path: string): Promise<void> {
  const failed = (error: unknown): never => {
    throw new StoreError(`cannot bind to socket '${path}': ${(error as Error).message}`, { data: { path }, cause: error });
  };
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', resolve);
  });
  if (isActivated()) {
    server.listen({ fd: ACTIVATED_FD });
    return listening.catch(failed);
  }
  try {
    fs.mkdirSync(dirname(path), { recursive: true });
    fs.rmSync(path, { force: true });
    const { name, release } = shortSocketName(path);
    server.listen(name);
    await listening;
    release();
    // Everyone may knock; who he is is asked then.
    fs.chmodSync(path, 0o666);
  } catch (error) {
    failed(error);
  }
}

/** Serves until `signal` fires. */
export async function listen(options: ListenOptions, signal: AbortSignal): Promise<void> {
  const { progress } = options;
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (connection) => {
    accept(options, connection)
      .catch((error: unknown) => progress.log('error', `error processing connection: ${(error as Error).message}`))
      .finally(() => connection.destroy());
  });
  await bind(server, options.socketPath);
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
  server.close();
}

async function accept(options: ListenOptions, connection: Socket): Promise<void> {
  const { forced, trust, progress } = options;
  connection.on('error', () => undefined);
  let peer: Peer | undefined;
  let verdict: Verdict = { isTrusted: forced === true, user: undefined };
  if (forced === undefined) {
    peer = await readPeer(connection);
    verdict = await judge(peer, trust);
  }
  const { isTrusted, user = '<unknown>' } = verdict;
  progress.log('info', `accepted connection from pid ${peer?.pid ?? '<unknown>'}, user ${user}${isTrusted ? ' (trusted)' : ''}`);
  const child = options.serve(connection, isTrusted);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', () => resolve());
    child.once('error', (error) => reject(new FloeError('FLOE_EXECUTE', `cannot start a process for the client: ${error.message}`)));
  });
  child.unref();
}
