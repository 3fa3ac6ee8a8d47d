// Work over many attributes by several processes (setting `eval-cores`) gives what one process gives, to the byte: values, lines and
// messages in their order, errors, derivations in the store. Whatever happens to a process that helps, nobody notices, and nothing is left.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const floe = resolve(fileURLToPath(new URL('.', import.meta.url)), '../../bin/floe');
const root = mkdtempSync(join(tmpdir(), 'floe-several-'));
const tmp = join(root, 'tmp');
mkdirSync(tmp);
after(() => {
  spawnSync('chmod', ['-R', 'u+w', root]);
  rmSync(root, { recursive: true });
});

/** Takes about 10 ms: 120 of them are more than what helping is worth, on a fast machine too. */
const WORK = "work = n: builtins.foldl' (a: b: a + b) n (builtins.genList (x: x * n) 120000);";

/** A set of which each attribute takes some milliseconds; `body` is what attribute `n` (a number) is beside that. */
function program(name: string, body: string, count = 120): string {
  const file = join(root, `${name.replaceAll(' ', '-')}.nix`);
  writeFileSync(
    file,
    `let
  ${WORK}
  shared = builtins.trace "shared" 1;
  attr = n: builtins.seq (work n) (${body});
in builtins.trace "the file" (builtins.listToAttrs (builtins.genList (n: { name = "n\${toString n}"; value = attr n; }) ${count}))`,
  );
  return file;
}

interface Run {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly store?: string;
  readonly tmp?: string;
  /** Told of each process that helps. */
  readonly onHelper?: (pid: number) => void;
}

/** Processes that help another one. */
function helpersOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
    return children.filter((child) => readFileSync(`/proc/${child}/cmdline`, 'latin1').includes('--helping'));
  } catch {
    // Gone meanwhile, or not Linux.
    return [];
  }
}

