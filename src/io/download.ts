// Downloading one file: retries with growing pauses, continuing where the connection broke, a stalled server given up, logins from
// netrc. What is worth another attempt and what is not follows C++ Nix 2.34.8 (libstore/filetransfer.cc).

import { FetchError, FloeError } from '../base/errors.ts';
import type { HttpResponse, Net } from './io.ts';
import { loginHeaders } from './netrc.ts';
import { StallWatch } from './stall-watch.ts';

/** How downloads behave; named as Nix names the settings. */
export interface DownloadSettings {
  readonly downloadAttempts: number;
  readonly connectTimeoutS: number;
  readonly stalledDownloadTimeoutS: number;
  /** Text of the netrc file; "" where there is none. */
  readonly netrc: string;
}

export interface DownloadRequest {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Ask only for something newer than the answer with that tag. */
  readonly etag?: string | undefined;
  readonly net: Net;
  readonly settings: DownloadSettings;
  readonly signal: AbortSignal;
  /** Told how many bytes have come, and how many there will be if the server says so. */
  readonly onProgress: (done: number, expected: number | undefined) => void;
  readonly warn: (message: string) => void;
  /** What to do about a refusal, where that is known better than here. */
  readonly hintFor?: ((refusal: Refusal) => string | undefined) | undefined;
  /** Gets the file in pieces; `restart` is called when everything so far is void. */
  readonly sink: DownloadSink;
}

