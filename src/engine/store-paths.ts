// From targets to the store paths that commands such as `path-info`, `store verify` or `store delete` work on: outputs (built or not),
// derivations, closures, everything. libcmd/installables.cc and command.cc.

import { compareStrings } from '../base/bytes.ts';
import { FloeError } from '../base/errors.ts';
import { isDerivationPath, type StorePath } from '../model/store-path.ts';
import { StoreStand } from '../store/local/store-stand.ts';
import { queryClosure, sortTopologically } from '../store/closure.ts';
import type { Engine } from './engine.ts';
import type { Target } from './installables.ts';
import { StoreQueries } from './store-queries.ts';

export interface StorePathsRequest {
  /** The derivations instead of their outputs. */
  readonly derivation: boolean;
  /** With everything they refer to. */
  readonly recursive: boolean;
}

/** The derivations that targets stand for; for a plain path the first valid derivation that makes it. */
export async function derivationsOf(engine: Engine, targets: readonly Target[]): Promise<StorePath[]> {
  const found = new Set<StorePath>();
  for (const target of targets) {
    const paths = target.derivedPaths();
    engine.builds.flush(paths);
    for (const path of paths) {
      if (path.kind === 'built') found.add(engine.builds.derivationPath(path.derivation));
      else if (isDerivationPath(path.path)) found.add(path.path);
      else {
        engine.reads?.refuse('it was asked what a path was made by');
        const [deriver] = await engine.store.queryValidDerivers(path.path);
        if (deriver === undefined) throw new FloeError('FLOE_NO_DERIVER', `'${target.what}' does not have a known deriver`);
        found.add(deriver);
      }
    }
  }
  return [...found].sort(compareStrings);
}

/** Output paths or derivations, references first. Nothing is built; the user is told what that would take. */
export async function storePathsOf(engine: Engine, targets: readonly Target[], request: StorePathsRequest): Promise<StorePath[]> {
  let paths: StorePath[];
  if (request.derivation) paths = await derivationsOf(engine, targets);
  else {
    const derived = targets.flatMap((target) => target.derivedPaths());
    engine.builds.flush(derived);
    await engine.builds.printMissing(derived, 'error');
    paths = derived.flatMap((path) => [...engine.builds.outputPaths(path).values()]);
  }
  return sortedPaths(engine, request.recursive ? (await queryClosure(engine.store, paths)).keys() : paths);
}

/** Everything the store has, references first. */
export async function allStorePaths(engine: Engine): Promise<StorePath[]> {
  engine.reads?.refuse('it was asked what the store holds');
  return sortedPaths(engine, await engine.store.queryAllValidPaths());
}

async function sortedPaths(engine: Engine, paths: Iterable<StorePath>): Promise<StorePath[]> {
  const { store } = engine;
  if (!(store instanceof StoreStand)) return new StoreQueries(engine).sorted(paths);
  const list = [...paths];
  const infos = await Promise.all(list.map((path) => store.queryPathInfo(path)));
  const references = new Map(list.map((path, index) => [path, infos[index]?.references ?? []]));
  return sortTopologically(list, (path) => references.get(path)!);
}

/** The one path a target is, built where it must be; FloeError where it is several. */
export async function singleStorePath(engine: Engine, target: Target, derivation: boolean): Promise<StorePath> {
  const paths = new Set<StorePath>();
  if (derivation) for (const path of await derivationsOf(engine, [target])) paths.add(path);
  else {
    for (const { outputs } of await engine.builds.build(target.derivedPaths())) for (const path of outputs.values()) paths.add(path);
  }
  const [path] = paths;
  if (path === undefined || paths.size > 1)
    throw new FloeError('FLOE_NOT_ONE_PATH', `argument '${target.what}' should evaluate to one store path`);
  return path;
}
