// Words and paths agree: `flake lock` is src/cli/commands/flake/lock.ts, its class says the same words, and describes itself with two
// examples.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMANDS, LEGACY_COMMANDS, REFUSED_COMMANDS } from '../../src/cli/command-table.ts';
import { describeWords } from '../../src/cli/words.ts';
import { readTree, ROOT } from './tree.ts';

const files = readTree('src/cli/commands', (name) => name.endsWith('.ts')).map(({ path }) => path);
const paths = [
  ...Object.keys(COMMANDS).map((words) => [words, `src/cli/commands/${words.replaceAll(' ', '/')}.ts`] as const),
  ...Object.keys(LEGACY_COMMANDS).map((word) => [word, `src/cli/commands/legacy/${word}.ts`] as const),
];

test('every command has its file, and every file is a command', () => {
  assert.deepEqual(
    paths.map(([, path]) => path).filter((path) => !existsSync(join(ROOT, path))),
    [],
  );
  const known = new Set<string>(paths.map(([, path]) => path));
  assert.deepEqual(
    files.filter((path) => !known.has(path)),
    [],
  );
});

test('the class says the same words, and explains itself', async () => {
  for (const [words, load] of [...Object.entries(COMMANDS), ...Object.entries(LEGACY_COMMANDS)]) {
    const commandClass = await load();
    assert.deepEqual(commandClass.paths, [words.split(' ')], words);
    assert.ok(commandClass.usage?.description, `${words} has no description`);
    assert.ok((commandClass.usage?.examples ?? []).length >= 2, `${words} has fewer than two examples`);
    const { options } = describeWords(new commandClass());
    for (const { names, description } of options) assert.ok(description, `${words} ${names[0]} has no description`);
    const all = options.flatMap(({ names }) => names);
    assert.equal(
      new Set(all).size,
      all.length,
      `${words} declares an option twice: ${all.filter((name, index) => all.indexOf(name) !== index).join(' ')}`,
    );
  }
});

test('what is refused is not there', () => {
  assert.deepEqual(
    Object.keys(REFUSED_COMMANDS).filter((words) => COMMANDS[words] !== undefined || LEGACY_COMMANDS[words] !== undefined),
    [],
  );
});
