// Building in real stores: what becomes valid, what is refused and in which words, what is left behind. Builders are the machine's own
// programs; where namespaces are missing they run without a sandbox, and cases that need one are skipped.

import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BuildError, FloeError } from '../../src/base/errors.ts';
import { hashBytes, printHash } from '../../src/base/hash.ts';
import type { Activity, Progress } from '../../src/base/progress.ts';
import { readBuildLog } from '../../src/build/build-log.ts';
import { realise, type RealiseOptions, tryRealise } from '../../src/build/realise.ts';
import { findSandboxPrograms, probeBubblewrap, probeUtilLinux } from '../../src/build/sandbox/machine.ts';
import { type BuildSettings, DEFAULT_BUILD_SETTINGS } from '../../src/build/settings.ts';
import { nodeIo } from '../../src/io/node.ts';
import { hashTree } from '../../src/store/local/inspect-tree.ts';
import type { LocalStore } from '../../src/store/local/local-store.ts';
import { openTestStore, temporaryFolder } from '../support/local-stores.ts';
import { addDerivation, type DerivationSpec, MACHINE_PATHS, type TestDerivation } from '../support/test-derivations.ts';

const folder = temporaryFolder();
const programs = findSandboxPrograms(process.env['PATH'] ?? '');
const hasSandbox =
  (programs.bwrap !== undefined && probeBubblewrap(programs.bwrap).isolation.files) ||
  (programs.unshare !== undefined && programs.mount !== undefined && probeUtilLinux(programs.unshare, programs.mount).files);
const skip = hasSandbox ? false : 'this user cannot create namespaces';

/** Everything that was said. */
class Transcript implements Progress {
  readonly lines: string[] = [];
  readonly started: string[] = [];
  readonly logs: string[] = [];
  running = 0;
  mostRunning = 0;
  log(level: string, text: string): void {
    this.lines.push(`${level}: ${text}`);
  }
  start(type: string, text: string): Activity {
    if (text !== '') this.started.push(text);
    if (type === 'build') this.mostRunning = Math.max(this.mostRunning, ++this.running);
    let stopped = false;
    return {
      result: (kind, fields) => void (text !== '' && this.logs.push(`${kind} ${fields.join(' ')}`)),
      stop: () => {
        if (!stopped && type === 'build') this.running--;
        stopped = true;
      },
    };
  }
}

function optionsFor(store: LocalStore, settings: Partial<BuildSettings> = {}, more: Partial<RealiseOptions> = {}): RealiseOptions {
  return { store, io: nodeIo(), settings: { ...DEFAULT_BUILD_SETTINGS, sandboxPaths: MACHINE_PATHS, ...settings }, ...more };
}

/** A store whose objects lie at their own paths, so that unsandboxed builds work too. */
function openStore(): LocalStore {
  const root = temporaryFolder();
  return openTestStore(folder, { storeDir: `${root}/store`, realStoreDir: `${root}/store`, stateDir: `${root}/var/nix`, uri: root });
}

async function refusal(store: LocalStore, spec: DerivationSpec, settings: Partial<BuildSettings> = {}): Promise<BuildError> {
  const { request } = await addDerivation(store, spec);
  const { results } = await tryRealise([request], optionsFor(store, settings));
  assert.equal(results.length, 1);
  assert.ok(results[0]!.success === false, 'the build was expected to fail');
  return results[0]!.error;
}

const realPath = (store: LocalStore, printed: string) => `${store.realStoreDir}${printed.slice(store.storeDir.length)}`;

/** What no build may leave. */
function assertTidy(store: LocalStore): void {
  const left = readdirSync(store.realStoreDir).filter((name) => /\.(chroot|lock|tmp|old|download)/.test(name));
  assert.deepEqual(left, []);
  const builds = `${store.stateDir}/builds`;
  assert.deepEqual(existsSync(builds) ? readdirSync(builds) : [], []);
}

