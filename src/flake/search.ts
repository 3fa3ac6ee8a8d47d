// `search`: walks the packages below some values and gives those whose attribute path, name or description match all of the given
// expressions. nix/search.cc for what is looked into, libutil/hilite.cc for how matches are shown. All texts are byte strings.

import { EvalError, WrongTypeError } from '../base/errors.ts';
import { Attrs } from '../eval/attrs.ts';
import { parsePackageName } from '../eval/builtins/versions.ts';
import { isDerivation } from '../eval/equality.ts';
import { type Ere, parseEre } from '../eval/ere.ts';
import { symbolName, symbols } from '../eval/symbol.ts';
import type { Parts } from './parts.ts';
import { describeType, force, isString, NixPath, type Slot, stringText, type Value } from '../eval/value.ts';

/** A stretch of text that an expression matched. */
export type Match = {
  readonly begin: number;
  readonly end: number;
};

/** A package that was found. */
export type FoundPackage = {
  readonly attrPath: string;
  readonly name: string;
  readonly version: string;
  /** On one line. */
  readonly description: string;
  readonly attrPathMatches: readonly Match[];
  readonly descriptionMatches: readonly Match[];
};

export interface SearchRequest {
  /** POSIX extended regular expressions, letters in either case; all must match somewhere. */
  readonly expressions: readonly string[];
  /** None of these may. */
  readonly excluded: readonly string[];
}

/** What a search says: which attribute it begins to look into and that it is done with that, and what it found. */
export type SearchSaying = readonly ['visiting', string] | readonly ['visited'] | readonly ['found', FoundPackage];

/**
 * An expression that takes letters for the same in either case. Expression and text are brought to lower case, which says the same for
 * all but ranges that mix cases or leave ASCII's letters.
 */
class SearchExpression {
  readonly #ere: Ere;

  constructor(text: string) {
    const lower = text.replace(/\[:(?:upper|lower):\]/g, '[:alpha:]').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    // Refused here with its own text; the group around it then holds the whole match: Ere.split gives groups and what lies between.
    parseEre(text);
    this.#ere = parseEre(`(${lower})`);
  }

  matches(text: string): Match[] {
    const pieces = this.#ere.split(text);
    if (pieces.length === 1) return [];
    const matches: Match[] = [];
    let at = 0;
    for (const piece of pieces) {
      if (typeof piece === 'string') {
        at += piece.length;
      } else {
        const end = at + piece[0]!.length;
        matches.push({ begin: at, end });
        at = end;
      }
    }
    return matches;
  }
}

/** Letters of ASCII to lower case; other bytes stay, and so does the length. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Searches below each root. EvalErrors in legacyPackages are passed over, as packages there may be broken. */
export function searchPackages(
  roots: readonly { readonly value: Value; readonly path: readonly string[] }[],
  request: SearchRequest,
  parts: Parts<SearchSaying>,
): void {
  const search = new Search(request, parts);
  for (const { value, path } of roots) search.visit(value, path, true);
}

class Search {
  private readonly parts: Parts<SearchSaying>;
  private isInPart = false;
  private readonly expressions: readonly SearchExpression[];
  private readonly excluded: readonly SearchExpression[];

  constructor(request: SearchRequest, parts: Parts<SearchSaying>) {
    this.parts = parts;
    this.expressions = request.expressions.map((text) => new SearchExpression(text));
    this.excluded = request.excluded.map((text) => new SearchExpression(text));
  }

  visit(slot: Slot, path: readonly string[], isRoot: boolean): undefined {
    const attrPath = path.join('.');
    this.parts.say(['visiting', attrPath]);
    try {
      const value = force(slot);
      if (isDerivation(value)) this.look(value, attrPath);
      else if (isRoot || this.isLookedInto(value, path)) this.recurse(value, path);
    } catch (error) {
      if (!(error instanceof EvalError) || path[0] !== 'legacyPackages') throw error;
    } finally {
      this.parts.say(['visited']);
    }
  }

