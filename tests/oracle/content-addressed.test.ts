// Content-addressed derivations beside a real Nix: what is built, registered and realised is the same to the byte, messages included,
// and each goes on in a store that the other made. FLOE_ORACLE names the command before `nix-build` and the like.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/local-stores.ts';

const oracle = process.env['FLOE_ORACLE'];
const skip = oracle === undefined ? 'FLOE_ORACLE names no Nix to compare with' : false;
const folder = temporaryFolder();
const root = `${folder}/s`;

const PROGRAM = `
{ seed }:
rec {
  make = args: derivation ({
    system = "x86_64-linux"; builder = "/bin/sh";
    __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256";
  } // args);
  root = make {
    name = "root"; outputs = [ "out" "dev" ];
    args = [ "-c" "echo seed \${toString seed} >&2; echo self $out > $out; echo ref $out > $dev" ];
  };
  top = make { name = "top"; args = [ "-c" "read word path < \${root.dev}; echo $path > $out" ]; };
  flat = make { name = "flat"; outputHashMode = "flat"; outputHashAlgo = "sha1"; args = [ "-c" "read word path < \${root.dev}; echo $word > $out" ]; };
  plain = derivation { name = "plain"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo \${top} \${flat} > $out" ]; };
  imported = builtins.readFile root.dev;
}
`;

function run(who: 'floe' | 'oracle', command: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = {
    ...process.env,
    HOME: folder,
    NIX_REMOTE: '',
    NIX_STORE_DIR: `${root}/store`,
    NIX_STATE_DIR: `${root}/var`,
    NIX_LOG_DIR: `${root}/log`,
    NIX_CONFIG: 'sandbox = false\nsubstituters =\nbuild-users-group =\nextra-experimental-features = nix-command ca-derivations',
  };
  const words = who === 'floe' ? `${folder}/bin/` : `${oracle} `;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `exec ${words}${command} "$@"`, 'sh', ...args], { encoding: 'utf8', env });
  return { status, stdout, stderr };
}

/** What the store knows, without times. */
function facts(): unknown[] {
  const db = new DatabaseSync(`${root}/var/db/db.sqlite`, { readOnly: true });
  try {
    return [
      'select path, hash, deriver, narSize, ultimate, ca from ValidPaths order by path',
      'select drvPath, outputName, path from Realisations join ValidPaths v on v.id = outputPath order by 1, 2',
      'select v.path, d.id, d.path from DerivationOutputs d join ValidPaths v on v.id = d.drv order by 1, 2',
      'select migration from SchemaMigrations',
    ].map((query) => db.prepare(query).all());
  } finally {
    db.close();
  }
}

function empty(): void {
  spawnSync('chmod', ['-R', 'u+w', root]);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
}

test('both build and register the same', { skip }, () => {
  writeFileSync(`${folder}/ca.nix`, PROGRAM);
  mkdirSync(`${folder}/bin`);
  const floe = fileURLToPath(new URL('../../bin/floe', import.meta.url));
  for (const name of ['nix', 'nix-build']) symlinkSync(floe, `${folder}/bin/${name}`);
  const outcomes = (['floe', 'oracle'] as const).map((who) => {
    empty();
    const runs = [1, 2].map((seed) =>
      run(who, 'nix-build', `${folder}/ca.nix`, '-A', 'plain', '--arg', 'seed', `${seed}`, '--no-out-link'),
    );
    runs.push(run(who, 'nix', 'eval', '--impure', '-f', `${folder}/ca.nix`, 'imported', '--arg', 'seed', '3'));
    return { runs, facts: facts() };
  });
  assert.deepEqual(outcomes[0], outcomes[1]);
  assert.equal(outcomes[0]!.runs[0]!.status, 0);
});

test('each goes on where the other stopped', { skip }, () => {
  for (const [first, second] of [
    ['floe', 'oracle'],
    ['oracle', 'floe'],
  ] as const) {
    empty();
    const made = run(first, 'nix-build', `${folder}/ca.nix`, '-A', 'top', '--arg', 'seed', '1', '--no-out-link');
    const again = run(second, 'nix-build', `${folder}/ca.nix`, '-A', 'top', '--arg', 'seed', '1', '--no-out-link');
    assert.deepEqual(again, { status: 0, stdout: made.stdout, stderr: '' });
    const other = run(second, 'nix-build', `${folder}/ca.nix`, '-A', 'plain', '--arg', 'seed', '2', '--no-out-link');
    assert.equal(other.status, 0, other.stderr);
    assert.match(other.stderr, /resolved derivation: '.*-top.drv'/);
    assert.doesNotMatch(other.stderr, /building '.*-top.drv'/);
  }
});

test('a cache that knows the resolved derivation alone says what the other is', { skip }, () => {
  writeFileSync(`${folder}/one.nix`, 'import ./ca.nix { seed = 1; }');
  const results = (['floe', 'oracle'] as const).map((who) => {
    empty();
    const cache = `file://${folder}/cache-${who}`;
    const built = run(who, 'nix-build', `${folder}/one.nix`, '-A', 'top', '--no-out-link');
    // What a post-build hook is told of.
    const resolved = /resolved derivation: '.*-top.drv' -> '(.*-top.drv)'/.exec(built.stderr)?.[1];
    assert.ok(resolved !== undefined, built.stderr);
    const root = /building '(.*-root.drv)'/.exec(built.stderr)![1]!;
    const pushed = run(who, 'nix', 'copy', '--to', cache, '--no-check-sigs', `${resolved}^*`, `${root}^*`);
    assert.equal(pushed.status, 0, pushed.stderr);
    empty();
    const copied = run(who, 'nix', 'copy', '--from', cache, '--no-check-sigs', '-f', `${folder}/one.nix`, 'top');
    assert.equal(copied.status, 0, copied.stderr);
    return run(who, 'nix-build', `${folder}/one.nix`, '-A', 'top', '--no-out-link', '--max-jobs', '0');
  });
  assert.deepEqual(results[0], results[1]);
  assert.equal(results[0]!.status, 0, results[0]!.stderr);
});

test('realisation info of closures, derivations and the whole store', { skip }, () => {
  empty();
  const top = ['-f', `${folder}/one.nix`, 'top'];
  assert.equal(run('oracle', 'nix', 'build', '--no-link', ...top).status, 0);
  const path = run('oracle', 'nix', 'path-info', '-f', `${folder}/one.nix`, 'top').stdout.trim();
  for (const words of [
    top,
    [path],
    ['--recursive', ...top],
    ['-r', '--json', ...top],
    ['--derivation', ...top],
    ['--derivation', '-r', ...top],
    ['--all'],
    ['--all', '--json'],
    ['--all', path],
  ]) {
    const [ours, theirs] = (['floe', 'oracle'] as const).map((who) => {
      const { status, stdout, stderr } = run(who, 'nix', 'realisation', 'info', ...words);
      return { status, stdout: words.includes('--json') ? (JSON.parse(stdout) as unknown) : stdout, stderr };
    });
    assert.deepEqual(ours, theirs, words.join(' '));
  }
});
