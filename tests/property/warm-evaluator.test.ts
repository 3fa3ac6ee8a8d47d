// The warm evaluator against fresh evaluation: projects and their inputs change at random, two projects take turns, derivations vanish from
// the store, inputs are locked anew and overridden, and whatever is answered (or printed again later) must be what an evaluation
// without any cache prints now. Where the evaluator hands over, a second process builds on from there: what it prints, how it
// ends and what it becomes must be what a fresh one does. Most derivations here cannot be built on any machine, which is said with their
// paths; a few are downloads of a file.
//
// FLOE_WARM_ROUNDS sets the number of rounds (a few dozen otherwise), FLOE_WARM_SEED the seed of a run that failed.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { FloeError } from '../../src/base/errors.ts';
import { findOutput, type Printed } from '../../src/cli/kept-output.ts';
import { WarmAnswers, type WarmQuestion } from '../../src/cli/warm-answers.ts';
import { becomeKept } from '../../src/engine/kept-launch.ts';
import { makeRandom } from '../support/random.ts';
import { runFloe, type RunOptions, type RunResult } from '../support/run-floe.ts';

const rounds = Number(process.env['FLOE_WARM_ROUNDS'] ?? 40);
const seed = Number(process.env['FLOE_WARM_SEED'] ?? (Date.now() ^ process.pid) >>> 0);

/** A small package set: a function of plain data, overlays and configuration, with functions, files and positions in it. */
const SET = `{ system ? "s", overlays ? [ ], config ? { }, ... }@args:
let
  fix = f: let x = f x; in x;
  base = self: {
    inherit config args;
    tool = derivation { name = "tool-\${import ./version.nix}"; inherit system; builder = "b"; src = ./src; flag = config.flag or "none"; };
    lib = derivation { name = "lib"; inherit system; builder = self.tool; text = builtins.readFile ./text; };
    make = given: derivation ({ name = "made"; inherit system; builder = self.tool; inputs = [ self.lib ]; } // given);
    where = name: builtins.unsafeGetAttrPos name args;
    line = (builtins.unsafeGetAttrPos "system" args).line or 0;
    script = builtins.toFile "script" "use \${self.lib}";
    same = f: f == self.make;
    broken = throw "broken \${system}";
    failing = builtins.tryEval (throw "x");
    noisy = builtins.trace "noise" 1;
    loop = self.loop;
    bash = derivation { name = "sh"; inherit system; builder = "/bin/bash"; lib = self.lib; };
    blob = word: derivation {
      name = "blob-\${word}-\${import ./version.nix}"; system = "builtin"; builder = "builtin:fetchurl"; url = "file://ROOT/blob";
      outputHashMode = "recursive"; outputHash = "BLOB"; executable = true;
    };
  };
in fix (self: builtins.foldl' (set: overlay: set // overlay self set) (base self) overlays)`;

const SET_FLAKE = `{
  outputs = { self }: {
    legacyPackages = import ./. { system = "t"; };
    overlays.default = final: prev: { extra = final.make { name = "extra"; }; };
    lib.twice = f: x: f (f x);
    here = "\${self}";
    facts = { inherit (self) narHash; modified = self.lastModified or 0; };
  };
}`;

const USER_FLAKE = `{
  inputs.set.url = "path:SET";
  outputs = { self, set }: {
    set = set.legacyPackages;
    value = { tool = set.legacyPackages.tool.drvPath; inherit (set) facts; };
    overlays.default = final: prev: { more = prev.make { name = "more"; word = "1"; }; };
  };
}`;

