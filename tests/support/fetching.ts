// A machine for fetching in tests: files in memory, a network that answers from a table, a clock that a test may turn.

import { gzipSync } from 'node:zlib';
import { bytesOf } from '../../src/base/bytes.ts';
import { FetchError } from '../../src/base/errors.ts';
import { makeFetchCache } from '../../src/fetch/fetch-cache.ts';
import { DEFAULT_FETCH_SETTINGS, type FetchContext, type FetchSettings } from '../../src/fetch/fetcher.ts';
import type { HttpRequest } from '../../src/io/io.ts';
import { type MemoryFiles, memoryIo } from '../../src/io/memory.ts';
import { nodeIo } from '../../src/io/node.ts';

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** The server sends elsewhere. */
  readonly redirect?: string;
}

export interface TestNet {
  /** By URL; a function may look at the request. */
  readonly answers: Map<string, Answer | ((request: HttpRequest) => Answer)>;
  /** Requests so far. */
  readonly requests: HttpRequest[];
}

export interface FetchBench {
  readonly context: FetchContext;
  readonly files: MemoryFiles;
  readonly net: TestNet;
  readonly warnings: string[];
  /** Moves the clock. */
  pass(seconds: number): void;
}

export function fetchBench(settings: Partial<FetchSettings> = {}): FetchBench {
  const io = memoryIo();
  const net: TestNet = { answers: new Map(), requests: [] };
  const warnings: string[] = [];
  let passed = 0;
  const now = () => io.now() + passed * 1000;
  const request = async (wanted: HttpRequest, urls: string[] = []): ReturnType<typeof io.net.request> => {
    net.requests.push(wanted);
    const found = net.answers.get(wanted.url);
    if (found === undefined)
      throw new FetchError(`unable to download '${wanted.url}': no such server`, {
        code: 'FLOE_UNREACHABLE',
        data: { cause: 'ENOTFOUND' },
      });
    const { status = 200, headers = {}, body = '', redirect } = typeof found === 'function' ? found(wanted) : found;
    if (redirect !== undefined) return request({ ...wanted, url: redirect }, [...urls, wanted.url]);
    async function* chunks(): AsyncIterable<Uint8Array> {
      yield typeof body === 'string' ? bytesOf(body) : body;
    }
    return { status, headers: new Map(Object.entries(headers)), urls: [...urls, wanted.url], body: chunks() };
  };
  const context: FetchContext = {
    io: { ...io, net: { request }, inflaters: nodeIo().inflaters, now },
    cache: makeFetchCache(io.files, '/cache', now),
    store: { storeDir: '/nix/store', find: () => undefined },
    settings: { ...DEFAULT_FETCH_SETTINGS, downloadAttempts: 1, ...settings },
    warn: (message) => warnings.push(message),
    baseDir: '/',
  };
  return { context, files: io.files, net, warnings, pass: (seconds) => void (passed += seconds) };
}

export interface TarItem {
  readonly name: string;
  readonly type?: 'file' | 'directory' | 'symlink' | 'link';
  readonly mode?: number;
  readonly link?: string;
  readonly text?: string;
  readonly seconds?: number;
}

/** A tar archive of those entries. */
export async function makeTar(items: readonly TarItem[], compressed = true): Promise<Uint8Array> {
  const { pack: makePack } = await import('tar-stream');
  const pack = makePack();
  for (const { name, type = 'file', mode = 0o644, link, text = '', seconds = 1_600_000_000 } of items) {
    const header = { name, type, mode, mtime: new Date(seconds * 1000), ...(link !== undefined && { linkname: link }) };
    if (type === 'file') pack.entry(header, text);
    else pack.entry(header);
  }
  pack.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of pack) chunks.push(chunk as Uint8Array);
  const whole = Buffer.concat(chunks);
  return compressed ? gzipSync(whole) : whole;
}
