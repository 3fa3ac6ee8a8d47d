// The warm evaluator as a process: it starts after a run that had to evaluate, answers the next, and whatever happens to it in between
// (killed, stopped, its socket gone, its user's process interrupted) the user sees what a fresh process prints.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import type { WarmAnswer, WarmQuestion } from '../../src/cli/warm-answers.ts';
import { askWarm } from '../../src/daemon/warm-socket.ts';
import { installationOf } from '../../src/engine/kept-results.ts';

const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'floe-wp-')));
const started = new Set<number>();
after(() => {
  // Numbers come again: most of these have ended long ago, and may be another test's builder by now.
  for (const pid of started) if (isOurs(pid)) kill(pid, 'SIGKILL');
  spawnSync('chmod', ['-R', 'u+w', root]);
  fs.rmSync(root, { recursive: true, force: true });
});

/** Whether a process is one of this test. */
function isOurs(pid: number): boolean {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(root);
  } catch {
    return false;
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone.
  }
}

/** An installed floe, as far as floe can tell; it writes down whether it loaded the program. */
const entry = join(root, 'floe.cjs');
fs.writeFileSync(
  entry,
  `const { registerHooks } = require('node:module');
const { appendFileSync } = require('node:fs');
registerHooks({ load: (url, context, next) => {
  if (url.endsWith('/cli/main.ts') && !process.argv.includes('--warm-evaluator')) appendFileSync(${JSON.stringify(join(root, 'loads'))}, 'x');
  return next(url, context);
} });
import(${JSON.stringify(new URL('../../src/cli/start.ts', import.meta.url).href)});
`,
);
const project = join(root, 'project');
const env = { HOME: join(root, 'home'), PATH: process.env['PATH']!, NIX_REMOTE: join(root, 'store'), GIT_CONFIG_NOSYSTEM: '1' };
const FLAKE = `{
  inputs.set.url = "path:${root}/set";
  outputs = { self, set }: { value = (import set { system = "s"; }).make (import ./word.nix); slow = set.fib (import ./number.nix);
    thing = (import set { system = "s"; }).thing (import ./word.nix);
    apps = builtins.mapAttrs (system: _: { app = { type = "app"; program = "\${(import set { system = "s"; }).script (import ./word.nix)}"; }; })
      { x86_64-linux = 1; aarch64-linux = 1; };
  };
}`;
/** It takes long enough for a warm evaluator to be worth it. */
const SET = `{ system }: builtins.seq (builtins.foldl' (sum: x: sum + x * x) 0 (builtins.genList (x: x) 700000)) { make = word: (derivation { name = "made-\${word}"; inherit system; builder = "b"; }).drvPath;
    thing = word: derivation { name = "thing-\${word}"; inherit system; builder = "/bin/bash"; };
    script = word: derivation {
      name = word; system = "builtin"; builder = "builtin:fetchurl"; url = "file://${root}/script"; executable = true;
      outputHashMode = "recursive"; outputHash = "SCRIPT";
    };
  }`;
const SCRIPT = '#!/bin/sh\nread children < /proc/$$/task/$$/children\necho "$0 $*, children:$children"; echo to stderr >&2; exit 7\n';
const SET_FLAKE = `{ outputs = { self }: { fib = n: if n < 2 then n else self.fib (n - 1) + self.fib (n - 2); }; }`;

function write(path: string, text: string): void {
  fs.mkdirSync(join(root, path, '..'), { recursive: true });
  fs.writeFileSync(join(root, path), text);
}

const WORDS = ['--stack-size=4000', entry, '--launched', 'floe', '8192', 'unset'];

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  /** Whether the program itself was loaded. */
  readonly isFresh: boolean;
}

