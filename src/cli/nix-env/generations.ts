// `nix-env --list-generations`, `--switch-generation`, `--rollback`, `--delete-generations`, `--switch-profile`.

import { resolve } from 'node:path';
import { FloeError, UsageError } from '../../base/errors.ts';
import { generationsBeyond, parseOlderThan } from '../../engine/old-generations.ts';
import { switchUserProfile } from '../../engine/profiles.ts';
import { printGenerations } from '../print-generations.ts';
import { refuseFlags } from './line.ts';
import type { EnvRun } from './run.ts';

function onlyArgument(run: EnvRun): string {
  refuseFlags(run.flags);
  if (run.args.length !== 1) throw new UsageError('exactly one argument expected');
  return run.args[0]!;
}

function noArguments(run: EnvRun): void {
  refuseFlags(run.flags);
  if (run.args.length > 0) throw new UsageError('no arguments expected');
}

const isNumber = (text: string): boolean => /^[0-9]{1,15}$/.test(text);

/** `nix-env --switch-profile`. */
export async function switchProfile(run: EnvRun): Promise<void> {
  switchUserProfile(run.engine, resolve(run.engine.cwd, onlyArgument(run)));
}

/** `nix-env --switch-generation`. */
export async function switchGeneration(run: EnvRun): Promise<void> {
  const number = onlyArgument(run);
  if (!isNumber(number)) throw new UsageError('expected a generation number');
  await run.profile.rollback(Number(number), run.choices.dryRun);
}

/** `nix-env --rollback`. */
export async function rollback(run: EnvRun): Promise<void> {
  noArguments(run);
  await run.profile.rollback(undefined, run.choices.dryRun);
}

/** `nix-env --list-generations`. */
export async function listGenerations(run: EnvRun): Promise<void> {
  noArguments(run);
  run.write(await printGenerations(run.profile));
}

/** `nix-env --delete-generations`. */
export async function deleteGenerations(run: EnvRun): Promise<void> {
  refuseFlags(run.flags);
  const { profile, args, choices } = run;
  const [only] = args.length === 1 ? args : [];
  if (only === 'old') return profile.wipeHistory(undefined, choices.dryRun);
  if (only?.includes('d') === true) return profile.wipeHistory(parseOlderThan(only, Math.floor(Date.now() / 1000)), choices.dryRun);
  if (only?.includes('+') === true) {
    if (only.length < 2) throw new FloeError('FLOE_USAGE', `invalid number of generations '${only}'`);
    if (!isNumber(only.slice(1))) throw new FloeError('FLOE_USAGE', `invalid number of generations to keep '${only}'`);
    const count = Number(only.slice(1));
    if (count === 0) throw new FloeError('FLOE_USAGE', 'Must keep at least one generation, otherwise the current one would be deleted');
    return profile.deleteGenerations((generations, current) => generationsBeyond(generations, current, count), choices.dryRun);
  }
  const wrong = args.find((word) => !isNumber(word));
  if (wrong !== undefined) throw new UsageError(`invalid generation number '${wrong}'`);
  const numbers = new Set(args.map(Number));
  await profile.deleteGenerations((generations, current) => {
    if (current !== undefined && numbers.has(current))
      throw new FloeError('FLOE_CURRENT_GENERATION', `cannot delete current version of profile "${profile.path}"`);
    return generations.filter(({ number }) => numbers.has(number));
  }, choices.dryRun);
}
