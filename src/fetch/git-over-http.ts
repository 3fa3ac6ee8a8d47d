// Fetching from a git server behind http or https without the git program, for machines that have none: the protocol is
// isomorphic-git's, the network and the files are those of Io. (gitprotocol-http(5))

import { byteStringToUtf8, concatBytes, utf8ToByteString } from '../base/bytes.ts';
import { FetchError, FloeError } from '../base/errors.ts';
import type { Files, Net } from '../io/io.ts';
import { loginHeaders } from '../io/netrc.ts';
import { isCommitHash } from '../model/git-ref-name.ts';
import type { FetchContext } from './fetcher.ts';
import type { MirrorRequest } from './git-mirror.ts';
import { GitRepository } from './git-repository.ts';

/** An error as those of Node's own file functions. */
function fileError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

interface StatLike {
  readonly mode: number;
  readonly size: number;
  readonly ino: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly uid: number;
  readonly gid: number;
  readonly dev: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** Files in the form that isomorphic-git takes: Node's promises, with ordinary text for names. */
function promisedFiles(files: Files) {
  const lstat = (name: string): StatLike => {
    const stat = files.stat(utf8ToByteString(name));
    if (stat === undefined) throw fileError('ENOENT', name);
    const modes = { regular: stat.executable ? 0o100755 : 0o100644, directory: 0o40755, symlink: 0o120777, unknown: 0 };
    return {
      mode: modes[stat.kind],
      size: stat.size,
      ino: Number(stat.inode),
      mtimeMs: Number(stat.modifiedNs / 1_000_000n),
      ctimeMs: Number(stat.changedNs / 1_000_000n),
      uid: 0,
      gid: 0,
      dev: 0,
      isFile: () => stat.kind === 'regular',
      isDirectory: () => stat.kind === 'directory',
      isSymbolicLink: () => stat.kind === 'symlink',
    };
  };
  const remove = (name: string): void => {
    lstat(name);
    files.remove(utf8ToByteString(name));
  };
  const promises = {
    readFile: async (name: string, options?: string | { encoding?: string }): Promise<Uint8Array | string> => {
      lstat(name);
      const bytes = files.readFile(utf8ToByteString(name));
      const encoding = typeof options === 'string' ? options : options?.encoding;
      return encoding === undefined ? Buffer.from(bytes) : new TextDecoder().decode(bytes);
    },
    writeFile: async (name: string, data: Uint8Array | string): Promise<void> =>
      files.writeFileAtomic(utf8ToByteString(name), typeof data === 'string' ? new TextEncoder().encode(data) : data, { disposable: true }),
    mkdir: async (name: string): Promise<void> => files.makeFolder(utf8ToByteString(name)),
    readdir: async (name: string): Promise<string[]> => {
      if (!lstat(name).isDirectory()) throw fileError('ENOTDIR', name);
      return files.readDir(utf8ToByteString(name)).map((entry) => byteStringToUtf8(entry.name));
    },
    readlink: async (name: string): Promise<string> => byteStringToUtf8(files.readLink(utf8ToByteString(name))),
    symlink: async (target: string, name: string): Promise<void> => files.writeLink(utf8ToByteString(name), utf8ToByteString(target)),
    stat: async (name: string): Promise<StatLike> => lstat(name),
    lstat: async (name: string): Promise<StatLike> => lstat(name),
    unlink: async (name: string): Promise<void> => remove(name),
    rmdir: async (name: string): Promise<void> => remove(name),
    rm: async (name: string): Promise<void> => remove(name),
  };
  return { promises };
}

/** What isomorphic-git asks of a network, over ours. */
function httpOver(net: Net) {
  return {
    async request(request: {
      url: string;
      method?: string;
      headers?: Record<string, string>;
      body?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
    }) {
      const { url, method = 'GET', headers = {} } = request;
      const chunks: Uint8Array[] = [];
      if (request.body !== undefined) for await (const chunk of request.body) chunks.push(chunk);
      const response = await net.request({ url, headers, ...(method === 'POST' && { body: concatBytes(chunks) }) });
      return {
        url: response.urls.at(-1)!,
        method,
        headers: Object.fromEntries(response.headers),
        body: piecesOf(response.body),
        statusCode: response.status,
        statusMessage: String(response.status),
      };
    },
  };
}

async function* piecesOf(source: AsyncIterable<Uint8Array>): AsyncIterableIterator<Uint8Array> {
  yield* source;
}

/** isomorphic-git's own errors, in our words. */
function explain(what: string, url: string, error: unknown): FloeError {
  if (error instanceof FloeError) return error;
  const { code, message, data } = error as { code?: string; message: string; data?: { statusCode?: number } };
  const status = code === 'HttpError' ? data?.statusCode : undefined;
  const hint =
    status === 401 || status === 403
      ? "the server wants a login: put one into the file that the setting 'netrc-file' names, or install git and its credential helpers"
      : status === 404
        ? 'check the name: the server has nothing there, or hides it (private repositories look like this too)'
        : 'install the program git, which knows more ways to fetch';
  return new FetchError(`${what}: ${status === undefined ? message : `HTTP error ${status}`}`, {
    data: { url, status },
    hint,
    cause: error,
  });
}

/** The branch that HEAD stands for; undefined, after a warning, where the server does not say. */
export async function readHeadOverHttp(url: string, context: FetchContext): Promise<string | undefined> {
  const { default: git } = await import('isomorphic-git');
  try {
    const refs = await git.listServerRefs({
      http: httpOver(context.io.net),
      url,
      headers: loginHeaders(url, context.settings.netrc),
      prefix: 'HEAD',
      symrefs: true,
      protocolVersion: 1,
    });
    const head = refs.find(({ ref }) => ref === 'HEAD');
    return head?.target ?? head?.oid;
  } catch (error) {
    context.warn(explain(`Failed to read the branches of git repository '${url}'`, url, error).message);
    return undefined;
  }
}

/** Fetches what is asked for into a bare clone. */
export async function fetchOverHttp(path: string, fullRef: string, request: MirrorRequest, context: FetchContext): Promise<void> {
  const { url, rev, shallow, allRefs } = request;
  const { default: git } = await import('isomorphic-git');
  const { files, net } = context.io;
  const http = httpOver(net);
  const headers = loginHeaders(url, context.settings.netrc);
  const gitdir = byteStringToUtf8(path);
  const fetch = (remoteRef: string | undefined) =>
    git.fetch({
      fs: promisedFiles(files),
      http,
      gitdir,
      url,
      remote: 'origin',
      headers,
      ...(remoteRef !== undefined && { ref: remoteRef, remoteRef }),
      singleBranch: remoteRef !== undefined,
      tags: false,
      ...(shallow && { depth: 1 }),
    });
  const writeRef = (name: string, id: string) =>
    files.writeFileAtomic(`${path}/${utf8ToByteString(name)}`, new TextEncoder().encode(`${id}\n`), { disposable: true });
  try {
    if (allRefs) {
      const refs = await git.listServerRefs({ http, url, headers, protocolVersion: 1 });
      await fetch(undefined);
      for (const { ref, oid } of refs) {
        if (!ref.startsWith('refs/') || ref.endsWith('^{}')) continue;
        if (!GitRepository.open(context.io, path).objects.has(oid)) await fetch(ref);
        writeRef(ref, oid);
      }
      return;
    }
    const { fetchHead } = await fetch(rev ?? fullRef);
    if (rev === undefined && !isCommitHash(fullRef) && fetchHead) writeRef(fullRef, fetchHead);
  } catch (error) {
    throw explain(`Failed to fetch git repository '${url}'`, url, error);
  }
}
