// A whole store in memory: for tests, for the browser, and as the shortest account of what the Store interface promises.

import { compareStrings, concatBytes, copyBytes } from '../base/bytes.ts';
import { FormatError, HashMismatchError, InvalidPathError } from '../base/errors.ts';
import { equalHash, hashBytes, printHash } from '../base/hash.ts';
import { NO_VISITOR, NarReader } from '../model/nar.ts';
import { type PathInfo, requireContentAddress, sortSignatures } from '../model/path-info.ts';
import { DEFAULT_STORE_DIR, isDerivationPath, type StoreDir, type StorePath } from '../model/store-path.ts';
import type { ImportOptions, NarSource, Store } from './store.ts';
import { inChunks, textObject } from './whole-objects.ts';

interface StoredObject {
  readonly info: PathInfo;
  readonly nar: Uint8Array;
}

/** Checks that bytes are one NAR and nothing more. */
function checkNar(nar: Uint8Array): void {
  const reader = new NarReader(NO_VISITOR);
  const used = reader.push(nar);
  reader.end();
  if (used !== nar.length) throw new FormatError('bad archive: bytes after its end');
}

export class MemoryStore implements Store {
  readonly storeDir: StoreDir;
  readonly uri = 'memory';
  readonly #objects = new Map<StorePath, StoredObject>();
  readonly #now: () => number;

  /** `now` gives seconds since 1970. */
  constructor(storeDir: StoreDir = DEFAULT_STORE_DIR, now: () => number = () => Math.floor(Date.now() / 1000)) {
    this.storeDir = storeDir;
    this.#now = now;
  }

  async queryPathInfo(path: StorePath): Promise<PathInfo | undefined> {
    return this.#objects.get(path)?.info;
  }

  async queryValidPaths(paths: Iterable<StorePath>): Promise<Set<StorePath>> {
    return new Set([...paths].filter((path) => this.#objects.has(path)));
  }

  async queryAllValidPaths(): Promise<StorePath[]> {
    return [...this.#objects.keys()];
  }

  async queryPathFromHashPart(hashPart: string): Promise<StorePath | undefined> {
    for (const path of this.#objects.keys()) if (path.startsWith(`${hashPart}-`)) return path;
    return undefined;
  }

  async queryReferrers(path: StorePath): Promise<StorePath[]> {
    return [...this.#objects.values()]
      .filter(({ info }) => info.references.includes(path))
      .map(({ info }) => info.path)
      .sort(compareStrings);
  }

  async queryValidDerivers(path: StorePath): Promise<StorePath[]> {
    const deriver = this.#objects.get(path)?.info.deriver;
    return deriver !== undefined && isDerivationPath(deriver) && this.#objects.has(deriver) ? [deriver] : [];
  }

  narFromPath(path: StorePath): NarSource {
    const object = this.#objects.get(path);
    const { storeDir } = this;
    return {
      async *[Symbol.asyncIterator]() {
        if (object === undefined) throw new InvalidPathError(`path '${storeDir}/${path}' is not valid`, { data: { path } });
        yield object.nar;
      },
    };
  }

  async addTempRoots(): Promise<void> {}

  async addToStore(info: PathInfo, nar: NarSource, options: ImportOptions = {}): Promise<void> {
    if (this.#objects.has(info.path) && options.repair !== true) return;
    requireContentAddress(info, this.storeDir);
    for (const reference of info.references) {
      if (reference === info.path || this.#objects.has(reference)) continue;
      throw new InvalidPathError(`path '${this.storeDir}/${reference}' is not valid`, { data: { path: reference } });
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of nar) chunks.push(copyBytes(chunk));
    const bytes = concatBytes(chunks);
    checkNar(bytes);
    const got = hashBytes('sha256', bytes);
    if (!equalHash(got, info.narHash) || bytes.length !== info.narSize) {
      const [wanted, actual] = [info.narHash, got].map((hash) => printHash(hash, 'nix32', true));
      throw new HashMismatchError(
        `hash or size mismatch importing path '${this.storeDir}/${info.path}';\n  specified: ${wanted} ${info.narSize}\n  got:       ${actual} ${bytes.length}`,
        {
          data: { path: info.path, wanted, got: actual },
        },
      );
    }
    this.#objects.set(info.path, { info: { ...info, registrationTime: info.registrationTime || this.#now() }, nar: bytes });
  }

  async addText(name: string, text: Uint8Array, references: readonly StorePath[]): Promise<StorePath> {
    const { info, nar } = textObject(name, text, references, this.storeDir);
    await this.addToStore(info, inChunks([nar]));
    return info.path;
  }

  async addSignatures(path: StorePath, signatures: readonly string[]): Promise<void> {
    const object = this.#objects.get(path);
    if (object === undefined) throw new InvalidPathError(`path '${this.storeDir}/${path}' is not valid`, { data: { path } });
    this.#objects.set(path, {
      ...object,
      info: { ...object.info, signatures: sortSignatures([...object.info.signatures, ...signatures]) },
    });
  }

  async close(): Promise<void> {}
}
