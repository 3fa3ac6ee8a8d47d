// What a client sends, and the moment it hangs up: read ahead, a little, so that a client that goes away is noticed while a request of
// its is being worked on.

import type { Readable } from 'node:stream';

/** Read ahead at most so many bytes. */
const READ_AHEAD = 1 << 20;

/** Bytes of a stream in order; `onHangUp` is called when it ends, however it does. */
export class ClientInput implements AsyncIterable<Uint8Array> {
  private readonly stream: Readable;
  private readonly chunks: Uint8Array[] = [];
  private size = 0;
  private isOver = false;
  private wake: (() => void) | undefined;
  onHangUp: () => void = () => {};

  constructor(stream: Readable) {
    this.stream = stream;
    stream.on('data', (chunk: Uint8Array) => this.take(chunk));
    for (const event of ['end', 'close', 'error']) stream.on(event, () => this.end());
  }

  private take(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.size += chunk.length;
    if (this.size > READ_AHEAD) this.stream.pause();
    this.wake?.();
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.wake?.();
    this.onHangUp();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = this.chunks.shift();
      if (chunk !== undefined) {
        this.size -= chunk.length;
        if (this.size <= READ_AHEAD && this.stream.isPaused()) this.stream.resume();
        yield chunk;
      } else if (this.isOver) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
