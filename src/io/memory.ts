// Io over memory, for tests and for places without a machine: a file system that begins empty, no programs, no network, a clock that
// stands still. Time stamps are those the files were made with, so results that depend on them repeat.

import { bytesOf, byteStringOf, copyBytes } from '../base/bytes.ts';
import { FetchError, IoError } from '../base/errors.ts';
import type { Files, FileKind, FileStat, Inflaters, Io, Processes } from './io.ts';

interface MemoryFile {
  kind: 'regular' | 'directory' | 'symlink';
  contents: Uint8Array;
  executable: boolean;
  target: string;
  readonly inode: bigint;
  modifiedNs: bigint;
}

/** A file system in memory. Absolute byte-string paths; symbolic links on the way are followed. */
export class MemoryFiles implements Files {
  private readonly nodes = new Map<string, MemoryFile>();
  private inodes = 1n;
  /** Given to what is made or changed from now on, in nanoseconds since 1970. */
  clockNs: bigint;

  constructor(clockNs = 1_700_000_000_000_000_000n) {
    this.clockNs = clockNs;
    this.nodes.set('', this.make('directory'));
  }

  private make(kind: MemoryFile['kind']): MemoryFile {
    return { kind, contents: new Uint8Array(), executable: false, target: '', inode: this.inodes++, modifiedNs: this.clockNs };
  }

  /** Follows links in all components but the last; "" is the root. */
  private resolve(path: string, depth = 0): string {
    let result = '';
    const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
    segments.forEach((segment, index) => {
      if (segment === '..') {
        result = result.slice(0, result.lastIndexOf('/'));
        return;
      }
      const next = `${result}/${segment}`;
      const node = this.nodes.get(next);
      if (node?.kind !== 'symlink' || index === segments.length - 1) result = next;
      else result = this.resolveAll(node.target.startsWith('/') ? node.target : `${result}/${node.target}`, depth + 1);
    });
    return result;
  }

  private resolveAll(path: string, depth = 0): string {
    if (depth > 40) throw new IoError(`too many levels of symbolic links in "${path}"`);
    const place = this.resolve(path, depth);
    const node = this.nodes.get(place);
    if (node?.kind !== 'symlink') return place;
    return this.resolveAll(
      node.target.startsWith('/') ? node.target : `${place.slice(0, place.lastIndexOf('/'))}/${node.target}`,
      depth + 1,
    );
  }

  private get(path: string, kind: FileKind, what: string): MemoryFile {
    const node = this.nodes.get(kind === 'symlink' ? this.resolve(path) : this.resolveAll(path));
    if (!node) throw new IoError(`${what} "${path}": No such file or directory`, { data: { path, code: 'ENOENT' } });
    if (node.kind !== kind) throw new IoError(`${what} "${path}": it is a ${node.kind}`, { data: { path } });
    return node;
  }

  private put(path: string, node: MemoryFile): void {
    const place = this.resolve(path);
    const parent = place.slice(0, place.lastIndexOf('/'));
    this.makeFolder(parent);
    this.nodes.set(place, node);
    this.nodes.get(parent)!.modifiedNs = this.clockNs;
  }

  stat(path: string): FileStat | undefined {
    const node = this.nodes.get(this.resolve(path));
    if (!node) return undefined;
    const size = node.kind === 'symlink' ? node.target.length : node.contents.length;
    return {
      kind: node.kind,
      executable: node.executable,
      size,
      modifiedNs: node.modifiedNs,
      changedNs: node.modifiedNs,
      inode: node.inode,
      device: 1n,
    };
  }

  readFile(path: string): Uint8Array {
    return this.get(path, 'regular', 'opening file').contents;
  }

  readText(path: string): string {
    return byteStringOf(this.readFile(path));
  }

  readRange(path: string, offset: number, length: number): Uint8Array {
    return this.readFile(path).subarray(offset, offset + length);
  }

  readDir(path: string): { name: string; kind: FileKind }[] {
    this.get(path, 'directory', 'reading directory');
    const place = `${this.resolveAll(path)}/`;
    const below = [...this.nodes].filter(([other]) => other.startsWith(place) && !other.slice(place.length).includes('/') && other !== '');
    return below.map(([other, node]) => ({ name: other.slice(place.length), kind: node.kind }));
  }

  readLink(path: string): string {
    return this.get(path, 'symlink', 'reading symbolic link').target;
  }

  appendFile(path: string, contents: Uint8Array): void {
    const before = this.readFile(path);
    const whole = new Uint8Array(before.length + contents.length);
    whole.set(before);
    whole.set(contents, before.length);
    this.writeFileAtomic(path, whole);
  }

  writeFileAtomic(path: string, contents: Uint8Array, { executable = false }: { executable?: boolean } = {}): void {
    this.put(path, { ...this.make('regular'), contents: copyBytes(contents), executable });
  }

  createFile(path: string, contents: Uint8Array, executable: boolean): void {
    if (this.stat(path)) throw new IoError(`writing file "${path}": it exists`);
    this.writeFileAtomic(path, contents, { executable });
  }

  /** A text file, for tests. */
  write(path: string, text: string, executable = false): void {
    this.writeFileAtomic(path, bytesOf(text), { executable });
  }

  read(path: string): string {
    return this.readText(path);
  }

  writeLink(path: string, target: string): void {
    this.put(path, { ...this.make('symlink'), target });
  }

  makeFolder(path: string): void {
    const place = this.resolveAll(path);
    if (this.nodes.has(place)) return;
    this.makeFolder(place.slice(0, place.lastIndexOf('/')));
    this.nodes.set(place, this.make('directory'));
  }

  rename(from: string, to: string): void {
    const start = this.resolve(from);
    const end = this.resolve(to);
    if (!this.nodes.has(start)) throw new IoError(`renaming to "${to}": No such file or directory`);
    const moved = [...this.nodes].filter(([path]) => path === start || path.startsWith(`${start}/`));
    if ([...this.nodes.keys()].some((path) => path.startsWith(`${end}/`))) throw new IoError(`renaming to "${to}": Directory not empty`);
    this.makeFolder(end.slice(0, end.lastIndexOf('/')));
    for (const [path, node] of moved) {
      this.nodes.delete(path);
      this.nodes.set(end + path.slice(start.length), node);
    }
  }

  remove(path: string): void {
    const place = this.resolve(path);
    for (const other of [...this.nodes.keys()]) if (other === place || other.startsWith(`${place}/`)) this.nodes.delete(other);
  }

  makeTemporaryFolder(parent: string, prefix: string): string {
    const path = `${parent}/${prefix}${this.inodes}`;
    this.makeFolder(path);
    return path;
  }
}

const processes: Processes = { run: () => undefined };

const inflaters: Inflaters = {
  inflate: () => {
    throw new IoError('there is no inflater in memory');
  },
  gunzip: (source) => source,
  unzstd: (source) => source,
};

/** A machine in memory. */
export function memoryIo(files = new MemoryFiles()): Io & { readonly files: MemoryFiles } {
  return {
    files,
    net: {
      request: ({ url }) =>
        Promise.reject(new FetchError(`unable to download '${url}': there is no network in memory`, { code: 'FLOE_UNREACHABLE' })),
    },
    processes,
    inflaters,
    env: {},
    now: () => Number(files.clockNs / 1_000_000n) + 3_600_000,
  };
}
