// Whether everything that a result was made from is still as it was (reads.ts). Cheap things first: variables, then one lstat a path;
// contents are read only where the times moved on or prove nothing, and the store's database is asked in the end.

import * as fs from 'node:fs';
import {
  contentMark,
  diskPath,
  isProof,
  type KeptReads,
  kindLetter,
  listingText,
  type PathRead,
  sameContent,
  signatureOf,
  statOf,
} from './reads.ts';

/** `renewed` holds the reads with times as they are now, where contents had to be compared. */
export type CheckResult = { readonly holds: false } | { readonly holds: true; readonly renewed: KeptReads | undefined };

const FAILS: CheckResult = { holds: false };

/** Checks all reads. What cannot be read counts as changed. */
export function checkReads(reads: KeptReads, env: Readonly<Record<string, string | undefined>>, nowMs = Date.now()): CheckResult {
  try {
    if (reads.expiresMs !== null && nowMs >= reads.expiresMs) return FAILS;
    if (!reads.variables.every(([name, value]) => (env[name] ?? null) === value)) return FAILS;
    let isRenewed = false;
    const paths: [string, PathRead][] = [];
    for (const [path, read] of reads.paths) {
      const found = checkPath(path, read);
      if (found === undefined) return FAILS;
      if (found !== read) isRenewed = true;
      paths.push([path, found]);
    }
    if (!reads.writable.every(([path, answer]) => isWritable(path) === answer)) return FAILS;
    if (!checkStore(reads)) return FAILS;
    return { holds: true, renewed: isRenewed ? { ...reads, paths } : undefined };
  } catch {
    return FAILS;
  }
}

/** The read itself where nothing moved, one with times as they are now where only those did; undefined where it holds no more. */
function checkPath(path: string, read: PathRead): PathRead | undefined {
  const stats = statOf(path, read.F === 1);
  if (kindLetter(stats) !== read.k) return undefined;
  if (stats === undefined) return read;
  if (read.v !== undefined && read.v !== String(stats.dev)) return undefined;
  if (read.e !== undefined && read.e !== ((stats.mode & 0o100n) !== 0n ? 1 : 0)) return undefined;
  if (read.t !== undefined && fs.readlinkSync(diskPath(path), 'latin1' as BufferEncoding) !== read.t) return undefined;
  if (read.s === undefined) return read;
  const signature = signatureOf(stats);
  if (signature === read.s && read.p === 1) return read;
  if (read.x === 1 && signature !== read.s) return undefined;
  if (read.k === 'l' && read.t !== undefined) return read;
  // Either the times moved on, or they prove nothing: only the content does.
  if (read.h === undefined || !sameContent(contentOf(path, read), read.h)) return undefined;
  const { p: _, ...rest } = read;
  return isProof(stats) ? { ...rest, s: signature, p: 1 } : { ...rest, s: signature };
}

function contentOf(path: string, read: PathRead): string {
  if (read.k === 'f') return contentMark(fs.readFileSync(diskPath(path)));
  const entries = fs.readdirSync(diskPath(path), { withFileTypes: true, encoding: 'latin1' as BufferEncoding });
  return contentMark(listingText(entries.map((entry) => ({ name: entry.name, kind: kindOfEntry(entry) }))));
}

function kindOfEntry(entry: fs.Dirent): string {
  return entry.isFile() ? 'regular' : entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'symlink' : 'unknown';
}

function isWritable(path: string): boolean {
  try {
    fs.accessSync(path, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** PERF: opening the database and asking it costs less than a millisecond. */
function checkStore({ store, valid, invalid }: KeptReads): boolean {
  if (store === null || (valid.length === 0 && invalid.length === 0)) return true;
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const database = new DatabaseSync(store.database, { readOnly: true, timeout: 100 });
  try {
    const query = database.prepare('select 1 from ValidPaths where path = ?');
    const isValid = (path: string): boolean => query.get(`${store.storeDir}/${path}`) !== undefined;
    return valid.every(isValid) && !invalid.some(isValid);
  } finally {
    database.close();
  }
}
