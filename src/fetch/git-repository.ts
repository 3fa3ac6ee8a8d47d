// A git repository on this machine: where its folders are (worktrees and submodules keep theirs elsewhere), its configuration, HEAD and
// other references, history, and whether the working tree differs from HEAD. Reads git's files itself, since that costs a few
// milliseconds where starting `git` or loading a library costs more; what only git knows (reftables, split indices, content filters)
// is asked of the `git` program where it is installed. Documentation: gitrepository-layout(5), git-config(1), gitignore's kin.

import { bytesOf, compareStrings, printHex } from '../base/bytes.ts';
import { FetchError } from '../base/errors.ts';
import { digest } from '../base/sha.ts';
import { type GitMachine, GitObjects } from './git-objects.ts';
import { type GitIndex, type GitIndexEntry, parseGitIndex } from './git-index.ts';

/** What the working tree holds, compared with HEAD. Paths from the root, "/a/b". */
export interface WorkingTreeInfo {
  readonly headRev: string | undefined;
  /** Tracked files that are there: unchanged, changed or added. */
  readonly files: ReadonlySet<string>;
  /** Sorted; changed or added ones among them. */
  readonly dirtyFiles: readonly string[];
  /** Sorted; tracked files that are gone. */
  readonly deletedFiles: readonly string[];
  readonly isDirty: boolean;
}

export interface GitSubmodule {
  /** "/a/b". */
  readonly path: string;
  readonly url: string;
  /** "" where none is named. */
  readonly branch: string;
}

const MODE_FILE = 0o100644;
const MODE_EXECUTABLE = 0o100755;
const MODE_LINK = 0o120000;
const MODE_SUBMODULE = 0o160000;
const MAX_REF_DEPTH = 10;
/** Beyond that many commits counting is left to git, which has the commit graph. */
const COUNT_OURSELVES = 500;
const COMMIT_ID = /^[0-9a-f]{40}$/;

export class GitRepository {
  private readonly machine: GitMachine;
  /** The working tree, or the repository itself where it is bare. */
  readonly path: string;
  /** Where HEAD and the index are. */
  readonly gitDir: string;
  /** Where objects, branches and the configuration are. */
  readonly commonDir: string;
  readonly objects: GitObjects;
  private readonly config: ReadonlyMap<string, string>;

  private constructor(machine: GitMachine, path: string, gitDir: string) {
    this.machine = machine;
    this.path = path;
    this.gitDir = gitDir;
    this.commonDir = this.readCommonDir();
    this.config = this.exists(`${this.commonDir}/config`) ? parseGitConfig(this.text(`${this.commonDir}/config`)) : new Map();
    const format = this.config.get('extensions.objectformat') ?? 'sha1';
    if (format !== 'sha1') {
      throw new FetchError(`Git repository '${path}' names its objects by ${format}, which floe cannot read yet`, {
        data: { repository: path, format },
      });
    }
    this.objects = new GitObjects(machine, this.commonDir);
  }

  static open(machine: GitMachine, path: string): GitRepository {
    const { files } = machine;
    const dotGit = path === '/' ? '/.git' : `${path}/.git`;
    const kind = files.stat(dotGit)?.kind;
    if (kind === undefined) {
      if (files.stat(`${path}/HEAD`) && files.stat(`${path}/objects`)) return new GitRepository(machine, path, path);
      if (files.stat(path) === undefined) throw new FetchError(`Git repository "${path}" does not exist.`, { data: { repository: path } });
      throw new FetchError(`opening Git repository "${path}": could not find repository at '${path}'`, { data: { repository: path } });
    }
    if (kind !== 'regular') return new GitRepository(machine, path, dotGit);
    const target = /^gitdir: *(.*?)\s*$/m.exec(files.readText(dotGit))?.[1];
    if (target === undefined)
      throw new FetchError(`opening Git repository "${path}": '${dotGit}' names no repository`, { data: { repository: path } });
    return new GitRepository(machine, path, target.startsWith('/') ? target : joinPath(path, target));
  }

