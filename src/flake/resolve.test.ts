// Registries: files, matching, and looking names up.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printInput, type InputAttrs } from '../model/input-scheme.ts';
import { parseFlakeRef } from '../model/flake-ref.ts';
import { type FlakeRegistry, parseRegistry, printRegistry } from '../model/flake-registry.ts';
import { builtInRegistry, resolveInput } from './resolve.ts';

const REV = '0123456789012345678901234567890123456789';
const input = (text: string): InputAttrs => parseFlakeRef(text).input;
const registryOf = (kind: FlakeRegistry['kind'], entries: Readonly<Record<string, string>>, exact = false): FlakeRegistry => ({
  kind,
  entries: Object.entries(entries).map(([from, to]) => ({
    from: input(from),
    to: input(to.split('!')[0]!),
    dir: to.split('!')[1] ?? '',
    exact,
  })),
});

const lookUp = (text: string, registries: readonly FlakeRegistry[], use: 'all' | 'limited' | 'no' = 'all') => {
  const { input: found, dir } = resolveInput(input(text), registries, use);
  return printInput(found) + (dir === undefined ? '' : ` ${dir}`);
};

test('names are looked up until they are direct, first registry first', () => {
  const user = registryOf('user', { 'flake:a': 'flake:b', 'flake:c': 'path:/user' });
  const global = registryOf('global', { 'flake:b': 'github:o/b', 'flake:c': 'path:/global' });
  assert.equal(lookUp('a', [user, global]), 'github:o/b');
  assert.equal(lookUp('c', [user, global]), 'path:/user');
  assert.equal(lookUp('c', [user, global], 'limited'), 'path:/global');
  assert.equal(lookUp('path:/x', [user, global]), 'path:/x');
});

test('a branch or revision is handed on', () => {
  const registry = registryOf('global', {
    'flake:n': 'github:o/n/main',
    'flake:p/stable': 'github:o/p/stable',
    'flake:g': 'git+file:///g',
  });
  assert.equal(lookUp('n/dev', [registry]), 'github:o/n/dev');
  assert.equal(lookUp(`n/${REV}`, [registry]), `github:o/n/${REV}`);
  assert.equal(lookUp('p/stable', [registry]), 'github:o/p/stable');
  assert.throws(() => lookUp('p', [registry]), { message: "cannot find flake 'flake:p' in the flake registries" });
  assert.equal(lookUp('g/main', [registry]), 'git+file:///g?ref=main');
  assert.throws(() => lookUp(`n/dev/${REV}`, [registry]), /cannot apply both a commit hash/);
});

test('exact entries, folders, and direct references that are redirected', () => {
  const exact = registryOf('flag', { 'flake:n': 'path:/exact' }, true);
  const global = registryOf('global', { 'flake:n': 'github:o/n!sub/dir', 'github:o/old': 'github:o/new' });
  assert.equal(lookUp('n', [exact, global]), 'path:/exact');
  assert.equal(lookUp('n/dev', [exact, global]), 'github:o/n/dev sub/dir');
  assert.equal(lookUp('github:o/old/x', [global]), 'github:o/new/x');
});

test('a circle, and no registries', () => {
  const circle = registryOf('user', { 'flake:a': 'flake:b', 'flake:b': 'flake:a' });
  assert.throws(() => lookUp('a', [circle]), { message: "cycle detected in flake registry for 'flake:a'" });
  assert.equal(lookUp('a', [circle], 'no'), 'flake:a');
});

test('registry files', () => {
  const text =
    '{"version":2,"flakes":[{"from":{"type":"indirect","id":"n"},"to":{"type":"github","owner":"o","repo":"n","dir":"d"},"exact":true}]}';
  const registry = parseRegistry(text, 'user', '/registry.json');
  assert.deepEqual(registry.entries, [
    { from: { type: 'indirect', id: 'n' }, to: { type: 'github', owner: 'o', repo: 'n' }, dir: 'd', exact: true },
  ]);
  assert.deepEqual(parseRegistry(printRegistry(registry), 'user', '/registry.json'), registry);
  assert.throws(() => parseRegistry('{"version":1}', 'user', '/r'), { message: "flake registry '/r' has unsupported version 1" });
  assert.throws(
    () => parseRegistry('{"version":2,"flakes":[{"from":{"type":"indirect"},"to":{}}]}', 'user', '/r'),
    /flake registry '\/r': entry 1: input attribute 'id' is missing/,
  );
  assert.throws(() => parseRegistry('{', 'user', '/r'), /flake registry '\/r' is not valid JSON: line 1/);
});

test('the built-in registry', () => {
  const registry = builtInRegistry({ debpkgs: '/lib/floe/debpkgs' });
  assert.equal(lookUp('debpkgs', [registry], 'limited'), 'path:/lib/floe/debpkgs');
  assert.equal(lookUp('nixpkgs', [registry]), 'github:NixOS/nixpkgs/nixpkgs-unstable');
  assert.equal(lookUp('nixpkgs/nixos-25.05', [registry]), 'github:NixOS/nixpkgs/nixos-25.05');
  assert.throws(() => lookUp('templates', [registry]), /cannot find flake 'flake:templates'/);
});
