// Reads the source tree for the house tests: which files there are, what they import, how they open.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the project. */
export const ROOT = resolve(fileURLToPath(new URL('.', import.meta.url)), '../..');

export interface SourceFile {
  /** From the root of the project: "src/base/hash.ts". */
  readonly path: string;
  readonly text: string;
  /** Every specifier the file imports or re-exports from, type-only ones included; `dynamic` for import(). */
  readonly imports: readonly { readonly specifier: string; readonly dynamic: boolean }[];
}

const STATIC_IMPORT = /^(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*['"]([^'"]+)['"]/g;

/** All files below `folder` whose name `accept` takes, as text. */
export function readTree(folder: string, accept: (name: string) => boolean): SourceFile[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && accept(entry.name))
    .map((entry) => {
      const path = relative(ROOT, join(entry.parentPath, entry.name));
      const text = readFileSync(join(ROOT, path), 'utf8');
      const imports = [
        ...[...text.matchAll(STATIC_IMPORT)].map((match) => ({ specifier: (match[1] ?? match[2])!, dynamic: false })),
        ...[...text.matchAll(DYNAMIC_IMPORT)].map((match) => ({ specifier: match[1]!, dynamic: true })),
      ];
      return { path, text, imports };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The room a source file lies in: "eval" of "src/eval/builtins/json.ts"; "" for the entry files src/index.ts and src/pure.ts. */
export function roomOf(path: string): string {
  const parts = path.split('/');
  return parts.length > 2 ? parts[1]! : '';
}

/** Where a relative import leads, from the root of the project. */
export function resolveImport(file: SourceFile, specifier: string): string {
  return relative(ROOT, resolve(ROOT, file.path, '..', specifier));
}
