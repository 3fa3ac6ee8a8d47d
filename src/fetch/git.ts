// Inputs of type `git`. A repository of this machine is read where it lies: its working tree as git tracks it (changed files included,
// untracked ones not), or a commit out of its objects. Repositories elsewhere are mirrored into the cache by the `git` program, which
// has the transports, credentials and helpers that users set up. (Nix: libfetchers/git.cc.)

import { byteStringOf, bytesOf } from '../base/bytes.ts';
import { FetchError, FloeError, RestrictedPathError } from '../base/errors.ts';
import { hashBytes, printHash } from '../base/hash.ts';
import { type HashSink, startDigest } from '../base/sha.ts';
import type { FileKind } from '../io/io.ts';
import { canonicalPath } from '../model/flake-ref.ts';
import {
  booleanAttr,
  checkInputAttrs,
  gitFingerprint,
  type InputAttrs,
  printInput,
  printRev,
  refOf,
  revOf,
  stringAttr,
  withAttrs,
} from '../model/input-scheme.ts';
import { shortRev } from '../model/tree-info.ts';
import { parseUrl, printUrl, type Url, urlPathToFilePath } from '../model/url.ts';
import type { FetchContext, RawFetch } from './fetcher.ts';
import { exportIgnored } from './git-attributes.ts';
import type { GitObjects, GitTreeEntry } from './git-objects.ts';
import { GitRepository, parseSubmodules, type WorkingTreeInfo } from './git-repository.ts';
import { FolderTree, ListedTree, MountedTree, type SourceTree, type TreeEntry, writeTreeNar } from './source-tree.ts';

const NULL_REV = '0'.repeat(40);

/** Where a git input comes from. */
type Location = { readonly kind: 'local'; readonly path: string } | { readonly kind: 'remote'; readonly url: string };

