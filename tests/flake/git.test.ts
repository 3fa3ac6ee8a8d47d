// Git repositories as flakes, against C++ Nix 2.34.8: which files are seen, what is dirty, revisions, hashes, warnings and errors. Needs
// the program `git` to make the repositories. With FLOE_ORACLE set the real Nix is asked again; UPDATE=1 keeps its answers.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { runGitScenario, type RunRecord } from '../support/git-scenarios.ts';
import { GIT_SCENARIOS } from './git-scenarios.ts';

const golden = new URL('git-scenarios.json', import.meta.url);
const oracle = process.env['FLOE_ORACLE'];
const skip = spawnSync('git', ['--version']).status === 0 ? false : 'git is not installed';
const folder = realpathSync(mkdtempSync(`${tmpdir()}/floe-git-`));
after(() => rmSync(folder, { recursive: true, force: true }));

if (process.env['UPDATE'] === '1' && oracle !== undefined) {
  const made: Record<string, RunRecord[]> = {};
  for (const scenario of GIT_SCENARIOS) made[scenario.name] = await runGitScenario(scenario, `${folder}/work`, oracle);
  writeFileSync(golden, `${JSON.stringify(made, null, 1)}\n`);
}

const expected = JSON.parse(readFileSync(golden, 'utf8')) as Record<string, RunRecord[]>;

for (const scenario of GIT_SCENARIOS) {
  test(`git: ${scenario.name}`, { skip }, async () => {
    const wanted = oracle === undefined ? expected[scenario.name] : await runGitScenario(scenario, `${folder}/work`, oracle);
    assert.deepEqual(await runGitScenario(scenario, `${folder}/work`, undefined), wanted);
  });
}
