// Runs text through lexer, parser, binder and printer, as `nix-instantiate --parse` does, for the tests of this folder.

import { FloeError } from '../../src/base/errors.ts';
import { printError } from '../../src/cli/print-error.ts';
import { filterEscapes } from '../../src/cli/terminal.ts';
import { bind } from '../../src/lang/bind.ts';
import { parse, type ParseOptions } from '../../src/lang/parser.ts';
import { resolvePathLiteral, type PathBase } from '../../src/lang/path-literal.ts';
import { stdinSource, type Source } from '../../src/lang/position.ts';
import { printNode } from '../../src/lang/print-ast.ts';
import { GLOBAL_NAMES } from './global-names.ts';

/** Where the expectations of Nix's suite were made. */
export const SUITE_BASE: PathBase = { directory: '/pwd', home: '/home' };

/** The printed tree, a byte string. Throws what floe throws. */
export function printParsed(source: Source, base: PathBase = SUITE_BASE, options: ParseOptions = {}): string {
  const { root } = parse(source, options);
  bind(root, source, GLOBAL_NAMES);
  return printNode(root, (literal) => resolvePathLiteral(literal, base));
}

/** What an error looks like on a terminal without colours. Anything but a FloeError is thrown on. */
export function showError(error: unknown): string {
  if (!(error instanceof FloeError)) throw error;
  return filterEscapes(printError(error), true);
}

/** Standard output and standard error of `nix-instantiate --parse - < text`; `text` is a byte string. */
export function parseStdin(text: string, base?: PathBase, options?: ParseOptions): { readonly out: string; readonly err: string } {
  try {
    return { out: `${printParsed(stdinSource(text), base, options)}\n`, err: '' };
  } catch (error) {
    return { out: '', err: `${showError(error)}\n` };
  }
}
