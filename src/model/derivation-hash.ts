// Hash of a derivation *modulo* its fixed outputs, from which the paths of input-addressed outputs follow: input derivations are
// replaced by their own hash modulo, and a fixed-output derivation hashes as its content alone, so that how it is fetched never shows
// in what depends on it. Nix manual, "Input-addressed derivation outputs"; libstore/derivations.cc, hashDerivationModulo.

import { compareStrings, printHex } from '../base/bytes.ts';
import { FloeError, FormatError } from '../base/errors.ts';
import { type ATermInputs, ATermPrinter, printATerm, printATermInputs } from './aterm.ts';
import { printMethodPrefix } from './content-address.ts';
import type { Derivation, DerivationOutput } from './derivation.ts';
import type { SortedMap } from './sorted-map.ts';
import { makeOutputPath, sha256Hex, type StoreDir, type StorePath } from './store-path.ts';

/** One hash stands for every output: a fixed-output derivation has only "out", and others share theirs. */
export interface HashModulo {
  /** SHA-256 in base 16. */
  readonly hash: string;
  readonly outputs: readonly string[];
  /** Some input's path is known only after it was built, so no output path follows from this hash. */
  readonly deferred: boolean;
}

/** Hash modulo (outputs not masked) of an input derivation. Throws where that derivation cannot be read. */
export type HashModuloLookup = (path: StorePath) => HashModulo;

export type DerivationType = 'input-addressed' | 'deferred' | 'fixed' | 'floating' | 'impure';

/** The kind that all outputs share. FormatError in Nix's words where they do not agree. */
export function derivationType(derivation: Derivation): DerivationType {
  let type: DerivationType | undefined;
  let algorithm: string | undefined;
  for (const [name, output] of derivation.outputs) {
    if (type !== undefined && type !== output.kind)
      throw new FormatError("can't mix derivation output types", { data: { name: derivation.name } });
    if (output.kind === 'fixed') {
      if (type !== undefined) throw new FormatError('only one fixed output is allowed for now', { data: { name: derivation.name } });
      if (name !== 'out') throw new FormatError('single fixed output must be named "out"', { data: { name: derivation.name } });
    }
    if (output.kind === 'floating') {
      if (algorithm !== undefined && algorithm !== output.algorithm) {
        throw new FormatError('all floating outputs must use the same hash algorithm', { data: { name: derivation.name } });
      }
      algorithm = output.algorithm;
    }
    type = output.kind;
  }
  if (type === undefined) throw new FormatError(`derivation '${derivation.name}' must have at least one output`);
  return type;
}

const compareFirst = (a: readonly [string, unknown], b: readonly [string, unknown]): number => compareStrings(a[0], b[0]);

/** Hash in place of an input's path -> the outputs wanted of it, both sorted. */
function hashedInputs(derivation: Derivation, lookup: HashModuloLookup): { inputs: ATermInputs; deferred: boolean } {
  const inputs: (readonly [hash: string, outputs: readonly string[]])[] = [];
  let deferred = false;
  derivation.inputDerivations.forEach((outputs, path) => {
    const modulo = lookup(path);
    if (modulo.deferred) deferred = true;
    for (let i = 0; i < outputs.length; i++) {
      if (!modulo.outputs.includes(outputs[i]!)) {
        throw new FormatError(`no hash for output '${outputs[i]!}' of derivation '${path}', an input of '${derivation.name}'`);
      }
    }
    if (outputs.length > 0) inputs.push([modulo.hash, outputs]);
  });
  inputs.sort(compareFirst);
  // INVARIANT: two inputs may share one hash modulo (they differ only in how some fixed output is fetched); their outputs are merged.
  for (let i = inputs.length - 1; i > 0; i--) {
    const [hash, outputs] = inputs[i]!;
    const [before, more] = inputs[i - 1]!;
    if (hash === before) inputs.splice(i - 1, 2, [hash, [...new Set([...more, ...outputs])].sort(compareStrings)]);
  }
  return { inputs, deferred };
}

/** What is hashed for a fixed-output derivation: its content and path, nothing of how it is made. */
function hashFixed(output: DerivationOutput & { kind: 'fixed' }, storeDir: StoreDir): HashModulo {
  const { method, hash } = output.address;
  const text = `fixed:out:${printMethodPrefix(method)}${hash.algorithm}:${printHex(hash.bytes)}:${storeDir}/${output.path}`;
  return { hash: sha256Hex(text), outputs: ['out'], deferred: false };
}

/**
 * With `maskOutputs` the derivation's own output paths do not count: that hash gives the paths. Without, it is the hash under which
 * other derivations see this one.
 */
export function hashDerivationModulo(
  derivation: Derivation,
  storeDir: StoreDir,
  lookup: HashModuloLookup,
  maskOutputs = false,
): HashModulo {
  const type = derivationType(derivation);
  if (type === 'fixed') return hashFixed(derivation.outputs.get('out') as DerivationOutput & { kind: 'fixed' }, storeDir);
  const { inputs, deferred } = hashedInputs(derivation, lookup);
  return {
    hash: sha256Hex(printATerm(derivation, storeDir, { maskOutputs, inputs })),
    outputs: [...derivation.outputs.keys()],
    deferred: deferred || type === 'floating' || type === 'impure',
  };
}

/** What follows from an input-addressed derivation. */
export interface AddressedDerivation {
  /** With the paths of its outputs, in the outputs and in the environment variables of the same names. */
  readonly derivation: Derivation;
  readonly aterm: string;
  /** The hash under which other derivations see it. */
  readonly modulo: HashModulo;
}

