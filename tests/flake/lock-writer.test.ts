// Writing flake.lock on a real disk: whole at every moment, by many processes at once, and when one of them is killed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import process from 'node:process';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { IoError } from '../../src/base/errors.ts';
import { writeLockFile } from '../../src/engine/lock-writer.ts';
import { nodeIo } from '../../src/io/node.ts';
import { parseLockFile } from '../../src/model/lock-file.ts';

const folder = realpathSync(mkdtempSync(`${tmpdir()}/floe-lock-`));
after(() => rmSync(folder, { recursive: true, force: true }));
const TOOL = fileURLToPath(new URL('../support/flake-tool.ts', import.meta.url));
const machine = { io: nodeIo(), lockFolder: `${folder}/locks`, warn: () => undefined };
const planFor = (path: string, text: string) => ({
  kind: 'write' as const,
  changes: [],
  path,
  text,
  inTree: undefined,
  commitMessage: undefined,
});

function makeFlake(name: string): string {
  const path = `${folder}/${name}`;
  for (const input of ['a', 'b', 'c']) {
    mkdirSync(`${path}/${input}`, { recursive: true });
    writeFileSync(`${path}/${input}/flake.nix`, '{ outputs = _: { }; }');
  }
  writeFileSync(`${path}/flake.nix`, '{ inputs.a.url = "./a"; inputs.b.url = "./b"; inputs.c.url = "./c"; outputs = _: { }; }');
  return path;
}

function startTool(words: readonly string[], cwd: string): { done: Promise<number>; kill(): void } {
  const child = spawn(process.execPath, [TOOL, ...words], {
    cwd,
    stdio: 'ignore',
    env: { ...process.env, FLAKE_TOOL_CACHE: `${folder}/cache` },
  });
  return { done: new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1))), kill: () => void child.kill('SIGKILL') };
}

test('what changed meanwhile is not overwritten', async () => {
  const path = `${folder}/plain.lock`;
  assert.equal(await writeLockFile(planFor(path, 'one'), undefined, machine), 'written');
  assert.equal(await writeLockFile(planFor(path, 'two'), undefined, machine), 'changed');
  assert.equal(await writeLockFile(planFor(path, 'two'), 'other', machine), 'changed');
  assert.equal(readFileSync(path, 'utf8'), 'one');
  assert.equal(await writeLockFile(planFor(path, 'two'), 'one', machine), 'written');
  assert.equal(await writeLockFile(planFor(path, 'three'), null, machine), 'written');
  assert.equal(readFileSync(path, 'utf8'), 'three');
  assert.deepEqual(readdirSync(`${folder}/locks`), [], 'no lock is left');
});

test('a lock file that is a link stays one', async () => {
  writeFileSync(`${folder}/target.lock`, 'old');
  symlinkSync('target.lock', `${folder}/link.lock`);
  await writeLockFile(planFor(`${folder}/link.lock`, 'new'), 'old', machine);
  assert.equal(readFileSync(`${folder}/target.lock`, 'utf8'), 'new');
});

test('a folder that may not be written to', { skip: process.getuid?.() === 0 && 'root may write everywhere' }, async () => {
  mkdirSync(`${folder}/closed`);
  chmodSync(`${folder}/closed`, 0o555);
  await assert.rejects(
    writeLockFile(planFor(`${folder}/closed/flake.lock`, 'x'), undefined, machine),
    (error) => error instanceof IoError && /Permission denied/.test(error.message),
  );
});

test('several processes that lock the same flake all end well, with one whole file', async () => {
  const path = makeFlake('many');
  const results = await Promise.all(Array.from({ length: 4 }, () => startTool(['lock', '.'], path).done));
  assert.deepEqual(results, [0, 0, 0, 0]);
  const text = readFileSync(`${path}/flake.lock`, 'latin1');
  assert.deepEqual([...parseLockFile(text, 'flake.lock').root.inputs.keys()], ['a', 'b', 'c']);
  assert.deepEqual(readdirSync(path).sort(), ['a', 'b', 'c', 'flake.lock', 'flake.nix']);
});

test('killed at any moment, the old file or the new one is there', async () => {
  const path = makeFlake('killed');
  const old = '{"nodes":{"root":{}},"root":"root","version":7}';
  for (const pause of [60, 120, 180, 240]) {
    writeFileSync(`${path}/flake.lock`, old);
    const tool = startTool(['lock', '.'], path);
    await new Promise((resolve) => setTimeout(resolve, pause));
    tool.kill();
    await tool.done;
    const text = readFileSync(`${path}/flake.lock`, 'latin1');
    assert.ok(text === old || parseLockFile(text, 'flake.lock').root.inputs.size === 3, text);
  }
  // What a killed process locked is free again after a while; nobody waits for it for ever.
  assert.equal(await startTool(['lock', '.'], path).done, 0);
});
