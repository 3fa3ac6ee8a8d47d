// A binary cache as a Store: narinfo files say what there is, compressed NARs hold it. Read from anywhere its files can be read; written
// where they can be written. Nothing here trusts a cache: hashes are checked while bytes pass, signatures by whoever imports
// (substitute.ts). Nix manual, "Binary cache"; libstore/binary-cache-store.cc.

import { bytesOf, byteStringOf, compareStrings, concatBytes, copyBytes } from '../../base/bytes.ts';
import { parseJson, printJson } from '../../base/canonical-json.ts';
import { FloeError, FormatError, HashMismatchError, InvalidPathError, StoreError } from '../../base/errors.ts';
import { equalHash, type Hash, hashBytes, printHash } from '../../base/hash.ts';
import { type Progress, SILENT } from '../../base/progress.ts';
import { startDigest } from '../../base/sha.ts';
import { findDebugInfo, makeNarLister, type NarListing, printNarListing } from '../../model/nar-listing.ts';
import { type NarInfo, parseNarInfo, printNarInfo } from '../../model/narinfo.ts';
import { type PathInfo, requireContentAddress, sortSignatures } from '../../model/path-info.ts';
import {
  type DerivationOutputId,
  printDerivationOutputId,
  type Realisation,
  realisationFromJson,
  realisationToJson,
} from '../../model/realisation.ts';
import type { SecretKey } from '../../model/signature.ts';
import { type StoreDir, type StorePath, storePathHash } from '../../model/store-path.ts';
import type { ImportOptions, NarSource, ReadOptions, Store } from '../store.ts';
import { inChunks, textObject } from '../whole-objects.ts';
import { type CacheFiles, isNotFound, readWhole } from './cache-files.ts';
import { compress, COMPRESSION_SUFFIXES, decompress, WRITABLE_COMPRESSIONS, type WritableCompression } from './compression.ts';
import type { CacheMemory } from './narinfo-cache.ts';

export interface BinaryCacheOptions {
  readonly files: CacheFiles;
  readonly storeDir: StoreDir;
  /** What was heard of the cache before; undefined where asking costs nothing. */
  readonly memory?: CacheMemory | undefined;
  readonly progress?: Progress | undefined;
  /** For what is written; unless said xz, which C++ Nix writes, or zstd where this machine cannot write that. */
  readonly compression?: string | undefined;
  readonly compressionLevel?: number | undefined;
  readonly parallelCompression?: boolean | undefined;
  /** Whether this machine can write xz. */
  readonly writesXz?: (() => boolean) | undefined;
  /** Sign what is written. */
  readonly secretKeys?: readonly SecretKey[] | undefined;
  /** Write a listing (`<hash>.ls`) beside each narinfo. */
  readonly writesListings?: boolean | undefined;
  /** Write, for each file of debug information, where it lies (`debuginfo/<build-id>.debug`). */
  readonly indexesDebugInfo?: boolean | undefined;
}

/** What a cache says of itself, in nix-cache-info. */
export interface CacheDescription {
  readonly storeDir: string | undefined;
  readonly wantMassQuery: boolean;
  /** Smaller comes first. */
  readonly priority: number | undefined;
}

export const DESCRIPTION_FILE = 'nix-cache-info';
/** Of caches that do not say. */
export const DEFAULT_CACHE_PRIORITY = 50;
const NARINFO_SUFFIX = '.narinfo';

/** Reads nix-cache-info; unknown lines pass. */
export function parseCacheDescription(text: string): CacheDescription {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon >= 0) values.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const priority = Number.parseInt(values.get('Priority') ?? '', 10);
  return {
    storeDir: values.get('StoreDir'),
    wantMassQuery: values.get('WantMassQuery') === '1',
    priority: Number.isNaN(priority) ? undefined : priority,
  };
}

export class BinaryCacheStore implements Store {
  readonly storeDir: StoreDir;
  readonly uri: string;
  readonly #options: BinaryCacheOptions;
  readonly #files: CacheFiles;
  readonly #progress: Progress;
  readonly #known = new Map<string, Promise<NarInfo | undefined>>();

  constructor(options: BinaryCacheOptions) {
    this.#options = options;
    this.#files = options.files;
    this.#progress = options.progress ?? SILENT;
    this.storeDir = options.storeDir;
    this.uri = options.files.uri;
  }

  /** False where the cache was given up for the time being. */
  get isEnabled(): boolean {
    return this.#files.isEnabled;
  }

  // ---- questions

