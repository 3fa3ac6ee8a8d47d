// The compressions of NARs, by the names that narinfo files use. Streams, except bzip2, whose reader needs the whole file. What C++ Nix
// could read beyond these (lzip, lz4, lzma, ...) no public cache uses; it is refused by name. The machine's `xz` writes xz: no library
// for this runtime does.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline, Readable, type Transform } from 'node:stream';
import {
  constants as zlibConstants,
  createBrotliCompress,
  createBrotliDecompress,
  createGunzip,
  createGzip,
  createZstdCompress,
  createZstdDecompress,
} from 'node:zlib';
import { concatBytes } from '../../base/bytes.ts';
import { FloeError, FormatError } from '../../base/errors.ts';
import { bzip2 } from './bzip2.ts';

type Bytes = AsyncIterable<Uint8Array>;

/** What NARs can be written with. */
export const WRITABLE_COMPRESSIONS = ['xz', 'zstd', 'br', 'gzip', 'bzip2', 'none'] as const;
export type WritableCompression = (typeof WRITABLE_COMPRESSIONS)[number];

/** Its own default takes minutes for what this does in seconds. */
const BROTLI_LEVEL = 6;

/** Ends of the names of compressed NARs, as C++ Nix chooses them. */
export const COMPRESSION_SUFFIXES: Readonly<Record<WritableCompression, string>> = {
  xz: '.xz',
  zstd: '.zst',
  br: '.br',
  gzip: '',
  bzip2: '.bz2',
  none: '',
};

async function* through(source: Bytes, transform: Transform): AsyncGenerator<Uint8Array> {
  // Errors of either end arrive at the reader of the transform.
  pipeline(Readable.from(source, { objectMode: false }), transform, () => {});
  yield* transform as AsyncIterable<Uint8Array>;
}

async function collect(source: Bytes): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return concatBytes(chunks);
}

async function* unxz(source: Bytes): AsyncGenerator<Uint8Array> {
  // CommonJS: its default export is there both as Node loads it and in the bundle.
  const { XzReadableStream } = (await import('xz-decompress')).default;
  yield* new XzReadableStream(ReadableStream.from(source) as ReadableStream<Uint8Array>) as unknown as AsyncIterable<Uint8Array>;
}

async function* unbzip2(source: Bytes): AsyncGenerator<Uint8Array> {
  // The package declares no types.
  const { default: bzip } = (await import('seek-bzip' as string)) as {
    default: { decode(data: Uint8Array, output?: undefined, multistream?: boolean): Uint8Array };
  };
  yield bzip.decode(await collect(source), undefined, true);
}

/** As liblzma has it, and with it C++ Nix. */
const XZ_LEVEL = 6;

async function* xz(source: Bytes, level: number, parallel: boolean): AsyncGenerator<Uint8Array> {
  if (level > 9) throw new FloeError('FLOE_USAGE', `compression level ${level} is out of range for xz`, { hint: 'it goes from 0 to 9' });
  const words = [`-${level < 0 ? XZ_LEVEL : level}`, parallel ? '-T0' : '-T1', '--stdout', '--no-warn'];
  const child = spawn('xz', words, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close') as Promise<[number | null]>;
  // Whoever reads to the end learns of it below.
  ended.catch(() => {});
  let said = '';
  child.stderr.on('data', (chunk) => (said += String(chunk)));
  // What goes wrong with the source ends the program before its input is whole.
  const fed = new Promise<Error | undefined>((done) => {
    pipeline(Readable.from(source, { objectMode: false }), child.stdin, (error) => {
      if (error) child.kill();
      done(error ?? undefined);
    });
  });
  yield* child.stdout as AsyncIterable<Uint8Array>;
  let status: number | null;
  try {
    [status] = await ended;
  } catch (error) {
    throw new FloeError('FLOE_NO_PROGRAM', "compressing with xz needs the program 'xz', which is not on PATH", {
      cause: error,
      hint: "install it (Debian: xz-utils), or choose another compression: '?compression=zstd'",
    });
  }
  const failure = await fed;
  if (failure !== undefined && (failure as NodeJS.ErrnoException).code !== 'EPIPE') throw failure;
  if (status !== 0) throw new FloeError('FLOE_COMPRESSION', `program 'xz' failed: ${said.trim() || `exit status ${status}`}`);
}

function decompressor(compression: string): ((source: Bytes) => Bytes) | undefined {
  switch (compression) {
    case 'none':
    case '':
      return (source) => source;
    case 'xz':
      return unxz;
    case 'bzip2':
      return unbzip2;
    case 'gzip':
      return (source) => through(source, createGunzip());
    case 'br':
      return (source) => through(source, createBrotliDecompress());
    case 'zstd':
      return (source) => through(source, createZstdDecompress());
    default:
      return undefined;
  }
}

/** The decompressed bytes. Errors name `shown`; FloeErrors of the source pass as they are. */
export async function* decompress(source: Bytes, compression: string, shown: string): AsyncGenerator<Uint8Array> {
  const open = decompressor(compression);
  if (open === undefined) {
    throw new FloeError('FLOE_NOT_SUPPORTED', `'${shown}' is compressed with '${compression}', which floe cannot read`, {
      hint: 'xz, zstd, bzip2, gzip, br and none can be read',
    });
  }
  // The decompressors wrap or lose what went wrong with their source.
  let sourceError: unknown;
  const watched = (async function* () {
    try {
      yield* source;
    } catch (error) {
      sourceError = error;
      throw error;
    }
  })();
  try {
    yield* open(watched);
  } catch (error) {
    if (sourceError !== undefined) throw sourceError;
    if (error instanceof FloeError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new FormatError(`failed to decompress '${shown}' (${compression}): ${reason}`, { cause: error, data: { file: shown } });
  }
}

/** Compresses; `level` -1 for the compression's own default, `parallel` on all cores where that is possible. */
export function compress(source: Bytes, compression: WritableCompression, level = -1, parallel = false): Bytes {
  switch (compression) {
    case 'xz':
      return xz(source, level, parallel);
    case 'none':
      return source;
    case 'gzip':
      return through(source, createGzip(level < 0 ? {} : { level }));
    case 'bzip2':
      return bzip2(source, level < 1 || level > 9 ? undefined : level);
    case 'br':
      return through(source, createBrotliCompress({ params: { [zlibConstants.BROTLI_PARAM_QUALITY]: level < 0 ? BROTLI_LEVEL : level } }));
    case 'zstd':
      return through(source, createZstdCompress(level < 0 ? {} : { params: { [zlibConstants.ZSTD_c_compressionLevel]: level } }));
  }
}
