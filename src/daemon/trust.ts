// Whom the daemon talks to and whom it trusts: the user at the other end of a socket, and what `allowed-users` and `trusted-users` say of
// him. Node cannot ask the system who that is, so that a small program of the machine does. nix/unix/daemon.cc at 2.34.8.

import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { FloeError } from '../base/errors.ts';

/** The process at the other end. */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** What decides about a client. */
export interface TrustSettings {
  readonly trustedUsers: readonly string[];
  readonly allowedUsers: readonly string[];
  readonly buildUsersGroup: string;
}

/** What was decided. */
export interface Verdict {
  readonly isTrusted: boolean;
  /** His name or number; undefined where the machine does not tell. */
  readonly user: string | undefined;
}

/** SOL_SOCKET and SO_PEERCRED of Linux; the answer is three numbers. */
const PROGRAMS: readonly (readonly [program: string, ...args: string[]])[] = [
  ['perl', '-e', 'print join " ", unpack "iii", getsockopt STDIN, 1, 17'],
  ['python3', '-c', 'import socket,struct; print(*struct.unpack("iii", socket.socket(fileno=0).getsockopt(1, 17, 12)))'],
];

/** Who is at the other end of a socket; undefined where no program of the machine can tell. */
export async function readPeer(socket: Socket): Promise<Peer | undefined> {
  for (const [program, ...args] of PROGRAMS) {
    const output = await new Promise<string>((resolve) => {
      const child = spawn(program, args, { stdio: [socket, 'pipe', 'ignore'] });
      let text = '';
      child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()));
      child.on('error', () => resolve(''));
      child.on('close', () => resolve(text));
    });
    const [pid, uid, gid] = output.trim().split(' ').map(Number);
    if (gid !== undefined && Number.isInteger(pid) && Number.isInteger(uid) && Number.isInteger(gid)) return { pid: pid!, uid: uid!, gid };
  }
  return undefined;
}

/** Lines of /etc/passwd or /etc/group, split; from the name service where the file lacks what is looked for. */
async function entries(database: 'passwd' | 'group', key: string): Promise<string[][]> {
  let text = '';
  try {
    text = readFileSync(`/etc/${database}`, 'utf8');
  } catch {
    // No such file: the name service may know.
  }
  const parse = (lines: string): string[][] => lines.split('\n').map((line) => line.split(':'));
  const found = parse(text);
  if (found.some(([name, , id]) => name === key || id === key)) return found;
  const answer = await new Promise<string>((resolve) => {
    execFile('getent', [database, key], (error, stdout) => resolve(error === null ? stdout : ''));
  });
  return [...found, ...parse(answer)];
}

/** The name that goes with a number; the number where there is none. */
async function nameOf(database: 'passwd' | 'group', id: number): Promise<string> {
  const text = String(id);
  return (await entries(database, text)).find(([, , entry]) => entry === text)?.[0] ?? text;
}

/** Whether a list of users and `@groups` has him. */
async function matches(user: string | undefined, group: string | undefined, list: readonly string[]): Promise<boolean> {
  if (list.includes('*') || (user !== undefined && list.includes(user))) return true;
  for (const entry of list) {
    if (!entry.startsWith('@')) continue;
    const name = entry.slice(1);
    if (group === name) return true;
    if (user === undefined) continue;
    const members = (await entries('group', name)).find(([one]) => one === name)?.[3] ?? '';
    if (members.split(',').includes(user)) return true;
  }
  return false;
}

/** Decides about a client. FloeError where it may not connect at all. */
export async function judge(peer: Peer | undefined, settings: TrustSettings): Promise<Verdict> {
  const user = peer && (await nameOf('passwd', peer.uid));
  const group = peer && (await nameOf('group', peer.gid));
  const isTrusted = await matches(user, group, settings.trustedUsers);
  const isAllowed = isTrusted || (await matches(user, group, settings.allowedUsers));
  if (!isAllowed || (group !== undefined && group === settings.buildUsersGroup))
    throw new FloeError('FLOE_NOT_ALLOWED', `user '${user ?? '<unknown>'}' is not allowed to connect to the Nix daemon`);
  return { isTrusted, user };
}