function floe(...words: string[]): Ran {
  fs.writeFileSync(join(root, 'loads'), '');
  const { stdout, stderr, status } = spawnSync(process.execPath, [...WORDS, ...words], { cwd: project, env, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return { stdout, stderr, isFresh: fs.readFileSync(join(root, 'loads'), 'utf8') !== '' };
}

/** The next state of the project, evaluated: with or without the warm evaluator. */
let round = 0;
function evaluate(...words: string[]): Ran {
  const name = `word${round++}`;
  write('project/word.nix', `"${name}"`);
  const ran = floe('eval', '--raw', '.#value', ...words);
  assert.match(ran.stdout, new RegExp(`^/nix/store/[0-9a-z]{32}-made-${name}\\.drv$`));
  assert.match(ran.stderr, /^warning: Git tree '.*' is dirty\n$/);
  return ran;
}

/** In a store that nobody needs to mount. */
const places = { NIX_STORE_DIR: `${root}/nix/store`, NIX_STATE_DIR: `${root}/nix/state`, NIX_LOG_DIR: `${root}/nix/log` };
const plain = {
  HOME: env.HOME,
  PATH: env.PATH,
  GIT_CONFIG_NOSYSTEM: '1',
  ...places,
  NIX_CONFIG: 'sandbox = false\nsubstitute = false',
};

const folder = join(root, 'home/.cache/floe/warm');

function socketPath(): string | undefined {
  const name = fs.existsSync(folder) ? fs.readdirSync(folder).find((one) => !one.includes('.')) : undefined;
  return name === undefined ? undefined : join(folder, name);
}

/** The number of the process behind the socket; undefined where nobody answers. */
function serverPid(): Promise<number | undefined> {
  const path = socketPath();
  if (path === undefined) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const socket = net.connect(path);
    socket.on('error', () => resolve(undefined));
    socket.on('close', () => resolve(undefined));
    socket.on('data', (data) => {
      const { pid } = JSON.parse(data.toString()) as { pid: number };
      started.add(pid);
      resolve(pid);
      socket.destroy();
    });
  });
}

