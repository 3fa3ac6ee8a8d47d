// Writes bzip2: run lengths, Burrows-Wheeler transform, move to front, Huffman codes. Node has no bzip2 and the package that reads it does
// not write it. The format as Julian Seward's bzip2 1.0 reads it; there is no standard but the program.

import { concatBytes } from '../../base/bytes.ts';

const GROUP = 50;
const MAX_TABLES = 6;
const MAX_CODE_LENGTH = 17;
const REFINEMENTS = 4;
const BLOCK_MAGIC = [0x314159, 0x265359] as const;
const END_MAGIC = [0x177245, 0x385090] as const;
/** Runs of that many bytes are followed by how many more there are. */
const RUN = 4;
const MAX_RUN = 255;
/** What run lengths may still add to a block. */
const BLOCK_SLACK = 19;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit++) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

/** Bits, the highest first. */
class BitWriter {
  private bytes = new Uint8Array(65536);
  private length = 0;
  private held = 0;
  private heldBits = 0;

  /** At most 24 bits. */
  put(value: number, bits: number): void {
    this.held = (this.held << bits) | value;
    this.heldBits += bits;
    while (this.heldBits >= 8) {
      this.heldBits -= 8;
      if (this.length === this.bytes.length) {
        const larger = new Uint8Array(this.length * 2);
        larger.set(this.bytes);
        this.bytes = larger;
      }
      this.bytes[this.length++] = this.held >>> this.heldBits;
      this.held &= (1 << this.heldBits) - 1;
    }
  }

  put32(value: number): void {
    this.put(value >>> 16, 16);
    this.put(value & 0xffff, 16);
  }

