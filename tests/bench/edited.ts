// One file of a project changed, then its shell (a derivation on corepkgs) evaluated again, or entered, beside C++ Nix: by a fresh process, and
// with the warm evaluator. CPU seconds of whole processes, in turns; with the warm evaluator, of both ends and all that they start.
//
//   FLOE_ORACLE=... FLOE_COREPKGS=... FLOE_COREPKGS_LIB=... node tests/bench/edited.ts [--runs 5]
//
// Last recorded (2 cores shared with many other programs, Node 26.10, C++ Nix 2.34.8, medians; ms of CPU):
//   a shell's drvPath: fresh process 834; warm evaluator 91 (40 of them the user's process); C++ Nix 500 (1.67 and 0.18)
//   a shell, built and entered: fresh process 919; warm evaluator 190 (164 of them the user's process); C++ Nix 522 (1.76 and 0.36)

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeCorepkgsProject } from '../support/corepkgs-project.ts';
import { median } from '../support/cpu-time.ts';

const { values } = parseArgs({ allowPositionals: true, options: { runs: { type: 'string', default: '5' } } });
/** What is measured: commands, and options of floe's alone. */
const MEASURED: Readonly<Record<string, { readonly words: readonly string[]; readonly options: readonly string[] }>> = {
  "a shell's drvPath": { words: ['eval', '--raw', './dirty#devShells.x86_64-linux.default.drvPath'], options: [] },
  'a shell, built and entered': {
    words: ['develop', './dirty#light', '--command', 'true'],
    options: ['--option', 'sandbox-paths', '/bin /lib /lib64 /usr', '--option', 'substitute', 'false'],
  },
};
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
  const { root, ours, theirs } = project;
  let round = 0;
  const edit = (): void => writeFileSync(join(root, 'dirty/word.nix'), `"round ${round++}"\n`);
  const ms = (seconds: number) => (1000 * seconds).toFixed(0);
  const runs = Number(values.runs);
  for (const [name, { words, options }] of Object.entries(MEASURED)) {
    const [command, ...rest] = words;
    const own = (...more: string[]): string[] => ['nix', command!, ...options, ...more, ...rest];
    const warmWords = own('--option', 'warm-evaluator', '1');
    ours(own());
    theirs(['nix', ...words]);
    const [fresh, their, client]: [number[], number[], number[]] = [[], [], []];
    for (let warming = 0; warming < WARMING; warming++) {
      edit();
      ours(warmWords);
      await pause(2000);
    }
    const before = warmCpu(root);
    for (let run = 0; run < runs; run++) {
      edit();
      client.push(ours(warmWords).cpu);
      edit();
      their.push(theirs(['nix', ...words]).cpu);
      edit();
      fresh.push(ours(own('--no-eval-cache')).cpu);
    }
    // What it does after it has answered counts, too; ticks are too coarse for one run.
    await pause(500);
    const warm = median(client) + (warmCpu(root) - before) / runs;
    const ratios = [median(fresh), warm].map((seconds) => (seconds / median(their)).toFixed(2));
    console.log(
      `${name}: fresh process ${ms(median(fresh))}; warm evaluator ${ms(warm)} (${ms(median(client))} of them the user's process); ` +
        `C++ Nix ${ms(median(their))} (${ratios.join(' and ')})`,
    );
  }
  project.remove();
}
