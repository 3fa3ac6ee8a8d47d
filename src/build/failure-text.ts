// Words that several errors of building share, as C++ Nix 2.34.8 prints them.

import { compareStrings } from '../base/bytes.ts';
import type { FloeError } from '../base/errors.ts';
import type { Derivation } from '../model/derivation.ts';
import type { StorePath } from '../model/store-path.ts';

/** An error as one message of the log, its lines under each other. */
export function printFailure(error: FloeError): string {
  return `error: ${error.message.replace(/\n(?=.)/g, '\n       ')}`;
}

/** The lines about output paths that errors of builds end with. */
export function describeOutputs(derivation: Derivation, print: (path: StorePath) => string): string {
  const paths = new Set([...derivation.outputs.values()].flatMap((output) => ('path' in output ? [output.path] : [])));
  if (paths.size === 0) return '';
  return `\nOutput paths:${[...paths]
    .sort(compareStrings)
    .map((path) => `\n  ${print(path)}`)
    .join('')}`;
}
