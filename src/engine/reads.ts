// What a result was made from: every file, folder, link, variable and store object that was looked at, with what was found there. The
// log is filled while floe works and kept beside the result (kept-results.ts); the result counts again only while all of it still
// holds (reads-check.ts). PERF: this file and those two are loaded before anything else, so they import next to nothing; node:crypto
// alone would cost half as much as all of Node's start.

import * as fs from 'node:fs';

/** What lies at a path, as far as anybody asked. Members are short because hundreds of these are read at every start. */
export interface PathRead {
  /** Kind: `-` nothing, `f` file, `d` folder, `l` symbolic link, `?` anything else. */
  k: string;
  /** A final symbolic link was followed. */
  F?: 1;
  /** What the system said of it (`signatureOf`). */
  s?: string;
  /** `s` proves that the content is the same: the last change was long before the look. */
  p?: 1;
  /** Whoever looked saw the times, so that they must be the same too. */
  x?: 1;
  /** `contentMark` of the file's bytes, or of the folder's listing. */
  h?: string;
  /** Where the link leads. */
  t?: string;
  /** Whether the user may execute it. */
  e?: 0 | 1;
  /** Number of its file system. */
  v?: string;
}

/** A log as it is kept. */
export interface KeptReads {
  readonly paths: readonly (readonly [path: string, read: PathRead])[];
  /** Variables of the environment; null for one that was not set. */
  readonly variables: readonly (readonly [name: string, value: string | null])[];
  /** Folders that were asked whether the user may write there. */
  readonly writable: readonly (readonly [path: string, answer: boolean])[];
  /** The store's database, and store objects that were valid, and that were not. */
  readonly store: { readonly database: string; readonly storeDir: string } | null;
  readonly valid: readonly string[];
  readonly invalid: readonly string[];
  /** Milliseconds since 1970 after which an answer of the network has to be asked for again; null for never. */
  readonly expiresMs: number | null;
}

/** A file that changed within that time before a look may change again without its times showing it: clocks of file systems tick. */
const TICK_MS = 100n;
const MS = 1_000_000n;
const SECOND = 1_000_000_000n;

/** A byte string as a path for node:fs. */
export function diskPath(path: string): string | Buffer {
  return /[^\x00-\x7f]/.test(path) ? Buffer.from(path, 'latin1') : path;
}

/** Everything lstat says that changes with the content, and with which file it is. */
export function signatureOf(stats: fs.BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.mode}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

/**
 * Whether equal signatures mean equal contents. Content cannot change without the time of change moving on, unless that was within
 * the same tick; a time of whole seconds comes from a file system with a slow clock, or from an image made elsewhere.
 */
export function isProof(stats: Look): boolean {
  return stats.ctimeNs % SECOND !== 0n && stats.ctimeNs < (BigInt(stats.lookedMs) - TICK_MS) * MS;
}

/** `k` of a PathRead. */
export function kindLetter(stats: fs.BigIntStats | undefined): string {
  if (stats === undefined) return '-';
  return stats.isFile() ? 'f' : stats.isDirectory() ? 'd' : stats.isSymbolicLink() ? 'l' : '?';
}

/** What the system said, and when. */
export type Look = fs.BigIntStats & { lookedMs: number };

