// Replacing hash parts of store paths in a tree: needed where a builder wrote to other paths than the final ones, because the final
// ones were valid already and could not be hidden from it.

import { bytesOf } from '../base/bytes.ts';
import { type ByteSink, NarReader } from '../model/nar.ts';
import { deleteTree, dumpTree, NarRestorer } from '../store/local/nar-files.ts';
import { movePath } from './host-files.ts';

/** A sink that replaces texts by others of the same length on the way to the next sink, also where a text is split between chunks. */
export class RewritingSink {
  readonly #rules: readonly (readonly [from: Buffer, to: Uint8Array])[];
  readonly #next: ByteSink;
  readonly #overlap: number;
  #tail: Buffer = Buffer.alloc(0);

  constructor(rewrites: ReadonlyMap<string, string>, next: ByteSink) {
    this.#rules = [...rewrites].map(([from, to]) => [Buffer.from(from, 'latin1'), bytesOf(to)] as const);
    this.#next = next;
    this.#overlap = Math.max(0, ...this.#rules.map(([from]) => from.length - 1));
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.concat([this.#tail, chunk]);
    for (const [from, to] of this.#rules)
      for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + from.length)) bytes.set(to, at);
    const keep = Math.min(this.#overlap, bytes.length);
    this.#tail = bytes.subarray(bytes.length - keep);
    if (bytes.length > keep) this.#next(bytes.subarray(0, bytes.length - keep));
  }

  end(): void {
    if (this.#tail.length > 0) this.#next(this.#tail);
    this.#tail = Buffer.alloc(0);
  }
}

/** Rewrites a whole tree in its place: contents, targets of symbolic links and names. Modes and times are plain afterwards. */
export function rewriteTree(path: string, rewrites: ReadonlyMap<string, string>): void {
  const copy = `${path}.tmp`;
  deleteTree(copy);
  const restorer = new NarRestorer(copy, 'plain');
  try {
    const reader = new NarReader(restorer);
    const sink = new RewritingSink(rewrites, (chunk) => void reader.push(chunk));
    dumpTree(path, (chunk) => sink.push(chunk));
    sink.end();
    reader.end();
  } catch (error) {
    restorer.finish();
    deleteTree(copy);
    throw error;
  }
  restorer.finish();
  deleteTree(path);
  movePath(copy, path);
}
