// What commands on store paths share: the options that choose the paths, and finding them.

import { UsageError } from '../base/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { allStorePaths, storePathsOf } from '../engine/store-paths.ts';
import type { StorePath } from '../model/store-path.ts';
import type { BaseCommand } from './base-command.ts';
import { lockChoices } from './lock-choices.ts';
import { openEvaluatingEngine, readInstallables, sourceChoice } from './open-engine.ts';
import { closureOptions, installableOptions, installablesFromStdin } from './options.ts';

/** Options of a command that works on store paths. */
export function storePathOptions() {
  return { ...installableOptions(), ...closureOptions(), ...installablesFromStdin() };
}

/** Finds the paths, references first, and works on them with an engine that is closed afterwards. */
export async function withStorePaths<Result>(
  command: BaseCommand,
  options: ReturnType<typeof storePathOptions>,
  words: readonly string[],
  work: (engine: Engine, paths: StorePath[]) => Promise<Result>,
): Promise<Result> {
  if (options.all && words.length > 0) throw new UsageError("'--all' does not expect arguments");
  const source = sourceChoice(command, options);
  const engine = openEvaluatingEngine(command, options);
  try {
    if (options.all) return await work(engine, await allStorePaths(engine));
    const locking = lockChoices(command, engine, options);
    const targets = await engine.targets(readInstallables(command, words, options.stdin), 'build', source, locking);
    return await work(engine, await storePathsOf(engine, targets, options));
  } finally {
    await engine.close();
  }
}
