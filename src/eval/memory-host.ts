// An EvalHost over memory: files given as a table, store objects kept where they are hashed. Nothing is read from or written to a
// machine, so this is the host for browsers and for tests. What needs a machine (fetching, building, flakes by reference) is refused.

import { EvalError, FetchError, HashMismatchError, InvalidPathError, IoError } from '../base/errors.ts';
import { byteStringOf, bytesOf, utf8ToByteString } from '../base/bytes.ts';
import { equalHash, hashBytes, printHash, type Hash } from '../base/hash.ts';
import { startDigest } from '../base/sha.ts';
import { makeContentPath, makeTextPath, NO_REFERENCES } from '../model/content-address.ts';
import type { Derivation } from '../model/derivation.ts';
import { type FileTree, writeNar } from '../model/nar.ts';
import type { StorePath } from '../model/store-path.ts';
import type {
  AddToStoreRequest,
  EvalConstants,
  EvalHost,
  EvalLogLevel,
  FetchedTree,
  LockedFlakeInfo,
  PathFilter,
  PathKind,
} from './host.ts';
import { canonicalPath, joinPath } from './source-path.ts';

/** What a memory host is made of. Paths are absolute. */
export interface MemoryHostOptions {
  /** Contents by path; folders are there because something is in them. Text is UTF-8. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly constants?: Partial<EvalConstants>;
  /** What `builtins.getEnv` finds. */
  readonly env?: Readonly<Record<string, string>>;
  /** Gets what programs say (`trace`, `warn`), as byte strings. */
  readonly log?: (level: EvalLogLevel, message: string) => void;
}

interface File {
  readonly bytes: string;
}

type Folder = Map<string, Node>;
type Node = File | Folder;

const isFolder = (node: Node): node is Folder => node instanceof Map;

/** Files and store objects of one evaluation, in memory. */
export class MemoryHost implements EvalHost {
  readonly constants: EvalConstants;
  /** What evaluation produced: derivations and their text, by store path. */
  readonly derivations = new Map<StorePath, { readonly derivation: Derivation; readonly aterm: string }>();
  readonly #root: Folder = new Map();
  readonly #objects = new Set<StorePath>();
  readonly #env: Readonly<Record<string, string>>;
  readonly #log: (level: EvalLogLevel, message: string) => void;

  constructor(options: MemoryHostOptions = {}) {
    this.constants = {
      currentSystem: 'x86_64-linux',
      currentTime: undefined,
      storeDir: '/nix/store' as EvalConstants['storeDir'],
      nixPath: [],
      pureEval: false,
      restrictEval: false,
      allowImportFromDerivation: false,
      traceVerbose: false,
      readOnly: true,
      ...options.constants,
    };
    this.#env = options.env ?? {};
    this.#log = options.log ?? (() => {});
    for (const [path, content] of Object.entries(options.files ?? {})) this.addFile(path, content);
  }

  /** Puts a file in place, with the folders above it. Text is UTF-8. */
  addFile(path: string, content: string | Uint8Array): void {
    const bytes = typeof content === 'string' ? utf8ToByteString(content) : byteStringOf(content);
    this.#put(canonicalPath(utf8ToByteString(path)), { bytes });
  }

