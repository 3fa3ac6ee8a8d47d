// Evaluation beside C++ Nix, in CPU seconds of the whole process and peak memory; runs are interleaved, so that a busy machine disturbs
// both alike. Compiled code is kept (each program runs once before it is timed).
//
//   FLOE_ORACLE=... FLOE_COREPKGS=... node tests/bench/eval.ts [--runs 5] [NAME ...]
//
// FLOE_ORACLE is what C++ Nix is started with, FLOE_COREPKGS a checkout of ekala-project/corepkgs (with its lib in place).
//
// Last recorded (2 quiet cores, Node 26.10, C++ Nix 2.34.8, medians; seconds and megabytes; 15 runs for one, modules and python3, else 5):
//   one      0.04 to 0.02, 1.86    56 to 24 MB      strings  0.21 to 0.11, 1.82   162 to 73 MB
//   fib      0.09 to 0.10, 0.87    71 to 48 MB      merge    0.13 to 0.06, 2.08    88 to 43 MB
//   fold     0.24 to 0.18, 1.34   179 to 134 MB     update   0.10 to 0.06, 1.54    72 to 40 MB
//   sort     0.13 to 0.15, 0.84    95 to 88 MB      python3  0.32 to 0.11, 2.70   110 to 48 MB
//   modules  0.60 to 0.17, 3.49   186 to 98 MB      all      4.88 to 2.82, 1.70   663 to 486 MB

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = resolve(fileURLToPath(new URL('.', import.meta.url)), '../..');
const floe = join(root, 'bin/floe');
const oracle = process.env['FLOE_ORACLE'];
const corepkgs = process.env['FLOE_COREPKGS'];
const { values, positionals } = parseArgs({ allowPositionals: true, options: { runs: { type: 'string', default: '5' } } });

/** Packages of corepkgs that C++ Nix cannot evaluate either, or not on this system. */
const SKIPPED = readFileSync(join(root, 'tests/bench/corepkgs-skipped.txt'), 'utf8').trim().split('\n');

const packages = (body: string): string => `let pkgs = import ${corepkgs ?? ''} { system = "x86_64-linux"; }; in ${body}`;

const PROGRAMS: Readonly<Record<string, string>> = {
  one: '1+1',
  fib: 'let fib = n: if n < 2 then n else fib (n - 1) + fib (n - 2); in fib 27',
  fold: "builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: x * 2) 1000000)",
  sort: 'builtins.elemAt (builtins.sort (a: b: a < b) (builtins.genList (x: let y = x * 7919 + 13; in y - (y / 100003) * 100003) 100000)) 5000',
  strings:
    'builtins.stringLength (builtins.concatStringsSep "," (builtins.genList (n: "item-${toString n}-${builtins.substring 0 3 "abcdef"}") 300000))',
  merge: `let
  tree = d: if d == 0 then { v = 1; } else { a = tree (d - 1); b = tree (d - 1); c.x = d; };
  merge = a: b: a // builtins.mapAttrs (n: v: if builtins.isAttrs v && a ? \${n} && builtins.isAttrs a.\${n} then merge a.\${n} v else v) b;
  count = s: builtins.foldl' (acc: v: acc + (if builtins.isAttrs v then count v else 1)) 0 (builtins.attrValues s);
in count (merge (tree 13) (tree 13))`,
  update: `let
  big = builtins.listToAttrs (builtins.genList (i: { name = "n\${toString i}"; value = i; }) 5000);
in builtins.length (builtins.attrNames (builtins.foldl' (acc: i: acc // { "x\${toString i}" = i; }) big (builtins.genList (x: x) 1000)))`,
  modules: `let
  lib = import (import ${corepkgs ?? ''}/pins.nix).lib;
  inherit (lib) mkOption mkIf mkDefault mkForce mkMerge mkEnableOption types;
  service = i: { config, options, ... }: let self = config.services."s\${toString i}"; in {
    options.services."s\${toString i}" = {
      enable = mkEnableOption "service \${toString i}";
      port = mkOption { type = types.port; default = 1000 + i; };
      user = mkOption { type = types.nullOr types.str; default = null; };
      settings = mkOption { type = types.attrsOf (types.either types.str types.int); default = { }; };
      hosts = mkOption {
        default = { };
        type = types.attrsOf (types.submodule ({ name, ... }: {
          options.name = mkOption { type = types.str; default = name; };
          options.locations = mkOption { type = types.listOf types.str; default = [ ]; };
          config.locations = [ "/\${name}" ];
        }));
      };
    };
    config = mkIf self.enable {
      users."u\${toString (i - (i / 10) * 10)}".groups = [ "g\${toString i}" ];
      files."etc/s\${toString i}".text = lib.concatStringsSep "\\n" (lib.mapAttrsToList (n: v: "\${n}=\${toString v}") self.settings);
      services."s\${toString i}".settings = mkMerge [ { port = mkDefault self.port; } (mkIf (self.user != null) { inherit (self) user; }) ];
      assertions = [ { assertion = self.port > 0; message = "port of \${toString i}"; } ];
    };
  };
  base = {
    options = {
      users = mkOption { default = { }; type = types.attrsOf (types.submodule { options.groups = mkOption { type = types.listOf types.str; default = [ ]; }; }); };
      files = mkOption { default = { }; type = types.attrsOf (types.submodule { options.text = mkOption { type = types.lines; default = ""; }; }); };
      assertions = mkOption { type = types.listOf types.unspecified; default = [ ]; };
    };
  };
  use = i: { services."s\${toString i}" = { enable = i - (i / 3) * 3 != 0; user = mkForce "u\${toString i}"; settings.level = i; hosts."h\${toString i}".locations = [ "/a" ]; }; };
  count = 400;
  result = lib.evalModules { modules = [ base ] ++ lib.genList service count ++ lib.genList use count; };
in builtins.hashString "sha256" (builtins.toJSON { inherit (result.config) services users files; failed = lib.filter (a: !a.assertion) result.config.assertions; })`,
  python3: packages('pkgs.python3.drvPath'),
  all: packages(`let
  skipped = [ ${SKIPPED.map((name) => `"${name}"`).join(' ')} ];
  path = name: let
    tried = builtins.tryEval (let p = pkgs.\${name}; in
      if builtins.isAttrs p && p.type or "" == "derivation" then builtins.unsafeDiscardStringContext p.drvPath else "");
  in if tried.success then tried.value else "";
in builtins.hashString "sha256" (toString (map path (builtins.filter (name: !builtins.elem name skipped) (builtins.attrNames pkgs))))`),
};
const NEEDS_COREPKGS = new Set(['modules', 'python3', 'all']);

