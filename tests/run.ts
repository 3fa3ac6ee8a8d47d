// The test runner behind `npm test`: chooses test files, runs each in a process of its own (two at a time: tests share the machine
// with what they start), prints what failed and why, what was skipped and why, and ends with a line `N passed, N failed`.
//
//   node tests/run.ts [--fast | --oracle | --house] [--jobs N] [FILE or FOLDER ...]
//
// --fast leaves out what needs a sandbox, the network or a mirror; --oracle runs the comparisons with a real Nix, the long ones too.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import process from 'node:process';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = resolve(fileURLToPath(new URL('.', import.meta.url)), '..');
/** Folders whose tests build in a sandbox or read from a mirror. */
const SLOW = ['tests/build/', 'tests/examples/', 'tests/packages/', 'tests/debpkgs/builds/'];
const TIMEOUT_MS = 15 * 60 * 1000;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    fast: { type: 'boolean', default: false },
    oracle: { type: 'boolean', default: false },
    house: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
  },
});

function listTestFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

function chooseFiles(): string[] {
  if (positionals.length > 0) {
    return positionals.flatMap((name) =>
      statSync(resolve(name)).isDirectory() ? listTestFiles(resolve(name)) : [relative(root, resolve(name))],
    );
  }
  const all = [...listTestFiles(join(root, 'src')), ...listTestFiles(join(root, 'tests'))];
  if (options.oracle) return all.filter((file) => file.startsWith('tests/oracle/') || file.endsWith('.long.test.ts'));
  if (options.house) return all.filter((file) => file.startsWith('tests/house/'));
  const usual = all.filter((file) => !file.endsWith('.long.test.ts') && !file.startsWith('tests/bench/'));
  return options.fast ? usual.filter((file) => !SLOW.some((folder) => file.startsWith(folder))) : usual;
}

/** Tests that start bin/floe mean the sources as they are now. False where these cannot be built. */
function buildIfStale(): boolean {
  const built = join(root, 'dist/floe.cjs');
  const builtAt = existsSync(built) ? statSync(built).mtimeMs : 0;
  const stale = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true }).some(
    (entry) => entry.isFile() && statSync(join(entry.parentPath, entry.name)).mtimeMs > builtAt,
  );
  if (!stale || process.env['FLOE_DEV']) return true;
  return spawnSync(process.execPath, [join(root, 'bin/build.ts')], { stdio: 'inherit' }).status === 0;
}

/** The message and the part of a stack that lies in this project. */
function describeFailure(error: Error): string {
  const cause = (error.cause instanceof Error ? error.cause : error) as Error;
  const stack = (cause.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at ') && line.includes(root));
  return [String(cause.message ?? cause), ...stack.slice(0, 4).map((line) => line.replaceAll(`${root}/`, ''))].join('\n');
}

interface Outcome {
  passed: number;
  failed: number;
  readonly skipped: Map<string, number>;
}

async function runFiles(files: readonly string[]): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failed: 0, skipped: new Map() };
  const stream = run({ files: files.map((file) => join(root, file)), concurrency: Number(options.jobs), timeout: TIMEOUT_MS, cwd: root });
  const started = new Map<string, string[]>();
  for await (const event of stream) {
    if (event.type === 'test:start') {
      // The path of names down to a test, for the report: a start follows the start of what encloses it.
      const path = started.get(event.data.file ?? '') ?? [];
      path.length = event.data.nesting;
      path[event.data.nesting] = event.data.name;
      started.set(event.data.file ?? '', path);
    } else if (event.type === 'test:pass' || event.type === 'test:fail') {
      if (event.data.details.type === 'suite') continue;
      if (event.data.skip !== undefined) {
        const reason = typeof event.data.skip === 'string' && event.data.skip !== '' ? event.data.skip : 'no reason given';
        outcome.skipped.set(reason, (outcome.skipped.get(reason) ?? 0) + 1);
      } else if (event.type === 'test:pass' || event.data.todo !== undefined) {
        outcome.passed++;
      } else {
        const error = event.data.details.error as Error & { failureType?: string };
        // A test that failed because one below it did is reported there.
        if (error.failureType === 'subtestsFailed') continue;
        outcome.failed++;
        const file = event.data.file === undefined ? '' : relative(root, event.data.file);
        const path = [...(started.get(event.data.file ?? '') ?? []).slice(0, event.data.nesting), event.data.name];
        console.log(`FAILED ${file}${event.data.line === undefined ? '' : `:${event.data.line}`}  ${path.join(' > ')}`);
        console.log(describeFailure(error).replace(/^/gm, '    '));
      }
    } else if (event.type === 'test:stderr' || event.type === 'test:stdout') {
      if (process.env['FLOE_TEST_OUTPUT']) process.stderr.write(event.data.message);
    }
  }
  return outcome;
}

const files = chooseFiles();
const isBuilt = options.house || buildIfStale();
const begin = Date.now();
const outcome = await runFiles(files);
if (!isBuilt) {
  console.log('FAILED bin/build.ts');
  outcome.failed++;
}
for (const [reason, count] of outcome.skipped) console.log(`skipped ${count}: ${reason}`);
console.log(`${files.length} files, ${((Date.now() - begin) / 1000).toFixed(1)} s`);
console.log(`${outcome.passed} passed, ${outcome.failed} failed`);
process.exitCode = outcome.failed > 0 || outcome.passed === 0 ? 1 : 0;
