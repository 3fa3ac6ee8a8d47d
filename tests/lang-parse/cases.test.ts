// Our own parse cases in the form of Nix's suite: tests/lang/parse-okay-*.nix with .exp, parse-fail-*.nix with .err.exp. UPDATE=1
// rewrites the expectations; tests/oracle/parse.test.ts compares the same files with a real Nix.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseStdin } from './parse-text.ts';

const folder = join(import.meta.dirname, '../lang');

function check(path: string, actual: string, encoding: 'latin1' | 'utf8'): void {
  if (process.env['UPDATE'] === '1') writeFileSync(path, actual, encoding);
  assert.ok(existsSync(path), `${path} is missing; UPDATE=1 writes it`);
  assert.equal(actual, readFileSync(path, encoding));
}

for (const name of readdirSync(folder)
  .filter((file) => /^parse-(okay|fail)-.*\.nix$/.test(file))
  .sort()) {
  test(name, () => {
    const { out, err } = parseStdin(readFileSync(join(folder, name), 'latin1'));
    const stem = join(folder, name.slice(0, -'.nix'.length));
    if (name.startsWith('parse-okay-')) {
      assert.equal(err, '');
      check(`${stem}.exp`, out, 'latin1');
    } else {
      assert.equal(out, '');
      check(`${stem}.err.exp`, err, 'utf8');
    }
  });
}
