// Inputs of type `git`. A repository of this machine is read where it lies: its working tree as git tracks it (changed files included,
// untracked ones not), or a commit out of its objects. Repositories elsewhere are read in their clones (git-mirror.ts).
// (Nix: libfetchers/git.cc.)

import { bytesOf } from '../base/bytes.ts';
import { FetchError, RestrictedPathError } from '../base/errors.ts';
import { printHash } from '../base/hash.ts';
import { type HashSink, startDigest } from '../base/sha.ts';
import { canonicalPath } from '../model/flake-ref.ts';
import {
  booleanAttr,
  checkInputAttrs,
  gitFingerprint,
  type InputAttrs,
  printRev,
  refOf,
  revOf,
  stringAttr,
  withAttrs,
} from '../model/input-scheme.ts';
import { shortRev } from '../model/tree-info.ts';
import { parseUrl, printUrl, type Url, urlPathToFilePath } from '../model/url.ts';
import { andThen, type FetchContext, type MaybePromise, type RawFetch } from './fetcher.ts';
import { withLfsFiles } from './git-lfs.ts';
import { mirrorRepository, remoteHead } from './git-mirror.ts';
import { GitRepository, parseSubmodules, type WorkingTreeInfo } from './git-repository.ts';
import { checkSignatureAttrs, verifySignature } from './git-signatures.ts';
import { CommitTree, withoutExportIgnored } from './git-tree.ts';
import { FolderTree, ListedTree, MountedTree, type SourceTree, writeTreeNar } from './source-tree.ts';

const NULL_REV = '0'.repeat(40);

/** Where a git input comes from. */
type Location = { readonly kind: 'local'; readonly path: string } | { readonly kind: 'remote'; readonly url: string };

export function fetchGit(attrs: InputAttrs, context: FetchContext): MaybePromise<RawFetch> {
  const flag = (name: string) => booleanAttr(attrs, name) ?? false;
  checkSignatureAttrs(attrs, context);
  if (flag('exportIgnore') && flag('submodules')) throw new FetchError('exportIgnore and submodules are not supported together yet');
  const location = locate(attrs, context);
  if (location.kind === 'local' && refOf(attrs) === undefined && revOf(attrs) === undefined)
    return fetchWorkingTree(attrs, location.path, context);
  return fetchCommit(attrs, location, context);
}

/** The folder whose working tree the input means, where it means one: what `flake.lock` may be written to. */
export function gitWorkingTree(attrs: InputAttrs, context: Pick<FetchContext, 'io' | 'baseDir' | 'warn'>): string | undefined {
  const location = locate(attrs, context);
  return location.kind === 'local' ? location.path : undefined;
}

function locate(attrs: InputAttrs, { io, baseDir, warn }: Pick<FetchContext, 'io' | 'baseDir' | 'warn'>): Location {
  const url = parseUrl(stringAttr(attrs, 'url')!);
  if (url.scheme !== 'file') return { kind: 'remote', url: remoteUrl(url) };
  const path = urlPathToFilePath(url.path);
  const absolute = canonicalPath(path, baseDir);
  // A bare repository has no working tree: it is mirrored like one elsewhere.
  const isBare = io.files.stat(absolute) !== undefined && io.files.stat(`${absolute}/.git`) === undefined;
  // NIX: a variable for tests.
  if (isBare || io.env['_NIX_FORCE_HTTP'] === '1') return { kind: 'remote', url: remoteUrl({ ...url, query: new Map() }) };
  if (!path.startsWith('/')) {
    warn(
      `Fetching Git repository '${printUrl(url)}', which uses a path relative to the current directory. ` +
        'This is not supported and will stop working in a future release. See https://github.com/NixOS/nix/issues/12281 for details.',
    );
  }
  return { kind: 'local', path: absolute };
}

function remoteUrl(url: Url): string {
  // Old lock files hold the flake's folder in the URL; the server must not see it.
  const query = new Map(url.query);
  query.delete('dir');
  return printUrl({ ...url, query });
}

