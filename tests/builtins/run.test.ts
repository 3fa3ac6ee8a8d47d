// The cases of builtins: `<builtin>*.nix` beside this file, each evaluated to the bottom and printed as `nix-instantiate --eval --strict`
// prints; `.exp` holds what it must print. A name that ends in "-fail" must fail, with the message in `.exp`. UPDATE=1 rewrites `.exp`.
// Where FLOE_ORACLE names a command of C++ Nix 2.34.8, the same files are given to it, and must give the same.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { FloeError } from '../../src/base/errors.ts';
import { printError } from '../../src/cli/print-error.ts';
import { filterEscapes } from '../../src/cli/terminal.ts';
import { BUILTINS } from '../../src/eval/builtins/index.ts';
import { Evaluator } from '../../src/eval/evaluator.ts';
import { printAmbiguous } from '../../src/eval/print.ts';
import { DiskHost } from '../support/eval-host.ts';

const folder = dirname(fileURLToPath(import.meta.url));
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.nix'))
  .map((name) => name.slice(0, -'.nix'.length))
  .sort();
const isFailure = (name: string): boolean => name.endsWith('-fail');

/** The message behind the last "error:" of a report, where it stands or after the trace, without what leads to its lines. */
function lastMessage(report: string): string {
  const text = filterEscapes(report, true);
  const at = Math.max(text.lastIndexOf('\n       error: '), text.lastIndexOf('\nerror: '), text.startsWith('error: ') ? 0 : -1);
  const message = text.slice(text.indexOf('error: ', at) + 'error: '.length);
  return `${message
    .replace(/^ {7}/gm, '')
    .replace(/\nTry 'nix-instantiate --help' for more information\./, '')
    // Where a tab leads depends on the whole report.
    .replace(/\n +Future/, '\nFuture')
    .trimEnd()}\n`;
}

/** Machine paths out: the folder of the cases reads "/cases". */
const portable = (text: string): string => text.replaceAll(folder, '/cases');

function evaluate(name: string): string {
  const evaluator = new Evaluator({ host: new DiskHost({ log: () => {} }), builtins: BUILTINS });
  try {
    const value = evaluator.evalFile(`${folder}/${name}.nix`);
    evaluator.forceDeep(value);
    return portable(Buffer.from(`${printAmbiguous(value)}\n`, 'latin1').toString('utf8'));
  } catch (error) {
    if (!(error instanceof FloeError) || !isFailure(name)) throw error;
    return portable(lastMessage(printError(error, { showTrace: true })));
  }
}

for (const name of names) {
  test(`builtin case ${name}`, () => {
    const expectation = `${folder}/${name}.exp`;
    const got = evaluate(name);
    if (process.env['UPDATE'] === '1') writeFileSync(expectation, got);
    assert.ok(existsSync(expectation), `${name}.exp is missing; UPDATE=1 writes it`);
    assert.equal(got, readFileSync(expectation, 'utf8'));
  });
}

test('every builtin has a text and a case', () => {
  for (const [name, { text }] of [...Object.entries(BUILTINS.functions), ...Object.entries(BUILTINS.constants)]) {
    assert.ok(text.length > 0, `${name} has no text`);
    assert.ok(
      names.some((file) => file === name || file.startsWith(`${name}-`)),
      `${name} has no case`,
    );
  }
});

const run = promisify(execFile);

async function askOracle(command: readonly string[], name: string): Promise<string> {
  const env = { ...process.env, NIX_STORE_DIR: '/nix/store' };
  const args = [...command.slice(1), 'nix-instantiate', '--eval', '--strict', `${folder}/${name}.nix`];
  try {
    const { stdout } = await run(command[0]!, args, { env, maxBuffer: 1 << 26 });
    return portable(stdout);
  } catch (error) {
    return portable(lastMessage((error as { stderr: string }).stderr));
  }
}

/** Not asked of C++ Nix: its evaluation without a store cannot read the derivation that another one refers to. */
const NEEDS_STORE = new Set(['derivationStrict-deep']);

const oracle = process.env['FLOE_ORACLE'];
test('C++ Nix gives the same for every case', { skip: oracle === undefined && 'FLOE_ORACLE names no C++ Nix' }, async () => {
  const command = oracle!.split(' ');
  const different: string[] = [];
  for (const name of names) {
    if (NEEDS_STORE.has(name)) continue;
    const wanted = readFileSync(`${folder}/${name}.exp`, 'utf8');
    const got = await askOracle(command, name);
    if (got !== wanted) different.push(`${name}:\n  floe:   ${wanted.trimEnd()}\n  oracle: ${got.trimEnd()}`);
  }
  assert.equal(different.join('\n'), '');
});
