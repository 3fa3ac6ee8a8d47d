// Colours of sizes that differ between closures. NIX: also where the output is no terminal.

import type { SizeStyle } from '../engine/closure-diff.ts';
import { GREEN, NORMAL, RED } from './terminal.ts';

/** Red for what grew, green for what shrank. */
export const SIZE_STYLE: SizeStyle = {
  grown: (text) => `${RED}${text}${NORMAL}`,
  shrunk: (text) => `${GREEN}${text}${NORMAL}`,
};
