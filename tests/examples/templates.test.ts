// Each template, in an empty folder: `flake init` copies it, its lock is made from floe's own registry, and everything it offers evaluates.
// With FLOE_HEAVY it is built and checked too; the examples of the same kinds are used for real in examples.test.ts.

import assert from 'node:assert/strict';
import { existsSync, globSync, mkdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { launcher, ownStore, root } from '../support/own-store.ts';

const { folder, ok } = ownStore();

const floe = (cwd: string, ...words: string[]): string => ok([launcher, ...words], cwd);

const NAMES = `templates: builtins.attrNames (removeAttrs templates [ "default" ]) ++ [ "default" ]`;
const names = JSON.parse(floe(root, 'eval', '--json', `path:${root}/templates#templates`, '--apply', NAMES)) as string[];

test('there is a template of each kind', () => {
  for (const name of ['default', 'c', 'cpp', 'node', 'python', 'go', 'inputs', 'monorepo', 'postgresql'])
    assert(names.includes(name), name);
});

/** Templates that are an example in small, by the example. */
const TWINS: Readonly<Record<string, string>> = {
  'cpp-cmake': 'cpp',
  'node-typescript': 'node',
  'go-service': 'go',
  follows: 'inputs',
  monorepo: 'monorepo',
  'postgres-service': 'postgresql',
};

test("a template that has an example is that example, with the registry's name of debpkgs", () => {
  for (const [example, template] of Object.entries(TWINS)) {
    const [theirs, ours] = [join(root, 'flake-examples', example), join(root, 'templates', template)];
    const files = globSync('**/*', { cwd: theirs, withFileTypes: true })
      .filter((entry) => entry.isFile() && !['README.md', 'flake.lock'].includes(entry.name))
      .map((entry) => relative(theirs, join(entry.parentPath, entry.name)));
    assert(files.length > 0, example);
    for (const file of files) {
      const shown = readFileSync(join(theirs, file), 'utf8').replaceAll(/"path:(\.\.\/)+src\/debpkgs"/g, '"debpkgs"');
      assert.equal(readFileSync(join(ours, file), 'utf8'), shown, join(template, file));
    }
  }
});

for (const name of names) {
  test(`templates#${name}`, { timeout: 20 * 60_000 }, () => {
    const place = join(folder, name);
    mkdirSync(place);
    assert.equal(floe(place, 'flake', 'init', '-t', `templates#${name}`), '');
    const shown = JSON.parse(floe(place, 'flake', 'show', '--json', '.')) as Record<string, Record<string, object>>;
    assert(existsSync(join(place, 'flake.lock')));
    assert.deepEqual(Object.keys(shown['devShells']?.['x86_64-linux'] ?? {}), ['default']);
    floe(place, 'flake', 'check', ...(process.env['FLOE_HEAVY'] ? [] : ['--no-build']), '.');
  });
}
