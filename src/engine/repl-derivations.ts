// What the repl's commands about derivations wait for: builds, links to outputs, build logs. As plain data in and out, so that the worker
// behind the bridge can do it while evaluation stands still.

import { resolve } from 'node:path';
import { FloeError } from '../base/errors.ts';
import type { StorePath } from '../model/store-path.ts';
import type { Engine } from './engine.ts';
import { readLogIn } from './kept-logs.ts';

export interface DerivationRequest {
  readonly wanted: 'build' | 'build-and-link' | 'log';
  readonly derivation: StorePath;
}

export interface DerivationAnswer {
  /** Outputs by name: what to call each, and its path. */
  readonly outputs: readonly (readonly [shown: string, path: StorePath])[];
  /** A byte string. */
  readonly log: string;
}

/** Does what a command asks of a derivation that is in the store. */
export async function answerForDerivation(engine: Engine, { wanted, derivation }: DerivationRequest): Promise<DerivationAnswer> {
  if (wanted === 'log') {
    const log = await readLogIn(engine.store, derivation);
    const printed = `${engine.storeDir}/${derivation}`;
    if (log === undefined) throw new FloeError('FLOE_NO_LOG', `build log of '${printed}' is not available`);
    engine.progress.log('info', `got build log for '${printed}' from '${engine.store.uri}'`);
    return { outputs: [], log: Buffer.from(log).toString('latin1') };
  }
  const [built] = await engine.builds.build([{ kind: 'built', derivation, outputs: 'all' }], { quiet: true });
  const outputs: (readonly [string, StorePath])[] = [];
  for (const [name, path] of [...built!.outputs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const link = `repl-result-${name}`;
    if (wanted === 'build-and-link') await engine.store.addRootLink(path, resolve(engine.cwd, link));
    outputs.push([wanted === 'build-and-link' ? `./${link}` : name, path]);
  }
  return { outputs, log: '' };
}
