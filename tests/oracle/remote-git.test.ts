// Git repositories behind http, ssh and as bare folders: floe on its own, and beside C++ Nix that fetches from the same servers. What
// both know of a tree must be the same, hash and lock file included. FLOE_ORACLE names the command before `nix`; without it floe's
// answers are only held against each other.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type GitServer, lfsPointer, serveGit, standInForSsh } from '../support/git-server.ts';
import { temporaryFolder } from '../support/local-stores.ts';

const oracle = process.env['FLOE_ORACLE'];
const skip = spawnSync('git', ['--version']).status === 0 ? false : 'git is not installed';
const folder = temporaryFolder();
const floe = fileURLToPath(new URL('../../bin/floe', import.meta.url));
const LFS_CONTENT = 'the large content\n';

const SETUP = `
set -eu
commit() { t=$((\${t:-1700000000}+60)); GIT_AUTHOR_DATE="$t +0000" GIT_COMMITTER_DATE="$t +0000" git commit -q -m "$1"; }
mkdir repos; cd repos
git init -q -b main sub; cd sub; echo part > part; git add .; commit sub; cd ..
git init -q -b trunk work; cd work
echo '{ outputs = _: { x = "remote"; }; }' > flake.nix
mkdir -p dir; echo one > dir/file; ln -s dir/file link; echo '#!/bin/sh' > run; chmod 755 run
git add .; commit one; git tag -a -m v1 v1
echo two > dir/file; echo ignored > secret; echo 'secret export-ignore' > .gitattributes; git add .; commit two
git checkout -q -b side; echo side > side; git add .; commit side; git checkout -q trunk
cd ..; git clone -q --bare work work.git
git -C work submodule --quiet add ../sub part; cd work; commit submodule; cd ..; git clone -q --bare work with-sub.git
git init -q -b main large; cd large; echo '*.bin filter=lfs' > .gitattributes; printf '%s' "$POINTER" > a.bin; echo plain > b; git add .; commit large; cd ..
git clone -q --bare large large.git; git clone -q --bare sub sub.git
for r in *.git; do git -C $r config uploadpack.allowAnySHA1InWant true; done
`;

interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Place {
  readonly server: GitServer;
  readonly ssh: Readonly<Record<string, string>>;
  readonly repos: string;
}

async function makePlace(): Promise<Place> {
  const pointer = lfsPointer(LFS_CONTENT);
  const names = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b' };
  const config = {
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'protocol.file.allow',
    GIT_CONFIG_VALUE_0: 'always',
  };
  const env = { ...process.env, ...names, ...config, POINTER: pointer.text };
  const result = spawnSync('sh', ['-c', SETUP], { cwd: folder, env, encoding: 'utf8' });
  assert.equal(result.status, 0, result.stderr);
  const repos = join(folder, 'repos');
  mkdirSync(join(repos, 'lfs'));
  writeFileSync(join(repos, 'lfs', pointer.oid), LFS_CONTENT);
  return { server: await serveGit(repos), ssh: standInForSsh(join(folder, 'ssh')), repos };
}

const place = skip === false ? await makePlace() : undefined;

