// `nix-store --gc`, `--delete`, `--verify`, `--verify-path`, `--repair-path`, `--optimise`, `--init`, `--serve`: looking after the store.

import { printSize } from '../../base/byte-size.ts';
import { bytesOf } from '../../base/bytes.ts';
import { UsageError } from '../../base/errors.ts';
import { ServeSession } from '../../engine/serve-session.ts';
import { StoreCare } from '../../engine/store-care.ts';
import { printFreed } from '../print-freed.ts';
import { readInteger } from '../read-integer.ts';
import type { OperationRun } from './operation.ts';

interface GcRequest {
  readonly printRoots: boolean;
  readonly action: 'return-live' | 'return-dead' | 'delete-dead';
  readonly maxFreedBytes: number | undefined;
}

function readGcFlags({ flags }: OperationRun): GcRequest {
  let printRoots = false;
  let action: GcRequest['action'] = 'delete-dead';
  let maxFreedBytes: number | undefined;
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i]!;
    if (flag === '--print-roots') printRoots = true;
    else if (flag === '--print-live') action = 'return-live';
    else if (flag === '--print-dead') action = 'return-dead';
    else if (flag === '--max-freed') {
      maxFreedBytes = Math.max(readInteger(flags[++i]!), 0);
    } else throw new UsageError(`bad sub-operation '${flag}' in GC`);
  }
  if (maxFreedBytes !== undefined && (action !== 'delete-dead' || printRoots)) {
    throw new UsageError('option --max-freed cannot be combined with --print-live, --print-dead, or --print-roots');
  }
  return { printRoots, action, maxFreedBytes };
}

/** `nix-store --gc`. */
export async function collectGarbage(run: OperationRun): Promise<void> {
  const { printRoots, action, maxFreedBytes } = readGcFlags(run);
  run.refuseArguments();
  if (printRoots) {
    // NIX: links are quoted here, but not by --query --roots (2.34.8).
    for (const { link, target } of run.queries.roots())
      run.write(bytesOf(`"${link.replace(/["\\]/g, '\\$&')}" -> ${run.engine.storeDir}/${target}\n`));
    return;
  }
  const results = await new StoreCare(run.engine).collectGarbage({ action, ...(maxFreedBytes === undefined ? {} : { maxFreedBytes }) });
  if (action === 'delete-dead') run.print(printFreed(results));
  else results.paths.forEach((path) => run.print(path));
}

/** `nix-store --delete`. */
export async function deletePaths(run: OperationRun): Promise<void> {
  const ignoreLiveness = run.readFlags('--ignore-liveness').has('--ignore-liveness');
  const paths = run.args.map((arg) => run.queries.resolve(arg));
  await new StoreCare(run.engine).deletePaths(paths, ignoreLiveness, (results) => run.print(printFreed(results)));
}

/** `nix-store --verify`. */
export async function verify(run: OperationRun): Promise<number> {
  run.refuseArguments();
  const flags = run.readFlags('--check-contents', '--repair');
  const hasErrors = await new StoreCare(run.engine).verify({ checkContents: flags.has('--check-contents'), repair: flags.has('--repair') });
  if (!hasErrors) return 0;
  run.session.report.warn('not all store errors were fixed');
  return 1;
}

/** `nix-store --verify-path`. */
export async function verifyPaths(run: OperationRun): Promise<number> {
  run.refuseFlags('no flags expected');
  const care = new StoreCare(run.engine);
  let status = 0;
  for (const arg of run.args) {
    const path = run.queries.resolve(arg);
    run.session.report.log('talkative', `checking path '${run.engine.storeDir}/${path}'...`);
    if (!(await care.checkContents(path))) status = 1;
  }
  return status;
}

/** `nix-store --repair-path`. */
export async function repairPaths(run: OperationRun): Promise<void> {
  run.refuseFlags('no flags expected');
  for (const arg of run.args) await new StoreCare(run.engine).repair(run.queries.resolve(arg));
}

/** `nix-store --optimise`. */
export async function optimise(run: OperationRun): Promise<void> {
  if (run.args.length > 0 || run.flags.length > 0) throw new UsageError('no arguments expected');
  const stats = await new StoreCare(run.engine).optimise();
  if (stats === undefined) return;
  const { filesLinked, bytesFreed } = stats;
  run.session.report.log('info', `${printSize(bytesFreed)} freed by hard-linking ${filesLinked} files`);
}

/** `nix-store --init`: opening the store has made it. */
export async function init(run: OperationRun): Promise<void> {
  run.refuseFlags();
  run.refuseArguments();
  void run.store;
}

/** `nix-store --serve`. */
export async function serve(run: OperationRun): Promise<void> {
  const mayWrite = run.readFlags('--write').has('--write');
  run.refuseArguments();
  const { stdin, stdout } = run.session;
  await new ServeSession(run.engine, { read: () => stdin.readChunk(), write: (chunk) => stdout.write(chunk), mayWrite }).run();
}
