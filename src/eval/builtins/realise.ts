// From values to paths that can be read now: a path whose context names outputs of derivations is built first (import from
// derivation). And symbolic links, where a builtin must follow the last one itself.

import { compareStrings } from '../../base/bytes.ts';
import { EvalError, InvalidPathError, RestrictedPathError } from '../../base/errors.ts';
import { printDerivationRef } from '../../model/derived-path.ts';
import { printStorePath, type StorePath } from '../../model/store-path.ts';
import { coerceToPath, inContext } from '../coerce.ts';
import type { EvalHost } from '../host.ts';
import { NO_POSITION, type PositionId } from '../position.ts';
import { baseNameOfPath, canonicalPath, joinPath, parentOfPath } from '../source-path.ts';
import type { EvalState } from '../state.ts';
import { ContextAccumulator, type StringContext } from '../string-context.ts';
import type { Slot } from '../value.ts';

/** Makes what a context names available: checks that objects are valid, builds outputs. Gives what placeholders stand for then. */
export function realiseContext(state: EvalState, context: StringContext | null): ReadonlyMap<string, string> | undefined {
  if (context === null) return undefined;
  const { host } = state;
  const { storeDir, allowImportFromDerivation } = host.constants;
  const outputs: string[] = [];
  const checkValid = (path: StorePath): void => {
    if (!host.isValidPath(path)) throw new InvalidPathError(`path '${printStorePath(path, storeDir)}' is not valid`, { data: { path } });
  };
  for (const element of context) {
    checkValid(element.path);
    if (element.kind === 'built') outputs.push(`${printDerivationRef(element.derivation, storeDir)}^${element.output}`);
  }
  if (outputs.length === 0) return undefined;
  outputs.sort(compareStrings);
  if (!allowImportFromDerivation) {
    throw new EvalError(`cannot build '${outputs[0]}' during evaluation because the option 'allow-import-from-derivation' is disabled`, {
      code: 'FLOE_IMPORT_FROM_DERIVATION',
    });
  }
  if (host.constants.traceImportFromDerivation === true)
    host.log('warn', `built '${outputs[0]}' during evaluation due to an import from derivation`);
  return host.realise(outputs);
}

/** The text with paths in the place of placeholders. */
export function replacePlaceholders(text: string, rewrites: ReadonlyMap<string, string> | undefined): string {
  let result = text;
  for (const [from, to] of rewrites ?? []) result = result.replaceAll(from, () => to);
  return result;
}

/** Sees to it that a store path is valid, by substitution if need be; evaluation that only reads takes it as it is. */
export function ensureValid({ host }: EvalState, path: StorePath): void {
  const { readOnly, storeDir } = host.constants;
  if (readOnly !== true && !host.isValidPath(path)) host.realise([printStorePath(path, storeDir)]);
}

/** A path from a value, made readable. */
export function realisePath(state: EvalState, pos: PositionId, slot: Slot): string {
  const context = new ContextAccumulator();
  const path = coerceToPath(state, NO_POSITION, slot, context, 'while realising the context of a path');
  if (context.context !== null) {
    try {
      return replacePlaceholders(path, realiseContext(state, context.context));
    } catch (error) {
      throw inContext(error, pos, `while realising the context of path '${path}'`);
    }
  }
  return path;
}

const RESOLVED = Symbol('folders with symbolic links followed');

/** A path from a value, made readable, with every symbolic link in it followed, as those builtins see it that open what is there. */
export function realiseAndResolve(state: EvalState, pos: PositionId, slot: Slot): string {
  const path = realisePath(state, pos, slot);
  if (path === '/') return path;
  // PERF: folders are looked at once; what is left is one look at the path itself.
  const folders = state.pathCache(RESOLVED);
  const parent = parentOfPath(path);
  let folder = folders.get(parent);
  if (folder === undefined) folders.set(parent, (folder = resolveSymlinks(state.host, parent)));
  const here = joinPath(folder, baseNameOfPath(path));
  return isLink(state.host, here) ? resolveSymlinks(state.host, here) : here;
}

const MAX_LINKS = 1024;

/** NIX: what may not be looked at counts as no link; whoever opens the whole path is told, and the message names that path. */
function isLink(host: EvalHost, path: string): boolean {
  try {
    return host.pathKind(path) === 'symlink';
  } catch (error) {
    if (error instanceof RestrictedPathError) return false;
    throw error;
  }
}

/** The path with every symbolic link in it followed, the last one too. What is missing is left as it is. */
export function resolveSymlinks(host: EvalHost, path: string): string {
  let resolved = '/';
  const rest = path.split('/').filter((part) => part !== '');
  for (let links = 0; rest.length > 0;) {
    const part = rest.shift()!;
    if (part === '.') continue;
    if (part === '..') {
      resolved = parentOfPath(resolved);
      continue;
    }
    const here = joinPath(resolved, part);
    if (here === host.constants.storeDir || host.constants.storeDir.startsWith(`${here}/`) || !isLink(host, here)) {
      resolved = here;
      continue;
    }
    if (++links > MAX_LINKS) throw new EvalError(`infinite symlink recursion in path '${path}'`);
    const target = host.readLink(here);
    if (target.startsWith('/')) resolved = '/';
    rest.unshift(...target.split('/').filter((piece) => piece !== ''));
  }
  return canonicalPath(resolved);
}