/** Outputs that the project may have; MORE and OWN are its own files. */
const EXPRESSIONS = [
  '(import set { }).tool.drvPath',
  '(import set { system = "u"; }).make { name = "mine"; word = import ./own.nix; }',
  '(import set { system = "u"; config = { flag = "f"; }; }).tool',
  '(import set { system = "u"; config.flag = import ./own.nix; }).tool',
  '(import set { system = "u"; overlays = [ set.overlays.default ]; }).extra.drvPath',
  '(import set { system = "u"; overlays = [ set.overlays.default user.overlays.default ]; }).more',
  '(import set { system = "u"; overlays = [ (final: prev: { own = import ./own.nix; }) ]; }).own',
  '(import set { system = "u"; }).where "system"',
  '(import set { system = "u"; }).line',
  '(import set { system = "u"; config = { a = [ 1 2 ]; }; }).args',
  'let c = { a = [ 1 2 ]; }; in [ c (import set { config = c; }).config ]',
  'let p = import set { }; in p.same p.make',
  'let p = import set { }; q = import set { }; in [ (p == q) (p.same q.make) (p.tool == q.tool) ]',
  'map (s: (import set { system = s; }).lib.drvPath) [ "x" "y" "x" ]',
  '(import set { }).bash',
  '(import set { system = "u"; }).make { name = "mine"; builder = "/bin/bash"; word = import ./own.nix; src = ./d; }',
  '(import set { }).broken or 1',
  '(import set { }).failing',
  '(import set { }).noisy',
  '(builtins.tryEval (import set { }).broken).success',
  'set.legacyPackages.make { name = "m"; src = ./d; }',
  'set.legacyPackages.script',
  'builtins.unsafeDiscardStringContext set.legacyPackages.lib.drvPath',
  '{ inherit (set) facts here; inherit (user) value; }',
  'set.lib.twice (x: x + import ./own.nix) "0"',
  'user.set == set.legacyPackages',
  'user.set.tool.drvPath',
  '(import set { }).make',
  '{ inherit (set.lib) twice; f = import ./d/f.nix; g = import set; }',
  'near.x',
  'near.set.tool',
  'import ./d',
  'import ./d/f.nix { a = 1; }',
  'builtins.readDir ./d',
  'builtins.readFile "${set}/text"',
  'import "${set}/version.nix"',
  'builtins.path { path = ./d; name = "d"; filter = path: kind: baseNameOf path != "x"; }',
  'self.narHash',
  'builtins.attrNames self.inputs',
  'builtins.unsafeGetAttrPos "value" self',
  'builtins.readFile set.legacyPackages.script',
  '(builtins.getFlake "path:${set}?narHash=${set.narHash}").facts',
];

/** Derivations; the first half can be built. */
const DERIVATIONS = [
  '(import set { }).blob (import ./own.nix)',
  '(import set { system = "u"; }).blob "same"',
  'set.legacyPackages.blob (builtins.hashString "md5" set.facts.narHash)',
  'set.legacyPackages.blob (builtins.hashString "md5" (builtins.readFile ./d/x))',
  'set.legacyPackages.blob user.set.args.system',
  'set.legacyPackages.make { name = "m"; src = ./d; }',
  '(import set { system = "u"; overlays = [ set.overlays.default user.overlays.default ]; }).more',
  '(import set { system = "u"; }).make { name = "mine"; builder = "/bin/bash"; word = import ./own.nix; src = ./d; }',
  '(import set { system = "u"; config.flag = import ./own.nix; }).tool',
  '(import set { }).make { name = "has-file"; file = set.legacyPackages.script; blob = (import set { }).blob "same"; }',
];

const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'floe-warm-')));
after(() => {
  // Objects of the store are read only.
  spawnSync('chmod', ['-R', 'u+w', root]);
  fs.rmSync(root, { recursive: true, force: true });
});
const random = makeRandom(seed);
const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
const PROJECTS = ['one', 'two'];

function environment(): Record<string, string> {
  return { HOME: join(root, 'home'), PATH: process.env['PATH']!, GIT_CONFIG_NOSYSTEM: '1', NIX_CONF_DIR: join(root, 'etc') };
}

function git(project: string, ...args: string[]): void {
  spawnSync('git', ['-C', join(root, project), '-c', 'user.name=n', '-c', 'user.email=e@x', ...args], {
    stdio: 'ignore',
    env: environment(),
  });
}

function write(path: string, text: string): void {
  fs.mkdirSync(join(root, path, '..'), { recursive: true });
  fs.writeFileSync(join(root, path), text);
}

function storeAt(name: string): string {
  return `local?store=${root}/store&real=${root}/${name}/store&state=${root}/${name}/state&log=${root}/${name}/log`;
}

/** The project's flake, with a few of the expressions. */
function writeFlake(project: string): void {
  const near = `near = import ./near { inherit set; };`;
  const [value, other] = [pick(random(2) === 0 ? DERIVATIONS : EXPRESSIONS), pick(random(3) === 0 ? DERIVATIONS : EXPRESSIONS)];
  const lines = '\n'.repeat(random(3)) + pick(CONFIGS);
  write(
    `${project}/flake.nix`,
    `{\n  inputs.set.url = "path:${root}/set";\n  inputs.user.url = "path:${root}/user";\n  inputs.user.inputs.set.follows = "set";\n${lines}` +
      `  outputs = { self, set, user }: let ${near} in {\n    value = ${value};\n    other = ${other};\n    both = { inherit (self) value other; };\n    apps = builtins.listToAttrs (map (name: { inherit name; value.app = { type = "app"; program = "\${self.value}"; }; }) [ "x86_64-linux" "aarch64-linux" ]);\n  };\n}\n`,
  );
}

