// What this machine offers for isolating builds: the programs that are installed, and, tried out once when first needed, which
// namespaces the kernel lets this user have. Nothing here runs unless something is about to be built.

import { spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';

/** Paths (byte strings) of the programs that sandboxes use; undefined where one is not installed. */
export interface SandboxPrograms {
  readonly bwrap: string | undefined;
  readonly unshare: string | undefined;
  readonly mount: string | undefined;
  readonly setpriv: string | undefined;
  readonly setarch: string | undefined;
  readonly hostname: string | undefined;
  readonly ip: string | undefined;
  readonly env: string | undefined;
  readonly mkfifo: string | undefined;
  readonly perl: string | undefined;
}

/** Which kinds of isolation a way of sandboxing gives here. */
export interface Isolation {
  /** Builders see only their inputs (the ground of all of it). */
  readonly files: boolean;
  /** Builders have a process table of their own, and everything they start ends with them. */
  readonly processes: boolean;
  readonly network: boolean;
}

export const NO_ISOLATION: Isolation = { files: false, processes: false, network: false };

/** Folders that hold programs even where PATH does not say so. */
const SYSTEM_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/run/current-system/sw/bin'];

/** Finds the programs; `searchPath` is PATH, `bubblewrap` overrides its place ("" hides it). */
export function findSandboxPrograms(searchPath: string, bubblewrap?: string): SandboxPrograms {
  const folders = [...new Set([...searchPath.split(':').filter((folder) => folder.startsWith('/')), ...SYSTEM_FOLDERS])];
  const find = (name: string): string | undefined => folders.map((folder) => `${folder}/${name}`).find(isExecutable);
  return {
    bwrap: bubblewrap === undefined ? findOnPath(searchPath, 'bwrap') : bubblewrap === '' ? undefined : bubblewrap,
    unshare: find('unshare'),
    mount: find('mount'),
    setpriv: find('setpriv'),
    setarch: find('setarch'),
    hostname: find('hostname'),
    ip: find('ip'),
    env: find('env'),
    mkfifo: find('mkfifo'),
    perl: find('perl'),
  };
}

// A user hides bubblewrap by taking it off PATH, so for it no other folder counts.
function findOnPath(searchPath: string, name: string): string | undefined {
  return searchPath
    .split(':')
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => `${folder}/${name}`)
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Which isolation to try for, the fullest first; without files there is nothing to try. */
const LEVELS: readonly Isolation[] = [
  { files: true, processes: true, network: true },
  { files: true, processes: true, network: false },
  { files: true, processes: false, network: true },
  { files: true, processes: false, network: false },
];

function succeeds(program: string, args: readonly string[]): boolean {
  const { status, error } = spawnSync(program, args, { stdio: 'ignore', env: { PATH: SYSTEM_FOLDERS.join(':') }, timeout: 20000 });
  return error === undefined && status === 0;
}

/** Whether programs can be started without the supplementary groups of this process. */
export function canDropGroups({ setpriv }: SandboxPrograms): boolean {
  return setpriv !== undefined && succeeds(setpriv, ['--clear-groups', '--', 'true']);
}

/** What bubblewrap can do here. */
export interface BubblewrapAbility {
  readonly isolation: Isolation;
  /** Whether it can give the builder a name other than its path (bubblewrap 0.9). */
  readonly namesProgram: boolean;
}

/** Tries bubblewrap with the options real builds use. */
export function probeBubblewrap(bwrap: string): BubblewrapAbility {
  const attempt = (level: Isolation, more: readonly string[]) =>
    succeeds(bwrap, [
      ...bubblewrapNamespaces(level),
      ...['--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--perms', '1777', '--tmpfs', '/dev/shm'],
      ...more,
      '--',
      'true',
    ]);
  for (const level of LEVELS) {
    if (attempt(level, ['--argv0', 'true'])) return { isolation: level, namesProgram: true };
    if (attempt(level, [])) return { isolation: level, namesProgram: false };
  }
  return { isolation: NO_ISOLATION, namesProgram: false };
}

/** bubblewrap's options for namespaces and ids. */
export function bubblewrapNamespaces(level: Isolation): string[] {
  return [
    ...['--unshare-user', '--uid', '1000', '--gid', '100', '--unshare-ipc', '--unshare-uts', '--hostname', 'localhost'],
    ...(level.processes ? ['--unshare-pid', '--as-pid-1'] : []),
    ...(level.network ? ['--unshare-net'] : []),
    ...['--die-with-parent', '--new-session'],
  ];
}

/** Tries unshare and mount; the second step (the builder's own ids) needs a user namespace inside a user namespace. */
export function probeUtilLinux(unshare: string, mount: string): Isolation {
  for (const level of LEVELS) {
    const script = [
      'set -e',
      `'${mount}' -n --bind /etc /etc`,
      level.processes ? `'${mount}' -n -t proc proc /proc` : '',
      `exec '${unshare}' --user --map-user=1000 --map-group=100 true`,
    ];
    if (succeeds(unshare, [...unshareNamespaces(level), '--', '/bin/sh', '-c', script.join('\n')])) return level;
  }
  return NO_ISOLATION;
}

/** unshare's options for the outer of the two user namespaces, in which mounts are made. */
export function unshareNamespaces(level: Isolation): string[] {
  return [
    ...['--user', '--map-root-user', '--mount', '--propagation', 'private', '--ipc', '--uts'],
    ...(level.processes ? ['--pid', '--fork', '--kill-child'] : []),
    ...(level.network ? ['--net'] : []),
  ];
}

/** Shells that need no libraries, so that they can be /bin/sh where nothing else is; the first that is there and static. */
const STATIC_SHELLS = ['/bin/busybox', '/usr/bin/busybox', '/usr/lib/busybox/bin/busybox', '/bin/bash-static', '/usr/bin/bash-static'];

/** A static shell of this machine that can serve as /bin/sh in builds; undefined where there is none. */
export function findStaticShell(candidates: readonly string[] = STATIC_SHELLS): string | undefined {
  return candidates.find((path) => existsSync(path) && isStaticProgram(path));
}

const PROGRAM_HEADER_INTERPRETER = 3;

/** Whether a file is an ELF program (64-bit, little-endian) that asks for no loader. */
export function isStaticProgram(path: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return false;
  }
  try {
    const header = Buffer.alloc(4096);
    const length = readSync(file, header, 0, header.length, 0);
    if (length < 64 || header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) return false;
    const offset = Number(header.readBigUInt64LE(32));
    const size = header.readUInt16LE(54);
    const count = header.readUInt16LE(56);
    for (let index = 0; index < count; index++) {
      const at = offset + index * size;
      if (at + 4 > length || header.readUInt32LE(at) === PROGRAM_HEADER_INTERPRETER) return false;
    }
    return true;
  } catch {
    return false;
  } finally {
    closeSync(file);
  }
}

/** What is missing, in words for the user; empty where nothing is. */
export function describeMissing(isolation: Isolation, programs: SandboxPrograms): string {
  if (!isolation.files) {
    const tool = programs.bwrap ?? (programs.unshare === undefined || programs.mount === undefined ? undefined : programs.unshare);
    const reason =
      tool === undefined
        ? "neither bubblewrap ('bwrap') nor util-linux ('unshare', 'mount') is installed"
        : `the kernel does not let this user create the namespaces that '${basename(tool)}' asks for`;
    return `no isolation of files, processes and network, because ${reason}`;
  }
  const missing = [isolation.processes ? '' : 'a process table of their own', isolation.network ? '' : 'a network of their own'].filter(
    Boolean,
  );
  return missing.length === 0 ? '' : `no ${missing.join(' and no ')}, because the kernel does not let this user create it`;
}
