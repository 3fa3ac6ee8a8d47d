// Flake references: an input and the folder in it where flake.nix lies, as people type them (`nixpkgs/branch`, `github:a/b?dir=c`,
// `./x#pkg`), as URLs, and as attributes. Typed paths need the disk (symbolic links, where the repository begins); that is left to a
// `PathResolver` (flake/find.ts), so that everything else here is pure. (Nix manual, "nix flake", "Flake references".)

import { FormatError } from '../base/errors.ts';
import { REF_PATTERN } from './git-ref-name.ts';
import { checkInputAttrs, equalAttrs, type InputAttrs, inputUrl, parseInputUrl, pathUrl, stringAttr, withAttrs } from './input-scheme.ts';
import {
  BadUrlError,
  decodeQuery,
  filePathToUrlPath,
  parseUrl,
  percentDecode,
  printUrl,
  type Url,
  urlPathToFilePath,
  type WarningSink,
  withQuery,
} from './url.ts';

export interface FlakeRef {
  readonly input: InputAttrs;
  /** Folder of flake.nix below the tree's root; "" for the root itself. */
  readonly subdir: string;
}

/** A typed path, taken apart. */
export interface TypedPath {
  /** The reference as it was typed. */
  readonly text: string;
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
  readonly fragment: string;
}

/** Turns typed paths into URLs, relative to a folder. */
export interface PathResolver {
  /** Absolute; relative `path:` and `git+file:` URLs start here. */
  readonly baseDir: string;
  resolve(typed: TypedPath, isFlake: boolean): Url;
}

export interface ParseFlakeRefOptions {
  /** Without one, only absolute paths are accepted. */
  readonly paths?: PathResolver | undefined;
  /** False for inputs with `flake = false`: any file or URL will do. */
  readonly isFlake?: boolean;
  /** Keep `./x` as it is: inputs of a flake are relative to that flake. */
  readonly preserveRelativePaths?: boolean;
  readonly warn?: WarningSink | undefined;
}

/** Removes ".", ".." and doubled slashes from an absolute path, symbolic links not considered. */
export function canonicalPath(path: string, base = '/'): string {
  const segments: string[] = [];
  for (const segment of (path.startsWith('/') ? path : `${base}/${path}`).split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') segments.pop();
    else segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

function fromUrl(url: Url, isFlake: boolean): { ref: FlakeRef; fragment: string } {
  const query = new Map(url.query);
  const subdir = query.get('dir') ?? '';
  query.delete('dir');
  return { ref: { input: parseInputUrl({ ...url, query, fragment: '' }, isFlake), subdir }, fragment: url.fragment };
}

const PCHAR = `(?:[a-zA-Z0-9\\-._~]|%[0-9a-fA-F]{2}|[!$&'"()*+,;=]|[:@])`;
const COMMIT = '[0-9a-fA-F]{40}';
const ABBREVIATED = new RegExp(
  `^(([a-zA-Z][a-zA-Z0-9_-]*)(?:/(?:(${COMMIT})|(?:(${REF_PATTERN})(?:/(${COMMIT}))?)))?)(?:#((?:${PCHAR}|[/? "^])*))?$`,
);
const TYPED_PATH = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/;

/** Reads a flake reference and the fragment behind its `#` ("" if there is none). */
export function parseFlakeRefWithFragment(text: string, options: ParseFlakeRefOptions = {}): { ref: FlakeRef; fragment: string } {
  const { paths, isFlake = true, preserveRelativePaths = false, warn } = options;
  const abbreviated = ABBREVIATED.exec(text);
  if (abbreviated) {
    const url: Url = { scheme: 'flake', path: abbreviated[1]!.split('/'), query: new Map(), fragment: '' };
    return { ref: { input: parseInputUrl(url, isFlake), subdir: '' }, fragment: percentDecode(abbreviated[6] ?? '') };
  }
  try {
    let url = parseUrl(text, true, warn);
    if (paths && (url.scheme === 'path' || url.scheme === 'git+file')) {
      const path = urlPathToFilePath(url.path);
      if (!path.startsWith('/')) url = { ...url, path: filePathToUrlPath(canonicalPath(path, paths.baseDir)) };
    }
    return fromUrl(url, isFlake);
  } catch (error) {
    if (!(error instanceof BadUrlError)) throw error;
  }
  const match = TYPED_PATH.exec(text);
  if (!match) throw new FormatError(`invalid flakeref '${text}'`);
  const typed: TypedPath = {
    text,
    path: match[1]!,
    query: decodeQuery(match[2] ?? '', true, warn),
    fragment: percentDecode(match[3] ?? ''),
  };
  if (paths) return fromUrl(paths.resolve(typed, isFlake), isFlake);
  if (!preserveRelativePaths && !typed.path.startsWith('/')) throw new BadUrlError(`flake reference '${text}' is not an absolute path`);
  return fromUrl(pathUrl(typed.path, typed.query, typed.fragment), isFlake);
}

/** Reads a flake reference that must not have a fragment. */
export function parseFlakeRef(text: string, options: ParseFlakeRefOptions = {}): FlakeRef {
  const { ref, fragment } = parseFlakeRefWithFragment(text, options);
  if (fragment !== '') throw new FormatError(`unexpected fragment '${fragment}' in flake reference '${text}'`);
  return ref;
}

/** The reference as a URL, `dir` in its query. */
export function printFlakeRef(ref: FlakeRef): string {
  const url = inputUrl(ref.input);
  const withDir = ref.subdir === '' || url.query.has('dir') ? url.query : withQuery(url.query, [['dir', ref.subdir]]);
  return printUrl({ ...url, query: withDir });
}

/** The attributes as lock files hold them, `dir` among them. */
export function flakeRefAttrs(ref: FlakeRef): InputAttrs {
  return ref.subdir === '' || Object.hasOwn(ref.input, 'dir') ? ref.input : { ...ref.input, dir: ref.subdir };
}

export function flakeRefFromAttrs(attrs: InputAttrs): FlakeRef {
  const subdir = stringAttr(attrs, 'dir') ?? '';
  return { input: checkInputAttrs(withAttrs(attrs, { dir: undefined })), subdir };
}

export function equalFlakeRefs(a: FlakeRef, b: FlakeRef): boolean {
  return a.subdir === b.subdir && equalAttrs(a.input, b.input);
}

/** Old lock files kept `?dir=x` in `url` beside the attribute `dir`; both forms must count as the same reference. */
export function canonicalFlakeRef(ref: FlakeRef): FlakeRef {
  const text = stringAttr(ref.input, 'url');
  if (text === undefined) return ref;
  try {
    const url = parseUrl(text, true);
    const query = new Map(url.query);
    if (ref.subdir !== '' && query.get('dir') === ref.subdir) query.delete('dir');
    return { ...ref, input: withAttrs(ref.input, { url: printUrl({ ...url, query }) }) };
  } catch (error) {
    if (error instanceof BadUrlError) return ref;
    throw error;
  }
}
