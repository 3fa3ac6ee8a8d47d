// What evaluation touches of the machine is written down with what is kept (engine/reads.ts), or nothing is kept: every path that node:fs was
// asked about while a command ran must be among the reads of its record. Random changes (tests/property/kept-results.test.ts) find what is
// read in other ways only by chance; this finds the door that somebody forgot.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { KeptReads } from '../../src/engine/reads.ts';
import { runFloe } from '../support/run-floe.ts';
import { touchedPaths } from '../support/touched-paths.ts';

const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'floe-reads-')));
const project = join(root, 'project');
const floe = resolve(fileURLToPath(new URL('.', import.meta.url)), '../..');
after(() => {
  spawnSync('chmod', ['-R', 'u+w', root]);
  fs.rmSync(root, { recursive: true });
});

const [CACHE, STORE, STATE] = [join(root, 'cache'), join(root, 'real/store'), join(root, 'real/state')];
const env = {
  HOME: join(root, 'home'),
  PATH: process.env['PATH'],
  XDG_CACHE_HOME: CACHE,
  GIT_CONFIG_NOSYSTEM: '1',
  NIX_REMOTE: `local?store=${root}/store&real=${STORE}&state=${STATE}&log=${root}/real/log`,
  NIX_PATH: `entry=${project}/d:${project}/near`,
};

/** What floe is made of, and what of the machine cannot change while it runs, or decides nothing that is kept. */
const FIXED = [
  ...[floe, dirname(fs.realpathSync(join(floe, 'node_modules/clipanion'))), '/proc', '/sys', '/dev'],
  // Results and compiled code, which is checked by content.
  join(CACHE, 'floe/results'),
  join(CACHE, 'floe/packs'),
  // How something would be fetched or built; if anything is, nothing is kept.
  ...['/etc/ssl', '/etc/pki', join(project, 'etc/netrc'), join(project, 'etc/machines')],
  // By fingerprints and revisions.
  ...['nar-hash', 'git-rev-count', 'forge-revision'].map((kind) => join(CACHE, 'floe/fetch/v1', kind)),
];

function write(name: string, text: string): void {
  fs.mkdirSync(dirname(join(project, name)), { recursive: true });
  fs.writeFileSync(join(project, name), text);
}

/** The reads of the record that a run wrote; undefined where it kept nothing. */
function recorded(before: ReadonlySet<string>): KeptReads | undefined {
  const folder = join(CACHE, 'floe/results');
  const fresh = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => !before.has(name)) : [];
  if (fresh.length === 0) return undefined;
  const text = fs.readFileSync(join(folder, fresh[0]!), 'utf8');
  return (JSON.parse(text.slice(text.indexOf('\n') + 1)) as { reads: KeptReads }).reads;
}

function results(): ReadonlySet<string> {
  const folder = join(CACHE, 'floe/results');
  return new Set(fs.existsSync(folder) ? fs.readdirSync(folder) : []);
}

const isIn = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** Objects of the store, and all that they refer to: as long as they are valid, that is. */
function closureOf(objects: readonly string[]): Set<string> {
  const database = new DatabaseSync(join(STATE, 'db/db.sqlite'), { readOnly: true });
  try {
    const references = database.prepare(
      'select r.path from Refs join ValidPaths v on v.id = referrer join ValidPaths r on r.id = reference where v.path = ?',
    );
    const found = new Set(objects);
    for (const one of found)
      for (const { path } of references.all(`${root}/store/${one}`)) found.add(String(path).slice(root.length + '/store/'.length));
    return found;
  } finally {
    database.close();
  }
}

/** Of what was touched, what the record does not have. */
function forgotten(touched: readonly string[], { paths, valid, invalid }: KeptReads): string[] {
  const known = new Set(paths.map(([path]) => path.replace(/(?<=.)\/$/, '')));
  const objects = closureOf([...valid, ...invalid]);
  return touched.filter((path) => {
    if (known.has(path) || FIXED.some((folder) => isIn(path, folder))) return false;
    // Named by their contents; but where .git itself is copied they are files like others.
    if (path.includes('/.git/objects/') && !known.has(path.replace(/(\/objects)\/.*/, '$1'))) return false;
    // An object of the store, or what only writing touches: locks, temporary names. Folders above are the store's own affair.
    if (isIn(path, STATE) || isIn(STORE, path) || isIn(`${root}/store`, path)) return false;
    const [object] = isIn(path, STORE) ? path.slice(STORE.length + 1).split('/') : [];
    if (object !== undefined) return !objects.has(object) && !/\.lock$|-floe-tmp-/.test(object);
    // What is below something that is not there.
    return ![...known].some((one) => isIn(path, one) && paths.some(([at, { k }]) => at === one && k === '-'));
  });
}

