// Inputs of type `git` in real repositories. What C++ Nix makes of them is compared in tests/flake/git.test.ts; here what it cannot do or
// does not show: split indices, broken files, how little is read.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { FloeError, FormatError } from '../../src/base/errors.ts';
import { printHash } from '../../src/base/hash.ts';
import { makeFetchCache } from '../../src/fetch/fetch-cache.ts';
import { DEFAULT_FETCH_SETTINGS, type FetchContext, type FetchedInput } from '../../src/fetch/fetcher.ts';
import { fetchInput } from '../../src/fetch/fetchers.ts';
import { compileGitPattern } from '../../src/fetch/git-attributes.ts';
import { parseGitIndex } from '../../src/fetch/git-index.ts';
import { GitRepository, parseGitConfig, parseSubmodules } from '../../src/fetch/git-repository.ts';
import { nodeIo } from '../../src/io/node.ts';
import { SAMPLE_FILES, testFetcher } from '../conformance/fetcher.ts';
import { PRELUDE } from '../flake/git-scenarios.ts';

const skip = spawnSync('git', ['--version']).status === 0 ? false : 'git is not installed';
const folder = realpathSync(mkdtempSync(`${tmpdir()}/floe-fetch-git-`));
after(() => rmSync(folder, { recursive: true, force: true }));
const io = nodeIo();
let count = 0;

function makeRepository(script = ''): { path: string; context: FetchContext; warnings: string[] } {
  const path = `${folder}/${++count}`;
  const files = Object.entries(SAMPLE_FILES).map(([name, text]) => {
    const plain = name.replace(/[*@]$/, '');
    if (name.endsWith('@')) return `ln -s '${text}' ${plain}`;
    return `mkdir -p $(dirname ${plain}); printf '%s' '${text}' > ${plain}${name.endsWith('*') ? `; chmod +x ${plain}` : ''}`;
  });
  const result = spawnSync(
    'sh',
    ['-c', `${PRELUDE}\nmkdir -p ${path}; cd ${path}; git init -q .; ${files.join('\n')}\ncommit sample; ${script}`],
    { encoding: 'utf8' },
  );
  assert.equal(result.status, 0, result.stderr);
  const warnings: string[] = [];
  const context: FetchContext = {
    io,
    cache: makeFetchCache(io.files, `${folder}/cache-${count}`, () => io.now()),
    store: { storeDir: '/nix/store', find: () => undefined },
    settings: DEFAULT_FETCH_SETTINGS,
    warn: (message) => warnings.push(message),
    baseDir: folder,
  };
  return { path, context, warnings };
}

if (skip === false) {
  testFetcher(
    'git: a clean working tree',
    () => {
      const { path, context } = makeRepository();
      return { attrs: { type: 'git', url: `file://${path}` }, context };
    },
    { promised: ['rev', 'revCount', 'lastModified'] },
  );
  testFetcher(
    'git: a branch',
    () => {
      const { path, context } = makeRepository('git gc -q');
      return { attrs: { type: 'git', url: `file://${path}`, ref: 'main' }, context };
    },
    { promised: ['rev', 'revCount', 'lastModified'] },
  );
  testFetcher(
    'git: a repository elsewhere',
    () => {
      const { path, context } = makeRepository('git clone -q --bare . $PWD.bare');
      return { attrs: { type: 'git', url: `file://${path}.bare` }, context };
    },
    { promised: ['rev', 'revCount', 'lastModified'] },
  );
}

const hashOf = ({ path, context }: ReturnType<typeof makeRepository>) =>
  (fetchInput({ type: 'git', url: `file://${path}` }, context) as FetchedInput).attrs['narHash'];

test('git: a split index is asked of git', { skip }, () => {
  const plain = makeRepository('echo x > x; git add x');
  const split = makeRepository('git update-index --split-index; echo x > x; git add x');
  assert.equal(hashOf(split), hashOf(plain));
});

test('git: a broken index says so', { skip }, () => {
  const { path, context } = makeRepository();
  writeFileSync(`${path}/.git/index`, 'DIRC garbage garbage garbage garbage garbage');
  assert.throws(() => fetchInput({ type: 'git', url: `file://${path}` }, context), FloeError);
});

test('git: a clean tree is known by a look at its files, none is read', { skip }, () => {
  const { path } = makeRepository('sleep 0.01; git status -q 2>/dev/null || git status >/dev/null');
  const read: string[] = [];
  const files = { ...io.files, readFile: (file: string) => (read.push(file), io.files.readFile(file)) };
  // The index was written in the same instant as the files: let git write it once more.
  spawnSync('sh', [
    '-c',
    `cd ${path}; touch -d '2020-01-01' flake.nix dir/file run; touch -h -d '2020-01-01' link; git update-index --refresh`,
  ]);
  const info = GitRepository.open({ ...io, files }, path).workingTreeInfo();
  assert.equal(info.isDirty, false);
  assert.deepEqual(
    read.filter((file) => !file.includes('/.git/')),
    [],
  );
});

