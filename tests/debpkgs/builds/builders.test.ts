// The set's builders, made by floe in its sandbox from the machine's mirrors: each attribute of builders/default.nix is a build that
// checks itself.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { temporaryFolder } from '../../support/local-stores.ts';

const root = join(import.meta.dirname, '../../..');
const folder = temporaryFolder();
// The machine's own home stays: npm's configuration in it may name the registry.
const env = {
  ...process.env,
  NIX_STORE_DIR: join(folder, 'store'),
  NIX_STATE_DIR: join(folder, 'var'),
  NIX_LOG_DIR: join(folder, 'log'),
  XDG_CACHE_HOME: join(folder, 'cache'),
};

/** What takes long or downloads much; built where FLOE_HEAVY is set. */
const HEAVY: ReadonlySet<string> = new Set([
  'go-module',
  'rust-package',
  'python-application',
  'programs',
  'project-modules',
  'project-types',
]);

/** Asynchronous, since a test may serve what the build fetches. */
async function floe(...words: string[]): Promise<string> {
  const child = spawn(join(root, 'bin/floe'), words, { env, cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [status] = (await once(child, 'close')) as [number | null];
  assert.equal(status, 0, `floe ${words.join(' ')}\n${stderr.slice(-4000)}`);
  return stdout;
}

const cases = JSON.parse(
  await floe('eval', '--impure', '--json', '--expr', 'builtins.attrNames (import ./tests/debpkgs/builds/builders { })'),
) as string[];

test('each case of the builders builds', { timeout: 15 * 60_000 }, async (t) => {
  for (const name of cases) {
    const skip = HEAVY.has(name) && !process.env['FLOE_HEAVY'] ? 'FLOE_HEAVY is not set' : false;
    await t.test(name, { skip }, async () => void (await floe('build', '-L', '--no-link', '-f', 'tests/debpkgs/builds/builders', name)));
  }
});

test('fetchzip, fetchgit, fetchpatch and fetchurl with postFetch get what a server has', { timeout: 5 * 60_000 }, async () => {
  const web = join(folder, 'web');
  const tree = join(folder, 'tree-1');
  mkdirSync(join(tree, 'sub'), { recursive: true });
  mkdirSync(web);
  writeFileSync(join(tree, 'sub/file'), 'content\n');
  const run = (command: string, ...words: string[]) => execFileSync(command, words, { cwd: tree, encoding: 'utf8' }).trim();
  run('tar', 'czf', join(web, 'tree.tar.gz'), '-C', folder, 'tree-1');
  const treeHash = (await floe('hash', 'path', tree)).trim();
  run('git', 'init', '-q', '-b', 'main');
  run('git', 'add', '.');
  run('git', '-c', 'user.name=n', '-c', 'user.email=e@example.org', 'commit', '-q', '-m', 'first');
  run('git', 'clone', '-q', '--bare', tree, join(web, 'tree.git'));
  execFileSync('git', ['update-server-info'], { cwd: join(web, 'tree.git') });
  writeFileSync(join(web, 'two.patch'), 'From: somebody\n\n--- a/b\n+++ b/b\n@@ -1 +1 @@\n-1\n+2\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n');
  const cleaned = join(folder, 'cleaned');
  writeFileSync(cleaned, '--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n');
  const patchHash = (await floe('hash', 'file', cleaned)).trim();

  const server = createServer((request, response) => {
    const file = join(web, new URL(request.url!, 'http://x').pathname);
    if (!existsSync(file)) return void response.writeHead(404).end();
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const out = await floe(
      'build',
      '-L',
      '--no-link',
      '--print-out-paths',
      '--impure',
      '--expr',
      `with (import ./src/debpkgs { }).all; [
        (fetchzip { url = "${base}/tree.tar.gz"; hash = "${treeHash}"; })
        (fetchgit { url = "${base}/tree.git"; rev = "${run('git', 'rev-parse', 'HEAD')}"; hash = "${treeHash}"; })
        (fetchpatch { url = "${base}/two.patch"; hash = "${patchHash}"; excludes = [ "b" ]; })
        (fetchurl { url = "${base}/two.patch"; hash = "${patchHash}"; postFetch = "cp \${builtins.toFile "cleaned" (builtins.readFile ${cleaned})} $out"; })
      ]`,
    );
    assert.equal(out.trim().split('\n').length, 4);
  } finally {
    server.close();
  }
});
