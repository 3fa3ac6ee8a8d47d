// `nix-store --dump`, `--restore`, `--export`, `--import`, `--dump-db`, `--load-db`, `--register-validity`: store objects and what is
// known of them, as streams.

import { resolve } from 'node:path';
import { compareStrings } from '../../base/bytes.ts';
import { UsageError } from '../../base/errors.ts';
import { WireReader } from '../../base/wire.ts';
import { printRegistration, registerPaths } from '../../engine/registrations.ts';
import { exportPaths, importPaths, restoreNar, writePathNar } from '../../engine/store-archives.ts';
import type { OperationRun } from './operation.ts';

function onlyArgument(run: OperationRun): string {
  run.refuseFlags();
  if (run.args.length !== 1) throw new UsageError('only one argument allowed');
  return resolve(run.engine.cwd, run.args[0]!);
}

/** `nix-store --dump`. Opens no store. */
export async function dump(run: OperationRun): Promise<void> {
  writePathNar(onlyArgument(run), (chunk) => run.write(chunk), run.engine.settings.get('use-case-hack'));
}

/** `nix-store --restore`. Opens no store. */
export async function restore(run: OperationRun): Promise<void> {
  restoreNar(onlyArgument(run), () => run.session.stdin.readChunk(), run.engine.settings.get('use-case-hack'));
}

/** `nix-store --export`. */
export async function exportStorePaths(run: OperationRun): Promise<void> {
  run.readFlags();
  const paths = run.args.map((arg) => run.queries.resolve(arg));
  await exportPaths(run.store, paths, (chunk) => run.write(chunk));
}

/** `nix-store --import`. */
export async function importStorePaths(run: OperationRun): Promise<void> {
  run.readFlags();
  run.refuseArguments();
  await importPaths(run.store, new WireReader(() => run.session.stdin.readChunk()), (path) => run.print(`${run.engine.storeDir}/${path}`));
}

/** `nix-store --dump-db`. */
export async function dumpDatabase(run: OperationRun): Promise<void> {
  run.refuseFlags();
  const named = run.args.map((arg) => run.queries.resolve(arg));
  const paths = named.length > 0 ? named : (await run.store.queryAllValidPaths()).sort(compareStrings);
  for (const path of paths) run.write(printRegistration(run.store, path));
}

/** `nix-store --load-db`. */
export async function loadDatabase(run: OperationRun): Promise<void> {
  run.refuseFlags();
  run.refuseArguments();
  registerPaths(run.engine.localStore('registering paths'), () => run.session.stdin.readLine(), {
    reregister: true,
    hashGiven: true,
    canonicalise: false,
  });
}

/** `nix-store --register-validity`. */
export async function registerValidity(run: OperationRun): Promise<void> {
  const flags = run.readFlags('--reregister', '--hash-given');
  run.refuseArguments();
  registerPaths(run.engine.localStore('registering paths'), () => run.session.stdin.readLine(), {
    reregister: flags.has('--reregister'),
    hashGiven: flags.has('--hash-given'),
    canonicalise: true,
  });
}
