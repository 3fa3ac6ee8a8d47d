// Plans for copying a template.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeTemplateStep, planTemplate, templateConflicts, type TemplateTarget, type TemplateTree } from './template.ts';

type Files = Readonly<Record<string, string>>;

/** Path -> text; `-> x` is a link, `*` at the end of a path an executable. */
function treeOf(files: Files): TemplateTree {
  const texts = new Map(Object.entries(files).map(([path, text]) => [path.replace('*', ''), text]));
  const isFolder = (path: string) => [...texts.keys()].some((other) => other.startsWith(`${path}/`));
  const kind: TemplateTree['kind'] = (path) =>
    texts.has(path) ? (texts.get(path)!.startsWith('-> ') ? 'symlink' : 'regular') : isFolder(path) ? 'directory' : undefined;
  return {
    kind,
    readFile: (path) => texts.get(path)!,
    readLink: (path) => texts.get(path)!.slice(3),
    isExecutable: (path) => `${path}*` in files,
    readDir: (path) =>
      [
        ...new Set(
          [...texts.keys()].filter((other) => other.startsWith(`${path}/`)).map((other) => other.slice(path.length + 1).split('/')[0]!),
        ),
      ].map((name) => ({ name })),
  };
}

const TEMPLATE = treeOf({ '/t/flake.nix': 'new', '/t/run*': '#!', '/t/sub/file': 'x', '/t/link': '-> run', '/elsewhere': 'y' });
const plan = (there: Files) => planTemplate(TEMPLATE, '/t', '/home/p', treeOf(there) as TemplateTarget);

test('an empty folder gets everything, names in order', () => {
  assert.deepEqual(plan({}), [
    { kind: 'folder', path: '/home/p' },
    { kind: 'file', path: '/home/p/flake.nix', text: 'new', executable: false },
    { kind: 'link', path: '/home/p/link', target: 'run' },
    { kind: 'file', path: '/home/p/run', text: '#!', executable: true },
    { kind: 'folder', path: '/home/p/sub' },
    { kind: 'file', path: '/home/p/sub/file', text: 'x', executable: false },
    { kind: 'folder-done', path: '/home/p/sub' },
  ]);
});

test('what is there stays, the rest is copied', () => {
  const steps = plan({ '/home/p/flake.nix': 'mine', '/home/p/link': '-> run', '/home/p/sub/file': 'x' });
  assert.deepEqual(
    steps.map(({ kind, path }) => [kind, path]),
    [
      ['conflict', '/home/p/flake.nix'],
      ['identical', '/home/p/link'],
      ['file', '/home/p/run'],
      ['identical', '/home/p/sub/file'],
      ['folder-done', '/home/p/sub'],
    ],
  );
  assert.deepEqual(
    steps.map((step) => describeTemplateStep(step, (path) => `TREE${path}`)?.message),
    [
      'refusing to overwrite existing file "/home/p/flake.nix"\n please merge it manually with \'TREE/t/flake.nix\'',
      'skipping identical file: TREE/t/link',
      'wrote: "/home/p/run"',
      'skipping identical file: TREE/t/sub/file',
      'wrote: "/home/p/sub"',
    ],
  );
  assert.equal(templateConflicts(steps)?.message, 'encountered 1 conflicts - see above');
  assert.equal(templateConflicts(plan({})), undefined);
});

test('a link where the template has a file is not followed', () => {
  assert.equal(plan({ '/home/p/flake.nix': '-> /etc/passwd' }).find(({ path }) => path.endsWith('flake.nix'))?.kind, 'conflict');
});
