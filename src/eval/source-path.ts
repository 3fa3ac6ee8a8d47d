// Paths as the language sees them: absolute, canonical byte strings. And the search path behind `<name>`.

/** One entry of the search path: `<prefix/rest>` is looked for as `path/rest`; an empty prefix matches everything. */
export interface SearchPathEntry {
  readonly prefix: string;
  readonly path: string;
}

/** Absolute and canonical: no "." or "..", no double or final slash. Relative paths start at `base` (default "/"). Symlinks stay. */
export function canonicalPath(path: string, base = '/'): string {
  const full = path.charCodeAt(0) === 47 ? path : `${base}/${path}`;
  if (!/\/(?:\.{0,2}(?:\/|$))/.test(full)) return full;
  const parts: string[] = [];
  for (const part of full.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** The last component of a canonical path; "" of the root. */
export function baseNameOfPath(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The folder a canonical path lies in; the root is its own. */
export function parentOfPath(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** `parent/name` for canonical parts. */
export function joinPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`;
}
