// Inputs of types `tarball` and `file`, and those of the forges, against a network in memory.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { FetchError } from '../../src/base/errors.ts';
import { fetchInput } from '../../src/fetch/fetchers.ts';
import { findAccessToken } from '../../src/fetch/forge.ts';
import { nodeIo } from '../../src/io/node.ts';
import type { InputAttrs } from '../../src/model/input-scheme.ts';
import { SAMPLE_FILES, testFetcher } from '../conformance/fetcher.ts';
import { fetchBench, makeTar, type TarItem } from '../support/fetching.ts';

const REV = '1234567890123456789012345678901234567890';

const ITEMS: readonly TarItem[] = Object.entries(SAMPLE_FILES).map(([name, text]) =>
  name.endsWith('@')
    ? { name: `top/${name.slice(0, -1)}`, type: 'symlink', link: text }
    : { name: `top/${name.replace('*', '')}`, text, mode: name.endsWith('*') ? 0o755 : 0o644 },
);
const TAR = await makeTar(ITEMS);

function sample(
  answers: Readonly<Record<string, Parameters<ReturnType<typeof fetchBench>['net']['answers']['set']>[1]>>,
  attrs: InputAttrs,
) {
  return () => {
    const bench = fetchBench();
    for (const [url, answer] of Object.entries(answers)) bench.net.answers.set(url, answer);
    return { ...bench, attrs };
  };
}

const TARBALL = { type: 'tarball', url: 'https://example.org/x.tar.gz' };
const tarballSample = sample({ 'https://example.org/x.tar.gz': { body: TAR, headers: { etag: '"1"' } } }, TARBALL);

testFetcher('tarball', tarballSample, { promised: [] });

const ARCHIVE = { body: TAR };
const githubSample = sample(
  {
    'https://api.github.com/repos/o/r/commits/HEAD': { body: JSON.stringify({ sha: REV }) },
    [`https://github.com/o/r/archive/${REV}.tar.gz`]: ARCHIVE,
  },
  { type: 'github', owner: 'o', repo: 'r' },
);
testFetcher('github', githubSample, { promised: ['lastModified'] });
testFetcher(
  'github on another host',
  sample(
    {
      'https://git.example.org/api/v3/repos/o/r/commits/v1': { body: JSON.stringify({ sha: REV }) },
      [`https://git.example.org/api/v3/repos/o/r/tarball/${REV}`]: ARCHIVE,
    },
    { type: 'github', owner: 'o', repo: 'r', ref: 'v1', host: 'git.example.org' },
  ),
  { promised: ['lastModified'] },
);
testFetcher(
  'gitlab',
  sample(
    {
      'https://gitlab.com/api/v4/projects/g%2Fs%2Fr/repository/commits?ref_name=main': { body: JSON.stringify([{ id: REV }]) },
      [`https://gitlab.com/api/v4/projects/g%2Fs%2Fr/repository/archive.tar.gz?sha=${REV}`]: ARCHIVE,
    },
    { type: 'gitlab', owner: 'g%2Fs', repo: 'r', ref: 'main' },
  ),
  { promised: ['lastModified'] },
);
testFetcher(
  'sourcehut',
  sample(
    {
      'https://git.sr.ht/~u/r/HEAD': { body: 'ref: refs/heads/trunk\n' },
      'https://git.sr.ht/~u/r/info/refs': { body: `0000000000000000000000000000000000000000\trefs/heads/old\n${REV}\trefs/heads/trunk\n` },
      [`https://git.sr.ht/~u/r/archive/${REV}.tar.gz`]: ARCHIVE,
    },
    { type: 'sourcehut', owner: '~u', repo: 'r' },
  ),
  { promised: ['lastModified'] },
);

test('tarball: an answer counts for tarball-ttl seconds, then the server is asked whether it changed', async () => {
  const { context, net, pass, attrs } = tarballSample();
  const first = await fetchInput(attrs, context);
  await fetchInput(attrs, context);
  assert.equal(net.requests.length, 1);
  net.answers.set(TARBALL.url, ({ headers }) => (headers?.['if-none-match'] === '"1"' ? { status: 304 } : { body: TAR }));
  pass(4000);
  assert.deepEqual((await fetchInput(attrs, context)).attrs, first.attrs);
  assert.equal(net.requests.length, 2);
  await fetchInput(attrs, context);
  assert.equal(net.requests.length, 2);
  net.answers.set(TARBALL.url, { body: await makeTar([...ITEMS, { name: 'top/new', text: 'x' }]), headers: { etag: '"2"' } });
  pass(4000);
  assert.notDeepEqual((await fetchInput(attrs, context)).narHash, first.narHash);
});

