// Substituting: which caches have a path, and fetching it from the first that delivers what it promised. Signatures are checked before
// anything is fetched, contents while they arrive; a cache that is dead or lies is passed over for the next. Order, words and what counts
// as failure follow libstore/build/substitution-goal.cc of C++ Nix 2.34.8, with two differences: a path without a good signature does
// not count as available at all (so a plan does not promise it), and a cache that cannot be asked counts as not having the path.

import { FloeError } from '../base/errors.ts';
import type { Activity, Progress } from '../base/progress.ts';
import { type ContentAddress, makeContentPath, NO_REFERENCES } from '../model/content-address.ts';
import { isContentAddressed, type PathInfo } from '../model/path-info.ts';
import { type DerivationOutputId, printDerivationOutputId, type Realisation } from '../model/realisation.ts';
import type { PublicKey } from '../model/signature.ts';
import { type StoreDir, type StorePath, storePathName } from '../model/store-path.ts';
import type { NarSource, Store } from './store.ts';

/** A store that objects are fetched from. */
export interface SubstitutionSource {
  readonly store: Store;
  /** Smaller is asked first. */
  readonly priority: number;
  /** Its objects need no signature. */
  readonly trusted: boolean;
  /** Whether it may be asked for many paths that nobody is about to fetch. */
  readonly wantMassQuery: boolean;
}

export interface SubstitutionOptions {
  readonly destination: Store;
  /** Contents of paths that may be found in stores of another directory too, where they have other names. */
  readonly addresses?: ReadonlyMap<StorePath, ContentAddress> | undefined;
  /** Opens the sources, when the first question comes. */
  readonly open: () => Promise<readonly SubstitutionSource[]>;
  /** One of these must have signed what is fetched; undefined where no signature is wanted. */
  readonly trustedKeys: ReadonlyMap<string, PublicKey> | undefined;
  /** Counts the good signatures of a path; model/signing.ts's unless said. */
  readonly countGoodSignatures?: SignatureCounter | undefined;
  readonly progress: Progress;
}

/** Number of signatures of the path by these keys. */
export type SignatureCounter = (info: PathInfo, storeDir: StoreDir, keys: ReadonlyMap<string, PublicKey>) => number;

/** Facts about a path that can be fetched. */
export interface Substitutable {
  readonly references: readonly StorePath[];
  /** Bytes to be transferred; 0 where unknown. */
  readonly downloadSize: number;
  readonly narSize: number;
}

/** What a source has: a path's info, and the bytes to be transferred where it says. */
type FoundInfo = PathInfo & {
  readonly fileSize?: number;
  /** Its name there, where that store has another directory. */
  readonly nameThere?: StorePath;
};

/** Errors that were told when they happened to a whole cache. */
const TOLD_CODES = ['FLOE_SUBSTITUTER_DISABLED', 'FLOE_FETCH', 'FLOE_UNREACHABLE'];

/** Asks several sources. See build/substituter.ts for what its methods promise. */
export class Substitution {
  readonly #options: SubstitutionOptions;
  #sources: Promise<readonly SubstitutionSource[]> | undefined;
  /** Warnings so far: a path may be asked for many times. */
  readonly #told = new Set<string>();

  constructor(options: SubstitutionOptions) {
    this.#options = options;
  }

  #open(): Promise<readonly SubstitutionSource[]> {
    return (this.#sources ??= this.#options.open().then((sources) => sources.toSorted((a, b) => a.priority - b.priority)));
  }

  /** Those of the destination's directory; paths of another one are other paths. */
  async #alike(): Promise<readonly SubstitutionSource[]> {
    return (await this.#open()).filter(({ store }) => store.storeDir === this.#options.destination.storeDir);
  }

  async queryMany(paths: readonly StorePath[]): Promise<ReadonlySet<StorePath>> {
    const found = new Set<StorePath>();
    for (const { store, wantMassQuery } of await this.#alike()) {
      const missing = paths.filter((path) => !found.has(path));
      if (!wantMassQuery || missing.length === 0) continue;
      try {
        for (const path of await store.queryValidPaths(missing)) found.add(path);
      } catch (error) {
        if (!(error instanceof FloeError)) throw error;
        if (!TOLD_CODES.includes(error.code)) this.#warnOnce(error.message);
      }
    }
    return found;
  }

