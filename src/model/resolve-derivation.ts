// Resolving: a derivation whose inputs turned out to lie at certain paths becomes one that names those paths as sources and has no input
// derivations. Two derivations with the same resolution are built once. Nix manual, "Derivation resolution"; libstore/derivations.cc,
// tryResolve.

import { compareStrings } from '../base/bytes.ts';
import { type Derivation, derivationInputs } from './derivation.ts';
import { derivationType, fillInOutputPaths } from './derivation-hash.ts';
import { type DerivationRef, outputPlaceholder } from './derived-path.ts';
import type { StoreDir, StorePath } from './store-path.ts';

/** Whether a derivation has to be resolved before it can be built. Fixed ones are where content-addressed ones exist at all, and any whose inputs are dynamic. */
export function mustResolve(derivation: Derivation, resolvesFixed: boolean): boolean {
  if (derivation.inputDerivations.size === 0) return false;
  if (derivation.dynamicInputs !== undefined) return true;
  const type = derivationType(derivation);
  return type === 'fixed' ? resolvesFixed : type !== 'input-addressed';
}

/**
 * The resolved derivation; undefined where an input's path is not known. `pathOf` gives where an output of an input derivation lies.
 * Deferred outputs get their paths.
 */
export function resolveDerivation(
  derivation: Derivation,
  storeDir: StoreDir,
  pathOf: (input: DerivationRef, output: string) => StorePath | undefined,
): Derivation | undefined {
  const sources = new Set(derivation.inputSources);
  const rewrites: [string, string][] = [];
  for (const [input, outputs] of derivationInputs(derivation)) {
    for (const output of outputs) {
      const path = pathOf(input, output);
      if (path === undefined) return undefined;
      rewrites.push([outputPlaceholder({ derivation: input, output }), `${storeDir}/${path}`]);
      sources.add(path);
    }
  }
  rewrites.sort((a, b) => compareStrings(a[0], b[0]));
  const rewrite = (text: string): string => rewrites.reduce((result, [from, to]) => result.replaceAll(from, () => to), text);
  const env = [...derivation.env].map(([name, value]): [string, string] => [rewrite(name), rewrite(value)]);
  return fillInOutputPaths(
    {
      ...derivation,
      inputDerivations: new Map(),
      dynamicInputs: undefined,
      inputSources: [...sources].sort(compareStrings),
      builder: rewrite(derivation.builder),
      args: derivation.args.map(rewrite),
      env: new Map(env.sort((a, b) => compareStrings(a[0], b[0]))),
    },
    storeDir,
    () => {
      throw new Error('a resolved derivation has no inputs');
    },
  );
}
