// A derivation: one build step, as evaluation produces it and builders run it. Nix manual, "Derivations"; the text form is aterm.ts,
// the JSON form derivation-json.ts. All strings are byte strings.

import { hashBytes, type HashAlgorithm } from '../base/hash.ts';
import { type ContentAddress, type ContentAddressMethod, makeTextPath } from './content-address.ts';
import type { StoreDir, StorePath } from './store-path.ts';

export type DerivationOutput =
  /** Path computed from the derivation. */
  | { readonly kind: 'input-addressed'; readonly path: StorePath }
  /** Content known beforehand; the path follows from it. */
  | { readonly kind: 'fixed'; readonly path: StorePath; readonly address: ContentAddress }
  /** Content-addressed, known after the build. */
  | { readonly kind: 'floating'; readonly method: ContentAddressMethod; readonly algorithm: HashAlgorithm }
  /** Depends on a floating output, so its path is not known yet. */
  | { readonly kind: 'deferred' }
  | { readonly kind: 'impure'; readonly method: ContentAddressMethod; readonly algorithm: HashAlgorithm };

export interface Derivation {
  /** Name without ".drv". */
  readonly name: string;
  /** Sorted by output name. */
  readonly outputs: ReadonlyMap<string, DerivationOutput>;
  /** Sorted by path; output names sorted. */
  readonly inputDerivations: ReadonlyMap<StorePath, readonly string[]>;
  /** Sorted. */
  readonly inputSources: readonly StorePath[];
  readonly system: string;
  readonly builder: string;
  readonly args: readonly string[];
  /** Sorted by name. */
  readonly env: ReadonlyMap<string, string>;
}

/** What the .drv file refers to: input sources and input derivations (not outputs), sorted. */
export function derivationReferences(derivation: Derivation): StorePath[] {
  const references: StorePath[] = [];
  const { inputSources } = derivation;
  let next = 0;
  derivation.inputDerivations.forEach((_, path) => {
    while (next < inputSources.length && inputSources[next]! < path) references.push(inputSources[next++]!);
    if (inputSources[next] === path) next++;
    references.push(path);
  });
  while (next < inputSources.length) references.push(inputSources[next++]!);
  return references;
}

/** Store path of the derivation itself; `aterm` is its text as printATerm gives it. */
export function makeDerivationPath(derivation: Derivation, aterm: string, storeDir: StoreDir): StorePath {
  return makeTextPath(`${derivation.name}.drv`, hashBytes('sha256', aterm), derivationReferences(derivation), storeDir);
}
