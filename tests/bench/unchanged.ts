// The same command again with nothing changed, beside C++ Nix: what was read is as it was, so nothing is evaluated. CPU seconds of whole
// processes, in turns; where C++ Nix has a cache of its own, with it and without.
//
//   FLOE_ORACLE=... FLOE_COREPKGS=... FLOE_COREPKGS_LIB=... node tests/bench/unchanged.ts [--runs 5]
//
// Last recorded (2 cores shared with ten other programs at work, Node 26.10, C++ Nix 2.34.8, medians; ms of CPU):
//   python3, a file       30; evaluated 393; C++ Nix 139 (0.22)
//   python3, clean flake  28; evaluated 459; C++ Nix 278 (0.10), without its cache 271 (0.10)
//   python3, dirty flake  42; evaluated 504; C++ Nix 287 (0.15), without its cache 287 (0.15)
//   a shell, dirty flake  41; evaluated 890; C++ Nix 466 (0.09), without its cache 463 (0.09)

import { parseArgs } from 'node:util';
import { makeCorepkgsProject } from '../support/corepkgs-project.ts';
import { type Cost, median } from '../support/cpu-time.ts';

const { values } = parseArgs({ allowPositionals: true, options: { runs: { type: 'string', default: '5' } } });

/** Name, words, whether C++ Nix keeps results of such a command. */
const CASES: readonly (readonly [name: string, words: readonly string[], keeps: boolean])[] = [
  ['python3, a file', ['nix-instantiate', '--eval', '--readonly-mode', 'python3.nix'], false],
  ['python3, clean flake', ['nix', 'eval', '--raw', '.#packages.x86_64-linux.default.drvPath'], true],
  ['python3, dirty flake', ['nix', 'eval', '--raw', './dirty#packages.x86_64-linux.default.drvPath'], true],
  ['a shell, dirty flake', ['nix', 'eval', '--raw', './dirty#devShells.x86_64-linux.default.drvPath'], true],
];

const project = makeCorepkgsProject();
if (project !== undefined) {
  const { ours, theirs } = project;
  const afresh = ['--option', 'eval-cache', 'false'];
  for (const [name, words, keeps] of CASES) {
    // Twice: what the first run writes (compiled code, sources in the store) is there for the second, whose result is kept.
    for (const run of [ours, ours, theirs, theirs]) run(words);
    const rounds = Array.from({ length: Number(values.runs) }, () => ({
      kept: ours(words),
      evaluated: ours([...words, ...afresh]),
      theirs: theirs(words),
      theirsAfresh: keeps ? theirs([...words, ...afresh]) : undefined,
    }));
    const ms = (pick: (round: (typeof rounds)[number]) => Cost) => (1000 * median(rounds.map((round) => pick(round).cpu))).toFixed(0);
    const ratio = (pick: (round: (typeof rounds)[number]) => Cost) =>
      median(rounds.map((round) => round.kept.cpu / pick(round).cpu)).toFixed(2);
    const bare = keeps ? `, without its cache ${ms((round) => round.theirsAfresh!)} (${ratio((round) => round.theirsAfresh!)})` : '';
    const theirPart = `C++ Nix ${ms((round) => round.theirs)} (${ratio((round) => round.theirs)})${bare}`;
    console.log(`${name.padEnd(21)} ${ms((round) => round.kept)}; evaluated ${ms((round) => round.evaluated)}; ${theirPart}`);
  }
  project.remove();
}
