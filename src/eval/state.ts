// What one evaluator holds: its host, the table of positions, the base environment, and its caches. It is handed to every builtin and
// stands in slot 1 of the root environment, where nodes find it (stateOf) when they need more than their environment.

import type { Attrs } from './attrs.ts';
import type { EvalHost } from './host.ts';
import type { Kept } from './kept.ts';
import type { PositionTable, PositionId } from './position.ts';
import type { SearchPathEntry } from './source-path.ts';
import type { GlobalNames } from '../lang/bind.ts';
import type { Env, Slot, Value } from './value.ts';

/** Switches that change how evaluation behaves, beside what the host's constants say. */
export interface EvalSettings {
  /** Calls inside calls before "stack overflow" (C++ Nix's max-call-depth). */
  readonly maxCallDepth: number;
  /** Whether calls leave trace frames ("while calling ..."), as with --show-trace. */
  readonly showTrace: boolean;
}

export const DEFAULT_EVAL_SETTINGS: EvalSettings = { maxCallDepth: 10000, showTrace: false };

/** One evaluator's state. Made by evaluator.ts. */
export interface EvalState {
  readonly host: EvalHost;
  readonly settings: EvalSettings;
  readonly positions: PositionTable;
  /** Root environment: [null, state, ...]. */
  readonly rootEnv: Env;
  /** Names of the base environment that programs use bare (`map`, `__add`, `true`). */
  queryGlobal(name: string): Slot | undefined;
  /** Those names. */
  readonly globalNames: GlobalNames;
  /** `builtins`. */
  readonly builtins: Attrs;
  /** What `<name>` looks through. */
  readonly searchPath: readonly SearchPathEntry[];
  /** The value of a file, evaluated once (`import`). The path is canonical; a folder means its default.nix. */
  importFile(path: string, pos: PositionId): Value;
  /** The file that an imported path means: links followed, a folder's default.nix. */
  resolveImport(path: string): string;
  /** The value of a file that is a program of its own: no cache, no frame. */
  evalProgram(path: string): Value;
  /** The value of a file with other names in scope (`scopedImport`), evaluated anew each time. */
  importScoped(path: string, scope: Attrs, pos: PositionId): Value;
  /** Evaluates source text; relative paths in it start at `basePath`, a folder. `label` is for messages ("«string»"). */
  evalText(text: string, basePath: string, label?: string): Value;
  /** The `{ column, file, line }` of a position, null where there is none (`__curPos`, unsafeGetAttrPos). */
  positionValue(pos: PositionId): Value;
  /** A file's path after `builtins.findFile`'s rules; throws as `<name>` does where it is nowhere. */
  findFile(entries: readonly SearchPathEntry[], name: string, pos: PositionId): string;
  /** Caches that builtins keep for themselves, by their own key (compiled regular expressions, paths copied to the store). */
  cache<T>(key: symbol, make: () => T): T;
  /** Such a cache by paths of files; forgotten at the end of a program. */
  pathCache<T extends string>(key: symbol): Map<string, T>;
  /** What is left from one program to the next; null where nothing is. */
  readonly kept: Kept | null;
}

/** The state behind an environment. */
export function stateOf(env: Env): EvalState {
  let root = env;
  while (root[0] !== null) root = root[0] as Env;
  return root[1] as EvalState;
}