  async queryPathInfo(path: StorePath): Promise<NarInfo | undefined> {
    const info = await this.#queryHashPart(storePathHash(path), path);
    if (info === undefined || info.path === path) return info;
    this.#progress.log('warn', `asked '${this.uri}' for '${this.#print(path)}' but got '${this.#print(info.path)}'`);
    return undefined;
  }

  #queryHashPart(hashPart: string, path: StorePath | undefined): Promise<NarInfo | undefined> {
    const known = this.#known.get(hashPart);
    if (known !== undefined) return known;
    const question = this.#ask(hashPart, path);
    this.#known.set(hashPart, question);
    // A failure is no answer.
    question.catch(() => this.#known.delete(hashPart));
    return question;
  }

  async #ask(hashPart: string, path: StorePath | undefined): Promise<NarInfo | undefined> {
    const { memory } = this.#options;
    const name = `${hashPart}${NARINFO_SUFFIX}`;
    const remembered = memory?.lookup(hashPart);
    if (remembered === null) return undefined;
    if (remembered !== undefined) {
      const info = this.#tryParse(remembered, name);
      if (info !== undefined && storePathHash(info.path) === hashPart) return info;
    }
    const shown = path === undefined ? `${this.storeDir}/${hashPart}` : this.#print(path);
    const activity = this.#progress.start('query-path-info', `querying info about '${shown}' on '${this.uri}'`, {
      fields: [shown, this.uri],
      level: 'talkative',
    });
    try {
      const contents = await readWhole(this.#files, name, { parent: activity });
      const text = contents === undefined ? undefined : byteStringOf(contents);
      const info = text === undefined ? undefined : parseNarInfo(text, this.storeDir, name);
      if (info !== undefined && storePathHash(info.path) !== hashPart) {
        throw new FormatError(`NAR info file '${name}' of '${this.uri}' is about another path, '${this.#print(info.path)}'`);
      }
      memory?.remember(hashPart, text ?? null);
      return info;
    } finally {
      activity.stop();
    }
  }

  #tryParse(text: string, name: string): NarInfo | undefined {
    try {
      return parseNarInfo(text, this.storeDir, name);
    } catch (error) {
      if (error instanceof FormatError) return undefined;
      throw error;
    }
  }

  #print(path: StorePath): string {
    return `${this.storeDir}/${path}`;
  }

  async queryValidPaths(paths: Iterable<StorePath>): Promise<Set<StorePath>> {
    const list = [...paths];
    const infos = await Promise.all(list.map((path) => this.queryPathInfo(path)));
    return new Set(list.filter((_, index) => infos[index] !== undefined));
  }

  async queryAllValidPaths(): Promise<StorePath[]> {
    return (await this.#all('queryAllValidPaths')).map(({ path }) => path);
  }

  /** What lies in a cache that can be listed; what is broken there is left out. */
  async #all(operation: string): Promise<NarInfo[]> {
    const names = this.#files.list();
    if (names === undefined) {
      throw new StoreError(`operation '${operation}' is not supported by store '${this.uri}'`, { code: 'FLOE_NOT_SUPPORTED' });
    }
    const hashParts = names.filter((name) => name.length === 32 + NARINFO_SUFFIX.length && name.endsWith(NARINFO_SUFFIX));
    const infos = await Promise.all(hashParts.map((name) => this.#queryHashPart(name.slice(0, 32), undefined)));
    return infos.filter((info) => info !== undefined).sort((a, b) => compareStrings(a.path, b.path));
  }

  async queryPathFromHashPart(hashPart: string): Promise<StorePath | undefined> {
    return (await this.#queryHashPart(hashPart, undefined))?.path;
  }

  async queryReferrers(path: StorePath): Promise<StorePath[]> {
    return (await this.#all('queryReferrers')).filter(({ references }) => references.includes(path)).map((info) => info.path);
  }

  async queryValidDerivers(path: StorePath): Promise<StorePath[]> {
    const deriver = (await this.queryPathInfo(path))?.deriver;
    return deriver !== undefined && (await this.queryPathInfo(deriver)) !== undefined ? [deriver] : [];
  }

  // ---- contents

  async *narFromPath(path: StorePath, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const info = await this.queryPathInfo(path);
    if (info === undefined) throw this.#invalid(path);
    try {
      yield* decompress(this.#checked(info, options), info.compression, `${this.uri}/${info.url}`);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#forget(path);
      throw new StoreError(`file '${info.url}' does not exist in binary cache '${this.uri}'`, {
        code: 'FLOE_SUBSTITUTE_GONE',
        data: { path, file: info.url },
        cause: error,
      });
    }
  }

  /** The compressed NAR, compared at its end with what the narinfo says of it. */
  async *#checked(info: NarInfo, options: ReadOptions): AsyncGenerator<Uint8Array> {
    const { fileHash, fileSize, url } = info;
    const digest = fileHash === undefined ? undefined : startDigest(fileHash.algorithm);
    let size = 0;
    for await (const chunk of this.#files.read(url, options)) {
      size += chunk.length;
      digest?.update(chunk);
      yield chunk;
    }
    const shown = `${this.uri}/${url}`;
    const got: Hash | undefined = fileHash && { algorithm: fileHash.algorithm, bytes: digest!.digest() };
    if (fileHash !== undefined && !equalHash(got!, fileHash)) {
      const [wantedText, gotText] = [fileHash, got!].map((hash) => printHash(hash, 'nix32', true));
      throw new HashMismatchError(`hash mismatch in '${shown}';\n  specified: ${wantedText}\n  got:       ${gotText}`, {
        data: { file: shown, wanted: wantedText, got: gotText },
      });
    }
    if (fileSize === 0 || size === fileSize) return;
    throw new HashMismatchError(`size mismatch in '${shown}';\n  specified: ${fileSize}\n  got:       ${size}`, {
      data: { file: shown, wanted: fileSize, got: size },
    });
  }

  #invalid(path: StorePath): InvalidPathError {
    return new InvalidPathError(`path '${this.#print(path)}' is not valid in store '${this.uri}'`, { data: { path, store: this.uri } });
  }

  /** What was believed of a path turned out wrong. */
  #forget(path: StorePath): void {
    this.#known.delete(storePathHash(path));
    this.#options.memory?.forget(storePathHash(path));
  }

  async addTempRoots(): Promise<void> {}

  // ---- writing

  async addToStore(info: PathInfo, nar: NarSource, options: ImportOptions = {}): Promise<void> {
    if (options.repair !== true && (await this.queryPathInfo(info.path)) !== undefined) return;
    requireContentAddress(info, this.storeDir);
    for (const reference of info.references) {
      if (reference === info.path || (await this.queryPathInfo(reference)) !== undefined) continue;
      throw new InvalidPathError(
        `cannot add '${this.#print(info.path)}' to the binary cache because the reference '${this.#print(reference)}' is not valid`,
        { data: { path: info.path, reference } },
      );
    }
    const { compressionLevel, parallelCompression, writesListings, indexesDebugInfo } = this.#options;
    const compression = this.#compression();
    const check = new NarCheck();
    const chunks: Uint8Array[] = [];
    for await (const chunk of compress(check.pass(nar), compression, compressionLevel, parallelCompression)) chunks.push(copyBytes(chunk));
    check.compare(info, this.#print(info.path));
    const contents = concatBytes(chunks);
    const fileHash = hashBytes('sha256', contents);
    const url = `nar/${printHash(fileHash, 'nix32')}.nar${COMPRESSION_SUFFIXES[compression]}`;
    this.#describe();
    if (writesListings === true) this.#files.write(`${storePathHash(info.path)}.ls`, bytesOf(printNarListing(check.listing())));
    if (indexesDebugInfo === true) this.#indexDebugInfo(check.listing(), url);
    if (options.repair === true || !this.#files.has(url)) this.#files.write(url, contents);
    const { path, narHash, narSize, references, deriver, contentAddress, signatures } = info;
    const plain: PathInfo = {
      path,
      narHash,
      narSize,
      references,
      deriver,
      contentAddress,
      signatures,
      registrationTime: 0,
      ultimate: false,
    };
    this.#writeNarInfo({ ...(await this.#sign(plain)), url, compression, fileHash, fileSize: contents.length });
  }

  #indexDebugInfo(listing: NarListing, url: string): void {
    for (const { member, buildId } of findDebugInfo(listing)) {
      const name = `debuginfo/${buildId}`;
      if (!this.#files.has(name)) this.#files.write(name, bytesOf(printJson({ archive: `../${url}`, member })));
    }
  }

  #compression(): WritableCompression {
    const { writesXz, compression = writesXz?.() === true ? 'xz' : 'zstd' } = this.#options;
    const found = WRITABLE_COMPRESSIONS.find((name) => name === compression);
    if (found !== undefined) return found;
    throw new FloeError('FLOE_NOT_SUPPORTED', `floe cannot write NARs compressed with '${compression}' into '${this.uri}'`, {
      hint: `say '?compression=' and one of ${WRITABLE_COMPRESSIONS.join(', ')}`,
    });
  }

  async #sign(info: PathInfo): Promise<PathInfo> {
    const { secretKeys = [] } = this.#options;
    if (secretKeys.length === 0) return info;
    const { signPath } = await import('../../model/signing.ts');
    return secretKeys.reduce((signed, key) => signPath(signed, key, this.storeDir), info);
  }

  #writeNarInfo(info: NarInfo & { readonly fileHash: Hash }): void {
    const hashPart = storePathHash(info.path);
    const text = printNarInfo(info, this.storeDir);
    this.#files.write(`${hashPart}${NARINFO_SUFFIX}`, bytesOf(text));
    this.#known.set(hashPart, Promise.resolve(parseNarInfo(text, this.storeDir, hashPart)));
    this.#options.memory?.remember(hashPart, text);
  }

  /** The cache's description, where it has none yet. */
  #describe(): void {
    if (!this.#files.has(DESCRIPTION_FILE)) this.#files.write(DESCRIPTION_FILE, bytesOf(`StoreDir: ${this.storeDir}\n`));
  }

  async addText(name: string, text: Uint8Array, references: readonly StorePath[]): Promise<StorePath> {
    const { info, nar } = textObject(name, text, references, this.storeDir);
    await this.addToStore(info, inChunks([nar]));
    return info.path;
  }

  async addSignatures(path: StorePath, signatures: readonly string[]): Promise<void> {
    const info = await this.queryPathInfo(path);
    if (info === undefined) throw this.#invalid(path);
    const { fileHash } = info;
    if (fileHash === undefined) {
      throw new FloeError('FLOE_NOT_SUPPORTED', `cannot sign '${this.#print(path)}' in '${this.uri}': its narinfo names no FileHash`);
    }
    this.#writeNarInfo({ ...info, fileHash, signatures: sortSignatures([...info.signatures, ...signatures]) });
  }

  async queryRealisation(id: DerivationOutputId): Promise<Realisation | undefined> {
    const { memory } = this.#options;
    const name = realisationFile(id);
    const key = realisationKey(id);
    const remembered = memory?.lookup(key);
    if (remembered === null) return undefined;
    // The name of the file says what it is about.
    const read = (text: string): Realisation => ({ ...realisationFromJson(parseJson(text, name)), id });
    if (remembered !== undefined) return read(remembered);
    const contents = await readWhole(this.#files, name);
    const text = contents === undefined ? undefined : byteStringOf(contents);
    const realisation = text === undefined ? undefined : read(text);
    memory?.remember(key, text ?? null);
    return realisation;
  }

  async addRealisation(realisation: Realisation): Promise<void> {
    this.#files.write(realisationFile(realisation.id), bytesOf(printJson(realisationToJson(realisation))));
    this.#options.memory?.forget(realisationKey(realisation.id));
  }

  /** The log of a derivation's build; undefined where the cache has none. */
  readLog(derivation: StorePath): Promise<Uint8Array | undefined> {
    return readWhole(this.#files, `log/${derivation}`);
  }

  writeLog(derivation: StorePath, log: Uint8Array): void {
    this.#files.write(`log/${derivation}`, log);
  }

  async close(): Promise<void> {}
}

/** Under which what a cache said of it is kept. */
function realisationKey({ hash, output }: DerivationOutputId): string {
  return `${printHash(hash, 'base16')}!${output}`;
}

function realisationFile(id: DerivationOutputId): string {
  return `realisations/${printDerivationOutputId(id)}.doi`;
}

/** Looks at a NAR that passes by: is it one, how large, which hash, what is in it. */
class NarCheck {
  readonly #lister = makeNarLister();
  readonly #digest = startDigest('sha256');
  #size = 0;

  async *pass(nar: NarSource): AsyncGenerator<Uint8Array> {
    const { reader } = this.#lister;
    for await (const chunk of nar) {
      if (reader.push(chunk) !== chunk.length) throw new FormatError('bad archive: bytes after its end');
      this.#digest.update(chunk);
      this.#size += chunk.length;
      yield chunk;
    }
    reader.end();
  }

  listing(): NarListing {
    return this.#lister.listing();
  }

  compare(info: PathInfo, shown: string): void {
    const got: Hash = { algorithm: 'sha256', bytes: this.#digest.digest() };
    if (equalHash(got, info.narHash) && this.#size === info.narSize) return;
    const [wantedText, gotText] = [info.narHash, got].map((hash) => printHash(hash, 'nix32', true));
    throw new HashMismatchError(
      `hash or size mismatch importing path '${shown}';\n  specified: ${wantedText} ${info.narSize}\n  got:       ${gotText} ${this.#size}`,
      { data: { path: shown, wanted: wantedText, got: gotText } },
    );
  }
}