/** What the flake may wish for; two of these are asked about. */
const CONFIGS = [
  '',
  '',
  '',
  'nixConfig.bash-prompt-prefix = "p";\n',
  'nixConfig.max-jobs = 0;\n',
  'nixConfig.allow-import-from-derivation = false;\n',
];

let locks = 0;

async function lockAgain(): Promise<void> {
  locks++;
  for (const project of PROJECTS) fs.rmSync(join(root, project, 'flake.lock'), { force: true });
  for (const project of PROJECTS) {
    const { code, stderr } = await run(project, ['floe', 'flake', 'lock'], 'locking');
    assert.equal(code, 0, stderr);
    git(project, 'add', 'flake.lock');
  }
}

/** The changes, by name. */
const CHANGES: Readonly<Record<string, (project: string) => void | Promise<void>>> = {
  own: (project) => write(`${project}/own.nix`, `"${random(5)}"\n`),
  'own with lines': (project) => write(`${project}/own.nix`, `${'\n'.repeat(random(4))}"${random(3)}"\n`),
  flake: (project) => writeFlake(project),
  function: (project) => write(`${project}/d/f.nix`, pick(['{ a }: a', 'x: x', '{ a, b ? 2 }@c: c // { inherit b; }'])),
  folder: (project) => write(`${project}/d/${pick(['x', 'y', 'default.nix'])}`, pick(['1', '"2"', 'import ./f.nix { a = 2; }'])),
  near: (project) =>
    write(
      `${project}/near/default.nix`,
      pick(['{ set }: { x = 1; set = set.legacyPackages; }', '{ set }: rec { x = import set { }; set = x; }']),
    ),
  commit: (project) => git(project, 'commit', '--quiet', '-a', '-m', 'x'),
  add: (project) => git(project, 'add', '.'),
  'store objects': () => {
    spawnSync('chmod', ['-R', 'u+w', `${root}/kept`]);
    for (const part of ['store', 'state']) fs.rmSync(`${root}/kept/${part}`, { recursive: true, force: true });
  },
  'input’s text': async () => {
    if (random(3) > 0) return;
    write('set/text', String(random(3)));
    await lockAgain();
  },
  'input’s version': async () => {
    if (random(3) > 0) return;
    write('set/version.nix', `"${random(3)}"`);
    await lockAgain();
  },
  'input of an input': async () => {
    if (random(3) > 0) return;
    write('user/flake.nix', USER_FLAKE.replace('SET', `${root}/set`).replace('word = "1"', `word = "${random(3)}"`));
    await lockAgain();
  },
  setting: () =>
    write(
      'home/.config/nix/nix.conf',
      `warm-evaluator = 5\n${pick(['', 'max-call-depth = 9000\n', 'cores = 3\n', 'accept-flake-config = true\n', 'keep-going = true\n'])}`,
    ),
  nothing: () => undefined,
};

const COMMANDS: readonly (readonly string[])[] = [
  ['eval', '--json', '.#both'],
  ['eval', '.#both'],
  ['eval', '--json', '.#value'],
  ['eval', '.#value'],
  ['eval', '.#other'],
  ['eval', '--raw', '.#value.drvPath'],
  ['eval', '--json', '--override-input', 'set', `path:${root}/other`, '.#value'],
  ['eval', '--json', '.#value', '--override-input', 'user/set', `path:${root}/other`],
  ['eval', '--apply', 'x: builtins.typeOf x', '.#other'],
];

/** Those that do something about what they have evaluated. */
const DOING: readonly (readonly string[])[] = [
  ['build', '--no-link', '--print-out-paths', '.#value'],
  ['build', '--no-link', '.#value', '.#other'],
  ['build', '--no-link', '--json', '--keep-going', '.#other', '.#value'],
  ['build', '--out-link', `${root}/out`, '.#value'],
  ['build', '--profile', `${root}/profile`, '--no-link', '.#value'],
  ['build', '--no-link', '--override-input', 'set', `path:${root}/other`, '.#value'],
  ['run', '.#app'],
  ['run', '.#app', '--', 'a', 'b'],
  ['run', '.#value'],
  ['shell', '.#value'],
  ['shell', '.#value', '.#other', '--command', 'sh', '-c', 'x'],
  ['develop', '.#value'],
  ['develop', '.#value', '--command', 'x'],
  ['print-dev-env', '.#value'],
  ['print-dev-env', '--json', '.#other'],
];

