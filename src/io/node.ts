// The real machine behind Io. The network is Node's own fetch: bundled undici costs three times as much to load (89 against 24 ms of
// CPU) and adds nothing that is needed here, proxies included.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { constants as osConstants } from 'node:os';
import { byteStringToUtf8, utf8ToByteString } from '../base/bytes.ts';
import { FetchError, IoError } from '../base/errors.ts';
import type { Files, FileKind, FileStat, HttpRequest, HttpResponse, Inflaters, Io, Net, Processes, RunOptions, RunResult } from './io.ts';

/** A byte string as a path for node:fs. */
function systemPath(path: string): string | Buffer {
  return /[^\x00-\x7f]/.test(path) ? Buffer.from(path, 'latin1') : path;
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  ELOOP: 'Too many levels of symbolic links',
  ENOSPC: 'No space left on device',
  EROFS: 'Read-only file system',
  EDQUOT: 'Disk quota exceeded',
  ENOTEMPTY: 'Directory not empty',
};

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space on that disk, then try again; nothing was left half-written',
  EDQUOT: 'free some of your quota, then try again; nothing was left half-written',
};

function attempt<T>(what: string, path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const shown = byteStringToUtf8(path);
    const hint = HINTS[code ?? ''];
    throw new IoError(`${what} "${shown}": ${WORDS[code ?? ''] ?? message}`, {
      data: { path: shown, code },
      cause: error,
      ...(hint !== undefined && { hint }),
    });
  }
}

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): FileKind {
  return entry.isFile() ? 'regular' : entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'symlink' : 'unknown';
}

const LATIN1 = 'latin1' as BufferEncoding;

const files: Files = {
  stat(path): FileStat | undefined {
    return attempt('getting status of', path, () => {
      try {
        const stats = fs.lstatSync(systemPath(path), { bigint: true, throwIfNoEntry: false });
        return (
          stats && {
            kind: kindOf(stats),
            executable: (stats.mode & 0o100n) !== 0n,
            size: Number(stats.size),
            modifiedNs: stats.mtimeNs,
            changedNs: stats.ctimeNs,
            inode: stats.ino,
            device: stats.dev,
          }
        );
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
        throw error;
      }
    });
  },
  readFile: (path) => attempt('opening file', path, () => fs.readFileSync(systemPath(path))),
  readText: (path) => attempt('opening file', path, () => fs.readFileSync(systemPath(path), 'latin1')),
  readDir(path) {
    const entries = attempt('reading directory', path, () => fs.readdirSync(systemPath(path), { withFileTypes: true, encoding: LATIN1 }));
    return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  },
  readLink: (path) => attempt('reading symbolic link', path, () => fs.readlinkSync(systemPath(path), LATIN1)),
  readRange(path, offset, length) {
    return attempt('reading file', path, () => {
      const descriptor = fs.openSync(systemPath(path), 'r');
      try {
        const buffer = Buffer.allocUnsafe(length);
        let used = 0;
        while (used < length) {
          const count = fs.readSync(descriptor, buffer, used, length - used, offset + used);
          if (count === 0) break;
          used += count;
        }
        return buffer.subarray(0, used);
      } finally {
        fs.closeSync(descriptor);
      }
    });
  },
  writeFileAtomic(path, contents, { executable = false, disposable = false } = {}) {
    const parent = path.slice(0, path.lastIndexOf('/')) || '/';
    attempt('making folder', parent, () => fs.mkdirSync(systemPath(parent), { recursive: true }));
    const temporary = `${path}.${process.pid}-${Math.random().toString(36).slice(2)}.tmp`;
    attempt('writing file', path, () => {
      try {
        const descriptor = fs.openSync(systemPath(temporary), 'wx', executable ? 0o777 : 0o666);
        try {
          fs.writeFileSync(descriptor, contents);
          if (!disposable) fs.fsyncSync(descriptor);
        } finally {
          fs.closeSync(descriptor);
        }
        fs.renameSync(systemPath(temporary), systemPath(path));
      } catch (error) {
        fs.rmSync(systemPath(temporary), { force: true });
        throw error;
      }
    });
  },
  createFile(path, contents, executable) {
    attempt('writing file', path, () => fs.writeFileSync(systemPath(path), contents, { flag: 'wx', mode: executable ? 0o777 : 0o666 }));
  },
  appendFile: (path, contents) => attempt('writing file', path, () => fs.appendFileSync(systemPath(path), contents)),
  writeLink: (path, target) => attempt('creating symbolic link', path, () => fs.symlinkSync(systemPath(target), systemPath(path))),
  makeFolder: (path) => attempt('making folder', path, () => void fs.mkdirSync(systemPath(path), { recursive: true })),
  rename: (from, to) => attempt('renaming to', to, () => fs.renameSync(systemPath(from), systemPath(to))),
  remove: (path) => attempt('removing', path, () => fs.rmSync(systemPath(path), { recursive: true, force: true })),
  makeTemporaryFolder(parent, prefix) {
    return attempt('making a temporary folder in', parent, () => {
      fs.mkdirSync(systemPath(parent), { recursive: true });
      // The declared type knows strings only.
      return fs.mkdtempSync(systemPath(`${parent}/${prefix}`) as string, LATIN1);
    });
  },
};

