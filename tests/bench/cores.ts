// Work over many attributes by one process and by two (setting `eval-cores`), beside C++ Nix: 952 packages of corepkgs, one system and
// two, and four configurations of a module system. CPU seconds of all processes together, and of the one that worked longest: what the
// wall clock shows where every process has a core of its own, and the only figure for that on a machine that others use.
//
//   FLOE_ORACLE=... FLOE_COREPKGS=... FLOE_COREPKGS_LIB=... node tests/bench/cores.ts [--runs 1] [--only NAME]
//
// Last recorded (2 cores shared with ten other programs at work, Node 26.10, C++ Nix 2.34.8):
//                  one process   two: all, the longest   C++ Nix
//   drvPaths              6.0           12.2              3.4
//   show                  1.2            1.7,  0.8          3.8
//   search                1.3            2.2,  1.1          0.7
//   check                 5.5           14.0,  9.9          3.0   (two processes as of before a fix)
//   two systems           9.3           12.0,  6.4          6.3   (eval-cores 0)

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeCorepkgsProject, type CorepkgsProject } from '../support/corepkgs-project.ts';
import { median } from '../support/cpu-time.ts';

const { values } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '1' }, only: { type: 'string', default: '' } },
});
/** Packages that C++ Nix cannot evaluate either, or not on this system. */
const SKIPPED = readFileSync(new URL('./corepkgs-skipped.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n');

interface Seconds {
  readonly all: number;
  readonly longest: number;
}

const TICKS_A_SECOND = 100;

/** CPU seconds so far of a process and all below it, by process. */
function look(pid: number, seen: Map<number, number>): void {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/.*\) /, '').split(' ');
    seen.set(pid, (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND);
    for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' '))
      if (child.trim() !== '') look(Number(child), seen);
  } catch {
    // Over.
  }
}

async function measure([program, ...args]: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<Seconds> {
  const child = spawn(program!, args, { ...options, stdio: 'ignore' });
  const seen = new Map<number, number>();
  const timer = setInterval(() => look(child.pid!, seen), 5);
  const code = await new Promise((done) => child.on('exit', done));
  clearInterval(timer);
  if (code !== 0) throw new Error(`${[program, ...args].join(' ')} failed`);
  const seconds = [...seen.values()];
  return { all: seconds.reduce((sum, one) => sum + one, 0), longest: Math.max(...seconds) };
}

/** A flake of outputs, which find the names of packages in `names` and corepkgs as `core`. */
function writeFlake({ root }: CorepkgsProject, name: string, names: readonly string[], outputs: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'names.json'), JSON.stringify(names));
  writeFileSync(
    join(folder, 'flake.nix'),
    `{
  inputs.core = { url = "path:${root}/core"; flake = false; };
  outputs = { self, core }: let
    names = builtins.fromJSON (builtins.readFile ./names.json);
    packages = system: let pkgs = import core { system = "x86_64-linux"; }; in
      builtins.listToAttrs (map (name: { inherit name; value = pkgs.\${name}; }) names);
    inherit (import "\${core}/nix-lib") evalModules;
    configuration = host: evalModules {
      modules = builtins.genList (n: { config, lib, ... }: {
        options."section\${toString n}" = {
          enable = lib.mkOption { type = lib.types.bool; default = false; };
          entries = lib.mkOption { type = lib.types.attrsOf (lib.types.listOf lib.types.str); default = { }; };
        };
        config."section\${toString n}" = {
          enable = lib.mkDefault (lib.hasSuffix "0" host);
          entries.all = lib.mkIf (n > 0) [ "\${host}\${toString n}" "\${toString config."section\${toString (n - 1)}".enable}" ];
        };
      }) 2000;
    };
    toplevel = host: builtins.seq (builtins.stringLength (builtins.toJSON (removeAttrs (configuration host).config [ "_module" ])))
      (derivation { name = host; system = "x86_64-linux"; builder = "b"; });
  in ${outputs};
}`,
  );
  return `path:${folder}`;
}

const project = makeCorepkgsProject();
if (project !== undefined) {
  writeFileSync(
    join(project.root, 'all.nix'),
    `let
  pkgs = import ${project.root}/core { system = "x86_64-linux"; };
  skipped = [ ${SKIPPED.map((name) => `"${name}"`).join(' ')} ];
  path = name: let
    tried = builtins.tryEval (let p = pkgs.\${name}; in
      if builtins.isAttrs p && p.type or "" == "derivation" then builtins.unsafeDiscardStringContext p.drvPath else "");
  in if tried.success then tried.value else "";
in builtins.listToAttrs (map (name: { inherit name; value = path name; }) (builtins.filter (name: !builtins.elem name skipped) (builtins.attrNames pkgs)))`,
  );
  const { stdout } = spawnSync(project.ourCommand(['nix'])[0]!, ['eval', '--json', '--read-only', '--file', 'all.nix'], {
    ...project.ourOptions,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const paths = JSON.parse(stdout) as Record<string, string>;
  const names = Object.keys(paths).filter((name) => paths[name] !== '');
  const one = writeFlake(project, 'one', names, '{ packages.x86_64-linux = packages "x86_64-linux"; }');
  const two = writeFlake(
    project,
    'two',
    names,
    '{ packages = builtins.mapAttrs (system: _: packages system) { x86_64-linux = 1; aarch64-linux = 1; }; }',
  );
  const hosts = writeFlake(
    project,
    'hosts',
    names,
    '{ nixosConfigurations = builtins.mapAttrs (host: _: { config.system.build.toplevel = toplevel host; }) { a0 = 1; b = 1; c0 = 1; d = 1; }; }',
  );
  const WORK: Readonly<Record<string, readonly [words: readonly string[], cores: readonly string[]]>> = {
    drvPaths: [
      ['eval', '--json', '--read-only', '--file', 'all.nix'],
      ['1', '2'],
    ],
    show: [
      ['flake', 'show', '--json', one],
      ['1', '2'],
    ],
    search: [
      ['search', one, '^', '--json'],
      ['1', '2'],
    ],
    check: [
      ['flake', 'check', '--no-build', one],
      ['1', '2'],
    ],
    'two systems': [
      ['flake', 'check', '--no-build', '--all-systems', two],
      ['1', '0'],
    ],
    configurations: [
      ['flake', 'check', '--no-build', hosts],
      ['1', '0'],
    ],
  };
  for (const [name, [words, cores]] of Object.entries(WORK)) {
    if (values.only !== '' && values.only !== name) continue;
    const commands = Object.fromEntries([
      ...cores.map((count) => [
        `eval-cores ${count}`,
        () =>
          measure([...project.ourCommand(['nix']), ...words, '--option', 'eval-cache', 'false', '--eval-cores', count], project.ourOptions),
      ]),
      ['C++ Nix', () => measure([...project.theirCommand(['nix']), ...words, '--option', 'eval-cache', 'false'], project.theirOptions)],
    ]) as Record<string, () => Promise<Seconds>>;
    const runs: Record<string, Seconds[]> = {};
    await commands[`eval-cores ${cores[0]!}`]!();
    for (let i = 0; i < Number(values.runs); i++) for (const [who, run] of Object.entries(commands)) (runs[who] ??= []).push(await run());
    for (const [who, list] of Object.entries(runs)) {
      const [all, longest] = [median(list.map((seconds) => seconds.all)), median(list.map((seconds) => seconds.longest))];
      console.log(`${name.padEnd(15)} ${who.padEnd(13)} ${all.toFixed(1)} s of CPU, ${longest.toFixed(1)} the longest`);
    }
  }
  project.remove();
}
