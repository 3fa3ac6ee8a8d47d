// Nix's own functional scripts (tests/functional of a checkout of NixOS/nix at tag 2.34.8, named by FLOE_NIX_SUITE), run with links
// named as Nix's commands that lead to bin/floe. A scratch copy is configured as the meson.build files there would do it; every
// script runs in a TEST_ROOT of its own with a time limit. Prints a line a script, then `passed P of N (S skipped by the suite itself)`.
//
//   npm run conformance functional [-- [--list] [-v] [--oracle] [--daemon] [--root] [--keep] [--jobs N] [--timeout SECONDS] [NAME ...]]
//
// NAME: `gc`, `gc.sh`, `flakes/show`, or a folder: `flakes/`, `ca/`, `main/` (the top level). --list names the scripts, -v prints
// the end of what failing scripts wrote, --oracle runs the Nix named by FLOE_ORACLE in floe's place, --daemon has scripts
// work through a daemon of the same Nix, --keep leaves the scratch copy.
// Scripts expect an ordinary user (a store path must not be writable): root runs them as 'nobody', unless --root is given.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** What Nix installs besides `nix`. */
const COMMANDS = [
  'nix',
  'nix-build',
  'nix-channel',
  'nix-collect-garbage',
  'nix-copy-closure',
  'nix-daemon',
  'nix-env',
  'nix-hash',
  'nix-instantiate',
  'nix-prefetch-url',
  'nix-shell',
  'nix-store',
];
/** Built by meson from C++: without them their scripts cannot start. */
const NEEDS_CPP = ['plugins', 'test-libstoreconsumer'];
/** Scripts that fail with floe, and why. */
const KNOWN_FAILURES: Readonly<Record<string, string>> = {
  'binary-cache-build-remote': 'nothing is built for a store that is a binary cache',
  'build-remote-with-mounted-ssh-ng': 'there are no mounted-ssh-ng stores',
  'ca/recursive': 'there is no recursive Nix',
  'dyn-drv/dep-built-drv-2': 'there is no recursive Nix',
  'dyn-drv/recursive-mod-json': 'there is no recursive Nix',
  'experimental-features': 'flakes and the commands of nix are always on',
  'local-overlay-store/verify': 'logs lie uncompressed in the log folder, where the script looks for a derivation by its name',
  misc: 'help is printed without man; the rest passes',
  recursive: 'there is no recursive Nix',
};
/** Programs that scripts expect in Nix's own store come from this machine. */
const PROGRAM_FOLDERS = ['/bin', '/usr', '/lib', '/lib64'];
/** What scripts delete of C++ Nix's memory of caches and fetched trees lies elsewhere with floe; and what it says is compared. */
const CHANGES: readonly (readonly [theirs: RegExp, ours: string])[] = [
  [/rm -f "\$TEST_HOME\/\.cache\/nix\/binary-cache"\*/g, 'rm -rf "$TEST_HOME/.cache/floe/narinfo"'],
  [/rm "\$TEST_HOME"\/\.cache\/nix\/fetcher-cache\*/g, 'rm -r "$TEST_HOME/.cache/floe/fetch"'],
  [/^cat > "\$NIX_CONF_DIR"\/nix\.conf <<EOF\n/m, '$&hints = false\n'],
];
/** The user `nobody` of Linux. */
const NOBODY = 65534;
/** meson's word for "skipped". */
const SKIPPED = 77;

interface Script {
  /** `gc`, `flakes/show`. */
  readonly name: string;
  /** meson's suite: `main`, `flakes`. */
  readonly suite: string;
  readonly file: string;
  readonly folder: string;
}

interface Outcome {
  readonly verdict: 'passed' | 'failed' | 'skipped';
  readonly reason: string;
  readonly log: string;
}

/** Where a run happens. */
interface Scratch {
  readonly place: string;
  readonly tests: string;
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    verbose: { type: 'boolean', short: 'v', default: false },
    oracle: { type: 'boolean', default: false },
    daemon: { type: 'boolean', default: false },
    root: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '1' },
    timeout: { type: 'string', default: '300' },
  },
});

const isForeign = process.getuid?.() === 0 && !options.root;
const root = resolve(fileURLToPath(new URL('.', import.meta.url)), '../..');
const checkout = process.env['FLOE_NIX_SUITE'];
const oracle = process.env['FLOE_ORACLE'];

