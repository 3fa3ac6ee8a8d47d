// The doors to the machine, as interfaces: files, network, programs, environment. The rooms that use them run over the real machine
// (node.ts), over memory (memory.ts) and, for the network, in a browser. Paths and file texts are byte strings; `Files` is
// synchronous, because what reads trees of files also serves the synchronous evaluator, and a promise a file costs more than the file.

export type FileKind = 'regular' | 'directory' | 'symlink' | 'unknown';

export interface FileStat {
  readonly kind: FileKind;
  readonly executable: boolean;
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly modifiedNs: bigint;
  /** Nanoseconds since 1970, of the last change of the inode. */
  readonly changedNs: bigint;
  readonly inode: bigint;
  readonly device: bigint;
}

export interface WriteOptions {
  readonly executable?: boolean;
  /** Not forced to the disk at once: after a crash the file may be gone, as caches may. */
  readonly disposable?: boolean;
}

/** IoError, with the path in its data, where the machine says no. */
export interface Files {
  /** Of the path itself, a final symbolic link not followed; undefined where nothing is there. */
  stat(path: string): FileStat | undefined;
  readFile(path: string): Uint8Array;
  /** The same as a byte string; faster than making one of the bytes. */
  readText(path: string): string;
  /** In any order. */
  readDir(path: string): { readonly name: string; readonly kind: FileKind }[];
  readLink(path: string): string;
  /** Part of a file; shorter where the file ends. */
  readRange(path: string, offset: number, length: number): Uint8Array;
  /** Writes a file whole or not at all: beside its place first, then by rename. Folders above it are made. */
  writeFileAtomic(path: string, contents: Uint8Array, options?: WriteOptions): void;
  /** Makes a file that is not there yet, in a folder that is; for trees that are moved into place when they are whole. */
  createFile(path: string, contents: Uint8Array, executable: boolean): void;
  /** Adds to the end of a file that is there. */
  appendFile(path: string, contents: Uint8Array): void;
  writeLink(path: string, target: string): void;
  makeFolder(path: string): void;
  /** Fails where a folder with something in it lies at `to`. */
  rename(from: string, to: string): void;
  /** Whatever lies there, folders with all in them; nothing where nothing is. */
  remove(path: string): void;
  /** A new folder of a name nobody else has, below `parent`, which is made where it is missing. */
  makeTemporaryFolder(parent: string, prefix: string): string;
}

export interface HttpRequest {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent with POST; without it the request is a GET. */
  readonly body?: Uint8Array | undefined;
  /** Ends the request, and the reading of its body, when somebody gives up waiting. */
  readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. Those of redirections on the way too, where the last has none of that name. */
  readonly headers: ReadonlyMap<string, string>;
  /** Every URL of the chain of redirections, the first and the last included. */
  readonly urls: readonly string[];
  readonly body: AsyncIterable<Uint8Array>;
}

/** HTTP and HTTPS, redirections followed, proxies as the environment says. FetchError where no answer comes. */
export interface Net {
  request(request: HttpRequest): Promise<HttpResponse>;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Let the program speak to the user's terminal (a passphrase, an editor). */
  readonly interactive?: boolean;
}

export interface RunResult {
  /** Exit code; 128 and the signal's number where a signal ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Processes {
  /** Runs a program to its end; undefined where it is not installed. */
  run(program: string, args: readonly string[], options?: RunOptions): RunResult | undefined;
}

/** Compression that the platform has built in. */
export interface Inflaters {
  /** One zlib stream at the start of `data`; says how many bytes of it were used. */
  inflate(data: Uint8Array): { readonly bytes: Uint8Array; readonly used: number };
  gunzip(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  unzstd(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

export interface Io {
  readonly files: Files;
  readonly net: Net;
  readonly processes: Processes;
  readonly inflaters: Inflaters;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since 1970. */
  now(): number;
}
