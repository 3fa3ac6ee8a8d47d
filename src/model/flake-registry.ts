// Flake registries: lists of names and what they stand for, as `registry.json` files hold them (version 2). Looking a reference up
// in several registries is flake/resolve.ts. (Nix manual, "nix registry".)

import { type Json, parseJson, printJson } from '../base/canonical-json.ts';
import { FloeError, FormatError } from '../base/errors.ts';
import { applyRefAndRev, checkInputAttrs, equalAttrs, type InputAttrs, refOf, revOf, stringAttr, withAttrs } from './input-scheme.ts';
import { inputAttrsFromJson } from './lock-file.ts';

export interface RegistryEntry {
  readonly from: InputAttrs;
  readonly to: InputAttrs;
  /** The target's `dir`, "" for none. */
  readonly dir: string;
  /** Only references equal to `from` match; else also those with a branch or revision more, which is handed on. */
  readonly exact: boolean;
}

export interface FlakeRegistry {
  /** Where it comes from, in the order of look-up. */
  readonly kind: 'flag' | 'user' | 'system' | 'global';
  readonly entries: readonly RegistryEntry[];
}

/** Reads a registry file; `path` names it in errors. FormatError. */
export function parseRegistry(text: string, kind: FlakeRegistry['kind'], path: string): FlakeRegistry {
  const json = parseJson(text, `flake registry '${path}'`);
  const top = json instanceof Map ? (json as ReadonlyMap<string, Json>) : new Map<string, Json>();
  const version = top.get('version') ?? 0;
  if (version !== 2) throw new FormatError(`flake registry '${path}' has unsupported version ${printJson(version)}`);
  const flakes = top.get('flakes') ?? [];
  if (!Array.isArray(flakes)) throw new FormatError(`flake registry '${path}': 'flakes' is no list`);
  const entries = (flakes as readonly Json[]).map((flake, index): RegistryEntry => {
    try {
      if (!(flake instanceof Map)) throw new FormatError('it is no JSON object');
      const members = flake as ReadonlyMap<string, Json>;
      const to = inputAttrsFromJson(members.get('to'), "'to'");
      return {
        from: checkInputAttrs(inputAttrsFromJson(members.get('from'), "'from'")),
        to: checkInputAttrs(withAttrs(to, { dir: undefined })),
        dir: stringAttr(to, 'dir') ?? '',
        exact: members.get('exact') === true,
      };
    } catch (error) {
      if (error instanceof FloeError)
        throw new FormatError(`flake registry '${path}': entry ${index + 1}: ${error.message}`, { cause: error });
      throw error;
    }
  });
  return { kind, entries };
}

/** The text of a registry file. */
export function printRegistry(registry: FlakeRegistry): string {
  const flakes = registry.entries.map(({ from, to, dir, exact }) => ({
    from,
    to: dir === '' ? to : { ...to, dir },
    ...(exact && { exact: true }),
  }));
  return printJson({ version: 2, flakes: flakes.length === 0 ? null : flakes }, 2);
}

/** What an entry makes of an input; undefined where it does not match. */
export function applyRegistryEntry(
  entry: RegistryEntry,
  input: InputAttrs,
): { readonly input: InputAttrs; readonly dir: string } | undefined {
  const { from, to, dir } = entry;
  if (entry.exact) return equalAttrs(from, input) ? { input: to, dir } : undefined;
  if (!equalAttrs(from, input) && !equalAttrs(from, withAttrs(input, { ref: undefined, rev: undefined }))) return undefined;
  const ref = refOf(from) === undefined ? refOf(input) : undefined;
  const rev = revOf(from) === undefined ? revOf(input) : undefined;
  return { input: applyRefAndRev(to, ref, rev), dir };
}
