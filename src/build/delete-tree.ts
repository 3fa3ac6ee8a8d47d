// Deletes what builders leave behind: folders without write permission, names that are no text. Never follows a symbolic link.

import { chmodSync, lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';

/** Removes a file or a whole folder; nothing happens where there is none. Errors are those of node:fs. */
export function deleteTree(path: string | Buffer): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory()) return unlinkSync(path);
  if ((stats.mode & 0o700) !== 0o700) chmodSync(path, 0o700);
  const folder = typeof path === 'string' ? Buffer.from(path) : path;
  for (const name of readdirSync(path, { encoding: 'buffer' })) deleteTree(Buffer.concat([folder, Buffer.from('/'), name]));
  rmdirSync(path);
}
