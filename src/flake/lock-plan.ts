// What becomes of a new lock file: nothing, a warning, or a file to write (and perhaps to commit). Pure; engine/lock-writer.ts does what
// is decided here. The rules and the words are C++ Nix's (the end of lockFlake in libflake/flake.cc).

import { FloeError, LockFileError, UsageError } from '../base/errors.ts';
import { printFlakeRef } from '../model/flake-ref.ts';
import { equalLockFiles, findUnlockedInput, printLockFile, type UnlockedSettings } from '../model/lock-file.ts';
import type { WarningSink } from '../model/url.ts';
import { diffLockFiles, type LockChange, printLockDiff } from './lock-diff.ts';
import type { LockResult } from './lock.ts';

export interface WriteFlags {
  /** `--no-update-lock-file` turns it off: any change is an error. */
  readonly update: boolean;
  /** `--no-write-lock-file` and `--override-input` turn it off: changes stay in memory. */
  readonly write: boolean;
  /** `--commit-lock-file`. */
  readonly commit: boolean;
  /** `--output-lock-file`. */
  readonly outputPath?: string | undefined;
  /** `flake lock`: an input that cannot be locked is an error. */
  readonly failOnUnlocked: boolean;
  /** `commit-lock-file-summary`; "" for the usual one. */
  readonly commitSummary: string;
  /** `warn-dirty`. */
  readonly warnDirty: boolean;
}

export interface WritePlace {
  /** Folder of the flake's tree that can be written to; undefined for flakes that are not on this machine. */
  readonly sourcePath: string | undefined;
  exists(path: string): boolean;
}

export type LockPlan =
  /** `forceDirty`: the flake is used with a lock file that differs from its own, so its revision does not stand for it. */
  | { readonly kind: 'keep'; readonly changes: readonly LockChange[]; readonly forceDirty: boolean }
  | {
      readonly kind: 'write';
      readonly changes: readonly LockChange[];
      /** Absolute, or as `--output-lock-file` named it. */
      readonly path: string;
      readonly text: string;
      /** For a flake's own lock file: the repository's folder and the path in it. */
      readonly inTree: { readonly root: string; readonly path: string } | undefined;
      readonly commitMessage: string | undefined;
    };

/** Decides, and warns as Nix does. Throws where the flags forbid what would have to be done. */
export function planLockFile(
  result: LockResult,
  flags: WriteFlags,
  place: WritePlace,
  settings: UnlockedSettings,
  warn: WarningSink,
): LockPlan {
  try {
    return plan(result, flags, place, settings, warn);
  } catch (error) {
    if (error instanceof FloeError)
      error.frames.push({ text: `while updating the lock file of flake '${printFlakeRef(result.top.lockedRef)}'` });
    throw error;
  }
}

function plan(result: LockResult, flags: WriteFlags, place: WritePlace, settings: UnlockedSettings, warn: WarningSink): LockPlan {
  const { top, oldLockFile, lockFile } = result;
  const shown = printFlakeRef(top.originalRef);
  if (equalLockFiles(oldLockFile, lockFile) && flags.outputPath === undefined) return { kind: 'keep', changes: [], forceDirty: false };
  const changes = diffLockFiles(oldLockFile, lockFile);
  const words = printLockDiff(changes).replace(/\n$/, '');
  if (!flags.write) {
    warn(`not writing modified lock file of flake '${shown}':\n${words}`);
    return { kind: 'keep', changes, forceDirty: true };
  }
  if (place.sourcePath === undefined && flags.outputPath === undefined) {
    throw new LockFileError(`cannot write modified lock file of flake '${shown}' (use '--no-write-lock-file' to ignore)`);
  }
  const unlocked = findUnlockedInput(lockFile, settings);
  if (unlocked) {
    const input = printFlakeRef(unlocked);
    if (flags.failOnUnlocked) {
      throw new LockFileError(
        `Not writing lock file of flake '${shown}' because it has an unlocked input ('${input}'). Use '--allow-dirty-locks' to allow this anyway.`,
      );
    }
    if (flags.warnDirty) warn(`not writing lock file of flake '${shown}' because it has an unlocked input ('${input}')`);
    return { kind: 'keep', changes, forceDirty: false };
  }
  if (!flags.update)
    throw new LockFileError(`flake '${shown}' requires lock file changes but they're not allowed due to '--no-update-lock-file'`);
  const text = `${printLockFile(lockFile)}\n`;
  if (flags.outputPath !== undefined) {
    if (flags.commit) throw new UsageError("'--commit-lock-file' and '--output-lock-file' are incompatible");
    return { kind: 'write', changes, path: flags.outputPath, text, inTree: undefined, commitMessage: undefined };
  }
  const root = place.sourcePath!;
  const inTree = { root, path: `${top.originalRef.subdir === '' ? '' : `${top.originalRef.subdir}/`}flake.lock` };
  const path = `${root === '/' ? '' : root}/${inTree.path}`;
  const exists = place.exists(path);
  if (!exists) warn(`creating lock file "${path}": \n${words}`);
  else warn(`updating lock file "${path}"${words === '' ? '' : `:\n${words}`}`);
  const summary = flags.commitSummary === '' ? `${inTree.path}: ${exists ? 'Update' : 'Add'}` : flags.commitSummary;
  const commitMessage = flags.commit ? `${summary}\n\nFlake lock file updates:\n\n${printLockDiff(changes)}` : undefined;
  return { kind: 'write', changes, path, text, inTree, commitMessage };
}
