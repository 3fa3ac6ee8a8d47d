// floe as a library on Node: evaluate, build and lock over a store of the test's own. What builds needs a sandbox with a static shell, so
// the builder here is one of floe's own.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, describe, test } from 'node:test';
import { BuildError, openFloe } from '../../src/index.ts';

describe('openFloe', () => {
  const folder = mkdtempSync(join(tmpdir(), 'floe-api-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const env = { PATH: process.env['PATH'], HOME: folder, NIX_REMOTE: join(folder, 'root'), NIX_CONF_DIR: join(folder, 'etc') };
  const open = () => openFloe({ cwd: folder, env, online: false });

  test('evaluates expressions', async () => {
    const floe = open();
    try {
      const value = await floe.evaluate('b', { expression: '{ a = 1; b = map (x: x * 2) [ 1 2 ]; }' });
      assert.deepEqual(value.toPlain(), [2, 4]);
    } finally {
      await floe.close();
    }
  });

  test('locks a flake, evaluates and builds from it', async () => {
    mkdirSync(join(folder, 'lib'));
    mkdirSync(join(folder, 'project'));
    writeFileSync(join(folder, 'lib/flake.nix'), '{ outputs = _: { text = "from the input"; }; }');
    writeFileSync(
      join(folder, 'project/flake.nix'),
      `{ inputs.lib.url = "path:${folder}/lib"; outputs = { self, lib }: { inherit (lib) text; file = builtins.toFile "t" lib.text; }; }`,
    );
    const floe = open();
    try {
      const lock = await floe.lock(`path:${folder}/project`);
      assert.equal(lock, readFileSync(join(folder, 'project/flake.lock'), 'utf8'));
      assert.deepEqual(Object.keys((JSON.parse(lock) as { nodes: object }).nodes).sort(), ['lib', 'root']);
      assert.equal((await floe.evaluate(`path:${folder}/project#text`)).toPlain(), 'from the input');
      const [built] = await floe.build(`path:${folder}/project#file`);
      assert.equal(built!.derivation, undefined);
      assert.match(built!.outputs['out']!, /^\/nix\/store\/[0-9a-z]{32}-t$/);
    } finally {
      await floe.close();
    }
  });

  test('a build that fails is an error that names it', async () => {
    const floe = open();
    try {
      const expression = 'derivation { name = "broken"; system = builtins.currentSystem; builder = "builtin:no-such-builder"; }';
      await assert.rejects(floe.build('', { expression }), (error) => error instanceof BuildError && /broken/.test(error.message));
    } finally {
      await floe.close();
    }
  });
});
