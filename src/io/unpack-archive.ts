// Unpacking archives that inputs are fetched as: tar in its usual compressions, and zip. What comes out is a tree in a folder, as Nix
// keeps it: contents, the executable bit, links; no owners and times, but the newest time is told. A lone folder at the top is taken
// for the tree itself. Names are made canonical; nothing is ever written outside the folder or through a symbolic link.
// (Nix: unpackTarfileToSink in libutil/tarfile.cc, dereferenceSingletonDirectory in libfetchers/git-utils.cc.)

import { byteStringOf, concatBytes, utf8ToByteString } from '../base/bytes.ts';
import { FetchError, FloeError } from '../base/errors.ts';
import { collectBytes, compressionOf, decompress } from './decompress.ts';
import type { Files, Inflaters } from './io.ts';

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

/** What is no tar file under some compression. */
const OTHER_FORMATS: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
  ['zip', [0x50, 0x4b, 0x05, 0x06]],
  ['lzip', [0x4c, 0x5a, 0x49, 0x50]],
  ['compress', [0x1f, 0x9d]],
  ['7zip', [0x37, 0x7a, 0xbc, 0xaf]],
];

export interface UnpackOptions {
  /** Refuse names with ".." in them, instead of taking them for what they come to. */
  readonly refusesClimbing?: boolean;
}

/** Unpacks into `target`, an empty folder. `shown` names the archive in errors. */
export async function unpackArchive(
  source: AsyncIterable<Uint8Array>,
  target: string,
  machine: ArchiveMachine,
  shown: string,
  options: UnpackOptions = {},
): Promise<UnpackedArchive> {
  try {
    const { start, all } = await peek(source);
    const format = OTHER_FORMATS.find(([, magic]) => magic.every((byte, index) => start[index] === byte))?.[0];
    const writer = new TreeWriter(target, machine.files, options);
    if (format === 'zip') await unpackZip(await collectBytes(all), writer);
    else if (format === undefined) await unpackTar(await decompress(all, compressionOf(start), machine.inflaters), writer);
    else
      throw new FetchError(`archives in the format '${format}' cannot be unpacked`, {
        hint: 'gzip, xz, bzip2, zstd, plain tar and zip can be',
      });
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
      await collectBytes(item as unknown as AsyncIterable<Uint8Array>),
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
      : await collectBytes((await zip.openReadStreamPromise(entry)) as unknown as AsyncIterable<Uint8Array>);
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

/** A name in an archive as a path from its top: "" or "/a/b". */
function canonical(name: string): string {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.map((part) => `/${part}`).join('');
}

/** Writes entries below a folder, knowing what it has written. */
class TreeWriter {
  private readonly files: Files;
  private readonly target: string;
  /** By canonical path, "" for the root. */
  private readonly kinds = new Map<string, { kind: 'directory' | 'regular' | 'symlink'; executable: boolean }>();
  private readonly refusesClimbing: boolean;
  private newest = 0;

  constructor(target: string, files: Files, { refusesClimbing = false }: UnpackOptions) {
    this.target = target;
    this.refusesClimbing = refusesClimbing;
    this.files = files;
    this.kinds.set('', { kind: 'directory', executable: false });
  }

  add(entry: Entry, contents: Uint8Array): void {
    if (this.refusesClimbing && entry.path.split('/').includes('..'))
      throw new FetchError(`archive member '${entry.path}' leads out of the archive`);
    const path = canonical(entry.path);
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
        this.copy(canonical(entry.target), path, entry.path);
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
