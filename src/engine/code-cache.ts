// Compiled forms of source files on disk, so that parsing and binding happen once. One pack a place that is evaluated (a flake, a
// file, a folder), in the user's cache; losing it costs time and nothing else. A file in the store is known by its path, any other by
// what the system says of it (inode, size, times), as git's index does.

import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { printBase32 } from '../base/base32.ts';
import { digest } from '../base/sha.ts';
import { CodePack, type CodeStore, type PackText } from '../eval/code-pack.ts';
import { contentDigest, isProof, type Look, type ReadLog, signatureOf, statOf } from './reads.ts';

/** What tells one content of a file from any other; a file in the store needs none. */
interface Signature {
  readonly text: string;
  readonly stats: Look | undefined;
}

/** PERF: forms that were made one after the other lie so in the pack, and are mostly used so. */
const WINDOW_SIZE = 1 << 16;

/** A pack's file, read in parts. It stays closed between reads, and where another has taken its place, nothing more is read. */
class PackFile implements PackText {
  readonly length: number;
  private readonly path: string;
  private readonly identity: string;
  /** The part that was read last, and where it stands. */
  private window = Buffer.alloc(0);
  private start = 0;

  private constructor(path: string, stats: fs.Stats) {
    this.path = path;
    this.length = stats.size;
    this.identity = identityOf(stats);
  }

  /** Undefined where there is none yet, or none of ours to read. */
  static open(path: string): PackFile | undefined {
    try {
      const stats = fs.statSync(path, { throwIfNoEntry: false });
      return stats === undefined ? undefined : new PackFile(path, stats);
    } catch {
      return undefined;
    }
  }

  slice(start: number, end: number): string {
    if (start < this.start || end > this.start + this.window.length) this.read(start, Math.max(end - start, WINDOW_SIZE));
    return this.window.toString('latin1', start - this.start, end - this.start);
  }

  private read(start: number, length: number): void {
    this.start = start;
    this.window = Buffer.alloc(0);
    let file: number | undefined;
    try {
      file = fs.openSync(this.path, 'r');
      if (identityOf(fs.fstatSync(file)) !== this.identity) return;
      const bytes = Buffer.allocUnsafeSlow(Math.min(length, this.length - start));
      this.window = bytes.subarray(0, fs.readSync(file, bytes, 0, bytes.length, start));
    } catch {
      // What cannot be read is not there: it is compiled again.
    } finally {
      if (file !== undefined) fs.closeSync(file);
    }
  }
}

function identityOf({ dev, ino, size, mtimeMs }: fs.Stats): string {
  return `${dev}:${ino}:${size}:${mtimeMs}`;
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
    return (this.pack ??= new CodePack(PackFile.open(this.file)));
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
    const [known, digest] = entry.note.split(' ') as [string, string];
    if (known !== signature.text) return undefined;
    // The file counts as read, though nobody opens it.
    if (signature.stats !== undefined) this.reads?.digest(path, signature.stats, digest, true);
    return entry.form;
  }

  put(path: string, content: string, form: string): void {
    // As it was before it was read: what changed since shows.
    const signature = this.asked?.path === path ? this.asked.signature : undefined;
    if (signature === undefined) return;
    const { text } = signature;
    this.open().put(path, form, () => `${text} ${text === '' ? '' : contentDigest(content)}`);
  }

  /** Writes what was added, in one rename. A cache that cannot be written is no error. */
  save(): void {
    if (!this.pack?.isWorthWriting) return;
    const temporary = `${this.file}.${process.pid}`;
    try {
      fs.mkdirSync(dirname(this.file), { recursive: true });
      // What another process added meanwhile stays.
      const whole = new CodePack(PackFile.open(this.file));
      whole.takeAdded(this.pack);
      fs.writeFileSync(temporary, whole.print(), 'latin1');
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
