// From what a builder left behind to valid store objects: each output is brought into canonical form, its references are found, its
// hash is taken, it is checked and moved to its place, and all are registered in one transaction. libstore/unix/build/
// derivation-builder.cc, registerOutputs.

import { compareStrings } from '../base/bytes.ts';
import { BuildError, StoreError } from '../base/errors.ts';
import { equalHash, type Hash, type HashAlgorithm } from '../base/hash.ts';
import { startDigest } from '../base/sha.ts';
import { type ContentAddress, type ContentAddressMethod, makeContentPath } from '../model/content-address.ts';
import type { Derivation, DerivationOutput } from '../model/derivation.ts';
import { startTreeDigest } from '../model/git-hash.ts';
import { NarWriter } from '../model/nar.ts';
import type { PathInfo } from '../model/path-info.ts';
import { outputPathName, type StorePath, storePathHash, storePathName } from '../model/store-path.ts';
import { canonicalise } from '../store/local/canonicalise.ts';
import { hashTree, inspectTree, type NarFacts } from '../store/local/inspect-tree.ts';
import type { LocalStore } from '../store/local/local-store.ts';
import { deleteTree, dumpTree } from '../store/local/nar-files.ts';
import { HashModulo, ReferenceScanner } from '../store/scan.ts';
import type { DerivationOptions } from './derivation-options.ts';
import { forEachChunk, movePath, statOf } from './host-files.ts';
import { checkOutputs } from './output-checks.ts';
import { rewriteTree } from './rewrite.ts';

/** What a build is for: new outputs, comparing with those that are there, or putting good ones in the place of damaged ones. */
export type BuildMode = 'normal' | 'check' | 'repair';

/** Where one output was written and where it belongs. */
export interface OutputPlace {
  readonly output: DerivationOutput;
  /** Where it belongs, where that is known. */
  readonly path: StorePath | undefined;
  /** The path the builder wrote to; another than the final one where that is not known or could not be hidden from it. */
  readonly scratch: StorePath;
  /** Whether the final path was valid (and undamaged) before. */
  readonly valid: boolean;
}

export interface RegisterRequest {
  readonly store: LocalStore;
  readonly derivation: Derivation;
  readonly derivationPath: StorePath;
  readonly options: DerivationOptions;
  /** By output name, sorted. */
  readonly places: ReadonlyMap<string, OutputPlace>;
  /** The closure of the inputs. */
  readonly inputs: Iterable<StorePath>;
  /** Where on this machine the builder's store path lies. */
  readonly hostPath: (path: StorePath) => string;
  readonly mode: BuildMode;
  /** In check mode: keep an output that differs beside the valid one. */
  readonly keepsDifferent: boolean;
  /** Told of the valid output and the kept one. */
  readonly onDifferent: (valid: string, other: string) => Promise<void>;
  /** Adds signatures by this machine's keys. */
  readonly sign: (info: PathInfo) => PathInfo;
}

/** An output that has to be looked at. */
interface Candidate {
  readonly name: string;
  readonly place: OutputPlace;
  readonly path: string;
  readonly found: NarFacts & { readonly references: readonly StorePath[] };
  /** Whether references do not count for this output. */
  readonly discards: boolean;
  /** Of an output that is one file: the digest of its contents, where its address asks for it. */
  readonly flatHash: Hash | undefined;
}

function rejected(message: string, cause?: unknown): BuildError {
  return new BuildError('OutputRejected', message, { cause });
}

/** Takes in the outputs of a successful builder. BuildError where one is missing or may not be. */
export async function registerOutputs(request: RegisterRequest): Promise<ReadonlyMap<string, PathInfo>> {
  const candidates = [...request.places].flatMap(([name, place]) => {
    // A valid output stays; what the builder made of it is dropped.
    const wanted = request.mode === 'check' || !place.valid;
    return wanted ? [inspect(request, name, place)] : [];
  });
  const registration = new Registration(request);
  for (const candidate of inOrder(request, candidates)) await registration.take(candidate);
  registration.check();
  return registration.finish();
}

