// `nix-env` and `nix-channel` of floe and of a real Nix, each over a fresh store at the same place: every line, exit code, link, manifest
// and store path must be equal. FLOE_ORACLE names the command before `nix-env`; skipped where it is unset.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { temporaryFolder } from '../support/local-stores.ts';
import { runFloe } from '../support/run-floe.ts';

const oracle = process.env['FLOE_ORACLE'];
const skip = oracle === undefined ? 'FLOE_ORACLE names no Nix to compare with' : false;
const base = temporaryFolder();
/** Where either works; moved away when it is done. */
const place = join(base, 'place');

// "true": a program that closes its output before it ends, as those of coreutils do, is killed by C++ Nix, now and then in time.
const PACKAGES = `{ suffix ? "", ... }:
let
  make = name: extra: derivation ({
    name = name + suffix;
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" "PATH=/bin:/usr/bin; for o in $outputs; do eval o=\\\\$$o; mkdir -p $o/bin; echo $name > $o/bin/\${(builtins.parseDrvName name).name}; done; true" ];
    outputs = [ "out" ];
  } // extra) // { meta.description = "<a> & \\"\${name}\\"\\nof 2 lines"; };
in {
  foo1 = make "foo-1.0" { };
  foo2 = make "foo-2.0pre1" { };
  foo3 = make "foo-2.0" { };
  old = make "foo-0.1" { } // { meta.priority = 10; };
  text = make "foo-0.2" { } // { meta.priority = "9"; };
  Bar = make "bar-0.1" { } // { meta = { keep = true; list = [ "a" "b" 1 ]; set = { x = "1"; y = 2; }; float = 0.5; int = 7; bool = false; drv = { outPath = "x"; }; }; };
  bar2 = make "bar-0.2" { };
  multi = make "multi-1" { outputs = [ "out" "dev" "bin" ]; } // { meta.outputsToInstall = [ "out" "bin" ]; };
  other = make "other-1" { system = "i686-linux"; };
  bad = assert false; make "bad" { };
  "not an attribute path" = throw "never";
  worse = make (assert false; "worse") { };
  nested.hidden = make "hidden" { };
  open = { recurseForDerivations = true; shown = make "shown-3" { }; };
}
`;