if (checkout === undefined || checkout === '') {
  console.log('skipped: FLOE_NIX_SUITE does not name a checkout of NixOS/nix');
} else if (options.oracle && (oracle === undefined || oracle === '')) {
  console.log('skipped: FLOE_ORACLE does not name a real Nix');
} else {
  await main(checkout);
}

async function main(source: string): Promise<void> {
  const all = readScripts(join(source, 'tests/functional'));
  const unknown = positionals.filter((word) => !all.some((script) => isNamed(script, word)));
  if (unknown.length > 0) {
    console.log(`no script is called ${unknown.join(', ')}; --list names them`);
    process.exitCode = 1;
    return;
  }
  const chosen = positionals.length === 0 ? all : all.filter((script) => positionals.some((word) => isNamed(script, word)));
  if (options.list) {
    for (const script of chosen) console.log(script.name);
    return;
  }
  const scratch = prepare(source);
  const outcomes: Outcome[] = [];
  const waiting = [...chosen];
  const work = async (): Promise<void> => {
    for (let script = waiting.shift(); script !== undefined; script = waiting.shift()) {
      const outcome = await runScript(script, scratch);
      outcomes.push(outcome);
      const known = outcome.verdict === 'failed' && !options.oracle ? KNOWN_FAILURES[script.name] : undefined;
      const reasons = [outcome.reason, ...(known === undefined ? [] : [`known: ${known}`])].filter((text) => text !== '');
      console.log([`${outcome.verdict}  ${script.name}`, ...reasons].join(': '));
      if (options.verbose && outcome.verdict === 'failed') console.log(`${tail(outcome.log)}\n`);
    }
  };
  try {
    await Promise.all(Array.from({ length: Number(options.jobs) }, work));
  } finally {
    if (options.keep) console.log(`kept: ${scratch.place}`);
    else removeTree(scratch.place);
  }
  const passed = outcomes.filter(({ verdict }) => verdict === 'passed').length;
  const skipped = outcomes.filter(({ verdict }) => verdict === 'skipped').length;
  console.log(`passed ${passed} of ${outcomes.length} (${skipped} skipped by the suite itself)`);
  process.exitCode = passed + skipped === outcomes.length ? 0 : 1;
}

function isNamed(script: Script, word: string): boolean {
  if (word.endsWith('/')) return word === `${script.suite}/`;
  const plain = word.replace(/\.sh$/, '');
  return plain === script.name || plain === `${script.suite}/${script.name}`;
}

/** The scripts that the meson.build files list, in their order: the top level's first. */
function readScripts(folder: string): Script[] {
  const below = readdirSync(folder).filter(
    (name) => existsSync(join(folder, name, 'meson.build')) && !lstatSync(join(folder, name)).isSymbolicLink(),
  );
  return ['', ...below].flatMap((sub): Script[] => {
    const text = readFileSync(join(folder, sub, 'meson.build'), 'utf8').replace(/#.*/g, '');
    return [...text.matchAll(/'name'\s*:\s*'([^']+)'[^}]*?'tests'\s*:\s*\[([^\]]*)\]/g)].flatMap(([, suite, list]) =>
      [...list!.matchAll(/'([^']+)\.sh'/g)]
        .map(([, name]) => ({
          name: sub === '' ? name! : `${sub}/${name}`,
          suite: suite!,
          file: `${name}.sh`,
          folder: sub,
        }))
        .filter((script) => !NEEDS_CPP.includes(script.name)),
    );
  });
}

