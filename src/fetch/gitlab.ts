// Inputs of type `gitlab`, on gitlab.com or any other host, through its API. Groups in groups are written with %2F in the owner.

import { FetchError } from '../base/errors.ts';
import { type Json, parseJson, printJson } from '../base/canonical-json.ts';
import { downloadText } from './download.ts';
import type { Forge, ForgePlace } from './forge.ts';

function projectUrl({ host, owner, repo }: ForgePlace): string {
  return `https://${host}/api/v4/projects/${owner}%2F${repo}/repository`;
}

export const GITLAB: Forge = {
  defaultHost: 'gitlab.com',
  tokenHeader(token, { warn }) {
    const colon = token.indexOf(':');
    const kind = colon < 0 ? token : token.slice(0, colon);
    const value = token.slice(colon + 1);
    if (kind === 'OAuth2') return ['Authorization', `Bearer ${value}`];
    if (kind === 'PAT') return ['Private-token', value];
    warn(`Unrecognized GitLab token type ${kind}`);
    return [kind, value];
  },
  async revisionOf(place, ref, options, context) {
    const url = `${projectUrl(place)}/commits?ref_name=${ref}`;
    const json = parseJson(await downloadText(url, options, context), `the answer of '${url}'`);
    const first: Json | undefined = Array.isArray(json) ? (json as readonly Json[])[0] : undefined;
    const id = first instanceof Map ? (first as ReadonlyMap<string, Json>).get('id') : undefined;
    if (typeof id === 'string') return id;
    if (Array.isArray(json) && json.length === 0)
      throw new FetchError('No commits returned by GitLab API -- does the git ref really exist?', { data: { url } });
    throw new FetchError(`Unexpected response received from GitLab: ${printJson(json)}`, { data: { url } });
  },
  tarballUrl: (place, rev) => `${projectUrl(place)}/archive.tar.gz?sha=${rev}`,
};
