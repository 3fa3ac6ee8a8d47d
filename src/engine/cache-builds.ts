// Building where the store is a binary cache, or lies elsewhere: outputs may be there, or come there from substituters; nothing is built
// into one.

import { BuildError } from '../base/errors.ts';
import { makePlan, type Plan } from '../build/plan.ts';
import type { Realised, RealiseResult } from '../build/realise.ts';
import type { Substituter } from '../build/substituter.ts';
import { type BuildFailureStatus, exitStatusOf } from '../model/build-result.ts';
import type { Derivation } from '../model/derivation.ts';
import { type DerivedPath, outputsSpecContains } from '../model/derived-path.ts';
import type { StorePath } from '../model/store-path.ts';
import { isCacheUrl } from '../store/binary-cache/open-cache.ts';
import type { StoreStand } from '../store/local/store-stand.ts';
import { sortTopologically } from '../store/closure.ts';
import type { Engine } from './engine.ts';
import { resolvedOutput } from './realisations.ts';

export interface CacheBuildOptions {
  readonly engine: Engine;
  readonly store: StoreStand;
  /** Undefined where the derivation is not there. */
  readDerivation(path: StorePath): Derivation | undefined;
  /** Undefined where nothing is substituted. */
  readonly substituter: Substituter | undefined;
}

/** Where an output is or will be, as far as derivation and cache tell. */
async function outputIn({ engine, store }: CacheBuildOptions, derivation: Derivation, name: string): Promise<StorePath | undefined> {
  const output = derivation.outputs.get(name);
  if (output === undefined || output.kind === 'impure') return undefined;
  if ('path' in output) return output.path;
  if (store.realisations === undefined) return undefined;
  const known = await store.queryRealisation(store.realisations.idOf(derivation, name));
  return known?.path ?? resolvedOutput(engine, store, derivation, name);
}

/** What realising would take. */
export async function planInCache(paths: readonly DerivedPath[], options: CacheBuildOptions): Promise<Plan> {
  const { store, substituter } = options;
  await store.learn(paths.flatMap((path) => (path.kind === 'built' && typeof path.derivation === 'string' ? [path.derivation] : [])));
  return makePlan(paths, {
    readDerivation: (path) => options.readDerivation(path),
    validPaths: (asked) => store.queryValidPaths(asked),
    substitutable: substituter === undefined ? undefined : (asked) => substituter.query(asked),
    outputPath: (derivation, name) => {
      const output = derivation.outputs.get(name);
      return output !== undefined && 'path' in output ? output.path : undefined;
    },
    realisedElsewhere: (derivation, name) => outputIn(options, derivation, name),
    mayBeSubstituted: () => true,
  });
}

/** Fetches what can be fetched into the cache; what would have to be built fails. */
export async function realiseInCache(
  paths: readonly DerivedPath[],
  plan: Plan,
  options: CacheBuildOptions,
  signal: AbortSignal,
): Promise<RealiseResult> {
  const { substituter } = options;
  const { willSubstitute } = plan;
  for (const path of sortTopologically(willSubstitute.keys(), (each) => willSubstitute.get(each)?.references ?? []))
    await substituter?.substitute(path, { repair: false, signal });
  const results = await Promise.all(paths.map((request) => realised(request, options)));
  const failures = results.flatMap((one) => (one.success ? [] : [one.error.status as BuildFailureStatus]));
  return { results, cancelled: [], exitStatus: failures.length === 0 ? 0 : exitStatusOf(failures) };
}

async function realised(request: DerivedPath, options: CacheBuildOptions): Promise<Realised> {
  const { store } = options;
  if (request.kind === 'opaque') {
    if ((await store.queryValidPaths([request.path])).size > 0)
      return { request, success: true, status: 'AlreadyValid', outputs: new Map() };
    const message = `path '${store.printPath(request.path)}' is required, but there is no substituter that can build it`;
    return { request, success: false, error: new BuildError('NoSubstituters', message) };
  }
  const derivation = typeof request.derivation === 'string' ? options.readDerivation(request.derivation) : undefined;
  const outputs = new Map<string, StorePath>();
  let isWhole = derivation !== undefined;
  for (const name of derivation?.outputs.keys() ?? []) {
    if (!outputsSpecContains(request.outputs, name)) continue;
    const path = await outputIn(options, derivation!, name);
    if (path !== undefined && (await store.queryValidPaths([path])).size > 0) outputs.set(name, path);
    else isWhole = false;
  }
  if (isWhole) return { request, success: true, status: 'AlreadyValid', outputs };
  if (!isCacheUrl(store.url))
    return { request, success: false, error: new BuildError('InputRejected', `floe cannot build in store '${store.uri}' yet`) };
  const error = new BuildError(
    'InputRejected',
    "Unable to build with a primary store that isn't a local store; either pass a different '--store' or enable remote builds.\n\n" +
      "For more information check 'man nix.conf' and search for '/machines'.",
    { exitCode: exitStatusOf(['InputRejected']) },
  );
  return { request, success: false, error };
}