/** Copies the suite and configures the copy. */
function prepare(source: string): Scratch {
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'floe-fn-')));
  const tests = join(place, 'tests/functional');
  mkdirSync(join(place, 'tests'), { recursive: true });
  cpSync(join(source, 'tests/functional'), tests, { recursive: true, verbatimSymlinks: true });
  cpSync(join(source, 'scripts'), join(place, 'scripts'), { recursive: true, verbatimSymlinks: true });
  cpSync(join(source, '.version'), join(place, '.version'));
  makeWritable(tests);

  const bin = join(place, 'nix/bin');
  mkdirSync(bin, { recursive: true });
  for (const command of COMMANDS) {
    if (options.oracle) {
      // Where the oracle looks for the command along PATH, it must not find this file again.
      writeFileSync(join(bin, command), `#!/bin/sh\nPATH=$(echo "$PATH" | sed 's|${bin}:||g') exec ${oracle} ${command} "$@"\n`);
      chmodSync(join(bin, command), 0o755);
    } else {
      symlinkSync(join(root, 'bin/floe'), join(bin, command));
    }
  }

  const bash = findProgram('bash');
  const ls = findProgram('ls');
  if (bash === undefined || ls === undefined) throw new Error('bash and ls have to be on PATH');
  configure(tests, {
    bindir: bin,
    coreutils: dirname(ls),
    dot: findProgram('dot') ?? '',
    bash,
    sandbox_shell: makeBusybox(place) ?? '',
    PACKAGE_VERSION: readFileSync(join(place, '.version'), 'utf8').trim(),
    system: `${{ x64: 'x86_64', arm64: 'aarch64' }[process.arch as string] ?? process.arch}-${process.platform}`,
  });
  const programs = PROGRAM_FOLDERS.filter((path) => existsSync(path)).join(' ');
  const floe = [root, realpathSync(join(root, 'node_modules'))].join(' ');
  replaceIn(
    tests,
    ['build.sh', 'linux-sandbox.sh', 'nested-sandboxing.sh', 'nested-sandboxing/command.sh'],
    [
      [/\[\[ -d \/nix\/store \]\]/g, 'true'],
      [/(?<=EXTRA_SANDBOX=")\/nix\/store/g, `${programs} ${floe}`],
      [/(?<=--(?:option )?sandbox-paths )"?\/nix\/store"?/g, `"${programs}"`],
      [/\[\[ ! \$SHELL =~ \/nix\/store \]\]/g, 'false'],
    ],
  );
  if (!options.oracle) replaceIn(tests, ['common/functions.sh', 'common/init.sh', 'fetchGitSubmodules.sh'], CHANGES);
  mkdirSync(join(place, 't'));
  // Some scripts write beside themselves.
  if (isForeign) for (const path of listTree(place)) lchownSync(path, NOBODY, NOBODY);
  return { place, tests };
}

/** Makes the scripts fit their surroundings. */
function replaceIn(tests: string, names: readonly string[], changes: typeof CHANGES): void {
  for (const name of names) {
    const file = join(tests, name);
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      changes.reduce((changed, [theirs, ours]) => changed.replace(theirs, ours), text),
    );
  }
}

/** A busybox that knows itself also as `<hash>-busybox`, as that of nixpkgs does; undefined where there is none. */
function makeBusybox(place: string): string | undefined {
  const plain = findProgram('busybox');
  if (plain === undefined) return undefined;
  mkdirSync(join(place, 'tools'));
  const made = join(place, 'tools/busybox');
  const source = fileURLToPath(new URL('busybox.c', import.meta.url));
  const { status } = spawnSync('cc', ['-static', '-Os', `-DBUSYBOX="${plain}"`, '-o', made, source], { stdio: 'ignore' });
  return status === 0 ? made : plain;
}

/** Writes every `X` from its `X.in`, as meson's configure_file does. */
function configure(tests: string, values: Readonly<Record<string, string>>): void {
  for (const template of ['common/subst-vars.sh.in', 'config.nix.in', 'ca/config.nix.in', 'dyn-drv/config.nix.in']) {
    const text = readFileSync(join(tests, template), 'utf8').replace(/@(\w+)@/g, (whole, name: string) => values[name] ?? whole);
    writeFileSync(join(tests, template.slice(0, -'.in'.length)), text);
  }
}

