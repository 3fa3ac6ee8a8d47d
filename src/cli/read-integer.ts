// Numbers on the command line.

import { UsageError } from '../base/errors.ts';
import { parseIntegerWithUnit } from '../model/settings.ts';

/** An integer, perhaps with K, M, G or T behind it; UsageError in Nix's words for anything else. */
export function readInteger(text: string): number {
  const value = parseIntegerWithUnit(text);
  if (value !== undefined) return value;
  const unit = /[A-Za-z]$/.exec(text)?.[0].toUpperCase();
  throw new UsageError(unit === undefined || 'KMGT'.includes(unit) ? `'${text}' is not an integer` : `invalid unit specifier '${unit}'`);
}
