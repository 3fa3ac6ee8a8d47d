// One file of a project changed, then its shell (a derivation on corepkgs) evaluated again, beside C++ Nix. CPU seconds of whole
// processes, in turns.
//
//   FLOE_ORACLE=... FLOE_COREPKGS=... FLOE_COREPKGS_LIB=... node tests/bench/edited.ts [--runs 5]
//
// Last recorded (2 cores shared with ten other programs at work, Node 26.10, C++ Nix 2.34.8, medians; ms of CPU):
//   a shell 933; C++ Nix 498 (1.9); before compiled code was found again after an edit: 1345 (2.7)

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeCorepkgsProject } from '../support/corepkgs-project.ts';
import { median } from '../support/cpu-time.ts';

const { values } = parseArgs({ allowPositionals: true, options: { runs: { type: 'string', default: '5' } } });
const WORDS = ['nix', 'eval', '--raw', './dirty#devShells.x86_64-linux.default.drvPath'];

const project = makeCorepkgsProject();
if (project !== undefined) {
  for (const run of [project.ours, project.ours, project.theirs]) run(WORDS);
  const rounds = Array.from({ length: Number(values.runs) }, (_, round) => {
    writeFileSync(join(project.root, 'dirty/word.nix'), `"round ${round}"\n`);
    return [project.ours(WORDS).cpu, project.theirs(WORDS).cpu] as const;
  });
  const ms = (list: readonly number[]) => (1000 * median(list)).toFixed(0);
  const ratio = median(rounds.map(([ours, theirs]) => ours / theirs)).toFixed(2);
  console.log(`a shell ${ms(rounds.map(([ours]) => ours))}; C++ Nix ${ms(rounds.map(([, theirs]) => theirs))} (${ratio})`);
  project.remove();
}
