// An EvalHost over the real file system for tests of the evaluator: reads files, hashes what would go to the store, writes nothing, fetches
// and builds nothing.

import { Buffer } from 'node:buffer';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Dirent, type Stats } from 'node:fs';
import { byteStringToUtf8 } from '../../src/base/bytes.ts';
import { EvalError, HashMismatchError, IoError, type TraceFrame } from '../../src/base/errors.ts';
import { equalHash, hashBytes, printHash, type Hash } from '../../src/base/hash.ts';
import { startDigest } from '../../src/base/sha.ts';
import { useNodeDigests } from '../../src/engine/digests.ts';
import type { AddToStoreRequest, EvalConstants, EvalHost, EvalLogLevel, PathFilter, PathKind } from '../../src/eval/host.ts';
import { canonicalPath } from '../../src/eval/source-path.ts';
import { makeContentPath, makeTextPath, NO_REFERENCES } from '../../src/model/content-address.ts';
import { writeNar, type FileTree } from '../../src/model/nar.ts';
import type { Derivation } from '../../src/model/derivation.ts';
import type { StorePath } from '../../src/model/store-path.ts';

const native = (path: string): Buffer => Buffer.from(path, 'latin1');

function kindOf(entry: Stats | Dirent<Buffer>): PathKind {
  return entry.isFile() ? 'regular' : entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'symlink' : 'unknown';
}

function explain(error: unknown, path: string): Error {
  const { code } = error as { code?: string };
  const shown = byteStringToUtf8(path);
  if (code === 'ENOENT' || code === 'ENOTDIR') return new EvalError(`path '${shown}' does not exist`);
  return new IoError(`cannot read '${shown}': ${String(code)}`, { cause: error });
}

class DiskTree implements FileTree {
  readonly #root: string;
  constructor(root: string) {
    this.#root = root;
  }
  kind(path: string): PathKind {
    return kindOf(lstatSync(native(this.#root + path)));
  }
  readDir(path: string): readonly string[] {
    return readdirSync(native(this.#root + path), { encoding: 'latin1' });
  }
  readFile(path: string): Uint8Array {
    return readFileSync(native(this.#root + path));
  }
  readLink(path: string): string {
    return readlinkSync(native(this.#root + path), 'latin1');
  }
  executable(path: string): boolean {
    return (lstatSync(native(this.#root + path)).mode & 0o100) !== 0;
  }
}

export interface DiskHostOptions {
  readonly constants?: Partial<EvalConstants>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where trace and warnings go; standard error by default. */
  readonly log?: (level: string, message: string, frames: readonly TraceFrame[]) => void;
}

/** The host; `derivations` fills with what was evaluated. */
export class DiskHost implements EvalHost {
  readonly constants: EvalConstants;
  readonly derivations = new Map<StorePath, { readonly derivation: Derivation; readonly aterm: string }>();
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #log: (level: string, message: string, frames: readonly TraceFrame[]) => void;

  constructor(options: DiskHostOptions = {}) {
    useNodeDigests();
    this.constants = {
      currentSystem: 'x86_64-linux',
      currentTime: Math.floor(Date.now() / 1000),
      storeDir: '/nix/store',
      nixPath: [],
      pureEval: false,
      restrictEval: false,
      allowImportFromDerivation: true,
      traceVerbose: false,
      readOnly: true,
      ...options.constants,
    } as EvalConstants;
    this.#env = options.env ?? {};
    this.#log = options.log ?? ((level, message) => process.stderr.write(`${level}: ${message}\n`));
  }

  readFile(path: string): string {
    try {
      return readFileSync(native(path), 'latin1');
    } catch (error) {
      throw explain(error, path);
    }
  }
  readDir(path: string): { readonly name: string; readonly kind: PathKind }[] {
    try {
      return readdirSync(native(path), { withFileTypes: true, encoding: 'buffer' }).map((entry) => ({
        name: entry.name.toString('latin1'),
        kind: kindOf(entry),
      }));
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOTDIR')
        throw new IoError(`cannot read directory "${byteStringToUtf8(path)}": Not a directory`);
      throw explain(error, path);
    }
  }
  pathKind(path: string): PathKind | undefined {
    try {
      const stats = lstatSync(native(path), { throwIfNoEntry: false });
      return stats === undefined ? undefined : kindOf(stats);
    } catch {
      return undefined;
    }
  }
  readLink(path: string): string {
    try {
      return readlinkSync(native(path), 'latin1');
    } catch (error) {
      throw explain(error, path);
    }
  }
  addToStore(request: AddToStoreRequest): StorePath {
    const { path, name, method, algorithm, filter, expected } = request;
    const hash = method === 'nar' ? this.#hashTree(path, algorithm, filter) : hashBytes(algorithm, this.readFile(path));
    if (expected !== undefined && !equalHash(hash, expected)) {
      throw new HashMismatchError(`hash mismatch in path '${path}': wanted ${printHash(expected, 'sri')}, got ${printHash(hash, 'sri')}`);
    }
    return makeContentPath(name, { method, hash }, NO_REFERENCES, this.constants.storeDir);
  }
  #hashTree(path: string, algorithm: Hash['algorithm'], filter: PathFilter | undefined): Hash {
    let root = path;
    for (let i = 0; i < 40 && this.pathKind(root) === 'symlink' && filter !== undefined; i++)
      root = canonicalPath(this.readLink(root), root);
    const sink = startDigest(algorithm);
    try {
      writeNar(
        new DiskTree(root),
        (chunk) => sink.update(chunk),
        filter === undefined ? undefined : (below, kind) => filter(path + below, kind),
      );
    } catch (error) {
      throw (error as { code?: string }).code === undefined || error instanceof EvalError ? error : explain(error, path);
    }
    return { algorithm, bytes: sink.digest() };
  }
  addTextToStore(name: string, text: string, references: readonly StorePath[]): StorePath {
    return makeTextPath(name, hashBytes('sha256', text), references, this.constants.storeDir);
  }
  registerDerivation(path: StorePath, derivation: Derivation, aterm: string): void {
    this.derivations.set(path, { derivation, aterm });
  }
  readDerivation(path: StorePath): Derivation | undefined {
    return this.derivations.get(path)?.derivation;
  }
  fetchTrees(): never {
    throw new EvalError('this host fetches nothing');
  }
  lockFlake(): never {
    throw new EvalError('this host locks no flakes');
  }
  realise(paths: readonly string[]): never {
    throw new EvalError(`this host builds nothing: ${paths.join(' ')}`);
  }
  isValidPath(): boolean {
    return false;
  }
  getEnv(name: string): string {
    return this.#env[name] ?? '';
  }
  log(level: EvalLogLevel, message: string, frames: readonly TraceFrame[] = []): void {
    this.#log(level, message, frames);
  }
}
