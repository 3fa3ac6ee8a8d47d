// What a syntax error says.

import { ParseError } from '../base/errors.ts';
import type { NameTable } from './name-table.ts';
import type { Source } from './position.ts';

/** Thrown inside the parser where the text does not follow the grammar; never leaves it. */
export class SyntaxMismatch extends Error {}

/** The error to report for a text that does not parse. */
export function explainSyntaxError(source: Source, _names: NameTable, _pipeOperators: boolean, _isBindings: boolean): ParseError {
  return new ParseError('syntax error', { position: source.at(0) });
}
