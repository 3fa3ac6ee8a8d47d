// A big set evaluated by several processes (setting `eval-cores`) prints what one process prints, to the byte: values, messages in their
// order, errors, derivations in the store.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const floe = resolve(fileURLToPath(new URL('.', import.meta.url)), '../../bin/floe');
const root = mkdtempSync(join(tmpdir(), 'floe-several-'));
after(() => {
  spawnSync('chmod', ['-R', 'u+w', root]);
  rmSync(root, { recursive: true });
});

/** A set of which each attribute takes some milliseconds; `body` is what attribute `n` (a number) is beside that. */
function program(name: string, body: string): string {
  const file = join(root, `${name}.nix`);
  writeFileSync(
    file,
    `let
  work = n: builtins.foldl' (a: b: a + b) n (builtins.genList (x: x * n) 60000);
  shared = builtins.trace "shared" 1;
  attr = n: builtins.seq (work n) (${body});
in builtins.listToAttrs (builtins.genList (n: { name = "n\${toString n}"; value = attr n; }) 96)`,
  );
  return file;
}

function run(file: string, cores: number, store = 'store'): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(floe, ['eval', '--json', '--file', file, '--eval-cores', String(cores)], {
    encoding: 'utf8',
    cwd: root,
    env: { PATH: process.env['PATH'], HOME: root, NIX_REMOTE: join(root, store), FLOE_DEV: '' },
  });
  return { code: status, stdout, stderr };
}

for (const [name, body] of Object.entries({
  values: '{ inherit n; twice = [ n (n * 2) ]; }',
  messages: 'if n > 60 && builtins.bitAnd n 7 == 0 then builtins.trace "says ${toString n}" (shared + n) else n',
  error: 'if n == 50 || n == 90 then throw "no ${toString n}" else n',
  'error after messages': 'if n == 90 then throw "no ${toString n}" else if n == 70 then builtins.trace "seventy" n else n',
})) {
  test(`${name} are those of one process`, () => {
    const file = program(name.replaceAll(' ', '-'), body);
    assert.deepEqual(run(file, 3), run(file, 1));
  });
}

test('derivations of all processes are in the store', () => {
  const file = program('derivations', '(derivation { name = "d${toString n}"; system = "s"; builder = "b"; }).drvPath');
  const result = run(file, 3, 'new-store');
  assert.equal(result.code, 0, result.stderr);
  const paths = Object.values(JSON.parse(result.stdout) as Record<string, string>);
  assert.equal(paths.length, 96);
  for (const path of paths) assert.ok(existsSync(join(root, 'new-store', path)), path);
});
