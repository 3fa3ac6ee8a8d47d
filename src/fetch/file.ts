// Inputs of type `file`: one file behind an http, https or file URL, kept as it is. (Nix: FileInputScheme in libfetchers/tarball.cc.)

import { hashBytes, printHash } from '../base/hash.ts';
import { collectBytes } from '../io/decompress.ts';
import { type InputAttrs, stringAttr, withAttrs } from '../model/input-scheme.ts';
import { cachePlace, downloadThrough, isFreshEntry, orOlder } from './download.ts';
import type { CacheEntry } from './fetch-cache.ts';
import type { FetchContext, RawFetch } from './fetcher.ts';
import { FolderTree, narHashOfTree } from './source-tree.ts';

export async function fetchFile(attrs: InputAttrs, context: FetchContext): Promise<RawFetch> {
  const url = stringAttr(attrs, 'url')!;
  const known = context.cache.lookup('file', url);
  const knownPlace = known && placeOf(known, context);
  const place =
    knownPlace !== undefined && isFreshEntry(known!, context)
      ? knownPlace
      : await orOlder(knownPlace, context, () => downloadInto(url, knownPlace === undefined ? undefined : known, context));
  const tree = new FolderTree(context.io.files, place);
  const narHash = narHashOfTree(tree);
  return { tree, attrs: withAttrs(attrs, { narHash: printHash(narHash, 'sri') }), narHash, folder: place };
}

/** Where an earlier download lies; undefined where it is gone. */
function placeOf({ value }: CacheEntry, context: FetchContext): string | undefined {
  const place = cachePlace('files', String(value['sha256']), context);
  return context.io.files.stat(place) === undefined ? undefined : place;
}

async function downloadInto(url: string, known: CacheEntry | undefined, context: FetchContext): Promise<string> {
  const etag = known && String(known.value['etag']);
  const { answer, result } = await downloadThrough(url, { etag }, context, async (body) => {
    const contents = await collectBytes(body);
    const sha256 = printHash(hashBytes('sha256', contents), 'sri');
    const place = cachePlace('files', sha256, context);
    if (context.io.files.stat(place) === undefined) context.io.files.writeFileAtomic(place, contents, { disposable: true });
    return sha256;
  });
  const sha256 = result ?? String(known!.value['sha256']);
  for (const each of new Set([url, ...answer.urls])) context.cache.store('file', each, { sha256, etag: answer.etag });
  return cachePlace('files', sha256, context);
}