/** How an output is addressed by its content; undefined for one whose path follows from its derivation. */
function contentOf(output: DerivationOutput): { readonly method: ContentAddressMethod; readonly algorithm: HashAlgorithm } | undefined {
  switch (output.kind) {
    case 'fixed':
      return { method: output.address.method, algorithm: output.address.hash.algorithm };
    case 'floating':
    case 'impure':
      return output;
    default:
      return undefined;
  }
}

function inspect(request: RegisterRequest, name: string, place: OutputPlace): Candidate {
  const { store, options, derivationPath } = request;
  const path = request.hostPath(place.scratch);
  const stats = statOf(path);
  if (stats === undefined) {
    throw rejected(`builder for '${store.printPath(derivationPath)}' failed to produce output path for output '${name}' at "${path}"`);
  }
  if (!stats.isSymbolicLink() && (stats.mode & 0o022) !== 0) {
    throw rejected(`suspicious ownership or permission on "${path}" for output '${name}'; rejecting this build output`);
  }
  const content = contentOf(place.output);
  const flat = content !== undefined && (content.method === 'flat' || content.method === 'text');
  if (flat && (!stats.isFile() || (stats.mode & 0o100) !== 0)) {
    throw rejected(
      `output path "${path}" should be a non-executable regular file since recursive hashing is not enabled (one of outputHashMode={flat,text} is true)`,
    );
  }
  try {
    canonicalise(path);
  } catch (error) {
    if (error instanceof StoreError) throw rejected(error.message, error);
    throw error;
  }
  const sisters = [...request.places.values()].map(({ scratch }) => scratch);
  const discards = options.unsafeDiscardReferences.has(name);
  const referenceable = discards ? sisters : [...request.inputs, ...sisters];
  if (!flat) return { name, place, path, discards, found: inspectTree(path, referenceable), flatHash: undefined };
  const { found, flatHash } = inspectFile(path, stats.size, content.algorithm, referenceable);
  return { name, place, path, discards, found, flatHash };
}

/** PERF: a downloaded file is read once for its own hash, its NAR's, and its references. */
function inspectFile(
  path: string,
  size: number,
  algorithm: HashAlgorithm,
  candidates: Iterable<StorePath>,
): Pick<Candidate, 'found' | 'flatHash'> {
  const narState = startDigest('sha256');
  const flatState = startDigest(algorithm);
  const scanner = new ReferenceScanner(candidates);
  const writer = new NarWriter((chunk) => narState.update(chunk), { reuseBlocks: true });
  writer.beginRegular(false, size);
  forEachChunk(path, (chunk) => {
    flatState.update(chunk);
    scanner.push(chunk);
    writer.contents(chunk);
  });
  writer.endRegular();
  writer.finish();
  const narHash: Hash = { algorithm: 'sha256', bytes: narState.digest() };
  return {
    found: { narHash, narSize: writer.size, references: [...scanner.found].sort(compareStrings) },
    flatHash: { algorithm, bytes: flatState.digest() },
  };
}

/** Outputs that others refer to come first. */
function inOrder({ store, derivationPath }: RegisterRequest, candidates: readonly Candidate[]): Candidate[] {
  const byScratch = new Map(candidates.map((candidate) => [candidate.place.scratch, candidate]));
  const sorted: Candidate[] = [];
  const open = new Set<Candidate>();
  const visit = (candidate: Candidate, parent: Candidate | undefined) => {
    if (sorted.includes(candidate)) return;
    if (open.has(candidate)) {
      throw rejected(
        `cycle detected in build of '${store.printPath(derivationPath)}' in the references of output '${candidate.name}' from output '${parent!.name}'`,
      );
    }
    open.add(candidate);
    for (const reference of candidate.found.references) {
      const other = byScratch.get(reference);
      if (other !== undefined && other !== candidate) visit(other, candidate);
    }
    sorted.push(candidate);
  };
  for (const candidate of candidates) visit(candidate, undefined);
  return sorted;
}