// ---- a working tree

function fetchWorkingTree(attrs: InputAttrs, path: string, context: FetchContext): MaybePromise<RawFetch> {
  const { io } = context;
  const submodules = io.files.stat(`${path}/.gitmodules`) ? parseSubmodules(io.files.readText(`${path}/.gitmodules`)) : [];
  if (!(booleanAttr(attrs, 'submodules') ?? false)) return workingTree(attrs, path, submodules.length > 0, new Map(), context);
  const exportIgnore = booleanAttr(attrs, 'exportIgnore') ?? false;
  const parts = submodules.map((submodule) =>
    fetchGit(checkInputAttrs({ type: 'git', url: `${path}${submodule.path}`, exportIgnore, submodules: true }), context),
  );
  return andThen(whenAll(parts), (fetched) => {
    const mounts = new Map(fetched.map((part, index) => [submodules[index]!.path, part]));
    return workingTree(attrs, path, submodules.length > 0, mounts, context);
  });
}

/** All values at once where none has to be waited for. */
function whenAll<T>(values: readonly MaybePromise<T>[]): MaybePromise<readonly T[]> {
  return values.some((value) => value instanceof Promise) ? Promise.all(values) : (values as readonly T[]);
}

function workingTree(
  attrs: InputAttrs,
  path: string,
  hasSubmodules: boolean,
  submodules: ReadonlyMap<string, RawFetch>,
  context: FetchContext,
): RawFetch {
  const { io, settings, warn } = context;
  const repository = GitRepository.open(io, path);
  const info = repository.workingTreeInfo();
  const mounts = new Map([...submodules].map(([place, part]) => [place, part.tree]));
  const isDirty = info.isDirty || [...submodules.values()].some((part) => revOf(part.attrs) === undefined);
  const folder = new FolderTree(io.files, path);
  const listed = mounts.size > 0 ? new Set([...info.files, ...mounts.keys()]) : info.files;
  let tree: SourceTree = new ListedTree(folder, listed, (inside) => notTracked(inside, path, folder));
  if (booleanAttr(attrs, 'exportIgnore') ?? false) tree = withoutExportIgnored(tree);
  if (mounts.size > 0) tree = new MountedTree(tree, mounts);
  const base = info.headRev ?? NULL_REV;
  const fingerprint = hasSubmodules ? undefined : dirtyFingerprint(base, info, folder, attrs);
  const lastModified = info.headRev === undefined ? 0 : repository.lastModified(info.headRev);
  if (!isDirty) {
    const ref = repository.headRef();
    const shallow = booleanAttr(attrs, 'shallow') ?? false;
    const revCount = shallow ? undefined : info.headRev === undefined ? 0 : revCountOf(repository, info.headRev, context);
    const locked = withAttrs(attrs, {
      ...(ref !== undefined && { ref }),
      rev: base,
      ...(revCount !== undefined && { revCount }),
      lastModified,
    });
    verifySignature(attrs, path, base, context);
    return { tree, attrs: locked, fingerprint: gitFingerprint(base, attrs), hashKey: hashKeyOf(base, attrs, hasSubmodules) };
  }
  if (!settings.allowDirty)
    throw new FetchError(`Git tree '${path}' is dirty`, { hint: 'commit the changes, or allow them with `--option allow-dirty true`' });
  if (settings.warnDirty) warn(`Git tree '${path}' is dirty`);
  verifySignature(attrs, path, undefined, context);
  const dirty = info.headRev === undefined ? {} : { dirtyRev: `${info.headRev}-dirty`, dirtyShortRev: `${shortRev(info.headRev)}-dirty` };
  return {
    tree,
    attrs: withAttrs(attrs, { ...dirty, lastModified }),
    fingerprint,
    hashKey: fingerprint === undefined ? undefined : `git:${fingerprint}`,
  };
}

