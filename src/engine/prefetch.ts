// Single files of the network into the store: `store prefetch-file` and nix-prefetch-url. nix/prefetch.cc.

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byteStringToUtf8, utf8ToByteString } from '../base/bytes.ts';
import { EvalError, FloeError, FormatError, HashMismatchError } from '../base/errors.ts';
import { equalHash, type Hash, type HashAlgorithm, printHash } from '../base/hash.ts';
import { downloadFile, transferShower } from '../build/download-file.ts';
import { forceAttrs, forceList, forceString } from '../eval/coerce.ts';
import { NO_POSITION } from '../eval/position.ts';
import { internSymbol, type SymbolId } from '../eval/symbol.ts';
import { type Slot, stringText } from '../eval/value.ts';
import { unpackArchive } from '../io/unpack-archive.ts';
import { nodeIo } from '../io/node.ts';
import { makeContentPath, NO_REFERENCES } from '../model/content-address.ts';
import { checkStorePathName, type StorePath } from '../model/store-path.ts';
import { findAlongAttrPath } from './derivation-values.ts';
import type { Engine } from './engine.ts';

export interface PrefetchRequest {
  readonly url: string;
  /** Name in the store; the last part of the URL unless said. */
  readonly name?: string | undefined;
  readonly algorithm: HashAlgorithm;
  /** Nothing is downloaded where the store has the object with that hash. */
  readonly expected?: Hash | undefined;
  /** Store what is in the archive; the hash is then that of the tree. */
  readonly unpack: boolean;
  /** Store an executable file; the hash is then that of the tree. */
  readonly executable: boolean;
}

export interface Prefetched {
  readonly storePath: StorePath;
  readonly hash: Hash;
}

/** The name that a URL gives its file. */
function nameOfUrl(url: string): string {
  let path: string;
  try {
    path = decodeURIComponent(new URL(url).pathname);
  } catch {
    path = url;
  }
  const name = path.split('/').findLast((part) => part !== '');
  if (name === undefined) throw new FloeError('FLOE_PREFETCH', `cannot figure out file name for '${url}'`);
  try {
    checkStorePathName(utf8ToByteString(name));
  } catch (error) {
    if (error instanceof FormatError) error.frames.push({ text: `file name '${name}' was extracted from URL '${url}'` });
    throw error;
  }
  return name;
}

/** Downloads a file into the store, unless it is there. */
export async function prefetchFile(engine: Engine, request: PrefetchRequest): Promise<Prefetched> {
  const { url, unpack, executable, expected } = request;
  const { store, storeDir } = engine;
  const method = unpack || executable ? 'nar' : 'flat';
  if (request.name !== undefined) checkStorePathName(utf8ToByteString(request.name));
  const name = utf8ToByteString(request.name ?? nameOfUrl(url));
  if (expected !== undefined) {
    const storePath = makeContentPath(name, { method, hash: expected }, NO_REFERENCES, storeDir);
    if (store.isValidPathSync(storePath)) return { storePath, hash: expected };
  }
  const folder = fs.mkdtempSync(join(tmpdir(), 'floe-prefetch-'));
  try {
    const file = join(folder, 'file');
    await downloadFrom(engine, url, file);
    if (executable) fs.chmodSync(file, 0o700);
    const path = unpack ? await unpackFile(url, file, join(folder, 'unpacked')) : file;
    const tree = { path: utf8ToByteString(path), name, method, algorithm: request.algorithm } as const;
    const { hash } = store.computeTreePathSync(tree).address;
    if (expected !== undefined && !equalHash(hash, expected)) {
      const [specified, got] = [printHash(expected, 'sri'), printHash(hash, 'sri')];
      throw new HashMismatchError(`hash mismatch in file downloaded from '${url}':\n  specified: ${specified}\n  got:       ${got}`, {
        data: { url, specified, got },
      });
    }
    return { storePath: store.addTreeSync(tree), hash };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const [URLS, OUTPUT_HASH_MODE] = ['urls', 'outputHashMode'].map(internSymbol) as [SymbolId, SymbolId];

/** What an attribute of a file says about a source: its first URL, and how it is hashed. For what `fetchurl` gives. */
export function sourceOfAttribute(engine: Engine, file: string, attrPath: string): Pick<PrefetchRequest, 'url' | 'unpack'> {
  const root = engine.sourceValue({ kind: 'file', path: file });
  const { evaluator } = engine.evaluation();
  const { state } = evaluator;
  return evaluator.guard(() => {
    const value = findAlongAttrPath(state, attrPath, engine.autoArgs(), root);
    const source = forceAttrs(state, value, NO_POSITION, 'while evaluating the source attribute to prefetch');
    const urls = source.get(URLS);
    if (urls === undefined) throw new EvalError("attribute 'urls' missing");
    const list = forceList(state, urls, NO_POSITION, 'while evaluating the urls to prefetch');
    if (list.length === 0) throw new EvalError("'urls' list is empty");
    const text = (slot: Slot, what: string) =>
      byteStringToUtf8(stringText(forceString(state, slot, NO_POSITION, `while evaluating ${what}`)));
    const mode = source.get(OUTPUT_HASH_MODE);
    if (mode === undefined) engine.progress.log('info', 'warning: this does not look like a fetchurl call');
    // NIX: its name is not taken over (2.34.8).
    return {
      url: text(list[0]!, 'the first url from the urls list'),
      unpack: mode !== undefined && text(mode, 'the outputHashMode of the source to prefetch') === 'recursive',
    };
  });
}

/** Tries the mirrors of a `mirror:` address one after the other. */
async function downloadFrom(engine: Engine, url: string, file: string): Promise<void> {
  const fetching = await engine.builds.fetching();
  const context = {
    fetching,
    signal: new AbortController().signal,
    warn: (message: string) => engine.progress.log('warn', message),
    startTransfer: transferShower(engine.progress),
  };
  const addresses = await fetching.mirrors(url);
  for (const [index, address] of addresses.entries()) {
    try {
      return await downloadFile(address, utf8ToByteString(file), context);
    } catch (error) {
      if (!(error instanceof FloeError) || index === addresses.length - 1) throw error;
      context.warn(error.message);
    }
  }
}

/** What is in an archive: its only file or folder, else the folder of all. */
async function unpackFile(url: string, file: string, target: string): Promise<string> {
  fs.mkdirSync(target);
  await unpackArchive(fs.createReadStream(file), utf8ToByteString(target), nodeIo(), url);
  const names = fs.readdirSync(target);
  if (names.length === 0) throw new FloeError('FLOE_PREFETCH', `archive '${url}' is empty`);
  return names.length === 1 ? join(target, names[0]!) : target;
}
