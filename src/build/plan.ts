// What realising would do, without doing it: which paths are valid, which derivations would be built, which paths would be fetched, and
// which nobody knows how to make. libstore/misc.cc, queryMissing; the words of `--dry-run` are libmain/shared.cc's printMissing.

import { printSize } from '../base/byte-size.ts';
import { compareStrings } from '../base/bytes.ts';
import type { Derivation } from '../model/derivation.ts';
import { derivationInputs, derivationReferences } from '../model/derivation.ts';
import { type DerivedPath, type OutputRef, outputsSpecContains, type OutputsSpec, unionOutputsSpec } from '../model/derived-path.ts';
import { type StoreDir, type StorePath, storePathName } from '../model/store-path.ts';
import { sortTopologically } from '../store/closure.ts';
import type { SubstitutableInfo } from './substituter.ts';

/** Where a plan gets its facts; every question is asked for many paths at once. */
export interface PlanSource {
  /** Undefined where the derivation is not there. */
  readDerivation(path: StorePath): Derivation | undefined;
  validPaths(paths: readonly StorePath[]): Promise<ReadonlySet<StorePath>>;
  /** Undefined where nothing is substituted. */
  readonly substitutable: ((paths: readonly StorePath[]) => Promise<ReadonlyMap<StorePath, SubstitutableInfo>>) | undefined;
  /** Where an output is or will be; undefined where that is known only after the build. */
  outputPath(derivation: Derivation, name: string): StorePath | undefined;
  /** Where substituters have such an output. */
  realisedElsewhere(derivation: Derivation, name: string): Promise<StorePath | undefined>;
  /** Whether a derivation lets its outputs be substituted. */
  mayBeSubstituted(derivation: Derivation, path: StorePath): boolean;
}

export interface Plan {
  readonly willBuild: ReadonlyMap<StorePath, Derivation>;
  readonly willSubstitute: ReadonlyMap<StorePath, SubstitutableInfo>;
  /** Paths that are neither there nor can be made. */
  readonly unknown: ReadonlySet<StorePath>;
  /** Derivations that are known only when others are built; what they want nobody can plan. */
  readonly dynamic: ReadonlySet<OutputRef>;
  readonly downloadSize: number;
  readonly narSize: number;
}

class Planner {
  readonly #source: PlanSource;
  readonly willBuild = new Map<StorePath, Derivation>();
  readonly willSubstitute = new Map<StorePath, SubstitutableInfo>();
  readonly unknown = new Set<StorePath>();
  readonly dynamic = new Set<OutputRef>();
  /** What was asked of each derivation so far. */
  readonly #asked = new Map<StorePath, OutputsSpec>();
  readonly #seenPaths = new Set<StorePath>();

  constructor(source: PlanSource) {
    this.#source = source;
  }

  /** Works in waves, so that each level of the graph costs one question of each kind. */
  async add(requests: readonly DerivedPath[]): Promise<void> {
    for (let wave = [...requests]; wave.length > 0;) wave = await this.#step(wave);
  }

