// Paths for node:fs out of byte strings, and errors of node:fs in floe's words: what was being done, to which path, what the machine
// said, and what to do about a full disk.

import { IoError } from '../../base/errors.ts';
import { byteStringToUtf8 } from '../../base/bytes.ts';

const NON_ASCII = /[^\x00-\x7f]/;

/** A byte string as node:fs takes it. PERF: strings cost less than Buffers, and nearly every path is ASCII. */
export function systemPath(path: string): string | Buffer {
  return NON_ASCII.test(path) ? Buffer.from(path, 'latin1') : path;
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EDQUOT: 'Disk quota exceeded',
  EEXIST: 'File exists',
  EFBIG: 'File too large',
  EIO: 'Input/output error',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  EMFILE: 'Too many open files',
  EMLINK: 'Too many links',
  ENAMETOOLONG: 'File name too long',
  ENOENT: 'No such file or directory',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
  EXDEV: 'Invalid cross-device link',
};

/** The `code` of an error of node:fs; undefined for other errors. */
export function systemErrorCode(error: unknown): string | undefined {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return error instanceof Error && typeof code === 'string' && typeof syscall === 'string' ? code : undefined;
}

/** What the machine said, in its own words. */
export function systemErrorWords(error: unknown): string {
  return WORDS[systemErrorCode(error) ?? ''] ?? (error as Error).message;
}

/** `doing` reads "writing", "opening lock file", ... Errors that are not the machine's come back as they are. */
export function ioErrorOf(error: unknown, doing: string, path: string): unknown {
  const code = systemErrorCode(error);
  if (code === undefined) return error;
  const shown = byteStringToUtf8(path);
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new IoError(`${doing} '${shown}': ${systemErrorWords(error)}`, {
    data: { path: shown, code },
    cause: error,
    ...(full
      ? { hint: 'free some space (`floe store gc` deletes what nothing uses) and try again; nothing half-written is left behind' }
      : {}),
  });
}

/** Runs `action`; errors of the machine come out as IoError. */
export function guardIo<T>(doing: string, path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw ioErrorOf(error, doing, path);
  }
}
