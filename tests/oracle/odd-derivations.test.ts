// Sets that call themselves derivations and are none, beside a real Nix: which attribute is to blame, where it stands, and what is said
// before. nix-env and `-f` speak of the attribute and its place, flakes of its whole path.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ComparedStore, withoutOracle as skip } from '../support/compared-store.ts';

const store = new ComparedStore('experimental-features = nix-command flakes\nflake-registry =\neval-cache = false');
const ODD: Readonly<Record<string, string>> = {
  noDerivation: 'drvPath = builtins.toFile "none" "";',
  numberForPath: 'drvPath = 3;',
  noSystem: 'system = 3;',
  specified: 'inherit (good) drvPath; outputs = [ "out" ]; out = good; outputSpecified = "yes";',
  otherOutput: 'inherit (good) drvPath; outputs = [ "out" ]; outputSpecified = true; outputName = "other";',
  numberForOutput: 'inherit (good) drvPath; outputSpecified = true; outputName = 4;',
  badInstall: 'inherit (good) drvPath; meta.outputsToInstall = "out";',
  missingInstall: 'inherit (good) drvPath; meta.outputsToInstall = [ "other" ];',
  numberInstall: 'inherit (good) drvPath; meta.outputsToInstall = [ 1 ];',
};
const SETS = Object.entries(ODD)
  .map(([name, text]) => `  ${name} = {\n    type = "derivation"; name = "${name}"; outPath = builtins.toFile "out" "";\n    ${text}\n  };`)
  .join('\n');
mkdirSync(`${store.folder}/flake`);
writeFileSync(
  `${store.folder}/odd.nix`,
  `let good = derivation { name = "good"; system = "x86_64-linux"; builder = "/bin/sh"; }; in {\n${SETS}\n}\n`,
);
writeFileSync(
  `${store.folder}/flake/flake.nix`,
  `{ outputs = _: { x = let good = derivation { name = "good"; system = "x86_64-linux"; builder = "/bin/sh"; }; in {\n${SETS}\n}; }; }\n`,
);

const LINES = Object.keys(ODD).flatMap((name) => [
  ['nix-env', '-p', `${store.folder}/profile`, '-f', 'odd.nix', '-iA', name],
  ['nix-env', '-f', 'odd.nix', '-qaA', name, '--json', '--drv-path', '--system'],
  ['nix', 'build', '--no-link', '--dry-run', '-f', 'odd.nix', name],
  ['nix', 'build', '--no-link', '--dry-run', `path:${store.folder}/flake#x.${name}`],
]);

test('sets that are no derivations', { skip }, () => {
  const { floe, oracle } = store.compare(LINES);
  const told = (runs: typeof floe.runs) => LINES.map((words, index) => ({ words: words.join(' '), ...runs[index] }));
  assert.deepEqual(told(floe.runs), told(oracle.runs));
});