export function fetchGit(attrs: InputAttrs, context: FetchContext): RawFetch {
  const flag = (name: string) => booleanAttr(attrs, name) ?? false;
  if (flag('exportIgnore') && flag('submodules')) throw new FetchError('exportIgnore and submodules are not supported together yet');
  if (flag('lfs')) {
    throw new FloeError('FLOE_UNSUPPORTED', `floe cannot fetch Git LFS files yet (input '${printInput(attrs)}')`, {
      hint: "remove 'lfs' from the input",
    });
  }
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
  if (isBare) return { kind: 'remote', url: remoteUrl({ ...url, query: new Map() }) };
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

function fetchWorkingTree(attrs: InputAttrs, path: string, context: FetchContext): RawFetch {
  const { io, settings, warn } = context;
  const repository = GitRepository.open(io, path);
  const info = repository.workingTreeInfo();
  const submodules = io.files.stat(`${path}/.gitmodules`) ? parseSubmodules(io.files.readText(`${path}/.gitmodules`)) : [];
  const wantSubmodules = booleanAttr(attrs, 'submodules') ?? false;
  const mounts = new Map<string, SourceTree>();
  let isDirty = info.isDirty;
  if (wantSubmodules) {
    for (const submodule of submodules) {
      const part = fetchGit(
        checkInputAttrs({ type: 'git', url: `${path}${submodule.path}`, exportIgnore: false, submodules: true }),
        context,
      );
      mounts.set(submodule.path, part.tree);
      if (revOf(part.attrs) === undefined) isDirty = true;
    }
  }
  const folder = new FolderTree(io.files, path);
  const listed = wantSubmodules ? new Set([...info.files, ...mounts.keys()]) : info.files;
  let tree: SourceTree = new ListedTree(folder, listed, (inside) => notTracked(inside, path, folder));
  if (booleanAttr(attrs, 'exportIgnore') ?? false) tree = withoutExportIgnored(tree);
  if (mounts.size > 0) tree = new MountedTree(tree, mounts);
  const base = info.headRev ?? NULL_REV;
  const fingerprint = submodules.length > 0 ? undefined : dirtyFingerprint(base, info, folder, attrs);
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
    return { tree, attrs: locked, fingerprint: gitFingerprint(base, attrs), hashKey: hashKeyOf(base, attrs, submodules.length > 0) };
  }
  if (!settings.allowDirty)
    throw new FetchError(`Git tree '${path}' is dirty`, { hint: 'commit the changes, or allow them with `--option allow-dirty true`' });
  if (settings.warnDirty) warn(`Git tree '${path}' is dirty`);
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

function fetchCommit(attrs: InputAttrs, location: Location, context: FetchContext): RawFetch {
  const wantedRev = revOf(attrs);
  const shallow = booleanAttr(attrs, 'shallow') ?? false;
  const shown = location.kind === 'local' ? location.path : location.url;
  let ref = refOf(attrs);
  let rev = wantedRev && printRev(wantedRev);
  let repository: GitRepository;
  if (location.kind === 'local') {
    repository = GitRepository.open(context.io, location.path);
    ref ??= repository.headRef() ?? defaultRef(shown, context);
    rev ??= repository.resolveRef(ref);
  } else {
    ref ??= remoteHead(location.url, context) ?? defaultRef(shown, context);
    repository = mirror(location.url, ref, rev, attrs, context);
    rev ??= repository.resolveRef(ref);
  }
  if (location.kind === 'local' && !repository.objects.has(rev)) {
    throw new FetchError(`getting Git object '${rev}': object not found - no match for id (${rev})`, { data: { rev, repository: shown } });
  }
  if (!repository.objects.has(rev)) {
    throw new FetchError(
      `Cannot find Git revision '${rev}' in ref '${ref}' of repository '${shown}'! ` +
        "Please make sure that the rev exists on the ref you've specified or add allRefs = true; to fetchGit.",
      { data: { rev, ref, repository: shown } },
    );
  }
  if (repository.isShallow() && !shallow) {
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
  const revCount = shallow ? undefined : revCountOf(repository, commit, context);
  const locked = withAttrs(attrs, { ref, rev, lastModified, ...(revCount !== undefined && { revCount }) });
  let tree: SourceTree = new CommitTree(repository.objects, repository.objects.readCommit(commit).tree);
  if (booleanAttr(attrs, 'exportIgnore') ?? false) tree = withoutExportIgnored(tree);
  if (booleanAttr(attrs, 'submodules') ?? false) tree = withSubmodules(tree, repository, location, ref, context);
  return { tree, attrs: locked, fingerprint: gitFingerprint(rev, attrs), hashKey: hashKeyOf(rev, attrs, false) };
}

function defaultRef(shown: string, { warn }: FetchContext): string {
  warn(`could not read HEAD ref from repo at '${shown}', using 'master'`);
  return 'master';
}

function withSubmodules(tree: SourceTree, repository: GitRepository, location: Location, ref: string, context: FetchContext): SourceTree {
  if (tree.kind('/.gitmodules') !== 'regular') return tree;
  const mounts = new Map<string, SourceTree>();
  for (const { path, url, branch } of parseSubmodules(tree.readFile('/.gitmodules'))) {
    const rev = (tree as CommitTree).submoduleRev(path);
    if (rev === undefined) continue;
    const part = fetchGit(
      checkInputAttrs({
        type: 'git',
        url: submoduleUrl(url, repository, location),
        ...(branch !== '' && { ref: branch === '.' ? ref : branch }),
        rev,
        exportIgnore: false,
        submodules: true,
        lfs: false,
        allRefs: true,
      }),
      context,
    );
    mounts.set(path, part.tree);
  }
  return mounts.size > 0 ? new MountedTree(tree, mounts) : tree;
}

/** A submodule's address; `./x` and `../x` are relative to where the repository itself came from. */
function submoduleUrl(url: string, repository: GitRepository, location: Location): string {
  if (!url.startsWith('./') && !url.startsWith('../')) return url;
  const base = location.kind === 'remote' ? location.url : (repository.remoteUrl('origin') ?? location.path);
  const scheme = /^[a-z+]+:\/\/[^/]*/.exec(base)?.[0] ?? '';
  return scheme + canonicalPath(url, base.slice(scheme.length));
}

function withoutExportIgnored(tree: SourceTree): SourceTree {
  const ignored = exportIgnored(tree);
  if (ignored === undefined) return tree;
  const kept = new Set<string>();
  const visit = (folder: string): void => {
    for (const { name, kind } of tree.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (ignored(path)) continue;
      if (kind === 'directory') visit(path);
      kept.add(path);
    }
  };
  visit('');
  return new KeptTree(tree, kept);
}

/** Exactly the listed entries of a tree, folders listed too. */
class KeptTree implements SourceTree {
  private readonly tree: SourceTree;
  private readonly kept: ReadonlySet<string>;

  constructor(tree: SourceTree, kept: ReadonlySet<string>) {
    this.tree = tree;
    this.kept = kept;
  }

  private inside(path: string): string {
    if (path === '' || this.kept.has(path)) return path;
    throw new RestrictedPathError(`'${path}' does not exist because it was fetched with exportIgnore enabled`);
  }

  kind(path: string): FileKind | undefined {
    return path === '' || this.kept.has(path) ? this.tree.kind(path) : undefined;
  }

  readFile(path: string): string {
    return this.tree.readFile(this.inside(path));
  }

  readBytes(path: string): Uint8Array {
    return this.tree.readBytes(this.inside(path));
  }

  readDir(path: string): TreeEntry[] {
    return this.tree.readDir(this.inside(path)).filter(({ name }) => this.kept.has(`${path}/${name}`));
  }

  readLink(path: string): string {
    return this.tree.readLink(this.inside(path));
  }

  isExecutable(path: string): boolean {
    return this.tree.isExecutable(this.inside(path));
  }
}

// ---- repositories elsewhere

function runGit(args: readonly string[], what: string, { io }: FetchContext): string {
  const result = io.processes.run('git', args, { env: { LC_ALL: 'C' } });
  if (result === undefined) {
    throw new FetchError(`${what}: the program 'git' is not installed`, { hint: 'install git, or use a tarball of the repository' });
  }
  if (result.status !== 0) {
    const lines = result.stderr.trim().split('\n');
    const reason = lines.find((line) => line.startsWith('fatal: ')) ?? lines.at(-1) ?? '';
    throw new FetchError(`${what}: ${reason.replace(/^fatal: /, '')}`, { data: { args, status: result.status, stderr: result.stderr } });
  }
  return result.stdout;
}

function isFresh(kind: string, key: string, { cache, settings, io }: FetchContext): boolean {
  const entry = cache.lookup(kind, key);
  return entry !== undefined && entry.writtenMs + settings.tarballTtl * 1000 > io.now();
}

/** The branch that HEAD of a repository elsewhere stands for. */
function remoteHead(url: string, context: FetchContext): string | undefined {
  const known = context.cache.lookup('git-head', url)?.value['ref'];
  if (typeof known === 'string' && isFresh('git-head', url, context)) return known;
  try {
    const answer = runGit(['ls-remote', '--symref', '--', url, 'HEAD'], `Failed to read the branches of git repository '${url}'`, context);
    const ref = /^ref: (\S+)\tHEAD$/m.exec(answer)?.[1] ?? /^[0-9a-f]{40}\tHEAD$/m.exec(answer)?.[0].slice(0, 40);
    if (ref !== undefined) context.cache.store('git-head', url, { ref });
    return ref;
  } catch (error) {
    if (!(error instanceof FloeError)) throw error;
    if (typeof known !== 'string') return undefined;
    context.warn(`could not get HEAD ref for repository '${url}'; using expired cached ref '${known}'`);
    return known;
  }
}

/** The mirror of a repository in the cache, with what is asked for in it. */
function mirror(url: string, ref: string, rev: string | undefined, attrs: InputAttrs, context: FetchContext): GitRepository {
  const { files } = context.io;
  const shallow = booleanAttr(attrs, 'shallow') ?? false;
  const allRefs = booleanAttr(attrs, 'allRefs') ?? false;
  const path = `${context.cache.folder}/git/${printHash(hashBytes('sha256', url), 'nix32')}${shallow ? '-shallow' : ''}`;
  if (files.stat(path) === undefined) {
    const fresh = files.makeTemporaryFolder(`${context.cache.folder}/git`, 'new-');
    runGit(
      ['-c', 'init.defaultBranch=floe-unborn', 'init', '--quiet', '--bare', fresh],
      `Failed to make a mirror of git repository '${url}'`,
      context,
    );
    try {
      files.rename(fresh, path);
    } catch (error) {
      files.remove(fresh);
      if (files.stat(path) === undefined) throw error;
    }
  }
  const fullRef = ref.startsWith('refs/') || ref === 'HEAD' || /^[0-9a-f]{40}$/.test(ref) ? ref : `refs/heads/${ref}`;
  const freshness = `${path} ${fullRef}`;
  const before = GitRepository.open(context.io, path);
  const mustFetch =
    rev !== undefined
      ? !before.objects.has(rev)
      : allRefs || before.readRef(fullRef) === undefined || !isFresh('git-fetched', freshness, context);
  if (!mustFetch) return before;
  const wanted = allRefs ? 'refs/*:refs/*' : (rev ?? (fullRef === ref && /^[0-9a-f]{40}$/.test(ref) ? ref : `${fullRef}:${fullRef}`));
  try {
    runGit(
      ['-C', path, '--git-dir', '.', 'fetch', '--quiet', '--force', ...(shallow ? ['--depth', '1'] : []), '--', url, wanted],
      `Failed to fetch git repository '${url}'`,
      context,
    );
    if (rev === undefined) context.cache.store('git-fetched', freshness, { url });
  } catch (error) {
    if (!(error instanceof FloeError) || rev !== undefined || before.readRef(fullRef) === undefined) throw error;
    context.warn(`${error.message}\ncould not update local clone of Git repository '${url}'; continuing with the most recent version`);
  }
  return GitRepository.open(context.io, path);
}

// ---- the tree of a commit

const KINDS: Readonly<Record<number, FileKind>> = { 0o40000: 'directory', 0o100000: 'regular', 0o120000: 'symlink', 0o160000: 'directory' };

function kindOfMode(mode: number): FileKind {
  return KINDS[mode & 0o170000] ?? 'unknown';
}

/** A tree in a git repository's objects. Submodules are empty folders. */
class CommitTree implements SourceTree {
  private readonly objects: GitObjects;
  private readonly root: string;
  private readonly folders = new Map<string, ReadonlyMap<string, GitTreeEntry>>();

  constructor(objects: GitObjects, treeId: string) {
    this.objects = objects;
    this.root = treeId;
  }

  private folder(path: string): ReadonlyMap<string, GitTreeEntry> | undefined {
    const known = this.folders.get(path);
    if (known) return known;
    let entries: ReadonlyMap<string, GitTreeEntry> | undefined;
    if (path === '') entries = this.load(this.root);
    else {
      const entry = this.entry(path);
      if (entry && kindOfMode(entry.mode) === 'directory') entries = (entry.mode & 0o170000) === 0o160000 ? new Map() : this.load(entry.id);
    }
    if (entries) this.folders.set(path, entries);
    return entries;
  }

  private load(id: string): ReadonlyMap<string, GitTreeEntry> {
    return new Map(this.objects.readTree(id).map((entry) => [entry.name, entry]));
  }

  private entry(path: string): GitTreeEntry | undefined {
    const slash = path.lastIndexOf('/');
    return this.folder(path.slice(0, slash))?.get(path.slice(slash + 1));
  }

  private file(path: string): GitTreeEntry {
    const entry = path === '' ? undefined : this.entry(path);
    if (!entry) throw new FetchError(`path '${path || '/'}' does not exist`, { data: { path } });
    return entry;
  }

  /** The commit of the submodule at that path. */
  submoduleRev(path: string): string | undefined {
    const entry = this.entry(path);
    return entry && (entry.mode & 0o170000) === 0o160000 ? entry.id : undefined;
  }

  kind(path: string): FileKind | undefined {
    if (path === '') return 'directory';
    const entry = this.entry(path);
    return entry && kindOfMode(entry.mode);
  }

  readFile(path: string): string {
    return byteStringOf(this.readBytes(path));
  }

  readBytes(path: string): Uint8Array {
    return this.objects.readBlob(this.file(path).id);
  }

  readDir(path: string): TreeEntry[] {
    const entries = this.folder(path);
    if (!entries) throw new FetchError(`path '${path}' is not a folder of the commit`, { data: { path } });
    return [...entries.values()].map(({ name, mode }) => ({ name, kind: kindOfMode(mode) }));
  }

  readLink(path: string): string {
    return byteStringOf(this.objects.readBlob(this.file(path).id));
  }

  isExecutable(path: string): boolean {
    return (this.file(path).mode & 0o100) !== 0;
  }
}
