// The scheduler alone, with a builder that only takes note: each goal once, inputs first, large graphs at once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SILENT } from '../../src/base/progress.ts';
import type { Builder } from '../../src/build/builder.ts';
import { ContentChecks } from '../../src/build/content-checks.ts';
import { RunProgress } from '../../src/build/run-progress.ts';
import { Scheduler } from '../../src/build/scheduler.ts';
import { DEFAULT_BUILD_SETTINGS } from '../../src/build/settings.ts';
import { Slots } from '../../src/build/slots.ts';
import type { Derivation } from '../../src/model/derivation.ts';
import type { StorePath } from '../../src/model/store-path.ts';
import { openTestStore, temporaryFolder } from '../support/local-stores.ts';

const SIZE = 2000;

test('a graph of 2,000 derivations is scheduled in well under a second', async () => {
  const store = openTestStore(temporaryFolder());
  const hash = (kind: number, index: number) => `${kind}${index}`.padStart(32, '0');
  const paths = Array.from({ length: SIZE }, (_, index) => `${hash(1, index)}-job-${index}.drv` as StorePath);
  const derivations = new Map(
    paths.map((path, index) => {
      const inputs = index === 0 ? [] : [...new Set([index - 1, Math.floor(index / 2), Math.floor(index / 3)])];
      const derivation: Derivation = {
        name: `job-${index}`,
        outputs: new Map([['out', { kind: 'input-addressed', path: `${hash(2, index)}-job-${index}` as StorePath }]]),
        inputDerivations: new Map(inputs.map((input) => [paths[input]!, ['out']])),
        inputSources: [],
        system: 'x',
        builder: 'x',
        args: [],
        env: new Map(),
      };
      return [path, derivation] as const;
    }),
  );
  const done = new Set<StorePath>();
  const builder: Builder = {
    refuses: () => undefined,
    async build({ path, derivation }) {
      assert.ok(!done.has(path));
      for (const input of derivation.inputDerivations.keys()) assert.ok(done.has(input));
      done.add(path);
      return { success: true, status: 'Built', outputs: new Map() };
    },
  };
  const scheduler = new Scheduler({
    store,
    settings: DEFAULT_BUILD_SETTINGS,
    progress: SILENT,
    builder,
    substituter: undefined,
    signRealisation: (realisation) => realisation,
    substitutionSlots: new Slots(1),
    contents: new ContentChecks(store, SILENT),
    counts: new RunProgress(SILENT),
    derivation: (path) => derivations.get(path),
    signal: new AbortController().signal,
  });
  const started = performance.now();
  const outcome = await scheduler.reach({ kind: 'built', derivation: paths.at(-1)!, outputs: 'all' }, 'normal');
  assert.deepEqual(outcome, { kind: 'reached', status: 'Built' });
  assert.equal(done.size, SIZE);
  assert.ok(performance.now() - started < 2000, `took ${performance.now() - started} ms`);
});
