// A `nix-shell` whose inputs are there starts without evaluation while nothing has changed, with the variables of the moment.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const floe = resolve(fileURLToPath(new URL('.', import.meta.url)), '../../bin/floe');
const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'floe-kept-shell-')));
after(() => {
  spawnSync('chmod', ['-R', 'u+w', root]);
  fs.rmSync(root, { recursive: true });
});

const SHELL = `{ inNixShell ? false }: let
  bash = derivation {
    name = "bash";
    system = builtins.currentSystem;
    builder = "/bin/bash";
    args = [ "-c" "/bin/mkdir -p $out/bin; /bin/cp /bin/bash $out/bin/bash" ];
  };
in derivation {
  name = "environment";
  system = builtins.currentSystem;
  builder = "\${bash}/bin/bash";
  TEXT = builtins.readFile ./text + builtins.toString inNixShell + builtins.getEnv "IN_NIX_SHELL";
  file = "content";
  passAsFile = [ "file" ];
}`;

test('nix-shell', { skip: fs.existsSync('/bin/bash') && fs.existsSync('/bin/cp') ? false : 'there is no /bin/bash' }, () => {
  const program = join(root, 'nix-shell');
  fs.symlinkSync(floe, program);
  fs.writeFileSync(join(root, 'shell.nix'), SHELL);
  fs.writeFileSync(join(root, 'text'), 'one');
  const results = join(root, 'cache/floe/results');
  const env = {
    ...{ PATH: process.env['PATH'], HOME: join(root, 'home'), XDG_CACHE_HOME: join(root, 'cache'), NIX_CONFIG: 'sandbox = false' },
    ...{ NIX_STORE_DIR: join(root, 'store'), NIX_STATE_DIR: join(root, 'state'), NIX_LOG_DIR: join(root, 'log') },
  };
  /** What the shell says, and whether the record of an earlier run served. */
  const run = (words: readonly string[], variable: string): { readonly text: string; readonly isReplayed: boolean } => {
    const records = () => (fs.existsSync(results) ? fs.readdirSync(results).map((name) => fs.statSync(join(results, name)).ino) : []);
    const before = new Set(records());
    const script = 'echo "$TEXT $VARIABLE $IN_NIX_SHELL $(<$filePath)"; [ -d "$NIX_BUILD_TOP" ]';
    const { stdout, stderr, status } = spawnSync(program, [...words, '--run', script], {
      cwd: root,
      env: { ...env, VARIABLE: variable },
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    return { text: stdout.trim(), isReplayed: before.size > 0 && records().every((one) => before.has(one)) };
  };
  run([], 'first');
  assert.equal(run([], 'second').text, 'one1impure second impure content');
  assert.deepEqual(run([], 'third'), { text: 'one1impure third impure content', isReplayed: true });
  fs.writeFileSync(join(root, 'text'), 'other');
  // A file that changed just now is looked at again in the next run, and its record written anew.
  spawnSync('sleep', ['0.3']);
  assert.deepEqual(run([], 'fourth'), { text: 'other1impure fourth impure content', isReplayed: false });
  assert.deepEqual(run([], 'fifth'), { text: 'other1impure fifth impure content', isReplayed: true });
  assert.deepEqual(run(['--pure'], 'sixth'), { text: 'other1pure  pure content', isReplayed: false });
  assert.deepEqual(run(['--pure', '--keep', 'VARIABLE'], 'seventh'), { text: 'other1pure seventh pure content', isReplayed: false });
  assert.deepEqual(run(['--pure', '--keep', 'VARIABLE'], 'eighth'), { text: 'other1pure eighth pure content', isReplayed: true });
});