  private exists(path: string): boolean {
    return this.machine.files.stat(path) !== undefined;
  }

  private text(path: string): string {
    return this.machine.files.readText(path);
  }

  private readCommonDir(): string {
    const file = `${this.gitDir}/commondir`;
    if (!this.exists(file)) return this.gitDir;
    const target = this.text(file).trim();
    return target.startsWith('/') ? target : joinPath(this.gitDir, target);
  }

  /** Runs git on this repository; undefined where it is not installed or fails. */
  private git(args: readonly string[]): string | undefined {
    const result = this.machine.processes.run('git', ['-C', this.path, ...args]);
    return result?.status === 0 ? result.stdout : undefined;
  }

  /** Its history was cut off when it was cloned. */
  isShallow(): boolean {
    // NIX: a worktree of a shallow clone does not know that it is one; libgit2 looks beside the worktree's own HEAD.
    const stat = this.machine.files.stat(`${this.gitDir}/shallow`);
    return stat !== undefined && stat.size > 0;
  }

  /** A value of the repository's own configuration, by its name in lower case. */
  configValue(name: string): string | undefined {
    return this.config.get(name);
  }

  remoteUrl(name: string): string | undefined {
    return this.config.get(`remote.${name}.url`);
  }

  private readRefFile(name: string): string | undefined {
    for (const folder of new Set([this.gitDir, this.commonDir])) {
      const stat = this.machine.files.stat(`${folder}/${name}`);
      if (stat?.kind === 'regular') return this.text(`${folder}/${name}`).trim();
      if (stat?.kind === 'symlink') return `ref: ${this.machine.files.readLink(`${folder}/${name}`)}`;
    }
    return undefined;
  }

  private packedRef(name: string): string | undefined {
    const file = `${this.commonDir}/packed-refs`;
    if (!this.exists(file)) return undefined;
    for (const line of this.text(file).split('\n')) {
      const space = line.indexOf(' ');
      if (line.slice(space + 1) === name && COMMIT_ID.test(line.slice(0, space))) return line.slice(0, space);
    }
    return undefined;
  }

  private usesReftable(): boolean {
    return this.config.get('extensions.refstorage') === 'reftable';
  }

  /** The object a full reference name leads to ("HEAD", "refs/heads/x"), symbolic references followed; undefined where there is none. */
  readRef(name: string): string | undefined {
    if (this.usesReftable()) return this.git(['rev-parse', '--verify', '--quiet', name])?.trim();
    let current = name;
    for (let depth = 0; depth < MAX_REF_DEPTH; depth++) {
      const text = this.readRefFile(current);
      if (text === undefined) return this.packedRef(current);
      if (!text.startsWith('ref:')) return COMMIT_ID.test(text.slice(0, 40)) ? text.slice(0, 40) : undefined;
      current = text.slice(4).trim();
    }
    return undefined;
  }

  /** The branch that HEAD stands for ("refs/heads/x"); undefined where a commit is checked out as such. */
  headRef(): string | undefined {
    if (this.usesReftable()) return this.git(['symbolic-ref', '--quiet', 'HEAD'])?.trim();
    const text = this.readRefFile('HEAD');
    return text?.startsWith('ref:') ? text.slice(4).trim() : undefined;
  }

  /** The commit that HEAD leads to; undefined before the first commit. */
  headRev(): string | undefined {
    return this.readRef('HEAD');
  }

