// Compiled forms of source files on disk, so that parsing and binding happen once. One pack a place that is evaluated (a flake, a
// file, a folder), in the user's cache; losing it costs time and nothing else. A file in the store is known by its path, any other by
// what the system says of it (inode, size, times), as git's index does.

import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { printBase32 } from '../base/base32.ts';
import { digest } from '../base/sha.ts';
import { CodePack, type CodeStore } from '../eval/code-pack.ts';
import { contentDigest, isProof, type Look, type ReadLog, signatureOf, statOf } from './reads.ts';

/** What tells one content of a file from any other; a file in the store needs none. */
interface Signature {
  readonly text: string;
  readonly stats: Look | undefined;
}

export class DiskCodeStore implements CodeStore {
  private readonly file: string;
  private readonly storePrefix: string;
  private readonly reads: ReadLog | undefined;
  private pack: CodePack | undefined;
  private asked: { readonly path: string; readonly signature: Signature | undefined } | undefined;

  /** `place` names what is evaluated, `variant` whatever else decides the compiled form. */
  constructor(cacheFolder: string, place: string, variant: string, storeDir: string, reads?: ReadLog) {
    this.reads = reads;
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

  /** Undefined where the file should not be remembered. */
  private signature(path: string): Signature | undefined {
    if (path.startsWith(this.storePrefix)) return { text: '', stats: undefined };
    try {
      const stats = statOf(path, true);
      return stats === undefined || !isProof(stats) ? undefined : { text: signatureOf(stats), stats };
    } catch {
      return undefined;
    }
  }

  get(path: string): string | undefined {
    const signature = this.signature(path);
    this.asked = { path, signature };
    const entry = this.open().get(path);
    if (entry === undefined || signature === undefined) return undefined;
    const end = entry.indexOf('\n');
    const [known, digest] = entry.slice(0, end).split(' ') as [string, string];
    if (known !== signature.text) return undefined;
    // The file counts as read, though nobody opens it.
    if (signature.stats !== undefined) this.reads?.digest(path, signature.stats, digest, true);
    return entry.slice(end + 1);
  }

  put(path: string, content: string, form: string): void {
    // As it was before it was read: what changed since shows.
    const signature = this.asked?.path === path ? this.asked.signature : undefined;
    if (signature !== undefined) this.open().put(path, `${signature.text} ${signature.text === '' ? '' : contentDigest(content)}\n${form}`);
  }

  /** Writes what was added, in one rename. A cache that cannot be written is no error. */
  save(): void {
    if (!this.pack?.isWorthWriting) return;
    const temporary = `${this.file}.${process.pid}`;
    try {
      fs.mkdirSync(dirname(this.file), { recursive: true });
      fs.writeFileSync(temporary, this.pack.print(), 'latin1');
      fs.renameSync(temporary, this.file);
      // Whoever goes on from here reads it again.
      this.pack = undefined;
    } catch {
      try {
        fs.rmSync(temporary, { force: true });
      } catch {
        // Where nothing can be written, nothing was.
      }
    }
  }
}
