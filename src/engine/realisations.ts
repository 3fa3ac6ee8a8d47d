// What outputs of content-addressed derivations are: what `realisation info` tells (nix/realisation.cc), and what a store elsewhere knows
// of a derivation that was resolved before it was built (libstore/build/derivation-goal.cc).

import { compareStrings } from '../base/bytes.ts';
import { type Derivation, derivationInputs } from '../model/derivation.ts';
import { type DerivationRef, printDerivedPath } from '../model/derived-path.ts';
import { printDerivationOutputId, type Realisation } from '../model/realisation.ts';
import { mustResolve, resolveDerivation } from '../model/resolve-derivation.ts';
import type { StorePath } from '../model/store-path.ts';
import { queryClosure } from '../store/closure.ts';
import type { Store } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { requireFeature } from './features.ts';
import type { Target } from './installables.ts';
import { derivationsOf, type StorePathsRequest } from './store-paths.ts';

/** What outputs are, and paths of which no realisation tells. */
export interface RealisedPaths {
  /** In the order of their paths. */
  readonly realisations: readonly Realisation[];
  readonly paths: readonly StorePath[];
}

/**
 * Realisations of all outputs that the targets are, built where they must be; and the targets that are plain paths. With `recursive` also
 * all paths that these need, with `derivation` the derivations alone.
 */
export async function realisationsOf(engine: Engine, targets: readonly Target[], request: StorePathsRequest): Promise<RealisedPaths> {
  requireFeature(engine.settings, 'ca-derivations');
  const withClosure = async (paths: readonly StorePath[]) =>
    request.recursive ? [...(await queryClosure(engine.store, paths)).keys()] : paths;
  if (request.derivation) return { realisations: [], paths: inOrder(await withClosure(await derivationsOf(engine, targets))) };
  const derived = targets.flatMap((target) => target.derivedPaths());
  await engine.builds.build(derived);
  const realisations = new Map<string, Realisation>();
  for (const { id, path } of engine.builds.splitOutputs(derived, true).realised) {
    const found = engine.store.realisations!.query(id) ?? (path === undefined ? undefined : { id, path, signatures: [] });
    if (found !== undefined) realisations.set(printDerivationOutputId(id), found);
  }
  const sorted = [...realisations]
    .sort((a, b) => compareStrings(a[1].path, b[1].path) || compareStrings(a[0], b[0]))
    .map(([, realisation]) => realisation);
  const roots = request.recursive
    ? derived.flatMap((path) => [...engine.builds.outputPaths(path).values()])
    : derived.flatMap((path) => (path.kind === 'opaque' ? [path.path] : []));
  return { realisations: sorted, paths: inOrder(await withClosure(roots)) };
}

/** Everything that the store has, as plain paths: nobody asks what they are realisations of. */
export async function allRealised(engine: Engine): Promise<RealisedPaths> {
  requireFeature(engine.settings, 'ca-derivations');
  return { realisations: [], paths: inOrder(await engine.store.queryAllValidPaths()) };
}

function inOrder(paths: Iterable<StorePath>): StorePath[] {
  return [...new Set(paths)].sort(compareStrings);
}

/**
 * Where an output is by what a store knows of the resolved derivation: a build hook is told of that one alone, so a cache that it fills
 * may know no other. The inputs lie in the engine's own store. Undefined where the store knows too little.
 */
export async function resolvedOutput(engine: Engine, store: Store, derivation: Derivation, name: string): Promise<StorePath | undefined> {
  const { realisations } = engine.store;
  if (realisations === undefined || !mustResolve(derivation, true)) return undefined;
  const inputs = new Map<string, StorePath>();
  const key = (input: DerivationRef, output: string) => printDerivedPath({ kind: 'built', derivation: input, output }, engine.storeDir);
  for (const [input, outputs] of derivationInputs(derivation)) {
    const drvPath = await derivationIn(engine, store, input);
    if (drvPath === undefined) return undefined;
    const read = engine.store.readDerivationSync(drvPath);
    for (const output of outputs) {
      const path = await outputIn(engine, store, read, output);
      if (path === undefined) return undefined;
      inputs.set(key(input, output), path);
    }
  }
  const resolved = resolveDerivation(derivation, engine.storeDir, (input, output) => inputs.get(key(input, output)));
  return resolved === undefined ? undefined : outputIn(engine, store, resolved, name);
}

/** Where a derivation lies that may be an output of another. */
async function derivationIn(engine: Engine, store: Store, ref: DerivationRef): Promise<StorePath | undefined> {
  if (typeof ref === 'string') return ref;
  const outer = await derivationIn(engine, store, ref.derivation);
  return outer === undefined ? undefined : outputIn(engine, store, engine.store.readDerivationSync(outer), ref.output);
}

async function outputIn(engine: Engine, store: Store, derivation: Derivation, name: string): Promise<StorePath | undefined> {
  const output = derivation.outputs.get(name);
  if (output === undefined || output.kind === 'impure') return undefined;
  if ('path' in output) return output.path;
  const known = await store.queryRealisation?.(engine.store.realisations!.idOf(derivation, name));
  return known?.path ?? resolvedOutput(engine, store, derivation, name);
}
