// Builds derivations that lie in a store, without evaluator and command line:
//   node tests/support/build-drv.ts --store DIR --state DIR [options] DERIVATION[^OUTPUT,...]...
// Prints output paths; everything else goes to standard error. For tests and for trying out the build room.

import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FloeError, BuildError } from '../../src/base/errors.ts';
import type { Activity, Progress } from '../../src/base/progress.ts';
import { planRealisation, realise } from '../../src/build/realise.ts';
import { printFailure } from '../../src/build/failure-text.ts';
import { printPlan } from '../../src/build/plan.ts';
import { findStaticShell } from '../../src/build/sandbox/machine.ts';
import { type BuildSettings, DEFAULT_BUILD_SETTINGS } from '../../src/build/settings.ts';
import { useNodeDigests } from '../../src/engine/digests.ts';
import { nodeIo } from '../../src/io/node.ts';
import { type DerivedPath, parseDerivedPath } from '../../src/model/derived-path.ts';
import { openLocalStore } from '../../src/store/local/local-store.ts';

const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    store: { type: 'string', default: process.env['NIX_STORE_DIR'] ?? '/nix/store' },
    state: { type: 'string', default: process.env['NIX_STATE_DIR'] ?? '/nix/var/nix' },
    real: { type: 'string' },
    'max-jobs': { type: 'string', short: 'j', default: '1' },
    'keep-going': { type: 'boolean', short: 'k', default: false },
    'keep-failed': { type: 'boolean', short: 'K', default: false },
    'print-build-logs': { type: 'boolean', short: 'L', default: false },
    check: { type: 'boolean', default: false },
    repair: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
    sandbox: { type: 'string', default: 'true' },
    'require-sandbox': { type: 'boolean', default: false },
    'no-bwrap': { type: 'boolean', default: false },
    shell: { type: 'string' },
    timeout: { type: 'string', default: '0' },
    'max-silent-time': { type: 'string', default: '0' },
    set: { type: 'string', multiple: true, default: [] },
  },
});

function makeProgress(): Progress {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  return {
    log: (level, text) => {
      if (['error', 'warn', 'notice', 'info'].includes(level)) say(level === 'warn' ? `warning: ${text}` : text);
    },
    start(type, text, options): Activity {
      if (options?.level === 'info' || options?.level === 'warn') say(`${text}...`);
      const name = /-([^/]*)\.drv'$/.exec(text)?.[1] ?? type;
      return {
        result: (kind, fields) => {
          if (kind === 'build-log-line' && values['print-build-logs']) say(`${name}> ${fields[0]}`);
        },
        stop() {},
      };
    },
  };
}

useNodeDigests();
const progress = makeProgress();
const shell = values.shell ?? findStaticShell();
const overrides = Object.fromEntries(
  values.set.map((text) => [text.slice(0, text.indexOf('=')), JSON.parse(text.slice(text.indexOf('=') + 1)) as unknown]),
);
const netrc = process.env['NETRC'];
const settings: BuildSettings = {
  ...DEFAULT_BUILD_SETTINGS,
  maxJobs: Number(values['max-jobs']),
  keepGoing: values['keep-going'],
  keepFailed: values['keep-failed'],
  showsLogs: values['print-build-logs'],
  sandbox: values.sandbox as BuildSettings['sandbox'],
  sandboxFallback: !values['require-sandbox'],
  requireDropGroups: false,
  bubblewrap: values['no-bwrap'] ? '' : undefined,
  sandboxPaths: shell === undefined ? [] : [{ target: '/bin/sh', source: shell, optional: false }],
  timeoutS: Number(values.timeout),
  maxSilentTimeS: Number(values['max-silent-time']),
  sslCertFile: existsSync(CERTIFICATES) ? CERTIFICATES : undefined,
  netrc: netrc === undefined ? '' : readFileSync(netrc, 'utf8'),
  ...overrides,
};
const store = openLocalStore({ storeDir: values.store, realStoreDir: values.real, stateDir: values.state, progress });
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => interrupt.abort(new FloeError('FLOE_INTERRUPTED', 'interrupted by the user')));
try {
  const requests: DerivedPath[] = positionals.map((text) => {
    const parsed = parseDerivedPath(text, values.store);
    return parsed.kind === 'opaque' && parsed.path.endsWith('.drv') ? { kind: 'built', derivation: parsed.path, outputs: 'all' } : parsed;
  });
  if (values['dry-run']) {
    for (const line of printPlan(await planRealisation(requests, { store, settings }), values.store)) process.stderr.write(`${line}\n`);
  } else {
    const mode = values.check ? 'check' : values.repair ? 'repair' : 'normal';
    const { results } = await realise(requests, { store, settings, io: nodeIo(), progress, signal: interrupt.signal, mode });
    for (const result of results)
      if (result.success) for (const path of result.outputs.values()) process.stdout.write(`${store.printPath(path)}\n`);
  }
} catch (error) {
  if (!(error instanceof FloeError)) throw error;
  process.stderr.write(`${printFailure(error)}\n${error.hint === undefined ? '' : `hint: ${error.hint}\n`}`);
  process.exitCode = error instanceof BuildError ? error.exitCode : 1;
} finally {
  await store.close();
}
