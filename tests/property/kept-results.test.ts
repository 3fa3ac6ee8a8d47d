// Results kept between runs against fresh evaluation: files, folders, links, times, variables, settings, git's index and the store change
// at random, in every way that could go unnoticed, and whatever is printed again must be what evaluation prints now.
//
// FLOE_KEPT_ROUNDS sets the number of changes (a few dozen otherwise), FLOE_KEPT_SEED the seed of a run that failed.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { runFloe, type RunResult } from '../support/run-floe.ts';
import { makeRandom } from '../support/random.ts';

const rounds = Number(process.env['FLOE_KEPT_ROUNDS'] ?? 40);
const seed = Number(process.env['FLOE_KEPT_SEED'] ?? (Date.now() ^ process.pid) >>> 0);

const READ = `
  read = path:
    if !builtins.pathExists path then "missing" else
    let kind = builtins.readFileType path; in
    if kind == "regular" then builtins.readFile path
    else if kind == "directory" then builtins.mapAttrs (name: kind: if kind == "symlink" then kind else read (path + "/\${name}")) (builtins.readDir path)
    else kind;
`;

/** Reads in every way there is; what is not there is no error, so that most states of the folder give a value. */
const PROGRAM = `
let ${READ}
  maybe = path: value: if builtins.pathExists path then value else "missing";
  drv = derivation { name = "thing"; system = "s"; builder = "b"; tree = read ./d; inherit source; };
  source = maybe ./d (builtins.path { path = ./d; name = "d"; filter = path: kind: baseNameOf path != "b"; });
in {
  inherit drv;
  built = derivation { name = "built"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo > $out" ]; a = maybe ./d/a.nix (builtins.readFileType ./d/a.nix); };
  value = {
    tree = read ./d;
    a = maybe ./d/a.nix (import ./d/a.nix);
    copied = maybe ./d/sub "\${./d/sub}";
    inherit source;
    hash = maybe ./d/c (if builtins.readFileType ./d/c == "regular" then builtins.hashFile "sha256" ./d/c else "none");
    variables = map builtins.getEnv [ "V1" "V2" "HOME" ];
    found = (builtins.tryEval (toString <entry>)).value;
    inherit (builtins) currentSystem;
  };
}`;

const FLAKE = `{
  inputs.near.url = "path:./near";
  inputs.near.flake = false;
  outputs = { self, near }: let ${READ} in {
    value = {
      tree = read ./d;
      near = read "\${near}";
      from = self.rev or self.dirtyRev or "none";
      inherit (self) lastModified narHash;
      out = "\${self}";
    };
    small = builtins.pathExists ./d/b;
    packages.x86_64-linux.default = derivation { name = "p"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo > $out" ]; there = builtins.pathExists ./d/sub; };
    checks.x86_64-linux.one = self.packages.x86_64-linux.default;
    templates.default = { path = ./d; description = builtins.toJSON (read ./d/b); };
  };
}`;

const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'floe-kept-')));
after(() => {
  // Objects of the store are read only.
  spawnSync('chmod', ['-R', 'u+w', root]);
  fs.rmSync(root, { recursive: true, force: true });
});
const project = join(root, 'project');
const random = makeRandom(seed);
const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;

function git(...args: string[]): void {
  spawnSync('git', ['-C', project, '-c', 'user.name=n', '-c', 'user.email=e@x', ...args], { stdio: 'ignore', env: environment() });
}

const variables: Record<string, string | undefined> = {};

function environment(): Record<string, string | undefined> {
  return { HOME: join(root, 'home'), PATH: process.env['PATH'], GIT_CONFIG_NOSYSTEM: '1', ...variables };
}

function storeAt(name: string): string {
  return `local?store=${root}/store&real=${root}/${name}/store&state=${root}/${name}/state&log=${root}/${name}/log`;
}

/** A third of the names have the same first letter, so that renames meet. */
const NAMES = ['d/a.nix', 'd/b', 'd/c', 'd/sub/a', 'd/sub/b', 'd/sub', 'd/link', 'd/new', 'near/x', 'near/y', 'd'];
const TEXTS = ['1', '2', '"s"', '"t"', './b', '[ 1 ]', '[ 2 ]'];
const at = (name: string): string => join(project, name);
const name = (): string => at(pick(NAMES));

function writeFile(path: string, text: string): void {
  fs.rmSync(path, { recursive: true, force: true });
  fs.mkdirSync(join(path, '..'), { recursive: true });
  fs.writeFileSync(path, text);
}

