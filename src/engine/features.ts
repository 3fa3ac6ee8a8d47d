// Experimental features: what is behind one is refused, in Nix's words, where it is not on.

import { FloeError } from '../base/errors.ts';
import { type DerivedPath, dynamicReason } from '../model/derived-path.ts';
import type { Settings } from './config.ts';

/** FloeError where the feature is off; `reason` says what needs it. */
export function requireFeature(settings: Settings, feature: string, reason = ''): void {
  if (settings.hasFeature(feature)) return;
  const because = reason === '' ? '' : ` (${reason})`;
  throw new FloeError(
    'FLOE_FEATURE_DISABLED',
    `experimental Nix feature '${feature}' is disabled${because}; add '--extra-experimental-features ${feature}' to enable it`,
  );
}

/** FloeError where a path asks for an output of an output, and dynamic derivations are off. */
export function requireDynamic(settings: Settings, path: DerivedPath): void {
  const reason = dynamicReason(path);
  if (reason !== undefined) requireFeature(settings, 'dynamic-derivations', reason);
}
