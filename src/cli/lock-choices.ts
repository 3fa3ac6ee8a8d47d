// What the flake options of a command mean to locking.

import { resolve } from 'node:path';
import { utf8ToByteString } from '../base/bytes.ts';
import type { Engine } from '../engine/engine.ts';
import type { LockChoices, LockedFlake } from '../engine/flakes.ts';
import { parseInputFlag } from '../engine/flakes.ts';
import type { BaseCommand } from './base-command.ts';
import type { flakeOptions } from './options.ts';

/** Reads the options; what they say of registries goes into the settings. */
export function lockChoices(command: BaseCommand, engine: Engine, options: ReturnType<typeof flakeOptions>): LockChoices {
  const { settings, cwd } = command.session;
  if (options.noRegistries) {
    command.session.report.warn("'--no-registries' is deprecated; use '--no-use-registries'");
    settings.set('use-registries', false);
  }
  if (options.recreateLockFile) {
    command.session.report.warn(
      "'--recreate-lock-file' is deprecated and will be removed in a future version; use 'nix flake update' instead.",
    );
  }
  if (options.updateInput.length > 0) {
    command.session.report.warn("'--update-input' is a deprecated alias for 'flake update' and will be removed in a future version.");
  }
  engine.flakes.inputsFrom.push(...options.inputsFrom);
  return {
    recreate: options.recreateLockFile,
    updateLockFile: !options.noUpdateLockFile,
    writeLockFile: !options.noWriteLockFile,
    commitLockFile: options.commitLockFile,
    updates: options.updateInput.map((path) => parseInputFlag(utf8ToByteString(path), '--update-input')),
    overrides: options.overrideInput.map(([path, ref]) => ({
      path: parseInputFlag(utf8ToByteString(path), '--override-input'),
      ref: engine.flakes.parse(ref, true),
    })),
    referenceLockFile: options.referenceLockFile === undefined ? undefined : resolve(cwd, options.referenceLockFile),
    outputLockFile: options.outputLockFile === undefined ? undefined : resolve(cwd, options.outputLockFile),
  };
}

/** Locks the flake that a command names, "." if none, to look at it only: what its `nixConfig` says is not asked for. */
export function lockNamedFlake(
  command: BaseCommand,
  engine: Engine,
  options: ReturnType<typeof flakeOptions>,
  url: string | undefined,
): Promise<LockedFlake> {
  return engine.flakes.lock(engine.flakes.parse(url ?? '.'), { ...lockChoices(command, engine, options), ignoreConfig: true });
}