/** Runs floe or the other Nix with an empty home; not spawnSync, the server runs in this process. */
async function run(
  which: 'floe' | 'oracle',
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  home = mkdtempSync(`${folder}/home-`),
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
      NIX_CONFIG:
        'experimental-features = nix-command flakes fetch-tree verified-fetches\nsubstituters =\nflake-registry =\ndownload-attempts = 1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      TZ: 'UTC',
      ...env,
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

/** What an expression is, as JSON; the same for both. */
async function value(expression: string, env: Readonly<Record<string, string>> = {}): Promise<Record<string, unknown>> {
  const words = ['eval', '--impure', '--json', '--expr', expression];
  const mine = await ok('floe', words, env);
  if (oracle !== undefined) assert.equal(mine, await ok('oracle', words, env), expression);
  return JSON.parse(mine) as Record<string, unknown>;
}

const describe = (attrs: string, fetcher = 'fetchGit') =>
  `let t = builtins.${fetcher} { ${fetcher === 'fetchTree' ? 'type = "git"; ' : ''}${attrs} }; in removeAttrs t [ "outPath" ] // { files = builtins.readDir t; }`;

test('git: http, ssh and bare folders give one tree, by branch, tag, revision, shallow and with all references', { skip }, async () => {
  const { server, ssh, repos } = place!;
  const urls = [`${server.url}/work.git`, `ssh://me@example.org${repos}/work.git`, `file://${repos}/work.git`];
  const [side] = spawnSync('git', ['-C', `${repos}/work.git`, 'rev-parse', 'side'], { encoding: 'utf8' }).stdout.split('\n');
  const seen: Record<string, unknown>[][] = [];
  for (const url of urls) {
    const at = `url = "${url}";`;
    const list = [
      describe(at),
      describe(`${at} ref = "side";`),
      describe(`${at} ref = "refs/tags/v1";`),
      describe(`${at} rev = "${side}"; allRefs = true;`),
      describe(`${at} ref = "side"; shallow = true;`),
      describe(at, 'fetchTree'),
      describe(`${at} rev = "${side}"; exportIgnore = true;`, 'fetchTree'),
    ];
    seen.push((await value(`[ ${list.map((one) => `(${one})`).join(' ')} ]`, ssh)) as unknown as Record<string, unknown>[]);
  }
  assert.deepEqual(seen[1], seen[0], 'ssh');
  assert.deepEqual(seen[2], seen[0], 'a bare folder');
  assert.equal(seen[0]![0]!['revCount'], 2);
  assert.equal(seen[0]![4]!['revCount'], 0, 'fetchGit says 0 where it does not know');
});

test('git: submodules, relative to where their repository came from', { skip }, async () => {
  const { server } = place!;
  const found = await value(
    `let t = builtins.fetchGit { url = "${server.url}/with-sub.git"; submodules = true; }; in removeAttrs t [ "outPath" ] // { part = builtins.readFile "\${t}/part/part"; }`,
  );
  assert.equal(found['part'], 'part\n');
});

test('git: files of Git LFS', { skip }, async () => {
  const { server } = place!;
  const read = (lfs: boolean) =>
    `let t = builtins.fetchGit { url = "${server.url}/large.git"; lfs = ${lfs}; }; in removeAttrs t [ "outPath" ] // { a = builtins.readFile "\${t}/a.bin"; }`;
  assert.equal((await value(read(true)))['a'], LFS_CONTENT);
  assert.equal((await value(read(false)))['a'], lfsPointer(LFS_CONTENT).text);
});

test('git: remote flakes lock to the same bytes, and are read in evaluation', { skip }, async () => {
  const { server, ssh, repos } = place!;
  const locks: string[] = [];
  const shown: string[] = [];
  for (const which of oracle === undefined ? (['floe'] as const) : (['floe', 'oracle'] as const)) {
    const home = mkdtempSync(`${folder}/home-`);
    mkdirSync(`${home}/flake`);
    writeFileSync(
      `${home}/flake/flake.nix`,
      `{
        inputs.a.url = "git+${server.url}/work.git";
        inputs.b = { url = "git+ssh://me@example.org${repos}/work.git?ref=side&shallow=1"; flake = false; };
        inputs.c = { type = "git"; url = "${server.url}/with-sub.git"; submodules = true; flake = false; };
        outputs = { a, b, c, ... }: { x = a.x; files = map builtins.readDir [ a b c ]; times = map (i: i.lastModifiedDate) [ a b c ]; };
      }`,
    );
    await ok(which, ['flake', 'lock', `path:${home}/flake`], ssh, home);
    locks.push(readFileSync(`${home}/flake/flake.lock`, 'utf8'));
    shown.push(
      await ok(which, ['eval', '--json', `path:${home}/flake#files`], ssh, home),
      await ok(which, ['eval', `path:${home}/flake#times`], ssh, home),
    );
    const flake = `builtins.getFlake "git+${server.url}/work.git"`;
    shown.push(await ok(which, ['eval', '--impure', '--json', '--expr', `{ inherit (${flake}) x rev narHash revCount; }`], ssh, home));
    shown.push(await ok(which, ['flake', 'metadata', '--json', `git+${server.url}/work.git?ref=side`], ssh, home));
  }
  if (oracle === undefined) return;
  assert.equal(locks[0], locks[1]);
  assert.deepEqual(shown.slice(0, shown.length / 2), shown.slice(shown.length / 2));
});

test('git: what goes wrong is said with what to do', { skip }, async () => {
  const { server } = place!;
  const fails = async (expression: string, message: RegExp, env: Readonly<Record<string, string>> = {}) => {
    const answer = await run('floe', ['eval', '--impure', '--expr', expression], { GIT_TERMINAL_PROMPT: '0', ...env });
    assert.notEqual(answer.status, 0, expression);
    assert.match(answer.stderr, message);
  };
  const git = (path: string, more = 'ref = "main";') => `builtins.fetchGit { url = "${server.url}/${path}"; ${more} }`;
  await fails(
    git('nothing.git'),
    /Failed to fetch git repository '.*\/nothing\.git': .*not found[^]*private repositories look like this too/,
  );
  await fails(git('private/sub.git'), /Failed to fetch git repository[^]*credential helper/);
  await fails(git('work.git', 'ref = "no-such";'), /couldn't find remote ref refs\/heads\/no-such/);
  await fails(git('work.git', `rev = "${'0'.repeat(39)}1";`), /0{39}1/);
});

test('git: without the git program', { skip }, async () => {
  const { server } = place!;
  const tools = mkdtempSync(`${folder}/bin-`);
  for (const name of ['sh', 'flock', 'node', 'env', 'dirname', 'readlink', 'uname', 'bwrap', 'unshare', 'mount', 'sed', 'cat'])
    spawnSync('sh', ['-c', `p=$(command -v ${name}) && ln -s "$p" ${tools}/${name}`]);
  symlinkSync(process.execPath, `${tools}/node-of-tests`);
  const netrc = `${folder}/netrc`;
  writeFileSync(netrc, 'machine 127.0.0.1 login user password secret\n');
  const bare = { PATH: tools };
  for (const [path, more] of [
    ['work.git', ''],
    ['work.git', 'ref = "side"; shallow = true;'],
    ['work.git', 'ref = "refs/tags/v1";'],
  ] as const) {
    const expression = describe(`url = "${server.url}/${path}"; ${more}`);
    const words = ['eval', '--impure', '--json', '--expr', expression];
    assert.equal(await ok('floe', words, bare), await ok('floe', words), `${path} ${more}`);
  }
  const words = [
    'eval',
    '--impure',
    '--json',
    '--option',
    'netrc-file',
    netrc,
    '--expr',
    describe(`url = "${server.url}/private/sub.git"; ref = "main";`),
  ];
  await ok('floe', words, bare);
  const refused = await run('floe', words.toSpliced(3, 3), bare);
  assert.match(refused.stderr, /HTTP error 401[^]*netrc-file/);
});

test('git: a clone is asked for once in tarball-ttl, and serves when the server is gone', { skip }, async () => {
  const { server, repos } = place!;
  const home = mkdtempSync(`${folder}/home-`);
  spawnSync('git', ['clone', '-q', '--bare', `${repos}/sub`, `${repos}/moving.git`]);
  const words = (...more: string[]) => [
    'eval',
    '--impure',
    '--raw',
    ...more,
    '--expr',
    `(builtins.fetchGit "${server.url}/moving.git").rev`,
  ];
  const first = await ok('floe', words(), {}, home);
  const count = server.requests.length;
  assert.equal(await ok('floe', words(), {}, home), first);
  assert.equal(server.requests.length, count, 'nothing is asked again');
  rmSync(`${repos}/moving.git`, { recursive: true });
  const later = await run('floe', words('--refresh'), {}, home);
  assert.equal(later.stdout, first, later.stderr);
  assert.match(later.stderr, /could not update local clone of Git repository '.*'; continuing with the most recent version/);
});
