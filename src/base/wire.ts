// The primitives of Nix's binary protocols and of its export format: numbers of 8 bytes, strings with their length before them and padding
// to 8 bytes behind, lists with their length before them. Strings are byte strings. libutil/serialise.cc.

import { bytesOf, byteStringOf } from './bytes.ts';
import { FormatError } from './errors.ts';

/** Takes bytes; done with them when it returns. */
export type WireTarget = (chunk: Uint8Array) => void;

/** Longest string that is read unless said. */
export const MAX_STRING = 64 * 1024 * 1024;

/** With what fills it up to whole words. */
export const paddedLength = (length: number): number => (length + 7) & ~7;

/** Writes primitives. */
export class WireWriter {
  private readonly write: WireTarget;

  constructor(write: WireTarget) {
    this.write = write;
  }

  number(value: number | bigint): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
    this.write(bytes);
    return this;
  }

  boolean(value: boolean): this {
    return this.number(value ? 1 : 0);
  }

  string(text: string): this {
    const bytes = new Uint8Array(8 + paddedLength(text.length));
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(bytesOf(text), 8);
    this.write(bytes);
    return this;
  }

  strings(texts: readonly string[]): this {
    this.number(texts.length);
    for (const text of texts) this.string(text);
    return this;
  }
}

/** A word of 64 bits. */
export function parseWord(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
}

/** The same as a number. FormatError where it is too large for one. */
export function parseNumber(bytes: Uint8Array): number {
  const value = parseWord(bytes);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FormatError(`number ${value} in the input is too large`);
  return Number(value);
}

/** Refuses lengths that nobody means. */
export function checkLength(length: number, limit: number): number {
  if (length > limit) throw new FormatError(`string in the input is too long (${length} bytes)`);
  return length;
}

/** The text of a padded string. */
export function unpad(padded: Uint8Array, length: number): string {
  if (padded.subarray(length).some((byte) => byte !== 0)) throw new FormatError('non-zero padding');
  return byteStringOf(padded.subarray(0, length));
}

function unexpectedEnd(): FormatError {
  return new FormatError('unexpected end-of-file', { data: { isEndOfFile: true } });
}

/** What was read and not yet used up. */
class WireBuffer {
  protected chunk: Uint8Array = new Uint8Array(0);
  protected at = 0;

  /** Uses up what was looked at. */
  skip(count: number): void {
    this.at += count;
  }

  protected get isEmpty(): boolean {
    return this.at === this.chunk.length;
  }

  /** So many bytes, where that many were read already. */
  bytesAtHand(count: number): Uint8Array | undefined {
    if (this.chunk.length - this.at < count) return undefined;
    const result = this.chunk.subarray(this.at, this.at + count);
    this.at += count;
    return result;
  }

  protected put(chunk: Uint8Array): void {
    this.chunk = chunk;
    this.at = 0;
  }
}

/** Reads primitives from chunks that are there when they are asked for (undefined at the end). FormatError where they end too early. */
export class WireReader extends WireBuffer {
  private readonly read: () => Uint8Array | undefined;

  constructor(read: () => Uint8Array | undefined) {
    super();
    this.read = read;
  }

  /** Whether nothing more comes. */
  isAtEnd(): boolean {
    while (this.isEmpty) {
      const next = this.read();
      if (next === undefined) return true;
      this.put(next);
    }
    return false;
  }

  /** What is at hand, at least one byte. */
  peek(): Uint8Array {
    if (this.isAtEnd()) throw unexpectedEnd();
    return this.chunk.subarray(this.at);
  }

  bytes(count: number): Uint8Array {
    const result = new Uint8Array(count);
    for (let used = 0; used < count;) {
      const part = this.peek().subarray(0, count - used);
      result.set(part, used);
      used += part.length;
      this.skip(part.length);
    }
    return result;
  }

  number(): number {
    return parseNumber(this.bytes(8));
  }

  string(limit = MAX_STRING): string {
    const length = checkLength(this.number(), limit);
    return unpad(this.bytes(paddedLength(length)), length);
  }

  strings(): string[] {
    return Array.from({ length: this.number() }, () => this.string());
  }
}

/** The same from chunks that have to be waited for. */
export class AsyncWireReader extends WireBuffer {
  private readonly source: AsyncIterator<Uint8Array>;

  constructor(source: AsyncIterable<Uint8Array>) {
    super();
    this.source = source[Symbol.asyncIterator]();
  }

  /** What is at hand, at least one byte. */
  async peek(): Promise<Uint8Array> {
    while (this.isEmpty) {
      const next = await this.source.next();
      if (next.done === true) throw unexpectedEnd();
      this.put(next.value);
    }
    return this.chunk.subarray(this.at);
  }

  async bytes(count: number): Promise<Uint8Array> {
    const result = new Uint8Array(count);
    for (let used = 0; used < count;) {
      const part = (await this.peek()).subarray(0, count - used);
      result.set(part, used);
      used += part.length;
      this.skip(part.length);
    }
    return result;
  }

  async number(): Promise<number> {
    return parseNumber(await this.bytes(8));
  }

  async string(limit = MAX_STRING): Promise<string> {
    const length = checkLength(await this.number(), limit);
    return unpad(await this.bytes(paddedLength(length)), length);
  }

  async strings(): Promise<string[]> {
    const texts: string[] = [];
    for (let left = await this.number(); left > 0; left--) texts.push(await this.string());
    return texts;
  }

  /** A line without its end, as text programs write it. */
  async line(): Promise<string> {
    let text = '';
    for (;;) {
      const chunk = await this.peek();
      const end = chunk.indexOf(10);
      text += byteStringOf(end < 0 ? chunk : chunk.subarray(0, end));
      this.skip(end < 0 ? chunk.length : end + 1);
      if (end >= 0) return text;
    }
  }
}
