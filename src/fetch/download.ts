// Answers of servers, with the memory that fetching needs: an answer is asked for again only when it is older than `tarball-ttl`, then only
// if it has changed, and the old one serves where there is no new one. (Nix: libfetchers/tarball.cc.)

import { byteStringOf } from '../base/bytes.ts';
import { FetchError } from '../base/errors.ts';
import { hashBytes, printHash } from '../base/hash.ts';
import { collectBytes } from '../io/decompress.ts';
import { download, type DownloadAnswer, type DownloadRequest } from '../io/download.ts';
import { parseUrl, printUrl, urlPathToFilePath } from '../model/url.ts';
import type { CacheEntry } from './fetch-cache.ts';
import type { FetchContext } from './fetcher.ts';

/** Which login a request carries, what is known of an earlier answer, and what to say where there is none. */
export type DownloadOptions = Pick<DownloadRequest, 'headers' | 'etag' | 'hintFor'>;

const READ_SIZE = 1 << 20;
const TELL_AFTER_MS = 100;

/** A file on this machine, in pieces. */
async function* readPieces(path: string, { io }: FetchContext): AsyncIterable<Uint8Array> {
  for (let offset = 0; ; offset += READ_SIZE) {
    const piece = io.files.readRange(path, offset, READ_SIZE);
    if (piece.length > 0) yield piece;
    if (piece.length < READ_SIZE) return;
  }
}

/** What is behind a http, https or file URL goes to `use`, in pieces; undefined as its result where nothing has changed. */
export async function downloadThrough<Result>(
  url: string,
  options: DownloadOptions,
  context: FetchContext,
  use: (source: AsyncIterable<Uint8Array>) => Promise<Result>,
): Promise<{ readonly answer: DownloadAnswer; readonly result: Result | undefined }> {
  const { files } = context.io;
  const parsed = parseUrl(url);
  if (parsed.scheme === 'file') {
    const path = urlPathToFilePath(parsed.path);
    const stat = files.stat(path);
    if (stat === undefined) throw new FetchError(`unable to download '${url}': file '${path}' does not exist`, { data: { url, path } });
    const etag = String(stat.modifiedNs);
    return { answer: { changed: true, etag, immutableUrl: undefined, urls: [url] }, result: await use(readPieces(path, context)) };
  }
  const folder = files.makeTemporaryFolder(`${context.cache.folder}/downloads`, 'new-');
  const place = `${folder}/file`;
  const asked = printUrl({ ...parsed, fragment: '' });
  const activity = context.progress?.start('file-transfer', `downloading '${asked}'`, { fields: [asked], level: 'talkative' });
  let told = 0;
  try {
    const answer = await download({
      url: asked,
      ...options,
      net: context.io.net,
      settings: context.settings,
      signal: new AbortController().signal,
      warn: context.warn,
      onProgress(done, expected) {
        const now = Date.now();
        if (now - told < TELL_AFTER_MS && done !== expected) return;
        told = now;
        activity?.result('progress', [done, expected ?? 0, 0, 0]);
      },
      sink: {
        write: (chunk) => files.appendFile(place, chunk),
        restart() {
          files.remove(place);
          files.createFile(place, new Uint8Array(), false);
        },
      },
    });
    return { answer, result: answer.changed ? await use(readPieces(place, context)) : undefined };
  } finally {
    activity?.stop();
    files.remove(folder);
  }
}

/** Whether what was remembered still counts. */
export function isFreshEntry(entry: CacheEntry, { settings, io }: FetchContext): boolean {
  return entry.writtenMs + settings.tarballTtl * 1000 > io.now();
}

/** Asks anew; where the server does not answer and something older is known, that serves, with a warning. */
export async function orOlder<Result>(older: Result | undefined, context: FetchContext, ask: () => Promise<Result>): Promise<Result> {
  try {
    return await ask();
  } catch (error) {
    // What came and is broken is no reason to believe in what was there before.
    if (older === undefined || !(error instanceof FetchError) || !error.message.startsWith('unable to download')) throw error;
    context.warn(`${error.message}; using cached version`);
    return older;
  }
}

/** A small text of a server (an API's answer), remembered for `tarball-ttl` seconds. Byte string. */
export async function downloadText(url: string, options: DownloadOptions, context: FetchContext): Promise<string> {
  const known = context.cache.lookup('text', url);
  const text = known && String(known.value['text']);
  if (known && isFreshEntry(known, context)) return text!;
  return orOlder(text, context, async () => {
    const etag = known && String(known.value['etag'] ?? '');
    const { answer, result = text! } = await downloadThrough(url, { ...options, etag }, context, async (body) =>
      byteStringOf(await collectBytes(body)),
    );
    context.cache.store('text', url, { text: result, etag: answer.etag });
    return result;
  });
}

/** A place in the cache's folder for what is named by its content. */
export function cachePlace(kind: 'trees' | 'files', name: string, context: FetchContext): string {
  return `${context.cache.folder}/${kind}/${printHash(hashBytes('sha256', name), 'nix32')}`;
}