test('outputs are canonical, registered with references, deriver and trust', async () => {
  const store = openStore();
  const input = await addDerivation(store, { name: 'input', script: 'echo input > $out' });
  const built = await addDerivation(store, {
    name: 'built',
    outputs: ['out', 'dev'],
    inputs: [input],
    env: { input: input.outPath() },
    script:
      'mkdir -p $out/bin $dev; echo "$input $dev" > $out/refs; echo run > $out/bin/run; chmod 700 $out/bin/run; ln -s run $out/bin/link; echo $out > /dev/null; echo x > $dev/x',
  });
  const transcript = new Transcript();
  const { results } = await realise([built.request], optionsFor(store, {}, { progress: transcript }));
  assert.deepEqual(
    results.map((result) => result.success && [...result.outputs.keys()]),
    [['dev', 'out']],
  );
  assert.deepEqual(transcript.started, [`building '${store.printPath(input.path)}'`, `building '${store.printPath(built.path)}'`]);
  const out = realPath(store, built.outPath());
  const path = built.outPath().slice(store.storeDir.length + 1) as never;
  const info = store.requirePathInfoSync(path);
  assert.deepEqual(info.references.map((reference) => store.printPath(reference)).sort(), [input.outPath(), built.outPath('dev')].sort());
  assert.equal(info.deriver, built.path);
  assert.equal(info.ultimate, true);
  assert.deepEqual(hashTree(out).narHash, info.narHash);
  assert.equal(lstatSync(out).mode & 0o7777, 0o555);
  assert.equal(lstatSync(`${out}/bin/run`).mode & 0o7777, 0o555);
  assert.equal(lstatSync(`${out}/refs`).mode & 0o7777, 0o444);
  assert.equal(lstatSync(`${out}/refs`).mtimeMs, 1000);
  assert.equal(readlinkSync(`${out}/bin/link`), 'run');
  assertTidy(store);
  const again = await realise([built.request], optionsFor(store));
  assert.deepEqual(
    again.results.map((result) => result.success && result.status),
    ['AlreadyValid'],
  );
});

test('in a store that lies elsewhere than its paths say', { skip }, async () => {
  const store = openTestStore(folder);
  const first = await addDerivation(store, { name: 'first', script: 'echo first > $out' });
  const second = await addDerivation(store, {
    name: 'second',
    inputs: [first],
    env: { first: first.outPath() },
    script: 'cat $first > $out; echo $first >> $out',
  });
  await realise([second.request], optionsFor(store, { sandbox: 'false' }));
  assert.equal(second.outPath().startsWith('/nix/store/'), true);
  assert.equal(readFileSync(realPath(store, second.outPath()), 'utf8'), `first\n${first.outPath()}\n`);
  assertTidy(store);
});

test('a failed builder: the end of its log, exit status 100, nothing left behind', async () => {
  const store = openStore();
  const spec = { name: 'fails', script: 'seq 1 40; printf "a\\rb"; mkdir -p $out/x; chmod 0 $out/x; exit 3' };
  const error = await refusal(store, spec);
  const { path, outPath } = await addDerivation(store, spec);
  const tail = [...Array.from({ length: 24 }, (_, index) => String(index + 17)), 'b'].map((line) => `> ${line}\n`).join('');
  assert.equal(
    error.message,
    `Cannot build '${store.printPath(path)}'.\nReason: builder failed with exit code 3.\nOutput paths:\n  ${outPath()}\n` +
      `Last 25 log lines:\n${tail}For full logs, run:\n  nix log ${store.printPath(path)}`,
  );
  assert.equal(error.status, 'PermanentFailure');
  assert.equal((await tryRealise([{ kind: 'built', derivation: path, outputs: 'all' }], optionsFor(store))).exitStatus, 100);
  const log = Buffer.from((await readBuildLog(store.logDir, path))!).toString();
  assert.match(log, /^1\n2\n[^]*40\na\rb$/);
  assertTidy(store);
});

