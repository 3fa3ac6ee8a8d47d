// The folders around a local store: made when it is opened, with the version of the database's schema and some space kept aside for
// collecting garbage on a full disk. As C++ Nix 2.34.8 lays them out (libstore/local-store.cc).

import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { StoreError } from '../../base/errors.ts';
import { SCHEMA_VERSION } from './db.ts';
import { guardIo, systemErrorCode } from './system-error.ts';

/** What is reserved by default (setting gc-reserved-space). */
export const RESERVED_BYTES = 8 * 1024 * 1024;

export interface LayoutOptions {
  readonly realStoreDir: string;
  readonly stateDir: string;
  readonly readOnly: boolean;
}

/** Makes what is missing. True where there is no database yet. StoreError where the database is of another version. */
export function prepareLayout({ realStoreDir, stateDir, readOnly }: LayoutOptions): boolean {
  const schema = readSchemaVersion(stateDir);
  if (schema !== undefined && schema !== SCHEMA_VERSION) {
    throw new StoreError(`the store at '${stateDir}' has database schema ${schema}; floe knows ${SCHEMA_VERSION}`, {
      code: 'FLOE_STORE_SCHEMA',
      data: { stateDir, schema },
      hint: schema < SCHEMA_VERSION ? 'open it once with C++ Nix, which upgrades it' : 'a newer Nix made it; use a newer floe',
    });
  }
  if (readOnly) {
    if (schema !== undefined) return false;
    throw new StoreError(`there is no store at '${stateDir}': its database does not exist, and cannot be created in read-only mode`, {
      data: { stateDir },
    });
  }
  refuseSymlinks(realStoreDir);
  if (schema !== undefined) requireWritableFolder(`${stateDir}/db`);
  const folders = ['profiles/per-user', 'gcroots/per-user', 'temproots', 'db'].map((folder) => `${stateDir}/${folder}`);
  for (const folder of [`${realStoreDir}/.links`, ...folders])
    guardIo('making folder', folder, () => fs.mkdirSync(folder, { recursive: true }));
  return schema === undefined;
}

/** C++ Nix notices when it opens its lock file there. */
function requireWritableFolder(folder: string): void {
  try {
    fs.accessSync(folder, fs.constants.W_OK);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'EACCES' && code !== 'EROFS') throw error;
    throw new StoreError(
      `store database folder '${folder}' is not writable: ${code === 'EACCES' ? 'Permission denied' : 'Read-only file system'}`,
      {
        data: { folder },
        hint: 'This command may have been run as non-root in a single-user Nix installation,\nor the Nix daemon may have crashed.',
      },
    );
  }
}

function readSchemaVersion(stateDir: string): number | undefined {
  const file = `${stateDir}/db/schema`;
  const text = guardIo('reading', file, () => {
    try {
      return fs.readFileSync(file, 'latin1');
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return undefined;
      throw error;
    }
  });
  if (text === undefined) return undefined;
  if (!/^[0-9]+\s*$/.test(text)) throw new StoreError(`'${file}' is corrupt`, { code: 'FLOE_STORE_SCHEMA', data: { file } });
  return Number(text);
}

/** To be called when the database is made: from then on the store exists for others. */
export function writeSchemaVersion(stateDir: string): void {
  const file = `${stateDir}/db/schema`;
  guardIo('writing', file, () => {
    fs.writeFileSync(`${file}.tmp-${process.pid}`, String(SCHEMA_VERSION));
    fs.renameSync(`${file}.tmp-${process.pid}`, file);
  });
}

/** A database cannot be opened on a full disk; a collection first frees this file. Failing to make it is no error. */
export function reserveSpace(stateDir: string, size: number): void {
  const file = `${stateDir}/db/reserved`;
  try {
    if (fs.statSync(file, { throwIfNoEntry: false })?.size !== size) fs.writeFileSync(file, Buffer.alloc(size, 'X'), { mode: 0o600 });
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    fs.rmSync(file, { force: true });
  }
}

/** Before a collection that deletes. */
export function releaseReservedSpace(stateDir: string): void {
  fs.rmSync(`${stateDir}/db/reserved`, { force: true });
}

/** C++ Nix refuses a store below a symbolic link: builders would see two names for one place. */
function refuseSymlinks(realStoreDir: string): void {
  for (let folder = realStoreDir; folder !== '/' && folder !== '.'; folder = dirname(folder)) {
    if (fs.lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink() !== true) continue;
    throw new StoreError(`the path '${folder}' is a symlink; this is not allowed for the Nix store and its parent directories`, {
      data: { path: folder },
      hint: 'name the folder it leads to instead',
    });
  }
}
