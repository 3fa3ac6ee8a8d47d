// Logs of builds as `log` finds them: of what an installable stands for, without building it. libcmd/get-build-log.cc.

import { FloeError } from '../base/errors.ts';
import type { Engine } from './engine.ts';
import type { Target } from './installables.ts';
import { StoreQueries } from './store-queries.ts';

/** The log of the build that makes, or made, what the target stands for. FloeError where none was kept. */
export async function readTargetLog(engine: Engine, target: Target): Promise<Uint8Array> {
  const paths = target.derivedPaths();
  if (paths.length !== 1) {
    throw new FloeError('FLOE_USAGE', `installable '${target.what}' evaluates to ${paths.length} derivations, where only one is expected`);
  }
  const [path] = paths;
  const log = await new StoreQueries(engine).readLog(path!.kind === 'built' ? path!.derivation : path!.path);
  if (log === undefined) throw new FloeError('FLOE_NO_LOG', `build log of '${target.what}' is not available`);
  engine.progress.log('info', `got build log for '${target.what}' from '${engine.store.uri}'`);
  return log;
}
