// What `realisation info` tells. nix/realisation.cc.

import { compareStrings } from '../base/bytes.ts';
import { printDerivationOutputId, type Realisation } from '../model/realisation.ts';
import type { StorePath } from '../model/store-path.ts';
import type { Engine } from './engine.ts';
import { requireFeature } from './features.ts';
import type { Target } from './installables.ts';

/** Realisations of all outputs that the targets are, built where they must be; and the targets that are plain paths. */
export async function realisationsOf(
  engine: Engine,
  targets: readonly Target[],
): Promise<{ realisations: Realisation[]; paths: StorePath[] }> {
  requireFeature(engine.settings, 'ca-derivations');
  const derived = targets.flatMap((target) => target.derivedPaths());
  await engine.builds.build(derived);
  const realisations = new Map<string, Realisation>();
  for (const { id, path } of engine.builds.splitOutputs(derived, true).realised) {
    const found = engine.store.realisations!.query(id) ?? (path === undefined ? undefined : { id, path, signatures: [] });
    if (found !== undefined) realisations.set(printDerivationOutputId(id), found);
  }
  // In the order of their paths.
  const sorted = [...realisations]
    .sort((a, b) => compareStrings(a[1].path, b[1].path) || compareStrings(a[0], b[0]))
    .map(([, realisation]) => realisation);
  return { realisations: sorted, paths: derived.flatMap((path) => (path.kind === 'opaque' ? [path.path] : [])) };
}
