// Experimental features: which of Nix's the host has turned on, and the words for those it has not.

import { EvalError } from '../../base/errors.ts';
import { type HashAlgorithm, parseHashAlgorithm } from '../../base/hash.ts';
import type { EvalState } from '../state.ts';

/** Whether an experimental feature is on. */
export function hasFeature(state: EvalState, feature: string): boolean {
  const { experimentalFeatures } = state.host.constants;
  if (experimentalFeatures === undefined) return feature === 'flakes' || feature === 'fetch-tree' || feature === 'nix-command';
  // As in C++ Nix, flakes bring fetch-tree along.
  return experimentalFeatures.has(feature) || (feature === 'fetch-tree' && experimentalFeatures.has('flakes'));
}

/** Refuses where the feature is off, in C++ Nix's words. */
export function requireFeature(state: EvalState, feature: string, reason = ''): void {
  if (hasFeature(state, feature)) return;
  const because = reason === '' ? '' : ` (${reason})`;
  throw new EvalError(
    `experimental Nix feature '${feature}' is disabled${because}; add '--extra-experimental-features ${feature}' to enable it`,
    {
      data: { feature },
    },
  );
}

/** The hash algorithm of that name, where programs may use it. */
export function requireHashAlgorithm(state: EvalState, name: string): HashAlgorithm {
  if (name === 'blake3') requireFeature(state, 'blake3-hashes');
  return parseHashAlgorithm(name);
}
