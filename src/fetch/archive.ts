// Unpacking archives that inputs are fetched as: tar in its usual compressions, and zip. What comes out is a tree in a folder, as Nix
// keeps it: contents, the executable bit, links; no owners and times, but the newest time is told. A lone folder at the top is taken
// for the tree itself. Names are made canonical; nothing is ever written outside the folder or through a symbolic link.
// (Nix: unpackTarfileToSink in libutil/tarfile.cc, dereferenceSingletonDirectory in libfetchers/git-utils.cc.)

import { byteStringOf, concatBytes, utf8ToByteString } from '../base/bytes.ts';
import { FetchError, FloeError } from '../base/errors.ts';
import type { Files, Inflaters } from '../io/io.ts';
import { canonicalPath } from '../model/flake-ref.ts';

export interface ArchiveMachine {
  readonly files: Files;
  readonly inflaters: Inflaters;
}

export interface UnpackedArchive {
  /** Folder (or file) below the target that is the tree. */
  readonly root: string;
  /** Newest time of any entry, in seconds since 1970. */
  readonly lastModified: number;
}

interface Entry {
  readonly path: string;
  readonly type: 'directory' | 'regular' | 'symlink' | 'hardlink' | 'other';
  readonly target: string;
  readonly executable: boolean;
  readonly modified: number;
}

const MAGICS: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
  ['zip', [0x50, 0x4b, 0x05, 0x06]],
  ['lzip', [0x4c, 0x5a, 0x49, 0x50]],
  ['compress', [0x1f, 0x9d]],
  ['7zip', [0x37, 0x7a, 0xbc, 0xaf]],
];

/** Unpacks into `target`, an empty folder. `shown` names the archive in errors. */
export async function unpackArchive(
  source: AsyncIterable<Uint8Array>,
  target: string,
  machine: ArchiveMachine,
  shown: string,
): Promise<UnpackedArchive> {
  try {
    const { start, all } = await peek(source);
    const format = MAGICS.find(([, magic]) => magic.every((byte, index) => start[index] === byte))?.[0] ?? 'tar';
    const writer = new TreeWriter(target, machine.files);
    if (format === 'zip') await unpackZip(await collect(all), writer);
    else await unpackTar(await decompress(all, format, machine.inflaters), writer);
    return writer.finish();
  } catch (error) {
    if (error instanceof FloeError) throw error;
    throw new FetchError(`failed to extract archive '${shown}': ${(error as Error).message}`, { cause: error, data: { archive: shown } });
  }
}

/** The first bytes, and the whole again. */
async function peek(source: AsyncIterable<Uint8Array>): Promise<{ start: Uint8Array; all: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let done = false;
  while (size < 8 && !done) {
    const next = await iterator.next();
    done = next.done ?? false;
    if (!next.done) {
      chunks.push(next.value);
      size += next.value.length;
    }
  }
  async function* all(): AsyncIterable<Uint8Array> {
    yield* chunks;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  }
  return { start: concatBytes(chunks), all: all() };
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return concatBytes(chunks);
}

async function decompress(source: AsyncIterable<Uint8Array>, format: string, inflaters: Inflaters): Promise<AsyncIterable<Uint8Array>> {
  switch (format) {
    case 'tar':
      return source;
    case 'gzip':
      return inflaters.gunzip(source);
    case 'zstd':
      return inflaters.unzstd(source);
    case 'xz': {
      // CommonJS: its default export is there both as Node loads it and in the bundle.
      const { XzReadableStream } = (await import('xz-decompress')).default;
      return new XzReadableStream(ReadableStream.from(source) as ReadableStream<Uint8Array>) as unknown as AsyncIterable<Uint8Array>;
    }
    case 'bzip2': {
      // The package declares no types. It needs the whole file.
      const { default: bzip } = (await import('seek-bzip' as string)) as { default: { decode(data: Uint8Array): Uint8Array } };
      const decoded = bzip.decode(await collect(source));
      return (async function* () {
        yield decoded;
      })();
    }
    default:
      throw new FetchError(`archives in the format '${format}' cannot be unpacked`, {
        hint: 'gzip, xz, bzip2, zstd, plain tar and zip can be',
      });
  }
}

async function unpackTar(source: AsyncIterable<Uint8Array>, writer: TreeWriter): Promise<void> {
  const { extract } = (await import('tar-stream')).default;
  const entries = extract();
  const input = entries as unknown as NodeJS.WritableStream;
  const feed = (async () => {
    for await (const chunk of source) if (!input.write(chunk)) await new Promise<void>((resolve) => input.once('drain', () => resolve()));
    input.end();
  })();
  feed.catch((error: unknown) => entries.destroy(error as Error));
  for await (const item of entries) {
    const { name, type, linkname, mode = 0o644, mtime, pax } = item.header as typeof item.header & { pax?: Record<string, string> | null };
    const paxTime = pax?.['mtime'];
    writer.add(
      {
        path: utf8ToByteString(name),
        type:
          type === 'directory' || type === 'symlink'
            ? type
            : type === 'file' || type === 'contiguous-file'
              ? 'regular'
              : type === 'link'
                ? 'hardlink'
                : 'other',
        target: utf8ToByteString(linkname ?? ''),
        executable: (mode & 0o100) !== 0,
        modified: paxTime === undefined ? Math.floor((mtime?.getTime() ?? 0) / 1000) : Math.floor(Number(paxTime)),
      },
      await collect(item as unknown as AsyncIterable<Uint8Array>),
    );
  }
  await feed;
}