  #put(path: string, node: Node): void {
    const names = path.split('/').slice(1);
    const last = names.pop()!;
    let folder = this.#root;
    for (const name of names) {
      let next = folder.get(name);
      if (next === undefined) folder.set(name, (next = new Map()));
      if (!isFolder(next)) throw new IoError(`cannot put '${path}' in place: '${name}' above it is a file`);
      folder = next;
    }
    folder.set(last, node);
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.split('/')) {
      if (name === '') continue;
      if (node === undefined || !isFolder(node)) return undefined;
      node = node.get(name);
    }
    return node;
  }

  #require(path: string): Node {
    const node = this.#find(path);
    if (node === undefined) throw new EvalError(`path '${path}' does not exist`);
    return node;
  }

  readFile(path: string): string {
    const node = this.#require(path);
    if (isFolder(node)) throw new IoError(`cannot read '${path}': it is a folder`, { data: { path } });
    return node.bytes;
  }

  readDir(path: string): { readonly name: string; readonly kind: PathKind }[] {
    const node = this.#require(path);
    if (!isFolder(node)) throw new IoError(`cannot read directory "${path}": Not a directory`, { data: { path } });
    return [...node].map(([name, child]) => ({ name, kind: isFolder(child) ? 'directory' : 'regular' }));
  }

  pathKind(path: string): PathKind | undefined {
    const node = this.#find(path);
    return node === undefined ? undefined : isFolder(node) ? 'directory' : 'regular';
  }

  readLink(path: string): string {
    throw new IoError(`'${path}' is no symbolic link`, { data: { path } });
  }

  addToStore({ path, name, method, algorithm, filter, expected }: AddToStoreRequest): StorePath {
    const source = this.#require(path);
    const copy = method === 'nar' ? copyTree(source, path, filter) : source;
    const hash: Hash =
      method === 'nar'
        ? { algorithm, bytes: narDigest(copy, algorithm) }
        : hashBytes(algorithm, isFolder(copy) ? this.readFile(path) : copy.bytes);
    if (expected !== undefined && !equalHash(hash, expected)) {
      throw new HashMismatchError(`hash mismatch in path '${path}': wanted ${printHash(expected, 'sri')}, got ${printHash(hash, 'sri')}`);
    }
    return this.#addObject(makeContentPath(name, { method, hash }, NO_REFERENCES, this.constants.storeDir), copy);
  }

  addTextToStore(name: string, text: string, references: readonly StorePath[]): StorePath {
    return this.#addObject(makeTextPath(name, hashBytes('sha256', text), references, this.constants.storeDir), { bytes: text });
  }

  #addObject(object: StorePath, node: Node): StorePath {
    this.#objects.add(object);
    this.#put(joinPath(this.constants.storeDir, object), node);
    return object;
  }

  registerDerivation(path: StorePath, derivation: Derivation, aterm: string): void {
    this.derivations.set(path, { derivation, aterm });
    this.#addObject(path, { bytes: aterm });
  }

  readDerivation(path: StorePath): Derivation | undefined {
    return this.derivations.get(path)?.derivation;
  }

  fetchTrees(inputs: Parameters<EvalHost['fetchTrees']>[0]): FetchedTree[] {
    const what = inputs.map(({ attrs }) => String(attrs['url'] ?? attrs['path'] ?? attrs['type'])).join("', '");
    throw new FetchError(`cannot fetch '${what}': this evaluation has no network and no disk`);
  }

  lockFlake(flakeRef: string): LockedFlakeInfo {
    throw new FetchError(`cannot get flake '${flakeRef}': this evaluation has no network and no disk`);
  }

  realise(paths: readonly string[]): never {
    throw new EvalError(`cannot build '${paths.join(' ')}': this evaluation has no builder`);
  }

  isValidPath(path: StorePath): boolean {
    return this.#objects.has(path);
  }

  queryReferences(path: StorePath): readonly StorePath[] {
    if (!this.isValidPath(path)) throw new InvalidPathError(`path '${path}' is not valid`);
    return [];
  }

  getEnv(name: string): string {
    return utf8ToByteString(this.#env[name] ?? '');
  }

  log(level: EvalLogLevel, message: string): void {
    this.#log(level, message);
  }
}

/** The tree without what the filter leaves out. */
function copyTree(node: Node, path: string, filter: PathFilter | undefined): Node {
  if (!isFolder(node) || filter === undefined) return node;
  const copy: Folder = new Map();
  for (const [name, child] of node) {
    const below = joinPath(path, name);
    if (filter(below, isFolder(child) ? 'directory' : 'regular')) copy.set(name, copyTree(child, below, filter));
  }
  return copy;
}

function narDigest(node: Node, algorithm: Hash['algorithm']): Uint8Array {
  const find = (path: string): Node => {
    let found = node;
    for (const name of path.split('/').slice(1)) found = (found as Folder).get(name)!;
    return found;
  };
  const tree: FileTree = {
    kind: (path) => (isFolder(find(path)) ? 'directory' : 'regular'),
    readDir: (path) => [...(find(path) as Folder).keys()],
    readFile: (path) => bytesOf((find(path) as File).bytes),
    readLink: () => '',
    executable: () => false,
  };
  const digest = startDigest(algorithm);
  writeNar(tree, (chunk) => digest.update(chunk));
  return digest.digest();
}
