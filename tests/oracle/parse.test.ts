// `--parse` of floe and of a real Nix, to the letter: our own parse cases, Nix's language cases, and any further sources of which
// FLOE_PARSE_TREES names the folders (separated by colons). Needs FLOE_ORACLE.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileSource } from '../../src/lang/position.ts';
import { printParsed, showError } from '../lang-parse/parse-text.ts';

const oracle = process.env['FLOE_ORACLE'];
const suite = process.env['FLOE_NIX_SUITE'];

const folders = [join(import.meta.dirname, '../lang')];
if (suite !== undefined) folders.push(join(suite, 'tests/functional/lang'));
const trees = (process.env['FLOE_PARSE_TREES'] ?? '').split(':').filter(Boolean);

function listSources(folder: string, recursive: boolean): string[] {
  return readdirSync(folder, { recursive, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.nix'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function parseHere(path: string): string {
  try {
    const source = fileSource(path, readFileSync(path, 'latin1'));
    return Buffer.from(printParsed(source, { directory: dirname(path), home: homedir() }), 'latin1').toString();
  } catch (error) {
    return showError(error);
  }
}

function parseThere(path: string): string {
  const { status, stdout, stderr } = spawnSync(oracle!, ['nix-instantiate', '--parse', path], { encoding: 'utf8', maxBuffer: 1 << 28 });
  // Warnings come before the error.
  return (status === 0 ? stdout : stderr.slice(stderr.search(/^error: /m))).replace(/\n+$/, '');
}

const skip = oracle === undefined && 'FLOE_ORACLE names no real Nix';

for (const folder of folders) {
  test(`--parse of ${folder} as a real Nix prints it`, { skip }, () => {
    for (const path of listSources(folder, false)) assert.equal(parseHere(path), parseThere(path), path);
  });
}

for (const tree of trees) {
  test(`--parse of the tree ${tree} as a real Nix prints it`, { skip }, () => {
    for (const path of listSources(tree, true)) assert.equal(parseHere(path), parseThere(path), path);
  });
}
