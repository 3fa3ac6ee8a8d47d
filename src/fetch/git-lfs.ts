// Git LFS: files that a repository holds as small pointers, with their contents on a server beside it. Which files those are says
// `.gitattributes` (`filter=lfs`); all of a tree's are asked for in batches, downloaded, checked against their pointers and kept in the
// cache by their hashes. (git-lfs' docs/spec.md and docs/api/batch.md; Nix: libfetchers/git-lfs-fetch.cc.)

import { byteStringOf, byteStringToUtf8, bytesOf, concatBytes } from '../base/bytes.ts';
import { type Json, parseJson, printJson } from '../base/canonical-json.ts';
import { FetchError } from '../base/errors.ts';
import { hashBytes, printHash } from '../base/hash.ts';
import type { FileKind } from '../io/io.ts';
import { loginHeaders } from '../io/netrc.ts';
import { fixGitUrl, parseUrl, printUrl } from '../model/url.ts';
import type { FetchContext } from './fetcher.ts';
import { hasGitAttribute } from './git-attributes.ts';
import type { GitRepository } from './git-repository.ts';
import { listTree, type SourceTree, type TreeEntry } from './source-tree.ts';

/** What a pointer says of the content it stands for. */
interface Pointer {
  readonly path: string;
  /** SHA-256 in hexadecimal digits. */
  readonly oid: string;
  readonly size: number;
}

const MAX_POINTER_SIZE = 1024;
const BATCH_SIZE = 100;
const MEDIA_TYPE = 'application/vnd.git-lfs+json';

/** The pointer in a file's text; undefined where it is none. */
export function parseLfsPointer(text: string): Omit<Pointer, 'path'> | undefined {
  if (!text.startsWith('version https://git-lfs.github.com/spec/v1')) return undefined;
  const oid = /^oid sha256:([0-9a-fA-F]{64})$/m.exec(text)?.[1];
  const size = /^size ([0-9]+)$/m.exec(text)?.[1];
  return oid === undefined || size === undefined ? undefined : { oid, size: Number(size) };
}

/** The tree with the contents that its pointers stand for. */
export async function withLfsFiles(tree: SourceTree, repository: GitRepository, url: string, context: FetchContext): Promise<SourceTree> {
  const isLfs = hasGitAttribute(tree, 'filter', 'lfs');
  if (isLfs === undefined) return tree;
  const pointers: Pointer[] = [];
  for (const { path, kind } of listTree(tree)) {
    if (kind !== 'regular' || !isLfs(path)) continue;
    const text = tree.readFile(path);
    const pointer = text.length < MAX_POINTER_SIZE ? parseLfsPointer(text) : undefined;
    if (pointer !== undefined) pointers.push({ path, ...pointer });
    else {
      const problem = text.length < MAX_POINTER_SIZE ? 'invalid' : 'too large';
      context.warn(`encountered file '${path}' that should have been a git-lfs pointer, but is ${problem}`);
    }
  }
  const missing = [...new Map(pointers.map((pointer) => [pointer.oid, pointer])).values()].filter(
    ({ oid }) => context.io.files.stat(placeOf(oid, context)) === undefined,
  );
  if (missing.length > 0) {
    const server = findServer(repository.configValue('lfs.url') || repository.remoteUrl('origin') || url, context);
    for (let start = 0; start < missing.length; start += BATCH_SIZE)
      await downloadBatch(missing.slice(start, start + BATCH_SIZE), server, context);
  }
  return new SmudgedTree(tree, new Map(pointers.map(({ path, oid }) => [path, placeOf(oid, context)])), context);
}

function placeOf(oid: string, { cache }: FetchContext): string {
  return `${cache.folder}/git-lfs/${oid.toLowerCase()}`;
}

interface Server {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
}

function findServer(repositoryUrl: string, context: FetchContext): Server {
  const url = fixGitUrl(repositoryUrl);
  const printed = printUrl(url).replace(/\/+$/, '');
  if (url.scheme === 'ssh') return askOverSsh(printed, context);
  if (url.scheme !== 'http' && url.scheme !== 'https')
    throw new FetchError(`the Git LFS files of '${printed}' lie on no server that floe knows`, {
      hint: 'let lfs.url in the configuration of the repository name an http or https server',
    });
  return { endpoint: `${printed}/info/lfs`, headers: loginHeaders(printed, context.settings.netrc) };
}

