// GitHub, GitLab, SourceHut and tarballs behind a real server with TLS that answers as those do: floe locks, fetches, builds and runs what
// lies there, and C++ Nix (FLOE_ORACLE names the command before `nix`) sees the same trees and writes the same lock files.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type * as http from 'node:http';
import * as https from 'node:https';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/local-stores.ts';

const oracle = process.env['FLOE_ORACLE'];
const folder = temporaryFolder();
const floe = fileURLToPath(new URL('../../bin/floe', import.meta.url));
/** Hosts of forges have no port, so the server must have the usual one. */
const HOST = '127.77.0.1';
const REV = '1234567890123456789012345678901234567890';
const TOKEN = 't0ken';

const FLAKE = `{
  outputs = { self }: {
    x = 1;
    apps.x86_64-linux.pkg = {
      type = "app";
      program = "\${derivation {
        name = "pkg"; system = "x86_64-linux"; builder = "/bin/sh"; PATH = "/bin:/usr/bin";
        args = [ "-c" "mkdir -p $out/bin; printf '#!/bin/sh\\necho from the forge: $*\\n' > $out/bin/pkg; chmod 755 $out/bin/pkg; true" ];
      }}/bin/pkg";
    };
  };
}
`;

const ARCHIVES = {
  'x.tar': 'tar cf $1 r-1',
  'x.tar.gz': 'tar czf $1 r-1',
  'x.tar.xz': 'tar cf - r-1 | xz -0 > $1',
  'x.tar.bz2': 'tar cf - r-1 | bzip2 > $1',
  'x.tar.zst': 'tar cf - r-1 | zstd -q > $1',
  'x.zip': 'TZ=UTC zip -qry $1 r-1',
};

interface Server {
  readonly requests: string[];
  readonly certificate: string;
  /** Archives that the machine's programs could make. */
  readonly archives: readonly string[];
}

/** Undefined where the machine does not let us serve. */
async function serve(): Promise<Server | undefined> {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2'];
  const made = spawnSync('openssl', [...words, '-subj', `/CN=${HOST}`, '-addext', `subjectAltName=IP:${HOST}`]);
  if (made.status !== 0) return undefined;
  const tree = join(folder, 'r-1');
  mkdirSync(join(tree, 'dir'), { recursive: true });
  writeFileSync(join(tree, 'flake.nix'), FLAKE);
  writeFileSync(join(tree, 'dir', 'run'), '#!/bin/sh\n', { mode: 0o755 });
  spawnSync('sh', ['-c', 'ln -s dir/run link; find . -exec touch -h -d @1700000000 {} +'], { cwd: tree });
  const archives = Object.entries(ARCHIVES).flatMap(([name, script]) =>
    spawnSync('sh', ['-c', `set -e; ${script}`, 'sh', `${folder}/${name}`], { cwd: folder }).status === 0 ? [name] : [],
  );
  const requests: string[] = [];
  const server = https.createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    requests.push(request.url!);
    answer(request, response);
  });
  const listening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(443, HOST, () => resolve(true));
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return listening ? { requests, certificate, archives } : undefined;
}

function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  const url = request.url!;
  const json = (value: unknown, status = 200, headers = {}) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
  const archive = () => void response.end(readFileSync(`${folder}/x.tar.gz`));
  const { authorization } = request.headers;
  const token = request.headers['private-token'] ?? authorization;
  const known: Record<string, () => void> = {
    '/api/v3/repos/o/r/commits/HEAD': () => json({ sha: REV, commit: { tree: { sha: REV } } }),
    [`/api/v3/repos/o/r/tarball/${REV}`]: () => void response.writeHead(302, { location: `/codeload/${REV}` }).end(),
    [`/codeload/${REV}`]: archive,
    '/api/v3/repos/o/private/commits/HEAD': () =>
      token === `token ${TOKEN}` ? json({ sha: REV.replace('1', '2') }) : json({ message: 'Not Found' }, 404),
    [`/api/v3/repos/o/private/tarball/${REV.replace('1', '2')}`]: () => (token === `token ${TOKEN}` ? archive() : json({}, 404)),
    '/api/v3/repos/o/limited/commits/HEAD': () => json({ message: 'API rate limit exceeded' }, 403, { 'x-ratelimit-remaining': '0' }),
    '/api/v4/projects/o%2Fr/repository/commits?ref_name=HEAD': () => json([{ id: REV.replace('1', '3') }]),
    [`/api/v4/projects/o%2Fr/repository/archive.tar.gz?sha=${REV.replace('1', '3')}`]: archive,
    '/~o/r/HEAD': () => void response.end('ref: refs/heads/main\n'),
    '/~o/r/info/refs': () => void response.end(`${REV.replace('1', '4')}\trefs/heads/main\n`),
    [`/~o/r/archive/${REV.replace('1', '4')}.tar.gz`]: archive,
    '/latest.tar.gz': () => {
      const link = `<https://${HOST}/kept/1.tar.gz?rev=${REV}&revCount=7>; rel="immutable"`;
      if (request.headers['if-none-match'] === '"1"') response.writeHead(304, { link }).end();
      else response.writeHead(200, { link, etag: '"1"' }).end(readFileSync(`${folder}/x.tar.gz`));
    },
    [`/kept/1.tar.gz?rev=${REV}&revCount=7`]: archive,
    '/kept/1.tar.gz': archive,
    '/registry.json': () =>
      json({ version: 2, flakes: [{ from: { type: 'indirect', id: 'far' }, to: { type: 'tarball', url: `https://${HOST}/x.tar.gz` } }] }),
  };
  const file = /^\/(x\.[a-z0-9.]+)$/.exec(url)?.[1];
  const found = known[url] ?? (file === undefined ? undefined : () => void response.end(readFileSync(`${folder}/${file}`)));
  if (found === undefined) response.writeHead(404).end('nothing here\n');
  else found();
}

