// The builtins for tests: the table, or while it is not there yet, what the family files export.

import { existsSync, readdirSync } from 'node:fs';
import type { BuiltinConstant, BuiltinDefinition, BuiltinTable } from '../../src/eval/builtin.ts';

/** All builtins there are. */
export async function gatherBuiltins(): Promise<BuiltinTable> {
  const folder = new URL('../../src/eval/builtins/', import.meta.url);
  if (existsSync(new URL('index.ts', folder))) {
    try {
      return ((await import(new URL('index.ts', folder).href)) as { BUILTINS: BuiltinTable }).BUILTINS;
    } catch {
      // Not complete yet.
    }
  }
  const functions: Record<string, BuiltinDefinition> = {};
  const constants: Record<string, BuiltinConstant> = {};
  for (const file of readdirSync(folder)) {
    if (file.endsWith('.test.ts')) continue;
    const module = (await import(new URL(file, folder).href).catch(() => ({}))) as Record<
      string,
      { run?: unknown; value?: unknown; name?: string; text?: string } | undefined
    >;
    for (const [exported, thing] of Object.entries(module)) {
      if (typeof thing !== 'object' || thing.text === undefined) continue;
      const name = thing.name ?? exported.replace(/_$/, '');
      if (thing.run !== undefined) functions[name] = thing as unknown as BuiltinDefinition;
      else if (thing.value !== undefined) constants[name] = thing as unknown as BuiltinConstant;
    }
  }
  for (const name of ['fromTOML', 'fetchTree', 'fetchGit', 'fetchTarball', 'fetchurl', 'getFlake']) {
    functions[name] ??= {
      args: ['x'],
      text: name,
      run: () => {
        throw new Error(name);
      },
    };
  }
  return { functions, constants };
}
