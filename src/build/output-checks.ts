// What built outputs must satisfy beside existing: the promised hash, and the limits a derivation sets on sizes and references.
// libstore/build/derivation-check.cc.

import { compareStrings } from '../base/bytes.ts';
import { BuildError } from '../base/errors.ts';
import { equalHash, type Hash, printHash } from '../base/hash.ts';
import type { PathInfo } from '../model/path-info.ts';
import type { StorePath } from '../model/store-path.ts';
import { closureSync } from '../store/closure.ts';
import type { DerivationOptions, OutputChecks, ReferenceSpec } from './derivation-options.ts';

export interface CheckRequest {
  /** The derivation's printed store path. */
  readonly derivation: string;
  readonly storeDir: string;
  readonly options: DerivationOptions;
  /** The hash a fixed output must have. */
  readonly wanted: Hash | undefined;
  /** Output name -> what was built, sorted by name. */
  readonly outputs: ReadonlyMap<string, PathInfo>;
  /** Of a valid path. */
  readonly pathInfo: (path: StorePath) => PathInfo;
}

function rejected(message: string): BuildError {
  return new BuildError('OutputRejected', message);
}

/** BuildError where an output fails a check. */
export function checkOutputs(request: CheckRequest): void {
  for (const [name, info] of request.outputs) {
    if (request.wanted !== undefined) checkFixed(request, request.wanted, info);
    const checks = request.options.outputChecks(name);
    if (checks !== undefined) new OutputCheck(request, name, info).apply(checks);
  }
}

function checkFixed({ derivation, storeDir }: CheckRequest, wanted: Hash, info: PathInfo): void {
  const got = info.contentAddress!.hash;
  if (!equalHash(wanted, got)) {
    const [specified, found] = [printHash(wanted, 'sri'), printHash(got, 'sri')];
    throw new BuildError(
      'HashMismatch',
      `hash mismatch in fixed-output derivation '${derivation}':\n  specified: ${specified}\n     got:    ${found}`,
      { exitCode: 102, data: { wanted: specified, got: found } },
    );
  }
  if (info.references.length > 0) {
    throw new BuildError(
      'HashMismatch',
      `fixed-output derivations must not reference store paths: '${derivation}' references ${info.references.length} distinct paths, e.g. '${storeDir}/${info.references[0]!}'`,
      { exitCode: 102 },
    );
  }
}

/** The checks of one output. */
class OutputCheck {
  readonly #request: CheckRequest;
  readonly #name: string;
  readonly #info: PathInfo;
  #closure: ReadonlyMap<StorePath, PathInfo> | undefined;

  constructor(request: CheckRequest, name: string, info: PathInfo) {
    this.#request = request;
    this.#name = name;
    this.#info = info;
  }

  /** Infos of everything the output reaches; its sister outputs are not valid yet. */
  get closure(): ReadonlyMap<StorePath, PathInfo> {
    if (this.#closure === undefined) {
      const { outputs, pathInfo } = this.#request;
      const built = new Map([...outputs.values()].map((info) => [info.path, info]));
      const infos = new Map<StorePath, PathInfo>();
      closureSync([this.#info.path], (path) => {
        const info = built.get(path) ?? pathInfo(path);
        infos.set(path, info);
        return info.references;
      });
      this.#closure = infos;
    }
    return this.#closure;
  }

  apply(checks: OutputChecks): void {
    const { maxSize, maxClosureSize } = checks;
    const path = `${this.#request.storeDir}/${this.#info.path}`;
    if (maxSize !== undefined && this.#info.narSize > maxSize) {
      throw rejected(`path '${path}' is too large at ${this.#info.narSize} bytes; limit is ${maxSize} bytes`);
    }
    if (maxClosureSize !== undefined) {
      let size = 0;
      for (const { narSize } of this.closure.values()) size += narSize;
      if (size > maxClosureSize)
        throw rejected(`closure of path '${path}' is too large at ${size} bytes; limit is ${maxClosureSize} bytes`);
    }
    const requisites = () => [...this.closure.keys()].filter((member) => !(checks.ignoreSelfReferences && member === this.#info.path));
    if (checks.allowedReferences !== undefined) this.#references(checks.allowedReferences, true, this.#info.references);
    if (checks.allowedRequisites !== undefined) this.#references(checks.allowedRequisites, true, requisites());
    if (checks.disallowedReferences.length > 0) this.#references(checks.disallowedReferences, false, this.#info.references);
    if (checks.disallowedRequisites.length > 0) this.#references(checks.disallowedRequisites, false, requisites());
  }

  #references(specs: readonly ReferenceSpec[], allowed: boolean, used: readonly StorePath[]): void {
    const named = new Set(specs.map((spec) => this.#pathOf(spec)));
    const bad = used.filter((path) => named.has(path) !== allowed).sort(compareStrings);
    if (bad.length === 0) return;
    const { storeDir } = this.#request;
    const list = bad.map((path) => `\n  ${storeDir}/${path}`).join('');
    throw rejected(`output '${storeDir}/${this.#info.path}' is not allowed to refer to the following paths:${list}`);
  }

  #pathOf(spec: ReferenceSpec): StorePath {
    if (spec.kind === 'path') return spec.path;
    const { outputs, derivation } = this.#request;
    const output = outputs.get(spec.output);
    if (output !== undefined) return output.path;
    throw rejected(
      `derivation '${derivation}' output check for '${this.#name}' contains output name '${spec.output}',` +
        ` but this is not a valid output of this derivation. (Valid outputs are [${[...outputs.keys()].join(', ')}].)`,
    );
  }
}
