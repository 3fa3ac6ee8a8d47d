// Folders that lie in floe's own package beside the code: the embedded package set, templates. The code runs from src/ or from dist/.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Absolute path of a folder named from the package's root; undefined where the installation lacks it. */
export function packageFolder(name: string): string | undefined {
  // src/engine/x.ts and dist/x.mjs (or dist/chunks/x.mjs): the root is the nearest folder above with a package.json.
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    if (existsSync(new URL('package.json', folder))) {
      const wanted = new URL(`${name}/`, folder);
      return existsSync(wanted) ? fileURLToPath(wanted).replace(/\/$/, '') : undefined;
    }
    if (folder.pathname === '/') return undefined;
  }
}
