// Trees out of a git repository's objects: that of a commit, and one without what `.gitattributes` leaves out of archives.

import { byteStringOf } from '../base/bytes.ts';
import { FetchError, RestrictedPathError } from '../base/errors.ts';
import type { FileKind } from '../io/io.ts';
import { hasGitAttribute } from './git-attributes.ts';
import type { GitObjects, GitTreeEntry } from './git-objects.ts';
import type { SourceTree, TreeEntry } from './source-tree.ts';

const KINDS: Readonly<Record<number, FileKind>> = { 0o40000: 'directory', 0o100000: 'regular', 0o120000: 'symlink', 0o160000: 'directory' };

function kindOfMode(mode: number): FileKind {
  return KINDS[mode & 0o170000] ?? 'unknown';
}

/** A tree in a git repository's objects. Submodules are empty folders. */
export class CommitTree implements SourceTree {
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

/** The tree without what is marked `export-ignore`. */
export function withoutExportIgnored(tree: SourceTree): SourceTree {
  const ignored = hasGitAttribute(tree, 'export-ignore', true);
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
