// How command lines are read; the corner cases are those of C++ Nix.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Option } from 'clipanion';
import { BaseCommand } from './base-command.ts';
import { globalLookup, readGlobals } from './globals.ts';
import { commandOption, environmentOptions, flakeOptions } from './options.ts';
import { describeWords, readWords, splitCompound } from './words.ts';

class Example extends BaseCommand {
  readonly flake = flakeOptions();
  readonly environment = environmentOptions();
  readonly command = commandOption();
  readonly out = Option.String('--out,-o', { description: 'Where to. {path}' });
  readonly installable = Option.String({ required: false });
  readonly args = Option.Rest();
  async execute(): Promise<void> {}
}

function read(...words: string[]): Example {
  const example = new Example();
  readWords(example, words, globalLookup(false));
  return example;
}

test('compound short options', () => {
  assert.deepEqual(splitCompound('-qlf'), ['-q', '-l', '-f']);
  assert.deepEqual(splitCompound('-j3'), ['-j', '3']);
  assert.deepEqual(splitCompound('--json'), ['--json']);
  assert.deepEqual(splitCompound('-'), ['-']);
});

test('options stand anywhere, and pairs keep their order', () => {
  const example = read('.#x', '--override-input', 'a', 'b', 'y', '-o', 'z', '--override-input', 'c', 'd', '-i');
  assert.deepEqual(example.flake.overrideInput, [
    ['a', 'b'],
    ['c', 'd'],
  ]);
  assert.deepEqual([example.installable, example.args, example.out, example.environment.ignoreEnv], ['.#x', ['y'], 'z', true]);
});

test('--command takes the rest of the line', () => {
  const example = read('.', '-c', 'make', '-j', '--', '--out');
  assert.deepEqual([example.command, example.args, example.out], [['make', '-j', '--', '--out'], [], undefined]);
});

test('behind -- all words are arguments, the first one too', () => {
  const example = read('--', '-o', '--x');
  assert.deepEqual([example.installable, example.args], ['-o', ['--x']]);
});

test('an argument that is missing stays undefined', () => {
  const example = read();
  assert.deepEqual([example.installable, example.args, example.command], [undefined, [], undefined]);
});

test('errors in the words of Nix', () => {
  assert.throws(() => read('--nonsense'), { message: "unrecognised flag '--nonsense'" });
  assert.throws(() => read('--out=x'), { message: "unrecognised flag '--out=x'" });
  assert.throws(() => read('--override-input', 'a'), { message: "flag '--override-input' requires 2 argument(s), but only 1 were given" });
});

test('global options and settings', () => {
  const example = new Example();
  const found = readWords(
    example,
    ['-vv', '--cores', '3', '--no-sandbox', '--keep-going', '--extra-substituters', 'x', '--option', 'a', 'b'],
    globalLookup(false),
  );
  const choices = readGlobals(found, { isLegacy: false, isTerminal: false });
  assert.equal(choices.level, 'chatty');
  assert.deepEqual(
    choices.assignments.map(({ name, text }) => `${name}=${text}`),
    ['cores=3', 'sandbox=false', 'keep-going=true', 'extra-substituters=x', 'a=b'],
  );
});

test('what help is made of', () => {
  const { options, arguments: args } = describeWords(new Example());
  const out = options.find(({ names }) => names.includes('--out'))!;
  assert.deepEqual([out.names, out.labels, out.description], [['--out', '-o'], ['path'], 'Where to.']);
  assert.deepEqual(
    args.map(({ name, required, isRest }) => [name, required, isRest]),
    [
      ['installable', false, false],
      ['args', false, true],
    ],
  );
});
