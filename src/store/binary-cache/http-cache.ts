// A binary cache behind HTTP. Patience and its limits: attempts with growing pauses that go on where the connection broke, servers that
// stall given up, and a cache that turned out dead left alone for a minute, with one warning. What is worth another attempt follows
// C++ Nix 2.34.8 (libstore/filetransfer.cc, http-binary-cache-store.cc), except that hosts that do not exist and connections that are
// refused are believed at once.

import { FetchError, FloeError } from '../../base/errors.ts';
import { type Activity, type Progress } from '../../base/progress.ts';
import type { HttpResponse, Net } from '../../io/io.ts';
import { StallWatch } from '../../io/stall-watch.ts';
import type { ReadOptions } from '../store.ts';
import type { CacheFiles } from './cache-files.ts';
import type { Connections } from './connections.ts';

/** How downloads behave; named as Nix names the settings. */
export interface HttpCacheSettings {
  readonly downloadAttempts: number;
  readonly connectTimeoutS: number;
  readonly stalledDownloadTimeoutS: number;
}

export interface HttpCacheOptions {
  /** Without query and without a slash at the end. */
  readonly uri: string;
  readonly net: Net;
  readonly settings: HttpCacheSettings;
  readonly connections: Connections;
  readonly progress: Progress;
  /** Headers for a host, logins above all. */
  readonly headersFor?: ((host: string) => Readonly<Record<string, string>>) | undefined;
  /** Told once when the cache is given up, with the milliseconds that the vain attempt took. */
  readonly onDead?: ((error: FloeError, tookMs: number) => void) | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const FIRST_PAUSE_MS = 250;
const TOO_MANY_REQUESTS_PAUSE_MS = 60_000;
const DISABLED_S = 60;
const TIMEOUT = 'TIMEOUT';

/** A server that has not answered yet in this run may not be there at all, or not be reachable from here: less patience. */
const FIRST_CONNECT_TIMEOUT_S = 5;
const FIRST_ATTEMPTS = 2;

/** Nothing is gained by asking these again. */
const HOPELESS_CAUSES = ['ENOTFOUND', 'ECONNREFUSED'];

export class HttpCache implements CacheFiles {
  readonly uri: string;
  readonly #options: HttpCacheOptions;
  #disabledUntilMs = 0;
  #hasWarned = false;
  #hasAnswered = false;

  constructor(options: HttpCacheOptions) {
    this.#options = options;
    this.uri = options.uri;
  }

  get isEnabled(): boolean {
    return this.#options.now() >= this.#disabledUntilMs;
  }

  #requireEnabled(): void {
    if (this.isEnabled) return;
    throw new FetchError(`substituter '${this.uri}' is disabled`, { code: 'FLOE_SUBSTITUTER_DISABLED', data: { uri: this.uri } });
  }

