// Locks that C++ Nix sees: flock(2) on lock files (libstore/unix/pathlocks.cc). Node cannot lock, but a lock belongs to the open file
// and not to the process: the program `flock` (util-linux, busybox) run with our descriptor inherited locks it for us and ends. One
// start costs 3 to 9 ms, more in a process with much memory, so callers lock in batches. Nothing here knows what is protected.

import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { FloeError, IoError } from '../../base/errors.ts';
import { compareStrings } from '../../base/bytes.ts';
import { guardIo, systemPath } from './system-error.ts';

export type LockMode = 'shared' | 'exclusive';

/** One descriptor to be locked. */
export interface LockRequest {
  readonly fd: number;
  readonly mode: LockMode;
  /** Wait as long as it takes; otherwise give up at once where another holds it. */
  readonly wait: boolean;
}

/** Descriptors one `flock` run takes; the rest go to the next run. */
const BATCH_SIZE = 48;
const FIRST_FD = 3;

/** Locks all in order and prints a digit for each; with `chain`, stops after the first that is refused. */
function scriptFor(requests: readonly LockRequest[], chain: boolean): string {
  const lines = requests.map(({ mode, wait }, index) => {
    const flags = `${mode === 'shared' ? '-s' : '-x'}${wait ? '' : ' -n'}`;
    return `flock ${flags} ${FIRST_FD + index} && printf 1 || { s=$?; [ $s = 1 ] || exit 2; printf 0; ${chain ? 'exit 0; ' : ''}}`;
  });
  return lines.join('\n');
}

function spawnOptions(requests: readonly LockRequest[]): SpawnOptions & { stdio: ('ignore' | 'pipe' | number)[] } {
  return {
    stdio: ['ignore', 'pipe', 'pipe', ...requests.map(({ fd }) => fd)],
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' },
  };
}

function lockError(status: number | null, stderr: string, error?: unknown): FloeError {
  const missing = (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT' || /flock: (command )?not found/.test(stderr);
  if (missing) {
    return new FloeError('FLOE_NO_FLOCK', "the program 'flock' is missing; floe needs it to lock the store", {
      hint: "install util-linux (package 'util-linux' in most systems), or put a 'flock' on the PATH",
      cause: error,
    });
  }
  return new IoError(`cannot lock a file of the store: ${stderr.trim() || `flock ended with status ${status}`}`, { cause: error });
}

function readAnswers(output: string, requests: readonly LockRequest[]): boolean[] {
  return requests.map((_, index) => output[index] === '1');
}

/** Which of the descriptors are locked now. Blocks the whole process while it waits. */
export function lockDescriptorsSync(requests: readonly LockRequest[], chain = false): boolean[] {
  const result: boolean[] = [];
  for (let start = 0; start < requests.length; start += BATCH_SIZE) {
    const batch = requests.slice(start, start + BATCH_SIZE);
    const { status, stdout, stderr, error } = spawnSync('sh', ['-c', scriptFor(batch, chain)], {
      ...spawnOptions(batch),
      encoding: 'latin1',
    });
    if (error !== undefined || status === null || status > 1) throw lockError(status, String(stderr ?? ''), error);
    result.push(...readAnswers(String(stdout), batch));
    if (chain && result.includes(false)) return requests.map((_, index) => result[index] === true);
  }
  return result;
}

/** Which of the descriptors are locked now; other work goes on while it waits. */
export async function lockDescriptors(requests: readonly LockRequest[], chain = false): Promise<boolean[]> {
  const result: boolean[] = [];
  for (let start = 0; start < requests.length; start += BATCH_SIZE) {
    const batch = requests.slice(start, start + BATCH_SIZE);
    result.push(...(await runBatch(batch, chain)));
    if (chain && result.includes(false)) return requests.map((_, index) => result[index] === true);
  }
  return result;
}

function runBatch(batch: readonly LockRequest[], chain: boolean): Promise<boolean[]> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', scriptFor(batch, chain)], spawnOptions(batch));
    let stdout = '';
    let stderr = '';
    child.stdout!.setEncoding('latin1').on('data', (text: string) => void (stdout += text));
    child.stderr!.setEncoding('latin1').on('data', (text: string) => void (stderr += text));
    child.on('error', (error) => reject(lockError(null, stderr, error)));
    child.on('close', (status) => {
      if (status === null || status > 1) reject(lockError(status, stderr));
      else resolve(readAnswers(stdout, batch));
    });
  });
}

