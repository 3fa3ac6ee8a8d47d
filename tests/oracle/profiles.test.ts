// `profile` and `store diff-closures` of floe and of a real Nix, each over a fresh store at the same place: every line, exit code, link,
// manifest and store path must be equal. FLOE_ORACLE names the command before `nix`; skipped where it is unset.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/local-stores.ts';
import { runFloe } from '../support/run-floe.ts';

const oracle = process.env['FLOE_ORACLE'];
const skip = oracle === undefined ? 'FLOE_ORACLE names no Nix to compare with' : false;
const base = temporaryFolder();
/** Where either works; moved away when it is done. */
const place = join(base, 'place');

// "true": a program that closes its output before it ends, as those of coreutils do, is killed by C++ Nix, now and then in time.
const FLAKE = `{
  outputs = _:
    let
      version = builtins.readFile ./version;
      make = name: script: extra: derivation ({
        inherit name;
        system = "x86_64-linux";
        builder = "/bin/sh";
        args = [ "-c" "PATH=/bin:/usr/bin; \${script}; true" ];
      } // extra);
      tool = make "tool-\${version}" "mkdir -p $out/bin; echo $name > $out/bin/tool" { };
    in {
      packages.x86_64-linux = {
        default = tool;
        rival = make "rival-2" "mkdir -p $out/bin; echo r > $out/bin/tool" { };
        ranked = make "ranked-3" "mkdir -p $out/bin; echo r > $out/bin/tool" { } // { meta.priority = 7; };
        multi = make "multi-1" "mkdir -p $out/bin $dev/include $man/share/man; echo m > $out/bin/m; ln -s /nowhere $out/bin/n" { outputs = [ "out" "dev" "man" ]; }
          // { meta.outputsToInstall = [ "out" "man" ]; };
        bringer = make "bringer-1" "mkdir -p $out/nix-support; echo \${make "brought-1" "mkdir -p $out/bin; echo b > $out/bin/b" { }} > $out/nix-support/propagated-user-env-packages" { };
        file = make "file" "echo x > $out" { };
        bad = tool // { meta.priority = "high"; };
      };
      text = "\${tool}";
      source = ./flake.nix;
    };
}
`;

const P = ['--profile', `${place}/p`];
const F = `path:${place}/flake`;
/** Words of commands; a number is the version that the flake gets from there on. */
const STEPS: readonly (readonly string[] | number)[] = [
  1,
  ['profile', 'list', ...P],
  ['profile', 'add', ...P, F],
  ['profile', 'add', ...P, F],
  ['profile', 'add', ...P, `${F}#rival`],
  ['profile', 'add', ...P, `${F}#rival`, '--priority', '3'],
  ['profile', 'add', ...P, `${F}#ranked`],
  ['profile', 'add', ...P, `${F}#multi`],
  ['profile', 'add', ...P, `${F}#multi^dev`],
  ['profile', 'add', ...P, `${F}#bringer`],
  ['profile', 'add', ...P, `${F}#file`],
  ['profile', 'add', ...P, `${F}#bad`],
  ['profile', 'add', ...P, `${F}#text`],
  ['profile', 'add', ...P, `${F}#source`],
  ['profile', 'list', ...P],
  ['profile', 'list', ...P, '--json'],
  ['profile', 'remove', ...P, '--regex', '.*RIVAL', '--regex', 'none', 'multi', 'nobody'],
  ['profile', 'remove', ...P, '1'],
  ['profile', 'remove', ...P],
  2,
  ['profile', 'upgrade', ...P, 'flake'],
  ['profile', 'remove', ...P, 'tool'],
  ['profile', 'upgrade', ...P, 'flake'],
  ['profile', 'upgrade', ...P, 'nobody'],
  ['profile', 'upgrade', ...P, '--all'],
  ['profile', 'history', ...P],
  ['profile', 'diff-closures', ...P],
  ['store', 'diff-closures', './p-3-link', './p-5-link'],
  ['store', 'diff-closures', '--derivation', F, `${F}#ranked`],
  ['profile', 'rollback', ...P, '--dry-run'],
  ['profile', 'rollback', ...P],
  ['profile', 'rollback', ...P, '--to', '99'],
  ['profile', 'rollback', ...P, '--to', '2'],
  ['profile', 'wipe-history', ...P, '--older-than', '30d'],
  ['profile', 'wipe-history', ...P, '--older-than', 'x'],
  ['profile', 'wipe-history', ...P, '--dry-run'],
  ['profile', 'wipe-history', ...P],
  ['profile', 'list'],
  ['profile', 'rollback'],
  ['profile', 'add', `${F}#multi`],
  ['profile', 'history'],
  ['profile', 'remove', '--all'],
  ['profile', 'add', '--profile', `${place}/none/p`, F],
];

type Program = (words: readonly string[], env: Record<string, string>) => Promise<string>;

const floe: Program = async (words, env) => {
  const { stdout, stderr, code } = await runFloe(['nix', ...words], { cwd: place, env: { ...env, PATH: process.env['PATH'] } });
  return `${stdout}${stderr}exit ${code}`;
};

const nix: Program = async (words, env) => {
  const run = spawnSync('sh', ['-c', `exec ${oracle} nix "$@"`, 'sh', ...words], {
    cwd: place,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return `${run.stdout}${run.stderr}exit ${run.status}`;
};

/** Random names of temporary folders, and the order in which builds start, say nothing. */
function normalise(text: string): string {
  const lines = text.replace(/symlink '.*\/(nix|floe-profile)-[^/]+\//g, "symlink '").split('\n');
  return lines.filter((line) => !line.startsWith("building '")).join('\n');
}

function linksIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map(({ name }) => `${name} -> ${readlinkSync(join(folder, name))}`)
    .sort();
}

async function play(program: Program, name: string): Promise<string[]> {
  mkdirSync(join(place, 'flake'), { recursive: true });
  mkdirSync(join(place, 'home'));
  writeFileSync(join(place, 'flake/flake.nix'), FLAKE);
  const env = {
    HOME: `${place}/home`,
    NIX_STORE_DIR: `${place}/store`,
    NIX_STATE_DIR: `${place}/var`,
    NIX_LOG_DIR: `${place}/log`,
    NIX_CONFIG: 'sandbox = false\nsubstituters =\nexperimental-features = nix-command flakes\nsystem = x86_64-linux',
    NIX_REMOTE: '',
  };
  const told: string[] = [];
  for (const step of STEPS) {
    if (typeof step === 'number') {
      writeFileSync(join(place, 'flake/version'), String(step));
      for (const file of ['flake/version', 'flake/flake.nix', 'flake']) utimesSync(join(place, file), step * 1000, step * 1000);
      continue;
    }
    told.push(`${step.join(' ')}\n${normalise(await program(step, env))}`);
    // With the links every generation's store path is compared, and with it the whole tree.
    told.push(linksIn(place).join('\n'));
  }
  told.push(readFileSync(join(readlinkSync(join(place, readlinkSync(join(place, 'p')))), 'manifest.json'), 'utf8'));
  for (const folder of ['home', 'var/profiles', 'var/profiles/per-user/root', 'home/.local/state/nix/profiles']) {
    told.push(`${folder}\n${linksIn(join(place, folder)).join('\n')}`);
  }
  renameSync(place, join(base, name));
  return told;
}

test('profiles are equal to the letter', { skip }, async () => {
  const expected = await play(nix, 'nix');
  const actual = await play(floe, 'floe');
  for (const [index, text] of expected.entries()) assert.equal(actual[index], text);
});
