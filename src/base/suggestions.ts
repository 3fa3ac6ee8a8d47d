// "Did you mean ...?": names near one that is not known, as Nix chooses them: edit distance at most 2, five at most.

import { compareStrings } from './bytes.ts';

const MAX_DISTANCE = 2;
const MAX_SUGGESTIONS = 5;

/** Edits (insert, delete, replace) between two words. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const current = [i + 1];
    for (let j = 0; j < b.length; j++) {
      current.push(Math.min(previous[j + 1]! + 1, current[j]! + 1, previous[j]! + (a[i] === b[j] ? 0 : 1)));
    }
    previous = current;
  }
  return previous[b.length]!;
}

/** Names near `wanted`, nearest first. */
export function nearestNames(names: Iterable<string>, wanted: string): string[] {
  return [...names]
    .filter((name) => Math.abs(name.length - wanted.length) <= MAX_DISTANCE)
    .map((name) => ({ name, distance: editDistance(wanted, name) }))
    .filter(({ distance }) => distance <= MAX_DISTANCE)
    .sort((a, b) => a.distance - b.distance || compareStrings(a.name, b.name))
    .slice(0, MAX_SUGGESTIONS)
    .map(({ name }) => name);
}

/** Shorter names are not guessed at: anything is near them. */
const MIN_GUESSED = 3;

/** Variables that may have been meant. */
export function nearestVariables(names: Iterable<string>, wanted: string): string[] {
  return wanted.length < MIN_GUESSED ? [] : nearestNames(names, wanted);
}

/** "Did you mean one of a, b or c?"; undefined where there is nothing to offer. */
export function printSuggestions(names: readonly string[], style: (name: string) => string = (name) => name): string | undefined {
  if (names.length === 0) return undefined;
  const styled = names.map(style);
  const last = styled.pop()!;
  return `Did you mean ${styled.length === 0 ? last : `one of ${styled.join(', ')} or ${last}`}?`;
}
