// Inputs of type `file`: one file behind an http, https or file URL, kept as it is. (Nix: FileInputScheme in libfetchers/tarball.cc.)

import { concatBytes } from '../base/bytes.ts';
import { hashBytes, printHash } from '../base/hash.ts';
import { type InputAttrs, stringAttr, withAttrs } from '../model/input-scheme.ts';
import { cachePlace, startDownload, withAttempts } from './download.ts';
import type { FetchContext, RawFetch } from './fetcher.ts';
import { FolderTree, narHashOfTree } from './source-tree.ts';

export async function fetchFile(attrs: InputAttrs, context: FetchContext): Promise<RawFetch> {
  const url = stringAttr(attrs, 'url')!;
  const { files, now } = context.io;
  const known = context.cache.lookup('file', url);
  const knownPlace = known && cachePlace('files', String(known.value['sha256']), context);
  const isHere = knownPlace !== undefined && files.stat(knownPlace) !== undefined;
  const fresh = isHere && known!.writtenMs + context.settings.tarballTtl * 1000 > now();
  const place = fresh
    ? knownPlace
    : await downloadInto(
        url,
        isHere ? { place: knownPlace, etag: String(known!.value['etag']), sha256: String(known!.value['sha256']) } : undefined,
        context,
      );
  const tree = new FolderTree(files, place);
  const narHash = narHashOfTree(tree);
  return { tree, attrs: withAttrs(attrs, { narHash: printHash(narHash, 'sri') }), narHash, folder: place };
}

async function downloadInto(
  url: string,
  known: { readonly place: string; readonly etag: string; readonly sha256: string } | undefined,
  context: FetchContext,
): Promise<string> {
  return withAttempts(context, async () => {
    const answer = await startDownload(url, context, { etag: known?.etag });
    const remember = (sha256: string) => {
      for (const each of new Set([url, ...answer.urls])) context.cache.store('file', each, { sha256, etag: answer.etag });
    };
    if (!answer.changed && known) {
      remember(known.sha256);
      return known.place;
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer.body) chunks.push(chunk);
    const contents = concatBytes(chunks);
    const sha256 = printHash(hashBytes('sha256', contents), 'sri');
    const place = cachePlace('files', sha256, context);
    if (context.io.files.stat(place) === undefined) context.io.files.writeFileAtomic(place, contents, { disposable: true });
    remember(sha256);
    return place;
  });
}
