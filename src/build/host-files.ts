// The few things building does to the machine's files, for paths that are byte strings, as they are everywhere below the faces.
// Errors come out as IoError with the path in them.

import * as fs from 'node:fs';
import { compareStrings } from '../base/bytes.ts';
import { guardIo, systemPath } from '../store/local/system-error.ts';

/** Of the path itself, a final symbolic link not followed; undefined where nothing is there. */
export function statOf(path: string): fs.Stats | undefined {
  return guardIo('reading', path, () => fs.lstatSync(systemPath(path), { throwIfNoEntry: false }));
}

/** Whether something is there, symbolic links followed. */
export function exists(path: string): boolean {
  return fs.existsSync(systemPath(path));
}

/** The path with all symbolic links followed. */
export function resolveLinks(path: string): string {
  return guardIo('resolving', path, () => fs.realpathSync(systemPath(path), 'latin1'));
}

export function readFile(path: string): Buffer {
  return guardIo('reading', path, () => fs.readFileSync(systemPath(path)));
}

export function readLink(path: string): string {
  return guardIo('reading', path, () => fs.readlinkSync(systemPath(path), 'latin1'));
}

/** Names in the order of their bytes. */
export function listFolder(path: string): string[] {
  return guardIo('reading', path, () => fs.readdirSync(systemPath(path), { encoding: 'latin1' as BufferEncoding }).sort(compareStrings));
}

/** Writes bytes, or a byte string. */
export function writeFile(path: string, contents: Uint8Array | string, mode = 0o644): void {
  guardIo('writing', path, () => fs.writeFileSync(systemPath(path), contents, { encoding: 'latin1', mode }));
}

/** One new folder. */
export function makeFolder(path: string, mode: number): void {
  guardIo('creating folder', path, () => fs.mkdirSync(systemPath(path), { mode }));
}

/** A folder and all above it, as far as they are missing. */
export function makeFolders(path: string, mode = 0o755): void {
  guardIo('creating folder', path, () => fs.mkdirSync(systemPath(path), { recursive: true, mode }));
}

export function makeLink(target: string, path: string): void {
  guardIo('creating link', path, () => fs.symlinkSync(systemPath(target), systemPath(path)));
}

export function setMode(path: string, mode: number): void {
  guardIo('changing the mode of', path, () => fs.chmodSync(systemPath(path), mode));
}

/**
 * Renames, also a folder without write permission into another folder: its owner may not do that while it cannot write to it, since
 * its ".." changes.
 */
export function movePath(from: string, to: string): void {
  guardIo('moving', from, () => {
    const { mode, isFolder } = stateOf(from);
    const unlock = isFolder && (mode & 0o200) === 0;
    if (unlock) fs.chmodSync(systemPath(from), mode | 0o200);
    fs.renameSync(systemPath(from), systemPath(to));
    if (unlock) fs.chmodSync(systemPath(to), mode);
  });
}

function stateOf(path: string): { mode: number; isFolder: boolean } {
  const stats = fs.lstatSync(systemPath(path));
  return { mode: stats.mode & 0o7777, isFolder: stats.isDirectory() };
}

const CHUNK_SIZE = 1 << 18;

/** A file's contents in pieces; the memory of a piece is used again for the next. */
export function forEachChunk(path: string, take: (chunk: Uint8Array) => void): void {
  guardIo('reading', path, () => {
    const file = fs.openSync(systemPath(path), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    try {
      const buffer = Buffer.allocUnsafeSlow(CHUNK_SIZE);
      for (let count = 1; count > 0;) {
        count = fs.readSync(file, buffer, 0, buffer.length, null);
        if (count > 0) take(buffer.subarray(0, count));
      }
    } finally {
      fs.closeSync(file);
    }
  });
}
