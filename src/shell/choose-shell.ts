// Which bash runs a development shell. C++ Nix takes `bashInteractive` of the flake's nixpkgs and falls back on the bash that PATH leads
// to; it does not look at the derivation's own builder, which in nixpkgs is built without line editing. floe takes that builder where it
// can edit lines (that of the embedded packages can), so that a shell needs nothing that its flake did not lock.

import { readFileSync } from 'node:fs';
import type { StoreMount } from './launch.ts';

/** A bash, and whether its folder leads PATH in the shell. */
export interface ChosenShell {
  readonly path: string;
  readonly leadsPath: boolean;
}

/** The usage line of the builtin `bind`, which a bash has only where it was built with readline. */
const LINE_EDITING = Buffer.from('bind [-lp');

/** Whether the program at `path` (as it lies now) is a bash that can edit lines. */
export function hasLineEditing(path: string): boolean {
  try {
    return readFileSync(path).includes(LINE_EDITING);
  } catch {
    return false;
  }
}

/**
 * `preferred` are paths of shells as they print, best first (the builder of the environment's derivation among them); the first that
 * can edit lines is taken, else the machine's bash.
 */
export function chooseShell(preferred: readonly string[], mount: StoreMount | undefined): ChosenShell {
  for (const path of preferred) {
    const isMounted = mount !== undefined && path.startsWith(`${mount.at}/`);
    if (hasLineEditing(isMounted ? mount.physical + path.slice(mount.at.length) : path)) return { path, leadsPath: true };
  }
  return { path: 'bash', leadsPath: false };
}