const server = await serve();
const skip = server === undefined ? 'openssl is missing, or port 443 of a loopback address may not be listened on' : false;

interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Not spawnSync: the server runs in this process. */
async function run(
  which: 'floe' | 'oracle',
  words: readonly string[],
  home = mkdtempSync(`${folder}/home-`),
  config = '',
): Promise<Answer> {
  const command = which === 'floe' ? [floe] : ['sh', '-c', `exec ${oracle} nix "$@"`, 'sh'];
  const child = spawn(command[0]!, [...command.slice(1), ...words], {
    cwd: home,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      NIX_STORE_DIR: `${home}/store`,
      NIX_STATE_DIR: `${home}/var`,
      NIX_SSL_CERT_FILE: server!.certificate,
      NIX_CONFIG: `experimental-features = nix-command flakes fetch-tree\nsubstituters =\nsandbox = false\ndownload-attempts = 1\n${config}`,
      TZ: 'UTC',
    },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (stderr += text));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout: stdout.replaceAll(new RegExp(`${home}/store/[0-9a-z]{32}`, 'g'), '@store@'), stderr };
}

async function ok(...args: Parameters<typeof run>): Promise<string> {
  const answer = await run(...args);
  assert.equal(answer.status, 0, `${args[0]} ${args[1].join(' ')}\n${answer.stderr}`);
  return answer.stdout;
}

/** What floe prints, which C++ Nix must print too. */
async function both(words: readonly string[], config = ''): Promise<string> {
  const mine = await ok('floe', words, undefined, config);
  if (oracle !== undefined) assert.equal(mine, await ok('oracle', words, undefined, config), words.join(' '));
  return mine;
}

const REFS = [`github:o/r?host=${HOST}`, `gitlab:o/r?host=${HOST}`, `sourcehut:~o/r?host=${HOST}`, `https://${HOST}/latest.tar.gz`];

test('forges: metadata of each kind', { skip }, async () => {
  const hashes = new Set<unknown>();
  for (const ref of REFS) {
    const { locked } = JSON.parse(await both(['flake', 'metadata', '--json', ref], 'flake-registry =')) as {
      locked: Record<string, unknown>;
    };
    hashes.add(locked['narHash']);
  }
  assert.equal(hashes.size, 1);
});

test('forges: one lock file over them all, and fetching by it', { skip }, async () => {
  const locks: string[] = [];
  for (const which of oracle === undefined ? (['floe'] as const) : (['floe', 'oracle'] as const)) {
    const home = mkdtempSync(`${folder}/home-`);
    mkdirSync(`${home}/flake`);
    const inputs = [...REFS, `file+https://${HOST}/x.tar`].map((ref, index) => {
      return `inputs.i${index} = { url = "${ref}"; flake = ${index === 0}; };`;
    });
    writeFileSync(
      `${home}/flake/flake.nix`,
      `{ ${inputs.join(' ')} outputs = inputs: { all = map (i: i.narHash) (builtins.attrValues inputs); }; }`,
    );
    await ok(which, ['flake', 'lock', `path:${home}/flake`], home, 'flake-registry =');
    locks.push(readFileSync(`${home}/flake/flake.lock`, 'utf8'));
  }
  if (oracle !== undefined) assert.equal(locks[0], locks[1]);
  const home = mkdtempSync(`${folder}/home-`);
  mkdirSync(`${home}/flake`);
  writeFileSync(`${home}/flake/flake.nix`, `{ inputs.a.url = "github:o/r?host=${HOST}"; outputs = { a, ... }: { x = a.x; }; }`);
  writeFileSync(`${home}/flake/flake.lock`, JSON.stringify(pickNode(JSON.parse(locks[0]!) as LockJson, 'i0', 'a')));
  assert.equal(await ok('floe', ['eval', `path:${home}/flake#x`], home), '1\n');
});