test('git: an untracked file is named with what to do', { skip }, () => {
  const { path, context } = makeRepository('echo x > new');
  const { tree } = fetchInput({ type: 'git', url: `file://${path}` }, context) as FetchedInput;
  assert.equal(tree.kind('/new'), undefined);
  assert.ok(!tree.readDir('').some(({ name }) => name === 'new' || name === '.git'));
  assert.throws(() => tree.readFile('/new'), {
    message: `Path 'new' in the repository "${path}" is not tracked by Git.\n\nTo make it visible to Nix, run:\n\ngit -C "${path}" add "new"`,
  });
  assert.throws(() => tree.readFile('/nothing'), { message: `Path 'nothing' does not exist in Git repository "${path}".` });
});

test('git: dirty trees can be forbidden, and warned of or not', { skip }, () => {
  const { path, context, warnings } = makeRepository('echo x >> dir/file');
  fetchInput({ type: 'git', url: `file://${path}` }, context);
  assert.deepEqual(warnings, [`Git tree '${path}' is dirty`]);
  fetchInput({ type: 'git', url: `file://${path}` }, { ...context, settings: { ...DEFAULT_FETCH_SETTINGS, warnDirty: false } });
  assert.equal(warnings.length, 1);
  const strict = { ...context, settings: { ...DEFAULT_FETCH_SETTINGS, allowDirty: false } };
  assert.throws(() => fetchInput({ type: 'git', url: `file://${path}` }, strict), { message: `Git tree '${path}' is dirty` });
});

test('git: without the program, repositories elsewhere say what is missing', { skip }, () => {
  const { path, context } = makeRepository('git clone -q --bare . $PWD.bare');
  const bare = { ...context, io: { ...io, processes: { run: () => undefined } } };
  assert.throws(() => fetchInput({ type: 'git', url: `file://${path}.bare` }, bare), /the program 'git' is not installed/);
  const local = fetchInput({ type: 'git', url: `file://${path}` }, bare) as FetchedInput;
  assert.equal(printHash(local.narHash, 'sri'), local.attrs['narHash'], 'those here need no git');
});

test('git: configuration files', () => {
  const config = parseGitConfig(
    '[core]\n\tbare = false ; no\n  autocrlf\n[remote "o r"]\nurl = "a # b" # c\n[Sub.Sec] x = a \\\n b\n[a "q\\"x"]\ny=\\tz\n',
  );
  assert.deepEqual(
    [...config],
    [
      ['core.bare', 'false'],
      ['core.autocrlf', 'true'],
      ['remote.o r.url', 'a # b'],
      ['sub.sec.x', 'a  b'],
      ['a.q"x.y', '\tz'],
    ],
  );
  assert.deepEqual(
    parseSubmodules('[submodule "b"]\npath = x/y\nurl = ../z\n[submodule "a"]\npath=./q\nurl=u\nbranch=.\n[submodule "c"]\nurl=v\n'),
    [
      { path: '/q', url: 'u', branch: '.' },
      { path: '/x/y', url: '../z', branch: '' },
    ],
  );
});

test('git: attribute patterns', () => {
  const cases: [string, string[], string[]][] = [
    ['*.c', ['a.c', 'x/y.c'], ['a.h', 'c']],
    ['/a', ['a'], ['x/a']],
    ['a/b', ['a/b'], ['x/a/b', 'a/b/c']],
    ['**/b', ['b', 'x/b', 'x/y/b'], ['bb']],
    ['a/**', ['a/b', 'a/b/c'], ['a', 'b/a/c']],
    ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['a/bb']],
    ['[a-c]?', ['a1', 'x/b2'], ['d1', 'a']],
    ['[!a]', ['b'], ['a']],
    ['a\\*b', ['a*b'], ['axb']],
  ];
  for (const [pattern, matching, others] of cases) {
    for (const path of matching) assert.ok(compileGitPattern(pattern).test(path), `${pattern} should match ${path}`);
    for (const path of others) assert.ok(!compileGitPattern(pattern).test(path), `${pattern} should not match ${path}`);
  }
});

test('git: an index of random bytes is broken or unknown, never worse', () => {
  const head = fc.constant(Uint8Array.from([0x44, 0x49, 0x52, 0x43, 0, 0, 0]));
  fc.assert(
    fc.property(head, fc.uint8Array({ minLength: 1, maxLength: 300 }), (start, rest) => {
      try {
        parseGitIndex(Uint8Array.from([...start, ...rest]), 'index');
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error));
      }
    }),
  );
});