  private isLookedInto(value: Value, path: readonly string[]): boolean {
    const [top] = path;
    if (path.length === 0) return true;
    if (top === 'packages') return path.length <= 2;
    if (top !== 'legacyPackages') return false;
    if (path.length <= 2) return true;
    const recurse = value instanceof Attrs ? value.get(symbols.recurseForDerivations) : undefined;
    if (recurse === undefined) return false;
    const answer = force(recurse);
    if (typeof answer !== 'boolean') throw new WrongTypeError(`'${[...path, 'recurseForDerivations'].join('.')}' is not a Boolean`);
    return answer;
  }

  private recurse(value: Value, path: readonly string[]): void {
    if (!(value instanceof Attrs)) throw new WrongTypeError(`'${path.join('.')}' is not an attribute set`);
    const { parts } = this;
    const members = value.order().map((index) => ({ slot: value.slots()[index]!, below: [...path, symbolName(value.keys()[index]!)] }));
    const group = path[1] ?? '';
    parts.expect(group, members.filter(({ below }) => isPackage(below)).length);
    for (const { slot, below } of members) {
      const visit = (): undefined => this.visit(slot, below, false);
      if (!this.isInPart && isPackage(below)) parts.part(group, below.join('\0'), undefined, () => this.withinPart(visit));
      else visit();
    }
  }

  private withinPart(visit: () => undefined): undefined {
    this.isInPart = true;
    try {
      visit();
    } finally {
      this.isInPart = false;
    }
  }

  private look(derivation: Attrs, attrPath: string): void {
    const name = derivation.get(symbols.name);
    if (name === undefined) throw new EvalError(`attribute '${attrPath}.name' does not exist`);
    const full = readText(name, `${attrPath}.name`);
    const { name: packageName, version } = parsePackageName(full);
    const meta = derivation.force(symbols.meta);
    const describes = meta instanceof Attrs ? meta.get(symbols.description) : undefined;
    const description = describes === undefined ? '' : readText(describes, `${attrPath}.meta.description`).replaceAll('\n', ' ');
    const texts = [attrPath, packageName, description].map(lowerCase);
    if (this.excluded.some((expression) => texts.some((text) => expression.matches(text).length > 0))) return;
    const attrPathMatches: Match[] = [];
    const descriptionMatches: Match[] = [];
    for (const expression of this.expressions) {
      const [inPath, inName, inDescription] = texts.map((text) => expression.matches(text)) as [Match[], Match[], Match[]];
      if (inPath.length + inName.length + inDescription.length === 0) return;
      attrPathMatches.push(...inPath);
      descriptionMatches.push(...inDescription);
    }
    this.parts.say(['found', { attrPath, name: packageName, version, description, attrPathMatches, descriptionMatches }]);
  }
}

/** Whether a package may lie there, rather than packages by system. */
function isPackage(path: readonly string[]): boolean {
  return path.length >= 3 || !['packages', 'legacyPackages'].includes(path[0]!);
}

function readText(slot: Slot, attrPath: string): string {
  const value = force(slot);
  if (isString(value)) return stringText(value);
  if (value instanceof NixPath) return value.path;
  throw new WrongTypeError(`'${attrPath}' is not a string but ${describeType(value)}`);
}

/** The text with what matched between `on` and `off`; matches that touch become one. */
export function highlightMatches(text: string, matches: readonly Match[], on: string, off: string): string {
  const sorted = [...matches].sort((a, b) => a.begin - b.begin);
  let result = '';
  let last = 0;
  for (let i = 0; i < sorted.length;) {
    const { begin } = sorted[i]!;
    let { end } = sorted[i]!;
    for (i++; i < sorted.length && sorted[i]!.begin <= end; i++) end = Math.max(end, sorted[i]!.end);
    result += `${text.slice(last, begin)}${on}${text.slice(begin, end)}${off}`;
    last = end;
  }
  return result + text.slice(last);
}
