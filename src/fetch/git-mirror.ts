// Git repositories elsewhere: a bare clone of each lies in the cache and is brought up to date when what is wanted is not in it, or is
// older than `tarball-ttl`. Clones lie where Nix's own lie, by the same names, so both find what either has fetched. The `git` program
// fetches, which has the transports, credentials and helpers that users set up; where it is not installed, what is behind http and
// https is fetched without it (git-over-http.ts). (Nix: libfetchers/git.cc, getAccessorFromCommit and readHeadCached.)

import { FetchError, FloeError } from '../base/errors.ts';
import { hashBytes, printHash } from '../base/hash.ts';
import { isCommitHash } from '../model/git-ref-name.ts';
import { andThen, type FetchContext, type MaybePromise } from './fetcher.ts';
import { GitRepository } from './git-repository.ts';

/** What of a repository is wanted. */
export interface MirrorRequest {
  readonly url: string;
  /** A branch, or a whole reference. */
  readonly ref: string;
  readonly rev: string | undefined;
  readonly shallow: boolean;
  readonly allRefs: boolean;
}

/** HEAD of a clone that was never told which branch it is: the name that C++ Nix uses. */
const UNBORN = '__nix_dummy_branch';

/** Runs the git program; undefined where it is not installed. */
export function runGit(args: readonly string[], { io }: Pick<FetchContext, 'io'>): ReturnType<FetchContext['io']['processes']['run']> {
  return io.processes.run('git', args, { env: { LC_ALL: 'C' } });
}

function isHttp(url: string): boolean {
  return /^https?:\/\//i.test(url);
}

function noGit(what: string): FetchError {
  return new FetchError(`${what}: the program 'git' is not installed`, { hint: 'install git, or use a tarball of the repository' });
}

/** What to do about git's own words, where that can be said. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /could not read (?:Username|Password)|Authentication failed|HTTP Basic: Access denied|The requested URL returned error: 40[13]/,
    'the server wants a login: set up a credential helper for git, or put name and password into ~/.netrc',
  ],
  [/Permission denied \(|publickey/, 'the server does not know your key: see that `ssh` itself can log in there'],
  [/Host key verification failed/, 'log in there with `ssh` once, so that the server becomes a known host'],
  [
    /[Rr]epository .*not found|does not appear to be a git repository|error: 404/,
    'check the name: the server has nothing there, or hides it (private repositories look like this too)',
  ],
  [
    /Could not resolve host|Could not connect|Couldn't connect|Failed to connect|Connection refused|Connection timed out/,
    'check the network and the name of the host',
  ],
  [
    /unadvertised object|not our ref|no such remote ref|couldn't find remote ref/i,
    'the branch or revision is not there any more, or the server does not give revisions by themselves',
  ],
];

function gitFailure(what: string, stderr: string, data: Readonly<Record<string, unknown>>): FetchError {
  const lines = stderr.trim().split('\n');
  const reason = (lines.find((line) => line.startsWith('fatal: ')) ?? lines.at(-1) ?? '').replace(/^fatal: /, '');
  const hint = HINTS.find(([pattern]) => pattern.test(stderr))?.[1];
  return new FetchError(reason === '' ? what : `${what}: ${reason}`, { data: { ...data, stderr }, ...(hint !== undefined && { hint }) });
}

function isFresh(kind: string, key: string, { cache, settings, io }: FetchContext): boolean {
  const entry = cache.lookup(kind, key);
  return entry !== undefined && entry.writtenMs + settings.tarballTtl * 1000 > io.now();
}

/** The branch (or, where it is on none, the commit) that HEAD of a repository elsewhere stands for; undefined where nobody can say. */
export function remoteHead(url: string, context: FetchContext): MaybePromise<string | undefined> {
  const known = context.cache.lookup('git-head', url)?.value['ref'];
  if (typeof known === 'string' && isFresh('git-head', url, context)) return known;
  return andThen(askForHead(url, context), (ref) => {
    if (ref !== undefined) {
      context.cache.store('git-head', url, { ref });
      return ref;
    }
    if (typeof known !== 'string') return undefined;
    context.warn(`could not get HEAD ref for repository '${url}'; using expired cached ref '${known}'`);
    return known;
  });
}

function askForHead(url: string, context: FetchContext): MaybePromise<string | undefined> {
  const answer = runGit(['ls-remote', '--symref', '--', url, 'HEAD'], context);
  if (answer === undefined) {
    if (!isHttp(url)) throw noGit(`Failed to read the branches of git repository '${url}'`);
    return import('./git-over-http.ts').then(({ readHeadOverHttp }) => readHeadOverHttp(url, context));
  }
  // What is wrong shows again, with its reason, when fetching is tried.
  return /^ref: (\S+)\tHEAD$/m.exec(answer.stdout)?.[1] ?? /^[0-9a-f]{40}\tHEAD$/m.exec(answer.stdout)?.[0].slice(0, 40);
}