/** A clean working tree leaves submodules out where a commit has empty folders for them, so both are remembered apart. */
function hashKeyOf(rev: string, attrs: InputAttrs, fromWorkingTreeWithSubmodules: boolean): string | undefined {
  if (rev === NULL_REV) return undefined;
  return `git:${gitFingerprint(rev, attrs)}${fromWorkingTreeWithSubmodules ? ';worktree' : ''}`;
}

function notTracked(inside: string, repository: string, folder: SourceTree): RestrictedPathError {
  const path = inside.slice(1);
  if (folder.kind(inside) === undefined) return new RestrictedPathError(`Path '${path}' does not exist in Git repository "${repository}".`);
  return new RestrictedPathError(
    `Path '${path}' in the repository "${repository}" is not tracked by Git.\n\nTo make it visible to Nix, run:\n\ngit -C "${repository}" add "${path}"`,
    { data: { path, repository } },
  );
}

/** Names the content by HEAD and what differs from it, as C++ Nix computes it. */
function dirtyFingerprint(base: string, info: WorkingTreeInfo, folder: SourceTree, attrs: InputAttrs): string {
  const digest = startDigest('sha512');
  for (const path of info.dirtyFiles) {
    pushString('modified:', digest);
    pushString(path, digest);
    const file: SourceTree = {
      kind: () => folder.kind(path),
      readFile: () => folder.readFile(path),
      readBytes: () => folder.readBytes(path),
      readDir: () => folder.readDir(path),
      readLink: () => folder.readLink(path),
      isExecutable: () => folder.isExecutable(path),
    };
    writeTreeNar(file, (chunk) => digest.update(chunk));
  }
  for (const path of info.deletedFiles) {
    pushString('deleted:', digest);
    pushString(path, digest);
  }
  return `${gitFingerprint(base, attrs)};d=${printHash({ algorithm: 'sha512', bytes: digest.digest() }, 'base16')}`;
}

/** A string as NARs hold it: its length, its bytes, zeroes up to a multiple of eight. */
function pushString(text: string, digest: HashSink): void {
  const padded = new Uint8Array(8 + ((text.length + 7) & ~7));
  new DataView(padded.buffer).setBigUint64(0, BigInt(text.length), true);
  padded.set(bytesOf(text), 8);
  digest.update(padded);
}

function revCountOf(repository: GitRepository, rev: string, { cache }: FetchContext): number {
  const known = cache.lookup('git-rev-count', rev)?.value['count'];
  if (typeof known === 'number') return known;
  const count = repository.revCount(rev);
  cache.store('git-rev-count', rev, { count });
  return count;
}

// ---- a commit

function fetchCommit(attrs: InputAttrs, location: Location, context: FetchContext): MaybePromise<RawFetch> {
  const wantedRev = revOf(attrs);
  const rev = wantedRev && printRev(wantedRev);
  if (location.kind === 'local') {
    const repository = GitRepository.open(context.io, location.path);
    const ref = refOf(attrs) ?? repository.headRef() ?? defaultRef(location.path, context);
    const commit = rev ?? repository.resolveRef(ref);
    if (!repository.objects.has(commit)) {
      throw new FetchError(`getting Git object '${commit}': object not found - no match for id (${commit})`, {
        data: { rev: commit, repository: location.path },
      });
    }
    return readCommit(attrs, { location, repository, ref, rev: commit }, context);
  }
  const { url } = location;
  const flag = (name: string) => booleanAttr(attrs, name) ?? false;
  const asked = refOf(attrs) ?? remoteHead(url, context);
  return andThen(asked, (named) => {
    const ref = named ?? defaultRef(url, context);
    const mirror = mirrorRepository({ url, ref, rev, shallow: flag('shallow'), allRefs: flag('allRefs') }, context);
    return andThen(mirror, (repository) => {
      const commit = rev ?? repository.resolveRef(ref);
      if (!repository.objects.has(commit)) {
        throw new FetchError(
          `Cannot find Git revision '${commit}' in ref '${ref}' of repository '${url}'! ` +
            "Please make sure that the rev exists on the ref you've specified or add allRefs = true; to fetchGit.",
          { data: { rev: commit, ref, repository: url } },
        );
      }
      return readCommit(attrs, { location, repository, ref, rev: commit }, context);
    });
  });
}