/** A server behind ssh tells where its files are, and how to log in there. */
function askOverSsh(printed: string, { io }: FetchContext): Server {
  const { authority, path } = parseUrl(printed);
  const port = authority?.port === undefined ? [] : [`-p${authority.port}`];
  const host = `${authority?.user === undefined ? '' : `${authority.user}@`}${authority?.host ?? ''}`;
  const options = (io.env['NIX_SSHOPTS'] ?? '').split(/\s+/).filter((word) => word !== '');
  const result = io.processes.run('ssh', [...options, ...port, host, '--', 'git-lfs-authenticate', path.join('/'), 'download']);
  if (result === undefined) throw new FetchError(`the Git LFS files of '${printed}' need the program 'ssh', which is not installed`);
  const what = `the answer of git-lfs-authenticate on '${host}'`;
  if (result.stdout === '')
    throw new FetchError(`git-lfs-authenticate on '${host}' said nothing${result.stderr === '' ? '' : `: ${result.stderr.trim()}`}`);
  const json = members(parseJson(result.stdout, what));
  const href = json.get('href');
  const authorization = members(json.get('header')).get('Authorization');
  if (typeof href !== 'string' || typeof authorization !== 'string') throw new FetchError(`${what} names no server or no login`);
  return { endpoint: href, headers: { authorization } };
}

function members(json: Json | undefined): ReadonlyMap<string, Json> {
  return json instanceof Map ? (json as ReadonlyMap<string, Json>) : new Map();
}

async function downloadBatch(pointers: readonly Pointer[], server: Server, context: FetchContext): Promise<void> {
  const url = `${server.endpoint}/objects/batch`;
  const objects = pointers.map(({ oid, size }) => ({ oid, size }));
  const response = await context.io.net.request({
    url,
    headers: { ...server.headers, 'content-type': MEDIA_TYPE, accept: MEDIA_TYPE },
    body: bytesOf(printJson({ operation: 'download', transfers: ['basic'], objects })),
  });
  const text = byteStringOf(await collect(response.body));
  if (response.status !== 200) throw refused(url, response.status, text);
  const answers = members(parseJson(text, `the answer of '${url}'`)).get('objects');
  if (!Array.isArray(answers)) throw new FetchError(`the Git LFS server '${url}' lists no objects`);
  const byOid = new Map((answers as readonly Json[]).map((answer) => [members(answer).get('oid'), members(answer)]));
  for (const pointer of pointers) await downloadObject(pointer, byOid.get(pointer.oid), context);
}

function refused(url: string, status: number, text: string): FetchError {
  const hint =
    status === 401 || status === 403
      ? "the server wants a login: put one into the file that the setting 'netrc-file' names"
      : status === 404
        ? 'the server has no Git LFS files for this repository, or hides it'
        : undefined;
  return new FetchError(`unable to download '${url}': HTTP error ${status}${text === '' ? '' : `\n\n${text}`}`, {
    data: { url, status },
    ...(hint !== undefined && { hint }),
  });
}

async function downloadObject(
  { path, oid, size }: Pointer,
  answer: ReadonlyMap<string, Json> | undefined,
  context: FetchContext,
): Promise<void> {
  const shown = byteStringToUtf8(path);
  const download = members(members(answer?.get('actions')).get('download'));
  const href = download.get('href');
  if (answer === undefined || typeof href !== 'string') {
    const reason = members(answer?.get('error')).get('message');
    throw new FetchError(`the Git LFS server does not have '${shown}' (${oid})${typeof reason === 'string' ? `: ${reason}` : ''}`);
  }
  if (answer.get('size') !== size) {
    throw new FetchError(
      `LFS server returned mismatched oid/size for '${shown}' (got oid=${oid} size=${String(answer.get('size'))}, expected oid=${oid} size=${size})`,
    );
  }
  const authorization = members(download.get('header')).get('Authorization');
  const headers: Record<string, string> = typeof authorization === 'string' ? { authorization } : {};
  const response = await context.io.net.request({ url: href, headers });
  const contents = await collect(response.body);
  if (response.status !== 200) throw refused(href, response.status, '');
  if (contents.length !== size) throw new FetchError(`size mismatch while fetching ${href}: expected ${size} but got ${contents.length}`);
  const got = printHash(hashBytes('sha256', contents), 'base16');
  if (got !== oid.toLowerCase()) throw new FetchError(`hash mismatch while fetching ${href}: expected sha256:${oid} but got sha256:${got}`);
  context.io.files.writeFileAtomic(placeOf(oid, context), contents, { disposable: true });
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return concatBytes(chunks);
}

/** A tree in which some files have the contents of others of this machine. */
class SmudgedTree implements SourceTree {
  private readonly tree: SourceTree;
  private readonly places: ReadonlyMap<string, string>;
  private readonly context: FetchContext;

  constructor(tree: SourceTree, places: ReadonlyMap<string, string>, context: FetchContext) {
    this.tree = tree;
    this.places = places;
    this.context = context;
  }

  kind(path: string): FileKind | undefined {
    return this.tree.kind(path);
  }

  readFile(path: string): string {
    const place = this.places.get(path);
    return place === undefined ? this.tree.readFile(path) : this.context.io.files.readText(place);
  }

  readBytes(path: string): Uint8Array {
    const place = this.places.get(path);
    return place === undefined ? this.tree.readBytes(path) : this.context.io.files.readFile(place);
  }

  readDir(path: string): TreeEntry[] {
    return this.tree.readDir(path);
  }

  readLink(path: string): string {
    return this.tree.readLink(path);
  }

  isExecutable(path: string): boolean {
    return this.tree.isExecutable(path);
  }
}
