// A flake's `nixConfig`: who is asked what, and what is kept of the answers. C++ Nix 2.34.8 on a terminal asked and kept the same.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadSettings } from '../../src/engine/config.ts';
import { Engine } from '../../src/engine/engine.ts';
import { SILENT } from '../../src/base/progress.ts';
import { temporaryFolder } from '../support/local-stores.ts';

const folder = temporaryFolder();
let count = 0;

/** Locks a flake with that nixConfig; `answers` are what the user types. */
async function lock(nixConfig: string, answers: readonly string[], home = `${folder}/${++count}`) {
  mkdirSync(home, { recursive: true });
  writeFileSync(`${home}/flake.nix`, `{ nixConfig = ${nixConfig}; outputs = _: { }; }`);
  const env = { HOME: home, NIX_STORE_DIR: `${home}/store`, NIX_STATE_DIR: `${home}/var` };
  const settings = loadSettings({ env, readFiles: false });
  const questions: string[] = [];
  const told: string[] = [];
  const left = [...answers];
  const ask = (question: string): string | undefined => {
    questions.push(question.replaceAll(/\x1b\[[0-9;]*m/g, ''));
    return left.shift();
  };
  const progress = { ...SILENT, log: (_: string, text: string) => void told.push(text) };
  const engine = new Engine({ settings, env, cwd: home, progress, ask });
  try {
    await engine.flakes.lock(engine.flakes.parse(`path:${home}`), {});
  } finally {
    await engine.close();
  }
  const file = `${home}/.local/share/nix/trusted-settings.json`;
  return { home, settings, questions, told, kept: existsSync(file) ? readFileSync(file, 'utf8') : undefined };
}

const CONFIG = '{ max-jobs = 3; extra-substituters = [ "https://a.example" "https://b.example" ]; bash-prompt = "> "; cores = 2; }';

test('each name and value is asked about, and what is harmless is not', async () => {
  const first = await lock(CONFIG, ['y', 'y', 'n', 'y', 'y', 'n']);
  assert.deepEqual(first.questions, [
    "do you want to allow configuration setting 'cores' to be set to '2' (y/N)?",
    'do you want to permanently mark this value as trusted (y/N)?',
    "do you want to allow configuration setting 'extra-substituters' to be set to 'https://a.example https://b.example' (y/N)?",
    'do you want to permanently mark this value as untrusted (y/N)?',
    "do you want to allow configuration setting 'max-jobs' to be set to '3' (y/N)?",
    'do you want to permanently mark this value as trusted (y/N)?',
  ]);
  assert.equal(first.kept, '{"cores":{"2":true},"extra-substituters":{"https://a.example https://b.example":false}}');
  const { settings } = first;
  assert.deepEqual([settings.get('cores'), settings.get('max-jobs'), settings.get('bash-prompt')], [2, 3, '> ']);
  assert.ok(!settings.get('substituters').includes('https://a.example'));

  const second = await lock(CONFIG, [], first.home);
  assert.deepEqual(
    second.questions,
    first.questions.slice(4).map((question) => question.replace('as trusted', 'as untrusted')),
  );
  assert.equal(second.settings.get('cores'), 2);
  assert.notEqual(second.settings.get('max-jobs'), 3);
  assert.equal(second.kept, first.kept, 'nothing is kept of a question without an answer');
});

test('a path becomes that of a copy in the store', async () => {
  const home = `${folder}/${++count}`;
  mkdirSync(home);
  writeFileSync(`${home}/hook.sh`, '#!/bin/sh\n', { mode: 0o755 });
  const { settings } = await lock('{ post-build-hook = ./hook.sh; }', ['y', 'n'], home);
  assert.match(settings.get('post-build-hook'), /\/store\/[0-9a-z]{32}-hook\.sh$/);
  assert.equal(readFileSync(settings.get('post-build-hook'), 'utf8'), '#!/bin/sh\n');
});
