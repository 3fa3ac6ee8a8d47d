// The last step of `develop`, `run` and `shell`: this process becomes the program, with the store where the program expects it.

import { launch } from '../shell/launch.ts';
import { writeCompiledCode } from './compiled-code.ts';
import type { Engine } from './engine.ts';

export { applyEnvironmentChoices, type EnvironmentChoices, packageFolders } from '../shell/compose.ts';

/** A program and what it gets. */
export interface ProgramRequest {
  /** A path, or a name that PATH leads to. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly system?: string | undefined;
}

/** Closes the engine and becomes the program. */
export async function becomeProgram(engine: Engine, request: ProgramRequest): Promise<never> {
  const { mount } = engine.storeAccess.placement;
  await engine.close();
  writeCompiledCode();
  // floe raised the limit for itself alone.
  return launch({ ...request, mount, stackLimit: engine.childStackLimit });
}

export { requireClearChoices } from '../shell/compose.ts';
