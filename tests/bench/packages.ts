// Sizes of the embedded set's packages and what they cost from an empty store: for each one, the .debs and other archives that are
// downloaded, their size, the size of the closure and the CPU seconds of all that ran (which a busy machine changes least). `--write`
// puts the table into src/debpkgs/README.md; `--rebuild` builds each a second time and says where the outputs differ; `--max-jobs` as
// for `build`.
//
//   node tests/bench/packages.ts [--write] [--rebuild] [--max-jobs N] [NAME ...]

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '../..');
const NAMES =
  'gcc cmake meson ninja pkg-config autoconf automake libtool perl python3 nodejs nodejs_26 typescript esbuild prettier ruby lua go rustc cargo jdk jre php sqlite postgresql redis nginx curl git ripgrep jq tmux zsh fish strace gdb valgrind imagemagick ffmpeg graphviz pandoc shellcheck openssl glibcLocales tzdata cacert';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean' }, rebuild: { type: 'boolean' }, 'max-jobs': { type: 'string', default: '2' } },
});

interface Row {
  readonly name: string;
  readonly archives: number;
  readonly download: number;
  readonly closure: number;
  readonly seconds: number;
  readonly reproducible: boolean | undefined;
}

/** The store's paths are read-only folders. */
function removeTree(folder: string): void {
  spawnSync('chmod', ['-R', 'u+w', folder]);
  rmSync(folder, { recursive: true, force: true });
}

function measure(name: string): Row {
  const folder = mkdtempSync(join(tmpdir(), 'floe-packages-'));
  const env = {
    ...process.env,
    HOME: join(folder, 'home'),
    NIX_STORE_DIR: join(folder, 'store'),
    NIX_STATE_DIR: join(folder, 'var'),
    NIX_LOG_DIR: join(folder, 'log'),
  };
  const floe = (...words: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(join(root, 'bin/floe'), words, { encoding: 'utf8', env, cwd: root, maxBuffer: 2 ** 28 });
  const package_ = ['--impure', '--expr', `(import ./src/debpkgs { }).all.${name}`];
  try {
    const words = ['build', '--no-link', '--print-out-paths', '--max-jobs', options['max-jobs'], ...package_];
    const built = spawnSync(
      'bash',
      ['-c', 'TIMEFORMAT="%U %S"; time "$@" 2> "$0"', join(folder, 'log'), join(root, 'bin/floe'), ...words],
      {
        encoding: 'utf8',
        env,
        cwd: root,
      },
    );
    const [user, system] = built.stderr.trim().split(' ').map(Number);
    const seconds = user! + system!;
    if (built.status !== 0) throw new Error(`${name}: ${readFileSync(join(folder, 'log'), 'utf8').slice(-1000)}`);
    const archives = readdirSync(env.NIX_STORE_DIR).filter((file) => /\.(deb|tgz)$/.test(file));
    const download = archives.reduce((sum, file) => sum + statSync(join(env.NIX_STORE_DIR, file)).size, 0);
    const infos = JSON.parse(floe('path-info', '--json', '--closure-size', ...built.stdout.trim().split('\n')).stdout) as
      Record<string, { closureSize: number }> | { closureSize: number }[];
    const closure = Object.values(infos).reduce((sum, info) => Math.max(sum, info.closureSize), 0);
    let reproducible: boolean | undefined;
    if (options.rebuild) {
      const again = floe('build', '--rebuild', '--no-link', ...package_);
      reproducible = again.status === 0;
      if (!reproducible) console.error(again.stderr.slice(-2000));
    }
    return { name, archives: archives.length, download, closure, seconds, reproducible };
  } finally {
    removeTree(folder);
  }
}

const megabytes = (bytes: number): string => (bytes < 9.5e6 ? (bytes / 1e6).toFixed(1) : String(Math.round(bytes / 1e6)));
const rows = (positionals.length > 0 ? positionals : NAMES.split(' ')).map((name) => {
  const row = measure(name);
  console.error(
    `${name}: ${row.archives} archives of ${megabytes(row.download)} MB, closure ${megabytes(row.closure)} MB, ${row.seconds.toFixed(0)} s${row.reproducible === undefined ? '' : row.reproducible ? ', the same again' : ', DIFFERENT'}`,
  );
  return row;
});
const table = [
  '| | archives | download, MB | closure, MB | CPU seconds |',
  '|---|---|---|---|---|',
  ...rows.map(
    (row) => `| ${row.name} | ${row.archives} | ${megabytes(row.download)} | ${megabytes(row.closure)} | ${row.seconds.toFixed(0)} |`,
  ),
].join('\n');
if (options.write) {
  const file = join(root, 'src/debpkgs/README.md');
  const text = readFileSync(file, 'utf8');
  const changed = text.replace(/(<!-- sizes -->\n)[^]*?(<!-- \/sizes -->)/, (_, begin: string, end: string) => `${begin}${table}\n${end}`);
  if (changed === text) throw new Error(`'${file}' has no lines '<!-- sizes -->' and '<!-- /sizes -->'`);
  writeFileSync(file, changed);
} else {
  console.log(table);
}
