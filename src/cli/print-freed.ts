// What commands that delete from the store say when they are done.

import { printSize } from '../base/byte-size.ts';

/** "3 store paths deleted, 1.5 KiB freed", as C++ Nix says it. */
export function printFreed(results: { readonly paths: readonly string[]; readonly freedBytes: number }): string {
  return `${results.paths.length} store paths deleted, ${printSize(results.freedBytes)} freed`;
}
