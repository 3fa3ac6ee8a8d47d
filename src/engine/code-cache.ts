// Compiled forms of source files on disk, so that parsing and binding happen once. One pack a place that is evaluated (a flake, a
// file, a folder), in the user's cache; losing it costs time and nothing else. A file in the store is known by its path, any other by
// what the system says of it (inode, size, times), as git's index does.

import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { printBase32 } from '../base/base32.ts';
import { digest } from '../base/sha.ts';
import { CodePack, type CodeStore } from '../eval/code-pack.ts';
import { systemPath } from './host-tree.ts';

/** A file changed this recently may change again without its times showing it. */
const RACY_MS = 100;

export class DiskCodeStore implements CodeStore {
  private readonly file: string;
  private readonly storePrefix: string;
  private pack: CodePack | undefined;

  /** `place` names what is evaluated, `variant` whatever else decides the compiled form. */
  constructor(cacheFolder: string, place: string, variant: string, storeDir: string) {
    const name = printBase32(digest('sha256', Buffer.from(`${variant}\0${place}`)).subarray(0, 20));
    this.file = join(cacheFolder, 'packs', `${name}.pack`);
    this.storePrefix = `${storeDir}/`;
  }

  private open(): CodePack {
    if (this.pack) return this.pack;
    let text: string | undefined;
    try {
      text = fs.readFileSync(this.file, 'latin1');
    } catch {
      // None yet, or not ours to read: the same as empty.
    }
    return (this.pack = new CodePack(text));
  }

  /** What tells this content of the file from any other; undefined where the file should not be remembered. */
  private signature(path: string): string | undefined {
    if (path.startsWith(this.storePrefix)) return '';
    try {
      const stats = fs.statSync(systemPath(path), { bigint: true, throwIfNoEntry: false });
      if (stats === undefined || Date.now() - Number(stats.ctimeMs) < RACY_MS) return undefined;
      return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
    } catch {
      return undefined;
    }
  }

  get(path: string): string | undefined {
    const entry = this.open().get(path);
    if (entry === undefined) return undefined;
    const end = entry.indexOf('\n');
    return entry.slice(0, end) === this.signature(path) ? entry.slice(end + 1) : undefined;
  }

  put(path: string, _content: string, form: string): void {
    const signature = this.signature(path);
    if (signature !== undefined) this.open().put(path, `${signature}\n${form}`);
  }

  /** Writes what was added, in one rename. A cache that cannot be written is no error. */
  save(): void {
    if (!this.pack?.isChanged) return;
    const temporary = `${this.file}.${process.pid}`;
    try {
      fs.mkdirSync(dirname(this.file), { recursive: true });
      fs.writeFileSync(temporary, this.pack.print(), 'latin1');
      fs.renameSync(temporary, this.file);
    } catch {
      try {
        fs.rmSync(temporary, { force: true });
      } catch {
        // Where nothing can be written, nothing was.
      }
    }
  }
}