/** Opens a lock file, made where it is missing. Close it to release what was locked through it. */
export function openLockFile(path: string): number {
  return guardIo('opening lock file', path, () => fs.openSync(systemPath(path), fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600));
}

/** Locks on store paths, held until released. */
export interface PathLocks {
  /** Real paths, sorted. */
  readonly paths: readonly string[];
  /** Removes the lock files, so that none are left in the store, and lets others go on. A second time does nothing. */
  release(): void;
}

export interface LockPathsOptions {
  /** Wait for other holders, or give up (undefined is returned). */
  readonly wait: boolean;
  /** Called once, with what is waited for, before waiting. */
  readonly onWait?: (path: string) => void;
}

interface OpenLock {
  readonly path: string;
  readonly fd: number;
}

/**
 * A holder that ends removes its lock file after writing into it; whoever waited on that file holds a lock that nobody else looks at,
 * and must start again.
 */
function isStale(fd: number): boolean {
  return fs.fstatSync(fd).size !== 0;
}

function releaseLocks(locks: readonly OpenLock[]): void {
  for (const { path, fd } of locks) {
    try {
      fs.unlinkSync(systemPath(`${path}.lock`));
    } catch {
      // Removing the file is only tidiness.
    }
    try {
      fs.writeSync(fd, 'd');
    } catch {
      // A full disk: others then take the file for fresh, which is harmless since it is unlinked.
    }
    fs.closeSync(fd);
  }
}

function closeAll(locks: readonly OpenLock[]): void {
  for (const { fd } of locks) fs.closeSync(fd);
}

function makeHandle(locks: OpenLock[]): PathLocks {
  let held = locks;
  return {
    paths: locks.map(({ path }) => path),
    release() {
      releaseLocks(held);
      held = [];
    },
  };
}

/** Locks `<path>.lock` for each real path, in sorted order, so that no two processes wait for each other. */
export async function lockPaths(realPaths: Iterable<string>, options: LockPathsOptions): Promise<PathLocks | undefined> {
  const todo = [...new Set(realPaths)].sort(compareStrings);
  const held: OpenLock[] = [];
  let announced = false;
  try {
    while (held.length < todo.length) {
      const open = todo.slice(held.length).map((path) => ({ path, fd: openLockFile(`${path}.lock`) }));
      let taken = 0;
      try {
        const answers = await lockDescriptors(
          open.map(({ fd }) => ({ fd, mode: 'exclusive', wait: false })),
          true,
        );
        const refused = answers.indexOf(false);
        taken = refused < 0 ? open.length : refused;
        if (refused >= 0) {
          if (!options.wait) {
            held.push(...open.splice(0, taken));
            releaseLocks(held.splice(0));
            return undefined;
          }
          if (!announced) options.onWait?.(open[refused]!.path);
          announced = true;
          await lockDescriptors([{ fd: open[refused]!.fd, mode: 'exclusive', wait: true }]);
          taken = refused + 1;
        }
        const stale = open.findIndex(({ fd }, index) => index < taken && isStale(fd));
        if (stale >= 0) taken = stale;
        held.push(...open.splice(0, taken));
      } finally {
        // Those not taken are opened anew on the next round.
        closeAll(open);
      }
    }
    return makeHandle(held);
  } catch (error) {
    releaseLocks(held);
    throw error;
  }
}

/** The same without waiting, synchronous; undefined where someone holds one of them. */
export function tryLockPathsSync(realPaths: Iterable<string>): PathLocks | undefined {
  const todo = [...new Set(realPaths)].sort(compareStrings);
  for (;;) {
    const open = todo.map((path) => ({ path, fd: openLockFile(`${path}.lock`) }));
    let answers: boolean[];
    try {
      answers = lockDescriptorsSync(
        open.map(({ fd }) => ({ fd, mode: 'exclusive', wait: false })),
        true,
      );
    } catch (error) {
      closeAll(open);
      throw error;
    }
    const refused = answers.indexOf(false);
    if (refused >= 0) {
      releaseLocks(open.slice(0, refused));
      closeAll(open.slice(refused));
      return undefined;
    }
    if (!open.some(({ fd }) => isStale(fd))) return makeHandle(open);
    // PERF: a stale file is rare, so all are released and taken again.
    closeAll(open);
  }
}