/** lstat or stat; undefined where nothing is there, or nothing can be because of a file above. */
export function statOf(path: string, follow = false): Look | undefined {
  try {
    const lookedMs = Date.now();
    const stats = (follow ? fs.statSync : fs.lstatSync)(diskPath(path), { bigint: true, throwIfNoEntry: false }) as Look | undefined;
    if (stats !== undefined) stats.lookedMs = lookedMs;
    return stats;
  } catch (error) {
    if (['ENOTDIR', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Stands before a content that is kept as it is; no digest begins so. */
const VERBATIM = '=';
const MAX_VERBATIM = 512;

/** What is kept of a content. PERF: a short one itself, since many systems have a short file or two whose times prove nothing. */
export function contentMark(data: Uint8Array | string): string {
  if (data.length > MAX_VERBATIM) return contentDigest(data);
  return VERBATIM + (typeof data === 'string' ? data : Buffer.from(data).toString('latin1'));
}

/** Whether two marks are of the same content; one may be a digest where the other is not. */
export function sameContent(one: string, other: string): boolean {
  if (one.startsWith(VERBATIM) === other.startsWith(VERBATIM)) return one === other;
  const digestOf = (mark: string): string => (mark.startsWith(VERBATIM) ? contentDigest(mark.slice(VERBATIM.length)) : mark);
  return digestOf(one) === digestOf(other);
}

/** Digest of contents. PERF: node:crypto is loaded by the first that needs one. */
export function contentDigest(data: Uint8Array | string): string {
  return process.getBuiltinModule('node:crypto').hash('sha256', typeof data === 'string' ? Buffer.from(data, 'latin1') : data, 'base64');
}

/** A folder's listing as one text; order does not count. */
export function listingText(entries: readonly { readonly name: string; readonly kind: string }[]): string {
  return entries
    .map(({ name, kind }) => `${name}\0${kind}`)
    .sort()
    .join('\n');
}

/** Records reads. One a run; whatever is made later in the run may rest on all that was read before. */
export class ReadLog {
  private readonly paths = new Map<string, PathRead>();
  private readonly variables = new Map<string, string | null>();
  private readonly ownVariables = new Set<string>();
  private readonly writables = new Map<string, boolean>();
  private readonly validPaths = new Set<string>();
  private readonly invalidPaths = new Set<string>();
  private expiresMs: number | null = null;
  private store: KeptReads['store'] = null;
  private refusal: string | undefined;

  /** Why nothing of this run may be kept; undefined where nothing forbids it. */
  get refused(): string | undefined {
    return this.refusal;
  }

  /** Something was read that cannot be checked later. */
  refuse(reason: string): void {
    this.refusal ??= reason;
  }

  private at(path: string, kind: string, follow: boolean): PathRead {
    const key = follow ? `${path}\0` : path;
    let read = this.paths.get(key);
    if (read === undefined) this.paths.set(key, (read = follow ? { k: kind, F: 1 } : { k: kind }));
    else if (read.k !== kind) this.refuse(`'${path}' changed meanwhile`);
    return read;
  }

  /** Notes what lstat (stat with `follow`) said. Call it before the content is read, never after. */
  look(path: string, stats: Look | undefined, follow = false): PathRead {
    return this.at(path, kindLetter(stats), follow);
  }

  private sign(path: string, read: PathRead, stats: Look): void {
    const signature = signatureOf(stats);
    if (read.s === undefined) {
      read.s = signature;
      if (isProof(stats)) read.p = 1;
    } else if (read.s !== signature) this.refuse(`'${path}' changed meanwhile`);
  }

  /** The times counted, or may have. */
  lookExactly(path: string, stats: Look | undefined): void {
    const read = this.look(path, stats);
    if (stats === undefined) return;
    this.sign(path, read, stats);
    read.x = 1;
  }

  /** Bytes of a file, or a listing (`listingText`); `stats` from before they were read. */
  content(path: string, stats: Look | undefined, data: Uint8Array | string, follow = false): void {
    this.digest(path, stats, contentMark(data), follow);
  }

  /** The same where the digest (or `contentMark`) is known. */
  digest(path: string, stats: Look | undefined, digest: string, follow = false): void {
    const read = this.look(path, stats, follow);
    if (stats === undefined) return;
    this.sign(path, read, stats);
    if (read.h !== undefined && !sameContent(read.h, digest)) this.refuse(`'${path}' changed meanwhile`);
    read.h ??= digest;
  }

  link(path: string, target: string): void {
    const read = this.at(path, 'l', false);
    if (read.t !== undefined && read.t !== target) this.refuse(`'${path}' changed meanwhile`);
    read.t = target;
  }

  executable(path: string, kind: string, answer: boolean): void {
    this.at(path, kind, false).e = answer ? 1 : 0;
  }

  /** The file system that a path lies on. */
  device(path: string, stats: Look): void {
    this.look(path, stats, true).v = String(stats.dev);
  }

  /** Looks at a file (behind a link, too) that somebody else reads: a configuration file, which may be missing. */
  observe(path: string): void {
    try {
      const stats = statOf(path, true);
      if (stats?.isFile() === true) this.content(path, stats, fs.readFileSync(diskPath(path)), true);
      else this.look(path, stats, true);
    } catch {
      this.refuse(`'${path}' cannot be read`);
    }
  }

  /** The command itself gives the variable its value, whatever the environment says. */
  setsVariable(name: string): void {
    this.ownVariables.add(name);
  }

  variable(name: string, value: string | undefined): void {
    if (!this.ownVariables.has(name)) this.variables.set(name, value ?? null);
  }

  writable(path: string, answer: boolean): void {
    this.writables.set(path, answer);
  }

  /** The store that the names of `valid` and `invalid` are about. */
  useStore(database: string, storeDir: string): void {
    if (this.store !== null && (this.store.database !== database || this.store.storeDir !== storeDir)) this.refuse('two stores were used');
    this.store = { database, storeDir };
  }

  /** A valid store object was read or made: as long as it is valid, its content is the same. */
  valid(path: string): void {
    this.validPaths.add(path);
  }

  /** Whether a store object is written down as valid. */
  knowsValid(path: string): boolean {
    return this.validPaths.has(path);
  }

  /** A store object was asked for and was not valid. */
  invalid(path: string): void {
    this.invalidPaths.add(path);
  }

  expires(atMs: number): void {
    this.expiresMs = Math.min(this.expiresMs ?? Infinity, atMs);
  }

  /** What another process read for this one; undefined where it must not be kept. */
  take(reads: KeptReads | undefined): void {
    if (reads === undefined) return this.refuse('another process read what cannot be checked');
    for (const [path, read] of reads.paths) {
      const key = read.F === 1 ? `${path}\0` : path;
      const own = this.paths.get(key);
      const common =
        own === undefined
          ? []
          : (['k', 's', 'h', 't', 'e', 'v'] as const).filter((part) => own[part] !== undefined && read[part] !== undefined);
      if (common.some((part) => (part === 'h' ? !sameContent(own!.h!, read.h!) : own![part] !== read[part])))
        this.refuse(`'${path}' changed meanwhile`);
      this.paths.set(key, { ...read, ...own });
    }
    for (const [name, value] of reads.variables) this.variables.set(name, value);
    for (const [path, answer] of reads.writable) this.writables.set(path, answer);
    for (const path of reads.valid) this.validPaths.add(path);
    for (const path of reads.invalid) this.invalidPaths.add(path);
    if (reads.store !== null) this.useStore(reads.store.database, reads.store.storeDir);
    if (reads.expiresMs !== null) this.expires(reads.expiresMs);
  }

  /** The log as it is to be kept; undefined where it must not be. */
  keep(): KeptReads | undefined {
    if (this.refusal !== undefined) return undefined;
    return {
      paths: [...this.paths].map(([key, read]) => [key.endsWith('\0') ? key.slice(0, -1) : key, read] as const),
      variables: [...this.variables],
      writable: [...this.writables],
      store: this.store,
      valid: [...this.validPaths],
      invalid: [...this.invalidPaths].filter((path) => !this.validPaths.has(path)),
      expiresMs: this.expiresMs,
    };
  }
}
