// Unpacking a tar archive of any usual compression into a folder, for builtin:unpack-channel. As libarchive does it for C++ Nix: names
// that climb out of the folder are refused, and nothing is written through a symbolic link.

import * as fs from 'node:fs';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { byteStringToUtf8, utf8ToByteString } from '../base/bytes.ts';
import { FormatError } from '../base/errors.ts';
import { systemPath } from '../store/local/system-error.ts';
import { readStart } from './host-files.ts';

/** The compression of a file, by its first bytes. */
export type Compression = 'none' | 'gzip' | 'xz' | 'bzip2' | 'zstd';

const MAGICS: readonly (readonly [Compression, string])[] = [
  ['gzip', '\x1f\x8b'],
  ['xz', '\xfd7zXZ\0'],
  ['bzip2', 'BZh'],
  ['zstd', '\x28\xb5\x2f\xfd'],
];

export function compressionOf(start: Uint8Array): Compression {
  const text = Buffer.from(start).toString('latin1');
  return MAGICS.find(([, magic]) => text.startsWith(magic))?.[0] ?? 'none';
}

/** A stream with the compression taken off. */
export async function decompress(source: Readable, compression: Compression): Promise<Readable> {
  switch (compression) {
    case 'none':
      return source;
    case 'gzip':
      return pipe(source, createGunzip());
    case 'zstd':
      return pipe(source, createZstdDecompress());
    case 'xz': {
      // A CommonJS package: what it exports hangs below `default` for Node.
      const { default: module } = (await import('xz-decompress')) as unknown as {
        default: { XzReadableStream: new (source: never) => ReadableStream };
      };
      // The types of Node's web streams and of the browser's are declared apart.
      return Readable.fromWeb(new module.XzReadableStream(Readable.toWeb(source) as never) as never);
    }
    case 'bzip2': {
      // The package declares no types.
      const { default: bunzip } = (await import('seek-bzip' as string)) as { default: { decode(data: Buffer): Buffer } };
      const chunks: Buffer[] = [];
      for await (const chunk of source) chunks.push(chunk as Buffer);
      return Readable.from([bunzip.decode(Buffer.concat(chunks))]);
    }
  }
}

function pipe(source: Readable, transform: NodeJS.ReadWriteStream): Readable {
  source.on('error', (error) => (transform as unknown as Readable).destroy(error));
  return source.pipe(transform) as unknown as Readable;
}

/** Unpacks the archive file at `archive` into the existing folder `target`. */
export async function unpackArchive(archive: string, target: string): Promise<void> {
  const { extract: makeExtract } = (await import('tar-stream')).default;
  const source = createReadStream(systemPath(archive));
  const plain = await decompress(source, compressionOf(readStart(archive, 8)));
  const entries = makeExtract();
  plain.on('error', (error) => entries.destroy(error));
  plain.pipe(entries);
  try {
    for await (const entry of entries) {
      const { name, type = 'file', linkname, mode = 0o644 } = entry.header;
      await writeEntry(
        target,
        { name: utf8ToByteString(name), type: type ?? 'file', link: utf8ToByteString(linkname ?? ''), mode },
        entry as unknown as AsyncIterable<Buffer>,
      );
    }
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`failed to extract archive '${byteStringToUtf8(archive)}': ${(error as Error).message}`, { cause: error });
  }
}

interface Entry {
  readonly name: string;
  readonly type: string;
  readonly link: string;
  readonly mode: number;
}

async function writeEntry(target: string, { name, type, link, mode }: Entry, contents: AsyncIterable<Buffer>): Promise<void> {
  const path = placeOf(target, name);
  if (path === target) return void (await drain(contents));
  const at = systemPath(path);
  makeParents(target, path);
  if (type !== 'directory') fs.rmSync(at, { force: true, recursive: false });
  switch (type) {
    case 'directory':
      if (!fs.lstatSync(at, { throwIfNoEntry: false })?.isDirectory()) fs.mkdirSync(at);
      fs.chmodSync(at, (mode & 0o777) | 0o700);
      return void (await drain(contents));
    case 'symlink':
      fs.symlinkSync(systemPath(link), at);
      return void (await drain(contents));
    case 'link':
      fs.linkSync(systemPath(placeOf(target, link)), at);
      return void (await drain(contents));
    case 'file':
    case 'contiguous-file': {
      const file = fs.openSync(at, 'wx', mode & 0o777);
      try {
        for await (const chunk of contents) fs.writeSync(file, chunk);
      } finally {
        fs.closeSync(file);
      }
      return;
    }
    default:
      throw new FormatError(`archive member '${name}' has an unsupported type`);
  }
}

async function drain(contents: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of contents) void chunk;
}

function placeOf(target: string, name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new FormatError(`archive member '${name}' leads out of the archive`);
  return [target, ...parts].join('/');
}

/** Folders above `path`; a symbolic link on the way is refused. */
function makeParents(target: string, path: string): void {
  const parts = path
    .slice(target.length + 1)
    .split('/')
    .slice(0, -1);
  let folder = target;
  for (const part of parts) {
    folder = `${folder}/${part}`;
    const stats = fs.lstatSync(systemPath(folder), { throwIfNoEntry: false });
    if (stats === undefined) fs.mkdirSync(systemPath(folder));
    else if (!stats.isDirectory())
      throw new FormatError(`archive member '${path.slice(target.length + 1)}' would be written through '${part}', which is no folder`);
  }
}
