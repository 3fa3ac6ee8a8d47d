// The hash of a file system object as git takes it: a file is a blob, a folder a tree of names, modes and the hashes of what they name.
// Reckoned from the object's NAR, so that whatever can be archived can be hashed. libutil/git.cc; git's book, "Git Objects".
// NIX: folders without files are part of a tree, which git itself never writes down.

import { bytesOf, byteStringOf, compareStrings } from '../base/bytes.ts';
import { type HashAlgorithm, type HashSink, startDigest } from '../base/sha.ts';
import { NarReader, type NarVisitor } from './nar.ts';

type Mode = '100644' | '100755' | '120000' | '40000';

interface TreeEntry {
  readonly name: string;
  readonly mode: Mode;
  readonly hash: Uint8Array;
}

/** A digest of the bytes of a NAR: of these themselves, or of what they hold as git hashes it. */
export function startTreeDigest(method: 'nar' | 'git', algorithm: HashAlgorithm): HashSink {
  return method === 'nar' ? startDigest(algorithm) : new GitDigest(algorithm);
}

class GitDigest implements HashSink {
  readonly #objects: GitObjects;
  readonly #reader: NarReader;

  constructor(algorithm: HashAlgorithm) {
    this.#objects = new GitObjects(algorithm);
    this.#reader = new NarReader(this.#objects);
  }

  update(data: Uint8Array | string): void {
    this.#reader.push(typeof data === 'string' ? bytesOf(data) : data);
  }

  digest(): Uint8Array {
    this.#reader.end();
    return this.#objects.root!;
  }
}

/** Hashes object after object as a NAR is read. */
class GitObjects implements NarVisitor {
  /** Of the whole, once it was read. */
  root: Uint8Array | undefined;
  readonly #algorithm: HashAlgorithm;
  /** Entries of the folders that are open. */
  readonly #open: TreeEntry[][] = [];
  #file: HashSink | undefined;
  #fileMode: Mode = '100644';

  constructor(algorithm: HashAlgorithm) {
    this.#algorithm = algorithm;
  }

  #start(type: 'blob' | 'tree', size: number): HashSink {
    const sink = startDigest(this.#algorithm);
    sink.update(`${type} ${size}\0`);
    return sink;
  }

  #add(path: string, mode: Mode, hash: Uint8Array): void {
    const parent = this.#open.at(-1);
    if (parent === undefined) this.root = hash;
    else parent.push({ name: path.slice(path.lastIndexOf('/') + 1), mode, hash });
  }

  beginDirectory(): void {
    this.#open.push([]);
  }

  endDirectory(path: string): void {
    const entries = this.#open.pop()!;
    // Folders stand where their names would with a slash at the end.
    const key = ({ name, mode }: TreeEntry): string => (mode === '40000' ? `${name}/` : name);
    entries.sort((a, b) => compareStrings(key(a), key(b)));
    const body = entries.map(({ name, mode, hash }) => `${mode} ${name}\0${byteStringOf(hash)}`).join('');
    const sink = this.#start('tree', body.length);
    sink.update(body);
    this.#add(path, '40000', sink.digest());
  }

  symlink(path: string, target: string): void {
    const sink = this.#start('blob', target.length);
    sink.update(target);
    this.#add(path, '120000', sink.digest());
  }

  beginRegular(_path: string, executable: boolean, size: number): void {
    this.#file = this.#start('blob', size);
    this.#fileMode = executable ? '100755' : '100644';
  }

  contents(chunk: Uint8Array): void {
    this.#file!.update(chunk);
  }

  endRegular(path: string): void {
    this.#add(path, this.#fileMode, this.#file!.digest());
  }
}