test('tarball: a locked one is not asked for while the cache has its tree', async () => {
  const { context, net, pass, attrs } = tarballSample();
  const first = await fetchInput(attrs, context);
  pass(1e6);
  await fetchInput(first.attrs, context);
  assert.equal(net.requests.length, 1);
});

test('tarball: a lasting address is locked instead of the one that was asked', async () => {
  const { context, net } = tarballSample();
  net.answers.set('https://example.org/latest', { redirect: 'https://example.org/now' });
  net.answers.set('https://example.org/now', {
    body: TAR,
    headers: { link: `<https://example.org/${REV}.tar.gz?rev=${REV}&revCount=3>; rel="immutable"` },
  });
  const { attrs } = await fetchInput({ type: 'tarball', url: 'https://example.org/latest' }, context);
  assert.equal(attrs['url'], `https://example.org/${REV}.tar.gz`);
  assert.equal(attrs['rev'], REV);
  assert.equal(attrs['revCount'], 3);
});

test('tarball: what can go wrong', async () => {
  const { context, net, files } = tarballSample();
  const fetch = (url: string) => fetchInput({ type: 'tarball', url }, context);
  await assert.rejects(async () => fetch('https://nowhere.example/x.tar'), /unable to download 'https:\/\/nowhere.example\/x.tar'/);
  net.answers.set('https://example.org/404.tar', { status: 404, body: 'no such page' });
  await assert.rejects(async () => fetch('https://example.org/404.tar'), /HTTP error 404\n\nresponse body:\n\nno such page$/);
  net.answers.set('https://example.org/bad.tar.gz', { body: TAR.subarray(0, 60) });
  await assert.rejects(
    async () => fetch('https://example.org/bad.tar.gz'),
    /failed to extract archive 'https:\/\/example.org\/bad.tar.gz'/,
  );
  net.answers.set('https://example.org/page.tar.gz', { body: '<html>' });
  await assert.rejects(async () => fetch('https://example.org/page.tar.gz'), /failed to extract archive/);
  files.write('/d/.git/x', '');
  files.write('/e/x', '');
  await assert.rejects(async () => fetch('file:///d'), /is a git repository, not a tarball. Please use `git\+file` as the scheme/);
  await assert.rejects(async () => fetch('file:///e'), /is a directory, not a file/);
  await assert.rejects(async () => fetch('file:///f'), /tarball "\/f" does not exist/);
  assert.deepEqual(
    files.readDir('/cache/trees').filter(({ name }) => name.startsWith('new-')),
    [],
    'nothing half-unpacked is left',
  );
});

test('tarball: trouble that may pass is tried again', async () => {
  const bench = fetchBench({ downloadAttempts: 3 });
  let count = 0;
  bench.net.answers.set(TARBALL.url, () => (++count < 3 ? { status: 503 } : { body: TAR }));
  await fetchInput(TARBALL, bench.context);
  assert.equal(count, 3);
  assert.match(bench.warnings[0]!, /HTTP error 503; retrying in \d+ ms \(attempt 1\/3\)/);
});

test('tarball: archives that reach out of their folder', async () => {
  const bench = fetchBench();
  const fetchTar = async (items: readonly TarItem[]) => {
    bench.net.answers.set(TARBALL.url, { body: await makeTar(items) });
    bench.pass(1e6);
    return fetchInput(TARBALL, bench.context);
  };
  const upward = await fetchTar([
    { name: 'top/../../../x', text: 'x' },
    { name: 'y', text: 'y' },
  ]);
  assert.equal(upward.tree.readFile('/x'), 'x', 'the way up ends at the top');
  await assert.rejects(
    fetchTar([
      { name: 'a', type: 'symlink', link: '/etc' },
      { name: 'a/passwd', text: 'x' },
    ]),
    /would be written through 'a', which is no folder/,
  );
  await assert.rejects(fetchTar([{ name: 'a', type: 'link', link: '/etc/passwd' }]), /which is not in the archive before it/);
  const hard = await fetchTar([
    { name: 'a', text: 'one' },
    { name: 'b', type: 'link', link: 'a' },
    { name: 'a', text: 'two' },
  ]);
  assert.deepEqual([hard.tree.readFile('/a'), hard.tree.readFile('/b')], ['two', 'one']);
});

test('file: kept as it is', async () => {
  const { context, net } = fetchBench();
  net.answers.set('https://example.org/x', { body: 'hello\n', headers: { etag: 'e' } });
  const { tree, attrs } = await fetchInput({ type: 'file', url: 'https://example.org/x' }, context);
  assert.equal(tree.kind(''), 'regular');
  assert.equal(tree.readFile(''), 'hello\n');
  assert.equal(attrs['narHash'], 'sha256-HDfQGvQL4ugGkd48w99EN3ppmvuxfGjwgJZLL9Bx/BM=');
});

