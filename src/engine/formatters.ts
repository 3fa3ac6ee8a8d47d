// The formatter of the flake around the working folder, as `fmt` and `formatter ...` use it. nix/formatter.cc.

import { resolve } from 'node:path';
import { byteStringToUtf8, utf8ToByteString } from '../base/bytes.ts';
import { FloeError } from '../base/errors.ts';
import { inputSourcePath } from '../fetch/fetchers.ts';
import { printFlakeRef } from '../model/flake-ref.ts';
import { splitStorePath } from '../model/store-path.ts';
import type { Engine } from './engine.ts';
import type { LockChoices } from './flakes.ts';
import { FlakeTarget } from './installables.ts';

/** A formatter's program, and the folder of the flake. */
export interface Formatter {
  /** Absolute. */
  readonly program: string;
  readonly root: string;
}

/** Finds the formatter and builds it. */
export async function findFormatter(engine: Engine, locking: LockChoices): Promise<Formatter> {
  const ref = engine.flakes.parse('.');
  const flake = await engine.flakes.lock(ref, locking);
  const target = new FlakeTarget(engine, flake, ref, '', undefined, {
    paths: [`formatter.${engine.settings.get('system')}`],
    prefixes: [],
  });
  const programs = await engine.programs();
  const program = await programs.app(programs.find(target));
  const root = inputSourcePath(ref.input, engine.flakes.fetcher.machine.context);
  if (root === undefined) throw new FloeError('FLOE_FORMATTER', `flake '${printFlakeRef(ref)}' is no folder of this machine`);
  return { program, root: byteStringToUtf8(root) };
}

/** Becomes the formatter. It learns from PRJ_ROOT where the flake is. */
export async function runFormatter(engine: Engine, { program, root }: Formatter, args: readonly string[]): Promise<never> {
  const programs = await engine.programs();
  return programs.start(program, args, { ignoreEnv: false, keepEnvVar: [], setEnvVar: [['PRJ_ROOT', root]], unsetEnvVar: [] });
}

/** Makes the link to the formatter's package, a root of the collector. */
export async function linkFormatter(engine: Engine, { program }: Formatter, link: string): Promise<void> {
  const found = splitStorePath(utf8ToByteString(program), engine.storeDir);
  if (found !== undefined) await engine.store.addRootLink(found.storePath, resolve(engine.cwd, link));
}