  /** Whole bytes so far; bits that are left stay. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }

  pad(): void {
    if (this.heldBits > 0) this.put(0, 8 - this.heldBits);
  }
}

/** Where the rotations of a block start, in their order: prefix doubling, each round two counting sorts. */
function sortRotations(block: Uint8Array): Int32Array {
  const { length } = block;
  let order = new Int32Array(length);
  let next = new Int32Array(length);
  let rank = new Int32Array(length);
  let nextRank = new Int32Array(length);
  const counts = new Int32Array(Math.max(length, 256) + 1);
  for (const byte of block) counts[byte + 1]!++;
  for (let i = 1; i <= 256; i++) counts[i]! += counts[i - 1]!;
  const starts = counts.slice(0, 257);
  for (let i = 0; i < length; i++) order[counts[block[i]!]!++] = i;
  for (let i = 0; i < length; i++) rank[i] = starts[block[i]!]!;
  for (let width = 1; width < length; width *= 2) {
    // Ranks are the places where their groups start, so they say where to put what comes by its second half.
    const places = counts;
    for (let i = 0; i < length; i++) places[rank[i]!] = rank[i]!;
    for (let i = 0; i < length; i++) {
      const start = order[i]! - width;
      const at = start < 0 ? start + length : start;
      next[places[rank[at]!]!++] = at;
    }
    let groups = 1;
    nextRank[next[0]!] = 0;
    for (let i = 1; i < length; i++) {
      const [a, b] = [next[i - 1]!, next[i]!];
      const isSame = rank[a] === rank[b] && rank[(a + width) % length] === rank[(b + width) % length];
      if (isSame) nextRank[b] = nextRank[a]!;
      else {
        nextRank[b] = i;
        groups++;
      }
    }
    [order, next] = [next, order];
    [rank, nextRank] = [nextRank, rank];
    if (groups === length) break;
  }
  return order;
}

/** Lengths of Huffman codes, none longer than allowed. */
function codeLengths(frequencies: ArrayLike<number>): Uint8Array {
  const { length } = frequencies;
  const lengths = new Uint8Array(length);
  // Frequencies are flattened until the tree is low enough.
  for (let flattening = 0; ; flattening++) {
    let nodes = Array.from({ length }, (_, symbol) => ({ weight: Math.max(1, frequencies[symbol]! >> flattening), symbols: [symbol] }));
    lengths.fill(0);
    nodes.sort((a, b) => a.weight - b.weight);
    const merged: typeof nodes = [];
    const takeLightest = (): (typeof nodes)[number] =>
      merged.length === 0 || (nodes.length > 0 && nodes[0]!.weight <= merged[0]!.weight) ? nodes.shift()! : merged.shift()!;
    while (nodes.length + merged.length > 1) {
      const [a, b] = [takeLightest(), takeLightest()];
      const symbols = [...a.symbols, ...b.symbols];
      for (const symbol of symbols) lengths[symbol]!++;
      merged.push({ weight: a.weight + b.weight, symbols });
    }
    nodes = [];
    if (lengths.every((one) => one <= MAX_CODE_LENGTH)) return lengths;
  }
}

/** Canonical codes for lengths. */
function codesOf(lengths: Uint8Array): Uint32Array {
  const codes = new Uint32Array(lengths.length);
  let code = 0;
  for (let length = 1; length <= MAX_CODE_LENGTH; length++, code <<= 1) {
    for (let symbol = 0; symbol < lengths.length; symbol++) if (lengths[symbol] === length) codes[symbol] = code++;
  }
  return codes;
}

/** The last column of the sorted rotations, moved to front, with runs of zeros as digits; ends with the symbol for the end. */
function moveToFront(block: Uint8Array, order: Int32Array, used: readonly number[]): Uint16Array {
  const symbols = new Uint16Array(block.length + 1);
  const list = Uint8Array.from(used);
  let count = 0;
  let zeros = 0;
  const flushZeros = (): void => {
    for (; zeros > 0; zeros = (zeros - 1) >> 1) symbols[count++] = zeros & 1 ? 0 : 1;
  };
  for (let i = 0; i < order.length; i++) {
    const at = order[i]!;
    const byte = block[at === 0 ? block.length - 1 : at - 1]!;
    let index = 0;
    while (list[index] !== byte) index++;
    if (index === 0) {
      zeros++;
      continue;
    }
    flushZeros();
    list.copyWithin(1, 0, index);
    list[0] = byte;
    symbols[count++] = index + 1;
  }
  flushZeros();
  symbols[count++] = used.length + 1;
  return symbols.subarray(0, count);
}

/** Codes for groups of symbols: each group takes the table that makes it shortest, each table is made for the groups that took it. */
function chooseTables(symbols: Uint16Array, size: number): { readonly tables: Uint8Array[]; readonly selectors: Uint8Array } {
  const groups = Math.ceil(symbols.length / GROUP);
  const tableCount =
    symbols.length < 200 ? 2 : symbols.length < 600 ? 3 : symbols.length < 1200 ? 4 : symbols.length < 2400 ? 5 : MAX_TABLES;
  const selectors = new Uint8Array(groups);
  // At first every table is good at a part of the alphabet.
  let tables: Uint8Array[] = Array.from({ length: tableCount }, (_, table) =>
    Uint8Array.from({ length: size }, (__, symbol) => (Math.floor((symbol * tableCount) / size) === table ? 0 : 15)),
  );
  for (let round = 0; round < REFINEMENTS; round++) {
    const frequencies = tables.map(() => new Uint32Array(size));
    for (let group = 0; group < groups; group++) {
      const part = symbols.subarray(group * GROUP, (group + 1) * GROUP);
      let best = 0;
      let bestCost = Infinity;
      tables.forEach((lengths, table) => {
        let cost = 0;
        for (const symbol of part) cost += lengths[symbol]!;
        if (cost < bestCost) [best, bestCost] = [table, cost];
      });
      selectors[group] = best;
      for (const symbol of part) frequencies[best]![symbol]!++;
    }
    tables = frequencies.map(codeLengths);
  }
  return { tables, selectors };
}

function writeSymbolMap(out: BitWriter, used: readonly number[]): void {
  const present = new Set(used);
  const ranges = Array.from({ length: 16 }, (_, range) => used.some((byte) => byte >> 4 === range));
  for (const isUsed of ranges) out.put(isUsed ? 1 : 0, 1);
  ranges.forEach((isUsed, range) => {
    if (isUsed) for (let low = 0; low < 16; low++) out.put(present.has(range * 16 + low) ? 1 : 0, 1);
  });
}

function writeTables(out: BitWriter, tables: readonly Uint8Array[], selectors: Uint8Array): void {
  out.put(tables.length, 3);
  out.put(selectors.length, 15);
  const front = tables.map((_, index) => index);
  for (const selector of selectors) {
    const index = front.indexOf(selector);
    front.unshift(...front.splice(index, 1));
    for (let i = 0; i < index; i++) out.put(1, 1);
    out.put(0, 1);
  }
  for (const lengths of tables) {
    let length = lengths[0]!;
    out.put(length, 5);
    for (const wanted of lengths) {
      for (; length < wanted; length++) out.put(2, 2);
      for (; length > wanted; length--) out.put(3, 2);
      out.put(0, 1);
    }
  }
}

function writeBlock(out: BitWriter, block: Uint8Array, crc: number): void {
  const order = sortRotations(block);
  const used = [...new Set(block)].sort((a, b) => a - b);
  const symbols = moveToFront(block, order, used);
  const { tables, selectors } = chooseTables(symbols, used.length + 2);
  for (const half of BLOCK_MAGIC) out.put(half, 24);
  out.put32(crc);
  // No randomising, which nobody does any more.
  out.put(0, 1);
  out.put(order.indexOf(0), 24);
  writeSymbolMap(out, used);
  writeTables(out, tables, selectors);
  const codes = tables.map(codesOf);
  for (let at = 0; at < symbols.length; at++) {
    const table = selectors[Math.floor(at / GROUP)]!;
    const symbol = symbols[at]!;
    out.put(codes[table]![symbol]!, tables[table]![symbol]!);
  }
}

/** Gathers bytes into blocks, long runs shortened. */
class BlockBuilder {
  private readonly bytes: Uint8Array;
  private length = 0;
  private crc = 0xffffffff;
  private runByte = -1;
  private runLength = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  get isEmpty(): boolean {
    return this.length === 0 && this.runLength === 0;
  }

