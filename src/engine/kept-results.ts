// Results kept between runs: an answer, and what it was made from (reads.ts), under the question that it answers. One small file a
// question in the user's cache, for the user's eyes only, written by rename, so any number of processes may read and write at once; a
// file that is broken, foreign or gone counts as never written. docs/decisions/0013-results-kept.md.

import * as fs from 'node:fs';
import { copyBytes } from '../base/bytes.ts';
import { checkReads } from './reads-check.ts';
import type { KeptReads } from './reads.ts';

/** Changes with the form of what is kept. */
const FORMAT = 2;
const HEAD_BYTES = 32;
/** A bigger record is not kept. */
const MAX_CHARS = 16_000_000;
/** When a folder holds more than this, the longest unused go until it holds the lesser numbers. */
const MAX_FILES = 1024;
const MAX_BYTES = 128 << 20;
const LEFT_FILES = 768;
const LEFT_BYTES = 96 << 20;
/** How often use is noted. */
const USE_NOTED_MS = 3_600_000;

interface KeptRecord<Answer> {
  readonly question: string;
  readonly reads: KeptReads;
  readonly answer: Answer;
}

/** 64 bits over bytes, for names of files and against damage; nobody is kept out by it. PERF: a word at a time, in code that runs once. */
export function checksum(data: Uint8Array): string {
  const bytes = data.byteOffset % 4 === 0 ? data : copyBytes(data);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  let a = 0x9e3779b9 ^ data.length;
  let b = 0x85ebca6b;
  const add = (word: number): void => {
    a = Math.imul(a ^ word, 0x01000193);
    a ^= a >>> 15;
    b = Math.imul(b + word, 0x5bd1e995);
    b ^= b >>> 13;
  };
  for (let i = 0; i < words.length; i++) add(words[i]!);
  for (let i = words.length * 4; i < data.length; i++) add(data[i]!);
  const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
  return hex(a) + hex(b);
}

/** The first line of a file, 32 bytes. */
function headOf(body: Uint8Array): string {
  return `floe-result ${FORMAT}  ${checksum(body)}\n`;
}

/** Tells this floe from any other; undefined where it runs from sources, which change without a sign. */
export function installationOf(entry: string | undefined): string | undefined {
  if (entry === undefined || !entry.endsWith('/floe.cjs')) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = fs.statSync(entry, { bigint: true });
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

/** Results of one user; `folder` is made when something is kept. */
export class KeptResults {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  private fileOf(question: string): string {
    return `${this.folder}/${checksum(Buffer.from(question))}`;
  }

  /** The answer, if everything it rests on still holds; undefined otherwise, whatever the reason. */
  find<Answer>(question: string, env: Readonly<Record<string, string | undefined>>): Answer | undefined {
    const file = this.fileOf(question);
    const found = readRecord<Answer>(file);
    if (found === undefined || found.question !== question) return undefined;
    const checked = checkReads(found.reads, env);
    if (!checked.holds) return undefined;
    if (checked.renewed !== undefined) this.write(file, { ...found, reads: checked.renewed });
    return found.answer;
  }

  /** Keeps an answer in the place of an older one. What cannot be written is not kept. */
  keep<Answer>(question: string, reads: KeptReads, answer: Answer): void {
    this.write(this.fileOf(question), { question, reads, answer });
    this.evict();
  }

  private write<Answer>(file: string, record: KeptRecord<Answer>): void {
    const text = JSON.stringify(record);
    if (text.length > MAX_CHARS) return;
    const body = Buffer.from(text);
    const temporary = `${file}.${process.pid}.tmp`;
    try {
      fs.mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      const descriptor = fs.openSync(temporary, 'w', 0o600);
      try {
        fs.writeFileSync(descriptor, Buffer.concat([Buffer.from(headOf(body)), body]));
      } finally {
        fs.closeSync(descriptor);
      }
      fs.renameSync(temporary, file);
    } catch {
      // A full disk or no home: nothing is kept.
      fs.rmSync(temporary, { force: true });
    }
  }

  private evict(): void {
    try {
      const names = fs.readdirSync(this.folder);
      const isCrowded = names.length > MAX_FILES;
      // Sizes are looked at now and then only: that is a system call a file.
      if (!isCrowded && names.length % 16 !== 0) return;
      const files = names.flatMap((name) => {
        const stats = fs.statSync(`${this.folder}/${name}`, { throwIfNoEntry: false });
        return stats === undefined ? [] : [{ name, size: stats.size, usedMs: stats.mtimeMs }];
      });
      let count = files.length;
      let bytes = files.reduce((sum, { size }) => sum + size, 0);
      if (!isCrowded && bytes <= MAX_BYTES) return;
      for (const { name, size } of files.sort((a, b) => a.usedMs - b.usedMs)) {
        if (count <= LEFT_FILES && bytes <= LEFT_BYTES) break;
        fs.rmSync(`${this.folder}/${name}`, { force: true });
        count--;
        bytes -= size;
      }
    } catch {
      // Another process is at it.
    }
  }
}

function readRecord<Answer>(file: string): KeptRecord<Answer> | undefined {
  try {
    const descriptor = fs.openSync(file, 'r');
    let data: Buffer;
    try {
      const stats = fs.fstatSync(descriptor);
      // Somebody else's word is not taken for what an evaluation gave.
      if (stats.uid !== process.geteuid?.() || (stats.mode & 0o022) !== 0) return undefined;
      data = fs.readFileSync(descriptor);
      if (Date.now() - stats.mtimeMs > USE_NOTED_MS) fs.futimesSync(descriptor, new Date(), new Date());
    } finally {
      fs.closeSync(descriptor);
    }
    const body = data.subarray(HEAD_BYTES);
    if (data.toString('latin1', 0, HEAD_BYTES) !== headOf(body)) return undefined;
    return JSON.parse(body.toString('utf8')) as KeptRecord<Answer>;
  } catch {
    return undefined;
  }
}
