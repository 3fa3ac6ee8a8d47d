// Git repositories behind a real server on this machine: `git http-backend` over HTTP, with Git LFS and a part that wants a login; and a
// stand-in for ssh that runs what it is told right here.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';

export interface GitServer {
  readonly url: string;
  /** "METHOD /path" of what was asked for so far. */
  readonly requests: string[];
}

const LOGIN = `Basic ${Buffer.from('user:secret').toString('base64')}`;

/** Serves the repositories in a folder until the test file ends; below /private/ only for user:secret. */
export async function serveGit(folder: string): Promise<GitServer> {
  const requests: string[] = [];
  let base = '';
  const server = http.createServer((request, response) => {
    const url = new URL(request.url!, 'http://localhost');
    requests.push(`${request.method} ${url.pathname}`);
    if (url.pathname.startsWith('/private/') && request.headers.authorization !== LOGIN)
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('login wanted\n');
    const path = url.pathname.replace(/^\/private/, '');
    if (path.endsWith('/info/lfs/objects/batch')) return answerLfs(request, response, base);
    if (path.startsWith('/lfs/')) {
      const file = `${folder}${path}`;
      return void (existsSync(file) ? response.end(readFileSync(file)) : response.writeHead(404).end());
    }
    runBackend(folder, path, url.search.slice(1), request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: base, requests };
}

function runBackend(folder: string, path: string, query: string, request: http.IncomingMessage, response: http.ServerResponse): void {
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...process.env,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      GIT_CONFIG_GLOBAL: '/dev/null',
    },
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => undefined);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => void chunks.push(chunk));
  child.on('close', () => {
    const whole = Buffer.concat(chunks);
    const end = whole.indexOf('\r\n\r\n');
    const headers = whole
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]);
    const status = headers.find(([name]) => name === 'Status')?.[1];
    response.writeHead(
      status === undefined ? 200 : Number(status.slice(0, 3)),
      Object.fromEntries(headers.filter(([name]) => name !== 'Status')),
    );
    response.end(whole.subarray(end + 4));
  });
}

function answerLfs(request: http.IncomingMessage, response: http.ServerResponse, base: string): void {
  let text = '';
  request.on('data', (chunk: Buffer) => void (text += chunk.toString()));
  request.on('end', () => {
    const { objects } = JSON.parse(text) as { objects: { oid: string; size: number }[] };
    const answers = objects.map(({ oid, size }) => ({ oid, size, actions: { download: { href: `${base}/lfs/${oid}` } } }));
    response.writeHead(200, { 'content-type': 'application/vnd.git-lfs+json' }).end(JSON.stringify({ objects: answers }));
  });
}

/** What a repository holds in the place of a file of Git LFS. */
export function lfsPointer(content: string): { readonly oid: string; readonly text: string } {
  const oid = createHash('sha256').update(content).digest('hex');
  return { oid, text: `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n` };
}

/** Writes a program that stands for ssh, and gives the variables that make git use it. */
export function standInForSsh(file: string): Record<string, string> {
  writeFileSync(file, '#!/bin/sh\n# The last word is what the other machine is to run.\nfor last; do :; done\nexec sh -c "$last"\n');
  chmodSync(file, 0o755);
  return { GIT_SSH_COMMAND: file, GIT_SSH_VARIANT: 'ssh' };
}
