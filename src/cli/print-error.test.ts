// The layout of errors, against what C++ Nix 2.34.8 prints.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EvalError, FloeError } from '../base/errors.ts';
import { printError } from './print-error.ts';
import { filterEscapes } from './terminal.ts';

function plain(error: FloeError, showTrace = false): string {
  return filterEscapes(printError(error, { showTrace }), true);
}

test('a message over several lines, suggestions and a hint', () => {
  const error = new FloeError('X', 'first\nsecond', { suggestions: ['fmt', 'log'], hint: 'Try again.' });
  assert.equal(plain(error), 'error: first\n       second\n       Did you mean one of fmt or log?\n       Try again.');
});

test('a place with its excerpt', () => {
  const error = new EvalError('bad', { position: { file: '«string»', line: 2, column: 3, source: 'a\nbcd\ne\n' } });
  assert.equal(
    plain(error),
    ['error: bad', '       at «string»:2:3:', '            1| a', '            2| bcd', '             |   ^', '            3| e'].join(
      '\n',
    ),
  );
});

test('a trace, cut short unless asked for', () => {
  const error = new EvalError('bad');
  const source = 'x';
  for (let line = 6; line >= 1; line--)
    error.frames.push({ text: `while ${line}`, position: { file: 'f', line: 1, column: line, source } });
  const short = plain(error);
  assert.match(short, /^error:\n {7}… while 1\n {9}at f:1:1:\n {12}1\| x\n {13}\| \^\n/);
  assert.match(short, /\n\n {7}\(stack trace truncated; use '--show-trace' to show the full, detailed trace\)\n\n {7}error: bad$/);
  assert.equal(short.includes('while 3'), false);
  assert.equal(plain(error, true).includes('while 6'), true);
});

test('repeated frames are counted', () => {
  const error = new EvalError('bad');
  for (let i = 0; i < 9; i++) error.frames.push({ text: 'while turning' });
  assert.equal(plain(error, true), 'error:\n       … while turning\n\n       (8 duplicate frames omitted)\n\n       error: bad');
});

test('byte strings in messages become characters', () => {
  assert.equal(plain(new FloeError('X', '\xc3\xa4 «a»')), 'error: ä «a»');
});