/** The outputs of one build on their way into the database. */
class Registration {
  readonly #request: RegisterRequest;
  readonly #infos = new Map<string, PathInfo>();
  /** Hash parts that builders wrote -> those that belong there. */
  readonly #rewrites = new Map<string, string>();

  constructor(request: RegisterRequest) {
    this.#request = request;
    for (const { path, scratch, valid } of request.places.values())
      if (valid && path !== undefined && request.mode !== 'check') this.#note(scratch, path);
  }

  #note(scratch: StorePath, final: StorePath): void {
    if (scratch !== final) this.#rewrites.set(storePathHash(scratch), storePathHash(final));
  }

  async take(candidate: Candidate): Promise<void> {
    const content = contentOf(candidate.place.output);
    const info = content === undefined ? this.#takeOrdinary(candidate) : this.#takeContent(candidate, content);
    await this.#place(candidate, info);
  }

  /** Replaces what was written by what belongs there; gives the facts of the tree as it is then. */
  #rewrite({ path, found }: Candidate, rewrites: ReadonlyMap<string, string>): NarFacts {
    const needed = found.references.some((reference) => rewrites.has(storePathHash(reference)));
    if (!needed) return found;
    rewriteTree(path, rewrites);
    canonicalise(path);
    return hashTree(path);
  }

  /** References under their final names, without the output itself. */
  #finalReferences({ found, place, discards }: Candidate): { others: StorePath[]; self: boolean } {
    if (discards) return { others: [], self: false };
    const others = found.references
      .filter((reference) => reference !== place.scratch)
      .map((reference) => {
        const hash = this.#rewrites.get(storePathHash(reference));
        return hash === undefined ? reference : (`${hash}-${storePathName(reference)}` as StorePath);
      });
    return { others: others.sort(compareStrings), self: found.references.includes(place.scratch) };
  }

  #takeOrdinary(candidate: Candidate): PathInfo {
    const path = candidate.place.path!;
    this.#note(candidate.place.scratch, path);
    const facts = this.#rewrite(candidate, this.#rewrites);
    const { others, self } = this.#finalReferences(candidate);
    return this.#info(path, facts, self ? [...others, path].sort(compareStrings) : others);
  }

  #takeContent(candidate: Candidate, wanted: { readonly method: ContentAddressMethod; readonly algorithm: HashAlgorithm }): PathInfo {
    const { store, derivation } = this.#request;
    let facts = this.#rewrite(candidate, this.#rewrites);
    const references = this.#finalReferences(candidate);
    // Also where references do not count: an output never speaks of the place where it was built.
    const mentionsItself = candidate.found.references.includes(candidate.place.scratch);
    const address: ContentAddress = { method: wanted.method, hash: hashContent(candidate, facts, wanted, mentionsItself) };
    const path = makeContentPath(outputPathName(derivation.name, candidate.name), address, references, store.storeDir);
    const own = new Map([[storePathHash(candidate.place.scratch), storePathHash(path)]]);
    if (candidate.place.scratch !== path && mentionsItself) facts = this.#rewrite(candidate, own);
    this.#note(candidate.place.scratch, path);
    const all = references.self ? [...references.others, path].sort(compareStrings) : references.others;
    return { ...this.#info(path, facts, all), contentAddress: address };
  }

  #info(path: StorePath, { narHash, narSize }: NarFacts, references: readonly StorePath[]): PathInfo {
    const { derivationPath } = this.#request;
    return { path, narHash, narSize, references, deriver: derivationPath, registrationTime: 0, ultimate: true, signatures: [] };
  }

  /** Moves an output to its place, or compares it with what is there. */
  async #place(candidate: Candidate, info: PathInfo): Promise<void> {
    const { store, mode } = this.#request;
    if (mode === 'check') {
      await this.#compare(candidate, info);
      this.#infos.set(candidate.name, info);
      return;
    }
    const signed = this.#request.sign(info);
    const expected = candidate.place.path;
    // A floating output, or a fixed one with another hash than promised: nobody has locked its path.
    const locks = info.path === expected ? undefined : await store.lockPaths([info.path], { wait: true });
    try {
      const target = store.toRealPath(info.path);
      if (target !== candidate.path) {
        if (mode === 'repair') replacePath(target, candidate.path);
        else if (store.isValidPathSync(info.path)) deleteTree(candidate.path);
        else {
          deleteTree(target);
          movePath(candidate.path, target);
        }
      }
      store.optimiseNew([info.path], mode === 'repair');
      // What has a content address is worth keeping even where it is not what was promised: with the hash put right it is there.
      if (info.contentAddress !== undefined) {
        await store.addTempRoots([info.path]);
        store.registerValidPaths([signed]);
      }
    } finally {
      locks?.release();
    }
    this.#infos.set(candidate.name, signed);
  }

  async #compare({ path }: Candidate, info: PathInfo): Promise<void> {
    const { store, derivationPath, keepsDifferent, onDifferent } = this.#request;
    const old = store.queryPathInfoSync(info.path);
    if (old === undefined) return;
    if (!equalHash(old.narHash, info.narHash)) {
      const place = store.toRealPath(info.path);
      let differs = `output "${place}" differs`;
      if (keepsDifferent) {
        deleteTree(`${place}.check`);
        movePath(path, `${place}.check`);
        differs += ` from "${place}.check"`;
        await onDifferent(store.printPath(info.path), `${place}.check`);
      }
      throw new BuildError('NotDeterministic', `derivation '${store.printPath(derivationPath)}' may not be deterministic: ${differs}`, {
        exitCode: 104,
      });
    }
    // Seen to be what the derivation gives, it is as good as built here.
    if (!old.ultimate) store.registerValidPaths([this.#request.sign({ ...old, ultimate: true })]);
  }

  check(): void {
    const { store, derivation, derivationPath, options } = this.#request;
    const fixed = derivation.outputs.get('out');
    checkOutputs({
      derivation: store.printPath(derivationPath),
      storeDir: store.storeDir,
      options,
      wanted: fixed?.kind === 'fixed' ? fixed.address.hash : undefined,
      outputs: new Map([...this.#infos].sort((a, b) => compareStrings(a[0], b[0]))),
      pathInfo: (path) => store.requirePathInfoSync(path),
    });
  }

  finish(): ReadonlyMap<string, PathInfo> {
    const left = [...this.#infos.values()].filter((info) => info.contentAddress === undefined);
    if (this.#request.mode !== 'check' && left.length > 0) this.#request.store.registerValidPaths(left);
    return this.#infos;
  }
}

/** The hash by which an output is addressed; its own path, where it occurs, counts as zeroes. */
function hashContent(
  { flatHash, path, place }: Candidate,
  facts: NarFacts,
  wanted: { readonly method: ContentAddressMethod; readonly algorithm: HashAlgorithm },
  self: boolean,
): Hash {
  const { algorithm } = wanted;
  if (wanted.method === 'git') {
    const state = startTreeDigest(wanted.method, algorithm);
    dumpTree(path, (chunk) => state.update(chunk), { reuseBlocks: true });
    return { algorithm, bytes: state.digest() };
  }
  if (!self && flatHash !== undefined) return flatHash;
  if (!self && algorithm === 'sha256') return facts.narHash;
  const state = new HashModulo(algorithm, storePathHash(place.scratch));
  if (wanted.method === 'nar') dumpTree(path, (chunk) => state.push(chunk), { reuseBlocks: true });
  else forEachChunk(path, (chunk) => state.push(chunk));
  return state.finish();
}

/** Puts a new tree in the place of one that may be in use; the old one is back if that fails half-way. */
function replacePath(target: string, replacement: string): void {
  const old = `${target}.old-${process.pid}`;
  deleteTree(old);
  const present = statOf(target) !== undefined;
  if (present) movePath(target, old);
  try {
    movePath(replacement, target);
  } catch (error) {
    if (present) movePath(old, target);
    throw error;
  }
  deleteTree(old);
}
