// What placing a store asks of this machine.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import type { StoreMachine } from '../placement.ts';
import { isListening } from './daemon-socket.ts';

function isWritableFolder(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Mount namespaces can be made here, by bubblewrap's or util-linux's means (both need the same of the kernel). */
function canMount(isRoot: boolean): boolean {
  const flags = isRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  // Making a namespace is not enough: some containers allow that and forbid to mount in it.
  return spawnSync('unshare', [...flags, 'sh', '-c', 'mount --bind /tmp /tmp'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
}

function homeFolder(env: NodeJS.ProcessEnv): string | undefined {
  if (env['HOME']) return env['HOME'];
  try {
    return userInfo().homedir || homedir();
  } catch {
    return undefined;
  }
}

/** The present machine, user and environment. */
export function readStoreMachine(env: NodeJS.ProcessEnv = process.env, cwd: string = process.cwd()): StoreMachine {
  const isRoot = process.geteuid?.() === 0;
  return { env, cwd, home: homeFolder(env), isRoot, isWritableFolder, exists: existsSync, isListening, canMount: () => canMount(isRoot) };
}
