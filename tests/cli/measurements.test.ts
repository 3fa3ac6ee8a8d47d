// Function traces, evaluation profiles and statistics: the cases of Nix's function-trace.sh and flamegraph-profiler.sh, and the figures of
// NIX_SHOW_STATS that must not depend on the machine. In a file of its own, as evaluation stays watched for the rest of a process.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { runFloe } from '../support/run-floe.ts';

const folder = mkdtempSync(join(tmpdir(), 'floe-measured-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const env = { HOME: folder, NIX_REMOTE: join(folder, 'root') };

/** What a trace or a profile of an expression must hold, a line each. */
const TRACES: Readonly<Record<string, readonly string[]>> = {
  'builtins.tryEval (throw "example")': ['entered 1:1', 'entered 1:19', 'exited 1:19', 'exited 1:1'],
  '({ x }: x) { }': ['entered 1:1', 'exited 1:1'],
  '(x: y: x + y) 1': ['entered 1:1', 'exited 1:1'],
  '(x: x) 1 2': ['entered 1:1', 'exited 1:1'],
  '1 2': ['entered 1:1', 'exited 1:1'],
  '(x: x) (5 - 3 < 4)': ['entered 1:1', 'entered 1:15', 'entered 1:11', 'exited 1:11', 'exited 1:15', 'exited 1:1'],
};
const PROFILES: Readonly<Record<string, readonly string[]>> = {
  'let f = arg: arg; in f 1': ['1:22:f 1'],
  '(arg: arg) 1': ['1:1 1'],
  'builtins.head [0 1]': ['1:1:primop head 1'],
  'let a = builtins.all (let f = x: x; in f); in a [1]': ['1:9:primop all 1', '1:47:primop all 1', '1:47:primop all;1:31:f 1'],
  '{__functor = x: arg: arg;} 1': ['1:1:functor 1', '1:1:functor;1:2 1'],
  'builtins.tryEval (throw "example")': ['1:1:primop tryEval 1', '1:1:primop tryEval;1:19:primop throw 1'],
  'let f = (x: y: x + y); in f 1': ['1:27:f 1'],
  '1 2': ['1:1 1'],
  'builtins.derivationStrict { name = "somepackage"; }': ['1:1:primop derivationStrict:somepackage 1'],
  'builtins.derivationStrict { }': ['1:1:primop derivationStrict 1'],
};

describe('--trace-function-calls', () => {
  for (const [expression, expected] of Object.entries(TRACES)) {
    test(expression, async () => {
      const words = ['nix-instantiate', '--eval', '--trace-function-calls', '--expr', expression];
      const { stderr } = await runFloe(words, { cwd: folder, env });
      const lines = [...stderr.matchAll(/^function-trace (entered|exited) «string»:(\S+) at \d{19}$/gm)];
      assert.deepEqual(
        lines.map(([, what, place]) => `${what} ${place}`),
        expected,
        stderr,
      );
    });
  }
});

describe('--eval-profiler flamegraph', () => {
  for (const [expression, expected] of Object.entries(PROFILES)) {
    test(expression, async () => {
      const file = join(folder, 'profile');
      const flags = ['--eval-profiler', 'flamegraph', '--eval-profiler-frequency', '0', '--eval-profile-file', file];
      await runFloe(['nix-instantiate', ...flags, '--expr', expression], { cwd: folder, env });
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      assert.deepEqual(
        lines.map((line) => line.replaceAll('«string»:', '')),
        expected,
      );
    });
  }
});

test('NIX_SHOW_STATS prints what C++ Nix counts too', async () => {
  const path = join(folder, 'stats.json');
  const counted = { ...env, NIX_SHOW_STATS: '1', NIX_SHOW_STATS_PATH: path, NIX_COUNT_CALLS: '1' };
  await runFloe(['nix', 'eval', '--expr', 'let f = x: x + 1 - 2; in map f [ 1 2 ]'], { cwd: folder, env: counted });
  const stats = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const { nrThunks, nrLookups, nrFunctionCalls, nrPrimOpCalls, primops, functions } = stats;
  // As C++ Nix 2.34.8 prints them for this expression.
  assert.deepEqual(
    { nrThunks, nrLookups, nrFunctionCalls, nrPrimOpCalls },
    { nrThunks: 4, nrLookups: 0, nrFunctionCalls: 2, nrPrimOpCalls: 3 },
  );
  assert.deepEqual(primops, { map: 1, sub: 2 });
  assert.deepEqual(functions, [{ name: 'f', line: 1, column: 9, count: 2 }]);
});