/** Where the clone of a repository lies. */
function mirrorPath({ url, shallow }: MirrorRequest, { gitFolder, cache }: FetchContext): string {
  const name = printHash(hashBytes('sha256', url), 'nix32');
  return `${gitFolder ?? `${cache.folder}/git`}/${name}${shallow ? '-shallow' : ''}`;
}

/** The name of a branch in full. */
function fullRefOf(ref: string): string {
  return ref.startsWith('refs/') || ref === 'HEAD' || isCommitHash(ref) ? ref : `refs/heads/${ref}`;
}

/** The clone of a repository, with what is asked for in it as far as the server has it. */
export function mirrorRepository(request: MirrorRequest, context: FetchContext): MaybePromise<GitRepository> {
  const { rev, allRefs } = request;
  const path = mirrorPath(request, context);
  makeMirror(path, request.url, context);
  const fullRef = fullRefOf(request.ref);
  const freshness = `${path} ${allRefs ? '*' : fullRef}`;
  const before = GitRepository.open(context.io, path);
  const isThere = () => (rev === undefined ? before.readRef(fullRef) !== undefined : before.objects.has(rev));
  // NIX: a branch that was packed away (`git gc`) is fetched again; 2.34.8 looks at its file.
  const isLoose = () => context.io.files.stat(`${path}/${fullRef}`) !== undefined;
  const mustFetch = rev === undefined ? allRefs || !isThere() || !isLoose() || !isFresh('git-fetched', freshness, context) : !isThere();
  if (!mustFetch) return before;
  const failed = (error: unknown): GitRepository => {
    if (!(error instanceof FloeError) || before.readRef(fullRef) === undefined) throw error;
    if (rev !== undefined && !GitRepository.open(context.io, path).objects.has(rev)) throw error;
    context.warn(
      `${error.message}\ncould not update local clone of Git repository '${request.url}'; continuing with the most recent version`,
    );
    return GitRepository.open(context.io, path);
  };
  const fetched = (): GitRepository => {
    if (rev === undefined) context.cache.store('git-fetched', freshness, { url: request.url });
    return GitRepository.open(context.io, path);
  };
  try {
    const running = fetchInto(path, fullRef, request, context);
    return running instanceof Promise ? running.then(fetched, failed) : fetched();
  } catch (error) {
    return failed(error);
  }
}

/** Makes an empty clone where there is none: what `git init --bare` makes, so that git is not needed for it. */
function makeMirror(path: string, url: string, { io }: FetchContext): void {
  const { files } = io;
  if (files.stat(path) !== undefined) return;
  const parent = path.slice(0, path.lastIndexOf('/'));
  const fresh = files.makeTemporaryFolder(parent, '.new-');
  const quoted = url.replace(/["\\]/g, '\\$&');
  const texts = {
    HEAD: `ref: refs/heads/${UNBORN}\n`,
    config: `[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[remote "origin"]\n\turl = "${quoted}"\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n`,
  };
  for (const folder of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags']) files.makeFolder(`${fresh}/${folder}`);
  for (const [name, text] of Object.entries(texts)) files.createFile(`${fresh}/${name}`, new TextEncoder().encode(text), false);
  try {
    files.rename(fresh, path);
  } catch (error) {
    // Another process may have been faster.
    files.remove(fresh);
    if (files.stat(path) === undefined) throw error;
  }
}

function fetchInto(path: string, fullRef: string, request: MirrorRequest, context: FetchContext): MaybePromise<void> {
  const { url, rev, shallow, allRefs } = request;
  const what = `Failed to fetch git repository '${url}'`;
  const wanted = allRefs ? 'refs/*:refs/*' : (rev ?? (isCommitHash(fullRef) ? fullRef : `${fullRef}:${fullRef}`));
  const activity = context.progress?.start('fetch-tree', `fetching Git repository '${url}'`, { level: 'talkative' });
  const depth = shallow ? ['--depth', '1'] : [];
  const fetch = () => runGit(['-C', path, '--git-dir', '.', 'fetch', '--quiet', '--force', ...depth, '--', url, wanted], context);
  let result = fetch();
  // Another process that fetches the same holds git's locks for moments.
  if (result && result.status !== 0 && /cannot lock ref|Unable to create .*\.lock/.test(result.stderr)) result = fetch();
  if (result !== undefined || !isHttp(url)) activity?.stop();
  if (result === undefined) {
    if (!isHttp(url)) throw noGit(what);
    return import('./git-over-http.ts')
      .then(({ fetchOverHttp }) => fetchOverHttp(path, fullRef, request, context))
      .finally(() => activity?.stop());
  }
  if (result.status !== 0) throw gitFailure(what, result.stderr, { url, status: result.status });
}
