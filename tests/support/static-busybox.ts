// A static busybox for tests whose builders need programs that are the same everywhere: the machine's own, the one that
// FLOE_TEST_BUSYBOX names, or the one in Debian's package, fetched from the machine's own mirror.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { findStaticShell } from '../../src/build/sandbox/machine.ts';

/** Path of a static busybox; undefined where there is none to be had. */
export function findStaticBusybox(): string | undefined {
  const named = process.env['FLOE_TEST_BUSYBOX'];
  if (named !== undefined) return named;
  const own = findStaticShell(['/bin/busybox', '/usr/bin/busybox']);
  return own ?? downloaded();
}

function downloaded(): string | undefined {
  const folder = join(tmpdir(), `floe-test-busybox-${process.getuid?.() ?? 0}`);
  const path = join(folder, 'bin/busybox');
  if (existsSync(path)) return path;
  const work = mkdtempSync(join(tmpdir(), 'floe-busybox-'));
  const run = (command: string, args: string[]) => spawnSync(command, args, { cwd: work, encoding: 'utf8', timeout: 60_000 });
  try {
    if (run('apt-get', ['download', 'busybox-static']).status !== 0) return undefined;
    const names = run('sh', ['-c', 'echo *.deb']).stdout.trim();
    if (run('dpkg-deb', ['-x', basename(names), 'tree']).status !== 0) return undefined;
    mkdirSync(folder, { recursive: true });
    if (!existsSync(path)) renameSync(join(work, 'tree/bin'), join(folder, 'bin'));
    return path;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
