// Inputs of type `github`: revisions through the API, trees as tarballs. GitHub Enterprise servers have the API below /api/v3.

import { FetchError } from '../base/errors.ts';
import { type Json, parseJson } from '../base/canonical-json.ts';
import { downloadText } from './download.ts';
import type { Forge } from './forge.ts';

export const GITHUB: Forge = {
  defaultHost: 'github.com',
  tokenHeader: (token) => ['Authorization', `token ${token}`],
  async revisionOf({ host, owner, repo }, ref, options, context) {
    const api = host === 'github.com' ? `https://api.${host}` : `https://${host}/api/v3`;
    const url = `${api}/repos/${owner}/${repo}/commits/${ref}`;
    const json = parseJson(await downloadText(url, options, context), `the answer of '${url}'`);
    const sha = json instanceof Map ? (json as ReadonlyMap<string, Json>).get('sha') : undefined;
    if (typeof sha !== 'string') throw new FetchError(`'${url}' did not tell a revision`);
    return sha;
  },
  tarballUrl({ host, owner, repo }, rev, hasToken) {
    if (host !== 'github.com') return `https://${host}/api/v3/repos/${owner}/${repo}/tarball/${rev}`;
    // Without a token the public archive, which has no rate limit.
    return hasToken
      ? `https://api.${host}/repos/${owner}/${repo}/tarball/${rev}`
      : `https://${host}/${owner}/${repo}/archive/${rev}.tar.gz`;
  },
};
