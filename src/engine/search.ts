// `search` over installables: what flake/search.ts finds, as JSON or lines with the matches marked. nix/search.cc.

import { type Json } from '../base/canonical-json.ts';
import { utf8ToByteString } from '../base/bytes.ts';
import { FloeError, UsageError } from '../base/errors.ts';
import type { Activity, Progress } from '../base/progress.ts';
import { type FoundPackage, highlightMatches, searchPackages, type SearchSaying } from '../flake/search.ts';
import type { Engine } from './engine.ts';
import type { Target } from './installables.ts';
import { walkTogether } from './shared-work.ts';

export interface PackageSearch {
  readonly expressions: readonly string[];
  readonly excluded: readonly string[];
  /** Gather JSON instead of giving lines. */
  readonly json: boolean;
  /** Around what matched. */
  readonly style: { readonly match: string; readonly title: string; readonly normal: string };
  /** Gets each line, a byte string without its end. */
  readonly line: (text: string) => void;
}

/** Searches below the targets. Gives the JSON, an empty object where lines were asked for; FloeError where no line was found. */
export async function searchTargets(engine: Engine, targets: readonly Target[], search: PackageSearch): Promise<Json> {
  // "^" rather than ".*": nothing is marked then.
  if (search.expressions.length === 0)
    throw new UsageError("Must provide at least one regex! To match all packages, use 'nix search <installable> ^'.");
  const results = new SearchResults(engine.progress, search);
  const request = { expressions: search.expressions.map(utf8ToByteString), excluded: search.excluded.map(utf8ToByteString) };
  await walkTogether<SearchSaying, void>(engine, {
    writes: false,
    show: (saying) => results.add(saying),
    run(parts) {
      const roots = targets.flatMap((target) => target.values());
      const places = roots.map(({ value, attrPath, path }) => ({ value, path: path ?? (attrPath === '' ? [] : attrPath.split('.')) }));
      engine.evaluation().evaluator.guard(() => searchPackages(places, request, parts));
    },
  });
  if (!search.json && results.lines === 0) throw new FloeError('FLOE_NOTHING_FOUND', 'no results for the given search term(s)!');
  return results.found;
}

/** What was found, shown or gathered as it comes. */
class SearchResults {
  readonly found = new Map<string, Json>();
  lines = 0;
  private readonly progress: Progress;
  private readonly search: PackageSearch;
  private readonly activities: Activity[] = [];

  constructor(progress: Progress, search: PackageSearch) {
    this.progress = progress;
    this.search = search;
  }

  add(saying: SearchSaying): void {
    if (saying[0] === 'found') this.show(saying[1]);
    else if (saying[0] === 'visited') this.activities.pop()?.stop();
    else this.activities.push(this.progress.start('unknown', `evaluating '${saying[1]}'`, { level: 'info' }));
  }

  private show({ attrPath, name, version, description, attrPathMatches, descriptionMatches }: FoundPackage): void {
    const { json, line, style } = this.search;
    if (json) {
      this.found.set(attrPath, { pname: name, version, description });
      return;
    }
    if (this.lines++ > 0) line('');
    const title = `${style.title}${highlightMatches(attrPath, attrPathMatches, style.match, style.title)}${style.normal}`;
    line(`* ${title}${version === '' ? '' : ` (${version})`}`);
    if (description !== '') line(`  ${highlightMatches(description, descriptionMatches, style.match, style.normal)}`);
  }
}