write('d/a.nix', '{ n ? 1 }: { inherit n; }');
write('d/default.nix', '2');
write('d/sub/b', 'b');
write('near/x', '3');
write('near/channel/default.nix', '3');
write('argument', 'argument');
write(
  'main.nix',
  `let
  drv = derivation { name = "thing"; system = "s"; builder = "b"; source = ./d; };
in {
  inherit drv;
  value = {
    a = import ./d/a.nix { };
    folder = import ./d;
    listing = builtins.readDir ./d;
    kind = [ (builtins.readFileType ./d/sub) (builtins.pathExists ./d/none) (builtins.pathExists ./link/sub/b) ];
    text = builtins.readFile ./d/sub/b + builtins.readFile ./link/sub/b;
    hash = builtins.hashFile "sha256" ./d/sub/b;
    filtered = builtins.path { path = ./d; name = "d"; filter = path: kind: baseNameOf path != "b"; };
    sources = builtins.filterSource (path: kind: true) ./near;
    copied = "\${./d/sub}";
    file = builtins.toFile "f" "text";
    found = [ <entry> <entry/sub/b> (import <channel>) (builtins.tryEval <nothing>).success ];
    env = builtins.getEnv "SOMETHING";
    tree = (builtins.fetchTree { type = "path"; path = toString ./near; }).narHash;
    git = (builtins.fetchGit ./.).outPath;
    toml = builtins.fromTOML (builtins.readFile ./near/toml);
  };
  called = { argument ? "none" }: argument;
}`,
);
write('near/toml', 'a = 1');
write('other/x', '4');
write(
  'flake.nix',
  `{
  inputs.near = { url = "path:./near"; flake = false; };
  outputs = { self, near }: {
    value = [ (builtins.readDir ./d) (import ./d/a.nix { }) (builtins.readFile "\${near}/x") self.lastModified (builtins.pathExists ./none) ];
    packages.x86_64-linux.default = derivation { name = "p"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo > $out" ]; src = ./d; };
    imported = builtins.readFile (derivation { name = "imported"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo 1 > $out" ]; }).outPath;
    checks.x86_64-linux.one = self.packages.x86_64-linux.default;
    apps.x86_64-linux.default = { type = "app"; program = "\${./d}/x"; };
  };
}`,
);
fs.symlinkSync('d', join(project, 'link'));
const git = (...args: string[]) =>
  spawnSync('git', ['-C', project, '-c', 'user.name=n', '-c', 'user.email=e@x', ...args], { stdio: 'ignore', env });
git('init', '--quiet');
git('add', '.');
git('commit', '--quiet', '-m', 'first');
fs.mkdirSync(join(root, 'home/.config/nix'), { recursive: true });
fs.writeFileSync(join(root, 'home/.config/nix/nix.conf'), '!include more.conf\n');
fs.writeFileSync(
  join(root, 'home/.config/nix/registry.json'),
  JSON.stringify({ version: 2, flakes: [{ from: { type: 'indirect', id: 'known' }, to: { type: 'path', path: project } }] }),
);

const COMMANDS: readonly (readonly string[])[] = [
  ['floe', 'flake', 'lock'],
  ['nix-instantiate', '--eval', '--strict', 'main.nix', '-A', 'value'],
  ['nix-instantiate', '--eval', '--strict', '-I', 'near', '-E', 'import <x>'],
  ['nix-instantiate', '--eval', 'main.nix', '-A', 'called', '--arg-from-file', 'argument', 'argument'],
  ['nix-instantiate', '--find-file', 'entry'],
  ['nix-instantiate', '--parse', 'd/a.nix'],
  ['nix-instantiate', 'main.nix', '-A', 'drv'],
  ['floe', 'eval', '--impure', '--json', '--expr', '(import ./main.nix).value'],
  ['floe', 'eval', '--json', '--file', 'main.nix', 'value'],
  ['floe', 'eval', '--json', '.#value'],
  ['floe', 'eval', '--json', `path:${project}#value`],
  ['floe', 'eval', '--json', 'known#value'],
  ['floe', 'eval', '--json', '.#value', '--override-input', 'near', 'path:./other'],
  ['floe', 'eval', '--json', '.#value', '--reference-lock-file', 'flake.lock'],
  ['floe', 'eval', '.#packages.x86_64-linux.default.drvPath'],
  ['floe', 'eval', '.#imported'],
  ['floe', 'flake', 'show', '--json'],
  ['floe', 'search', '.', '^'],
  ['floe', 'derivation', 'show', '.#default'],
  ['floe', 'flake', 'metadata', '--json'],
  ['floe', 'flake', 'info'],
  ['floe', 'flake', 'check', '--no-build'],
  ['floe', 'build', '--no-link', '.#default'],
  ['floe', 'build', '--no-link', '.#default', '--print-out-paths'],
  ['floe', 'build', '.#default'],
  ['floe', 'flake', 'check'],
  ['floe', 'path-info', '.#default'],
  [
    'nix-build',
    '-E',
    '(import ./flake.nix).outputs',
    '--arg',
    'self',
    'null',
    '--arg',
    'near',
    './near',
    '-A',
    'packages.x86_64-linux.default',
  ],
];
/** A run may write or build what the next one only reads, and says so: only that is kept, and printed by the third. */
const TURNS = 3;