/** A server's answer that is no file. */
export interface Refusal {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** What a server said beside the file. */
export interface DownloadAnswer {
  /** False where it says that nothing has changed since the answer with the request's tag; nothing was written then. */
  readonly changed: boolean;
  readonly etag: string;
  /** From a `Link` header with rel="immutable": where exactly this answer can be had for ever. */
  readonly immutableUrl: string | undefined;
  /** The chain of redirections, the first and the last URL included. */
  readonly urls: readonly string[];
}

export interface DownloadSink {
  write(chunk: Uint8Array): void;
  restart(): void;
}

const FIRST_PAUSE_MS = 250;
const TOO_MANY_REQUESTS_PAUSE_MS = 60_000;
const MAX_SHOWN_BODY = 1024;

/** What an attempt ended with, other than success. */
interface Failure {
  readonly error: FetchError;
  readonly transient: boolean;
  readonly pauseMs: number;
}

/** Downloads; FetchError after the last attempt (code FLOE_NOT_FOUND where the server has no such file). */
export async function download(request: DownloadRequest): Promise<DownloadAnswer> {
  const { settings, url, signal, warn } = request;
  let received = 0;
  for (let attempt = 1; ; attempt++) {
    let failure: Failure;
    try {
      const outcome = await tryOnce(request, received, (count) => (received = count));
      if ('changed' in outcome) return outcome;
      failure = outcome;
    } catch (error) {
      if (!(error instanceof FetchError)) throw error;
      failure = { error, transient: !isHopeless(error), pauseMs: FIRST_PAUSE_MS };
    }
    if (signal.aborted) throw interrupted(url);
    if (!failure.transient || attempt >= settings.downloadAttempts) throw failure.error;
    const pauseMs = Math.round(failure.pauseMs * 2 ** (attempt - 1 + Math.random() / 2));
    const from = received > 0 ? ` from offset ${received}` : '';
    warn(`${failure.error.message}; retrying${from} in ${pauseMs} ms (attempt ${attempt}/${settings.downloadAttempts})`);
    await pause(pauseMs, signal);
    if (signal.aborted) throw interrupted(url);
  }
}

/** Ends when the time is over or somebody gives up waiting. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
  });
}

function interrupted(url: string): FloeError {
  return new FloeError('FLOE_INTERRUPTED', `download of '${url}' was interrupted`);
}

/** Nobody of that name is there, or nobody listens: that does not change while we wait. */
function isHopeless({ code, data }: FetchError): boolean {
  return code === 'FLOE_UNREACHABLE' && ['ENOTFOUND', 'ECONNREFUSED'].includes(String(data['cause']));
}

/** One attempt. `setReceived` keeps count for the next one. */
async function tryOnce(request: DownloadRequest, offset: number, setReceived: (count: number) => void): Promise<Failure | DownloadAnswer> {
  const { url, net, settings, sink } = request;
  const controller = new AbortController();
  const giveUp = () => controller.abort();
  request.signal.addEventListener('abort', giveUp, { once: true });
  const watch = new StallWatch(giveUp);
  try {
    watch.expect(settings.connectTimeoutS);
    const range: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-`, 'accept-encoding': 'identity' } : {};
    const condition: Record<string, string> = request.etag === undefined || request.etag === '' ? {} : { 'if-none-match': request.etag };
    const response = await net.request({
      url,
      headers: { ...loginHeaders(url, settings.netrc), ...inLowerCase(request.headers), ...range, ...condition },
      signal: controller.signal,
    });
    watch.expect(settings.stalledDownloadTimeoutS);
    const changed = response.status !== 304 || request.etag === undefined;
    const answer: DownloadAnswer = {
      changed,
      etag: response.headers.get('etag') ?? (changed ? '' : (request.etag ?? '')),
      immutableUrl: /<([^>]*)>; *rel="immutable"/i.exec(response.headers.get('link') ?? '')?.[1],
      urls: response.urls,
    };
    if (!changed) return answer;
    const refusal = await refusalOf(response, request, offset);
    if (refusal !== undefined) return refusal;
    let count = response.status === 206 ? offset : 0;
    if (count === 0) sink.restart();
    // A length that counts compressed bytes says nothing about those that will arrive.
    const encoded = response.headers.has('content-encoding');
    const length = encoded ? undefined : response.headers.get('content-length');
    const expected = length === undefined ? undefined : count + Number(length);
    request.onProgress(count, expected);
    for await (const chunk of response.body) {
      watch.expect(settings.stalledDownloadTimeoutS);
      sink.write(chunk);
      count += chunk.length;
      setReceived(encoded ? 0 : count);
      request.onProgress(count, expected);
    }
    if (expected === undefined || count === expected) return answer;
    const error = new FetchError(`unable to download '${url}': the connection ended after ${count} of ${expected} bytes`, {
      data: { url },
    });
    return { error, transient: true, pauseMs: FIRST_PAUSE_MS };
  } catch (error) {
    if (watch.stalledS === undefined) throw error;
    throw new FetchError(`unable to download '${url}': no data for ${watch.stalledS} seconds`, {
      data: { url },
      cause: error,
      hint: "settings 'connect-timeout' and 'stalled-download-timeout' say how long floe waits",
    });
  } finally {
    watch.end();
    request.signal.removeEventListener('abort', giveUp);
  }
}

function inLowerCase(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** What the server's status says against taking the body as the file. */
async function refusalOf(response: HttpResponse, { url, hintFor }: DownloadRequest, offset: number): Promise<Failure | undefined> {
  const { status } = response;
  if (status === 200 || status === 201 || status === 204 || (status === 206 && offset > 0)) return undefined;
  const body = await shownBody(response);
  const hint = hintFor?.(response) ?? hintOf(status);
  const error = new FetchError(`unable to download '${url}': HTTP error ${status}${body}`, {
    code: status === 404 || status === 410 ? 'FLOE_NOT_FOUND' : 'FLOE_FETCH',
    data: { url, status },
    ...(hint !== undefined && { hint }),
  });
  const hopeless =
    (status < 500 && status !== 408 && status !== 429 && status !== 416) || status === 501 || status === 505 || status === 511;
  const wanted = Number(response.headers.get('retry-after') ?? Number.NaN) * 1000;
  // Whoever is told to come back much later is better told so than kept waiting.
  const isLong = wanted > TOO_MANY_REQUESTS_PAUSE_MS;
  const pauseMs = wanted >= 0 ? Math.max(wanted, FIRST_PAUSE_MS) : status === 429 ? TOO_MANY_REQUESTS_PAUSE_MS : FIRST_PAUSE_MS;
  return { error, transient: !hopeless && !isLong, pauseMs };
}

function hintOf(status: number): string | undefined {
  if (status === 401 || status === 403 || status === 407)
    return "the server wants a login: put one into the file that setting 'netrc-file' names";
  if (status === 429) return 'the server has had too many requests from here: wait a while';
  return undefined;
}

/** A short answer may say what is wrong. */
async function shownBody(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_SHOWN_BODY) return '';
    }
  } catch {
    return '';
  }
  const text = Buffer.concat(chunks).toString('utf8').trim();
  return text === '' || text.includes('\0') ? '' : `\n\nresponse body:\n\n${text}`;
}
