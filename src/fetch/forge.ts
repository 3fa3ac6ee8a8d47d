// What GitHub, GitLab and SourceHut have in common: a branch or tag is asked for its revision, the revision is fetched as a tarball, and
// what a revision's tree was is remembered for good. Access tokens are chosen by host, or by host and path. (Nix: GitArchiveInputScheme
// in libfetchers/github.cc.)

import { isCommitHash } from '../model/git-ref-name.ts';
import { FetchError } from '../base/errors.ts';
import { type InputAttrs, printInput, printRev, refOf, revOf, stringAttr, withAttrs } from '../model/input-scheme.ts';
import { startDownload, withAttempts } from './download.ts';
import type { FetchContext, RawFetch } from './fetcher.ts';
import { cachedTreeFetch, cachedTreeValue, readCachedTree, unpackIntoCache } from './tarball.ts';

export interface Forge {
  readonly defaultHost: string;
  /** The header that carries an access token. */
  tokenHeader(token: string, context: FetchContext): readonly [name: string, value: string];
  /** The revision that a branch, a tag or HEAD stands for now. */
  revisionOf(place: ForgePlace, ref: string, headers: Readonly<Record<string, string>>, context: FetchContext): Promise<string>;
  tarballUrl(place: ForgePlace, rev: string, hasToken: boolean): string;
}

/** A repository on a forge. */
export interface ForgePlace {
  readonly host: string;
  readonly owner: string;
  readonly repo: string;
  /** The input as a URL, for messages. */
  readonly shown: string;
}

/** The token for a repository: the longest entry that its host and path begin with, else that of the host. */
export function findAccessToken(
  tokens: Readonly<Record<string, string>>,
  { host, owner, repo }: Pick<ForgePlace, 'host' | 'owner' | 'repo'>,
): string | undefined {
  const path = `${host}/${owner}/${repo}`;
  const matching = Object.keys(tokens).filter((key) => path === key || path.startsWith(`${key}/`));
  const longest = matching.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : tokens[longest];
}

export async function fetchFromForge(forge: Forge, attrs: InputAttrs, context: FetchContext): Promise<RawFetch> {
  const place: ForgePlace = {
    host: stringAttr(attrs, 'host') ?? forge.defaultHost,
    owner: stringAttr(attrs, 'owner')!,
    repo: stringAttr(attrs, 'repo')!,
    shown: printInput(attrs),
  };
  const token = findAccessToken(context.settings.accessTokens, place);
  const headers = token === undefined ? {} : Object.fromEntries([forge.tokenHeader(token, context)]);
  const givenRev = revOf(attrs);
  const rev = givenRev ? printRev(givenRev) : await forge.revisionOf(place, refOf(attrs) ?? 'HEAD', headers, context);
  if (!isCommitHash(rev)) throw new FetchError(`'${place.host}' gave '${rev}' as the revision of '${place.shown}', which is none`);
  const locked = withAttrs(attrs, { ref: undefined, rev });
  const known = context.cache.lookup('forge-revision', rev)?.value;
  const knownTree = known && readCachedTree(known, context);
  const tree =
    knownTree ??
    (await withAttempts(context, async () => {
      const { body } = await startDownload(forge.tarballUrl(place, rev, token !== undefined), context, { headers });
      return unpackIntoCache(body, place.shown, context);
    }));
  if (!knownTree) context.cache.store('forge-revision', rev, cachedTreeValue(tree));
  return cachedTreeFetch(withAttrs(locked, { lastModified: tree.lastModified }), tree, context);
}
