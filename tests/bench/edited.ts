// One file of a project changed, then its shell (a derivation on corepkgs) evaluated again, beside C++ Nix: by a fresh process, and with the
// warm evaluator. CPU seconds of whole processes, in turns; with the warm evaluator, of both ends and all that they start.
//
//   FLOE_ORACLE=... FLOE_COREPKGS=... FLOE_COREPKGS_LIB=... node tests/bench/edited.ts [--runs 5]
//
// Last recorded (2 cores shared with nine other programs, Node 26.10, C++ Nix 2.34.8, medians; ms of CPU):
//   a shell, fresh process 707; warm evaluator 73 (34 of them the user's process); C++ Nix 421 (1.68 and 0.17)

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeCorepkgsProject } from '../support/corepkgs-project.ts';
import { median } from '../support/cpu-time.ts';

const { values } = parseArgs({ allowPositionals: true, options: { runs: { type: 'string', default: '5' } } });
const WORDS = ['nix', 'eval', '--raw', './dirty#devShells.x86_64-linux.default.drvPath'];
const WARM_WORDS = [...WORDS, '--option', 'warm-evaluator', '1'];
/** Runs after which a warm evaluator is there and has evaluated everything. */
const WARMING = 3;
const TICKS_PER_SECOND = 100;

/** CPU seconds of the project's warm evaluator and what it started, so far. */
function warmCpu(root: string): number {
  let ticks = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
      if (!words.includes('--warm-evaluator') || !words.some((word) => word.startsWith(`${root}/`))) continue;
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      ticks += stat.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    } catch {
      // It has just ended.
    }
  }
  return ticks / TICKS_PER_SECOND;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const project = makeCorepkgsProject();
if (project !== undefined) {
  let round = 0;
  const edit = (): void => writeFileSync(join(project.root, 'dirty/word.nix'), `"round ${round++}"\n`);
  for (const run of [project.ours, project.ours, project.theirs]) run(WORDS);
  const runs = Number(values.runs);
  const fresh: number[] = [];
  const theirs: number[] = [];
  const client: number[] = [];
  for (let warming = 0; warming < WARMING; warming++) {
    edit();
    project.ours(WARM_WORDS);
    await pause(2000);
  }
  const before = warmCpu(project.root);
  for (let run = 0; run < runs; run++) {
    edit();
    client.push(project.ours(WARM_WORDS).cpu);
    edit();
    theirs.push(project.theirs(WORDS).cpu);
    edit();
    fresh.push(project.ours([...WORDS, '--no-eval-cache']).cpu);
  }
  // What it does after it has answered counts, too; ticks are too coarse for one run.
  await pause(500);
  const server = (warmCpu(project.root) - before) / runs;
  const ms = (seconds: number) => (1000 * seconds).toFixed(0);
  const warm = median(client) + server;
  const ratios = [median(fresh), warm].map((seconds) => (seconds / median(theirs)).toFixed(2));
  console.log(
    `a shell, fresh process ${ms(median(fresh))}; warm evaluator ${ms(warm)} (${ms(median(client))} of them the user's process); ` +
      `C++ Nix ${ms(median(theirs))} (${ratios.join(' and ')})`,
  );
  project.remove();
}
