// Inputs of type `tarball`: an archive behind an http, https or file URL, unpacked into the cache, where trees lie by their NAR hash. The
// forges (github.ts and its kin) fetch through the same steps. (Nix: libfetchers/tarball.cc.)

import { FetchError } from '../base/errors.ts';
import { type Hash, parseSri, printHash } from '../base/hash.ts';
import { type InputAttrs, integerAttr, parseInputUrl, stringAttr, withAttrs } from '../model/input-scheme.ts';
import { parseUrl, urlPathToFilePath } from '../model/url.ts';
import type { DownloadAnswer } from '../io/download.ts';
import { unpackArchive } from '../io/unpack-archive.ts';
import { cachePlace, type DownloadOptions, downloadThrough, isFreshEntry } from './download.ts';
import type { FetchContext, RawFetch } from './fetcher.ts';
import { FolderTree, narHashOfTree } from './source-tree.ts';

/** A tree in the cache. */
export interface CachedTree {
  readonly folder: string;
  readonly narHash: Hash;
  /** Seconds since 1970. */
  readonly lastModified: number;
}

export async function fetchTarball(attrs: InputAttrs, context: FetchContext): Promise<RawFetch> {
  const url = stringAttr(attrs, 'url')!;
  const { tree, immutableUrl } = await downloadTarball(url, context);
  let locked = attrs;
  if (immutableUrl !== undefined) {
    locked = parseInputUrl(parseUrl(immutableUrl), true);
    if (locked['type'] !== 'tarball')
      throw new FetchError("tarball 'Link' headers that redirect to non-tarball URLs are not supported", { data: { url, immutableUrl } });
  }
  if (tree.lastModified !== 0 && integerAttr(locked, 'lastModified') === undefined)
    locked = withAttrs(locked, { lastModified: tree.lastModified });
  return cachedTreeFetch(withAttrs(locked, { narHash: printHash(tree.narHash, 'sri') }), tree, context);
}

/** A cached tree as what a fetcher gives. */
export function cachedTreeFetch(attrs: InputAttrs, tree: CachedTree, { io }: FetchContext): RawFetch {
  return { tree: new FolderTree(io.files, tree.folder), attrs, narHash: tree.narHash, folder: tree.folder };
}

/** Downloads and unpacks, or takes what earlier downloads left. */
async function downloadTarball(
  url: string,
  context: FetchContext,
): Promise<{ readonly tree: CachedTree; readonly immutableUrl: string | undefined }> {
  checkLocal(url, context);
  const known = context.cache.lookup('tarball', url);
  const knownTree = known && readCachedTree(known.value, context);
  const knownLink = known?.value['immutableUrl'];
  const result = (tree: CachedTree, immutableUrl: unknown) => ({
    tree,
    immutableUrl: typeof immutableUrl === 'string' ? immutableUrl : undefined,
  });
  if (known && knownTree && isFreshEntry(known, context)) return result(knownTree, knownLink);
  const etag = knownTree && String(known!.value['etag'] ?? '');
  const { answer, result: unpacked } = await downloadTree(url, url, url, { etag }, context);
  const tree = unpacked ?? knownTree!;
  const immutableUrl = answer.immutableUrl ?? (unpacked ? undefined : knownLink);
  const value = { etag: answer.etag, ...cachedTreeValue(tree), ...(immutableUrl !== undefined && { immutableUrl }) };
  for (const each of new Set([url, ...answer.urls])) context.cache.store('tarball', each, value);
  return result(tree, immutableUrl);
}

/** Kind words for what is no tarball. */
function checkLocal(url: string, { io }: FetchContext): void {
  const parsed = parseUrl(url);
  if (parsed.scheme !== 'file') return;
  const path = urlPathToFilePath(parsed.path);
  if (!path.startsWith('/'))
    throw new FetchError(`tarball '${url}' must use an absolute path. The 'file' scheme does not support relative paths.`);
  const kind = io.files.stat(path)?.kind;
  if (kind === undefined) throw new FetchError(`tarball "${path}" does not exist.`);
  if (kind !== 'directory') return;
  if (io.files.stat(`${path}/.git`))
    throw new FetchError(`tarball "${path}" is a git repository, not a tarball. Please use \`git+file\` as the scheme.`);
  throw new FetchError(`tarball "${path}" is a directory, not a file.`);
}

/** Downloads and unpacks; no result where nothing has changed. `shown` names the archive in errors, `input` to who waits for it. */
export async function downloadTree(
  url: string,
  shown: string,
  input: string,
  options: DownloadOptions,
  context: FetchContext,
): Promise<{ readonly answer: DownloadAnswer; readonly result: CachedTree | undefined }> {
  // C++ Nix's words, who reads them waits for the same: floe's cache is no Git repository.
  const activity = context.progress?.start('unknown', `unpacking '${input}' into the Git cache`, { level: 'info' });
  try {
    return await downloadThrough(url, options, context, (body) => unpackIntoCache(body, shown, context));
  } finally {
    activity?.stop();
  }
}

/** Unpacks beside the place of the tree, and moves it there when it is whole and its hash is known. */
async function unpackIntoCache(source: AsyncIterable<Uint8Array>, shown: string, context: FetchContext): Promise<CachedTree> {
  const { files, inflaters } = context.io;
  const fresh = files.makeTemporaryFolder(`${context.cache.folder}/trees`, 'new-');
  try {
    const target = `${fresh}/tree`;
    files.makeFolder(target);
    const { root, lastModified } = await unpackArchive(source, target, { files, inflaters }, shown);
    const narHash = narHashOfTree(new FolderTree(files, root));
    const folder = cachePlace('trees', printHash(narHash, 'sri'), context);
    if (files.stat(folder) === undefined) {
      try {
        files.rename(root, folder);
      } catch (error) {
        // Another process may have been faster.
        if (files.stat(folder) === undefined) throw error;
      }
    }
    return { folder, narHash, lastModified };
  } finally {
    files.remove(fresh);
  }
}

/** A tree as an entry of the fetch cache, and back; undefined where the tree is gone. */
export function cachedTreeValue({ narHash, lastModified }: CachedTree): Record<string, string | number> {
  return { narHash: printHash(narHash, 'sri'), lastModified };
}

export function readCachedTree(value: Readonly<Record<string, string | number>>, context: FetchContext): CachedTree | undefined {
  const { narHash, lastModified } = value;
  if (typeof narHash !== 'string' || typeof lastModified !== 'number') return undefined;
  const folder = cachePlace('trees', narHash, context);
  return context.io.files.stat(folder) === undefined ? undefined : { folder, narHash: parseSri(narHash), lastModified };
}