const P = ['-p', `${place}/p`];
const F = ['-f', `${place}/packages.nix`];
/** Words of commands. "$foo" is the store path of the newest generation's foo. */
const STEPS: readonly (readonly string[])[] = [
  ['nix-env'],
  ['nix-env', '-q', '-i'],
  ['nix-env', '-q', '--nonsense'],
  ['nix-env', '-q'],
  ['nix-env', '-qa'],
  ['nix-env', ...P, '-q'],
  ['nix-env', ...P, ...F, '-qa'],
  ['nix-env', ...P, ...F, '-qaP', '--system', '--description'],
  ['nix-env', ...P, ...F, '-qa', '--drv-path', '--out-path', '--no-name'],
  ['nix-env', ...P, ...F, '-qaA', 'open', '--attr-path'],
  ['nix-env', ...P, ...F, '-qa', '--system-filter', 'i686-linux'],
  ['nix-env', ...P, ...F, '-qa', '--json'],
  ['nix-env', ...P, ...F, '-qa', '--json', '--out-path', '--drv-path', '--meta', 'foo', 'multi'],
  ['nix-env', ...P, ...F, '-qa', '--json', '--meta', 'bar'],
  ['nix-env', ...P, ...F, '-qa', '--xml'],
  ['nix-env', ...P, ...F, '-qa', '--xml', '--out-path', '--drv-path', '--meta', '--description', '-s', '-c'],
  ['nix-env', ...P, ...F, '-qa', 'f.*', 'bar-0.2'],
  ['nix-env', ...P, ...F, '-qa', 'fo'],
  ['nix-env', ...P, ...F, '-qa', 'zz'],
  ['nix-env', ...P, ...F, '-q', '--attr-path'],
  ['nix-env', ...P, ...F, '-i', 'foo', '--dry-run'],
  ['nix-env', ...P, ...F, '-i', 'foo-1.0'],
  ['nix-env', ...P, ...F, '-i', 'foo-1.0'],
  ['nix-env', ...P, ...F, '-qas'],
  ['nix-env', ...P, ...F, '-qab'],
  ['nix-env', ...P, ...F, '-qc'],
  ['nix-env', ...P, ...F, '-qac'],
  ['nix-env', ...P, '-q', '--out-path', '--drv-path', '--system', '--description'],
  ['nix-env', ...P, '-q', '--json', '--meta', '--out-path'],
  ['nix-env', ...P, ...F, '-u', 'foo'],
  ['nix-env', ...P, ...F, '-u', 'foo', '--eq'],
  ['nix-env', ...P, ...F, '-u', '--always', '--argstr', 'suffix', 'x'],
  ['nix-env', ...P, ...F, '-u', '--leq', '--lt', '--bogus'],
  ['nix-env', ...P, ...F, '-iA', 'multi', 'Bar', 'open.shown'],
  ['nix-env', ...P, ...F, '-iA', 'nothing'],
  ['nix-env', ...P, ...F, '-i', '-E', 'p: (p { }).bar2', 'p: [ (p { suffix = "y"; }).multi ]'],
  ['nix-env', ...P, ...F, '-i', '-b', '*'],
  ['nix-env', ...P, '-q'],
  ['nix-env', ...P, '-e', 'multi', 'nobody', 'b.*'],
  ['nix-env', ...P, '-q'],
  ['nix-env', ...P, '--set-flag', 'active', 'false', 'foo'],
  ['nix-env', ...P, '--set-flag', 'priority', '3', 'nobody'],
  ['nix-env', ...P, '--set-flag', 'priority'],
  ['nix-env', ...P, '--set-flag', 'active', 'true', '*'],
  ['nix-env', ...P, ...F, '-i', '-P', '--priority', '3', 'foo-0.1'],
  ['nix-env', ...P, ...F, '-i', '--priority', 'x', 'foo-0.1'],
  ['nix-env', ...P, '--rollback', '--dry-run'],
  ['nix-env', ...P, '--rollback'],
  ['nix-env', ...P, '-q'],
  ['nix-env', ...P, '-G', '1'],
  ['nix-env', ...P, '-G', '99'],
  ['nix-env', ...P, '-G', 'x'],
  ['nix-env', ...P, '--rollback'],
  ['nix-env', '-p', `${place}/q`, '-i', '--from-profile', `${place}/p`, '*'],
  ['nix-env', '-p', `${place}/q`, '-i', '$foo'],
  ['nix-env', '-p', `${place}/q`, '-e', `${place}/foo-link`],
  ['nix-env', '-p', `${place}/q`, ...F, '--set', 'foo-2.0'],
  ['nix-env', '-p', `${place}/q`, '--set', '$foo'],
  ['nix-env', '-p', `${place}/q`, ...F, '--set', 'foo', 'bar'],
  ['nix-env', ...P, '--delete-generations', '1'],
  ['nix-env', ...P, '--delete-generations', '2', '3', '--dry-run'],
  ['nix-env', ...P, '--delete-generations', '2', '3'],
  ['nix-env', ...P, '--delete-generations', '30d'],
  ['nix-env', ...P, '--delete-generations', '+0'],
  ['nix-env', ...P, '--delete-generations', '+2'],
  ['nix-env', ...P, '--delete-generations', 'x'],
  ['nix-env', ...P, '--delete-generations', 'old'],
  ['nix-env', ...P, ...F, '-i', 'foo-1.0', 'foo-2.0'],
  ['nix-env', ...P, ...F, '-i', '--remove-all', 'foo-0.1', 'foo-2.0'],
  ['nix-env', '-S', `${place}/p`],
  ['nix-env', '-q'],
  ['nix-env', ...F, '-i', 'bar-0.2'],
  ['nix-channel'],
  ['nix-channel', '--add', 'gopher://x'],
  ['nix-channel', '--add', 'http://example.org/a/', '$bad'],
  ['nix-channel', '--list'],
  ['nix-channel', '--add', 'http://example.org/nixos-1.2-unstable'],
  ['nix-channel', '--add', `file://${place}/channel`, 'one'],
  ['nix-channel', '--add', `file://${place}/channel-2.0/nixexprs.tar.xz`, 'two'],
  ['nix-channel', '--list'],
  ['nix-channel', '--remove', 'nixos-1.2'],
  ['nix-channel', '--remove', 'nixos-1.2'],
  ['nix-channel', '--update'],
  ['nix-env', '-qaP'],
  ['nix-env', '-p', `${place}/q`, '-iA', 'two.foo3'],
  ['nix-instantiate', '<one>', '-A', 'foo1', '--no-gc-warning'],
  ['nix-instantiate', '--find-file', 'two/default.nix'],
  ['nix-channel', '--update', 'two'],
  ['nix-channel', '--remove', 'two'],
  ['nix-env', '-qaP'],
  ['nix-channel', '--rollback'],
  ['nix-channel', '--rollback', '1'],
  ['nix-channel', '--rollback', '77'],
];

