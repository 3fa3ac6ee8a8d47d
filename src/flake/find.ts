// From a typed path to the flake it means: symbolic links resolved, up to the folder with flake.nix, and on to the root of the git
// repository around it, which then is the tree (and the flake a folder in it). The search stops at a repository's root and at the
// border of the file system. (Nix: parsePathFlakeRefWithFragment.)

import { FormatError, IoError } from '../base/errors.ts';
import { type PathResolver, type TypedPath } from '../model/flake-ref.ts';
import { pathUrl } from '../model/input-scheme.ts';
import { BadUrlError, filePathToUrlPath, type Url, type WarningSink } from '../model/url.ts';

/** What the search asks of the disk. Absolute paths; byte strings. */
export interface PathProbe {
  /** Of the path itself, a final symbolic link not followed; undefined where nothing is there. */
  kind(path: string): 'regular' | 'directory' | 'symlink' | 'unknown' | undefined;
  readLink(path: string): string;
  /** Number of the file system the path lies on. */
  device(path: string): number;
}

export interface FindOptions {
  readonly probe: PathProbe;
  readonly baseDir: string;
  /** Take the folder as it is, flake.nix or not (for `--override-input` and the like). */
  readonly allowMissing?: boolean;
  /** Gets "path ... does not contain a 'flake.nix', searching up". */
  readonly notice?: WarningSink | undefined;
  readonly warn?: WarningSink | undefined;
}

const MAX_LINKS = 1024;

function join(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** The path without ".", ".." and symbolic links; what does not exist is kept as it is. */
export function resolveLinks(path: string, probe: PathProbe): string {
  let rest = path.split('/').filter((segment) => segment !== '');
  let result = '/';
  let links = 0;
  while (rest.length > 0) {
    const [segment, ...more] = rest as [string, ...string[]];
    rest = more;
    if (segment === '.') continue;
    if (segment === '..') {
      result = parentOf(result);
      continue;
    }
    const next = join(result, segment);
    if (probe.kind(next) !== 'symlink') {
      result = next;
      continue;
    }
    if (++links > MAX_LINKS) throw new IoError(`infinite symlink recursion in path '${path}'`);
    const target = probe.readLink(next);
    if (target.startsWith('/')) result = '/';
    rest = [...target.split('/').filter((part) => part !== ''), ...rest];
  }
  return result;
}

/** For `parseFlakeRef`: relative paths start at `baseDir`. */
export function makePathResolver(options: FindOptions): PathResolver {
  return { baseDir: options.baseDir, resolve: (typed, isFlake) => resolveTypedPath(typed, isFlake, options) };
}

function resolveTypedPath(typed: TypedPath, isFlake: boolean, options: FindOptions): Url {
  const { probe, baseDir } = options;
  const absolute = resolveLinks(typed.path.startsWith('/') ? typed.path : `${baseDir}/${typed.path}`, probe);
  if (!isFlake) return pathUrl(absolute, typed.query, typed.fragment);
  const folder = findFlakeFolder(absolute, options);
  return repositoryUrl(folder, typed, probe) ?? pathUrl(folder, typed.query, typed.fragment);
}

/** The folder with flake.nix that `path` means. */
function findFlakeFolder(path: string, { probe, allowMissing = false, notice, warn }: FindOptions): string {
  const hasFlake = (folder: string) => probe.kind(join(folder, 'flake.nix')) !== undefined;
  const kind = probe.kind(path);
  if (kind === undefined) {
    throw new IoError(`getting status of "${path}": No such file or directory`, {
      data: { path },
      hint: 'a flake is a folder with a flake.nix in it',
    });
  }
  let folder = path;
  if (kind !== 'directory') {
    if (!path.endsWith('/flake.nix'))
      throw new BadUrlError(`path "${path}" is not a flake (because it's not a directory)`, { data: { path } });
    folder = parentOf(path);
    warn?.(
      `Path "${path}" should point at the directory containing the 'flake.nix' file, not the file itself. Pretending that you meant "${folder}"`,
    );
  }
  if (allowMissing || hasFlake(folder)) return folder;
  notice?.(`path "${folder}" does not contain a 'flake.nix', searching up`);
  const device = probe.device(folder);
  for (; folder !== '/'; folder = parentOf(folder)) {
    if (hasFlake(folder)) return folder;
    if (probe.kind(join(folder, '.git')) !== undefined) {
      throw new FormatError(`path "${folder}" is not part of a flake (neither it nor its parent directories contain a 'flake.nix' file)`, {
        data: { path },
        hint: 'make one with `floe flake init`, or name a flake elsewhere',
      });
    }
    if (probe.device(folder) !== device)
      throw new FormatError(`unable to find a flake before encountering filesystem boundary at "${folder}"`, { data: { path } });
  }
  throw new BadUrlError('could not find a flake.nix file', {
    data: { path },
    hint: `no flake.nix in '${path}' or above: make one with \`floe flake init\``,
  });
}

/** The git repository around a flake's folder as a `git+file` URL; undefined where there is none. */
function repositoryUrl(folder: string, typed: TypedPath, probe: PathProbe): Url | undefined {
  let subdir = '';
  for (let root = folder; root !== '/'; root = parentOf(root)) {
    if (probe.kind(join(root, '.git')) === undefined) {
      const name = root.slice(root.lastIndexOf('/') + 1);
      subdir = subdir === '' ? name : `${name}/${subdir}`;
      continue;
    }
    const query = new Map(typed.query);
    if (subdir !== '') {
      if (query.has('dir')) throw new FormatError(`flake URL '${typed.text}' has an inconsistent 'dir' parameter`);
      query.set('dir', subdir);
    }
    if (probe.kind(join(root, '.git/shallow')) !== undefined) query.set('shallow', '1');
    return {
      scheme: 'git+file',
      authority: { host: '', hostKind: 'name' },
      path: filePathToUrlPath(root),
      query,
      fragment: typed.fragment,
    };
  }
  return undefined;
}