interface Checkout {
  readonly location: Location;
  readonly repository: GitRepository;
  readonly ref: string;
  readonly rev: string;
}

function readCommit(attrs: InputAttrs, checkout: Checkout, context: FetchContext): MaybePromise<RawFetch> {
  const { location, repository, ref, rev } = checkout;
  const flag = (name: string) => booleanAttr(attrs, name) ?? false;
  const shown = location.kind === 'local' ? location.path : location.url;
  if (repository.isShallow() && !flag('shallow')) {
    throw new FetchError(
      `'${shown}' is a shallow Git repository, but shallow repositories are only allowed when \`shallow = true;\` is specified`,
      {
        hint: 'add `?shallow=1` to the reference, or fetch the whole history with `git fetch --unshallow`',
      },
    );
  }
  const commit = repository.objects.peelToCommit(rev);
  if (commit === undefined) throw new FetchError(`Git object '${rev}' of repository '${shown}' is no commit`);
  const lastModified = repository.lastModified(commit);
  const revCount = flag('shallow') ? undefined : revCountOf(repository, commit, context);
  verifySignature(attrs, repository.path, rev, context);
  const locked = withAttrs(attrs, { ref, rev, lastModified, ...(revCount !== undefined && { revCount }) });
  const plain = new CommitTree(repository.objects, repository.objects.readCommit(commit).tree);
  const fetched = (tree: SourceTree): RawFetch => {
    return { tree, attrs: locked, fingerprint: gitFingerprint(rev, attrs), hashKey: hashKeyOf(rev, attrs, false) };
  };
  const kept = flag('exportIgnore') ? withoutExportIgnored(plain) : plain;
  const smudged = flag('lfs') ? withLfsFiles(kept, repository, shown, context) : kept;
  if (!flag('submodules')) return andThen(smudged, fetched);
  return andThen(smudged, (tree) => andThen(withSubmodules(tree, plain, checkout, flag('lfs'), context), fetched));
}

function defaultRef(shown: string, { warn }: FetchContext): string {
  warn(`could not read HEAD ref from repo at '${shown}', using 'master'`);
  return 'master';
}

function withSubmodules(
  tree: SourceTree,
  plain: CommitTree,
  { repository, location, ref }: Checkout,
  lfs: boolean,
  context: FetchContext,
): MaybePromise<SourceTree> {
  if (tree.kind('/.gitmodules') !== 'regular') return tree;
  const submodules = parseSubmodules(tree.readFile('/.gitmodules')).filter(({ path }) => plain.submoduleRev(path) !== undefined);
  const parts = submodules.map(({ path, url, branch }) =>
    fetchGit(
      checkInputAttrs({
        type: 'git',
        url: submoduleUrl(url, repository, location),
        ...(branch !== '' && { ref: branch === '.' ? ref : branch }),
        rev: plain.submoduleRev(path)!,
        exportIgnore: false,
        submodules: true,
        lfs,
        allRefs: true,
      }),
      context,
    ),
  );
  return andThen(whenAll(parts), (fetched) =>
    fetched.length === 0 ? tree : new MountedTree(tree, new Map(fetched.map((part, index) => [submodules[index]!.path, part.tree]))),
  );
}

/** A submodule's address; `./x` and `../x` are relative to where the repository itself came from. */
function submoduleUrl(url: string, repository: GitRepository, location: Location): string {
  if (!url.startsWith('./') && !url.startsWith('../')) return url;
  const base = location.kind === 'remote' ? location.url : (repository.remoteUrl('origin') ?? location.path);
  const scheme = /^[a-z+]+:\/\/[^/]*/.exec(base)?.[0] ?? '';
  return scheme + canonicalPath(url, base.slice(scheme.length));
}