const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
const MADE_ON_UNIX = 3;

async function unpackZip(data: Uint8Array, writer: TreeWriter): Promise<void> {
  const { fromBufferPromise } = (await import('yauzl')).default;
  // yauzl wants Node's own kind of bytes.
  const zip = await fromBufferPromise(Buffer.from(data.buffer, data.byteOffset, data.byteLength), { decodeStrings: false });
  for await (const entry of zip.eachEntry()) {
    const mode = entry.versionMadeBy >> 8 === MADE_ON_UNIX ? entry.externalFileAttributes >>> 16 : 0;
    // Undecoded: names are the bytes that they are.
    const name = byteStringOf(entry.fileName as unknown as Uint8Array);
    const isFolder = name.endsWith('/');
    const contents = isFolder
      ? new Uint8Array()
      : await collect((await zip.openReadStreamPromise(entry)) as unknown as AsyncIterable<Uint8Array>);
    const isLink = (mode & S_IFMT) === S_IFLNK;
    writer.add(
      {
        path: name,
        type: isFolder ? 'directory' : isLink ? 'symlink' : 'regular',
        target: isLink ? byteStringOf(contents) : '',
        executable: (mode & 0o100) !== 0,
        modified: Math.floor(entry.getLastModDate().getTime() / 1000),
      },
      contents,
    );
  }
}

/** Writes entries below a folder, knowing what it has written. */
class TreeWriter {
  private readonly files: Files;
  private readonly target: string;
  /** By canonical path, "" for the root. */
  private readonly kinds = new Map<string, { kind: 'directory' | 'regular' | 'symlink'; executable: boolean }>();
  private newest = 0;

  constructor(target: string, files: Files) {
    this.target = target;
    this.files = files;
    this.kinds.set('', { kind: 'directory', executable: false });
  }

  add(entry: Entry, contents: Uint8Array): void {
    const path = canonicalPath(entry.path) === '/' ? '' : canonicalPath(entry.path);
    if (entry.modified > this.newest) this.newest = entry.modified;
    if (path === '') {
      if (entry.type !== 'directory') throw new FetchError(`archive member '${entry.path}' is the top of the archive but no folder`);
      return;
    }
    this.makeFolder(path.slice(0, path.lastIndexOf('/')), entry.path);
    if (entry.type === 'directory') {
      this.makeFolder(path, entry.path);
      return;
    }
    this.clear(path, entry.path);
    const place = this.target + path;
    switch (entry.type) {
      case 'regular':
        this.files.createFile(place, contents, entry.executable);
        this.kinds.set(path, { kind: 'regular', executable: entry.executable });
        return;
      case 'symlink':
        this.files.writeLink(place, entry.target);
        this.kinds.set(path, { kind: 'symlink', executable: false });
        return;
      case 'hardlink':
        this.copy(canonicalPath(entry.target), path, entry.path);
        return;
      default:
        throw new FetchError(`file '${entry.path}' in tarball has an unsupported type`);
    }
  }

  /** A later entry takes the place of an earlier one. */
  private clear(path: string, shown: string): void {
    const known = this.kinds.get(path);
    if (!known) return;
    if (known.kind === 'directory') throw new FetchError(`archive member '${shown}' is a folder and a file`);
    this.files.remove(this.target + path);
    this.kinds.delete(path);
  }

  private copy(from: string, to: string, shown: string): void {
    const source = this.kinds.get(from);
    if (source === undefined || source.kind === 'directory')
      throw new FetchError(`archive member '${shown}' is a link to '${from}', which is not in the archive before it`);
    if (source.kind === 'symlink') this.files.writeLink(this.target + to, this.files.readLink(this.target + from));
    else this.files.createFile(this.target + to, this.files.readFile(this.target + from), source.executable);
    this.kinds.set(to, source);
  }

  private makeFolder(path: string, shown: string): void {
    const known = this.kinds.get(path);
    if (known?.kind === 'directory') return;
    if (known) throw new FetchError(`archive member '${shown}' would be written through '${path.slice(1)}', which is no folder`);
    this.makeFolder(path.slice(0, path.lastIndexOf('/')), shown);
    this.files.makeFolder(this.target + path);
    this.kinds.set(path, { kind: 'directory', executable: false });
  }

  finish(): UnpackedArchive {
    const top = [...this.kinds.keys()].filter((path) => path !== '' && path.lastIndexOf('/') === 0);
    const lone = top.length === 1 && this.kinds.get(top[0]!)!.kind === 'directory' ? top[0]! : '';
    return { root: this.target + lone, lastModified: this.newest };
  }
}
