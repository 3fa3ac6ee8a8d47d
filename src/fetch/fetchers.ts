// The fetchers by input type, and `fetchInput` over them all.

import { FetchError } from '../base/errors.ts';
import { type InputAttrs, inputType, printInput, stringAttr } from '../model/input-scheme.ts';
import { canonicalPath } from '../model/flake-ref.ts';
import { type FetchContext, type FetchedInput, type Fetcher, fetchWith, type MaybePromise } from './fetcher.ts';
import { fetchGit, gitWorkingTree } from './git.ts';
import { fetchPath } from './path.ts';

const FETCHERS: ReadonlyMap<string, Fetcher> = new Map<string, Fetcher>([
  ['path', fetchPath],
  ['git', fetchGit],
  [
    'indirect',
    (attrs) => {
      throw new FetchError(`indirect input '${printInput(attrs)}' cannot be fetched directly`);
    },
  ],
]);

/** Fetches an input that the registries have resolved. What lies on this machine comes at once; only a network gives a promise. */
export function fetchInput(attrs: InputAttrs, context: FetchContext): MaybePromise<FetchedInput> {
  return fetchWith(FETCHERS, attrs, context);
}

/** The folder of an input that files may be written to (flake.lock); undefined for inputs that are elsewhere. */
export function inputSourcePath(attrs: InputAttrs, context: Pick<FetchContext, 'io' | 'baseDir' | 'warn'>): string | undefined {
  switch (inputType(attrs)) {
    case 'path':
      return canonicalPath(stringAttr(attrs, 'path')!, context.baseDir);
    case 'git':
      return gitWorkingTree(attrs, context);
    default:
      return undefined;
  }
}