  #giveUp(error: FloeError, tookMs: number): void {
    if (!this.isEnabled) return;
    const { progress, now, onDead } = this.#options;
    this.#disabledUntilMs = now() + DISABLED_S * 1000;
    progress.log('warn', `${error.message}; disabling binary cache '${this.uri}' for ${DISABLED_S} seconds`);
    onDead?.(error, tookMs);
  }

  /** Where a file lies; caches may name files on other servers. */
  #urlOf(name: string): string {
    let url: URL | undefined;
    try {
      url = new URL(name, `${this.uri}/`);
    } catch {
      // Told below.
    }
    if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
      throw new FloeError('FLOE_BAD_CACHE_FILE', `'${name}' is no address of a file of binary cache '${this.uri}'`, { data: { name } });
    }
    return url.href;
  }

  async *read(name: string, { signal, parent }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const { progress, connections, settings, now } = this.#options;
    this.#requireEnabled();
    const url = this.#urlOf(name);
    const release = await connections.take(signal);
    const begin = now();
    const activity = progress.start('file-transfer', `downloading '${url}'`, { fields: [url], parent, level: 'talkative' });
    const transfer: Transfer = { url, name, received: 0, resumable: true, activity };
    try {
      for (let attempt = 1; ; attempt++) {
        this.#requireEnabled();
        try {
          yield* this.#attempt(transfer, signal);
          return;
        } catch (error) {
          signal?.throwIfAborted();
          const pauseMs = this.#hasAnswered || !isTimeout(error) ? pauseAfter(error, attempt) : undefined;
          const attempts = this.#hasAnswered ? settings.downloadAttempts : Math.min(settings.downloadAttempts, FIRST_ATTEMPTS);
          const isLast = pauseMs === undefined || attempt >= attempts || (transfer.received > 0 && !transfer.resumable);
          if (isLast || !this.isEnabled) throw error;
          const from = transfer.received > 0 ? ` from offset ${transfer.received}` : '';
          // Many transfers may be in the same trouble; it is told once.
          progress.log(
            this.#hasWarned ? 'talkative' : 'warn',
            `${(error as FetchError).message}; retrying${from} in ${pauseMs} ms (attempt ${attempt}/${attempts})`,
          );
          this.#hasWarned = true;
          await pause(pauseMs, signal);
        }
      }
    } catch (error) {
      if (error instanceof FetchError && !['FLOE_NOT_FOUND', 'FLOE_SUBSTITUTER_DISABLED'].includes(error.code))
        this.#giveUp(error, now() - begin);
      throw error;
    } finally {
      activity.stop();
      release();
    }
  }

  async *#attempt(transfer: Transfer, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const { net, settings, headersFor } = this.#options;
    const { url, activity } = transfer;
    const controller = new AbortController();
    const watch = new StallWatch(() => controller.abort());
    const stop = (): void => controller.abort(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      watch.expect(this.#hasAnswered ? settings.connectTimeoutS : Math.min(settings.connectTimeoutS, FIRST_CONNECT_TIMEOUT_S));
      const offset = transfer.received;
      const range: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-`, 'accept-encoding': 'identity' } : {};
      const headers = { ...headersFor?.(new URL(url).hostname), ...range };
      const response = await net.request({ url, headers, signal: controller.signal });
      this.#hasAnswered = true;
      watch.expect(settings.stalledDownloadTimeoutS);
      if (response.status !== 200 && !(response.status === 206 && offset > 0)) {
        await skip(response);
        throw refusal(response.status, transfer);
      }
      const isEncoded = response.headers.has('content-encoding');
      if (isEncoded) transfer.resumable = false;
      // A server that knows no ranges begins again.
      let toSkip = response.status === 206 ? 0 : offset;
      const length = response.headers.get('content-length');
      const rest = length === undefined || isEncoded ? undefined : Number(length) - toSkip;
      const expected = rest === undefined ? undefined : offset + rest;
      activity.result('progress', [offset, expected ?? 0, 0, 0]);
      for await (const chunk of response.body) {
        watch.expect(settings.stalledDownloadTimeoutS);
        const part = toSkip === 0 ? chunk : chunk.subarray(Math.min(toSkip, chunk.length));
        toSkip -= chunk.length - part.length;
        if (part.length === 0) continue;
        transfer.received += part.length;
        activity.result('progress', [transfer.received, expected ?? 0, 0, 0]);
        // Whoever reads may take as long as he likes.
        watch.end();
        yield part;
        watch.expect(settings.stalledDownloadTimeoutS);
      }
      if (expected !== undefined && transfer.received < expected) {
        throw new FetchError(`unable to download '${url}': the connection ended after ${transfer.received} of ${expected} bytes`, {
          data: { url },
        });
      }
    } catch (error) {
      if (watch.stalledS === undefined) throw error;
      throw new FetchError(`unable to download '${url}': no data for ${watch.stalledS} seconds`, {
        data: { url, cause: TIMEOUT },
        cause: error,
        hint: "settings 'connect-timeout' and 'stalled-download-timeout' say how long floe waits",
      });
    } finally {
      watch.end();
      signal?.removeEventListener('abort', stop);
      // Where the reader left early, so must the sender.
      controller.abort();
    }
  }

  write(): void {
    throw new FloeError('FLOE_NOT_SUPPORTED', `floe cannot upload to the binary cache '${this.uri}' yet`, {
      hint: "write to a folder ('file:///path') and publish that",
    });
  }

  has(): boolean {
    return false;
  }

  list(): undefined {
    return undefined;
  }
}

interface Transfer {
  readonly url: string;
  readonly name: string;
  readonly activity: Activity;
  received: number;
  /** Whether a broken transfer can go on where it broke. */
  resumable: boolean;
}

function isTimeout(error: unknown): boolean {
  return error instanceof FetchError && error.data['cause'] === TIMEOUT;
}

/** How long to wait before another attempt; undefined where none is worth it. */
function pauseAfter(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof FetchError) || error.code === 'FLOE_NOT_FOUND' || error.code === 'FLOE_SUBSTITUTER_DISABLED') return undefined;
  const { status, cause } = error.data as { status?: number; cause?: string };
  if (cause !== undefined && HOPELESS_CAUSES.includes(cause)) return undefined;
  if (status !== undefined && ((status < 500 && status !== 408 && status !== 429) || [501, 505, 511].includes(status))) return undefined;
  const first = status === 429 ? TOO_MANY_REQUESTS_PAUSE_MS : FIRST_PAUSE_MS;
  return Math.round(first * 2 ** (attempt - 1 + Math.random() / 2));
}

function refusal(status: number, { url, name }: Transfer): FetchError {
  // Storage services answer 403 for what is not there, where they may not list.
  const isMissing = status === 404 || status === 410 || (status === 403 && name !== 'nix-cache-info');
  const wantsLogin = status === 401 || status === 403 || status === 407;
  return new FetchError(`unable to download '${url}': HTTP error ${status}`, {
    code: isMissing ? 'FLOE_NOT_FOUND' : 'FLOE_FETCH',
    data: { url, status },
    ...(wantsLogin ? { hint: "the server wants a login: put one into the file that setting 'netrc-file' names" } : {}),
  });
}

/** Reads what little there is of an answer that is of no use, so that its connection can serve again. */
async function skip(response: HttpResponse): Promise<void> {
  let size = 0;
  try {
    for await (const chunk of response.body) if ((size += chunk.length) > 65536) return;
  } catch {
    // Of no use either way.
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', leave);
      resolve();
    }, ms);
    signal?.addEventListener('abort', leave, { once: true });
  });
}