// Nothing is left on the machine, and nothing is printed again from an earlier run.
const folder = mkdtempSync(join(tmpdir(), 'floe-bench-'));
const env = { ...process.env, NIX_STORE_DIR: '/nix/store', NIX_REMOTE: join(folder, 'store') };
const WORDS = ['nix-instantiate', '--eval', '--readonly-mode', '--option', 'eval-cache', 'false'];

/** CPU seconds of one run, as the shell that waits for it counts them. */
function cpuSeconds(words: readonly string[]): number {
  const { stderr } = spawnSync('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>/dev/null', 'bash', ...words], {
    encoding: 'utf8',
    env,
  });
  const [user, system] = stderr.trim().split(' ').map(Number);
  return user! + system!;
}

/** What it prints, and the most memory it held, in megabytes. */
async function observe(words: readonly string[]): Promise<{ output: string; peakMb: number }> {
  const child = spawn(words[0]!, words.slice(1), { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  let peakMb = 0;
  // What is started may be a script that starts the program.
  const poll = (pid: number): void => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      peakMb = Math.max(peakMb, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
      for (const below of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')) if (below !== '') poll(Number(below));
    } catch {
      // It has just ended.
    }
  };
  const timer = setInterval(() => poll(child.pid!), 5);
  await new Promise((done) => child.on('close', done));
  clearInterval(timer);
  return { output, peakMb };
}

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;
}

if (oracle === undefined || oracle === '') console.log('skipped: FLOE_ORACLE names no C++ Nix');
else {
  for (const [name, program] of Object.entries(PROGRAMS)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    if (NEEDS_COREPKGS.has(name) && corepkgs === undefined) {
      console.log(`${name.padEnd(8)} skipped: FLOE_COREPKGS names no checkout`);
      continue;
    }
    const file = join(folder, `${name}.nix`);
    writeFileSync(file, program);
    const theirs = [...oracle.split(' '), ...WORDS, file];
    const ours = [floe, ...WORDS, file];
    // The first run of ours keeps the compiled code.
    await observe(ours);
    const there = await observe(theirs);
    const here = await observe(ours);
    if (here.output !== there.output) {
      console.log(`${name}: different results: ${here.output.trim()} and ${there.output.trim()}`);
      process.exitCode = 1;
    }
    const runs = Array.from({ length: Number(values.runs) }, () => [cpuSeconds(theirs), cpuSeconds(ours)] as const);
    const ratio = median(runs.map(([a, b]) => b / a));
    const times = `${median(runs.map(([, b]) => b)).toFixed(2)} to ${median(runs.map(([a]) => a)).toFixed(2)} s, ${ratio.toFixed(2)}`;
    console.log(
      `${name.padEnd(8)} ${times.padEnd(24)} ${here.peakMb.toFixed(0)} to ${there.peakMb.toFixed(0)} MB, ${(here.peakMb / there.peakMb).toFixed(2)}`,
    );
  }
}
rmSync(folder, { recursive: true });
