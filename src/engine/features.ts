// Experimental features: what is behind one is refused, in Nix's words, where it is not on.

import { FloeError } from '../base/errors.ts';
import type { Settings } from './config.ts';

/** FloeError where the feature is off. */
export function requireFeature(settings: Settings, feature: string): void {
  if (settings.hasFeature(feature)) return;
  throw new FloeError(
    'FLOE_FEATURE_DISABLED',
    `experimental Nix feature '${feature}' is disabled; add '--extra-experimental-features ${feature}' to enable it`,
  );
}