  private get isFull(): boolean {
    return this.length >= this.bytes.length - BLOCK_SLACK;
  }

  /** How many bytes of the chunk, from `from` on, went in before the block was full. */
  fill(chunk: Uint8Array, from: number): number {
    let at = from;
    for (; at < chunk.length && !this.isFull; at++) {
      const byte = chunk[at]!;
      this.crc = (this.crc << 8) ^ CRC_TABLE[((this.crc >>> 24) ^ byte) & 0xff]!;
      if (byte === this.runByte && this.runLength < MAX_RUN) this.runLength++;
      else {
        this.endRun();
        this.runByte = byte;
        this.runLength = 1;
      }
    }
    return at;
  }

  get wantsWriting(): boolean {
    return this.isFull;
  }

  private endRun(): void {
    for (let i = 0; i < Math.min(this.runLength, RUN); i++) this.bytes[this.length++] = this.runByte;
    if (this.runLength >= RUN) this.bytes[this.length++] = this.runLength - RUN;
    this.runLength = 0;
  }

  /** The block; a new one begins. */
  finish(): { readonly block: Uint8Array; readonly crc: number } {
    this.endRun();
    const result = { block: this.bytes.slice(0, this.length), crc: ~this.crc >>> 0 };
    this.length = 0;
    this.crc = 0xffffffff;
    this.runByte = -1;
    return result;
  }
}

/** Compresses; `level` is the size of blocks in units of 100 kB, 1 to 9. */
export async function* bzip2(source: AsyncIterable<Uint8Array>, level = 9): AsyncGenerator<Uint8Array, void, undefined> {
  const out = new BitWriter();
  for (const character of `BZh${level}`) out.put(character.charCodeAt(0), 8);
  const builder = new BlockBuilder(level * 100_000);
  let combined = 0;
  const write = (): Uint8Array => {
    const { block, crc } = builder.finish();
    writeBlock(out, block, crc);
    combined = (((combined << 1) | (combined >>> 31)) ^ crc) >>> 0;
    return out.take();
  };
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length;) {
      at = builder.fill(chunk, at);
      if (builder.wantsWriting) yield write();
    }
  }
  const last = builder.isEmpty ? new Uint8Array(0) : write();
  for (const half of END_MAGIC) out.put(half, 24);
  out.put32(combined);
  out.pad();
  yield concatBytes([last, out.take()]);
}
