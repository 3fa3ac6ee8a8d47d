// Nix daemons for tests: C++ Nix's or floe's own, each over a store of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { after } from 'node:test';
import { SILENT } from '../../src/base/progress.ts';
import { DaemonStore } from '../../src/store/local/daemon-store.ts';

/** A running daemon. */
export interface TestDaemon {
  readonly socket: string;
  readonly storeDir: string;
  readonly stateDir: string;
  readonly child: ChildProcess;
  /** What it said so far. */
  log(): string;
  open(maxConnections?: number): DaemonStore;
  stop(): Promise<void>;
}

/** Starts `command` (a shell's words) as a daemon over a new store below `parent`. */
export async function startTestDaemon(parent: string, command: string, config = ''): Promise<TestDaemon> {
  const root = mkdtempSync(`${parent}/d-`);
  const [socket, storeDir, stateDir] = [`${root}/s`, `${root}/store`, `${root}/var`];
  const child = spawn('sh', ['-c', `exec ${command}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    env: {
      ...process.env,
      HOME: root,
      NIX_REMOTE: '',
      NIX_STORE_DIR: storeDir,
      NIX_STATE_DIR: stateDir,
      NIX_LOG_DIR: `${root}/log`,
      NIX_CONF_DIR: root,
      NIX_DAEMON_SOCKET_PATH: socket,
      NIX_CONFIG: `substituters =\nsandbox = false\nbuild-users-group =\nrequire-sigs = false\n${config}`,
    },
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    try {
      process.kill(-child.pid!, 'SIGTERM');
    } catch {
      // Gone already.
    }
    await ended;
  };
  after(stop);
  for (let round = 0; !existsSync(socket); round++) {
    if (round > 200 || child.exitCode !== null) throw new Error(`the daemon did not start: ${log}`);
    await sleep(50);
  }
  const places = { storeDir, realStoreDir: storeDir, stateDir, logDir: `${root}/log`, uri: `unix://${socket}`, socket };
  return {
    socket,
    storeDir,
    stateDir,
    child,
    log: () => log,
    open: (maxConnections) =>
      new DaemonStore({ ...places, progress: SILENT, withRealisations: false, ...(maxConnections && { maxConnections }) }),
    stop,
  };
}
