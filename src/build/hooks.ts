// Programs that a user may put around builds: pre-build-hook (more sandbox paths), post-build-hook (told of what was built), diff-hook
// (shown two outputs of one derivation that differ). Nix manual, nix.conf.

import { execFile, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { promisify } from 'node:util';
import { byteStringToUtf8, utf8ToByteString } from '../base/bytes.ts';
import { FloeError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { LineCutter } from './build-log.ts';
import { systemErrorWords } from '../store/local/system-error.ts';
import { describeExit, type SandboxPath } from './sandbox/sandbox.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Sandbox paths that pre-build-hook adds: after a line `extra-sandbox-paths`, one `inside` or `inside=outside` a line. */
export async function runPreBuildHook(program: string, derivation: string, env: Env): Promise<SandboxPath[]> {
  const { stdout } = await promisify(execFile)(program, [byteStringToUtf8(derivation)], { env, encoding: 'utf8' }).catch((error: Error) => {
    throw new FloeError('FLOE_HOOK', `pre-build-hook '${program}' failed: ${error.message.trim()}`, { cause: error });
  });
  const paths: SandboxPath[] = [];
  let inPaths = false;
  for (const line of stdout.split('\n').slice(0, -1)) {
    if (!inPaths) {
      if (line !== 'extra-sandbox-paths' && line !== 'extra-chroot-dirs')
        throw new FloeError('FLOE_HOOK', `unknown pre-build hook command '${line}'`);
      inPaths = true;
    } else if (line === '') inPaths = false;
    else {
      const [target, source = target] = line.split(/=(.*)/s) as [string, string | undefined];
      paths.push({ target: utf8ToByteString(target), source: utf8ToByteString(source), optional: false });
    }
  }
  return paths;
}

export interface PostBuildHook {
  readonly program: string;
  readonly env: Env;
  readonly progress: Progress;
  /** The derivation's printed store path. */
  readonly derivation: string;
  /** Printed store paths. */
  readonly outputs: readonly string[];
  /** All settings as nix.conf would hold them. */
  readonly config: string;
}

/** Runs post-build-hook, its output shown line by line. FloeError where it fails: then the build counts as failed too. */
export async function runPostBuildHook({ program, env, progress, derivation, outputs, config }: PostBuildHook): Promise<void> {
  const activity = progress.start('post-build-hook', `running post-build-hook '${program}'`, { fields: [derivation], level: 'talkative' });
  const cutter = new LineCutter((line) => activity.result('post-build-log-line', [byteStringToUtf8(line)]));
  // The shell makes one stream of both, so that lines keep their order.
  const runMerged = () => {
    const child = spawn('/bin/sh', ['-c', 'exec "$0" 2>&1', program], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...env, DRV_PATH: derivation, OUT_PATHS: outputs.join(' '), NIX_CONFIG: config },
    });
    child.stdout.on('data', (chunk: Buffer) => cutter.push(chunk.toString('latin1')));
    return new Promise<string | undefined>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) => resolve(describeEnd(status, signal)));
    });
  };
  try {
    const problem = whyNotExecutable(program);
    if (problem !== undefined) cutter.push(utf8ToByteString(`error: executing "${program}": ${problem}\n`));
    const how = problem === undefined ? await runMerged() : 'failed with exit code 1';
    cutter.end();
    if (how !== undefined) throw new FloeError('FLOE_HOOK', `program "${program}" ${how}`, { hint: "it is the setting 'post-build-hook'" });
  } finally {
    activity.stop();
  }
}

/** Shows two outputs that differ to diff-hook; its trouble is only said. */
export async function runDiffHook(
  program: string,
  paths: { old: string; new: string; derivation: string; buildDir: string },
  env: Env,
  progress: Progress,
): Promise<void> {
  const words = [paths.old, paths.new, paths.derivation, paths.buildDir].map(byteStringToUtf8);
  const problem = whyNotExecutable(program);
  if (problem !== undefined) progress.log('error', `error: executing "${program}": ${problem}`);
  try {
    const { stdout } = await promisify(execFile)(program, words, { cwd: '/', env, encoding: 'utf8', maxBuffer: 1 << 28 });
    if (stdout.trim() !== '') progress.log('error', stdout.trimEnd());
  } catch (error) {
    const { code, signal } = error as { code?: unknown; signal?: NodeJS.Signals | null };
    const how = describeEnd(typeof code === 'number' ? code : signal ? null : 1, signal ?? null);
    progress.log('error', `error: diff hook execution failed: diff-hook program "${program}" ${how!}`);
  }
}

/** How a program failed; undefined where it did not. */
function describeEnd(status: number | null, signal: NodeJS.Signals | null): string | undefined {
  if (status === 0) return undefined;
  return describeExit(status === null ? { kind: 'signalled', signal: signal! } : { kind: 'exited', code: status });
}

/** In the machine's words; a name without a slash is looked for by who starts it. */
function whyNotExecutable(program: string): string | undefined {
  if (!program.includes('/')) return undefined;
  try {
    accessSync(program, constants.X_OK);
    return undefined;
  } catch (error) {
    return systemErrorWords(error);
  }
}
