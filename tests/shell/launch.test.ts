// Launching: what a program finds when floe becomes it, with and without a private store mounted. The plans are run by spawning them, as
// execve would end the test.

import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { FloeError } from '../../src/base/errors.ts';
import { applyEnvironmentChoices, packageFolders, prependPath } from '../../src/shell/compose.ts';
import { planLaunch, type LaunchRequest } from '../../src/shell/launch.ts';

const folder = mkdtempSync(join(tmpdir(), 'floe-launch-'));
after(() => rmSync(folder, { recursive: true, force: true }));
// A place that no machine has.
const mount = { physical: join(folder, 'root/floe-nix'), at: '/floe-nix' };
mkdirSync(join(mount.physical, 'store/a-tool/bin'), { recursive: true });
mkdirSync(join(mount.physical, 'store/b-tool/bin'), { recursive: true });
writeFileSync(join(mount.physical, 'store/a-tool/bin/tool'), '#!/bin/sh\necho "tool $*"\nexit 7\n');
chmodSync(join(mount.physical, 'store/a-tool/bin/tool'), 0o755);
symlinkSync('/floe-nix/store/a-tool/bin/tool', join(mount.physical, 'store/b-tool/bin/tool'));

const env = { PATH: process.env['PATH'] ?? '', MARK: 'it is' };

function start(request: Partial<LaunchRequest> & Pick<LaunchRequest, 'program'>): SpawnSyncReturns<string> {
  const plan = planLaunch({ args: [], env, cwd: folder, ...request });
  return spawnSync(plan.file, plan.args.slice(1), { argv0: plan.args[0]!, env: { ...plan.env }, cwd: folder, encoding: 'utf8' });
}

function namespaces(): string | false {
  try {
    planLaunch({ program: 'sh', args: [], env, cwd: folder, mount });
    return false;
  } catch (error) {
    if (error instanceof FloeError && error.code === 'FLOE_NAMESPACE') return 'this system allows no user namespaces';
    throw error;
  }
}

test('a program sees its own ids, folder, environment and stack limit', () => {
  const result = start({ program: 'sh', args: ['-c', 'id -u; pwd; echo "$MARK"; ulimit -S -s; exit 3'], stackLimit: '4096' });
  assert.deepEqual([result.stdout, result.status], [`${process.getuid!()}\n${folder}\nit is\n4096\n`, 3]);
});

test('a store elsewhere is at its place, and all else as it was', { skip: namespaces() }, () => {
  const script = 'id -u; pwd; echo "$MARK"; ls /floe-nix/store; ls -d /etc /proc/self /dev/null /tmp; [ ! -e /.floe-old-root ]; echo $?';
  const result = start({ program: 'sh', args: ['-c', script], mount });
  assert.equal(
    result.stdout,
    `${process.getuid!()}\n${folder}\nit is\na-tool\nb-tool\n/dev/null\n/etc\n/proc/self\n/tmp\n0\n`,
    result.stderr,
  );
});

test('programs of the store start, through links too, and give their exit code', { skip: namespaces() }, () => {
  for (const name of ['a-tool', 'b-tool']) {
    const result = start({ program: `/floe-nix/store/${name}/bin/tool`, args: ['x y', ''], mount });
    assert.deepEqual([result.stdout, result.status], ['tool x y \n', 7], result.stderr);
  }
  const found = start({ program: 'tool', env: { PATH: `/floe-nix/store/b-tool/bin:${env.PATH}` }, mount });
  assert.equal(found.status, 7);
});

test('signals reach the program itself', { skip: namespaces() }, () => {
  const result = start({ program: 'sh', args: ['-c', 'kill -TERM $$'], mount });
  assert.ok(result.signal === 'SIGTERM' || result.status === 143);
});

test('what is missing is named', () => {
  assert.throws(() => planLaunch({ program: 'no-such-tool', args: [], env, cwd: folder }), {
    message: "unable to execute 'no-such-tool': No such file or directory",
  });
  assert.throws(() => planLaunch({ program: folder, args: [], env, cwd: folder }), {
    message: `unable to execute '${folder}': Permission denied`,
  });
});

test('options about the environment', () => {
  const choices = { ignoreEnv: false, keepEnvVar: [], setEnvVar: [], unsetEnvVar: [] };
  assert.deepEqual(
    applyEnvironmentChoices({ A: '1', B: '2' }, { ...choices, ignoreEnv: true, keepEnvVar: ['B'], setEnvVar: [['C', '3']] }),
    { B: '2', C: '3' },
  );
  assert.deepEqual(applyEnvironmentChoices({ A: '1', B: '2' }, { ...choices, unsetEnvVar: ['B'] }), { A: '1' });
  assert.throws(() => applyEnvironmentChoices({}, { ...choices, keepEnvVar: ['A'] }), {
    message: '--keep-env-var does not make sense without --ignore-env',
  });
  assert.throws(() => applyEnvironmentChoices({}, { ...choices, ignoreEnv: true, unsetEnvVar: ['A'] }), {
    message: '--unset-env-var does not make sense with --ignore-env',
  });
});

test('packages and what they propagate lead PATH', () => {
  const files: Record<string, string> = { '/s/a/nix-support/propagated-user-env-packages': '/s/b /s/a\n' };
  const folders = packageFolders(['/s/a', '/s/c'], { resolve: (path) => path, readFile: (path) => files[path] });
  assert.deepEqual(folders, ['/s/a/bin', '/s/c/bin', '/s/b/bin']);
  assert.equal(prependPath(folders, '/bin'), '/s/a/bin:/s/c/bin:/s/b/bin:/bin');
});
