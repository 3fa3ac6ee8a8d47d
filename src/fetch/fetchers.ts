// The fetchers by input type, and `fetchInput` over them all.

import { type InputAttrs, inputType, stringAttr } from '../model/input-scheme.ts';
import { canonicalPath } from '../model/flake-ref.ts';
import { type FetchContext, type FetchedInput, type Fetcher, fetchWith, type MaybePromise } from './fetcher.ts';
import { fetchFile } from './file.ts';
import { fetchFromForge } from './forge.ts';
import { fetchGit, gitWorkingTree } from './git.ts';
import { GITHUB } from './github.ts';
import { GITLAB } from './gitlab.ts';
import { fetchIndirect } from './indirect.ts';
import { fetchMercurial } from './mercurial.ts';
import { fetchPath } from './path.ts';
import { SOURCEHUT } from './sourcehut.ts';
import { fetchTarball } from './tarball.ts';

const FETCHERS: ReadonlyMap<string, Fetcher> = new Map<string, Fetcher>([
  ['file', fetchFile],
  ['git', fetchGit],
  ['github', (attrs, context) => fetchFromForge(GITHUB, attrs, context)],
  ['gitlab', (attrs, context) => fetchFromForge(GITLAB, attrs, context)],
  ['hg', fetchMercurial],
  ['indirect', fetchIndirect],
  ['path', fetchPath],
  ['sourcehut', (attrs, context) => fetchFromForge(SOURCEHUT, attrs, context)],
  ['tarball', fetchTarball],
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
