// Rules about names and words that hold for every file, and that a reviewer should not have to look for.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FLOE_VERSION } from '../../src/cli/launch.ts';
import { readTree, ROOT } from './tree.ts';

const sources = readTree('src', (name) => name.endsWith('.ts'));
const programs = [...sources, ...readTree('tests', (name) => name.endsWith('.ts')), ...readTree('bin', (name) => name.endsWith('.ts'))];

/** Every file that git knows, or would, with its text. */
function projectFiles(): string[] {
  try {
    return execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: ROOT, encoding: 'utf8' })
      .split('\0')
      .filter(Boolean);
  } catch {
    return programs.map((file) => file.path);
  }
}

test('every file opens with a paragraph that says what lives here', () => {
  // A test beside its file has that file's paragraph.
  const silent = programs
    .filter(({ path }) => !(path.startsWith('src/') && path.endsWith('.test.ts')))
    .filter(({ text }) => !/^(#!.*\n)?\/\/ \S/.test(text))
    .map(({ path }) => path);
  assert.deepEqual(silent, []);
});

test('names are kebab-case and say what is inside', () => {
  const wrong = programs
    .map(({ path }) => path)
    .filter((path) => {
      const name = path.slice(path.lastIndexOf('/') + 1).replace(/(\.long)?(\.test)?\.ts$/, '');
      return !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || /^(utils?|common|misc|shared|helpers?|manager)$/.test(name);
    });
  assert.deepEqual(wrong, []);
});

test('no default exports, enums or parameter properties', () => {
  const wrong = sources
    .filter(({ text }) =>
      /^export default\b|^(export )?(const )?enum\b|constructor\((?:[^)]*,)?\s*(?:private|public|protected|readonly)\s+\w+\s*[:?]/m.test(
        text,
      ),
    )
    .map(({ path }) => path);
  assert.deepEqual(wrong, []);
});

test("the repository names no registry host and no machine's own folders", () => {
  // Written in pieces: this file is read too.
  const hosts = [
    'registry.' + 'npmjs',
    'registry.' + 'yarnpkg',
    'deb.' + 'debian.org',
    'ftp.' + 'debian.org',
    'archive.' + 'ubuntu',
    'pypi.' + 'org',
    'files.' + 'pythonhosted',
  ];
  const folders = ['/wo' + 'rk/', '/opt/' + 'peer-nix', '/home/' + 'user/'];
  const wrong: string[] = [];
  for (const path of projectFiles()) {
    const full = join(ROOT, path);
    const stat = statSync(full, { throwIfNoEntry: false });
    const size = stat?.isFile() ? stat.size : 0;
    // Index shards of the package set are data of that size; their test is their own.
    if (size === 0 || size > 4_000_000) continue;
    const text = readFileSync(full, 'latin1');
    for (const word of [...hosts, ...folders]) if (text.includes(word)) wrong.push(`${path}: ${word}`);
  }
  assert.deepEqual(wrong, []);
});

test('the version is the same everywhere', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  assert.equal(FLOE_VERSION, version);
});
