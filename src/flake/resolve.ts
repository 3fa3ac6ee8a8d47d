// Looking flake references up in the registries: flag, user, system, global, in this order, again and again until the reference is
// direct. The global registry is floe's own, built in, unless the setting `flake-registry` names another. (Nix: libfetchers/registry.cc.)

import { FloeError } from '../base/errors.ts';
import { applyRegistryEntry, type FlakeRegistry, type RegistryEntry } from '../model/flake-registry.ts';
import { type InputAttrs, isDirectInput, isKnownInput, printInput } from '../model/input-scheme.ts';

/** Which registries count: for what a user typed all; for the inputs of flakes only those that are the same everywhere. */
export type RegistryUse = 'all' | 'limited' | 'no';

export interface ResolvedInput {
  readonly input: InputAttrs;
  /** The folder that the registry entry names; undefined where it names none, then the reference's own counts. */
  readonly dir: string | undefined;
}

const MAX_STEPS = 100;

/** The direct input a reference stands for. */
export function resolveInput(original: InputAttrs, registries: readonly FlakeRegistry[], use: RegistryUse): ResolvedInput {
  if (use === 'no') return { input: original, dir: undefined };
  const counted = registries.filter(({ kind }) => use === 'all' || kind === 'flag' || kind === 'global');
  let current: ResolvedInput = { input: original, dir: undefined };
  for (let step = 1; ; step++) {
    if (step > MAX_STEPS) throw new FloeError('FLOE_REGISTRY', `cycle detected in flake registry for '${printInput(current.input)}'`);
    const next = lookUp(current.input, counted);
    if (!next) break;
    current = { input: next.input, dir: next.dir === '' ? undefined : next.dir };
  }
  if (isKnownInput(current.input) && !isDirectInput(current.input)) {
    throw new FloeError('FLOE_REGISTRY', `cannot find flake '${printInput(current.input)}' in the flake registries`, {
      hint: 'name it in full (`github:owner/repo`, a path beginning with `./`), or add it with `floe registry add`',
    });
  }
  return current;
}

function lookUp(input: InputAttrs, registries: readonly FlakeRegistry[]): ReturnType<typeof applyRegistryEntry> {
  for (const { entries } of registries) {
    for (const entry of entries) {
      const found = applyRegistryEntry(entry, input);
      if (found) return found;
    }
  }
  return undefined;
}

function indirect(id: string, to: InputAttrs): RegistryEntry {
  return { from: { type: 'indirect', id }, to, dir: '', exact: false };
}

function github(owner: string, repo: string, ref?: string): InputAttrs {
  return { type: 'github', owner, repo, ...(ref !== undefined && { ref }) };
}

/** Names everybody has without a file: floe's own package set where it is installed, and the ones most flakes use. */
export function builtInRegistry(places: { readonly debpkgs?: string | undefined; readonly templates?: string | undefined }): FlakeRegistry {
  const own = Object.entries({ debpkgs: places.debpkgs, templates: places.templates });
  return {
    kind: 'global',
    entries: [
      ...own.flatMap(([id, path]) => (path === undefined ? [] : [indirect(id, { type: 'path', path })])),
      indirect('flake-compat', github('NixOS', 'flake-compat')),
      indirect('flake-parts', github('hercules-ci', 'flake-parts')),
      indirect('flake-utils', github('numtide', 'flake-utils')),
      indirect('home-manager', github('nix-community', 'home-manager')),
      indirect('nix', github('NixOS', 'nix')),
      indirect('nix-darwin', github('nix-darwin', 'nix-darwin')),
      indirect('nixos-hardware', github('NixOS', 'nixos-hardware')),
      indirect('nixpkgs', github('NixOS', 'nixpkgs', 'nixpkgs-unstable')),
    ],
  };
}
