// builtin:fetchurl against servers on this machine: what is tried again and what is not, redirections, ranges, logins, mirrors,
// formats, and what a user reads when nothing helps.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { hashBytes } from '../../src/base/hash.ts';
import { SILENT } from '../../src/base/progress.ts';
import { realise, type RealiseOptions, tryRealise } from '../../src/build/realise.ts';
import { type BuildSettings, DEFAULT_BUILD_SETTINGS } from '../../src/build/settings.ts';
import { nodeIo } from '../../src/io/node.ts';
import { dumpTree } from '../../src/store/local/nar-files.ts';
import type { LocalStore } from '../../src/store/local/local-store.ts';
import { openTestStore, temporaryFolder } from '../support/local-stores.ts';
import { addDerivation, type TestDerivation } from '../support/test-derivations.ts';

const folder = temporaryFolder();
const store = openTestStore(folder);
const CONTENT = Buffer.from('0123456789'.repeat(20000));
const HASH = hashBytes('sha256', CONTENT);

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;
const handlers = new Map<string, Handler>();
const counts = new Map<string, number>();
const server = createServer((request, response) => {
  const path = new URL(request.url!, 'http://x').pathname;
  const count = (counts.get(path) ?? 0) + 1;
  counts.set(path, count);
  const handler = handlers.get(path);
  if (handler === undefined) response.writeHead(404).end();
  else handler(request, response, count);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
after(() => {
  server.closeAllConnections();
  server.close();
});
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const SETTINGS: BuildSettings = { ...DEFAULT_BUILD_SETTINGS, downloadAttempts: 3, stalledDownloadTimeoutS: 1, connectTimeoutS: 5 };

let number = 0;
/** A fetch of a path of the server (or of a whole URL), named anew each time so that nothing is there already. */
async function fetchOf(
  url: string,
  env: Record<string, string> = {},
  fixed = { hash: HASH, method: 'flat' as 'flat' | 'nar' },
): Promise<TestDerivation> {
  const address = url.startsWith('/') ? base + url : url;
  return addDerivation(store, {
    name: `file-${++number}`,
    system: 'builtin',
    builder: 'builtin:fetchurl',
    env: { url: address, ...env },
    fixed,
  });
}

function options(settings: Partial<BuildSettings> = {}, more: Partial<RealiseOptions> = {}): RealiseOptions {
  return { store, io: nodeIo(), settings: { ...SETTINGS, ...settings }, ...more };
}

async function succeed(job: TestDerivation, use: RealiseOptions = options()): Promise<Buffer> {
  await realise([job.request], use);
  return readFileSync(store.realStoreDir + job.outPath().slice(store.storeDir.length));
}

async function fail(job: TestDerivation, use: RealiseOptions = options()): Promise<string> {
  const { results, exitStatus } = await tryRealise([job.request], use);
  assert.ok(results[0]!.success === false);
  assert.equal(exitStatus, 1);
  return results[0]!.error.message;
}

test('a file as it is', async () => {
  handlers.set('/plain', (_, response) => response.end(CONTENT));
  assert.deepEqual(await succeed(await fetchOf('/plain')), CONTENT);
});

test('an executable file, and a NAR, packed too', async () => {
  handlers.set('/plain', (_, response) => response.end(CONTENT));
  const tree = temporaryFolder();
  writeFileSync(`${tree}/file`, CONTENT, { mode: 0o755 });
  const chunks: Buffer[] = [];
  dumpTree(`${tree}/file`, (chunk) => chunks.push(Buffer.from(chunk)));
  const nar = Buffer.concat(chunks);
  const fixed = { hash: hashBytes('sha256', nar), method: 'nar' as const };
  const executable = await fetchOf('/plain', { executable: '1' }, fixed);
  await succeed(executable);
  const real = (job: TestDerivation) => store.realStoreDir + job.outPath().slice(store.storeDir.length);
  assert.equal(statSync(real(executable)).mode & 0o777, 0o555);
  handlers.set('/x.nar', (_, response) => response.end(nar));
  assert.deepEqual(await succeed(await fetchOf('/x.nar', { unpack: '1' }, fixed)), CONTENT);
  let packed: Buffer;
  try {
    packed = execFileSync('xz', ['-c'], { input: nar });
  } catch {
    return; // No xz on this machine to pack with.
  }
  handlers.set('/x.nar.xz', (_, response) => response.end(packed));
  assert.deepEqual(await succeed(await fetchOf('/x.nar.xz', { unpack: '1' }, fixed)), CONTENT);
});

test('redirections are followed', async () => {
  handlers.set('/from', (_, response) => response.writeHead(302, { location: '/over' }).end());
  handlers.set('/over', (_, response) => response.writeHead(307, { location: '/plain' }).end());
  handlers.set('/plain', (_, response) => response.end(CONTENT));
  assert.deepEqual(await succeed(await fetchOf('/from')), CONTENT);
});

test('an encoding of the transfer is taken off', async () => {
  handlers.set('/encoded', (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(CONTENT)));
  assert.deepEqual(await succeed(await fetchOf('/encoded')), CONTENT);
});

test('a server in trouble is asked again', async () => {
  handlers.set('/trouble', (_, response, count) => (count < 3 ? response.writeHead(503).end('busy') : response.end(CONTENT)));
  assert.deepEqual(await succeed(await fetchOf('/trouble')), CONTENT);
  assert.equal(counts.get('/trouble'), 3);
});

test('a broken connection is continued where it broke', async () => {
  const ranges: (string | undefined)[] = [];
  handlers.set('/broken', (request, response, count) => {
    ranges.push(request.headers.range);
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': CONTENT.length - from });
    if (count > 1) return response.end(CONTENT.subarray(from));
    response.write(CONTENT.subarray(0, 100000), () => setTimeout(() => response.destroy(), 50));
    return undefined;
  });
  assert.deepEqual(await succeed(await fetchOf('/broken')), CONTENT);
  assert.equal(ranges.length, 2);
  assert.match(ranges[1]!, /^bytes=[1-9]\d*-$/);
});

test('a server that ignores ranges starts over', async () => {
  handlers.set('/no-ranges', (_, response, count) => {
    response.writeHead(200, { 'content-length': CONTENT.length });
    if (count > 1) return response.end(CONTENT);
    response.write(CONTENT.subarray(0, 100000), () => setTimeout(() => response.destroy(), 50));
    return undefined;
  });
  assert.deepEqual(await succeed(await fetchOf('/no-ranges')), CONTENT);
});

test('a server that falls silent is given up', async () => {
  handlers.set('/silent', (_, response, count) => {
    if (count > 1) return response.end(CONTENT);
    response.writeHead(200, { 'content-length': CONTENT.length });
    response.write(CONTENT.subarray(0, 10));
    return undefined;
  });
  const warnings: string[] = [];
  const progress = { ...SILENT, log: (level: string, text: string) => void (level === 'warn' && warnings.push(text)) };
  assert.deepEqual(await succeed(await fetchOf('/silent'), options({}, { progress })), CONTENT);
  assert.match(warnings.join(), /no data for 1 seconds; retrying from offset 10 in \d+ ms \(attempt 1\/3\)/);
});

test('what is not there is said at once, with what the server answered', async () => {
  handlers.set('/gone', (_, response) => response.writeHead(404).end('no such file here'));
  const message = await fail(await fetchOf('/gone'));
  assert.match(message, /Reason: builder failed with exit code 1\./);
  assert.match(message, new RegExp(`> error: unable to download '${base}/gone': HTTP error 404\\n[^]*> +no such file here`));
  assert.equal(counts.get('/gone'), 1);
});

test('a login comes from netrc', async () => {
  handlers.set('/private', (request, response) => {
    const login = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64').toString();
    if (login === 'me:se cret') response.end(CONTENT);
    else response.writeHead(401).end();
  });
  assert.match(
    await fail(await fetchOf('/private')),
    /HTTP error 401\n[^]*hint: the server wants a login: put one into the file that setting 'netrc-file' names/,
  );
  const netrc = 'machine elsewhere login a password b\nmachine 127.0.0.1\n  login me password "se cret"\n';
  assert.deepEqual(await succeed(await fetchOf('/private'), options({ netrc })), CONTENT);
});

test('a server that cannot be reached', async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const message = await fail(await fetchOf(`http://127.0.0.1:${port}/x`), options({ downloadAttempts: 1 }));
  assert.match(message, new RegExp(`unable to download 'http://127.0.0.1:${port}/x': could not connect to '127.0.0.1:${port}'`));
});

test('mirrors are tried one after the other', async () => {
  handlers.set('/good/pool/file', (_, response) => response.end(CONTENT));
  const mirrors = async (url: string) =>
    url.startsWith('mirror://debian/')
      ? ['/bad', '/good'].map((part) => ({ url: `${base}${part}/${url.slice('mirror://debian/'.length)}` }))
      : [{ url }];
  assert.deepEqual(await succeed(await fetchOf('mirror://debian/pool/file'), options({}, { mirrors })), CONTENT);
  assert.equal(counts.get('/bad/pool/file'), 1);
  const message = await fail(await fetchOf('mirror://debian/pool/other'), options({}, { mirrors }));
  assert.match(message, /unable to download 'mirror:\/\/debian\/pool\/other' from any of 2 addresses:/);
  assert.match(await fail(await fetchOf('mirror://nowhere/x')), /there are no mirrors called 'nowhere'/);
});

test('hashed mirrors come first, other addresses last', async () => {
  handlers.set(`/hashed/sha256/${Buffer.from(HASH.bytes).toString('hex')}`, (_, response) => response.end(CONTENT));
  assert.deepEqual(await succeed(await fetchOf('/nowhere'), options({ hashedMirrors: [`${base}/hashed`] })), CONTENT);
  handlers.set('/plain', (_, response) => response.end(CONTENT));
  assert.deepEqual(await succeed(await fetchOf('/nowhere', { urls: `${base}/nowhere ${base}/plain` })), CONTENT);
});

test('files of this machine', async () => {
  const path = `${folder}/a file`;
  writeFileSync(path, CONTENT);
  assert.deepEqual(await succeed(await fetchOf(`file://${folder}/a%20file`)), CONTENT);
  assert.match(
    await fail(await fetchOf('file:///no/such/file')),
    /unable to download 'file:\/\/\/no\/such\/file': Could not open file \/no\/such\/file/,
  );
  assert.match(await fail(await fetchOf('gopher://x/y')), /floe knows no protocol 'gopher'/);
});

test('downloads take no build slots', async () => {
  let open = 0;
  let most = 0;
  handlers.set('/slow', (_, response) => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      response.end(CONTENT);
    }, 300);
  });
  const jobs = await Promise.all(Array.from({ length: 8 }, () => fetchOf('/slow')));
  await realise(
    jobs.map(({ request }) => request),
    options({ maxJobs: 1, maxDownloads: 5 }),
  );
  assert.equal(most, 5);
});

test('a download is given up with everything else', async () => {
  handlers.set('/endless', (_, response) => void response.write('x'));
  const interrupt = new AbortController();
  const running = tryRealise([(await fetchOf('/endless')).request], options({ stalledDownloadTimeoutS: 60 }, { signal: interrupt.signal }));
  setTimeout(() => interrupt.abort(), 300);
  await assert.rejects(running, { code: 'FLOE_INTERRUPTED' });
});

test('a fetch without a promised hash is refused', async () => {
  const plain = async (s: LocalStore) =>
    addDerivation(s, { name: 'plain', system: 'builtin', builder: 'builtin:fetchurl', env: { url: `${base}/plain` } });
  const { results } = await tryRealise([(await plain(store)).request], options());
  assert.ok(results[0]!.success === false);
  assert.match(results[0]!.error.message, /> error: 'builtin:fetchurl' must be a fixed-output or impure derivation/);
});
