// What settings change: lints, pipe operators, pure evaluation; and the warning about `or` as a name. Words as C++ Nix 2.34.8 has them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FloeError } from '../../src/base/errors.ts';
import { parse, type ParseOptions } from '../../src/lang/parser.ts';
import { stringSource } from '../../src/lang/position.ts';
import { printNode } from '../../src/lang/print-ast.ts';

function warnings(text: string, options: ParseOptions = {}): readonly string[] {
  const messages: string[] = [];
  parse(stringSource(text), { ...options, warn: ({ message }) => messages.push(message) });
  return messages;
}

function failure(text: string, options: ParseOptions): string {
  try {
    parse(stringSource(text), options);
  } catch (error) {
    if (error instanceof FloeError) return error.message;
    throw error;
  }
  throw new Error('it parses');
}

test('discouraged literals are let through, warned about or refused', () => {
  assert.deepEqual(warnings('[ x:y a/b /c ~/d ]'), []);
  assert.deepEqual(warnings('x:y', { lintUrlLiterals: 'warn' }), [
    'URL literals are discouraged. Consider using a string literal "x:y" instead (lint-url-literals)',
  ]);
  assert.equal(
    failure('x:y', { lintUrlLiterals: 'fatal' }),
    'URL literals are disallowed. Consider using a string literal "x:y" instead (lint-url-literals)',
  );
  assert.equal(
    failure('[ ./a a/b ]', { lintShortPathLiterals: 'fatal' }),
    "relative path literal 'a/b' should be prefixed with '.' for clarity: './a/b' (lint-short-path-literals)",
  );
  assert.deepEqual(warnings('[ ./a /b ~/c ]', { lintAbsolutePathLiterals: 'warn' }), [
    "absolute path literals are not portable. Consider replacing path literal '/b' by a string, relative path, or parameter (lint-absolute-path-literals)",
    "home path literals are not portable. Consider replacing path literal '~/c' by a string, relative path, or parameter (lint-absolute-path-literals)",
  ]);
});

test('pipe operators are an experimental feature', () => {
  const print = (text: string): string => printNode(parse(stringSource(text), { pipeOperators: true }).root, ({ text }) => text);
  assert.equal(print('a + 1 |> f |> g x'), '(g x (f (a + 1)))');
  assert.equal(print('g x <| f <| a + 1'), '(g x (f (a + 1)))');
  assert.match(failure('a <| b |> c', { pipeOperators: true }), /^syntax error, unexpected '\|>'/);
  assert.match(failure('a <| b', {}), /^experimental Nix feature 'pipe-operators' is disabled; /);
});

test('home paths have no meaning in pure evaluation', () => {
  assert.equal(failure('~/a', { pureEval: true }), "the path '~/a' can not be resolved in pure mode");
});

test('an `or` that will be read otherwise is warned about', () => {
  const at = (text: string): (string | undefined)[] => warnings(text).map((message) => /^at (\S+):/.exec(message)?.[1]);
  assert.deepEqual(at('f: x: [ (x or) (f x.or) (f or x) ]'), []);
  assert.deepEqual(at('f: x: [ x or ]'), ['«string»:1:9']);
  assert.deepEqual(at('f: x: f x or'), ['«string»:1:9']);
  assert.deepEqual(at('f: x: x.y or x or'), ['«string»:1:14']);
});
