// Which packages of a profile `profile remove` and `profile upgrade` work on: by name, store path or regular expression, or all.
// nix/profile.cc (MixProfileElementMatchers).

import { compareStrings, utf8ToByteString } from '../base/bytes.ts';
import { FloeError, UsageError } from '../base/errors.ts';
import { parseEre } from '../eval/ere.ts';
import { splitStorePath } from '../model/store-path.ts';
import { elementIdentifier, type ProfileElement, type ProfileManifest } from '../profile/manifest.ts';

/** What the user gave. */
export interface ElementChoice {
  readonly all: boolean;
  readonly regexes: readonly string[];
  readonly names: readonly string[];
}

/** One of the choices, ready to be asked. */
export interface ElementMatcher {
  readonly title: string;
  matches(name: string, element: ProfileElement): boolean;
}

/** FloeError for numbers and bad expressions; UsageError where nothing, or "all" beside something else, was chosen. */
export function elementMatchers({ all, regexes, names }: ElementChoice, storeDir: string): ElementMatcher[] {
  const matchers = [
    ...(all ? [{ title: '--all', matches: () => true }] : []),
    ...regexes.map(regexMatcher),
    ...names.map((name) => nameMatcher(utf8ToByteString(name), storeDir)),
  ];
  if (matchers.length === 0) throw new UsageError('No packages specified.');
  if (all && matchers.length > 1) throw new UsageError('--all cannot be used with package names or regular expressions.');
  return matchers;
}

function regexMatcher(pattern: string): ElementMatcher {
  // NIX: case does not count.
  const expression = parseEre(utf8ToByteString(pattern.toLowerCase()));
  return {
    title: `Regex '${pattern}'`,
    matches: (_, element) => expression.match(elementIdentifier(element).toLowerCase()) !== null,
  };
}

function nameMatcher(name: string, storeDir: string): ElementMatcher {
  if (/^-?[0-9]+$/.test(name)) throw new FloeError('FLOE_PROFILE_INDEX', `'nix profile' no longer supports indices ('${name}')`);
  const storePath = storePathOf(name, storeDir);
  if (storePath === undefined) return { title: `Package name '${name}'`, matches: (own) => own === name };
  return { title: `Store path '${storePath}'`, matches: (_, { storePaths }) => storePaths.some((path) => path === storePath) };
}

function storePathOf(text: string, storeDir: string): string | undefined {
  try {
    const found = splitStorePath(text, storeDir);
    return found?.rest === '' ? found.storePath : undefined;
  } catch (error) {
    if (error instanceof FloeError) return undefined;
    throw error;
  }
}

/** Names of the packages that are meant, in order; what matches none is told. */
export function matchingElements(
  manifest: ProfileManifest,
  matchers: readonly ElementMatcher[],
  warn: (message: string) => void,
): string[] {
  if (manifest.size === 0) {
    warn('There are no packages in the profile.');
    return [];
  }
  const found = new Set<string>();
  for (const matcher of matchers) {
    const names = manifest.elements.filter(([name, element]) => matcher.matches(name, element)).map(([name]) => name);
    if (names.length === 0) warn(`${matcher.title} does not match any packages in the profile.`);
    for (const name of names) found.add(name);
  }
  return [...found].sort(compareStrings);
}