/** The changes, by name. Most may do nothing, or fail, in the state that things are in. */
const CHANGES: Readonly<Record<string, () => void>> = {
  write: () => writeFile(name(), pick(TEXTS)),
  overwrite: () => fs.writeFileSync(name(), pick(TEXTS)),
  append: () => fs.appendFileSync(name(), ' '),
  'same size, same times': () => {
    const path = name();
    const { atime, mtime, size } = fs.statSync(path);
    fs.writeFileSync(path, pick(TEXTS.filter((text) => text.length === size)));
    fs.utimesSync(path, atime, mtime);
  },
  touch: () => fs.utimesSync(name(), random(2_000_000_000), random(2_000_000_000)),
  'another file of the same content': () => {
    const path = name();
    const text = fs.readFileSync(path);
    fs.writeFileSync(`${path}~`, text);
    fs.renameSync(`${path}~`, path);
  },
  delete: () => fs.rmSync(name(), { recursive: true }),
  rename: () => fs.renameSync(name(), name()),
  swap: () => {
    const [one, other] = [name(), name()];
    fs.renameSync(one, `${root}/swap`);
    fs.renameSync(other, one);
    fs.renameSync(`${root}/swap`, other);
  },
  folder: () => fs.mkdirSync(name(), { recursive: true }),
  link: () => {
    const path = name();
    fs.rmSync(path, { recursive: true, force: true });
    fs.symlinkSync(pick(['a.nix', 'b', 'sub', '../near', 'nowhere', at('d/c')]), path);
  },
  mode: () => fs.chmodSync(name(), pick([0o644, 0o755])),
  variable: () => (variables[pick(['V1', 'V2'])] = pick([undefined, '', '1', '2'])),
  'search path': () => (variables['NIX_PATH'] = pick([undefined, `entry=${at('d')}`, `entry=${at('near')}`, project, ''])),
  setting: () =>
    writeFile(join(root, 'home/.config/nix/nix.conf'), pick(['eval-system = one\n', 'eval-system = two\n', 'cores = 3\n', ''])),
  'variable with settings': () => (variables['NIX_CONFIG'] = pick([undefined, 'eval-system = three', 'include more.conf'])),
  registry: () => writeFile(join(root, 'home/.config/nix/registry.json'), '{"flakes":[],"version":2}'),
  'git add': () => git('add', '--force', pick(['.', 'd', 'd/new', 'near', 'flake.lock'])),
  'git rm': () => git('rm', '-r', '--cached', pick(['d/b', 'd/sub', 'd/new'])),
  'git commit': () => git('commit', '--quiet', '--allow-empty', '-m', 'x', pick(['-a', '--allow-empty'])),
  'git status': () => git('status'),
  'git checkout': () => git('checkout', '--quiet', '--', pick(['d', 'near', '.'])),
  'git reset': () => git('reset', '--quiet', pick(['--soft', '--mixed']), pick(['HEAD', 'HEAD~1'])),
  'git branch': () => git('checkout', '--quiet', '-B', pick(['one', 'two'])),
  'git attributes': () => writeFile(at('.gitattributes'), pick(['* text\n', '*.nix -text\n'])),
  'git configuration': () => writeFile(join(root, 'home/.gitconfig'), pick(['[core]\nautocrlf = input\n', ''])),
  'git object': () => spawnSync('git', ['-C', project, 'hash-object', '-w', '--stdin'], { input: String(random(50)), env: environment() }),
  'git packs': () => git('repack', '-a', '-d', '--quiet'),
  'lock file': () => fs.rmSync(at('flake.lock'), { force: true }),
  'store objects': () => {
    spawnSync('chmod', ['-R', 'u+w', `${root}/kept`]);
    for (const part of ['store', 'state']) fs.rmSync(`${root}/kept/${part}`, { recursive: true, force: true });
  },
  damage: () => {
    const folder = join(root, 'cache/floe/results');
    const file = join(folder, pick(fs.readdirSync(folder)));
    const data = fs.readFileSync(file);
    data[random(data.length)]! ^= 1 << random(8);
    fs.writeFileSync(file, pick([data, data.subarray(0, random(data.length))]), { mode: 0o600 });
  },
  nothing: () => {},
};

