// What GitHub, GitLab and SourceHut have in common: a branch or tag is asked for its revision, the revision is fetched as a tarball, and
// what a revision's tree was is remembered for good. Access tokens are chosen by host, or by host and path. (Nix: GitArchiveInputScheme
// in libfetchers/github.cc.)

import { isCommitHash } from '../model/git-ref-name.ts';
import { FetchError } from '../base/errors.ts';
import { type InputAttrs, printInput, printRev, refOf, revOf, stringAttr, withAttrs } from '../model/input-scheme.ts';
import type { DownloadOptions } from './download.ts';
import type { Refusal } from '../io/download.ts';
import type { FetchContext, RawFetch } from './fetcher.ts';
import { cachedTreeFetch, cachedTreeValue, downloadTree, readCachedTree } from './tarball.ts';

export interface Forge {
  readonly defaultHost: string;
  /** The header that carries an access token. */
  tokenHeader(token: string, context: FetchContext): readonly [name: string, value: string];
  /** The revision that a branch, a tag or HEAD stands for now. */
  revisionOf(place: ForgePlace, ref: string, options: DownloadOptions, context: FetchContext): Promise<string>;
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
  const options: DownloadOptions = {
    ...(token !== undefined && { headers: Object.fromEntries([forge.tokenHeader(token, context)]) }),
    hintFor: (refusal) => refusalHint(refusal, place, token !== undefined),
  };
  const givenRev = revOf(attrs);
  const rev = givenRev ? printRev(givenRev) : await forge.revisionOf(place, refOf(attrs) ?? 'HEAD', options, context);
  if (!isCommitHash(rev)) throw new FetchError(`'${place.host}' gave '${rev}' as the revision of '${place.shown}', which is none`);
  const locked = withAttrs(attrs, { ref: undefined, rev });
  const known = context.cache.lookup('forge-revision', rev)?.value;
  const knownTree = known && readCachedTree(known, context);
  const url = forge.tarballUrl(place, rev, token !== undefined);
  const tree = knownTree ?? (await downloadTree(url, place.shown, printInput(locked), options, context)).result;
  if (tree === undefined) throw new FetchError(`'${url}' gave nothing`);
  if (!knownTree) context.cache.store('forge-revision', rev, cachedTreeValue(tree));
  return cachedTreeFetch(withAttrs(locked, { lastModified: tree.lastModified }), tree, context);
}

const MINUTE_MS = 60_000;

/** What a forge means by not giving what it was asked for, and what to do. */
function refusalHint({ status, headers }: Refusal, { host, owner, repo }: ForgePlace, hasToken: boolean): string | undefined {
  const setting = `access-tokens = ${host}=<token>`;
  const isLimited = status === 429 || headers.get('x-ratelimit-remaining') === '0' || headers.get('ratelimit-remaining') === '0';
  if (isLimited && [403, 429].includes(status)) {
    const reset = Number(headers.get('x-ratelimit-reset') ?? headers.get('ratelimit-reset') ?? Number.NaN) * 1000 - Date.now();
    const until = reset > 0 ? ` (it ends in ${Math.ceil(reset / MINUTE_MS)} minutes)` : '';
    const advice = hasToken ? 'wait, or use another token' : `wait, or put a token, which may ask more often, into nix.conf: ${setting}`;
    return `'${host}' has had too many requests from here${until}: ${advice}`;
  }
  if (status === 401 || status === 403) {
    return hasToken
      ? `'${host}' does not accept the token of the setting 'access-tokens', or does not let it read '${owner}/${repo}'`
      : `'${host}' wants a login for '${owner}/${repo}': put a token into nix.conf: ${setting}`;
  }
  if (status === 404) {
    const hidden = hasToken
      ? "or lies where the token of 'access-tokens' may not look"
      : `or is private; for private repositories put a token into nix.conf: ${setting}`;
    return `'${host}' knows no '${owner}/${repo}' with that branch or revision: it is misspelt, ${hidden}`;
  }
  return undefined;
}
