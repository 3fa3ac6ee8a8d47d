// Derivations for tests, written straight into a store: what an evaluator would make of `derivation { ... }`. Builders are the machine's
// own programs, which tests show to the sandbox.

import { existsSync } from 'node:fs';
import { bytesOf, compareStrings } from '../../src/base/bytes.ts';
import type { Hash } from '../../src/base/hash.ts';
import { printATerm } from '../../src/model/aterm.ts';
import { type ContentAddressMethod, makeContentPath, NO_REFERENCES } from '../../src/model/content-address.ts';
import { type Derivation, derivationReferences, type DerivationOutput } from '../../src/model/derivation.ts';
import { fillInOutputPaths, makeHashModuloLookup } from '../../src/model/derivation-hash.ts';
import type { DerivedPath } from '../../src/model/derived-path.ts';
import type { StorePath } from '../../src/model/store-path.ts';
import { DEFAULT_BUILD_SETTINGS } from '../../src/build/settings.ts';
import type { LocalStore } from '../../src/store/local/local-store.ts';

/** The system builds run for. */
export const SYSTEM = DEFAULT_BUILD_SETTINGS.system;

/** The machine's programs and libraries, as `sandbox-paths`. */
export const MACHINE_PATHS = ['/bin', '/lib', '/lib64', '/usr']
  .filter((path) => existsSync(path))
  .map((path) => ({ target: path, source: path, optional: true }));

export interface TestDerivation {
  readonly path: StorePath;
  readonly derivation: Derivation;
  /** Printed path of an output. */
  readonly outPath: (output?: string) => string;
  /** The request for all outputs. */
  readonly request: DerivedPath;
}

export interface DerivationSpec {
  readonly name: string;
  /** A shell script, run with `sh -e` and the machine's programs on PATH. */
  readonly script?: string;
  readonly builder?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly outputs?: readonly string[];
  readonly inputs?: readonly TestDerivation[];
  readonly sources?: readonly StorePath[];
  readonly system?: string;
  readonly fixed?: { readonly hash: Hash; readonly method: ContentAddressMethod };
}

/** Writes a derivation into the store. */
export async function addDerivation(store: LocalStore, spec: DerivationSpec): Promise<TestDerivation> {
  const { name, script, fixed } = spec;
  const builder = spec.builder ?? '/bin/sh';
  const system = spec.system ?? SYSTEM;
  const names = [...(spec.outputs ?? ['out'])].sort(compareStrings);
  const outputOf = (): DerivationOutput => {
    if (fixed === undefined) return { kind: 'deferred' };
    const address = { method: fixed.method, hash: fixed.hash };
    return { kind: 'fixed', address, path: makeContentPath(name, address, NO_REFERENCES, store.storeDir) };
  };
  const env = { builder, name, system, PATH: '/usr/bin:/bin', ...Object.fromEntries(names.map((output) => [output, ''])), ...spec.env };
  const plain: Derivation = {
    name,
    outputs: new Map(names.map((output) => [output, outputOf()])),
    inputDerivations: new Map(
      (spec.inputs ?? [])
        .map(({ path, derivation }) => [path, [...derivation.outputs.keys()]] as const)
        .sort((a, b) => compareStrings(a[0], b[0])),
    ),
    inputSources: [...(spec.sources ?? [])].sort(compareStrings),
    system,
    builder,
    args: spec.args ?? (script === undefined ? [] : ['-e', '-c', script]),
    env: new Map(Object.entries(env).sort((a, b) => compareStrings(a[0], b[0]))),
  };
  const derivation = fillInOutputPaths(
    plain,
    store.storeDir,
    makeHashModuloLookup((path) => store.readDerivationSync(path), store.storeDir),
  );
  const aterm = printATerm(derivation, store.storeDir);
  const path = await store.addText(`${name}.drv`, bytesOf(aterm), derivationReferences(derivation));
  return {
    path,
    derivation,
    request: { kind: 'built', derivation: path, outputs: 'all' },
    outPath(output = 'out') {
      const found = derivation.outputs.get(output);
      if (found === undefined || !('path' in found)) throw new Error(`no path for output '${output}'`);
      return store.printPath(found.path);
    },
  };
}
