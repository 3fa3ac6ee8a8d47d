// Results kept between runs are asked for by the whole command line and by the variables that floe itself looks at: none may be missing
// from that list, or an old result would be taken for a new question.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeciding } from '../../src/cli/kept-output.ts';
import { readTree } from './tree.ts';

/** Variables that decide nothing of what is kept: where a window is wide, which editor opens, what a daemon was started with. */
const IRRELEVANT = ['COLUMNS', 'NODE_OPTIONS', 'LISTEN_PID', 'LISTEN_FDS'];

test('every variable that floe looks at is part of the question', () => {
  const missing = readTree('src', (name) => name.endsWith('.ts') && !name.endsWith('.test.ts')).flatMap(({ path, text }) =>
    [...text.matchAll(/\benv(?:ironment)?(?:\[['"](\w+)['"]\]|\.([A-Z]\w+))/g)]
      .map((match) => match[1] ?? match[2]!)
      .filter((name) => !isDeciding(name) && !IRRELEVANT.includes(name))
      .map((name) => `${path}: ${name}`),
  );
  assert.deepEqual(missing, []);
});