type Program = (words: readonly string[], env: Record<string, string>) => Promise<string>;

const floe: Program = async (words, env) => {
  const { stdout, stderr, code } = await runFloe(words, { cwd: place, env: { ...env, PATH: process.env['PATH'] } });
  return `${stdout}${stderr}exit ${code}`;
};

const nix: Program = async (words, env) => {
  const run = spawnSync('sh', ['-c', `exec ${oracle} "$@"`, 'sh', ...words], {
    cwd: place,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return `${run.stdout}${run.stderr}exit ${run.status}`;
};

/** The order in which builds start says nothing; C++ Nix's nix-channel runs nix-build and nix-env, which say a word more. */
function normalise(text: string): string {
  return text
    .replace(/this derivation will be built:\n.*-two\.drv\n/, '')
    .split('\n')
    .filter((line) => !/^building '|^error: program "/.test(line))
    .join('\n');
}

function linksIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map(({ name }) => `${name} -> ${readlinkSync(join(folder, name))}`)
    .sort();
}

function makeChannels(): void {
  const source = join(place, 'nixexprs');
  mkdirSync(source);
  writeFileSync(join(source, 'default.nix'), PACKAGES);
  for (const [folder, kind] of [
    ['channel', 'xz'],
    ['channel-2.0', 'xz'],
  ] as const) {
    mkdirSync(join(place, folder));
    const words = ['--sort=name', '--mtime=@1', '--owner=0', '--group=0', `--${kind}`, '-cf', `${folder}/nixexprs.tar.${kind}`, 'nixexprs'];
    assert.equal(spawnSync('tar', words, { cwd: place }).status, 0);
  }
}

/** Manifests of the profile's generations: what floe and Nix write down of packages. */
function manifests(): string[] {
  return readdirSync(place)
    .filter((name) => /^[pq]-\d+-link$/.test(name))
    .sort()
    .map((name) => join(readlinkSync(join(place, name)), 'manifest.nix'))
    .map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : ''));
}

async function play(program: Program, name: string): Promise<string[]> {
  for (const folder of ['home', 'conf']) mkdirSync(join(place, folder), { recursive: true });
  writeFileSync(join(place, 'packages.nix'), PACKAGES);
  makeChannels();
  const env = {
    HOME: `${place}/home`,
    NIX_STORE_DIR: `${place}/store`,
    NIX_STATE_DIR: `${place}/var`,
    NIX_LOG_DIR: `${place}/log`,
    NIX_CONF_DIR: `${place}/conf`,
    NIX_CONFIG: 'sandbox = false\nsubstituters =\nsystem = x86_64-linux',
    NIX_REMOTE: '',
  };
  const told: string[] = [];
  let foo = '';
  for (const step of STEPS) {
    const words = step.map((word) => (word === '$foo' ? foo : word));
    told.push(`${step.join(' ')}\n${normalise(await program(words, env))}`);
    told.push([...linksIn(place), ...linksIn(join(place, 'var/profiles/per-user/root'))].join('\n'));
    told.push(...manifests());
    foo ||= readdirSync(existsSync(`${place}/store`) ? `${place}/store` : place).find((entry) => /-foo-1\.0$/.test(entry)) ?? '';
    if (foo !== '' && !foo.startsWith('/')) {
      foo = `${place}/store/${foo}`;
      symlinkSync(`${foo}/bin/foo`, join(place, 'foo-link'));
    }
  }
  for (const folder of ['home', 'home/.nix-defexpr', 'var/profiles', 'home/.local/state/nix/profiles']) {
    told.push(`${folder}\n${linksIn(join(place, folder)).join('\n')}`);
  }
  told.push(readFileSync(join(place, 'home/.nix-channels'), 'utf8'));
  renameSync(place, join(base, name));
  return told;
}

test('user environments and channels are equal to the letter', { skip }, async () => {
  const expected = await play(nix, 'nix');
  const actual = await play(floe, 'floe');
  for (const [index, text] of expected.entries()) assert.equal(actual[index], text);
});