function run(project: string, words: readonly string[], world: string, more: Partial<RunOptions> = {}): Promise<RunResult> {
  const env = { ...environment(), XDG_CACHE_HOME: join(root, world, 'cache'), NIX_REMOTE: storeAt(world) };
  return runFloe(words, { cwd: join(root, project), env, ...more });
}

async function freshly(project: string, words: readonly string[]): Promise<RunResult> {
  spawnSync('chmod', ['-R', 'u+w', `${root}/fresh`]);
  fs.rmSync(`${root}/fresh`, { recursive: true, force: true });
  return run(project, ['floe', ...words], 'fresh');
}

const answers = new WarmAnswers('test', 0);

function questionOf(project: string, words: readonly string[]): WarmQuestion {
  const stream = { isTerminal: false, columns: 80 };
  return {
    launch: { calledAs: 'floe', childStackLimit: undefined, words },
    cwd: join(root, project),
    env: { ...environment(), XDG_CACHE_HOME: join(root, 'kept/cache'), NIX_REMOTE: storeAt('kept') },
    stdout: stream,
    stderr: stream,
    stdinIsTerminal: false,
    session: '',
  };
}

/** What a user sees, and what his process becomes. */
interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
  readonly became: string;
}

/** Without what tells one world, or one run, from another. */
function withoutWorld(text: string): string {
  return text.replaceAll(/\/(?:kept|fresh)\//g, '/world/').replaceAll(/nix-shell\.[\w-]+/g, 'nix-shell.rc');
}

/** Stands where a process would have become another program. */
const BECAME = 'this process became something';
let became = '';
process.setMaxListeners(0);
process.execve = (file, args, env): never => {
  became = withoutWorld(JSON.stringify([file, args, Object.entries(env ?? {}).sort()]));
  throw new FloeError('FLOE_TEST', BECAME);
};

async function outcomeOf(action: () => Promise<RunResult>): Promise<Outcome> {
  became = '';
  const { stdout, stderr, code } = await action();
  const told = withoutWorld(stderr.replace(`error: ${BECAME}\n`, ''));
  // Which of two builds begins first is a race.
  const begun = told.match(/^building '.*\n/gm) ?? [];
  const sorted = begun.length < 2 ? told : told.replaceAll(/^building '.*\n/gm, '') + begun.sort().join('');
  return { stdout, stderr: sorted, code: became === '' ? code : 0, became };
}

/** What an answer comes to that leaves nothing to do but to print and to become; undefined where that cannot be, and all is done anew. */
function outcomeOfPrinted({ stdout, stderr, become }: Printed, { env }: WarmQuestion): Outcome | undefined {
  became = '';
  try {
    if (become !== undefined) becomeKept(become, env, {});
  } catch (error) {
    if ((error as Error).message !== BECAME) return undefined;
  }
  return { stdout: Buffer.from(stdout, 'latin1').toString('utf8'), stderr, code: 0, became };
}

/** What was kept of an earlier answer, where that still holds. */
function printAgain(question: WarmQuestion): Printed | undefined {
  const output = { write: () => undefined, ...question.stdout };
  const stdin = { isTerminal: false, readAll: () => new Uint8Array(), readChunk: () => undefined, readLine: () => undefined };
  const { launch, cwd, env } = question;
  return findOutput({ launch, cwd, env, stdin, stdout: output, stderr: output, installation: 'test' });
}

/** Results that are kept, and when each was written. */
function keptFiles(): string[] {
  const folder = join(root, 'kept/cache/floe/results');
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder).map((name) => `${name} ${fs.statSync(join(folder, name), { bigint: true }).ctimeNs}`);
}

/** Whether something was built in the world of the warm evaluator, so that less is told of building it. */
function hasBuilt(): boolean {
  const store = `${root}/kept/store`;
  return fs.existsSync(store) && fs.readdirSync(store).some((name) => name.includes('-blob-') && !name.endsWith('.drv'));
}

/** Without what is said of plans and downloads. */
function withoutBuilding(stderr: string): string {
  return stderr.replaceAll(/^(?:th(?:is|ese) .*will be built:|  \/.*\.drv|building '.*|.*copied.*)\n/gm, '');
}

const gitIsThere = spawnSync('git', ['--version']).status === 0;

test(
  `what the warm evaluator answers is what evaluation prints (seed ${seed})`,
  { skip: gitIsThere ? false : 'git is not installed' },
  async () => {
    write('blob', '#!/bin/sh\n');
    fs.chmodSync(join(root, 'blob'), 0o755);
    const blob = (await runFloe(['floe', 'hash', 'path', join(root, 'blob')], { cwd: root, env: environment() })).stdout.trim();
    write('etc/nix.conf', 'sandbox = false\nsubstitute = false\n');
    for (const name of ['set', 'other']) {
      write(`${name}/default.nix`, SET.replace('ROOT', root).replace('BLOB', blob));
      write(`${name}/flake.nix`, SET_FLAKE);
      write(`${name}/version.nix`, '"1"');
      write(`${name}/text`, 'text');
      write(`${name}/src/file`, name);
    }
    write('user/flake.nix', USER_FLAKE.replace('SET', `${root}/set`));
    write('home/.config/nix/nix.conf', 'warm-evaluator = 5\n');
    for (const project of PROJECTS) {
      write(`${project}/own.nix`, '"own"');
      write(`${project}/d/f.nix`, '{ a }: a');
      write(`${project}/d/default.nix`, '1');
      write(`${project}/d/x`, 'x');
      write(`${project}/near/default.nix`, '{ set }: { x = 1; set = set.legacyPackages; }');
      writeFlake(project);
      git(project, 'init', '--quiet');
      git(project, 'add', '.');
      git(project, 'commit', '--quiet', '-m', 'first');
    }
    await lockAgain();
    const history: string[] = [];
    const pickWords = () => pick(random(3) === 0 ? COMMANDS : DOING);
    let [project, words] = [pick(PROJECTS), pickWords()];
    const count = { values: 0, answered: 0, handed: 0, replayed: 0, became: 0 };
    for (let round = 0; round < rounds; round++) {
      for (let changes = pick([0, 1, 1, 1, 2]); changes > 0; changes--) {
        const change = pick(Object.keys(CHANGES));
        await CHANGES[change]!(project);
        history.push(`${change} (${project})`);
      }
      if (random(4) === 0) await new Promise((resolve) => setTimeout(resolve, 130));
      if (random(4) === 0) project = pick(PROJECTS);
      if (random(3) === 0) words = pickWords();
      if (hasBuilt() && random(2) === 0) await CHANGES['store objects']!(project);
      // As a user's process does: what is kept, then what is warm.
      const question = questionOf(project, words);
      const kept = printAgain(question);
      let isBuilt = hasBuilt();
      const answer = kept === undefined ? await answers.answer(question) : undefined;
      let outcome: Outcome | undefined;
      if (kept !== undefined) outcome = outcomeOfPrinted(kept, question);
      else if (answer?.kind === 'printed') outcome = outcomeOfPrinted(answer, question);
      else if (answer !== undefined) {
        // Over the socket.
        const handed = JSON.parse(JSON.stringify(answer.handed)) as typeof answer.handed;
        const before = keptFiles();
        // A collector was faster: all is done anew, and may be kept.
        const isLost = random(8) === 0;
        if (isLost) await CHANGES['store objects']!(project);
        outcome = await outcomeOf(() => run(project, ['floe', ...words], 'kept', { installation: 'test', handed }));
        if (!isLost) assert.deepEqual(keptFiles(), before, 'who has not evaluated knows nothing of what a result rests on');
        if (isLost) isBuilt = false;
      }
      const fresh = await outcomeOf(() => freshly(project, words));
      if (fresh.code === 0) count.values++;
      if (outcome === undefined) continue;
      const where = `${words.join(' ')} in ${project}\nafter ${history.slice(-12).join(', ')}\nseed ${seed}, round ${round}\n${fs.readFileSync(join(root, project, 'flake.nix'), 'utf8')}`;
      count[kept !== undefined ? 'replayed' : answer!.kind === 'handed' ? 'handed' : 'answered']++;
      if (outcome.became !== '') count.became++;
      // Where one of two things is there already, only the other one fails.
      const shown = (one: Outcome) =>
        isBuilt ? { ...one, stderr: fresh.code === 0 ? withoutBuilding(one.stderr) : /^(?:warning: .*\n)*/.exec(one.stderr)![0] } : one;
      assert.deepEqual(shown(outcome), shown(fresh), `${kept === undefined ? '' : 'printed again: '}${where}`);
      for (const [path] of outcome.stdout.matchAll(/[0-9a-z]{32}-[\w.-]+\.drv/g))
        assert.ok(fs.existsSync(`${root}/kept/store/${path}`), `${path} is not in the store\n${where}`);
    }
    if (process.env['FLOE_WARM_ROUNDS'] !== undefined) console.log({ rounds, ...count, locks, seed });
  },
);