  async #step(wave: readonly DerivedPath[]): Promise<DerivedPath[]> {
    const derivations = new Map<StorePath, { derivation: Derivation; outputs: OutputsSpec }>();
    const paths: StorePath[] = [];
    for (const request of wave) {
      if (request.kind === 'opaque') {
        if (!this.#seenPaths.has(request.path)) paths.push(request.path);
        this.#seenPaths.add(request.path);
        continue;
      }
      const path = request.derivation;
      if (typeof path !== 'string') {
        this.dynamic.add(path);
        continue;
      }
      const before = this.#asked.get(path);
      const outputs = before === undefined ? request.outputs : unionOutputsSpec(before, request.outputs);
      if (before !== undefined && sameOutputs(before, outputs)) continue;
      this.#asked.set(path, outputs);
      const derivation = this.#source.readDerivation(path);
      if (derivation === undefined) this.unknown.add(path);
      else if (!this.willBuild.has(path)) derivations.set(path, { derivation, outputs });
    }
    const wanted = await Promise.all(
      [...derivations].map(async ([path, { derivation, outputs }]) => {
        const known = await this.#wantedPaths(path, derivation, outputs);
        return { path, derivation, outputs: known.flatMap((output) => output ?? []), isUnknown: known.includes(undefined) };
      }),
    );
    const valid = await this.#source.validPaths([...paths, ...wanted.flatMap(({ outputs }) => outputs)]);
    const isMissing = (path: StorePath) => !valid.has(path);
    const missing = wanted
      .map((item) => ({ ...item, outputs: item.outputs.filter(isMissing) }))
      .filter(({ outputs, isUnknown }) => isUnknown || outputs.length > 0);
    const fetchable = await this.#fetchable([
      ...paths.filter(isMissing),
      ...missing.flatMap(({ path, derivation, outputs }) => (this.#source.mayBeSubstituted(derivation, path) ? outputs : [])),
    ]);
    const next: DerivedPath[] = [];
    for (const path of paths.filter(isMissing)) next.push(...this.#takePath(path, fetchable));
    for (const { path, derivation, outputs, isUnknown } of missing) {
      if (!isUnknown && this.#source.mayBeSubstituted(derivation, path) && outputs.every((output) => fetchable.has(output))) {
        for (const output of outputs) next.push(...this.#takePath(output, fetchable));
        continue;
      }
      this.willBuild.set(path, derivation);
      for (const [input, names] of derivationInputs(derivation)) next.push({ kind: 'built', derivation: input, outputs: names });
    }
    return next;
  }

  /** Where the wanted outputs are; something undefined among them where that is not known. NIX: it must be known of the others too. */
  async #wantedPaths(path: StorePath, derivation: Derivation, wanted: OutputsSpec): Promise<(StorePath | undefined)[]> {
    const all = [...derivation.outputs.keys()];
    const names = all.filter((name) => outputsSpecContains(wanted, name));
    const known = new Map(all.map((name) => [name, this.#source.outputPath(derivation, name)]));
    if (![...known.values()].includes(undefined)) return names.map((name) => known.get(name));
    if (!this.#source.mayBeSubstituted(derivation, path)) return [undefined];
    return Promise.all(names.map((name) => this.#source.realisedElsewhere(derivation, name)));
  }

  async #fetchable(paths: readonly StorePath[]): Promise<ReadonlyMap<StorePath, SubstitutableInfo>> {
    if (paths.length === 0 || this.#source.substitutable === undefined) return new Map();
    return this.#source.substitutable([...new Set(paths)]);
  }

  /** A path that is missing: fetched with all it refers to, or unknown. */
  #takePath(path: StorePath, fetchable: ReadonlyMap<StorePath, SubstitutableInfo>): DerivedPath[] {
    this.#seenPaths.add(path);
    const info = fetchable.get(path);
    if (info === undefined) {
      this.unknown.add(path);
      return [];
    }
    this.willSubstitute.set(path, info);
    return info.references.filter((reference) => !this.#seenPaths.has(reference)).map((reference) => ({ kind: 'opaque', path: reference }));
  }
}

function sameOutputs(a: OutputsSpec, b: OutputsSpec): boolean {
  return a === 'all' || b === 'all' ? a === b : a.length === b.length && a.every((name) => b.includes(name));
}

/** Paths of the wanted outputs. */
export function wantedPaths(derivation: Derivation, outputs: OutputsSpec): StorePath[] {
  return [...derivation.outputs].flatMap(([name, output]) => ('path' in output && outputsSpecContains(outputs, name) ? [output.path] : []));
}

/** Plans what realising the requests takes. */
export async function makePlan(requests: readonly DerivedPath[], source: PlanSource): Promise<Plan> {
  const planner = new Planner(source);
  await planner.add(requests);
  const { willBuild, willSubstitute, unknown, dynamic } = planner;
  let downloadSize = 0;
  let narSize = 0;
  for (const info of willSubstitute.values()) {
    downloadSize += info.downloadSize;
    narSize += info.narSize;
  }
  return { willBuild, willSubstitute, unknown, dynamic, downloadSize, narSize };
}

/** The plan in Nix's words, line by line; empty where there is nothing to do. */
export function printPlan(plan: Plan, storeDir: StoreDir): string[] {
  const lines: string[] = [];
  const { willBuild, willSubstitute, unknown } = plan;
  if (willBuild.size > 0) {
    lines.push(willBuild.size === 1 ? 'this derivation will be built:' : `these ${willBuild.size} derivations will be built:`);
    const sorted = sortTopologically(willBuild.keys(), (path) => derivationReferences(willBuild.get(path)!));
    for (const path of sorted) lines.push(`  ${storeDir}/${path}`);
  }
  if (willSubstitute.size > 0) {
    const sizes = `(${printSize(plan.downloadSize)} download, ${printSize(plan.narSize)} unpacked)`;
    lines.push(
      willSubstitute.size === 1 ? `this path will be fetched ${sizes}:` : `these ${willSubstitute.size} paths will be fetched ${sizes}:`,
    );
    const byName = (a: StorePath, b: StorePath) => compareStrings(storePathName(a), storePathName(b)) || compareStrings(a, b);
    for (const path of [...willSubstitute.keys()].sort(byName)) lines.push(`  ${storeDir}/${path}`);
  }
  if (unknown.size > 0) {
    lines.push("don't know how to build these paths:");
    for (const path of [...unknown].sort(compareStrings)) lines.push(`  ${storeDir}/${path}`);
  }
  return lines;
}