test('keep-failed keeps the build folder', async () => {
  const store = openStore();
  const { request } = await addDerivation(store, { name: 'fails', script: 'echo kept > file; exit 1' });
  const transcript = new Transcript();
  await tryRealise([request], optionsFor(store, { keepFailed: true }, { progress: transcript }));
  const note = transcript.lines.find((line) => line.includes('keeping build directory'));
  const kept = /"(.*)"/.exec(note ?? '')?.[1];
  assert.equal(readFileSync(`${kept!}/file`, 'utf8'), 'kept\n');
});

test('outputs that may not be', async () => {
  const store = openStore();
  const missing = await refusal(store, { name: 'missing', script: 'true' });
  assert.match(missing.message, /^builder for '.*-missing\.drv' failed to produce output path for output 'out' at "/);
  const writable = await refusal(store, { name: 'writable', script: 'mkdir $out; chmod 777 $out' });
  assert.match(writable.message, /^suspicious ownership or permission on ".*" for output 'out'; rejecting this build output$/);
  const fifo = await refusal(store, { name: 'fifo', script: 'mkfifo $out' });
  assert.match(fifo.message, /has an unsupported type$/);
  const cycle = await refusal(store, { name: 'cycle', outputs: ['a', 'b'], script: 'echo $b > $a; echo $a > $b' });
  assert.match(cycle.message, /^cycle detected in build of '.*-cycle\.drv' in the references of output '.' from output '.'$/);
  for (const error of [missing, writable, fifo, cycle]) assert.equal(error.status, 'OutputRejected');
  assertTidy(store);
});

test('references that are not allowed', async () => {
  const store = openStore();
  const input = await addDerivation(store, { name: 'input', script: 'echo > $out' });
  const middle = await addDerivation(store, {
    name: 'middle',
    inputs: [input],
    env: { input: input.outPath() },
    script: 'echo $input > $out',
  });
  const check = async (env: Record<string, string>, script: string, settings = {}) =>
    refusal(
      store,
      { name: 'checked', inputs: [input, middle], env: { input: input.outPath(), middle: middle.outPath(), ...env }, script },
      settings,
    );
  const none = await check({ allowedReferences: '' }, 'echo $input > $out');
  assert.match(none.message, new RegExp(`^output '.*-checked' is not allowed to refer to the following paths:\n  ${input.outPath()}$`));
  assert.match(
    (await check({ allowedReferences: 'nowhere' }, 'echo > $out')).message,
    /contains output name 'nowhere', but this is not a valid output of this derivation\. \(Valid outputs are \[out\]\.\)$/,
  );
  assert.match(
    (await check({ disallowedRequisites: input.outPath() }, 'echo $middle > $out')).message,
    /is not allowed to refer to the following paths/,
  );
  assert.match(
    (await check({ disallowedReferences: middle.outPath() }, 'echo $middle > $out')).message,
    /is not allowed to refer to the following paths/,
  );
  const allowed = await addDerivation(store, {
    name: 'allowed',
    inputs: [middle],
    env: { middle: middle.outPath(), allowedReferences: `out ${middle.outPath()}`, disallowedReferences: input.outPath() },
    script: 'echo $middle $out > $out',
  });
  assert.equal((await realise([allowed.request], optionsFor(store))).exitStatus, 0);
});

test('fixed outputs: right, wrong, of another kind, with references', async () => {
  const store = openStore();
  const hash = hashBytes('sha256', 'content\n');
  const right = await addDerivation(store, { name: 'right', fixed: { hash, method: 'flat' }, script: 'echo content > $out' });
  await realise([right.request], optionsFor(store));
  const info = store.requirePathInfoSync(right.outPath().slice(store.storeDir.length + 1) as never);
  assert.deepEqual(info.contentAddress, { method: 'flat', hash });
  const wrong = await refusal(store, { name: 'wrong', fixed: { hash, method: 'flat' }, script: 'echo other > $out' });
  const got = printHash(hashBytes('sha256', 'other\n'), 'sri');
  assert.match(wrong.message, /^hash mismatch in fixed-output derivation '.*-wrong\.drv':\n {2}specified: sha256-.*\n {5}got: {4}sha256-/);
  assert.deepEqual(wrong.data, { wanted: printHash(hash, 'sri'), got });
  assert.equal(wrong.exitCode, 102);
  // What came is kept under its own hash: with the hash put right, nothing is built.
  const corrected = await addDerivation(store, {
    name: 'wrong',
    fixed: { hash: hashBytes('sha256', 'other\n'), method: 'flat' },
    script: 'exit 1',
  });
  assert.deepEqual(
    (await realise([corrected.request], optionsFor(store))).results.map((result) => result.success && result.status),
    ['AlreadyValid'],
  );
  assert.match(
    (await refusal(store, { name: 'folder', fixed: { hash, method: 'flat' }, script: 'mkdir $out' })).message,
    /should be a non-executable regular file since recursive hashing is not enabled/,
  );
  const source = await store.addText('text', Buffer.from('x'), []);
  const referring = await refusal(store, {
    name: 'refers',
    fixed: { hash, method: 'nar' },
    sources: [source],
    script: `echo ${store.printPath(source)} > $out`,
  });
  assert.equal(referring.status, 'HashMismatch');
  assertTidy(store);
});

test('impure variables reach fixed outputs only', async () => {
  const store = openStore();
  const impure = new Map([['FLOE_TEST', 'imp ure']]);
  const env = { impureEnvVars: 'FLOE_TEST FLOE_UNSET' };
  const script = 'echo "[$FLOE_TEST][${FLOE_UNSET-unset}][$NIX_OUTPUT_CHECKED]" > $out';
  const fixed = await addDerivation(store, {
    name: 'fixed',
    env,
    script,
    fixed: { hash: hashBytes('sha256', '[imp ure][][1]\n'), method: 'flat' },
  });
  const other = await addDerivation(store, { name: 'other', env, script });
  await realise([fixed.request, other.request], optionsFor(store, { impureEnv: impure }));
  assert.equal(readFileSync(realPath(store, other.outPath()), 'utf8'), '[][unset][]\n');
});

test('what depends on a failure fails, and others go on only with keep-going', async () => {
  const store = openStore();
  const bad = await addDerivation(store, { name: 'bad', script: 'exit 1' });
  const middle = await addDerivation(store, { name: 'middle', inputs: [bad], script: 'echo > $out' });
  const good = await addDerivation(store, { name: 'zgood', script: 'sleep 2; echo > $out' });
  const top = await addDerivation(store, { name: 'top', inputs: [middle, good], script: 'echo > $out' });
  const transcript = new Transcript();
  const stopped = await tryRealise([top.request], optionsFor(store, { maxJobs: 2 }, { progress: transcript }));
  const failure = stopped.results[0]!;
  assert.ok(!failure.success);
  assert.equal(
    failure.error.message,
    `Cannot build '${store.printPath(top.path)}'.\nReason: 1 dependency failed.\nOutput paths:\n  ${top.outPath()}`,
  );
  const errors = transcript.lines.filter((line) => line.startsWith('error:'));
  assert.equal(errors.length, 2);
  assert.match(errors[0]!, /^error: error: Cannot build '.*-bad\.drv'\.\n {7}Reason: builder failed with exit code 1\./);
  assert.match(errors[1]!, /-middle\.drv'\.\n {7}Reason: 1 dependency failed\./);
  assert.equal(store.isValidPathSync(good.outPath().slice(store.storeDir.length + 1) as never), false);
  const all = await tryRealise([top.request, good.request], optionsFor(store, { keepGoing: true }));
  assert.deepEqual(
    all.results.map(({ success }) => success),
    [false, true],
  );
  assert.equal(all.exitStatus, 100);
  await assert.rejects(realise([top.request, bad.request], optionsFor(store, { keepGoing: true })), (error: BuildError) => {
    assert.match(error.message, /^build of '.*-(bad|top)\.drv', '.*-(bad|top)\.drv' failed$/);
    return error.exitCode === 100;
  });
  assertTidy(store);
});

test('limits on time, silence and output', async () => {
  const store = openStore();
  const timed = await refusal(store, { name: 'long', script: 'while :; do echo x; sleep 0.1; done' }, { timeoutS: 1 });
  assert.equal(timed.message, 'timed out after 1 seconds');
  assert.equal(timed.exitCode, 101);
  const silent = await refusal(store, { name: 'silent', script: 'sleep 60' }, { maxSilentTimeS: 1 });
  assert.equal(silent.status, 'TimedOut');
  const loud = await refusal(store, { name: 'loud', script: 'yes' }, { maxBuildLogSize: 10000 });
  assert.match(loud.message, /killed after writing more than 10000 bytes of log output$/);
  assertTidy(store);
});

test('an interrupt ends builders and leaves nothing', async () => {
  const store = openStore();
  const { request } = await addDerivation(store, { name: 'long', script: 'mkdir $out; echo started; sleep 60' });
  const interrupt = new AbortController();
  const transcript = new Transcript();
  const running = tryRealise([request], optionsFor(store, {}, { signal: interrupt.signal, progress: transcript }));
  while (transcript.logs.length === 0) await sleep(10);
  interrupt.abort();
  await assert.rejects(running, (error: FloeError) => error.code === 'FLOE_INTERRUPTED');
  assertTidy(store);
});

test('jobs run at once as far as max-jobs says', async () => {
  const store = openStore();
  const jobs: TestDerivation[] = [];
  for (let index = 0; index < 6; index++) jobs.push(await addDerivation(store, { name: `job-${index}`, script: 'sleep 0.2; echo > $out' }));
  const transcript = new Transcript();
  await realise(
    jobs.map(({ request }) => request),
    optionsFor(store, { maxJobs: 3 }, { progress: transcript }),
  );
  assert.equal(transcript.mostRunning, 3);
});

test('leftovers of a killed process are replaced', async () => {
  const store = openStore();
  const job = await addDerivation(store, { name: 'job', script: 'ls > $out' });
  mkdirSync(realPath(store, job.outPath()));
  writeFileSync(`${realPath(store, job.outPath())}/half`, 'half');
  mkdirSync(`${store.toRealPath(job.path)}.chroot/root`, { recursive: true });
  mkdirSync(`${store.stateDir}/builds/floe-${job.path.slice(0, 16)}/build`, { recursive: true });
  writeFileSync(`${store.stateDir}/builds/floe-${job.path.slice(0, 16)}/build/old`, 'old');
  await realise([job.request], optionsFor(store));
  assert.equal(readFileSync(realPath(store, job.outPath()), 'utf8'), '');
  assertTidy(store);
});

for (const sandbox of ['true', 'false'] as const) {
  const settings = { sandbox };
  const where = sandbox === 'true' ? 'in a sandbox' : 'without a sandbox';
  const need = { skip: sandbox === 'true' ? skip : false };

  // As a program does that closes its output before it has quite ended.
  test(`a builder that goes on after it has closed its output, ${where}`, need, async () => {
    const store = openStore();
    const quiet = await addDerivation(store, { name: 'quiet', script: 'exec >&- 2>&-; sleep 0.5; echo late > $out' });
    await realise([quiet.request], optionsFor(store, settings));
    assert.equal(readFileSync(realPath(store, quiet.outPath()), 'utf8'), 'late\n');
    assertTidy(store);
  });

  test(`checking ${where}: the same outputs pass, others are reported`, need, async () => {
    const store = openStore();
    const same = await addDerivation(store, {
      name: 'same',
      outputs: ['out', 'lib'],
      script: 'mkdir $out $lib; echo $out $lib > $out/self; ln -s $out/self $out/link; echo > $lib/x',
    });
    const other = await addDerivation(store, { name: 'other', script: 'head -c 100 /dev/urandom > $out' });
    await assert.rejects(
      realise([same.request], optionsFor(store, settings, { mode: 'check' })),
      /some outputs of '.*' are not valid, so checking is not possible/,
    );
    await realise([same.request, other.request], optionsFor(store, settings));
    assert.equal((await realise([same.request], optionsFor(store, settings, { mode: 'check' }))).exitStatus, 0);
    const { results, exitStatus } = await tryRealise([other.request], optionsFor(store, settings, { mode: 'check' }));
    assert.ok(!results[0]!.success);
    assert.match(results[0]!.error.message, /^derivation '.*' may not be deterministic: output ".*-other" differs$/);
    assert.equal(exitStatus, 104);
    assertTidy(store);
    await tryRealise([other.request], optionsFor(store, { ...settings, keepFailed: true }, { mode: 'check' }));
    assert.equal(statSync(`${realPath(store, other.outPath())}.check`).size, 100);
  });

  test(`repairing ${where} puts good outputs in the place of damaged ones`, need, async () => {
    const store = openStore();
    const dependency = await addDerivation(store, { name: 'dependency', script: 'echo good > $out' });
    const job = await addDerivation(store, {
      name: 'job',
      inputs: [dependency],
      env: { dependency: dependency.outPath() },
      outputs: ['out', 'lib'],
      script: 'mkdir $out $lib; echo $out $lib $dependency > $out/self; echo good > $lib/x',
    });
    await realise([job.request], optionsFor(store, settings));
    const damage = (path: string) => {
      const real = realPath(store, path);
      writeFileSync(real, 'bad', { flag: 'w', mode: 0o644 });
    };
    const before = readFileSync(realPath(store, `${job.outPath()}/self`), 'utf8');
    if (process.geteuid?.() !== 0) return; // Damaging takes rights that users do not have to read-only files.
    damage(`${job.outPath()}/self`);
    await realise([job.request], optionsFor(store, settings, { mode: 'repair' }));
    assert.equal(readFileSync(realPath(store, `${job.outPath()}/self`), 'utf8'), before);
    damage(dependency.outPath());
    const transcript = new Transcript();
    await realise([job.request], optionsFor(store, settings, { mode: 'repair', progress: transcript }));
    assert.equal(readFileSync(realPath(store, dependency.outPath()), 'utf8'), 'good\n');
    assert.ok(
      transcript.lines.some((line) => /found corrupted or missing path/.test(line)),
      transcript.lines.join('\n'),
    );
    assertTidy(store);
  });

  test(`one missing output of several ${where}`, need, async () => {
    let store = openStore();
    const job = await addDerivation(store, {
      name: 'job',
      outputs: ['out', 'lib'],
      script: 'mkdir $out $lib; echo $lib > $out/ref; echo x > $lib/x',
    });
    await realise([job.request], optionsFor(store, settings));
    const out = job.outPath().slice(store.storeDir.length + 1) as never;
    // What this process uses is safe from collectors until it closes the store.
    const { storeDir, realStoreDir, stateDir } = store;
    await store.close();
    store = openTestStore(folder, { storeDir, realStoreDir, stateDir });
    await store.collectGarbage({ action: 'delete-specific', pathsToDelete: new Set([out]), ignoreLiveness: true });
    assert.equal(store.isValidPathSync(out), false);
    await realise([job.request], optionsFor(store, settings));
    assert.equal(readFileSync(realPath(store, `${job.outPath()}/ref`), 'utf8'), `${job.outPath('lib')}\n`);
    assert.deepEqual(
      store.requirePathInfoSync(out).references.map((reference) => store.printPath(reference)),
      [job.outPath('lib')],
    );
    assertTidy(store);
  });
}

test('refused before anything runs: other systems, features, max-jobs 0', async () => {
  const store = openStore();
  const system = await refusal(store, { name: 'alien', system: 'riscv64-linux', script: 'true' });
  assert.match(system.message, /^Cannot build '.*'\.\nReason: platform mismatch\nRequired system: 'riscv64-linux'\nCurrent system: '.*'$/);
  assert.equal(system.exitCode, 100);
  const feature = await refusal(
    store,
    { name: 'feature', env: { requiredSystemFeatures: 'b a' }, script: 'true' },
    { systemFeatures: ['kvm'] },
  );
  assert.match(feature.message, /\nReason: missing system features\nRequired features: \{a, b\}\nAvailable features: \{kvm\}$/);
  const none = await refusal(store, { name: 'none', script: 'true' }, { maxJobs: 0 });
  assert.match(none.message, /\nReason: local builds are disabled \(max-jobs = 0\)/);
});

test('messages of builders for Nix', async () => {
  const store = openStore();
  const { request } = await addDerivation(store, {
    name: 'talks',
    script: `echo '@nix {"action":"setPhase","phase":"buildPhase"}'; echo '@nix {"action":"msg","level":1,"msg":"careful"}'; echo plain; echo > $out`,
  });
  const transcript = new Transcript();
  await realise([request], optionsFor(store, {}, { progress: transcript }));
  assert.deepEqual(transcript.logs, ['set-phase buildPhase', 'build-log-line plain']);
  assert.deepEqual(
    transcript.lines.filter((line) => line.includes('careful')),
    ['warn: careful'],
  );
});

test('substitutes come before builds; a broken substituter asks for --fallback', async () => {
  const store = openStore();
  const job = await addDerivation(store, { name: 'job', script: 'echo built > $out' });
  const path = job.outPath().slice(store.storeDir.length + 1) as never;
  const info = { references: [], downloadSize: 1, narSize: 1 };
  const broken = {
    query: async () => new Map([[path, info]]),
    substitute: async () => {
      throw new FloeError('FLOE_FETCH', 'the server went away');
    },
  };
  const refused = await tryRealise([job.request], optionsFor(store, {}, { substituter: broken }));
  assert.ok(!refused.results[0]!.success);
  assert.match(refused.results[0]!.error.message, /^some substitutes for the outputs of derivation '.*' failed .*; try '--fallback'/);
  const fetched: string[] = [];
  const working = {
    query: async () => new Map([[path, info]]),
    substitute: async (wanted: string) => {
      fetched.push(wanted);
      writeFileSync(store.toRealPath(path), 'built\n');
      store.registerValidPaths([
        { path, ...hashTree(store.toRealPath(path)), references: [], registrationTime: 0, ultimate: false, signatures: [] },
      ]);
      return true;
    },
  };
  const done = await realise([job.request], optionsFor(store, {}, { substituter: working }));
  assert.deepEqual(
    done.results.map((result) => result.success && result.status),
    ['Substituted'],
  );
  assert.deepEqual(fetched, [path]);
  const another = await addDerivation(store, { name: 'another', script: 'echo built > $out' });
  const fallback = await realise(
    [another.request],
    optionsFor(
      store,
      { fallback: true },
      { substituter: { ...broken, query: async () => new Map([[another.outPath().slice(store.storeDir.length + 1) as never, info]]) } },
    ),
  );
  assert.deepEqual(
    fallback.results.map((result) => result.success && result.status),
    ['Built'],
  );
  const missing = await tryRealise([{ kind: 'opaque', path: `${'0'.repeat(32)}-nothing` as never }], optionsFor(store));
  assert.match(
    (missing.results[0] as { error: BuildError }).error.message,
    /^path '.*-nothing' is required, but there is no substituter that can build it$/,
  );
});

test('builtin:buildenv links packages by priority', async () => {
  const store = openStore();
  const a = await addDerivation(store, {
    name: 'a',
    script: 'mkdir -p $out/bin $out/share; echo a > $out/bin/a; echo a > $out/bin/both; echo a > $out/share/a',
  });
  const b = await addDerivation(store, {
    name: 'b',
    script: 'mkdir -p $out/bin $out/share; echo b > $out/bin/b; echo b > $out/bin/both; echo b > $out/share/b',
  });
  const env = (derivations: string) => ({
    name: 'env',
    system: 'builtin',
    builder: 'builtin:buildenv',
    inputs: [a, b],
    env: { derivations, manifest: '/manifest' },
  });
  const good = await addDerivation(store, env(`true 5 1 ${a.outPath()} true 7 1 ${b.outPath()}`));
  await realise([good.request], optionsFor(store));
  const out = realPath(store, good.outPath());
  assert.equal(readlinkSync(`${out}/bin/both`), `${a.outPath()}/bin/both`);
  assert.equal(readlinkSync(`${out}/bin/b`), `${b.outPath()}/bin/b`);
  assert.equal(readlinkSync(`${out}/manifest.nix`), '/manifest');
  const conflict = await refusal(store, env(`true 5 1 ${a.outPath()} true 5 1 ${b.outPath()}`));
  assert.match(
    conflict.message,
    /Reason: builder failed with exit code 1\.[^]*> error: Unable to build profile\. There is a conflict for the following files:/,
  );
});

test('a source that is a symbolic link stays one in the sandbox', { skip }, async () => {
  const store = openStore();
  const target = await store.addText('target', Buffer.from('text\n'), []);
  const folder = temporaryFolder();
  symlinkSync(store.printPath(target), `${folder}/link`);
  const link = store.addTreeSync({ path: `${folder}/link`, name: 'link', method: 'nar' });
  const job = await addDerivation(store, {
    name: 'job',
    sources: [link, target],
    env: { link: store.printPath(link) },
    script: 'cat $link > $out; readlink $link >> $out',
  });
  await realise([job.request], optionsFor(store));
  assert.equal(readFileSync(realPath(store, job.outPath()), 'utf8'), `text\n${store.printPath(target)}\n`);
});

test('hooks: more sandbox paths, what was built, what differs', async () => {
  const store = openStore();
  const hooks = temporaryFolder();
  const script = (name: string, text: string) => {
    writeFileSync(`${hooks}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return `${hooks}/${name}`;
  };
  writeFileSync(`${hooks}/data`, 'shown\n');
  const job = await addDerivation(store, { name: 'job', script: 'if [ -e /shown ]; then cat /shown > $out; else echo shown > $out; fi' });
  const post = script('post', `echo "$DRV_PATH $OUT_PATHS $NIX_CONFIG" > ${hooks}/told; echo one; echo two >&2`);
  const transcript = new Transcript();
  const settings = {
    preBuildHook: script('pre', `echo extra-sandbox-paths; echo /shown=${hooks}/data; echo`),
    postBuildHook: post,
    configText: 'cores = 3',
  };
  await realise([job.request], optionsFor(store, settings, { progress: transcript }));
  assert.equal(readFileSync(realPath(store, job.outPath()), 'utf8'), 'shown\n');
  assert.equal(readFileSync(`${hooks}/told`, 'utf8'), `${store.printPath(job.path)} ${job.outPath()} cores = 3\n`);
  assert.deepEqual(transcript.logs.filter((line) => line.startsWith('post-build-log-line')).sort(), [
    'post-build-log-line one',
    'post-build-log-line two',
  ]);
  const other = await addDerivation(store, { name: 'other', script: 'echo > $out' });
  await assert.rejects(
    realise([other.request], optionsFor(store, { postBuildHook: script('bad', 'exit 3') })),
    /^FLOE_HOOK: program ".*\/bad" failed with exit code 3$/,
  );
  const random = await addDerivation(store, { name: 'random', script: 'head -c 20 /dev/urandom > $out' });
  await realise([random.request], optionsFor(store));
  const lines = new Transcript();
  await tryRealise(
    [random.request],
    optionsFor(store, { diffHook: script('diff', 'echo "$1 and $2"') }, { mode: 'check', progress: lines }),
  );
  assert.ok(lines.lines.includes(`error: ${random.outPath()} and ${realPath(store, random.outPath())}.check`), lines.lines.join('\n'));
});

test('impure host paths only as far as they are allowed', { skip }, async () => {
  const store = openStore();
  const hosts = temporaryFolder();
  writeFileSync(`${hosts}/file`, 'host\n');
  const spec = { name: 'impure', env: { __impureHostDeps: `${hosts}/file` }, script: `cat ${hosts}/file > $out` };
  assert.match((await refusal(store, spec)).message, /requested impure path '.*', but it was not in allowed-impure-host-deps$/);
  const { request, outPath } = await addDerivation(store, spec);
  await realise([request], optionsFor(store, { allowedImpureHostDeps: [hosts] }));
  assert.equal(readFileSync(realPath(store, outPath()), 'utf8'), 'host\n');
});