const MAX_REDIRECTIONS = 10;
const REDIRECTIONS = new Set([301, 302, 303, 307, 308]);
let proxied = false;
let certificates: () => string | undefined = () => undefined;
let trusted: Promise<void> | undefined;

/** Whose word counts for whom servers are: a file of certificates, asked for with the first secure request, beside those that Node has. */
export function trustCertificates(file: () => string | undefined): void {
  certificates = file;
  trusted = undefined;
}

/** PERF: only where it is needed, reading a system's certificates costs 20 ms. */
async function readCertificates(): Promise<void> {
  const file = certificates();
  if (file === undefined) return;
  const tls = await import('node:tls');
  const text = attempt('opening file', utf8ToByteString(file), () => fs.readFileSync(file, 'latin1'));
  const own = text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]*-----END (?:TRUSTED )?CERTIFICATE-----/g) ?? [];
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), ...own]);
}

const net: Net = {
  async request({ url, headers = {}, body, signal }: HttpRequest): Promise<HttpResponse> {
    // Once a process: Node reads HTTP_PROXY and its kin only when told to.
    if (!proxied) {
      proxied = true;
      (await import('node:http')).setGlobalProxyFromEnv(process.env);
    }
    if (/^https:/i.test(url)) await (trusted ??= readCertificates());
    const urls: string[] = [];
    const seenHeaders = new Map<string, string>();
    let next = url;
    for (let count = 0; count <= MAX_REDIRECTIONS; count++) {
      urls.push(next);
      // Credentials are for the host that they were given for.
      const own = new URL(next).host === new URL(url).host ? headers : withoutCredentials(headers);
      const response = await fetchOnce(next, { headers: own, body, signal });
      for (const [name, value] of response.headers) seenHeaders.set(name, value);
      const location = response.headers.get('location');
      if (!REDIRECTIONS.has(response.status) || location === null) {
        return { status: response.status, headers: seenHeaders, urls, body: response.body ? bodyOf(response.body, next) : emptyBody() };
      }
      await response.body?.cancel();
      next = new URL(location, next).href;
    }
    throw new FetchError(`unable to download '${url}': more than ${MAX_REDIRECTIONS} redirections`, { data: { url } });
  },
};

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(?:authorization|private-token|cookie)$/i.test(name)));
}

async function fetchOnce(url: string, { headers = {}, body, signal }: Omit<HttpRequest, 'url'>): Promise<Response> {
  const address = new URL(url);
  const login =
    address.username === ''
      ? {}
      : { authorization: `Basic ${btoa(`${decodeURIComponent(address.username)}:${decodeURIComponent(address.password)}`)}` };
  address.username = '';
  address.password = '';
  try {
    return await fetch(address, {
      headers: { 'user-agent': 'floe', ...login, ...headers },
      redirect: 'manual',
      signal: signal ?? null,
      // The declared type of bodies leaves shared memory out.
      ...(body !== undefined && { method: 'POST', body: body as Uint8Array<ArrayBuffer> }),
    });
  } catch (error) {
    throw unreachable(url, error);
  }
}

