// Logs of builds as `log` finds them: of what an installable stands for, without building it; and `store copy-log`, which takes them
// from one store to another. libcmd/get-build-log.cc, nix/store-copy-log.cc.

import { FloeError, UsageError } from '../base/errors.ts';
import { LogFile, readBuildLog } from '../build/build-log.ts';
import { printATerm } from '../model/aterm.ts';
import { makeDerivationPath } from '../model/derivation.ts';
import { mustResolve, resolveDerivation } from '../model/resolve-derivation.ts';
import { isDerivationPath, type StorePath } from '../model/store-path.ts';
import { BinaryCacheStore } from '../store/binary-cache/binary-cache-store.ts';
import { DaemonStore } from '../store/local/daemon-store.ts';
import { StoreStand } from '../store/local/store-stand.ts';
import { LocalStore } from '../store/local/local-store.ts';
import { WorkerStore } from '../store/remote/worker-store.ts';
import type { Store } from '../store/store.ts';
import { openAnyStore } from './copy-paths.ts';
import type { Engine } from './engine.ts';
import type { Target } from './installables.ts';
import { openLogSources } from './substituters.ts';

/** The log of the build that makes, or made, what the target stands for. FloeError where none was kept. */
export async function readTargetLog(engine: Engine, target: Target): Promise<Uint8Array> {
  const paths = target.derivedPaths();
  if (paths.length !== 1) {
    throw new FloeError('FLOE_USAGE', `installable '${target.what}' evaluates to ${paths.length} derivations, where only one is expected`);
  }
  const [derived] = paths;
  const path = derived!.kind === 'built' ? engine.builds.derivationPath(derived!.derivation) : derived!.path;
  // The network is asked only where the store has none.
  for (const stores of [() => Promise.resolve([engine.store]), () => openLogSources(engine)]) {
    for (const store of await stores()) {
      const log = await readLogIn(store, path);
      if (log === undefined) continue;
      engine.progress.log('info', `got build log for '${target.what}' from '${store.uri}'`);
      return log;
    }
  }
  throw new FloeError('FLOE_NO_LOG', `build log of '${target.what}' is not available`);
}

/** The log of a derivation's build, or of the build that made a path, in a store that keeps logs; undefined where it has none. */
export async function readLogIn(store: Store, path: StorePath): Promise<Uint8Array | undefined> {
  if (store instanceof StoreStand) return readLogIn(await store.remote(), path);
  const derivation = isDerivationPath(path) ? path : (await store.queryPathInfo(path))?.deriver;
  if (derivation === undefined) return undefined;
  if (store instanceof LocalStore || store instanceof DaemonStore) {
    const log = await readBuildLog(store.logDir, derivation);
    if (log !== undefined) return log;
    const built = resolvedDerivation(store, derivation);
    return built === undefined ? undefined : readBuildLog(store.logDir, built);
  }
  if (store instanceof BinaryCacheStore) return store.readLog(derivation);
  throw new UsageError(`store '${store.uri}' keeps no build logs`);
}

/** The derivation that was built in the place of one that depends on content-addressed outputs; undefined where there is none. */
function resolvedDerivation(store: LocalStore | DaemonStore, path: StorePath): StorePath | undefined {
  const { realisations, storeDir } = store;
  if (realisations === undefined || !store.isValidPathSync(path)) return undefined;
  const derivation = store.readDerivationSync(path);
  if (!mustResolve(derivation, true)) return undefined;
  const resolved = resolveDerivation(derivation, storeDir, (input, output) =>
    typeof input === 'string' ? realisations.outputPath(store.readDerivationSync(input), output) : undefined,
  );
  return resolved && makeDerivationPath(resolved, printATerm(resolved, storeDir), storeDir);
}

async function writeLogIn(store: Store, derivation: StorePath, log: Uint8Array): Promise<void> {
  if (store instanceof BinaryCacheStore) return store.writeLog(derivation, log);
  if (store instanceof StoreStand) return writeLogIn(await store.remote(), derivation, log);
  if (store instanceof WorkerStore) return store.addBuildLog(derivation, log);
  if (!(store instanceof LocalStore)) throw new UsageError(`store '${store.uri}' keeps no build logs`);
  const file = new LogFile(store.logDir, derivation);
  file.write(log);
  file.close();
}

/** Copies the logs of derivations between two stores; undefined is the engine's own. */
export async function copyLogs(
  engine: Engine,
  derivations: readonly StorePath[],
  places: { readonly from: string | undefined; readonly to: string | undefined },
): Promise<void> {
  if (places.from === undefined && places.to === undefined) throw new UsageError("you must pass '--from' and/or '--to'");
  const [from, to] = await Promise.all([openAnyStore(engine, places.from), openAnyStore(engine, places.to)]);
  try {
    for (const derivation of derivations) {
      const log = await readLogIn(from.store, derivation);
      if (log === undefined) throw new FloeError('FLOE_NO_LOG', `build log for '${engine.storeDir}/${derivation}' is not available`);
      await writeLogIn(to.store, derivation, log);
    }
  } finally {
    for (const { store } of [from, to]) if (store !== engine.store) await store.close();
  }
}