async function run(words: readonly string[], cores: number, { store = 'store', onHelper, ...options }: RunOptions = {}) {
  const child = spawn(floe, [...words, '--eval-cores', String(cores)], {
    cwd: root,
    env: {
      ...{ PATH: process.env['PATH'], HOME: root, NIX_REMOTE: join(root, store), FLOE_DEV: '', TMPDIR: options.tmp ?? tmp },
      NIX_CONFIG: 'eval-cache = false',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('latin1').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('latin1').on('data', (text: string) => (stderr += text));
  let ended: Run | undefined;
  child.on('close', (code, signal) => (ended = { code, signal, stdout, stderr }));
  const helpers = new Set<number>();
  while (ended === undefined) {
    for (const helper of helpersOf(child.pid!)) {
      if (helpers.has(helper)) continue;
      helpers.add(helper);
      onHelper?.(helper);
    }
    await sleep(10);
  }
  assert.deepEqual(readdirSync(tmp), [], 'files are left');
  return { ...ended, helpers: helpers.size };
}

/** One process alone, by words: what others are held against. */
const alone = new Map<string, Run>();

/** The same by one process and by several. */
async function assertSame(words: readonly string[], cores: number, options: RunOptions = {}): Promise<Run> {
  const several = await run(words, cores, options);
  if (existsSync('/proc/self/task')) assert.ok(several.helpers > 0, `nobody helped ${words.join(' ')}`);
  const key = words.join(' ');
  const one = alone.get(key) ?? (await run(words, 1));
  alone.set(key, one);
  assert.equal(several.stdout, one.stdout);
  assert.equal(several.stderr, one.stderr);
  assert.deepEqual([several.code, several.signal], [one.code, one.signal]);
  return several;
}

for (const [name, body] of Object.entries({
  values: '{ inherit n; twice = [ n (n * 2) ]; }',
  messages: 'if n > 90 && builtins.bitAnd n 7 == 0 then builtins.trace "says ${toString n}" (shared + n) else n',
  'early messages': 'if n < 3 || n > 110 then builtins.trace "says ${toString n}" (shared + n) else n',
  error: 'if n == 96 || n == 95 then throw "no ${toString n}" else n',
  'error after messages': 'if n == 95 then throw "no ${toString n}" else if n == 70 then builtins.trace "seventy" n else n',
})) {
  test(`${name} are those of one process`, async () => {
    await assertSame(['eval', '--json', '--file', program(name, body)], 3);
  });
}

test('a function over a set', async () => {
  const file = program('applied', 'n');
  await assertSame(['eval', '--json', '--file', file, '--apply', 'builtins.mapAttrs (name: n: builtins.trace name (n + 1))'], 2);
});

test('the time is the same for all', async () => {
  const { stdout } = await run(['eval', '--json', '--impure', '--file', program('times', 'builtins.currentTime')], 3);
  assert.equal(new Set(Object.values(JSON.parse(stdout) as Record<string, number>)).size, 1);
});

const DERIVATION = '(derivation { name = "d${toString n}"; system = "s"; builder = "b"; })';

test('derivations of all processes are in the store', async () => {
  for (const body of [`${DERIVATION}.drvPath`, `(if n > 110 then builtins.trace "late" else (x: x)) ${DERIVATION}.drvPath`]) {
    const result = await run(['eval', '--json', '--file', program('derivations', body)], 3, { store: 'new-store' });
    assert.equal(result.code, 0, result.stderr);
    const paths = Object.values(JSON.parse(result.stdout) as Record<string, string>);
    assert.equal(paths.length, 120);
    for (const path of paths) assert.ok(existsSync(join(root, 'new-store', path)), path);
    spawnSync('chmod', ['-R', 'u+w', join(root, 'new-store')]);
    rmSync(join(root, 'new-store'), { recursive: true });
  }
});

test('nix-instantiate', async () => {
  const body = 'derivation { name = "d${toString n}"; system = "s"; builder = builtins.toJSON [ (work n) (work (n + 1)) ]; }';
  const { code, stdout } = await assertSame(['nix-instantiate', program('instantiate', body)], 3, { store: 'instantiated' });
  assert.equal(code, 0);
  for (const path of stdout.trim().split('\n')) assert.ok(existsSync(join(root, 'instantiated', path)), path);
});

/** A flake of three systems and four configurations. `late` belongs to a package of the last system. */
function flake(name: string, { late = '1', shell = 'package system 0' } = {}): string {
  const folder = join(root, name);
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'flake.nix'),
    `{
  outputs = { self }: let
    ${WORK}
    sum = count: builtins.foldl' (a: i: a + work i) 0 (builtins.genList (i: i) count);
    each = f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) [ "x86_64-linux" "aarch64-linux" "riscv64-linux" ]);
    many = f: builtins.listToAttrs (builtins.genList (n: { name = "p\${toString n}"; value = f n; }) 40);
    package = system: n: derivation {
      name = builtins.seq (sum 3) "p\${toString n}-1.\${toString n}";
      inherit system;
      builder = toString (work n);
    } // { meta.description = if n == 25 && system == "riscv64-linux" then toString (${late}) else "a package \${toString (work n)}"; };
  in {
    packages = each (system: many (package system));
    checks = each (system: { one = package system 7; });
    devShells = each (system: { default = ${shell}; });
    apps = each (system: { default = { type = "app"; program = "/\${toString (sum 1)}"; }; });
    legacyPackages = each (system: many (n: if n == 3 then throw "broken" else package system n));
    nixosConfigurations = builtins.mapAttrs (name: n: { config.system.build.toplevel = builtins.seq (sum n) (package "x86_64-linux" 1); })
      { a = 120; b = 120; c = 120; d = 10; };
    overlays.default = final: prev: { };
    hydraJobs.job = package "x86_64-linux" 3;
  };
}`,
  );
  return `path:${folder}`;
}

test('flakes', async (t) => {
  const url = flake('plain');
  for (const cores of [0, 3]) {
    await t.test(`check, eval-cores ${cores}`, () => assertSame(['flake', 'check', '--no-build', '--all-systems', url], cores).then());
    await t.test(`show, eval-cores ${cores}`, () =>
      assertSame(['flake', 'show', '--all-systems', url, '--json', '--legacy'], cores).then(),
    );
  }
  await t.test('show as text', () => assertSame(['flake', 'show', '--legacy', '--all-systems', url], 3).then());
  await t.test('search', () => assertSame(['search', url, 'p1'], 3).then());
  await t.test('one system: nobody helps who was not asked', async () => {
    const { helpers } = await run(['flake', 'show', url], 0);
    assert.equal(helpers, 0);
  });
});

test('flakes with messages and errors', async (t) => {
  const speaking = flake('speaking', { late: 'builtins.trace "says something" 1', shell: 'builtins.trace "a shell" (package system 0)' });
  const failing = flake('failing', { late: 'throw "it fails"', shell: 'throw "no shell"' });
  for (const [name, url] of Object.entries({ speaking, failing })) {
    await t.test(`check, ${name}`, () => assertSame(['flake', 'check', '--no-build', '--keep-going', '--all-systems', url], 3).then());
  }
});

test('a process that helps is killed', async () => {
  const file = program('killed', DERIVATION, 200);
  for (const afterMs of [0, 400]) {
    await assertSame(['eval', '--json', '--file', file], 3, {
      onHelper: (pid) => {
        setTimeout(() => {
          if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
        }, afterMs);
      },
    });
  }
});

test('the first process is killed: nobody goes on, and nothing is left', { skip: !existsSync('/proc/self/task') }, async () => {
  const parentOf = (pid: number): number => Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]);
  let last = 0;
  const { signal } = await run(['eval', '--json', '--file', program('interrupted', 'n', 2000)], 2, {
    onHelper: (pid) => process.kill(parentOf((last = pid)), 'SIGKILL'),
  });
  assert.equal(signal, 'SIGKILL');
  for (let tries = 0; tries < 300 && existsSync(`/proc/${last}`); tries++) await sleep(10);
  assert.ok(!existsSync(`/proc/${last}`), 'the process that helped goes on');
});

test('a process that helps ends when it uses too much memory', async () => {
  // One that V8 ends in the middle of a part, and one that ends by itself between parts.
  const inside = 'if n == 110 then builtins.deepSeq (builtins.genList (i: { inherit i; }) 600000) n else n';
  const keeping = 'builtins.genList (i: { inherit i n; }) 3000';
  for (const [name, body] of Object.entries({ inside, keeping }))
    await assertSame(['eval', '--json', '--file', program(name, body), '--eval-memory', '40'], 2);
});

test('where no file can be made, one process does it all', async () => {
  const words = ['eval', '--json', '--file', program('full', 'n')];
  const { helpers, stdout } = await run(words, 3, { tmp: join(root, 'not-there') });
  assert.equal(helpers, 0);
  assert.equal(stdout, (await run(words, 1)).stdout);
});
