// A binary cache over real HTTP on this machine: serves a folder, and misbehaves where a test says so.

import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';

/** What becomes of a request instead of a proper answer. */
export interface Fault {
  readonly status?: number;
  /** Other contents. */
  readonly body?: Uint8Array;
  /** The connection breaks after that many bytes of what was announced. */
  readonly breakAfter?: number;
  /** Nothing comes for that long. */
  readonly delayMs?: number;
  /** Ranges are answered with the whole. */
  readonly ignoresRanges?: boolean;
}

export interface CacheServer {
  readonly url: string;
  /** Paths asked for so far, with the range where one was asked for. */
  readonly requests: string[];
  /** Most requests that were open at once. */
  peak: number;
  /** By path without the slash in front; a function is asked each time, with how often that path was asked for before. */
  readonly faults: Map<string, Fault | ((count: number) => Fault | undefined)>;
  close(): Promise<void>;
}

/** Serves a folder until the test file ends. */
export async function serveCache(folder: string): Promise<CacheServer> {
  const requests: string[] = [];
  const counts = new Map<string, number>();
  const faults: CacheServer['faults'] = new Map();
  let open = 0;
  const answer = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const name = request.url!.slice(1);
    const range = request.headers.range;
    requests.push(range === undefined ? name : `${name} ${range}`);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    const found = faults.get(name);
    const fault = (typeof found === 'function' ? found(count) : found) ?? {};
    if (fault.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delayMs).unref());
    if (fault.status !== undefined) return void response.writeHead(fault.status).end('no\n');
    let contents = fault.body;
    if (contents === undefined) {
      try {
        contents = readFileSync(`${folder}/${name}`);
      } catch {
        return void response.writeHead(404).end('not here\n');
      }
    }
    const from = range === undefined || fault.ignoresRanges ? undefined : Number(/^bytes=(\d+)-$/.exec(range)![1]);
    const part = contents.subarray(from ?? 0);
    response.writeHead(from === undefined ? 200 : 206, { 'content-length': part.length });
    if (fault.breakAfter === undefined) return void response.end(part);
    response.write(part.subarray(0, fault.breakAfter), () => setTimeout(() => response.destroy(), 20));
  };
  const server = http.createServer((request, response) => {
    result.peak = Math.max(result.peak, ++open);
    response.on('close', () => open--);
    void answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A test file ends when its tests have.
  server.unref();
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  after(close);
  const result: CacheServer = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, peak: 0, faults, close };
  return result;
}
