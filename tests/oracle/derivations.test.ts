// A few files of random derivations, built here and by a real Nix (derivations.ts makes more of them), and those whose attributes are of
// wrong types. Needs FLOE_ORACLE.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ComparedStore, withoutOracle as skip } from '../support/compared-store.ts';
import { Random } from './compare.ts';
import { compareDerivations, derivationsStore, WRONG_TYPES } from './derivations.ts';

for (const seed of [1, 2]) {
  test(`random derivations, seed ${seed}`, { skip }, () => {
    assert.deepEqual(compareDerivations(derivationsStore(), new Random(seed), 8), []);
  });
}

test('attributes of wrong types', { skip }, () => {
  const store = new ComparedStore('extra-experimental-features = nix-command ca-derivations');
  const plain = [
    'exportReferencesGraph = [ "graph" ];',
    'exportReferencesGraph = [ "1" "/x" ];',
    'exportReferencesGraph = [ "x" "/x" ];',
    'allowedReferences = [ "x" ];',
    'disallowedReferences = [ "out" ];',
    'passAsFile = [ "x y" "name" ];',
    'requiredSystemFeatures = "a b";',
    'outputHash = "sha256-AAAA";',
    'outputHashMode = "x";',
    'outputHash = ""; outputHashMode = "text";',
    '__contentAddressed = true; outputHashMode = "text";',
    'outputs = [ "out" "out" ];',
    'outputs = [ "x" ]; outputHash = "";',
    // What the one before left in the store is what this one promises.
    'outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";',
    'outputHash = builtins.hashString "sha256" "a\\n"; outputHashAlgo = "sha256";',
  ];
  const attributes = [
    ...WRONG_TYPES.map((text) => `make ({ __structuredAttrs = true; } // { ${text} })`),
    ...plain.map((text) => `make { ${text} }`),
  ];
  writeFileSync(
    `${store.folder}/t.nix`,
    `let make = args: derivation ({
       name = "n"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo a > \${builtins.placeholder "out"}" ];
     } // args); in { ${attributes.map((text, index) => `t${index} = ${text};`).join('\n')} }`,
  );
  const lines = attributes.map((_, index) => ['nix-build', 't.nix', '--no-out-link', '-A', `t${index}`]);
  const { floe, oracle } = store.compare(lines);
  lines.forEach((_, index) => assert.deepEqual(floe.runs[index], oracle.runs[index], attributes[index]));
  assert.deepEqual(floe.facts, oracle.facts);
});