interface LockJson {
  readonly nodes: Readonly<Record<string, unknown>>;
  readonly version: number;
}

function pickNode({ nodes, version }: LockJson, name: string, as: string): unknown {
  return { nodes: { [as]: nodes[name], root: { inputs: { [as]: as } } }, root: 'root', version };
}

test('tarballs: every usual compression gives the same tree', { skip }, async () => {
  const hashes = new Set<string>();
  for (const name of server!.archives)
    hashes.add(
      await both([
        'eval',
        '--impure',
        '--raw',
        '--expr',
        `(builtins.fetchTree { type = "tarball"; url = "https://${HOST}/${name}"; }).narHash`,
      ]),
    );
  assert.equal(hashes.size, 1);
});

test('forges: run github:owner/repo#pkg locks, fetches, builds and runs', { skip }, async () => {
  const { stdout, stderr, status } = await run('floe', ['run', `github:o/r?host=${HOST}#pkg`, '--', 'hello']);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, 'from the forge: hello\n');
});

test('forges: tokens, limits, what is private', { skip }, async () => {
  const metadata = (repo: string) => ['flake', 'metadata', '--json', `github:o/${repo}?host=${HOST}`];
  await ok('floe', metadata('private'), undefined, `access-tokens = ${HOST}=${TOKEN}`);
  const secret = await run('floe', metadata('private'));
  assert.match(secret.stderr, /HTTP error 404[^]*or is private; .*access-tokens = 127\.77\.0\.1=<token>/);
  const limited = await run('floe', metadata('limited'));
  assert.match(limited.stderr, /HTTP error 403[^]*API rate limit exceeded[^]*too many requests from here: wait, or put a token/);
  const home = mkdtempSync(`${folder}/home-`);
  const untrusted = spawn(floe, metadata('r'), {
    cwd: home,
    env: { PATH: process.env['PATH'], HOME: home, NIX_STORE_DIR: `${home}/store`, NIX_STATE_DIR: `${home}/var` },
  });
  let stderr = '';
  untrusted.stderr.setEncoding('utf8').on('data', (text: string) => void (stderr += text));
  await once(untrusted, 'close');
  assert.match(stderr, /nobody whom floe trusts vouches for that server[^]*ssl-cert-file/);
});

test('registries: a global one behind a URL, entries of options, inputs of another flake', { skip }, async () => {
  const config = `flake-registry = https://${HOST}/registry.json`;
  assert.equal(await both(['eval', 'far#x'], config), '1\n');
  assert.equal(await both(['eval', '--impure', '--expr', '(builtins.getFlake "far").x'], config), '1\n');
  const override = ['--override-flake', 'near', `https://${HOST}/x.tar.gz`];
  assert.equal(await both(['eval', ...override, 'near#x'], 'flake-registry ='), '1\n');
  const home = mkdtempSync(`${folder}/home-`);
  mkdirSync(`${home}/flake`);
  writeFileSync(`${home}/flake/flake.nix`, `{ inputs.mine.url = "https://${HOST}/x.tar.gz"; outputs = _: { }; }`);
  assert.equal(await both(['eval', '--inputs-from', `path:${home}/flake`, 'mine#x'], 'flake-registry ='), '1\n');
});

test('locked inputs: a cache has what the server has no more', { skip }, async () => {
  const home = mkdtempSync(`${folder}/home-`);
  const fetched = JSON.parse(await ok('floe', ['flake', 'prefetch', '--json', `https://${HOST}/x.tar.gz`], home)) as Record<string, string>;
  const name = readdirSync(`${home}/store`).find((entry) => entry.endsWith('-source'))!;
  await ok('floe', ['copy', '--to', `file://${home}/cache`, `${home}/store/${name}`], home);
  const locked = { type: 'tarball', url: `https://${HOST}/gone.tar.gz`, narHash: fetched['hash'] };
  const original = { type: 'tarball', url: locked.url };
  mkdirSync(`${home}/flake`);
  writeFileSync(`${home}/flake/flake.nix`, `{ inputs.a.url = "${locked.url}"; outputs = { a, ... }: { inherit (a) x; }; }`);
  const nodes = { a: { locked, original }, root: { inputs: { a: 'a' } } };
  writeFileSync(`${home}/flake/flake.lock`, JSON.stringify({ nodes, root: 'root', version: 7 }));
  for (const which of oracle === undefined ? (['floe'] as const) : (['floe', 'oracle'] as const)) {
    for (const place of ['store', 'var', '.cache']) {
      spawnSync('chmod', ['-R', 'u+w', `${home}/${place}`]);
      rmSync(`${home}/${place}`, { recursive: true, force: true });
    }
    const words = ['eval', `path:${home}/flake#x`];
    assert.match((await run(which, words, home)).stderr, /HTTP error 404/, which);
    assert.equal(await ok(which, words, home, `substituters = file://${home}/cache`), '1\n', which);
  }
});