test('every path that a kept result rests on is in its record', async (t) => {
  for (const words of COMMANDS) {
    await t.test(words.join(' '), async () => {
      const before = results();
      const run = () => touchedPaths(() => runFloe(words, { cwd: project, env, installation: 'test' }));
      let last = await run();
      for (let turn = 1; turn < TURNS && !last.result.isReplayed; turn++) {
        assert.equal(last.result.code, 0, last.result.stderr);
        const reads = recorded(before);
        if (reads !== undefined) assert.deepEqual(forgotten(last.paths, reads), []);
        last = await run();
      }
      assert.ok(last.result.isReplayed || words.includes('lock'), 'nothing was kept');
      const fresh = await runFloe(words, { cwd: project, env });
      assert.deepEqual([last.result.stdout, last.result.stderr], [fresh.stdout, fresh.stderr]);
    });
  }
});

test("where path: copies a folder with its .git, the times of git's files count as those of all others", async () => {
  const words = ['floe', 'eval', '--impure', '--expr', `(builtins.getFlake "path:${project}").lastModified`];
  const run = () => runFloe(words, { cwd: project, env, installation: 'test' });
  const folder = join(project, '.git/objects');
  const [object] = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /^..\/.{38}$/.test(name));
  for (const [index, file] of [join(folder, object!), join(project, '.git/HEAD'), join(project, '.git/refs')].entries()) {
    await run();
    assert.ok((await run()).isReplayed);
    const newest = Math.floor(Date.now() / 1000) + 1000 * (index + 1);
    fs.utimesSync(file, newest, newest);
    const { isReplayed, stdout } = await run();
    assert.deepEqual([isReplayed, stdout], [false, `${newest}\n`], file);
  }
});

/** A program, run with results kept; what it printed, and whether nothing ran. */
async function evaluate(file: string, more: readonly string[] = []): Promise<{ readonly text: string; readonly isReplayed: boolean }> {
  const words = ['nix-instantiate', '--eval', '--strict', join(project, file), ...more];
  const { stdout, isReplayed } = await runFloe(words, { cwd: project, env, installation: 'test' });
  return { text: stdout.trim(), isReplayed };
}

test('--no-eval-cache neither takes what is kept nor keeps anything', async () => {
  write('asked.nix', '1 + 1');
  const before = results();
  const without = ['--option', 'eval-cache', 'false'];
  for (let turn = 0; turn < 2; turn++) assert.deepEqual(await evaluate('asked.nix', without), { text: '2', isReplayed: false });
  assert.deepEqual(results(), before);
  assert.deepEqual(await evaluate('asked.nix'), { text: '2', isReplayed: false });
  assert.deepEqual(await evaluate('asked.nix'), { text: '2', isReplayed: true });
  const { isReplayed } = await runFloe(['floe', 'eval', '--file', 'asked.nix', '--no-eval-cache'], {
    cwd: project,
    env,
    installation: 'test',
  });
  assert.ok(!isReplayed);
});

test('a record that is damaged in any place counts as never written, and is written again', async () => {
  write('damaged.nix', '"some text"');
  const before = results();
  await evaluate('damaged.nix');
  const [name] = [...results()].filter((one) => !before.has(one));
  const file = join(CACHE, 'floe/results', name!);
  const whole = fs.readFileSync(file);
  const damages: readonly ((data: Buffer) => Buffer)[] = [
    () => Buffer.alloc(0),
    (data) => data.subarray(0, data.length - 1),
    (data) => data.subarray(0, 10),
    (data) => Buffer.concat([data, Buffer.from('x')]),
    (data) => Buffer.from(data.toString('latin1').replace('some text', 'sOme text'), 'latin1'),
    ...Array.from({ length: 40 }, (_, index) => (data: Buffer) => {
      data[Math.floor((index * data.length) / 40)]! ^= 1;
      return data;
    }),
  ];
  for (const damage of damages) {
    fs.writeFileSync(file, damage(Buffer.from(whole)));
    assert.deepEqual(await evaluate('damaged.nix'), { text: '"some text"', isReplayed: false });
    assert.deepEqual(await evaluate('damaged.nix'), { text: '"some text"', isReplayed: true });
  }
});

test('many processes at once keep, take and lose the same results', async () => {
  const floeProgram = join(floe, 'tests/support/keep-results.ts');
  const run = (seed: number): Promise<number | null> => {
    const child = spawn(process.execPath, [floeProgram, join(root, 'shared'), String(seed)], { stdio: ['ignore', 'ignore', 'inherit'] });
    return new Promise((done) => child.on('close', done));
  };
  assert.deepEqual(await Promise.all([1, 2, 3, 4].map(run)), [0, 0, 0, 0]);
  assert.deepEqual(
    fs.readdirSync(join(root, 'shared')).filter((name) => name.endsWith('.tmp')),
    [],
  );
});