test('forges: a token goes to its repository', async () => {
  const tokens = { 'github.com': 'all', 'github.com/o': 'owner', 'github.com/o/r': 'repo' };
  const at = (host: string, owner: string, repo: string) => findAccessToken(tokens, { host, owner, repo });
  assert.deepEqual(
    [at('github.com', 'o', 'r'), at('github.com', 'o', 'rest'), at('github.com', 'oo', 'r'), at('gitlab.com', 'o', 'r')],
    ['repo', 'owner', 'all', undefined],
  );
  const bench = fetchBench({ accessTokens: { 'github.com': 't0k' } });
  bench.net.answers.set(`https://api.github.com/repos/o/r/tarball/${REV}`, ARCHIVE);
  await fetchInput({ type: 'github', owner: 'o', repo: 'r', rev: REV }, bench.context);
  assert.equal(bench.net.requests[0]!.headers?.['authorization'], 'token t0k');
});

test('forges: what a refusal means and what helps', async () => {
  const asked = 'https://api.github.com/repos/o/r/commits/HEAD';
  const github = { type: 'github', owner: 'o', repo: 'r' };
  const hintOf = async (answer: Parameters<ReturnType<typeof fetchBench>['net']['answers']['set']>[1], token = false) => {
    const bench = fetchBench({ downloadAttempts: 1, ...(token && { accessTokens: { 'github.com': 't0k' } }) });
    bench.net.answers.set(asked, answer);
    const error = await (fetchInput(github, bench.context) as Promise<unknown>).then(
      () => assert.fail('fetched'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof FetchError);
    assert.match(error.message, /^unable to download 'https:\/\/api\.github\.com\/repos\/o\/r\/commits\/HEAD': HTTP error/);
    return error.hint ?? '';
  };
  assert.match(
    await hintOf({ status: 403, headers: { 'x-ratelimit-remaining': '0' } }),
    /too many requests.*access-tokens = github\.com=<token>/,
  );
  assert.match(await hintOf({ status: 429, headers: { 'retry-after': '3600' } }), /too many requests from here/);
  assert.match(await hintOf({ status: 429 }, true), /wait, or use another token/);
  assert.match(await hintOf({ status: 401 }), /wants a login for 'o\/r'/);
  assert.match(await hintOf({ status: 401 }, true), /does not accept the token/);
  assert.match(await hintOf({ status: 404 }), /misspelt, or is private.*access-tokens = github\.com=<token>/);
  assert.match(await hintOf({ status: 404 }, true), /may not look/);
});

test('file: what was there before serves where the server does not answer', async () => {
  const bench = fetchBench({ downloadAttempts: 1 });
  const attrs = { type: 'file', url: 'https://example.org/x' };
  bench.net.answers.set(attrs.url, { body: 'one', headers: { etag: 'e' } });
  await fetchInput(attrs, bench.context);
  bench.pass(1e9);
  bench.net.answers.set(attrs.url, { status: 500 });
  assert.equal((await fetchInput(attrs, bench.context)).tree.readFile(''), 'one');
  assert.deepEqual(bench.warnings, ["unable to download 'https://example.org/x': HTTP error 500; using cached version"]);
});

test('forges: a revision is fetched once', async () => {
  const { context, net, attrs } = githubSample();
  await fetchInput(attrs, context);
  await fetchInput({ ...attrs, rev: REV }, context);
  assert.equal(net.requests.filter(({ url }) => url.includes('archive')).length, 1);
});

/** A port that nobody listens on any more. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('the real network: redirections, conditions, compressed answers, a server that is not there', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/x.tar.gz', link: '</kept>; rel="other"' }).end();
    else if (request.headers['if-none-match'] === '"e"') response.writeHead(304).end();
    else response.writeHead(200, { etag: '"e"' }).end(TAR);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const bench = fetchBench();
  const context = { ...bench.context, io: { ...bench.context.io, net: nodeIo().net } };
  try {
    const fetched = await fetchInput({ type: 'tarball', url: `http://127.0.0.1:${port}/moved` }, context);
    assert.equal(fetched.tree.readFile('/dir/file'), 'one\n');
    bench.pass(1e6);
    assert.deepEqual((await fetchInput({ type: 'tarball', url: `http://127.0.0.1:${port}/moved` }, context)).attrs, fetched.attrs);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  bench.pass(1e6);
  await assert.rejects(
    async () => fetchInput({ type: 'tarball', url: `http://127.0.0.1:${await closedPort()}/other.tar` }, context),
    (error) => {
      assert.ok(error instanceof FetchError);
      assert.match(error.message, /^unable to download 'http:\/\/127\.0\.0\.1:\d+\/other\.tar': could not connect to '127\.0\.0\.1:\d+'/);
      return true;
    },
  );
});
