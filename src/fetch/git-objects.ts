// The object database of a git repository, read synchronously: loose objects, packs (version 2 indices, deltas), alternates. Only the
// parts of a pack that are asked for are read, so a commit of a large repository costs what it touches; isomorphic-git would load
// whole packs, asynchronously, after 53 ms of loading itself. What is not here locally (a partial clone) is asked of the `git`
// program. Documentation: gitformat-pack(5).

import { byteStringOf, compareBytes, parseHex, printHex } from '../base/bytes.ts';
import { FetchError } from '../base/errors.ts';
import type { Files, Inflaters, Processes } from '../io/io.ts';

export type GitObjectType = 'commit' | 'tree' | 'blob' | 'tag';

export interface GitObject {
  readonly type: GitObjectType;
  readonly data: Uint8Array;
}

/** An entry of a git tree. Modes are git's: 0o40000 a folder, 0o100644 and 0o100755 files, 0o120000 a link, 0o160000 a submodule. */
export interface GitTreeEntry {
  readonly mode: number;
  readonly name: string;
  readonly id: string;
}

export interface GitCommit {
  readonly tree: string;
  readonly parents: readonly string[];
  /** Seconds since 1970, of the committer. */
  readonly committedAt: number;
}

export interface GitMachine {
  readonly files: Files;
  readonly inflaters: Inflaters;
  readonly processes: Processes;
}

const ID_BYTES = 20;
const PACK_TYPES: Readonly<Record<number, GitObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
const OFS_DELTA = 6;
const REF_DELTA = 7;
/** Uncompressed bytes of objects kept: delta bases and trees come up again and again. */
const CACHE_BYTES = 16 << 20;

interface Pack {
  readonly path: string;
  readonly fanout: DataView;
  readonly count: number;
  /** Sorted ids of the buckets (first byte of the id) read so far. */
  readonly buckets: Map<number, Uint8Array>;
}

export class GitObjects {
  private readonly machine: GitMachine;
  private readonly gitDir: string;
  private readonly folders: readonly string[];
  private packs: Pack[] | undefined;
  private readonly cache = new Map<string, GitObject>();
  private cachedBytes = 0;

  /** `gitDir` is the repository's common folder, in which `objects` lies. */
  constructor(machine: GitMachine, gitDir: string) {
    this.machine = machine;
    this.gitDir = gitDir;
    this.folders = this.objectFolders(`${gitDir}/objects`, new Set());
  }

