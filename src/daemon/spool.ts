// Data whose length and hash are needed before it can be used: kept in memory while it is small, in a file that has no name any more
// where it is not.

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyBytes } from '../base/bytes.ts';

const IN_MEMORY = 4 << 20;
const READ_SIZE = 64 * 1024;

/** See the head of the file. `close` it. */
export class Spool {
  size = 0;
  private chunks: Uint8Array[] = [];
  private file: number | undefined;

  push(chunk: Uint8Array): void {
    this.size += chunk.length;
    if (this.file === undefined && this.size <= IN_MEMORY) {
      this.chunks.push(copyBytes(chunk));
      return;
    }
    if (this.file === undefined) {
      const folder = fs.mkdtempSync(join(tmpdir(), 'floe-spool-'));
      this.file = fs.openSync(join(folder, 'data'), 'wx+', 0o600);
      fs.rmSync(folder, { recursive: true });
      for (const earlier of this.chunks) fs.writeSync(this.file, earlier);
      this.chunks = [];
    }
    for (let at = 0; at < chunk.length;) at += fs.writeSync(this.file, chunk, at);
  }

  /** All of it, as often as wanted. */
  *read(): Generator<Uint8Array, void, undefined> {
    if (this.file === undefined) return yield* this.chunks;
    for (let at = 0; at < this.size;) {
      const buffer = new Uint8Array(READ_SIZE);
      const count = fs.readSync(this.file, buffer, 0, READ_SIZE, at);
      if (count === 0) return;
      at += count;
      yield buffer.subarray(0, count);
    }
  }

  close(): void {
    if (this.file !== undefined) fs.closeSync(this.file);
  }
}
