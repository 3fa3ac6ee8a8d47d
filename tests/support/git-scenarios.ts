// Runs git scenarios (tests/flake/git-scenarios.ts) in a temporary folder: by floe, or by a real Nix. The record of a run holds what
// it printed, its warnings and its error, with the folder's name taken out.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { type GitScenario, PRELUDE } from '../flake/git-scenarios.ts';
import { readNixOutput } from './flake-scenarios.ts';
import { runFlakeTool } from './flake-tool.ts';

export interface RunRecord {
  readonly run: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly output?: unknown;
}

function runScript(script: string, root: string): string {
  const result = spawnSync('sh', ['-c', script], { cwd: root, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${script}: ${result.stderr}`);
  return result.stdout;
}

async function runFloe(
  words: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<{ status: number; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const status = await runFlakeTool(words, { cwd, env, out: (text) => void (stdout += text), err: (text) => void (stderr += text) });
  return { status, stdout, stderr };
}

/** `oracle` is a command prefix; undefined for floe. */
export async function runGitScenario(scenario: GitScenario, root: string, oracle: string | undefined): Promise<RunRecord[]> {
  const state = `${root}.state`;
  for (const folder of [root, state]) fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(root, { recursive: true });
  fs.mkdirSync(state);
  try {
    runScript(`${PRELUDE}\n${scenario.setup}`, root);
    const first = () => runScript('cd r && git rev-list --max-parents=0 HEAD', root).trim();
    const store = `${state}/store`;
    const env = {
      ...process.env,
      NIX_STORE_DIR: store,
      NIX_STATE_DIR: `${state}/var`,
      XDG_CACHE_HOME: `${state}/cache`,
      HOME: state,
      FLAKE_TOOL_STORE: store,
      FLAKE_TOOL_CACHE: `${state}/floe`,
      FLAKE_TOOL_STORE_NAMES: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      TZ: 'UTC',
    };
    const normalise = (text: string) =>
      text
        .replaceAll(new RegExp(`${store}/[0-9a-z]{32}-source`, 'g'), '@TREE@')
        .replaceAll(`'/${root}`, `'${root}`)
        .replaceAll(encodeURI(root), 'ROOT')
        .replaceAll(root, 'ROOT')
        .replace(/ \(libgit2 error code = \d+\)/, '')
        .replace(/^(Failed to fetch git repository '[^']*').*$/s, '$1');
    const runOne = async (run: string): Promise<RunRecord> => {
      const words = run.replaceAll('ROOT', root).replace('REV1', run.includes('REV1') ? first() : '');
      if (run.startsWith('!')) return { run, output: runScript(`${PRELUDE}\n${words.slice(1)}`, `${root}/r`) };
      const list = [...words.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2]!);
      const result =
        oracle === undefined
          ? await runFloe(list, root, env)
          : spawnSync('sh', ['-c', `exec ${oracle} nix flake "$@"`, 'sh', ...list], { cwd: root, encoding: 'utf8', env });
      const { error, warnings, output } = readNixOutput(result);
      const plain = output === undefined ? undefined : (JSON.parse(normalise(JSON.stringify(output))) as Record<string, unknown>);
      // NIX: a tree that is fetched again for its submodules keeps the fingerprint it had without them (2.34.8).
      if (plain !== undefined && String(plain['url']).includes('submodules')) delete plain['fingerprint'];
      // Where the lock file names the folder, so does the text that is hashed.
      if (plain !== undefined && JSON.stringify(plain['locks']).includes('ROOT')) delete plain['fingerprint'];
      return {
        run,
        ...(error !== undefined && { error: normalise(error) }),
        ...(warnings.length > 0 && { warnings: warnings.map(normalise) }),
        ...(plain !== undefined && { output: plain }),
      };
    };
    const records: RunRecord[] = [];
    for (const run of scenario.runs) records.push(await runOne(run));
    return records;
  } finally {
    for (const folder of [root, state]) fs.rmSync(folder, { recursive: true, force: true });
  }
}