async function until<Found>(what: string, look: () => Found | undefined | Promise<Found | undefined>): Promise<Found> {
  for (let tries = 0; tries < 200; tries++) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what}: not within 20 seconds`);
}

/** Whether a process runs; one that nobody waited for does not. */
function isGone(pid: number): true | undefined {
  try {
    return fs.readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ') ? true : undefined;
  } catch {
    return true;
  }
}

/** One that is there and has time. */
async function warmServer(): Promise<number> {
  const pid = await until('a warm evaluator', () => serverPid());
  await until('an answer', () => !evaluate().isFresh);
  return pid;
}

const skip =
  process.platform !== 'linux' ? 'looks at /proc' : spawnSync('git', ['--version']).status === 0 ? false : 'git is not installed';

test('the warm evaluator as a process', { skip }, async (t) => {
  write('script', SCRIPT);
  fs.chmodSync(join(root, 'script'), 0o755);
  write('set/flake.nix', SET_FLAKE);
  write('project/flake.nix', FLAKE);
  write('project/word.nix', '"word"');
  write('project/number.nix', '3');
  write('set/default.nix', SET.replace('SCRIPT', floe('hash', 'path', join(root, 'script')).stdout.trim()));
  const git = (...args: string[]) => spawnSync('git', ['-C', project, '-c', 'user.name=n', '-c', 'user.email=e@x', ...args], { env });
  git('init', '--quiet');
  git('add', '.');
  floe('flake', 'lock');
  git('add', '.');
  git('commit', '--quiet', '-m', 'first');

  await t.test('there is none unless the setting says so', async () => {
    assert.ok(evaluate().isFresh);
    assert.equal(socketPath(), undefined);
    write('home/.config/nix/nix.conf', 'warm-evaluator = 5\n');
    assert.ok(evaluate().isFresh);
    const pid = await warmServer();
    assert.equal(fs.statSync(folder).mode & 0o777, 0o700);
    assert.equal(fs.readlinkSync(`/proc/${pid}/cwd`), '/');
    assert.equal(fs.readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'), '1000\n');
    for (const fd of ['0', '1', '2']) assert.equal(fs.readlinkSync(`/proc/${pid}/fd/${fd}`), '/dev/null');
  });

  await t.test('what is kept is not for those who want no cache', async () => {
    await warmServer();
    assert.ok(evaluate('--no-eval-cache').isFresh);
  });

  await t.test('what has to be built is handed over', async () => {
    await warmServer();
    const observe = (...words: string[]) => {
      spawnSync('chmod', ['-R', 'u+w', `${root}/nix`]);
      fs.rmSync(`${root}/nix`, { recursive: true, force: true });
      const { stdout, stderr, status } = spawnSync(process.execPath, [...WORDS, ...words], { cwd: project, env: plain, encoding: 'utf8' });
      return { stdout, stderr, status };
    };
    const commands: readonly [status: number, ...words: string[]][] = [
      [1, 'build', '--no-link', '.#thing'],
      [100, 'develop', '.#thing'],
      [7, 'run', '.#app', '--', 'a', '$b'],
    ];
    for (const [status, command, ...words] of commands) {
      write('project/word.nix', `"handed-${round++}"`);
      const path = socketPath()!;
      const question: WarmQuestion = {
        launch: { calledAs: 'floe', childStackLimit: '8192', words: [command!, ...words] },
        cwd: project,
        env: plain,
        stdout: { isTerminal: false, columns: 80 },
        stderr: { isTerminal: false, columns: 80 },
        stdinIsTerminal: false,
        session: '',
      };
      const reply = await askWarm(path, installationOf(entry)!, question);
      assert.equal(reply.kind === 'answer' && (reply.answer as WarmAnswer).kind, 'handed', `${command} ${words.join(' ')}`);
      const handed = observe(command!, ...words);
      assert.deepEqual(handed, observe(command!, '--no-eval-cache', ...words));
      assert.equal(handed.status, status, handed.stderr);
    }
  });

  await t.test('one that is killed is replaced', async () => {
    const pid = await warmServer();
    kill(pid, 'SIGKILL');
    await until('its end', () => isGone(pid));
    assert.ok(evaluate().isFresh);
    assert.notEqual(await warmServer(), pid);
  });

  await t.test('one is no child of what its user runs', async () => {
    const before = await warmServer();
    kill(before, 'SIGKILL');
    await until('its end', () => isGone(before));
    write('project/word.nix', '"childless"');
    const { stdout, stderr } = spawnSync(process.execPath, [...WORDS, 'run', '.#app'], { cwd: project, env: plain, encoding: 'utf8' });
    assert.match(stdout, /-childless , children:\n$/, stderr);
    const pid = await until('a warm evaluator', () => serverPid());
    const sessionOf = (process: number | 'self') =>
      fs
        .readFileSync(`/proc/${process}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ')[3];
    assert.notEqual(sessionOf(pid), sessionOf('self'));
  });

  await t.test('one ends with the session of its user, and has none of his files open', async () => {
    const before = await warmServer();
    kill(before, 'SIGKILL');
    await until('its end', () => isGone(before));
    write('project/word.nix', '"session"');
    const script = `exec 200>${root}/locked; "$@"; echo done; exec sleep 100`;
    const words = ['-c', script, 'sh', process.execPath, ...WORDS, 'eval', '.#value'];
    const shell = spawn('bash', words, { cwd: project, env, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    shell.stdout.on('data', () => undefined);
    const pid = await until('a warm evaluator', () => serverPid());
    const open = fs.readdirSync(`/proc/${pid}/fd`).map((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`));
    assert.deepEqual(
      open.filter((path) => path === join(root, 'locked')),
      [],
    );
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.equal(isGone(pid), undefined);
    process.kill(-shell.pid!, 'SIGKILL');
    await until('its end', () => isGone(pid));
    assert.ok(evaluate().isFresh);
  });

  await t.test('one that does not answer is not waited for', async () => {
    const pid = await warmServer();
    kill(pid, 'SIGSTOP');
    assert.ok(evaluate().isFresh);
    kill(pid, 'SIGCONT');
    assert.equal(await warmServer(), pid);
  });

  await t.test('one whose socket is gone ends', async () => {
    const pid = await warmServer();
    fs.rmSync(socketPath()!);
    await until('its end', () => isGone(pid));
    assert.ok(evaluate().isFresh);
  });

  await t.test('one that dies at work costs nothing but time', async () => {
    const pid = await warmServer();
    write('project/number.nix', '24');
    const running = spawn(process.execPath, [...WORDS, 'eval', '.#slow'], { cwd: project, env, stdio: ['ignore', 'pipe', 'ignore'] });
    let stdout = '';
    running.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    const ended = once(running, 'close');
    await new Promise((resolve) => setTimeout(resolve, 400));
    kill(pid, 'SIGKILL');
    await ended;
    assert.equal(stdout, '46368\n');
  });

  await t.test('who interrupts the command ends the work', async () => {
    evaluate();
    const pid = await until('a warm evaluator', () => serverPid());
    write('project/number.nix', '60');
    const running = spawn(process.execPath, [...WORDS, 'eval', '.#slow'], { cwd: project, env, stdio: 'ignore' });
    const ended = once(running, 'exit') as Promise<[number | null, string | null]>;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    running.kill('SIGINT');
    const [, signal] = await ended;
    assert.equal(signal, 'SIGINT');
    await until('the end of the work', () => isGone(pid));
    // Another one may have been started meanwhile.
    evaluate();
  });

  await t.test('one whose floe is gone ends', async () => {
    const pid = await until('a warm evaluator', () => serverPid());
    fs.renameSync(entry, `${entry}.old`);
    await until('its end', () => isGone(pid));
    assert.equal(socketPath(), undefined);
  });
});