  /** The commit a branch, tag, full reference or commit hash stands for. FetchError where there is none. */
  resolveRef(ref: string): string {
    const names = [ref, `refs/${ref}`, `refs/tags/${ref}`, `refs/heads/${ref}`, `refs/remotes/${ref}`, `refs/remotes/${ref}/HEAD`];
    const isPlain = /^[A-Z_]+$/.test(ref) || ref.startsWith('refs/');
    for (const name of isPlain ? names : names.slice(1)) {
      const id = this.readRef(name);
      const commit = id === undefined ? undefined : this.objects.peelToCommit(id);
      if (commit !== undefined) return commit;
    }
    const lower = ref.toLowerCase();
    const commit =
      (COMMIT_ID.test(lower) ? this.objects.peelToCommit(lower) : undefined) ??
      this.git(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`])?.trim();
    if (commit) return commit;
    throw new FetchError(`resolving Git reference '${ref}': revspec '${ref}' not found`, { data: { ref, repository: this.path } });
  }

  /** Seconds since 1970. */
  lastModified(rev: string): number {
    return this.objects.readCommit(this.objects.peelToCommit(rev) ?? rev).committedAt;
  }

  /** How many commits lead up to that one, itself included. */
  revCount(rev: string): number {
    const cutOff = this.isShallow() ? new Set(this.text(`${this.gitDir}/shallow`).split('\n')) : new Set<string>();
    const seen = new Set([rev]);
    const queue = [rev];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      if (seen.size === COUNT_OURSELVES) {
        const counted = this.git(['rev-list', '--count', rev]);
        if (counted !== undefined) return Number(counted);
      }
      if (cutOff.has(id)) continue;
      for (const parent of this.readParents(id)) {
        if (seen.has(parent)) continue;
        seen.add(parent);
        queue.push(parent);
      }
    }
    return seen.size;
  }

  private readParents(id: string): readonly string[] {
    try {
      return this.objects.readCommit(id).parents;
    } catch (error) {
      throw new FetchError(
        `Failed to retrieve the parent of Git commit '${id}': object not found - no match for id (${id}). ` +
          'This may be due to an incomplete repository history. To resolve this, either enable the shallow parameter in your flake URL (?shallow=1) ' +
          'or add set the shallow parameter to true in builtins.fetchGit, or fetch the complete history for this branch.',
        { cause: error, data: { repository: this.path, commit: id } },
      );
    }
  }

  // ---- the working tree

  private readIndex(): { index: GitIndex; writtenNs: bigint } {
    const file = `${this.gitDir}/index`;
    const stat = this.machine.files.stat(file);
    if (stat === undefined) return { index: { entries: [], trees: new Map() }, writtenNs: 0n };
    const index = parseGitIndex(this.machine.files.readFile(file), file, this.machine.files.readText(file)) ?? this.askForIndex(file);
    return { index, writtenNs: stat.modifiedNs };
  }

  private askForIndex(file: string): GitIndex {
    const listed = this.git(['ls-files', '--stage', '-z', '--full-name']);
    if (listed === undefined) {
      throw new FetchError(`the index of Git repository '${this.path}' has a form that only git can read`, {
        data: { repository: this.path, file },
        hint: 'install git, or rewrite the index with `git update-index --no-split-index` and `git sparse-checkout disable`',
      });
    }
    const entries = listed.split('\0').flatMap((line): GitIndexEntry[] => {
      const match = /^([0-7]+) ([0-9a-f]+) ([0-3])\t([^]*)$/.exec(line);
      if (!match) return [];
      const [, mode, id, stage, path] = match as unknown as [string, string, string, string, string];
      const unknown = { size: -1, modifiedNs: 0n, changedNs: 0n, inode: 0, intentToAdd: false, assumeUnchanged: false };
      return [{ path, mode: parseInt(mode, 8), id, stage: Number(stage), ...unknown }];
    });
    return { entries, trees: new Map() };
  }

  /** Compares HEAD, index and working tree: one lstat a tracked file, and a read of those that look touched. Submodules are left out. */
  workingTreeInfo(): WorkingTreeInfo {
    const { index, writtenNs } = this.readIndex();
    const headRev = this.headRev();
    const staged = this.stagedChanges(index, headRev);
    const files = new Set<string>();
    const dirty = new Set<string>();
    const deleted = new Set<string>(staged.deleted.map((path) => `/${path}`));
    const suspects: GitIndexEntry[] = [];
    for (const entry of index.entries) {
      if (entry.mode === MODE_SUBMODULE) continue;
      const path = `/${entry.path}`;
      const state = this.compareEntry(entry, writtenNs);
      if (state === 'deleted') {
        deleted.add(path);
        continue;
      }
      files.add(path);
      if (entry.stage !== 0 || state === 'changed' || entry.intentToAdd || staged.changed.has(entry.path)) dirty.add(path);
      else if (state === 'filtered') suspects.push(entry);
    }
    for (const path of this.changedForGit(suspects)) dirty.add(`/${path}`);
    return {
      headRev,
      files,
      dirtyFiles: [...dirty].sort(compareStrings),
      deletedFiles: [...deleted].filter((path) => !files.has(path)).sort(compareStrings),
      isDirty: dirty.size > 0 || deleted.size > 0,
    };
  }

  /** `filtered`: the bytes differ, but git may convert them (line endings, filters) before it compares. */
  private compareEntry(entry: GitIndexEntry, indexWrittenNs: bigint): 'same' | 'changed' | 'deleted' | 'filtered' {
    // PERF: index paths are canonical; joining them with care costs a third of the whole check.
    const path = `${this.path}/${entry.path}`;
    const stat = this.machine.files.stat(path);
    if (stat === undefined || stat.kind === 'directory') return 'deleted';
    if (entry.assumeUnchanged) return 'same';
    const isLink = entry.mode === MODE_LINK;
    if ((stat.kind === 'symlink') !== isLink || stat.kind === 'unknown') return 'changed';
    if (!isLink && this.config.get('core.filemode') !== 'false' && stat.executable !== (entry.mode === MODE_EXECUTABLE)) return 'changed';
    const seen =
      entry.size === (stat.size & 0xffffffff) >>> 0 &&
      entry.modifiedNs === stat.modifiedNs &&
      entry.changedNs === stat.changedNs &&
      BigInt(entry.inode) === (stat.inode & 0xffffffffn);
    // A file changed in the same instant in which git wrote the index looks untouched: read it.
    if (seen && entry.modifiedNs < indexWrittenNs) return 'same';
    const content = isLink ? bytesOf(this.machine.files.readLink(path)) : this.machine.files.readFile(path);
    if (blobId(content) === entry.id) return 'same';
    return !isLink && this.mayConvert() ? 'filtered' : 'changed';
  }

  private converts: boolean | undefined;

  private mayConvert(): boolean {
    this.converts ??=
      (this.config.get('core.autocrlf') ?? 'false') !== 'false' ||
      this.exists(`${this.path}/.gitattributes`) ||
      this.exists(`${this.commonDir}/info/attributes`) ||
      this.git(['config', 'core.autocrlf']) !== undefined;
    return this.converts;
  }

  private changedForGit(suspects: readonly GitIndexEntry[]): readonly string[] {
    if (suspects.length === 0) return [];
    const paths = suspects.map(({ path }) => path);
    // `diff-files` would believe the times; `diff` looks into the files.
    const options = ['--name-only', '-z', '--no-ext-diff', '--no-renames', '--ignore-submodules=all'];
    const answer = this.git(['--no-optional-locks', 'diff', ...options, '--', ...paths.map((path) => `:(literal)${path}`)]);
    return answer === undefined ? paths : answer.split('\0').filter((path) => path !== '');
  }

  /** How the index differs from HEAD. */
  private stagedChanges(index: GitIndex, headRev: string | undefined): { changed: ReadonlySet<string>; deleted: readonly string[] } {
    const headTree = headRev === undefined ? undefined : this.objects.readCommit(headRev).tree;
    const changed = new Set<string>();
    const deleted: string[] = [];
    if (headTree !== undefined && index.trees.get('') === headTree) return { changed, deleted };
    const entryOf = new Map(index.entries.filter(({ stage }) => stage === 0).map((entry) => [entry.path, entry]));
    const inHead = new Set<string>();
    const unchangedFolders: string[] = [];
    const visit = (tree: string, folder: string): void => {
      if (index.trees.get(folder) === tree) {
        unchangedFolders.push(folder);
        return;
      }
      for (const { mode, name, id } of this.objects.readTree(tree)) {
        const path = folder === '' ? name : `${folder}/${name}`;
        if (mode === 0o40000) {
          visit(id, path);
          continue;
        }
        inHead.add(path);
        const entry = entryOf.get(path);
        if (mode === MODE_SUBMODULE) continue;
        if (!entry) deleted.push(path);
        else if (entry.id !== id || normalMode(entry.mode) !== normalMode(mode)) changed.add(path);
      }
    };
    if (headTree !== undefined) visit(headTree, '');
    const isUnchanged = (path: string) => unchangedFolders.some((folder) => folder === '' || path.startsWith(`${folder}/`));
    for (const path of entryOf.keys()) if (!inHead.has(path) && !isUnchanged(path)) changed.add(path);
    const unmerged = new Set(index.entries.filter(({ stage }) => stage !== 0).map(({ path }) => path));
    return { changed, deleted: deleted.filter((path) => !unmerged.has(path)) };
  }
}

function normalMode(mode: number): number {
  // Old trees hold other permission bits.
  return (mode & 0o170000) === 0o100000 ? ((mode & 0o100) !== 0 ? MODE_EXECUTABLE : MODE_FILE) : mode;
}

function blobId(content: Uint8Array): string {
  const head = bytesOf(`blob ${content.length}\0`);
  const whole = new Uint8Array(head.length + content.length);
  whole.set(head);
  whole.set(content, head.length);
  return printHex(digest('sha1', whole));
}

function joinPath(base: string, relative: string): string {
  const segments: string[] = [];
  for (const segment of `${base}/${relative}`.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') segments.pop();
    else segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

/** A git configuration file as "section.subsection.key" -> value; section and key in lower case, the last value counts. */
export function parseGitConfig(text: string): Map<string, string> {
  const result = new Map<string, string>();
  let section = '';
  for (const line of text.replace(/\\\n/g, '').split('\n')) {
    const head = /^\s*\[\s*([A-Za-z0-9.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]\s*(.*)$/.exec(line);
    if (head) section = head[1]!.toLowerCase() + (head[2] === undefined ? '' : `.${head[2].replace(/\\(.)/g, '$1')}`);
    const rest = head ? head[3]! : line;
    const entry = /^\s*([A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*(.*))?$/.exec(rest);
    if (entry) result.set(`${section}.${entry[1]!.toLowerCase()}`, entry[2] === undefined ? 'true' : configValue(entry[2]));
  }
  return result;
}

function configValue(text: string): string {
  const escapes: Record<string, string> = { n: '\n', t: '\t', b: '\b' };
  let value = '';
  let kept = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === '"') quoted = !quoted;
    else if (character === '\\') {
      const next = text[++i] ?? '';
      value += escapes[next] ?? next;
    } else if (!quoted && (character === '#' || character === ';')) break;
    else value += character;
    // Spaces at the end go, unless they were quoted.
    if (quoted || (character !== ' ' && character !== '\t' && character !== '\r')) kept = value.length;
  }
  return value.slice(0, kept);
}

/** The submodules a `.gitmodules` text lists, sorted by name. */
export function parseSubmodules(text: string): GitSubmodule[] {
  const config = parseGitConfig(text);
  const names = [...config.keys()]
    .filter((key) => key.startsWith('submodule.') && key.endsWith('.path'))
    .map((key) => key.slice(0, -'.path'.length));
  return names.sort(compareStrings).map((name) => ({
    path: joinPath('/', config.get(`${name}.path`)!),
    url: config.get(`${name}.url`) ?? '',
    branch: config.get(`${name}.branch`) ?? '',
  }));
}
