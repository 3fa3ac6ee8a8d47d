// Names that users give to packages, as `nix-env` reads them: "hello", "hello-2.12", "h.*", "*". Names are regular expressions; a version
// must be equal. libstore/names.cc, nix-env/nix-env.cc. Texts are byte strings.

import { compareStrings } from '../base/bytes.ts';
import { FloeError } from '../base/errors.ts';
import { compareVersionTexts, parsePackageName } from '../eval/builtins/versions.ts';
import { type Ere, parseEre } from '../eval/ere.ts';
import type { Package } from './package.ts';

/** One such name. */
export class PackageSelector {
  readonly text: string;
  readonly name: string;
  readonly version: string;
  private expression: Ere | undefined;

  constructor(text: string) {
    const { name, version } = parsePackageName(text);
    this.text = text;
    this.name = name;
    this.version = version;
  }

  matches(packageName: string): boolean {
    const { name, version } = parsePackageName(packageName);
    if (this.name !== '*') {
      this.expression ??= parseEre(this.name);
      if (this.expression.match(name) === null) return false;
    }
    return this.version === '' || this.version === version;
  }
}

/** A selector that matches nothing. */
export function noMatch(selector: PackageSelector, suggestions: readonly string[] = []): FloeError {
  const meant = suggestions.length === 0 ? '' : `, maybe you meant:${suggestions.map((name) => `\n${name}`).join('')}`;
  return new FloeError('FLOE_NO_PACKAGE', `selector '${selector.text}' matches no derivations${meant}`);
}

const MAX_SUGGESTIONS = 3;

function namesWithPrefix(packages: readonly Package[], prefix: string): string[] {
  const found = new Set<string>();
  for (const one of packages) {
    const { name } = parsePackageName(one.name);
    if (name.startsWith(prefix)) found.add(name);
    if (found.size >= MAX_SUGGESTIONS) break;
  }
  return [...found].sort(compareStrings);
}

/** Above 0 where the first ranks higher: its number is the lower one. */
export function comparePriorities(a: Package, b: Package): number {
  const [x, y] = [a, b].map((one) => one.metaInteger('priority', 0n)) as [bigint, bigint];
  return x < y ? 1 : x > y ? -1 : 0;
}

export interface SelectOptions {
  /** Of packages with one name only the best. */
  readonly newestOnly: boolean;
  readonly system: string;
  readonly warn: (message: string) => void;
}

/** Of several packages with one name the one for this system, of these the highest priority, then the newest, then the first. */
function pickNewest(packages: readonly Package[], { system, warn }: SelectOptions): Package[] {
  const newest = new Map<string, Package>();
  const multiple = new Set<string>();
  for (const one of packages) {
    const { name, version } = parsePackageName(one.name);
    const other = newest.get(name);
    let order = 1;
    if (other !== undefined) {
      order = one.system === other.system ? 0 : one.system === system ? 1 : other.system === system ? -1 : 0;
      if (order === 0) order = comparePriorities(one, other);
      if (order === 0) order = compareVersionTexts(version, parsePackageName(other.name).version);
    }
    if (order > 0) {
      newest.set(name, one);
      multiple.delete(one.name);
    } else if (order === 0) multiple.add(one.name);
  }
  return [...newest]
    .sort(([a], [b]) => compareStrings(a, b))
    .map(([name, one]) => {
      // NIX: the full names are remembered and the short ones asked for.
      if (multiple.has(name)) warn(`there are multiple derivations named '${name}'; using the first one`);
      return one;
    });
}

/** The packages that any of the names matches, in the order of the names; all where there are none. */
export function selectPackages(packages: readonly Package[], names: readonly string[], options: SelectOptions): Package[] {
  const chosen = new Set<Package>();
  for (const text of names.length === 0 ? ['*'] : names) {
    const selector = new PackageSelector(text);
    const matching = packages.filter(({ name }) => selector.matches(name));
    for (const one of options.newestOnly ? pickNewest(matching, options) : matching) chosen.add(one);
    if (matching.length === 0 && selector.text !== '*') throw noMatch(selector, namesWithPrefix(packages, selector.name));
  }
  return [...chosen];
}
