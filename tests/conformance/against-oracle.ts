// Any folders of Nix files under floe and under C++ Nix: parsed (`nix-instantiate --parse`) and evaluated (`--eval --strict`), compared by
// standard output, standard error and exit status. So the suites of other implementations serve where they agree with Nix. Prints
// `passed P of N` a folder and mode, and the names of what differs.
//
//   FLOE_ORACLE=... node tests/conformance/against-oracle.ts [--jobs N] [--match TEXT] [--diff] FOLDER ...

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { jobs: { type: 'string', default: '2' }, match: { type: 'string', default: '' }, diff: { type: 'boolean', default: false } },
});
const floe = resolve(fileURLToPath(new URL('.', import.meta.url)), '../../bin/floe');
const oracle = process.env['FLOE_ORACLE'];
const MODES = { parse: ['--parse'], eval: ['--eval', '--strict'] } as const;
const TIMEOUT_MS = 20_000;

/** What a run showed; undefined where it took too long. */
type Outcome = { readonly status: number | null; readonly out: string; readonly err: string } | undefined;

const home = mkdtempSync(join(tmpdir(), 'floe-against-'));

async function run(command: readonly string[], cwd: string): Promise<Outcome> {
  const env: NodeJS.ProcessEnv = { ...process.env, HOME: home, NIX_STORE_DIR: join(home, 'store'), NIX_STATE_DIR: join(home, 'var') };
  delete env['NIX_PATH'];
  env['NIX_CONFIG'] = 'experimental-features = nix-command flakes\nconnect-timeout = 1\ndownload-attempts = 1';
  const child = spawn(command[0]!, command.slice(1), {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const texts = [child.stdout, child.stderr].map(async (stream) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('latin1');
  });
  const status = await new Promise<number | null>((done) => child.on('close', done));
  const [out, err] = (await Promise.all(texts)) as [string, string];
  return child.signalCode === 'SIGKILL' ? undefined : { status, out, err };
}

function findCases(folder: string): string[] {
  return (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => name.endsWith('.nix') && name.includes(values.match))
    .sort()
    .map((name) => join(folder, name));
}

/** What differs between two runs, in words; undefined where nothing does. */
function difference(ours: Outcome, theirs: Outcome): string | undefined {
  if (ours === undefined || theirs === undefined)
    return ours === theirs ? undefined : `${ours === undefined ? 'floe' : 'C++ Nix'} took too long`;
  if (ours.status !== theirs.status) return `exit status ${String(ours.status)}, not ${String(theirs.status)}`;
  if (ours.out !== theirs.out) return 'standard output';
  // Hints come behind what C++ Nix says.
  return ours.err.startsWith(theirs.err) ? undefined : 'standard error';
}

async function compareFolder(folder: string): Promise<void> {
  const cases = findCases(folder);
  for (const [mode, flags] of Object.entries(MODES)) {
    const different: string[] = [];
    const queue = [...cases];
    const worker = async (): Promise<void> => {
      for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
        const words = ['nix-instantiate', ...flags, basename(file)];
        const [ours, theirs] = await Promise.all([
          run([floe, ...words], dirname(file)),
          run([...oracle!.split(' '), ...words], dirname(file)),
        ]);
        const what = difference(ours, theirs);
        if (what === undefined) continue;
        different.push(`  ${relative(folder, file)}: ${what}`);
        if (values.diff)
          different.push(`--- floe\n${ours?.out ?? ''}${ours?.err ?? ''}--- C++ Nix\n${theirs?.out ?? ''}${theirs?.err ?? ''}`);
      }
    };
    await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
    console.log(`${folder} ${mode}: passed ${cases.length - different.filter((line) => line.startsWith('  ')).length} of ${cases.length}`);
    for (const line of different) console.log(line);
    if (different.length > 0) process.exitCode = 1;
  }
}

if (oracle === undefined || oracle === '') {
  console.log('skipped: FLOE_ORACLE does not name a C++ Nix');
} else {
  for (const folder of positionals) await compareFolder(resolve(folder));
}
rmSync(home, { recursive: true, force: true });