  private objectFolders(folder: string, seen: Set<string>): string[] {
    if (seen.has(folder)) return [];
    seen.add(folder);
    const file = `${folder}/info/alternates`;
    if (this.machine.files.stat(file) === undefined) return [folder];
    const lines = this.machine.files.readText(file).split('\n');
    const others = lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => (line.startsWith('/') ? line : `${folder}/${line}`));
    return [folder, ...others.flatMap((other) => this.objectFolders(other, seen))];
  }

  private openPacks(): Pack[] {
    const packs: Pack[] = [];
    for (const folder of this.folders) {
      if (this.machine.files.stat(`${folder}/pack`) === undefined) continue;
      for (const { name } of this.machine.files.readDir(`${folder}/pack`)) {
        if (!name.endsWith('.idx')) continue;
        const path = `${folder}/pack/${name.slice(0, -'.idx'.length)}`;
        const head = this.machine.files.readRange(`${path}.idx`, 0, 8 + 1024);
        const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
        if (head.length < 8 + 1024 || view.getUint32(0) !== 0xff744f63 || view.getUint32(4) !== 2) continue;
        const fanout = new DataView(head.buffer, head.byteOffset + 8, 1024);
        packs.push({ path, fanout, count: fanout.getUint32(255 * 4), buckets: new Map() });
      }
    }
    return packs;
  }

  /** Position of an id in a pack's sorted list. */
  private findInPack(pack: Pack, id: Uint8Array): number | undefined {
    const first = id[0]!;
    const start = first === 0 ? 0 : pack.fanout.getUint32((first - 1) * 4);
    const end = pack.fanout.getUint32(first * 4);
    if (start === end) return undefined;
    let bucket = pack.buckets.get(first);
    if (!bucket) {
      bucket = this.machine.files.readRange(`${pack.path}.idx`, 8 + 1024 + start * ID_BYTES, (end - start) * ID_BYTES);
      pack.buckets.set(first, bucket);
    }
    let low = 0;
    let high = end - start - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const order = compareBytes(bucket.subarray(middle * ID_BYTES, (middle + 1) * ID_BYTES), id);
      if (order === 0) return start + middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  private offsetInPack(pack: Pack, position: number): number {
    const { files } = this.machine;
    const offsets = 8 + 1024 + pack.count * (ID_BYTES + 4);
    const field = files.readRange(`${pack.path}.idx`, offsets + position * 4, 4);
    const offset = new DataView(field.buffer, field.byteOffset, 4).getUint32(0);
    if (offset < 0x80000000) return offset;
    const wide = files.readRange(`${pack.path}.idx`, offsets + pack.count * 4 + (offset - 0x80000000) * 8, 8);
    return Number(new DataView(wide.buffer, wide.byteOffset, 8).getBigUint64(0));
  }

  /** Undefined where the repository does not have it. */
  find(id: string): GitObject | undefined {
    const cached = this.cache.get(id);
    if (cached) return cached;
    const object = this.findPacked(id) ?? this.findLoose(id) ?? this.askGit(id);
    if (object && object.data.length < CACHE_BYTES / 8) {
      this.cachedBytes += object.data.length;
      this.cache.set(id, object);
      for (const [old, { data }] of this.cache) {
        if (this.cachedBytes <= CACHE_BYTES) break;
        this.cache.delete(old);
        this.cachedBytes -= data.length;
      }
    }
    return object;
  }

  has(id: string): boolean {
    return this.find(id) !== undefined;
  }

  read(id: string): GitObject {
    const object = this.find(id);
    if (!object) throw new FetchError(`Git object '${id}' is missing in '${this.gitDir}'`, { data: { id, repository: this.gitDir } });
    return object;
  }

  private findPacked(id: string): GitObject | undefined {
    const bytes = parseHex(id);
    if (bytes?.length !== ID_BYTES) return undefined;
    this.packs ??= this.openPacks();
    for (const pack of this.packs) {
      const position = this.findInPack(pack, bytes);
      if (position !== undefined) return this.readPacked(pack, this.offsetInPack(pack, position));
    }
    return undefined;
  }

  private findLoose(id: string): GitObject | undefined {
    const { files, inflaters } = this.machine;
    for (const folder of this.folders) {
      const path = `${folder}/${id.slice(0, 2)}/${id.slice(2)}`;
      if (files.stat(path) === undefined) continue;
      const { bytes } = inflaters.inflate(files.readFile(path));
      const end = bytes.indexOf(0);
      const [type] = byteStringOf(bytes.subarray(0, end)).split(' ');
      return { type: type as GitObjectType, data: bytes.subarray(end + 1) };
    }
    return undefined;
  }

  private askGit(id: string): GitObject | undefined {
    // Only a partial clone has objects that git knows how to get and that lie nowhere.
    const { files, processes } = this.machine;
    if (
      !this.folders.some(
        (folder) => files.stat(`${folder}/pack`) && files.readDir(`${folder}/pack`).some(({ name }) => name.endsWith('.promisor')),
      )
    ) {
      return undefined;
    }
    const type = processes.run('git', ['--git-dir', this.gitDir, 'cat-file', '-t', id]);
    if (type?.status !== 0) return undefined;
    const name = type.stdout.trim() as GitObjectType;
    const content = processes.run('git', ['--git-dir', this.gitDir, 'cat-file', name, id]);
    if (content?.status !== 0) return undefined;
    const data = new Uint8Array(content.stdout.length);
    for (let i = 0; i < data.length; i++) data[i] = content.stdout.charCodeAt(i);
    return { type: name, data };
  }

  /** Inflates what starts at an offset of the pack and is `size` bytes long when inflated. */
  private inflateAt(pack: Pack, offset: number, size: number): Uint8Array {
    // zlib's own bound for input that does not compress.
    const bound = size + (size >> 12) + (size >> 14) + (size >> 25) + 64;
    return this.machine.inflaters.inflate(this.machine.files.readRange(`${pack.path}.pack`, offset, bound)).bytes;
  }

  private readPacked(pack: Pack, offset: number): GitObject {
    const head = this.machine.files.readRange(`${pack.path}.pack`, offset, 32 + ID_BYTES);
    let at = 0;
    let byte = head[at++]!;
    const type = (byte >> 4) & 7;
    let size = byte & 15;
    for (let shift = 4; byte & 0x80; shift += 7) {
      byte = head[at++]!;
      size += (byte & 0x7f) * 2 ** shift;
    }
    const plain = PACK_TYPES[type];
    if (plain) return { type: plain, data: this.inflateAt(pack, offset + at, size) };
    let base: GitObject;
    if (type === OFS_DELTA) {
      byte = head[at++]!;
      let distance = byte & 0x7f;
      while (byte & 0x80) {
        byte = head[at++]!;
        distance = (distance + 1) * 128 + (byte & 0x7f);
      }
      base = this.readBase(pack, offset - distance);
    } else if (type === REF_DELTA) {
      base = this.read(printHex(head.subarray(at, at + ID_BYTES)));
      at += ID_BYTES;
    } else {
      throw new FetchError(`Git pack '${pack.path}.pack' has an object of unknown type ${type} at offset ${offset}`);
    }
    return { type: base.type, data: applyDelta(base.data, this.inflateAt(pack, offset + at, size)) };
  }

  private readBase(pack: Pack, offset: number): GitObject {
    const key = `${pack.path}@${offset}`;
    const cached = this.cache.get(key);
    if (cached) return cached;
    const object = this.readPacked(pack, offset);
    if (object.data.length < CACHE_BYTES / 8) {
      this.cachedBytes += object.data.length;
      this.cache.set(key, object);
    }
    return object;
  }

  private readTyped(id: string, type: GitObjectType): Uint8Array {
    const object = this.read(id);
    if (object.type !== type) throw new FetchError(`Git object '${id}' is a ${object.type} where a ${type} is expected`);
    return object.data;
  }

  readBlob(id: string): Uint8Array {
    return this.readTyped(id, 'blob');
  }

  readTree(id: string): GitTreeEntry[] {
    return parseTree(this.readTyped(id, 'tree'));
  }

  readCommit(id: string): GitCommit {
    return parseCommit(this.readTyped(id, 'commit'));
  }

  /** The commit behind an annotated tag, or the commit itself; undefined where it leads to no commit. */
  peelToCommit(id: string): string | undefined {
    let current = id;
    for (let object = this.find(current); object; object = this.find(current)) {
      if (object.type === 'commit') return current;
      const target = object.type === 'tag' ? /^object ([0-9a-f]+)$/m.exec(byteStringOf(object.data))?.[1] : undefined;
      if (target === undefined) return undefined;
      current = target;
    }
    return undefined;
  }
}