  async query(paths: readonly StorePath[]): Promise<ReadonlyMap<StorePath, Substitutable>> {
    const found = new Map<StorePath, Substitutable>();
    let missing = [...new Set(paths)];
    for (const source of missing.length === 0 ? [] : await this.#open()) {
      const infos = await Promise.all(missing.map((path) => this.#ask(source, path)));
      missing = missing.filter((path, index) => {
        const info = infos[index];
        if (info === undefined) return true;
        found.set(path, { references: info.references, downloadSize: info.fileSize ?? 0, narSize: info.narSize });
        return false;
      });
      if (missing.length === 0) break;
    }
    return found;
  }

  /** What a source has to offer that may be taken. */
  async #ask({ store, trusted }: SubstitutionSource, path: StorePath): Promise<FoundInfo | undefined> {
    const { destination } = this.#options;
    let info: FoundInfo | undefined;
    try {
      info = store.storeDir === destination.storeDir ? await store.queryPathInfo(path) : await this.#askElsewhere(store, path);
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      if (!TOLD_CODES.includes(error.code)) this.#warnOnce(error.message);
      return undefined;
    }
    if (info === undefined || trusted || (await this.#isSigned(info))) return info;
    this.#warnOnce(
      `ignoring substitute for '${destination.storeDir}/${path}' from '${store.uri}', as it's not signed by any of the keys in 'trusted-public-keys'`,
    );
    return undefined;
  }

  /** Asks a store of another directory by the content of the path, where that is known. */
  async #askElsewhere(store: Store, path: StorePath): Promise<FoundInfo | undefined> {
    const contentAddress = this.#options.addresses?.get(path);
    if (contentAddress === undefined) return undefined;
    const nameThere = makeContentPath(storePathName(path), contentAddress, NO_REFERENCES, store.storeDir);
    const info = await store.queryPathInfo(nameThere);
    if (info === undefined || info.references.length > 0) return undefined;
    return { ...info, path, contentAddress, deriver: undefined, signatures: [], nameThere };
  }

  #warnOnce(text: string): void {
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.#options.progress.log('warn', text);
  }

  async #isSigned(info: PathInfo): Promise<boolean> {
    const { trustedKeys, destination } = this.#options;
    if (trustedKeys === undefined || isContentAddressed(info, destination.storeDir)) return true;
    if (info.signatures.length === 0) return false;
    const { countGoodSignatures = (await import('../model/signing.ts')).countGoodSignatures } = this.#options;
    return countGoodSignatures(info, destination.storeDir, trustedKeys) > 0;
  }

  /**
   * What an output turned out to be elsewhere. NIX: 2.34.8 takes it from any cache; since a content-addressed path needs no signature,
   * floe wants one here, unless no signatures are wanted at all.
   */
  async queryRealisation(id: DerivationOutputId): Promise<Realisation | undefined> {
    const { trustedKeys, progress } = this.#options;
    for (const { store, trusted } of await this.#alike()) {
      try {
        const realisation = await store.queryRealisation?.(id);
        if (realisation === undefined) continue;
        if (trusted || trustedKeys === undefined) return realisation;
        const { countGoodRealisationSignatures } = await import('../model/signing.ts');
        if (countGoodRealisationSignatures(realisation, trustedKeys) > 0) return realisation;
        this.#warnOnce(
          `ignoring realisation '${printDerivationOutputId(id)}' of '${store.uri}', as it's not signed by any of the keys in 'trusted-public-keys'`,
        );
      } catch (error) {
        if (!(error instanceof FloeError)) throw error;
        progress.log('error', `error: ${error.message}`);
      }
    }
    return undefined;
  }

  async substitute(path: StorePath, options: { readonly repair: boolean; readonly signal: AbortSignal }): Promise<boolean> {
    const { progress } = this.#options;
    let failure: FloeError | undefined;
    for (const source of await this.#open()) {
      const info = await this.#ask(source, path);
      if (info === undefined) continue;
      if (failure !== undefined && failure.code !== 'FLOE_SUBSTITUTER_DISABLED') progress.log('error', `error: ${failure.message}`);
      try {
        await this.#fetch(source, info, options);
        return true;
      } catch (error) {
        options.signal.throwIfAborted();
        if (!(error instanceof FloeError)) throw error;
        // Deleted meanwhile: as if it had never been there.
        if (error.code === 'FLOE_SUBSTITUTE_GONE') progress.log('warn', error.message);
        else failure = error;
      }
    }
    if (failure !== undefined) throw failure;
    return false;
  }

  async #fetch(
    { store }: SubstitutionSource,
    info: FoundInfo,
    { repair, signal }: { repair: boolean; signal: AbortSignal },
  ): Promise<void> {
    const { progress, destination } = this.#options;
    const { path, narHash, narSize, references, deriver, signatures, contentAddress } = info;
    const shown = `${destination.storeDir}/${path}`;
    const substitution = progress.start('substitute', '', { fields: [shown, store.uri] });
    const copy = progress.start('copy-path', `copying path '${shown}' from '${store.uri}'`, {
      fields: [shown, store.uri, destination.uri],
      parent: substitution,
      level: 'info',
    });
    try {
      const nar = counted(store.narFromPath(info.nameThere ?? path, { signal, parent: copy }), narSize, copy, signal);
      // Where and when it was made, and that it was made here, is that store's own knowledge.
      const plain = { path, narHash, narSize, references, deriver, signatures, contentAddress, registrationTime: 0, ultimate: false };
      await destination.addToStore(plain, nar, { repair, checkSignatures: false });
    } finally {
      copy.stop();
      substitution.stop();
    }
  }
}

async function* counted(nar: NarSource, narSize: number, activity: Activity, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of nar) {
    signal.throwIfAborted();
    done += chunk.length;
    activity.result('progress', [done, narSize, 0, 0]);
    yield chunk;
  }
}
