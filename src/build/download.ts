// Downloading one file: retries with growing pauses, continuing where the connection broke, a stalled server given up, logins from
// netrc. What is worth another attempt and what is not follows C++ Nix 2.34.8 (libstore/filetransfer.cc).

import { setTimeout as sleep } from 'node:timers/promises';
import { FetchError, FloeError } from '../base/errors.ts';
import type { HttpResponse, Net } from '../io/io.ts';
import { loginHeaders } from '../io/netrc.ts';

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
  readonly net: Net;
  readonly settings: DownloadSettings;
  readonly signal: AbortSignal;
  /** Told how many bytes have come, and how many there will be if the server says so. */
  readonly onProgress: (done: number, expected: number | undefined) => void;
  readonly warn: (message: string) => void;
  /** Gets the file in pieces; `restart` is called when everything so far is void. */
  readonly sink: DownloadSink;
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
export async function download(request: DownloadRequest): Promise<void> {
  const { settings, url, signal, warn } = request;
  let received = 0;
  for (let attempt = 1; ; attempt++) {
    let failure: Failure;
    try {
      const outcome = await tryOnce(request, received, (count) => (received = count));
      if (outcome === undefined) return;
      failure = outcome;
    } catch (error) {
      if (!(error instanceof FetchError)) throw error;
      failure = { error, transient: true, pauseMs: FIRST_PAUSE_MS };
    }
    if (signal.aborted) throw interrupted(url);
    if (!failure.transient || attempt >= settings.downloadAttempts) throw failure.error;
    const pauseMs = Math.round(failure.pauseMs * 2 ** (attempt - 1 + Math.random() / 2));
    const from = received > 0 ? ` from offset ${received}` : '';
    warn(`${failure.error.message}; retrying${from} in ${pauseMs} ms (attempt ${attempt}/${settings.downloadAttempts})`);
    await sleep(pauseMs, undefined, { signal }).catch(() => {
      throw interrupted(url);
    });
  }
}

function interrupted(url: string): FloeError {
  return new FloeError('FLOE_INTERRUPTED', `download of '${url}' was interrupted`);
}

/** One attempt; undefined on success. `setReceived` keeps count for the next one. */
async function tryOnce(request: DownloadRequest, offset: number, setReceived: (count: number) => void): Promise<Failure | undefined> {
  const { url, net, settings, sink } = request;
  const controller = new AbortController();
  const giveUp = () => controller.abort();
  request.signal.addEventListener('abort', giveUp, { once: true });
  const watch = new StallWatch(giveUp);
  try {
    watch.expect(settings.connectTimeoutS);
    const range: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-`, 'accept-encoding': 'identity' } : {};
    const response = await net.request({
      url,
      headers: { ...loginHeaders(url, settings.netrc), ...request.headers, ...range },
      signal: controller.signal,
    });
    watch.expect(settings.stalledDownloadTimeoutS);
    const refusal = await refusalOf(response, url, offset);
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
    if (expected === undefined || count === expected) return undefined;
    const error = new FetchError(`unable to download '${url}': the connection ended after ${count} of ${expected} bytes`, {
      data: { url },
    });
    return { error, transient: true, pauseMs: FIRST_PAUSE_MS };
  } catch (error) {
    if (watch.stalled === undefined) throw error;
    throw new FetchError(`unable to download '${url}': no data for ${watch.stalled} seconds`, {
      data: { url },
      cause: error,
      hint: "settings 'connect-timeout' and 'stalled-download-timeout' say how long floe waits",
    });
  } finally {
    watch.end();
    request.signal.removeEventListener('abort', giveUp);
  }
}

/** Gives up when nothing is heard for a while. */
class StallWatch {
  readonly #giveUp: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** Seconds that passed without a word, once it gave up. */
  stalled: number | undefined;

  constructor(giveUp: () => void) {
    this.#giveUp = giveUp;
  }

  /** Something was heard; the next must come within that many seconds (0: whenever). */
  expect(seconds: number): void {
    clearTimeout(this.#timer);
    if (seconds === 0) return;
    this.#timer = setTimeout(() => {
      this.stalled = seconds;
      this.#giveUp();
    }, seconds * 1000);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** What the server's status says against taking the body as the file. */
async function refusalOf(response: HttpResponse, url: string, offset: number): Promise<Failure | undefined> {
  const { status } = response;
  if (status === 200 || status === 201 || status === 204 || (status === 206 && offset > 0)) return undefined;
  const body = await shownBody(response);
  const login = status === 401 || status === 403 || status === 407;
  const error = new FetchError(`unable to download '${url}': HTTP error ${status}${body}`, {
    code: status === 404 || status === 410 ? 'FLOE_NOT_FOUND' : 'FLOE_FETCH',
    data: { url, status },
    ...(login ? { hint: "the server wants a login: put one into the file that setting 'netrc-file' names" } : {}),
  });
  const hopeless =
    (status < 500 && status !== 408 && status !== 429 && status !== 416) || status === 501 || status === 505 || status === 511;
  return { error, transient: !hopeless, pauseMs: status === 429 ? TOO_MANY_REQUESTS_PAUSE_MS : FIRST_PAUSE_MS };
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
