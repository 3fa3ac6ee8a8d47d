// Answers of servers, with the patience and the memory that fetching needs: several attempts where the trouble may pass, an answer
// asked for again only when it is older than `tarball-ttl`, and then only if it has changed. (Nix: libstore/filetransfer.cc for what
// is worth another attempt, libfetchers/tarball.cc for the cache.)

import { byteStringOf } from '../base/bytes.ts';
import { FetchError } from '../base/errors.ts';
import { hashBytes, printHash } from '../base/hash.ts';
import type { HttpResponse } from '../io/io.ts';
import { parseUrl, printUrl, urlPathToFilePath } from '../model/url.ts';
import type { FetchContext } from './fetcher.ts';

export interface DownloadOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Ask only for something newer than the answer with that tag. */
  readonly etag?: string | undefined;
}

export interface Download {
  /** False where the server says that nothing has changed; the body is empty then. */
  readonly changed: boolean;
  readonly etag: string;
  /** From a `Link` header with rel="immutable": where exactly this answer can be had for ever. */
  readonly immutableUrl: string | undefined;
  readonly urls: readonly string[];
  readonly body: AsyncIterable<Uint8Array>;
}

const FIRST_PAUSE_MS = 250;
const HASH_PAUSE = 2;

/** Runs an attempt again while the trouble may pass. The whole attempt is repeated, reading of the body included. */
export async function withAttempts<T>(context: FetchContext, attempt: () => Promise<T>): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof FetchError) || !isTransient(error) || count >= context.settings.downloadAttempts) throw error;
      const pause = FIRST_PAUSE_MS * HASH_PAUSE ** (count - 1);
      context.warn(`${error.message}; retrying in ${pause} ms (attempt ${count}/${context.settings.downloadAttempts})`);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

function isTransient(error: FetchError): boolean {
  const { status, cause } = error.data as { status?: number; cause?: string };
  if (error.code === 'FLOE_UNREACHABLE') return cause !== 'ENOTFOUND' && cause !== 'ECONNREFUSED';
  return (
    status !== undefined && (status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505 && status !== 511))
  );
}

/** One attempt at a URL: http, https or file. */
export async function startDownload(url: string, context: FetchContext, { headers = {}, etag }: DownloadOptions = {}): Promise<Download> {
  const parsed = parseUrl(url);
  if (parsed.scheme === 'file') return readLocal(urlPathToFilePath(parsed.path), url, context);
  const condition: Record<string, string> = etag === undefined || etag === '' ? {} : { 'if-none-match': etag };
  const response = await context.io.net.request({ url: printUrl({ ...parsed, fragment: '' }), headers: { ...headers, ...condition } });
  const changed = response.status !== 304;
  if (changed && (response.status < 200 || response.status >= 300)) throw await refusal(response, url);
  const link = /<([^>]*)>; *rel="immutable"/i.exec(response.headers.get('link') ?? '')?.[1];
  return {
    changed,
    etag: response.headers.get('etag') ?? (changed ? '' : (etag ?? '')),
    immutableUrl: link,
    urls: response.urls,
    body: response.body,
  };
}

function readLocal(path: string, url: string, { io }: FetchContext): Download {
  const contents = io.files.readFile(path);
  const stat = io.files.stat(path);
  async function* body(): AsyncIterable<Uint8Array> {
    yield contents;
  }
  return { changed: true, etag: stat === undefined ? '' : String(stat.modifiedNs), immutableUrl: undefined, urls: [url], body: body() };
}

const MAX_SHOWN_BODY = 1024;

async function refusal(response: HttpResponse, url: string): Promise<FetchError> {
  let body = '';
  try {
    for await (const chunk of response.body) {
      body += byteStringOf(chunk);
      if (body.length > MAX_SHOWN_BODY) break;
    }
  } catch {
    // The status says enough.
  }
  const text = body.trim();
  const shown = text === '' || text.length > MAX_SHOWN_BODY || text.includes('\0') ? '' : `\n\nresponse body:\n\n${text}`;
  const { status } = response;
  const hint =
    status === 401 || status === 403 || status === 407
      ? "the server wants a login: see the setting 'access-tokens'"
      : status === 404
        ? 'check the name: the server has nothing there (private repositories look like this too)'
        : undefined;
  return new FetchError(`unable to download '${url}': HTTP error ${status}${shown}`, {
    data: { url, status },
    ...(hint !== undefined && { hint }),
  });
}

/** A small text of a server (an API's answer), remembered for `tarball-ttl` seconds. Byte string. */
export async function downloadText(url: string, headers: Readonly<Record<string, string>>, context: FetchContext): Promise<string> {
  const known = context.cache.lookup('text', url);
  if (known && known.writtenMs + context.settings.tarballTtl * 1000 > context.io.now()) return String(known.value['text']);
  const text = await withAttempts(context, async () => {
    const { body } = await startDownload(url, context, { headers });
    let result = '';
    for await (const chunk of body) result += byteStringOf(chunk);
    return result;
  });
  context.cache.store('text', url, { text });
  return text;
}

/** A place in the cache's folder for what is named by its content. */
export function cachePlace(kind: 'trees' | 'files', name: string, context: FetchContext): string {
  return `${context.cache.folder}/${kind}/${printHash(hashBytes('sha256', name), 'nix32')}`;
}