function applyDelta(base: Uint8Array, delta: Uint8Array): Uint8Array {
  let at = 0;
  const readSize = (): number => {
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = delta[at++]!;
      size += (byte & 0x7f) * 2 ** shift;
      if (!(byte & 0x80)) return size;
    }
  };
  if (readSize() !== base.length) throw new FetchError('a delta in a git pack does not fit its base');
  const result = new Uint8Array(readSize());
  let used = 0;
  while (at < delta.length) {
    const operation = delta[at++]!;
    if (operation & 0x80) {
      let offset = 0;
      let size = 0;
      for (let i = 0; i < 4; i++) if (operation & (1 << i)) offset += delta[at++]! * 2 ** (8 * i);
      for (let i = 0; i < 3; i++) if (operation & (0x10 << i)) size += delta[at++]! * 2 ** (8 * i);
      if (size === 0) size = 0x10000;
      result.set(base.subarray(offset, offset + size), used);
      used += size;
    } else {
      result.set(delta.subarray(at, at + operation), used);
      at += operation;
      used += operation;
    }
  }
  return result;
}

function parseTree(data: Uint8Array): GitTreeEntry[] {
  const entries: GitTreeEntry[] = [];
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at);
    const end = data.indexOf(0, space);
    entries.push({
      mode: parseInt(byteStringOf(data.subarray(at, space)), 8),
      name: byteStringOf(data.subarray(space + 1, end)),
      id: printHex(data.subarray(end + 1, end + 1 + ID_BYTES)),
    });
    at = end + 1 + ID_BYTES;
  }
  return entries;
}

function parseCommit(data: Uint8Array): GitCommit {
  const head = byteStringOf(data).split('\n\n', 1)[0]!;
  const parents: string[] = [];
  let tree = '';
  let committedAt = 0;
  for (const line of head.split('\n')) {
    if (line.startsWith('tree ')) tree = line.slice(5);
    else if (line.startsWith('parent ')) parents.push(line.slice(7));
    else if (line.startsWith('committer ')) committedAt = Number(/ ([0-9]+) [+-][0-9]+$/.exec(line)?.[1] ?? 0);
  }
  return { tree, parents, committedAt };
}
