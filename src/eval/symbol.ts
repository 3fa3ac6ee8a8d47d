// Symbols: attribute and variable names as small integers. An attribute set's keys are sorted by these integers, so that lookups and
// merges compare machine words; the order users see (that of the bytes of the names) is computed once a shape, where it is asked for.
//
// The table is shared by all evaluators of the program, like the runtime's own table of interned strings: it only ever grows, and
// which integer a name got can never be seen in a result.

import { BARE_NAMES, BASE_NAMES, DERIVATION_NAMES } from './base-names.ts';
import { printIdentifier } from '../lang/print-ast.ts';

/** A name's integer. */
export type SymbolId = number;

const NAMES: string[] = [];
const IDS = new Map<string, SymbolId>();

/** The symbol of a name (a byte string), new or known. */
export function internSymbol(name: string): SymbolId {
  const known = IDS.get(name);
  if (known !== undefined) return known;
  const id = NAMES.length;
  NAMES.push(name);
  IDS.set(name, id);
  return id;
}

/** Makes symbols of names, in this order, and gives the way to look them up. */
export function internAll(names: Iterable<string>): (name: string) => SymbolId {
  for (const name of names) internSymbol(name);
  return internSymbol;
}

/** The symbol of a name, or undefined where no name like that was ever seen (so no attribute set can have it). */
export function querySymbol(name: string): SymbolId | undefined {
  return IDS.get(name);
}

/** The name behind a symbol. */
export function symbolName(symbol: SymbolId): string {
  return NAMES[symbol]!;
}

/** How many names were seen so far. */
export function countSymbols(): number {
  return NAMES.length;
}

/** A name as messages show it: in quotes where it is no identifier. */
export function printSymbol(symbol: SymbolId): string {
  return printIdentifier(NAMES[symbol]!);
}

/** The order of two symbols by the bytes of their names; for sorting what users see. */
export function compareSymbolNames(a: SymbolId, b: SymbolId): number {
  const x = NAMES[a]!;
  const y = NAMES[b]!;
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Indexes of symbols, that of the smallest first. */
export function ascending(symbols: readonly SymbolId[]): number[] {
  return symbols.map((_, i) => i).sort((a, b) => symbols[a]! - symbols[b]!);
}

/**
 * Names the evaluator itself looks for. NIX: C++ Nix's, in its order, for the sake of the places where the order in which names were first
 * seen shows: what `deepSeq` traces first, which of several failing attributes is reported. Names that C++ Nix meets later are
 * interned where they are needed, so a module makes no symbol when it is loaded.
 */
export const symbols = {
  outPath: internSymbol('outPath'),
  drvPath: internSymbol('drvPath'),
  type: internSymbol('type'),
  meta: internSymbol('meta'),
  name: internSymbol('name'),
  value: internSymbol('value'),
  system: internSymbol('system'),
  overrides: internSymbol('__overrides'),
  outputs: internSymbol('outputs'),
  outputName: internSymbol('outputName'),
  ignoreNulls: internSymbol('__ignoreNulls'),
  file: internSymbol('file'),
  line: internSymbol('line'),
  column: internSymbol('column'),
  functor: internSymbol('__functor'),
  toString: internSymbol('__toString'),
  right: internSymbol('right'),
  wrong: internSymbol('wrong'),
  structuredAttrs: internSymbol('__structuredAttrs'),
  json: internSymbol('__json'),
  allowedReferences: internSymbol('allowedReferences'),
  allowedRequisites: internSymbol('allowedRequisites'),
  disallowedReferences: internSymbol('disallowedReferences'),
  disallowedRequisites: internSymbol('disallowedRequisites'),
  maxSize: internSymbol('maxSize'),
  maxClosureSize: internSymbol('maxClosureSize'),
  builder: internSymbol('builder'),
  args: internSymbol('args'),
  contentAddressed: internSymbol('__contentAddressed'),
  impure: internSymbol('__impure'),
  outputHash: internSymbol('outputHash'),
  outputHashAlgo: internSymbol('outputHashAlgo'),
  outputHashMode: internSymbol('outputHashMode'),
  recurseForDerivations: internSymbol('recurseForDerivations'),
  description: internSymbol('description'),
  self: internSymbol('self'),
  empty: internSymbol(''),
  startSet: internSymbol('startSet'),
  operator: internSymbol('operator'),
  key: internSymbol('key'),
  path: internSymbol('path'),
  prefix: internSymbol('prefix'),
  outputSpecified: internSymbol('outputSpecified'),
  sub: internSymbol('__sub'),
  lessThan: internSymbol('__lessThan'),
  mul: internSymbol('__mul'),
  div: internSymbol('__div'),
  or: internSymbol('or'),
  findFile: internSymbol('__findFile'),
  nixPath: internSymbol('__nixPath'),
  body: internSymbol('body'),
} as const;

for (const name of BASE_NAMES) {
  if (!BARE_NAMES.has(name)) internSymbol(`__${name}`);
  internSymbol(name);
}
for (const name of DERIVATION_NAMES) internSymbol(name);
