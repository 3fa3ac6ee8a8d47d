// A derivation: one build step, as evaluation produces it and builders run it. Nix manual, "Derivations"; the text form is aterm.ts,
// the JSON form derivation-json.ts. All strings are byte strings.

import { hashBytes, type HashAlgorithm } from '../base/hash.ts';
import { type ContentAddress, type ContentAddressMethod, makeTextPath } from './content-address.ts';
import type { DerivationRef } from './derived-path.ts';
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

/** What is wanted of a derivation that is itself an output of another. */
export interface DynamicInput {
  /** Sorted. */
  readonly outputs: readonly string[];
  readonly dynamic?: DynamicInputs | undefined;
}

/** By the output that is the derivation, sorted; never empty. */
export type DynamicInputs = ReadonlyMap<string, DynamicInput>;

export interface Derivation {
  /** Name without ".drv". */
  readonly name: string;
  /** Sorted by output name. */
  readonly outputs: ReadonlyMap<string, DerivationOutput>;
  /** Sorted by path; output names sorted. */
  readonly inputDerivations: ReadonlyMap<StorePath, readonly string[]>;
  /** Of some of the input derivations (whose own lists may then be empty), what is wanted of their outputs' outputs. Sorted by path. */
  readonly dynamicInputs?: ReadonlyMap<StorePath, DynamicInputs> | undefined;
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

/** All outputs that a derivation is built from, by the derivations that make them; those of dynamic ones after their base's. */
export function derivationInputs(derivation: Derivation): [derivation: DerivationRef, outputs: readonly string[]][] {
  const inputs: [DerivationRef, readonly string[]][] = [];
  const add = (ref: DerivationRef, outputs: readonly string[], dynamic: DynamicInputs | undefined) => {
    if (outputs.length > 0) inputs.push([ref, outputs]);
    dynamic?.forEach((inner, output) => add({ derivation: ref, output }, inner.outputs, inner.dynamic));
  };
  derivation.inputDerivations.forEach((outputs, path) => add(path, outputs, derivation.dynamicInputs?.get(path)));
  return inputs;
}

/** Store path of the derivation itself; `aterm` is its text as printATerm gives it. */
export function makeDerivationPath(derivation: Derivation, aterm: string, storeDir: StoreDir): StorePath {
  return makeTextPath(`${derivation.name}.drv`, hashBytes('sha256', aterm), derivationReferences(derivation), storeDir);
}
