// `flake show` of a flake with every kind of output, against what C++ Nix 2.34.8 prints (show/*.txt; UPDATE=1 with
// FLOE_ORACLE set makes them anew).

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { byteStringToUtf8 } from '../../src/base/bytes.ts';
import { printJson } from '../../src/base/canonical-json.ts';
import { BUILTINS } from '../../src/eval/builtins/index.ts';
import { Evaluator } from '../../src/eval/evaluator.ts';
import { aloneParts } from '../../src/flake/parts.ts';
import { showFlake, type ShowOptions, type ShowSaying } from '../../src/flake/show.ts';
import { DiskHost } from '../support/eval-host.ts';

const folder = fileURLToPath(new URL('show', import.meta.url));
const oracle = process.env['FLOE_ORACLE'];
const SYSTEM = 'x86_64-linux';

const CASES: Readonly<Record<string, { readonly flags: readonly string[]; readonly options: ShowOptions }>> = {
  'plain.txt': { flags: [], options: { system: SYSTEM, allSystems: false, legacy: false, json: false } },
  'all.txt': { flags: ['--all-systems', '--legacy'], options: { system: SYSTEM, allSystems: true, legacy: true, json: false } },
  'plain-json.txt': { flags: ['--json'], options: { system: SYSTEM, allSystems: false, legacy: false, json: true } },
  'all-json.txt': {
    flags: ['--json', '--all-systems', '--legacy'],
    options: { system: SYSTEM, allSystems: true, legacy: true, json: true },
  },
};

function askOracle(flags: readonly string[]): string {
  const copy = mkdtempSync(`${tmpdir()}/floe-show-`);
  try {
    cpSync(`${folder}/flake.nix`, `${copy}/flake.nix`);
    const env = {
      ...process.env,
      NIX_STORE_DIR: `${copy}/store`,
      NIX_STATE_DIR: `${copy}/var`,
      XDG_CACHE_HOME: `${copy}/cache`,
      CLICOLOR_FORCE: '1',
    };
    const { stdout } = spawnSync('sh', ['-c', `exec ${oracle} nix flake show ${flags.join(' ')} path:${copy}`], { encoding: 'utf8', env });
    return stdout.replace(/path:[^\u001b\n]*/, 'TITLE');
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function show(options: ShowOptions): { text: string; warnings: string[]; visits: string[] } {
  const evaluator = new Evaluator({ host: new DiskHost({ env: {} }), builtins: BUILTINS });
  const outputs = evaluator.evalText(`(import ${folder}/flake.nix).outputs { self = { }; }`, '/');
  const lines: string[] = [];
  const warnings: string[] = [];
  const style = {
    green: (text: string) => `\u001b[32;1m${text}\u001b[0m`,
    bold: (text: string) => `\u001b[1m${text}\u001b[0m`,
    warning: (text: string) => `\u001b[35;1m${text}\u001b[0m`,
  };
  const visits: string[] = [];
  const parts = aloneParts<ShowSaying>(([kind, text = '']) => {
    if (kind === 'line') lines.push(text);
    else if (kind === 'warn') warnings.push(text);
    else visits.push(kind === 'visited' ? 'done' : text);
  });
  const json = evaluator.guard(() => showFlake(outputs, 'TITLE', options, style, parts));
  return { text: byteStringToUtf8(options.json ? `${printJson(json)}\n` : lines.map((line) => `${line}\n`).join('')), warnings, visits };
}

for (const [name, { flags, options }] of Object.entries(CASES)) {
  test(`flake show ${flags.join(' ')}`, () => {
    const golden = `${folder}/${name}`;
    if (oracle !== undefined && process.env['UPDATE'] === '1') writeFileSync(golden, askOracle(flags));
    const wanted = oracle === undefined ? readFileSync(golden, 'utf8') : askOracle(flags);
    // The JSON of the real Nix ends without a line end when nobody looks.
    assert.equal(show(options).text.trimEnd(), wanted.trimEnd());
  });
}

test('flake show --json warns of what it leaves out', () => {
  assert.deepEqual(show(CASES['plain-json.txt']!.options).warnings, [
    "legacyPackages.x86_64-linux omitted (use '--legacy' to show)",
    "packages.aarch64-linux.default omitted (use '--all-systems' to show)",
    'packages.x86_64-linux.notdrv.name is not a derivation',
  ]);
});

test('flake show tells what it looks into', () => {
  const { visits } = show(CASES['plain.txt']!.options);
  assert.deepEqual(visits.slice(0, 6), ['', 'apps', 'apps.x86_64-linux', 'apps.x86_64-linux.default', 'done', 'apps.x86_64-linux.plain']);
  assert.equal(visits.filter((each) => each === 'done').length, visits.length / 2);
});
