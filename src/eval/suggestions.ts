// "Did you mean ...?": names near the one that was not found. libutil/suggestions.cc: Levenshtein distance at most 2, best five.

import { compareStrings } from '../base/bytes.ts';

/** Edits (insert, delete, replace) from one to the other. */
function levenshtein(a: string, b: string): number {
  let previous: number[] = [];
  for (let j = 0; j <= b.length; j++) previous.push(j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1;
      current.push(Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + cost));
    }
    previous = current;
  }
  return previous[b.length]!;
}

/** Names near `wanted`, best first, then by name. */
export function bestMatches(names: readonly string[], wanted: string): string[] {
  const found: { name: string; distance: number }[] = [];
  for (const name of names) {
    if (Math.abs(name.length - wanted.length) > 2) continue;
    const distance = levenshtein(name, wanted);
    if (distance <= 2) found.push({ name, distance });
  }
  found.sort((a, b) => a.distance - b.distance || compareStrings(a.name, b.name));
  return found.slice(0, 5).map((entry) => entry.name);
}
