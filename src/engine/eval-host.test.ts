import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BlockingBridge } from './bridge.ts';
import { EngineEvalHost, type EvalStore, type HostServices } from './eval-host.ts';

test('a source that the store has while it is evaluated is handed over all the same: a collector may have deleted it since', () => {
  const folder = mkdtempSync(join(tmpdir(), 'floe-eval-host-'));
  try {
    writeFileSync(join(folder, 'source.sh'), 'echo');
    const written: string[] = [];
    const store: EvalStore = {
      storeDir: '/nix/store',
      toRealPath: (path) => `/nix/store/${path}`,
      isValidPathSync: () => true,
      queryPathInfoSync: () => undefined,
      addPendingObjects: (objects) => void written.push(...objects.map(({ path }) => path)),
      addTempRootsSync: () => undefined,
    };
    const constants = {
      currentSystem: 'x86_64-linux',
      currentTime: undefined,
      storeDir: '/nix/store',
      nixPath: [],
      pureEval: false,
      restrictEval: false,
      allowImportFromDerivation: true,
      traceVerbose: false,
    } as const;
    const services = { allowedPaths: [], env: {} } as unknown as HostServices;
    const host = new EngineEvalHost(constants, store, undefined as unknown as BlockingBridge, services);
    const path = host.addToStore({ path: join(folder, 'source.sh'), name: 'source.sh', method: 'nar', algorithm: 'sha256' });
    host.flush([path]);
    assert.deepEqual(written, [path]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
