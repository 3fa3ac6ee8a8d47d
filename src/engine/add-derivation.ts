// `derivation add`: a derivation that comes as JSON, completed, checked and written. libstore/derivations.cc, parseJsonAndValidate.

import { byteStringOf } from '../base/bytes.ts';
import { parseJson } from '../base/canonical-json.ts';
import { FloeError } from '../base/errors.ts';
import { printATerm } from '../model/aterm.ts';
import { derivationReferences, makeDerivationPath, type Derivation } from '../model/derivation.ts';
import { checkOutputPaths, fillInOutputPaths, makeHashModuloLookup } from '../model/derivation-hash.ts';
import { derivationFromJson } from '../model/derivation-json.ts';
import type { StorePath } from '../model/store-path.ts';
import type { Engine } from './engine.ts';
import { requireFeature } from './features.ts';

/** Writes the derivation and gives its path; with `dryRun` it is only computed. */
export function addDerivation({ store, settings }: Engine, text: Uint8Array, dryRun: boolean): StorePath {
  const { storeDir } = store;
  const given = derivationFromJson(parseJson(byteStringOf(text), 'standard input'), storeDir);
  for (const { kind } of given.outputs.values()) {
    if (kind === 'floating') requireFeature(settings, 'ca-derivations');
    if (kind === 'impure') requireFeature(settings, 'impure-derivations');
  }
  const lookup = makeHashModuloLookup((path) => store.readDerivationSync(path), storeDir);
  const derivation = fillInOutputPaths(given, storeDir, lookup);
  refuseWrongVariables(given, derivation, storeDir);
  checkOutputPaths(derivation, storeDir, lookup);
  const aterm = printATerm(derivation, storeDir);
  const path = makeDerivationPath(derivation, aterm, storeDir);
  if (!dryRun) store.addDerivations([{ path, aterm, references: derivationReferences(derivation), derivation }]);
  return path;
}

/** A variable of an output's name may be missing or empty; any other text must be the output's path. */
function refuseWrongVariables(given: Derivation, filled: Derivation, storeDir: string): void {
  for (const [name, output] of filled.outputs) {
    // NIX: a path that was given is compared with what follows, its variable is not (2.34.8).
    if (!('path' in output) || given.outputs.get(name)?.kind === 'input-addressed') continue;
    const actual = given.env.get(name);
    const expected = `${storeDir}/${output.path}`;
    if (actual === undefined || actual === '' || actual === expected) continue;
    throw new FloeError(
      'FLOE_WRONG_OUTPUT_PATH',
      `derivation has incorrect environment variable '${name}', should be '${expected}' but is actually '${actual}'`,
    );
  }
}
