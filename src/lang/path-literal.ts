// What a path literal means: resolved against the folder of its file, the root or the home folder, as C++ Nix 2.34.8's parser does
// (path_start in parser.y). The tree keeps the literal as written (ast.ts, Path), so a tree can be kept and reused wherever its file lies.

import { PathForm, type Path } from './ast.ts';

/** Where relative and home literals start: absolute byte strings without a final slash (the root is "/"). */
export interface PathBase {
  /** Folder of the file. */
  readonly directory: string;
  readonly home: string;
}

/** Removes ".", ".." and repeated slashes from an absolute path. */
export function canonicalisePath(path: string): string {
  const result: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') result.pop();
    else result.push(part);
  }
  return `/${result.join('/')}`;
}

/** The path as a byte string. A final slash (of the first part of an interpolated path) is kept. */
export function resolvePathLiteral(literal: Path, base: PathBase): string {
  const text = literal.text;
  // NIX: what follows "~" is not made canonical (2.34.8).
  if (literal.form === PathForm.Home) return base.home + text.slice(1);
  const path = canonicalisePath(literal.form === PathForm.Absolute ? text : `${base.directory}/${text}`);
  return text.length > 1 && text.endsWith('/') ? `${path}/` : path;
}
