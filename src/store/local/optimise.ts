// Hard-links files of equal content and mode through `.links/<NAR hash>`. libstore/optimise-store.cc; the folder is shared with C++ Nix.

import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { printBase32 } from '../../base/base32.ts';
import type { Progress } from '../../base/progress.ts';
import { dumpTree, STORE_TIME } from './nar-files.ts';
import { guardIo, systemErrorCode, systemPath } from './system-error.ts';

export interface OptimiseStats {
  filesLinked: number;
  bytesFreed: number;
}

export interface OptimiseOptions {
  readonly realStoreDir: string;
  readonly progress: Progress;
  /** Check that a link's content is what its name says before linking to it. */
  readonly repair?: boolean;
}

function narHashName(path: string): string {
  const hash = createHash('sha256');
  dumpTree(path, (chunk) => void hash.update(chunk), { reuseBlocks: true });
  return printBase32(hash.digest());
}

/** Links files of trees in the store; one object serves many trees. */
export class Optimiser {
  readonly stats: OptimiseStats = { filesLinked: 0, bytesFreed: 0 };
  readonly #options: OptimiseOptions;
  readonly #links: string;
  /** Inodes of .links, so that what is linked already is not read again. */
  readonly #inodes = new Set<number>();

  constructor(options: OptimiseOptions) {
    this.#options = options;
    this.#links = `${options.realStoreDir}/.links`;
  }

  /** Learns what is linked already; worth it before a whole store. */
  loadLinks(): void {
    for (const name of fs.readdirSync(this.#links)) {
      const stats = fs.lstatSync(`${this.#links}/${name}`, { throwIfNoEntry: false });
      if (stats !== undefined) this.#inodes.add(stats.ino);
    }
  }

  /** One object of the store, canonical already. */
  optimise(realPath: string): void {
    guardIo('optimising', realPath, () => this.#visit(realPath));
  }

  #visit(path: string): void {
    const stats = fs.lstatSync(systemPath(path));
    if (stats.isDirectory()) {
      for (const name of fs.readdirSync(systemPath(path), { encoding: 'latin1' as BufferEncoding })) this.#visit(`${path}/${name}`);
    } else if (stats.isFile() || stats.isSymbolicLink()) this.#link(path, stats);
  }

  #link(path: string, stats: fs.Stats): void {
    const { progress, repair = false } = this.#options;
    if (stats.isFile() && (stats.mode & 0o200) !== 0) {
      progress.log('warn', `skipping suspicious writable file '${path}'`);
      return;
    }
    if (stats.nlink > 1 && this.#inodes.has(stats.ino)) return;
    const name = narHashName(path);
    const link = `${this.#links}/${name}`;
    let known = fs.lstatSync(link, { throwIfNoEntry: false });
    if (known !== undefined && (known.size !== stats.size || (repair && narHashName(link) !== name))) {
      progress.log(
        'warn',
        `removing corrupted link '${link}'; there may be more corrupted paths: run \`nix-store --verify --check-contents --repair\` to fix them all`,
      );
      fs.rmSync(link, { force: true });
      known = undefined;
    }
    if (known === undefined) {
      try {
        fs.linkSync(systemPath(path), link);
        this.#inodes.add(stats.ino);
        return;
      } catch (error) {
        const code = systemErrorCode(error);
        // A full directory index, or a file system without hard links for this: the file just stays alone.
        if (code === 'ENOSPC' || code === 'EMLINK' || code === 'EPERM') return;
        if (code !== 'EEXIST') throw error;
        known = fs.lstatSync(link);
      }
    }
    if (known.ino === stats.ino) return;
    this.#replace(path, link, stats);
  }

  /** Puts a hard link to `link` in the place of `path`, in one step. */
  #replace(path: string, link: string, stats: fs.Stats): void {
    const { realStoreDir, progress } = this.#options;
    const folder = path.slice(0, path.lastIndexOf('/'));
    const inStoreRoot = folder === realStoreDir;
    const temporary = `${realStoreDir}/.tmp-link-${process.pid}-${randomBytes(4).toString('hex')}`;
    if (!inStoreRoot) fs.chmodSync(systemPath(folder), 0o755);
    try {
      fs.linkSync(link, temporary);
      this.#inodes.add(stats.ino);
      fs.renameSync(temporary, systemPath(path));
      this.stats.filesLinked++;
      this.stats.bytesFreed += stats.size;
    } catch (error) {
      // Empty files reach the limit of links easily.
      if (systemErrorCode(error) !== 'EMLINK') throw error;
      if (stats.size > 0) progress.log('info', `'${link}' has maximum number of links`);
    } finally {
      fs.rmSync(temporary, { force: true });
      if (!inStoreRoot) restoreFolder(folder);
    }
  }
}

/** Mode and time of one folder, not of what is in it. */
function restoreFolder(folder: string): void {
  fs.chmodSync(systemPath(folder), 0o555);
  fs.utimesSync(systemPath(folder), STORE_TIME, STORE_TIME);
}
