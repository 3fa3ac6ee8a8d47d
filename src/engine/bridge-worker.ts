// The worker behind the blocking bridge: an engine of its own over the same store, which fetches and builds while the evaluator's
// thread sleeps.

import { workerData } from 'node:worker_threads';
import { unreachable } from '../base/assert.ts';
import type { ClosureRequest, InputAttrs } from '../eval/host.ts';
import { serveBridge } from './bridge.ts';
import { loadSettings, parseConfig } from './config.ts';
import { Engine, type WorkerSetup } from './engine.ts';
import type { DerivationRequest } from './repl-derivations.ts';
import { type ProgressEvent, sendProgress } from './progress-events.ts';

serveBridge(workerData, (data, emit) => {
  const setup = data as WorkerSetup;
  const progress = sendProgress(emit as (event: ProgressEvent) => void);
  const settings = loadSettings({ env: setup.env, flags: parseConfig(setup.overridden, 'command line'), warn: () => {} });
  settings.set('pure-eval', setup.isPure, 'machine');
  const { env, cwd, online, evalStore } = setup;
  const engine = new Engine({ settings, env, cwd, progress, online, evalStore });
  return async ({ operation, argument }) => {
    switch (operation) {
      case 'realise':
        return engine.builds.realiseForEvaluation(argument as readonly string[]);
      case 'fetch':
        return engine.flakes.fetchIntoStore(argument as InputAttrs);
      case 'fetch-closure': {
        const { fetchClosure } = await import('./fetch-closure.ts');
        return fetchClosure(engine, argument as ClosureRequest);
      }
      case 'derivation': {
        const { answerForDerivation } = await import('./repl-derivations.ts');
        return answerForDerivation(engine, argument as DerivationRequest);
      }
      default:
        return unreachable(`bridge operation '${operation}'`);
    }
  };
});
