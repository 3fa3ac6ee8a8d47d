// Taking the compression off streams: gzip, xz, bzip2 and zstd, told apart by their first bytes.

import { concatBytes } from '../base/bytes.ts';
import type { Inflaters } from './io.ts';

/** The compression of a file. */
export type Compression = 'none' | 'gzip' | 'xz' | 'bzip2' | 'zstd';

const MAGICS: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
];

/** The compression that a file of this beginning has. */
export function compressionOf(start: Uint8Array): Compression {
  return MAGICS.find(([, magic]) => magic.every((byte, index) => start[index] === byte))?.[0] ?? 'none';
}

/** All of a stream. */
export async function collectBytes(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return concatBytes(chunks);
}

/** The stream with its compression taken off. */
export async function decompress(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  inflaters: Inflaters,
): Promise<AsyncIterable<Uint8Array>> {
  switch (compression) {
    case 'none':
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
      const decoded = bzip.decode(await collectBytes(source));
      return (async function* () {
        yield decoded;
      })();
    }
  }
}
