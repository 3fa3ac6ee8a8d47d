// Writing flake.lock: under a lock and by rename, so that it is whole at every moment and two processes that lock the same flake do not
// undo each other's work. In a git repository the file is made known to git at once (else the next evaluation would not see it), and
// committed where that was asked for. (Nix: putFile in libfetchers/git.cc and path.cc.)

import { byteStringOf, byteStringToUtf8, bytesOf } from '../base/bytes.ts';
import { FloeError, IoError } from '../base/errors.ts';
import { hashBytes, printHash } from '../base/hash.ts';
import type { LockPlan } from '../flake/lock-plan.ts';
import type { Io } from '../io/io.ts';
import type { WarningSink } from '../model/url.ts';

export interface LockWriterMachine {
  readonly io: Io;
  /** Where locks lie: in the cache, so that none is ever left in a user's project. */
  readonly lockFolder: string;
  readonly warn: WarningSink;
}

/** A lock that is not renewed for so long belongs to a process that died. Writing takes milliseconds. */
const STALE_MS = 10_000;
const WAIT_MS = 25;
const PATIENCE_MS = 30_000;

/**
 * Writes what was decided. "changed" where the file is not the one any more that the decision was made on: then nothing was written,
 * and the flake is to be locked again. `expected` is that file's text, undefined for none; null where it does not matter.
 */
export async function writeLockFile(
  plan: Extract<LockPlan, { kind: 'write' }>,
  expected: string | undefined | null,
  machine: LockWriterMachine,
): Promise<'written' | 'changed'> {
  const { files } = machine.io;
  const unlock = await lockPath(plan.path, machine);
  try {
    if (expected !== null) {
      const now = files.stat(plan.path) === undefined ? undefined : byteStringOf(files.readFile(plan.path));
      if (now !== expected) return 'changed';
    }
    files.writeFileAtomic(followLinks(plan.path, machine.io), bytesOf(plan.text));
  } finally {
    unlock();
  }
  if (plan.inTree) tellGit(plan.inTree, plan.commitMessage, machine);
  return 'written';
}

/** proper-lockfile's lock is a folder of its own; its heartbeat needs no event loop here, since the lock is held for milliseconds. */
async function lockPath(path: string, { io, lockFolder }: LockWriterMachine): Promise<() => void> {
  const { default: lockfile } = await import('proper-lockfile');
  io.files.makeFolder(lockFolder);
  const lockfilePath = byteStringToUtf8(`${lockFolder}/${printHash(hashBytes('sha256', path), 'nix32')}.lock`);
  for (let waited = 0; ; waited += WAIT_MS) {
    try {
      return lockfile.lockSync(byteStringToUtf8(path), { realpath: false, stale: STALE_MS, lockfilePath });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
      if (waited >= PATIENCE_MS) {
        throw new IoError(`another process has been writing '${byteStringToUtf8(path)}' for ${PATIENCE_MS / 1000} seconds`, {
          data: { path: byteStringToUtf8(path) },
          hint: `wait for it, or remove '${lockfilePath}' if no floe is running`,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  }
}

/** Where a rename has to go, so that a flake.lock which is a symbolic link stays one. */
function followLinks(path: string, { files }: Io): string {
  let current = path;
  for (let links = 0; files.stat(current)?.kind === 'symlink' && links < 40; links++) {
    const target = files.readLink(current);
    current = target.startsWith('/') ? target : `${current.slice(0, current.lastIndexOf('/'))}/${target}`;
  }
  return current;
}

function tellGit(
  { root, path }: { readonly root: string; readonly path: string },
  commitMessage: string | undefined,
  { io, warn }: LockWriterMachine,
): void {
  if (io.files.stat(`${root}/.git`) === undefined) return;
  const git = (args: readonly string[], input?: string) =>
    io.processes.run('git', ['-C', root, ...args], {
      ...(input !== undefined && { input }),
      interactive: commitMessage !== undefined && args[0] === 'commit',
    });
  const ignored = git(['check-ignore', '--quiet', path]);
  if (ignored === undefined) {
    warn(`git is not installed, so '${path}' could not be added to the repository "${root}"; run \`git add ${path}\` there`);
    return;
  }
  if (ignored.status === 0) return;
  const added = git(['add', '--intent-to-add', '--', path])!;
  if (added.status !== 0) throw gitFailed(['add', '--intent-to-add', '--', path], root, added);
  if (commitMessage === undefined) return;
  const committed = git(['commit', path, '-F', '-'], commitMessage)!;
  if (committed.status !== 0) throw gitFailed(['commit', path, '-F', '-'], root, committed);
}

function gitFailed(
  args: readonly string[],
  root: string,
  result: { readonly status: number; readonly stdout: string; readonly stderr: string },
): FloeError {
  const words = (result.stderr || result.stdout).trim();
  return new FloeError('FLOE_GIT', `program 'git' failed with exit code ${result.status}${words === '' ? '' : `: ${words}`}`, {
    data: { args, repository: root, status: result.status },
    hint: 'the lock file was written; what git says has to be settled by hand',
  });
}
