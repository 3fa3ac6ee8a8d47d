// Signed commits: only those count that one of the input's own keys signed.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { makeFetchCache } from '../../src/fetch/fetch-cache.ts';
import { DEFAULT_FETCH_SETTINGS, type FetchContext } from '../../src/fetch/fetcher.ts';
import { fetchInput } from '../../src/fetch/fetchers.ts';
import { nodeIo } from '../../src/io/node.ts';
import { checkInputAttrs, type InputAttrs, printInput } from '../../src/model/input-scheme.ts';
import { temporaryFolder } from '../support/local-stores.ts';

const folder = temporaryFolder();
const hasTools = ['git --version', 'command -v ssh-keygen'].every((command) => spawnSync('sh', ['-c', command]).status === 0);
const skip = hasTools ? false : 'git or ssh-keygen is not installed';
const io = nodeIo();

const SETUP = `
set -eu
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_CONFIG_GLOBAL=/dev/null
ssh-keygen -q -t ed25519 -N '' -f one; ssh-keygen -q -t ed25519 -N '' -f two
git init -q -b main r; cd r; git config gpg.format ssh; echo x > x; git add .
git -c user.signingkey=$PWD/../one.pub commit -q -S -m signed
`;

function contextWith(verifiedFetches: boolean): FetchContext {
  mkdirSync(`${folder}/cache`, { recursive: true });
  return {
    io,
    cache: makeFetchCache(io.files, `${folder}/cache`, () => io.now()),
    store: { storeDir: '/nix/store', find: () => undefined },
    settings: { ...DEFAULT_FETCH_SETTINGS, verifiedFetches, warnDirty: false },
    warn: () => {},
    baseDir: folder,
  };
}

test('commits that one of the keys signed, others, changed trees, and the feature that is off', { skip }, async () => {
  const made = spawnSync('sh', ['-c', SETUP], { cwd: folder, encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  const keyOf = (name: string) => readFileSync(`${folder}/${name}.pub`, 'utf8').split(' ')[1]!;
  const [one, two] = [keyOf('one'), keyOf('two')];
  const fetch = async (more: InputAttrs, on = true) =>
    fetchInput(checkInputAttrs({ type: 'git', url: `file://${folder}/r`, ...more }), contextWith(on));
  await fetch({ publicKey: one });
  await fetch({ publicKeys: JSON.stringify([{ key: two }, { key: one, type: 'ssh-ed25519' }]) });
  await fetch({ publicKey: one, ref: 'main' });
  await assert.rejects(fetch({ publicKey: two }), /Commit signature verification on commit [0-9a-f]{40} failed: [^]*No principal matched/);
  await assert.rejects(fetch({ publicKey: one, keytype: 'ssh-x' }), /Invalid SSH key type 'ssh-x' in publicKeys\.\nPlease use one of:/);
  await assert.rejects(fetch({ publicKey: one }, false), /experimental Nix feature 'verified-fetches' is disabled/);
  writeFileSync(`${folder}/r/x`, 'changed\n');
  await assert.rejects(fetch({ publicKey: one }), /commit verification is required for Git repository '.*', but it's dirty/);
  await fetch({ publicKey: one, verifyCommit: false });
  const several = { type: 'git', url: 'https://example.org/r', publicKeys: '[{"key":"k1"},{"key":"k2","type":"ssh-rsa"}]' };
  assert.match(
    decodeURIComponent(printInput(checkInputAttrs(several))),
    /publicKeys=\[\{"key":"k1","type":"ssh-ed25519"\},\{"key":"k2","type":"ssh-rsa"\}\]/,
  );
});
