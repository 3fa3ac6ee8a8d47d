// Names and versions of packages as profiles show them: taken from names of store paths. libstore/names.cc (DrvName), nix/diff-closures.cc
// (showVersions).

import { compareStrings, utf8ToByteString } from '../base/bytes.ts';

/** Stands for no version at all: a package that is not there. A byte string. */
export const NO_VERSIONS = utf8ToByteString('∅');
/** Stands for the version of a package whose name has none. A byte string. */
const EMPTY_VERSION = utf8ToByteString('ε');

/** Name and version in a store path's name: the version starts after the first dash that no letter follows. */
export function splitPackageName(text: string): { readonly name: string; readonly version: string } {
  const dash = text.search(/-[^a-zA-Z]/);
  return dash < 0 ? { name: text, version: '' } : { name: text.slice(0, dash), version: text.slice(dash + 1) };
}

/** Versions in order, with commas. A byte string. */
export function printVersions(versions: Iterable<string>): string {
  const shown = new Set([...versions].map((version) => (version === '' ? EMPTY_VERSION : version)));
  return shown.size === 0 ? NO_VERSIONS : [...shown].sort(compareStrings).join(', ');
}
