// What a builder finds: its environment variables, and the files put into its build folder (attributes passed as files, structured
// attributes, reference graphs). As C++ Nix 2.34.8 makes them; libstore/build/derivation-env-desugar.cc and initEnv in
// libstore/unix/build/derivation-builder.cc.

import { compareStrings } from '../base/bytes.ts';
import { type Json, printJson } from '../base/canonical-json.ts';
import { BuildError } from '../base/errors.ts';
import { digest } from '../base/sha.ts';
import { printBase32 } from '../base/base32.ts';
import { printHash } from '../base/hash.ts';
import { printContentAddress } from '../model/content-address.ts';
import type { Derivation } from '../model/derivation.ts';
import type { PathInfo } from '../model/path-info.ts';
import { hashPlaceholder, isDerivationPath, type StoreDir, type StorePath } from '../model/store-path.ts';
import { closureSync, queryClosure } from '../store/closure.ts';
import type { Store } from '../store/store.ts';
import type { DerivationOptions } from './derivation-options.ts';
import { printShellAttrs } from './structured-attrs.ts';

export interface EnvironmentRequest {
  readonly derivation: Derivation;
  readonly options: DerivationOptions;
  /** The closure of the derivation's inputs. */
  readonly inputs: ReadonlySet<StorePath>;
  /** The build folder as the builder sees it. */
  readonly buildDir: string;
  readonly cores: number;
  /** Whether the content is known beforehand; only then do impure variables come through. */
  readonly fixed: boolean;
  /** Whether the derivation may see the world though its content is not known. */
  readonly impure: boolean;
  /** floe's own environment, and `impure-env`, as byte strings. */
  readonly machineEnv: (name: string) => string | undefined;
  /** Replaced in variables, arguments and files: placeholders by output paths, hashes of valid outputs by scratch ones. */
  readonly rewrites: ReadonlyMap<string, string>;
  readonly store: Store;
  /** A derivation that lies in the store. */
  readonly readDerivation: (path: StorePath) => Promise<Derivation>;
}

export interface BuildEnvironment {
  /** Sorted by name. */
  readonly variables: ReadonlyMap<string, string>;
  /** File name in the build folder -> contents (byte strings). */
  readonly files: ReadonlyMap<string, string>;
}

/** Replaces each key by its value, one key after the other. */
export function rewriteText(text: string, rewrites: ReadonlyMap<string, string>): string {
  let result = text;
  for (const [from, to] of rewrites) if (from !== to && result.includes(from)) result = result.replaceAll(from, () => to);
  return result;
}

/** Variables and files of one build. */
export async function makeEnvironment(request: EnvironmentRequest): Promise<BuildEnvironment> {
  const { derivation, options, buildDir, store } = request;
  const variables = new Map<string, string>([
    ['PATH', '/path-not-set'],
    ['HOME', '/homeless-shelter'],
    ['NIX_STORE', store.storeDir],
    ['NIX_BUILD_CORES', String(request.cores)],
  ]);
  const files = new Map<string, string>();
  const passFile = (variable: string, name: string, contents: string) => {
    variables.set(variable, `${buildDir}/${name}`);
    files.set(name, contents);
  };

  if (options.structuredAttrs === undefined) {
    for (const [name, value] of derivation.env) {
      if (options.passAsFile.has(name)) passFile(`${name}Path`, `.attr-${printBase32(digest('sha256', name))}`, value);
      else variables.set(name, value);
    }
    for (const [name, paths] of options.exportReferencesGraph) {
      files.set(name, printRegistration(await exportedPaths(request, paths), store.storeDir));
    }
  } else {
    const attrs = await completeAttrs(request, options.structuredAttrs);
    passFile('NIX_ATTRS_SH_FILE', '.attrs.sh', printShellAttrs(attrs));
    passFile('NIX_ATTRS_JSON_FILE', '.attrs.json', printJson(attrs));
  }

  for (const name of ['NIX_BUILD_TOP', 'TMPDIR', 'TEMPDIR', 'TMP', 'TEMP', 'PWD']) variables.set(name, buildDir);
  if (request.fixed) variables.set('NIX_OUTPUT_CHECKED', '1');
  if (request.fixed || request.impure) {
    for (const name of options.impureEnvVars) variables.set(name, request.machineEnv(name) ?? '');
  }
  variables.set('NIX_LOG_FD', '2');
  variables.set('TERM', 'xterm-256color');
  const rewrite = (text: string) => rewriteText(text, request.rewrites);
  return {
    variables: new Map([...variables].sort((a, b) => compareStrings(a[0], b[0])).map(([name, value]) => [rewrite(name), rewrite(value)])),
    files: new Map([...files].map(([name, contents]) => [name, rewrite(contents)])),
  };
}

/** What structured attributes are completed with. */
export type AttrsRequest = Pick<EnvironmentRequest, 'derivation' | 'options' | 'inputs' | 'store' | 'readDerivation'>;

/** The structured attributes with output paths (placeholders still) and reference graphs filled in. */
export async function completeAttrs(request: AttrsRequest, structured: ReadonlyMap<string, Json>): Promise<ReadonlyMap<string, Json>> {
  const attrs = new Map(structured);
  attrs.set('outputs', new Map([...request.derivation.outputs.keys()].map((output) => [output, hashPlaceholder(output)])));
  for (const [key, paths] of request.options.exportReferencesGraph) {
    attrs.set(key, describePaths(await exportedPaths(request, paths), request.store.storeDir));
  }
  return attrs;
}

/** Infos of the closure of `paths`, with the outputs of derivations in it and all these refer to; in the order of the paths. */
async function exportedPaths({ store, inputs, readDerivation }: AttrsRequest, paths: readonly StorePath[]): Promise<PathInfo[]> {
  for (const path of paths) {
    if (inputs.has(path)) continue;
    throw new BuildError(
      'InputRejected',
      `cannot export references of path '${store.storeDir}/${path}' because it is not in the input closure of the derivation`,
      { exitCode: 100 },
    );
  }
  let closure = await queryClosure(store, paths);
  const outputs: StorePath[] = [];
  for (const path of closure.keys()) {
    if (!isDerivationPath(path)) continue;
    for (const output of (await readDerivation(path)).outputs.values()) if ('path' in output) outputs.push(output.path);
  }
  if (outputs.length > 0) closure = await queryClosure(store, [...closure.keys(), ...outputs]);
  return [...closure.values()].sort((a, b) => compareStrings(a.path, b.path));
}

/** Each path, an empty deriver, the number of references and these: what `nix-store --register-validity` reads. */
function printRegistration(infos: readonly PathInfo[], storeDir: StoreDir): string {
  const print = (path: StorePath) => `${storeDir}/${path}\n`;
  return infos.map(({ path, references }) => `${print(path)}\n${references.length}\n${references.map(print).join('')}`).join('');
}

/** The JSON description of store objects that structured attributes get; its shape is frozen. */
function describePaths(infos: readonly PathInfo[], storeDir: StoreDir): Json {
  const print = (path: StorePath) => `${storeDir}/${path}`;
  const byPath = new Map(infos.map((info) => [info.path, info]));
  const closureSize = (path: StorePath) => {
    let size = 0;
    for (const member of closureSync([path], (each) => byPath.get(each)!.references)) size += byPath.get(member)!.narSize;
    return size;
  };
  return infos.map((info) => ({
    ca: info.contentAddress === undefined ? undefined : printContentAddress(info.contentAddress),
    closureSize: closureSize(info.path),
    narHash: printHash(info.narHash, 'nix32', true),
    narSize: info.narSize,
    path: print(info.path),
    references: info.references.map(print),
    valid: true,
  }));
}
