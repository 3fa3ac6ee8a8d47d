// Store objects and other trees as streams: NARs of any path, and the export format of `nix-store --export` (objects with references
// and deriver, one after the other). libstore/export-import.cc, Nix manual, "Nix Archive (NAR) format".

import { createHash } from 'node:crypto';
import { lstatSync, statSync } from 'node:fs';
import { utf8ToByteString } from '../base/bytes.ts';
import { FloeError, FormatError, IoError } from '../base/errors.ts';
import { equalHash, type Hash, type HashAlgorithm, printHash } from '../base/hash.ts';
import { startDigest } from '../base/sha.ts';
import { type WireReader, WireWriter } from '../base/wire.ts';
import type { ContentAddressMethod } from '../model/content-address.ts';
import { NarReader } from '../model/nar.ts';
import type { PathInfo } from '../model/path-info.ts';
import { parseStorePath, type StorePath } from '../model/store-path.ts';
import { sortTopologically } from '../store/closure.ts';
import { renameCollisions } from '../store/local/case-hack.ts';
import { dumpTree, NarRestorer } from '../store/local/nar-files.ts';
import type { MachineStore } from '../store/local/machine-store.ts';

/** Gives bytes until there are none (undefined). */
export type ByteSource = () => Uint8Array | undefined;
/** Takes bytes; done with them when it returns. */
export type ByteTarget = (chunk: Uint8Array) => void;

/** Fails in Nix's words where nothing lies at a path (an ordinary one). */
export function requirePath(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) throw new IoError(`path '${path}' does not exist`, { data: { path } });
}

/** Writes the NAR of a file or folder (an ordinary path). */
export function writePathNar(path: string, write: ByteTarget, undoCaseHack = false): void {
  requirePath(path);
  dumpTree(utf8ToByteString(path), write, { reuseBlocks: true, undoCaseHack });
}

/** How a file or folder of the machine becomes a store object. */
export interface AddRequest {
  /** An ordinary path, like the name. */
  readonly path: string;
  readonly name: string;
  readonly method: ContentAddressMethod;
  readonly algorithm: HashAlgorithm;
}

/** Copies a file or folder into the store; with `dryRun` its store path is only computed. */
export function addToStore(store: MachineStore, { path, name, method, algorithm }: AddRequest, dryRun = false): StorePath {
  requirePath(path);
  const request = { path: utf8ToByteString(path), name: utf8ToByteString(name), method, algorithm };
  return dryRun ? store.computeTreePathSync(request).path : store.addTreeSync(request);
}

/** Restores at a place of the user's. */
class PathRestorer extends NarRestorer {
  private readonly target: string;

  constructor(target: string) {
    super(utf8ToByteString(target), 'plain');
    this.target = target;
  }

  override beginDirectory(path: string): void {
    if (path === '' && statSync(this.target, { throwIfNoEntry: false })?.isDirectory() === true) {
      throw new FloeError('FLOE_EXISTS', `path '${this.target}' already exists`);
    }
    super.beginDirectory(path);
  }
}

/** Unpacks a NAR at a path where nothing lies yet. NIX: what was unpacked when it fails stays there (2.34.8). */
export function restoreNar(path: string, read: ByteSource, caseHack = false): void {
  const restorer = new PathRestorer(path);
  const reader = new NarReader(caseHack ? renameCollisions(restorer) : restorer);
  try {
    for (let chunk = read(); chunk !== undefined && !reader.done; chunk = read()) reader.push(chunk);
    reader.end();
  } finally {
    restorer.finish();
  }
}

/** Writes the NAR of a valid path; its hash. */
export async function writeStoreNar(store: MachineStore, path: StorePath, write: ByteTarget): Promise<Hash> {
  const state = createHash('sha256');
  for await (const chunk of store.narFromPath(path)) {
    state.update(chunk);
    write(chunk);
  }
  return { algorithm: 'sha256', bytes: new Uint8Array(state.digest()) };
}

const EXPORT_MAGIC = 0x4558494e;

/** Writes valid paths, references first, as `importPaths` reads them. Refuses a path whose files have changed. */
export async function exportPaths(store: MachineStore, paths: Iterable<StorePath>, write: ByteTarget): Promise<void> {
  const wire = new WireWriter(write);
  const infos = new Map([...paths].map((path) => [path, store.requirePathInfoSync(path)]));
  for (const path of sortTopologically(infos.keys(), (one) => infos.get(one)!.references)) {
    const info = infos.get(path)!;
    wire.number(1);
    const hash = await writeStoreNar(store, path, write);
    if (!equalHash(hash, info.narHash) && info.narHash.bytes.some((byte) => byte !== 0)) {
      const [was, is] = [info.narHash, hash].map((one) => printHash(one, 'nix32', true));
      throw new FloeError('FLOE_PATH_CHANGED', `hash of path '${store.printPath(path)}' has changed from '${was}' to '${is}'!`);
    }
    wire.number(EXPORT_MAGIC).string(store.printPath(path));
    wire.strings(info.references.map((reference) => store.printPath(reference)));
    wire.string(info.deriver === undefined ? '' : store.printPath(info.deriver)).number(0);
  }
  wire.number(0);
}

/** Paths are the only strings of the format. */
const MAX_STRING = 65536;
const NOTHING = (): void => {};

/** One NAR, kept in memory: what it is of is said only behind it. */
function readNar(input: WireReader): { chunks: Uint8Array[]; hash: Hash; size: number } {
  const reader = new NarReader({
    beginDirectory: NOTHING,
    endDirectory: NOTHING,
    symlink: NOTHING,
    beginRegular: NOTHING,
    contents: NOTHING,
    endRegular: NOTHING,
  });
  const chunks: Uint8Array[] = [];
  const digest = startDigest('sha256');
  while (!reader.done) {
    const chunk = input.peek();
    const used = chunk.slice(0, reader.push(chunk));
    digest.update(used);
    chunks.push(used);
    input.skip(used.length);
  }
  return { chunks, hash: { algorithm: 'sha256', bytes: digest.digest() }, size: reader.offset };
}

/** Adds what `exportPaths` wrote, each path told as it is there. Signatures are not asked for. */
export async function importPaths(store: MachineStore, input: WireReader, onPath: (path: StorePath) => void): Promise<void> {
  for (;;) {
    const mark = input.number();
    if (mark === 0) return;
    if (mark !== 1) throw new FormatError("input doesn't look like something created by 'nix-store --export'");
    const nar = readNar(input);
    if (input.number() !== EXPORT_MAGIC) throw new FormatError('Nix archive cannot be imported; wrong format');
    const path = parseStorePath(input.string(MAX_STRING), store.storeDir);
    const references = Array.from({ length: input.number() }, () => parseStorePath(input.string(MAX_STRING), store.storeDir)).sort();
    const deriver = input.string(MAX_STRING);
    // An old form of signature.
    if (input.number() === 1) input.string(MAX_STRING);
    const info: PathInfo = {
      path,
      narHash: nar.hash,
      narSize: nar.size,
      references,
      deriver: deriver === '' ? undefined : parseStorePath(deriver, store.storeDir),
      registrationTime: 0,
      ultimate: false,
      signatures: [],
    };
    await store.addToStore(info, chunksOf(nar.chunks), { checkSignatures: false });
    onPath(path);
  }
}

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
}
