// 952 drvPaths of corepkgs by one process and by one a core (setting `eval-cores`), beside C++ Nix. Wall seconds, and CPU seconds of all
// processes together: packages share most of what they are made of, and what they share is evaluated once a process.
//
//   FLOE_ORACLE=... FLOE_COREPKGS=... FLOE_COREPKGS_LIB=... node tests/bench/cores.ts [--runs 1]
//
// Last recorded (2 cores shared with ten other programs at work, Node 26.10, C++ Nix 2.34.8):
//   one process 6.4 s of CPU, two processes 10.4, C++ Nix 3.2; wall times meant nothing on that machine (19 programs wanted 2 cores)

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeCorepkgsProject } from '../support/corepkgs-project.ts';
import { type Cost, median } from '../support/cpu-time.ts';

const { values } = parseArgs({ allowPositionals: true, options: { runs: { type: 'string', default: '1' } } });
/** Packages that C++ Nix cannot evaluate either, or not on this system. */
const SKIPPED = readFileSync(new URL('./corepkgs-skipped.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n');

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
  const theirWords = ['nix', 'eval', '--json', '--read-only', '--file', 'all.nix'];
  const words = [...theirWords, '--option', 'eval-cache', 'false', '--eval-cores'];
  const runs: Record<string, Cost[]> = { 'one process': [], 'a process a core': [], 'C++ Nix': [] };
  project.ours([...words, '1']);
  for (let i = 0; i < Number(values.runs); i++) {
    runs['one process']!.push(project.ours([...words, '1']));
    runs['a process a core']!.push(project.ours([...words, '0']));
    runs['C++ Nix']!.push(project.theirs(theirWords));
  }
  for (const [name, list] of Object.entries(runs)) {
    const wall = median(list.map((cost) => cost.wall));
    const ratio = median(list.map((cost, i) => cost.wall / runs['C++ Nix']![i]!.wall)).toFixed(2);
    console.log(`${name.padEnd(17)} ${wall.toFixed(2)} s (${ratio}), CPU ${median(list.map((cost) => cost.cpu)).toFixed(2)} s`);
  }
  project.remove();
}