function unreachable(url: string, error: unknown): FetchError {
  const cause = (error as { cause?: NodeJS.ErrnoException }).cause ?? (error as NodeJS.ErrnoException);
  const { host } = new URL(url);
  const reasons: Record<string, string> = {
    ENOTFOUND: `could not resolve host '${host}'`,
    EAI_AGAIN: `could not resolve host '${host}'`,
    ECONNREFUSED: `could not connect to '${host}'`,
    ECONNRESET: `the connection to '${host}' was reset`,
    UND_ERR_SOCKET: `the connection to '${host}' was closed`,
    UND_ERR_CONNECT_TIMEOUT: `'${host}' did not answer in time`,
    CERT_HAS_EXPIRED: `the certificate of '${host}' has expired`,
  };
  const reason = reasons[cause.code ?? ''] ?? cause.message;
  return new FetchError(`unable to download '${url}': ${reason}`, {
    code: 'FLOE_UNREACHABLE',
    data: { url, cause: cause.code },
    cause: error,
    hint: /CERT|SIGNATURE|ALTNAME/.test(cause.code ?? '')
      ? "nobody whom floe trusts vouches for that server: the setting 'ssl-cert-file' names the file of those who are trusted"
      : 'check the network, and HTTP_PROXY and HTTPS_PROXY where a proxy is needed',
  });
}

async function* bodyOf(body: ReadableStream<Uint8Array>, url: string): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk;
  } catch (error) {
    throw unreachable(url, error);
  }
}

async function* emptyBody(): AsyncIterable<Uint8Array> {}

const processes: Processes = {
  run(program, args, options: RunOptions = {}): RunResult | undefined {
    const { cwd, input, env, interactive = false } = options;
    // Node hands arguments on as UTF-8 only.
    const result = spawnSync(program, args.map(byteStringToUtf8), {
      cwd: cwd === undefined ? undefined : byteStringToUtf8(cwd),
      env: env ? { ...process.env, ...env } : process.env,
      input: input === undefined ? undefined : Buffer.from(input, 'latin1'),
      stdio: [input === undefined ? (interactive ? 'inherit' : 'ignore') : 'pipe', 'pipe', interactive ? 'inherit' : 'pipe'],
      maxBuffer: 1 << 30,
      encoding: 'latin1',
    });
    if (result.error) {
      const { code, message } = result.error as NodeJS.ErrnoException;
      if (code === 'ENOENT' && (cwd === undefined || fs.existsSync(cwd))) return undefined;
      throw new IoError(`cannot run '${program}': ${message}`, { data: { program, code }, cause: result.error });
    }
    const status = result.status ?? 128 + (osConstants.signals[result.signal!] ?? 0);
    return { status, stdout: result.stdout, stderr: result.stderr ?? '' };
  },
};

async function* through(source: AsyncIterable<Uint8Array>, makeTransform: () => NodeJS.ReadWriteStream): AsyncIterable<Uint8Array> {
  const { Readable } = await import('node:stream');
  const input = Readable.from(source);
  const transform = makeTransform();
  input.on('error', (error) => (transform as unknown as typeof input).destroy(error));
  yield* input.pipe(transform) as unknown as AsyncIterable<Uint8Array>;
}

// PERF: zlib and the streams below it cost 6 ms to load, and most runs inflate nothing.
const zlib = () => process.getBuiltinModule('node:zlib');

const inflaters: Inflaters = {
  inflate(data) {
    const { buffer, engine } = zlib().inflateSync(data, { info: true }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    return { bytes: buffer, used: engine.bytesWritten };
  },
  gunzip: (source) => through(source, () => zlib().createGunzip()),
  unzstd: (source) => through(source, () => zlib().createZstdDecompress()),
};

/** The machine this process runs on. */
export function nodeIo(): Io {
  return { files, net, processes, inflaters, env: process.env, now: () => Date.now() };
}
