// `search` over installables: what flake/search.ts finds, as JSON or lines with the matches marked. nix/search.cc.

import { type Json } from '../base/canonical-json.ts';
import { utf8ToByteString } from '../base/bytes.ts';
import { FloeError, UsageError } from '../base/errors.ts';
import { highlightMatches, searchPackages } from '../flake/search.ts';
import type { Engine } from './engine.ts';
import type { Target } from './installables.ts';

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
export function searchTargets(engine: Engine, targets: readonly Target[], search: PackageSearch): Json {
  const { expressions, excluded, style, line } = search;
  // "^" rather than ".*": nothing is marked then.
  if (expressions.length === 0)
    throw new UsageError("Must provide at least one regex! To match all packages, use 'nix search <installable> ^'.");
  const found = new Map<string, Json>();
  let count = 0;
  const roots = targets.flatMap((target) => target.values());
  const { progress } = engine;
  engine.evaluation().evaluator.guard(() =>
    searchPackages(
      roots.map(({ value, attrPath, path }) => ({ value, path: path ?? (attrPath === '' ? [] : attrPath.split('.')) })),
      {
        expressions: expressions.map(utf8ToByteString),
        excluded: excluded.map(utf8ToByteString),
        visiting: (attrPath) => {
          const activity = progress.start('unknown', `evaluating '${attrPath}'`, { level: 'info' });
          return () => activity.stop();
        },
        found: ({ attrPath, name, version, description, attrPathMatches, descriptionMatches }) => {
          if (search.json) {
            found.set(attrPath, { pname: name, version, description });
            return;
          }
          if (count++ > 0) line('');
          const title = `${style.title}${highlightMatches(attrPath, attrPathMatches, style.match, style.title)}${style.normal}`;
          line(`* ${title}${version === '' ? '' : ` (${version})`}`);
          if (description !== '') line(`  ${highlightMatches(description, descriptionMatches, style.match, style.normal)}`);
        },
      },
    ),
  );
  if (!search.json && count === 0) throw new FloeError('FLOE_NOTHING_FOUND', 'no results for the given search term(s)!');
  return found;
}
