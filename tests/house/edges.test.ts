// Who may import whom: the table of docs/architecture.md as a test. A room that needs more than its row says has grown a second
// reason to exist; move the code, or change the table with a decision.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTree, resolveImport, roomOf, type SourceFile } from './tree.ts';

const GROUND = ['base', 'io', 'model'];
const ALL_BELOW_ENGINE = ['base', 'io', 'model', 'lang', 'eval', 'store', 'fetch', 'build', 'flake', 'shell', 'profile'];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  io: ['base'],
  model: ['base'],
  lang: ['base'],
  eval: ['base', 'model', 'lang'],
  store: GROUND,
  fetch: [...GROUND, 'store'],
  build: [...GROUND, 'store'],
  flake: ['base', 'model', 'lang', 'eval'],
  shell: [...GROUND, 'store', 'build'],
  profile: [...GROUND, 'store', 'build'],
  daemon: [...GROUND, 'store', 'build'],
  engine: ALL_BELOW_ENGINE,
  cli: ['base', 'model', 'engine', 'daemon'],
  debpkgs: [],
  '': [...ALL_BELOW_ENGINE, 'engine'],
};

/** Rooms that run in a browser: no `node:`, no Node globals. */
const PURE_ROOMS = ['base', 'model', 'lang', 'eval', 'flake'];
/** Of these, the rooms that are synchronous. */
const SYNCHRONOUS_ROOMS = ['lang', 'eval', 'flake'];
/** The only places outside the pure rooms where `node:` is at home. */
const NODE_PLACES = [
  /^src\/io\/node\.ts$/,
  /^src\/store\/local\//,
  /^src\/store\/binary-cache\/compression\.ts$/,
  /^src\/(build|shell|profile|daemon|engine|cli)\//,
  /^src\/index\.ts$/,
];
/** Packages and the files that may import them (codebase: each dependency has one home). */
const PACKAGE_HOMES: Readonly<Record<string, RegExp>> = {
  clipanion: /^src\/cli\//,
  'isomorphic-git': /^src\/fetch\/git[\w-]*\.ts$/,
  execa: /^src\/(io\/node\.ts|build\/|shell\/)/,
  chokidar: /^src\/shell\/watch\.ts$/,
  'proper-lockfile': /^src\/(store\/local\/locks\.ts|engine\/)/,
  semver: /^src\/fetch\/tag-range\.ts$/,
};

const sources = readTree('src', (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));

function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''");
}

function offenders(describe: (file: SourceFile) => readonly string[]): string[] {
  return sources.flatMap((file) => describe(file).map((what) => `${file.path}: ${what}`));
}

test('rooms import only what the table allows', () => {
  const wrong = offenders((file) => {
    const room = roomOf(file.path);
    const allowed = MAY_IMPORT[room];
    if (allowed === undefined) return [`'${room}' is no room of this house`];
    return file.imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier }) => resolveImport(file, specifier))
      .filter((target) => target.startsWith('src/') && roomOf(target) !== room && !allowed.includes(roomOf(target)))
      .map((target) => `imports ${target}`);
  });
  assert.deepEqual(wrong, []);
});

test('no source imports from outside src/', () => {
  const wrong = offenders((file) =>
    file.imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier }) => resolveImport(file, specifier))
      .filter((target) => !target.startsWith('src/'))
      .map((target) => `imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('commands do not import each other', () => {
  const wrong = offenders((file) =>
    file.path.startsWith('src/cli/commands/')
      ? file.imports
          .filter(({ specifier }) => specifier.startsWith('.'))
          .map(({ specifier }) => resolveImport(file, specifier))
          .filter((target) => target.startsWith('src/cli/commands/'))
          .map((target) => `imports ${target}`)
      : [],
  );
  assert.deepEqual(wrong, []);
});

test('node: only where the machine is at home', () => {
  const wrong = offenders((file) =>
    file.imports
      .filter(({ specifier }) => specifier.startsWith('node:') && !NODE_PLACES.some((place) => place.test(file.path)))
      .map(({ specifier }) => `imports ${specifier}`),
  );
  assert.deepEqual(wrong, []);
});

test('pure rooms use no Node globals', () => {
  const wrong = offenders((file) => {
    if (!PURE_ROOMS.includes(roomOf(file.path))) return [];
    const text = withoutComments(file.text);
    return [...text.matchAll(/(?<![\w.'])(process|Buffer|__dirname|__filename|setImmediate|require(?=\(''))(?=[.([])/g)].map(
      (match) => `uses ${match[1]}`,
    );
  });
  assert.deepEqual(wrong, []);
});

test('the language is synchronous', () => {
  const wrong = offenders((file) => {
    if (!SYNCHRONOUS_ROOMS.includes(roomOf(file.path))) return [];
    const text = withoutComments(file.text);
    return [...text.matchAll(/\b(async\s+(?:function|\()|await\s|Promise\b)/g)].map((match) => `uses ${match[1]!.trim()}`);
  });
  assert.deepEqual(wrong, []);
});

test('each dependency has one home', () => {
  const wrong = offenders((file) =>
    file.imports.flatMap(({ specifier }) => {
      const home = PACKAGE_HOMES[specifier.split('/')[0]!];
      return home !== undefined && !home.test(file.path) ? [`imports ${specifier}`] : [];
    }),
  );
  assert.deepEqual(wrong, []);
});