function findProgram(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

async function runScript(script: Script, scratch: Scratch): Promise<Outcome> {
  const short = basename(script.file, '.sh');
  const temporary = join(scratch.place, 't', `${script.suite}-${short}`);
  mkdirSync(temporary, { recursive: true });
  if (isForeign) lchownSync(temporary, NOBODY, NOBODY);
  const logFile = join(temporary, 'log');
  const log = openSync(logFile, 'w');
  // Scripts open /dev/stderr by its path.
  if (isForeign) lchownSync(logFile, NOBODY, NOBODY);
  const inherited = Object.entries(process.env).filter(([name]) => !/^(NIX_|_NIX_|XDG_|GIT_|npm_)/.test(name));
  const child = spawn('bash', ['-x', '-e', '-u', '-o', 'pipefail', script.file], {
    cwd: join(scratch.tests, script.folder),
    env: {
      ...Object.fromEntries(inherited),
      _NIX_TEST_SOURCE_DIR: scratch.tests,
      _NIX_TEST_BUILD_DIR: scratch.tests,
      TEST_SUITE_NAME: script.suite,
      TEST_NAME: short,
      NIX_REMOTE: '',
      ...(options.daemon ? { NIX_DAEMON_PACKAGE: join(scratch.place, 'nix') } : {}),
      NIX_STORE: '',
      PS4: '+(${BASH_SOURCE[0]-$0}:$LINENO) ',
      TMPDIR: temporary,
      // Of Nix's own build environment, which scripts take for granted.
      shell: findProgram('bash'),
      out: join(scratch.place, 'out'),
    },
    stdio: ['ignore', log, log],
    ...(isForeign ? { uid: NOBODY, gid: NOBODY } : {}),
    // A group of its own: what hangs is ended with everything it started.
    detached: true,
  });
  const ended = await waitFor(child, Number(options.timeout) * 1000);
  closeSync(log);
  const text = readFileSync(logFile, 'latin1');
  if (!options.keep) removeTree(temporary);
  if (ended === 'timeout')
    return { verdict: 'failed', reason: `still running after ${options.timeout} s, at ${lastPlace(text)}`, log: text };
  if (ended === 0) return { verdict: 'passed', reason: '', log: text };
  if (ended === SKIPPED) return { verdict: 'skipped', reason: /^(.*), skipping this test\.\.\.$/m.exec(text)?.[1] ?? '', log: text };
  return { verdict: 'failed', reason: failureReason(text), log: text };
}

/** The exit status, or 'timeout' after everything was killed. */
function waitFor(child: ChildProcess, limitMs: number): Promise<number | 'timeout'> {
  return new Promise((done) => {
    const killAll = (): void => {
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {
        // nobody is left
      }
    };
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killAll();
    }, limitMs);
    child.on('exit', (code) => {
      clearTimeout(timer);
      killAll();
      done(timedOut ? 'timeout' : (code ?? 1));
    });
  });
}

/** Where the trace of bash ends. */
function lastPlace(log: string): string {
  const places = [...log.matchAll(/^\++\(([^)]*):(\d+)\) (.*)$/gm)].filter(([, file]) => !/common\/(functions|init|vars)\.sh$/.test(file!));
  const last = places.at(-1);
  return last === undefined ? 'its start' : `${basename(last[1]!)}:${last[2]} ${shorten(last[3]!)}`;
}

/** The line the script failed at, the command there, and the last error that was printed. */
function failureReason(log: string): string {
  const frames = log.split(/: test failed at:\n/)[1];
  const failed = [...(frames ?? '').matchAll(/^ {2}\S+ in (\S+):(\d+)$/gm)].find(([, file]) => !/common\/functions\.sh$/.test(file!));
  const place = failed === undefined ? lastPlace(log) : `${basename(failed[1]!)}:${failed[2]}`;
  const lines = log.split('\n');
  const traced =
    failed === undefined
      ? undefined
      : lines.findLast((line) => line.includes(`${basename(failed[1]!)}:${failed[2]}) `) && !line.endsWith(' onError'));
  const command = traced === undefined ? '' : ` ${shorten(traced.replace(/^\++\([^)]*\) /, ''))}`;
  const error = lines.findLast((line) => /^(test failed:|Expected exit code|error:)|\berror:/.test(line) && !line.startsWith('+'));
  return `${place}${command}${error === undefined ? '' : ` | ${shorten(error.trim())}`}`;
}

function shorten(text: string): string {
  return text.length > 140 ? `${text.slice(0, 137)}...` : text;
}

function tail(log: string): string {
  return log
    .trimEnd()
    .split('\n')
    .slice(-60)
    .map((line) => `    ${line}`)
    .join('\n');
}

function listTree(path: string): string[] {
  if (!lstatSync(path).isDirectory()) return [path];
  return [path, ...readdirSync(path).flatMap((name) => listTree(join(path, name)))];
}

function makeWritable(path: string): void {
  const kind = lstatSync(path);
  if (kind.isSymbolicLink()) return;
  chmodSync(path, kind.mode | 0o200 | (kind.isDirectory() ? 0o500 : 0));
  if (kind.isDirectory()) for (const name of readdirSync(path)) makeWritable(join(path, name));
}

/** Stores are read-only trees; what cannot be deleted (another's mount) is left. */
function removeTree(path: string): void {
  try {
    makeWritable(path);
    rmSync(path, { recursive: true, force: true });
  } catch {
    // left behind in the folder for temporary files
  }
}