/**
 * Gives a derivation with deferred outputs (named in its environment, with empty values) the paths that follow from it, where they can be
 * known; otherwise it stays as it is. `env` is changed in place. PERF: one pass over the environment for three texts.
 */
export function addressDerivation(
  deferred: Derivation & { readonly env: SortedMap<string, string> },
  storeDir: StoreDir,
  lookup: HashModuloLookup,
): AddressedDerivation {
  const printer = new ATermPrinter(deferred, storeDir);
  const hashed = hashedInputs(deferred, lookup);
  const inputs = printATermInputs(hashed.inputs);
  const names = [...deferred.outputs.keys()];
  const masked = sha256Hex(printer.print(deferred, { maskOutputs: true, inputs }));
  if (hashed.deferred)
    return { derivation: deferred, aterm: printer.print(deferred), modulo: { hash: masked, outputs: names, deferred: true } };
  const outputs = new Map<string, DerivationOutput>();
  for (const name of names) {
    const path = makeOutputPath(name, masked, deferred.name, storeDir);
    outputs.set(name, { kind: 'input-addressed', path });
    deferred.env.replace(name, `${storeDir}/${path}`);
  }
  const derivation = { ...deferred, outputs };
  return {
    derivation,
    aterm: printer.print(derivation),
    modulo: { hash: sha256Hex(printer.print(derivation, { inputs })), outputs: names, deferred: false },
  };
}

/** A lookup over a way to read derivations that remembers what it hashed. `cache` may be shared and filled from outside. */
export function makeHashModuloLookup(
  readDerivation: (path: StorePath) => Derivation,
  storeDir: StoreDir,
  cache: Map<StorePath, HashModulo> = new Map(),
): HashModuloLookup {
  const lookup: HashModuloLookup = (path) => {
    let modulo = cache.get(path);
    if (modulo === undefined) {
      modulo = hashDerivationModulo(readDerivation(path), storeDir, lookup);
      cache.set(path, modulo);
    }
    return modulo;
  };
  return lookup;
}

/** Paths of the outputs of an input-addressed (or deferred) derivation; undefined where they are known only after building. */
export function makeOutputPaths(derivation: Derivation, storeDir: StoreDir, lookup: HashModuloLookup): Map<string, StorePath> | undefined {
  const modulo = hashDerivationModulo(derivation, storeDir, lookup, true);
  if (modulo.deferred) return undefined;
  const paths = new Map<string, StorePath>();
  for (const output of derivation.outputs.keys()) paths.set(output, makeOutputPath(output, modulo.hash, derivation.name, storeDir));
  return paths;
}

function withEnvironment(derivation: Derivation, additions: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const env = new Map(derivation.env);
  let added = false;
  for (const [name, value] of additions) {
    if (!env.has(name)) added = true;
    env.set(name, value);
  }
  return added ? new Map([...env].sort((a, b) => compareStrings(a[0], b[0]))) : env;
}

/**
 * The derivation with its deferred outputs given paths where they can be computed, in the outputs and in the environment variables of
 * the same names. Outputs of other kinds stay, fixed ones get their environment variable.
 */
export function fillInOutputPaths(derivation: Derivation, storeDir: StoreDir, lookup: HashModuloLookup): Derivation {
  const type = derivationType(derivation);
  if (type === 'fixed') {
    const { path } = derivation.outputs.get('out') as DerivationOutput & { kind: 'fixed' };
    return { ...derivation, env: withEnvironment(derivation, new Map([['out', `${storeDir}/${path}`]])) };
  }
  if (type !== 'deferred') return derivation;
  // Each output must be in the environment before hashing: masked, it counts by its name.
  const named = { ...derivation, env: withEnvironment(derivation, new Map([...derivation.outputs.keys()].map((name) => [name, '']))) };
  const paths = makeOutputPaths(named, storeDir, lookup);
  if (paths === undefined) return derivation;
  const outputs = new Map<string, DerivationOutput>();
  const env = new Map<string, string>();
  for (const [name, path] of paths) {
    outputs.set(name, { kind: 'input-addressed', path });
    env.set(name, `${storeDir}/${path}`);
  }
  return { ...named, outputs, env: withEnvironment(named, env) };
}

/** Refuses a derivation whose output paths or their environment variables are not what follows from it (C++ Nix's checkInvariants). */
export function checkOutputPaths(derivation: Derivation, storeDir: StoreDir, lookup: HashModuloLookup): void {
  const paths = derivationType(derivation) === 'input-addressed' ? makeOutputPaths(derivation, storeDir, lookup) : undefined;
  const fail = (message: string): never => {
    throw new FloeError('FLOE_WRONG_OUTPUT_PATH', message, { data: { derivation: derivation.name } });
  };
  for (const [name, output] of derivation.outputs) {
    if (output.kind !== 'input-addressed' && output.kind !== 'fixed') continue;
    const actual = `${storeDir}/${output.path}`;
    if (output.kind === 'input-addressed') {
      if (paths === undefined) fail(`derivation has incorrect output '${actual}', should be deferred`);
      const expected = `${storeDir}/${paths!.get(name)!}`;
      if (actual !== expected) fail(`derivation has incorrect output '${actual}', should be '${expected}'`);
    } else {
      const variable = derivation.env.get(name);
      if (variable === undefined) fail(`derivation has missing environment variable '${name}', should be '${actual}' but is not present`);
      if (variable !== actual)
        fail(`derivation has incorrect environment variable '${name}', should be '${actual}' but is actually '${variable}'`);
    }
  }
}
