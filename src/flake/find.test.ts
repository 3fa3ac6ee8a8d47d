// From typed paths to flakes: walking up, borders, repositories, links.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlakeRef, parseFlakeRefWithFragment, printFlakeRef } from '../model/flake-ref.ts';
import { makePathResolver, type PathProbe, resolveLinks } from './find.ts';

/** Files and folders by path; `-> x` is a link. Paths below `/other` lie on another file system. */
function probeOf(paths: Readonly<Record<string, string>>): PathProbe {
  const isFolder = (path: string) => path === '/' || Object.keys(paths).some((other) => other.startsWith(`${path}/`));
  return {
    kind: (path) => (path in paths ? (paths[path]!.startsWith('-> ') ? 'symlink' : 'regular') : isFolder(path) ? 'directory' : undefined),
    readLink: (path) => paths[path]!.slice(3),
    device: (path) => (path.startsWith('/other') ? 2 : 1),
  };
}

const DISK = probeOf({
  '/home/flake/flake.nix': '',
  '/home/flake/deep/er/x': '',
  '/home/repo/.git/HEAD': '',
  '/home/repo/in/flake.nix': '',
  '/home/repo/none/x': '',
  '/home/shallow/.git/shallow': '',
  '/home/shallow/flake.nix': '',
  '/home/worktree/.git': 'gitdir: /x',
  '/home/worktree/flake.nix': '',
  '/home/link': '-> flake/deep',
  '/home/loop': '-> loop',
  '/home/a b/flake.nix': '',
  '/other/disk/x/y': '',
  '/plain/x': '',
});

function resolve(
  text: string,
  options: { base?: string; allowMissing?: boolean; isFlake?: boolean } = {},
): { ref: string; said: string[] } {
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  const paths = makePathResolver({
    probe: DISK,
    baseDir: options.base ?? '/home',
    allowMissing: options.allowMissing ?? false,
    notice: say,
    warn: say,
  });
  return { ref: printFlakeRef(parseFlakeRef(text, { paths, isFlake: options.isFlake ?? true })), said };
}

const refOf = (text: string, options?: Parameters<typeof resolve>[1]) => resolve(text, options).ref;

test('a folder with flake.nix', () => {
  assert.equal(refOf('./flake'), 'path:/home/flake');
  assert.equal(refOf('/home/flake/'), 'path:/home/flake');
  assert.equal(refOf('.', { base: '/home/flake' }), 'path:/home/flake');
  assert.equal(refOf('./a b'), 'path:/home/a%20b');
  assert.equal(refOf('../home/./flake?dir=x'), 'path:/home/flake?dir=x');
});

test('the search goes up, and says so', () => {
  const { ref, said } = resolve('./flake/deep/er');
  assert.equal(ref, 'path:/home/flake');
  assert.deepEqual(said, [`path "/home/flake/deep/er" does not contain a 'flake.nix', searching up`]);
  assert.equal(refOf('./link/er'), 'path:/home/flake');
});

test('it ends at the root, at a repository, at the border of the file system', () => {
  assert.throws(() => refOf('/plain'), { message: 'could not find a flake.nix file' });
  assert.throws(() => refOf('./repo/none'), {
    message: `path "/home/repo" is not part of a flake (neither it nor its parent directories contain a 'flake.nix' file)`,
  });
  assert.throws(() => refOf('/other/disk/x'), { message: 'could not find a flake.nix file' });
});

test('a repository is the tree, the flake a folder in it', () => {
  assert.equal(refOf('./repo/in'), 'git+file:///home/repo?dir=in');
  assert.equal(refOf('./shallow'), 'git+file:///home/shallow?shallow=1');
  assert.equal(refOf('./worktree'), 'git+file:///home/worktree');
  assert.throws(() => refOf('./repo/in?dir=x'), { message: `flake URL './repo/in?dir=x' has an inconsistent 'dir' parameter` });
  assert.equal(refOf('./repo', { allowMissing: true }), 'git+file:///home/repo');
});

test('what is no folder', () => {
  assert.throws(() => refOf('./nothing'), { message: 'getting status of "/home/nothing": No such file or directory' });
  assert.throws(() => refOf('./flake/deep/er/x'), {
    message: `path "/home/flake/deep/er/x" is not a flake (because it's not a directory)`,
  });
  const { ref, said } = resolve('./flake/flake.nix');
  assert.equal(ref, 'path:/home/flake');
  assert.match(
    said[0]!,
    /^Path "\/home\/flake\/flake.nix" should point at the directory containing the 'flake.nix' file, not the file itself/,
  );
  assert.equal(refOf('./flake/deep/er/x', { isFlake: false }), 'path:/home/flake/deep/er/x');
});

test('URLs that are relative start at the folder too, and are not searched for', () => {
  assert.equal(refOf('path:./nothing'), 'path:/home/nothing');
  assert.equal(refOf('git+file:../x'), 'git+file:/x');
  assert.equal(refOf('path:/x/../y'), 'path:/x/../y');
});

test('names of registries are names, not folders', () => {
  const paths = makePathResolver({ probe: DISK, baseDir: '/home' });
  assert.deepEqual(parseFlakeRefWithFragment('flake#x', { paths }), {
    ref: { input: { type: 'indirect', id: 'flake' }, subdir: '' },
    fragment: 'x',
  });
});

test('links', () => {
  assert.equal(resolveLinks('/home/link/../x', DISK), '/home/flake/x');
  assert.throws(() => resolveLinks('/home/loop', DISK), /infinite symlink recursion/);
});
