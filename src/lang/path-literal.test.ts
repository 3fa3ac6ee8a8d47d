import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Path, PathForm } from './ast.ts';
import { canonicalisePath, resolvePathLiteral } from './path-literal.ts';

const resolve = (form: PathForm, text: string, directory = '/d/e'): string =>
  resolvePathLiteral(new Path(0, form, text), { directory, home: '/home/u' });

test('paths become absolute and canonical', () => {
  assert.equal(resolve(PathForm.Relative, './a/../b/./c'), '/d/e/b/c');
  assert.equal(resolve(PathForm.Relative, '../../../x'), '/x');
  assert.equal(resolve(PathForm.Relative, 'a/b', '/'), '/a/b');
  assert.equal(resolve(PathForm.Absolute, '/a//b/..'), '/a');
  assert.equal(canonicalisePath('/..'), '/');
});

test('the slash before an interpolation stays', () => {
  assert.equal(resolve(PathForm.Relative, './a/'), '/d/e/a/');
  assert.equal(resolve(PathForm.Absolute, '/'), '/');
});

test('home paths are taken as they are written', () => {
  assert.equal(resolve(PathForm.Home, '~/a/../b'), '/home/u/a/../b');
  assert.equal(resolve(PathForm.Home, '~/'), '/home/u/');
});
