// floe/pure in a browser: headless Chromium loads dist/pure.mjs from a server of the test's own, and evaluates there. Where
// FLOE_NIXPKGS_LIB names nixpkgs' lib, its own tests run in the page too. Skipped where there is no Chromium (FLOE_CHROMIUM, or on PATH).

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = resolve(fileURLToPath(new URL('.', import.meta.url)), '../..');
const chromium = [process.env['FLOE_CHROMIUM'] ?? '', 'chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => name !== '' && spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
);
const nixpkgsLib = process.env['FLOE_NIXPKGS_LIB'];

/** A folder's Nix files as the page gets them: by the path they have there. */
function readFiles(folder: string, at: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[at + path.slice(folder.length)] = readFileSync(path, 'utf8');
  }
  return files;
}

describe('floe/pure in a browser', { skip: chromium === undefined ? 'no Chromium here' : false }, () => {
  const profile = mkdtempSync(join(tmpdir(), 'floe-chromium-'));
  let server: Server;
  let page = '';
  before(async () => {
    server = createServer((request, response) => {
      const isModule = request.url === '/pure.mjs';
      response.setHeader('content-type', isModule ? 'text/javascript' : 'text/html; charset=utf-8');
      response.end(isModule ? readFileSync(join(root, 'dist/pure.mjs')) : page);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  });
  after(() => {
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  /** What an expression over these files prints in the page. */
  async function evaluate(files: Readonly<Record<string, string>>, expression: string): Promise<string> {
    const data = JSON.stringify({ files, expression }).replaceAll('<', '\\u003c');
    page = `<!doctype html><pre id="result">nothing ran</pre><script type="application/json" id="data">${data}</script>
      <script type="module">
        import { openEvaluator } from './pure.mjs';
        const { files, expression } = JSON.parse(document.getElementById('data').textContent);
        const result = document.getElementById('result');
        try {
          result.textContent = openEvaluator({ files }).evaluate(expression).print();
        } catch (error) {
          result.textContent = 'error: ' + error.message;
        }
        document.getElementById('data').remove();
      </script>`;
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
    const quiet = ['--disable-background-networking', '--disable-component-update', `--user-data-dir=${profile}`];
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { stdout } = await promisify(execFile)(chromium!, [...flags, ...quiet, '--dump-dom', address], {
      timeout: 60_000,
      maxBuffer: 1 << 26,
    });
    const shown = /<pre id="result">([\s\S]*?)<\/pre>/.exec(stdout)?.[1] ?? stdout;
    return shown.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
  }

  test('evaluates, hashes and makes derivations', async () => {
    const files = { '/src/builder.sh': 'echo > $out\n', '/lib/default.nix': '{ twice = x: x * 2; }' };
    const expression = `[ ((import /lib).twice 21) (builtins.hashString "sha256" "é")
      (derivation { name = "x"; system = "x86_64-linux"; builder = /src/builder.sh; }).outPath ]`;
    assert.equal(
      await evaluate(files, expression),
      '[ 42 "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c" "/nix/store/jjc5dfv5aqybx6frvj6ijc9wp68dzyv1-x" ]',
    );
  });

  test("evaluates debpkgs' lib", async () => {
    const lib = readFiles(join(root, 'src/debpkgs/lib'), '/lib');
    assert.equal(await evaluate(lib, 'let lib = import /lib; in lib.concatMapStringsSep "," lib.toUpper [ "a" "b" ]'), '"A,B"');
  });

  test("nixpkgs' own tests of its lib pass", { skip: nixpkgsLib === undefined ? 'FLOE_NIXPKGS_LIB is not set' : false }, async () => {
    const lib = readFiles(nixpkgsLib!, '/lib');
    assert.equal(await evaluate(lib, 'import /lib/tests/systems.nix ++ import /lib/tests/fetchers.nix'), '[ ]');
    const options = '{ options.n = lib.mkOption { type = lib.types.int; }; config.n = lib.mkDefault 3; }';
    assert.equal(await evaluate(lib, `let lib = import /lib; in (lib.evalModules { modules = [ ${options} { n = 4; } ]; }).config.n`), '4');
    assert.equal(await evaluate(lib, 'import /lib/tests/misc.nix'), '[ ]');
  });
});