const COMMANDS: readonly (readonly string[])[] = [
  ['nix-instantiate', '--eval', '--strict', '--json', at('main.nix'), '-A', 'value'],
  ['nix-instantiate', '--readonly-mode', '--eval', at('main.nix'), '-A', 'drv.drvPath'],
  ['nix-instantiate', at('main.nix'), '-A', 'drv'],
  ['floe', 'eval', '--json', '--file', at('main.nix'), 'value'],
  ['floe', 'eval', '--json', '.#value'],
  ['floe', 'eval', '.#small'],
  ['floe', 'eval', '--json', '--no-write-lock-file', `path:${project}#value`],
  ['floe', 'flake', 'metadata', '--json'],
  ['floe', 'flake', 'info', `path:${project}`],
  ['floe', 'flake', 'show', '--json'],
  ['floe', 'flake', 'check', '--no-build'],
  ['floe', 'flake', 'check'],
  ['floe', 'derivation', 'show', '.#default'],
  ['floe', 'path-info', '.#default', '--closure-size'],
  ['floe', 'search', '.', '^'],
  ['floe', 'build', '--no-link', '--print-out-paths', '.#default'],
  ['nix-build', at('main.nix'), '-A', 'built'],
  ['nix-build', '--no-out-link', at('main.nix'), '-A', 'built'],
  ['floe', 'eval', '--impure', '--expr', 'builtins.attrNames (builtins.getFlake (toString ./.))'],
];

/** Commands that say so when they build, or what would have to be. */
const BUILDS = /build|flake check$|path-info/;

function run(words: readonly string[], isFresh: boolean): Promise<RunResult> {
  const cache = join(root, isFresh ? 'fresh/cache' : 'cache');
  const env = { ...environment(), XDG_CACHE_HOME: cache, NIX_REMOTE: storeAt(isFresh ? 'fresh' : 'kept') };
  return runFloe(words, { cwd: project, env, ...(isFresh ? {} : { installation: 'test' }) });
}

async function freshly(words: readonly string[]): Promise<RunResult> {
  spawnSync('chmod', ['-R', 'u+w', `${root}/fresh`]);
  fs.rmSync(`${root}/fresh`, { recursive: true, force: true });
  const isAboutBuilt = words.includes('path-info');
  const first = await run(isAboutBuilt ? ['floe', 'build', '--no-link', '.#default'] : words, true);
  // Only what was built before is kept.
  return BUILDS.test(words.join(' ')) ? run(words, true) : first;
}

const gitIsThere = spawnSync('git', ['--version']).status === 0;

test(
  `what is printed again is what evaluation prints now (seed ${seed})`,
  { skip: gitIsThere ? false : 'git is not installed' },
  async () => {
    fs.mkdirSync(project, { recursive: true });
    for (const [file, text] of Object.entries({
      'main.nix': PROGRAM,
      'flake.nix': FLAKE,
      'd/a.nix': '1',
      'd/b': 'b',
      'd/sub/a': '2',
      'near/x': '3',
    }))
      writeFile(at(file), text);
    git('init', '--quiet');
    git('add', '.');
    git('commit', '--quiet', '-m', 'first');
    const history: string[] = [];
    let words = pick(COMMANDS);
    let replays = 0;
    let keepable = 0;
    const replayed = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      for (let count = pick([0, 1, 1, 1, 2]); count > 0; count--) {
        const change = pick(Object.keys(CHANGES));
        try {
          CHANGES[change]!();
          history.push(change);
        } catch (error) {
          assert.ok(error instanceof Error && 'code' in error, String(error));
        }
      }
      // Long enough for times to prove something, now and then.
      if (random(4) === 0) await new Promise((resolve) => setTimeout(resolve, 130));
      // Often the same again: only then can it be found.
      if (random(5) < 2) words = pick(COMMANDS);
      // A command changes what the next one finds (the lock file): what is kept is asked first, as it is for a user.
      const kept = await run(words, false);
      const fresh = await freshly(words);
      const where = `${words.join(' ')}\nafter ${history.slice(-12).join(', ')}\nreplayed: ${kept.isReplayed}; seed ${seed}, round ${round}\n${fresh.stderr}`;
      if (kept.isReplayed) {
        replays++;
        replayed.set(words.join(' '), (replayed.get(words.join(' ')) ?? 0) + 1);
        assert.deepEqual([fresh.stdout, fresh.stderr, fresh.code], [kept.stdout, kept.stderr, 0], where);
      } else if (!kept.stderr.includes('lock file') && !words.includes('path-info'))
        assert.deepEqual([kept.stdout, kept.code], [fresh.stdout, fresh.code], where);
      if (kept.code === 0) keepable++;
      if (kept.code === 0 && words[0] === 'nix-instantiate' && words.length === 4) {
        const [path] = kept.stdout.trim().split('\n');
        assert.ok(fs.existsSync(`${root}/kept/store/${path!.slice(root.length + 7)}`), `${path} is not in the store\n${where}`);
      }
    }
    assert.ok(replays > keepable / 10 - 2, `only ${replays} of ${keepable} results were found again`);
    if (process.env['FLOE_KEPT_ROUNDS'] !== undefined)
      console.log(`${rounds} rounds, ${keepable} values, ${replays} of them printed again, seed ${seed}`, replayed);
  },
);
