// Inputs of type `sourcehut`: revisions from the list of references that the git server itself gives, trees as tarballs.

import { FetchError } from '../base/errors.ts';
import { downloadText } from './download.ts';
import type { Forge, ForgePlace } from './forge.ts';

function baseUrl({ host, owner, repo }: ForgePlace): string {
  return `https://${host}/${owner}/${repo}`;
}

export const SOURCEHUT: Forge = {
  defaultHost: 'git.sr.ht',
  tokenHeader: (token) => ['Authorization', `Bearer ${token}`],
  async revisionOf(place, ref, options, context) {
    let names = [`refs/heads/${ref}`, `refs/tags/${ref}`];
    if (ref === 'HEAD') {
      // Either "ref: refs/heads/main" or a revision.
      const head = (await downloadText(`${baseUrl(place)}/HEAD`, options, context)).split('\n')[0]!.trim();
      const name = /^ref: *(\S+)/.exec(head)?.[1] ?? /^\S+/.exec(head)?.[0];
      if (name === undefined) throw new FetchError(`in '${place.shown}', couldn't resolve HEAD ref '${ref}'`);
      names = [name];
    }
    const refs = await downloadText(`${baseUrl(place)}/info/refs`, options, context);
    for (const line of refs.split('\n')) {
      const [id, name] = line.split('\t');
      if (id !== undefined && name !== undefined && names.includes(name)) return id;
    }
    throw new FetchError(`in '${place.shown}', couldn't find ref '${ref}'`);
  },
  tarballUrl: (place, rev) => `${baseUrl(place)}/archive/${rev}.tar.gz`,
};
