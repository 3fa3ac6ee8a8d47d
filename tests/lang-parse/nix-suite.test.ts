// The language cases of Nix's own suite, as far as they concern the parser: parse-okay and parse-fail to the letter, standard error
// included; every other case must parse or fail to parse as its name and its expectation say. Needs Nix's sources (FLOE_NIX_SUITE).

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseStdin } from './parse-text.ts';

const suite = process.env['FLOE_NIX_SUITE'];
const folder = suite === undefined ? '' : join(suite, 'tests/functional/lang');

const expectation = (stem: string, end: string, encoding: 'latin1' | 'utf8' = 'latin1'): string => {
  const path = join(folder, stem + end);
  return existsSync(path) ? readFileSync(path, encoding) : '';
};

test("Nix's language cases parse as they should", { skip: suite === undefined && 'FLOE_NIX_SUITE names no checkout of Nix' }, async (t) => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.nix') && /^(parse|eval)-/.test(file))) {
    const stem = name.slice(0, -'.nix'.length);
    await t.test(name, () => {
      const { out, err } = parseStdin(readFileSync(join(folder, name), 'latin1'));
      if (name.startsWith('parse-okay-')) {
        assert.equal(err, '');
        assert.equal(out, expectation(stem, '.exp'));
      } else if (name.startsWith('parse-fail-')) {
        assert.equal(err, expectation(stem, '.err.exp', 'utf8'));
      } else if (name.startsWith('eval-okay-')) {
        assert.equal(err, '');
      } else {
        // Either the evaluator is to fail, or the parser with the words that are expected.
        assert.ok(expectation(stem, '.err.exp', 'utf8').includes(err.split('\n', 1)[0]!), err);
      }
    });
  }
});
