// Names that differ in case only, on file systems that do not tell them apart (setting `use-case-hack`): unpacking gives all but the
// first a suffix, packing takes it off again. libutil/archive.cc.

import { FormatError, IoError } from '../../base/errors.ts';
import type { NarVisitor } from '../../model/nar.ts';

const SUFFIX = '~nix~case~hack~';

/** As strcasecmp of the C locale compares. */
const folded = (name: string): string => name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** The name without the suffix. */
export function plainName(name: string): string {
  const at = name.indexOf(SUFFIX);
  return at < 0 ? name : name.slice(0, at);
}

/** IoError where two of a folder's names are one without it. */
export function requirePlainNames(folder: string, names: readonly string[]): void {
  const plain = new Map<string, string>();
  for (const name of names) {
    const other = plain.get(plainName(name));
    if (other !== undefined) throw new IoError(`file name collision between '${folder}/${other}' and '${folder}/${name}'`);
    plain.set(plainName(name), name);
  }
}

/** Has `restorer` unpack every name that collides with one before it under a name of its own. */
export function renameCollisions(restorer: NarVisitor): NarVisitor {
  /** Path in the archive -> path on disk. */
  const places = new Map<string, string>([['', '']]);
  /** Path on disk of a folder -> folded name -> the name, and how many more there were. */
  const taken = new Map<string, Map<string, { readonly name: string; count: number }>>();
  const place = (path: string): string => {
    const slash = path.lastIndexOf('/');
    if (slash < 0) return path;
    const folder = places.get(path.slice(0, slash))!;
    const name = path.slice(slash + 1);
    const names = taken.get(folder) ?? new Map<string, { readonly name: string; count: number }>();
    taken.set(folder, names);
    const first = names.get(folded(name));
    let real = name;
    if (first === undefined) names.set(folded(name), { name, count: 0 });
    else {
      real = `${name}${SUFFIX}${++first.count}`;
      const other = names.get(folded(real));
      if (other !== undefined) {
        throw new FormatError(`bad archive: NAR contains file name '${name}' that collides with case-hacked file name '${other.name}'`);
      }
    }
    places.set(path, `${folder}/${real}`);
    return `${folder}/${real}`;
  };
  return {
    beginDirectory: (path) => restorer.beginDirectory(place(path)),
    endDirectory: (path) => restorer.endDirectory(places.get(path)!),
    symlink: (path, target) => restorer.symlink(place(path), target),
    beginRegular: (path, executable, size, offset) => restorer.beginRegular(place(path), executable, size, offset),
    contents: (chunk) => restorer.contents(chunk),
    endRegular: (path) => restorer.endRegular(places.get(path)!),
  };
}
