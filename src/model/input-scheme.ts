// The input types of flakes: what attributes each knows, its URL form, and when it counts as locked. Nothing here fetches. An input is
// a flat set of attributes, as it stands in a lock file; an unknown `type` is kept but cannot be shown or fetched. (Nix manual, "nix
// flake", "Types"; Nix: libfetchers.)

import { compareStrings } from '../base/bytes.ts';
import { type Json, parseJson, printJson } from '../base/canonical-json.ts';
import { FormatError, UsageError } from '../base/errors.ts';
import { type Hash, parseHash, parseSri, printHash } from '../base/hash.ts';
import { makeContentPath, NO_REFERENCES } from './content-address.ts';
import { isCommitHash, isLegalRefName, REF_PATTERN } from './git-ref-name.ts';
import type { StoreDir, StorePath } from './store-path.ts';
import {
  BadUrlError,
  filePathToUrlPath,
  fixGitUrl,
  parseUrl,
  printUrl,
  printUrlAuthority,
  splitScheme,
  type Url,
  urlPathToFilePath,
  withQuery,
} from './url.ts';

/** A value of an input attribute; integers beyond 2^53 are bigint. */
export type InputAttr = string | number | bigint | boolean;

/** Attributes of an input, `type` among them. Print order is by name; `__final` marks one that fetching must not change. */
export type InputAttrs = Readonly<Record<string, InputAttr>>;

interface InputScheme {
  readonly attributes: ReadonlySet<string>;
  /** Undefined where the URL is of another scheme. */
  fromUrl(url: Url, requireTree: boolean): InputAttrs | undefined;
  fromAttrs(attrs: InputAttrs): InputAttrs;
  toUrl(attrs: InputAttrs): Url;
  applyRefAndRev(attrs: InputAttrs, ref: string | undefined, rev: Hash | undefined): InputAttrs;
  isLocked(attrs: InputAttrs, settings: LockSettings): boolean;
}

/** Settings that decide what counts as locked. */
export interface LockSettings {
  /** `trust-tarballs-from-git-forges`: a revision alone locks a GitHub, GitLab or SourceHut input. */
  readonly trustTarballsFromGitForges: boolean;
}

export const DEFAULT_LOCK_SETTINGS: LockSettings = { trustTarballsFromGitForges: true };

/** As JSON, for messages: the names sorted, no spaces. */
export function printInputAttrs(attrs: InputAttrs): string {
  return printJson(attrs);
}

export function stringAttr(attrs: InputAttrs, name: string): string | undefined {
  const value = attrs[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new FormatError(`input attribute '${name}' is not a string ${printInputAttrs(attrs)}`);
}

function requiredString(attrs: InputAttrs, name: string): string {
  const value = stringAttr(attrs, name);
  if (value === undefined) throw new FormatError(`input attribute '${name}' is missing`);
  return value;
}

export function integerAttr(attrs: InputAttrs, name: string): number | bigint | undefined {
  const value = attrs[name];
  if (value === undefined || typeof value === 'number' || typeof value === 'bigint') return value;
  throw new FormatError(`input attribute '${name}' is not an integer`);
}

export function booleanAttr(attrs: InputAttrs, name: string): boolean | undefined {
  const value = attrs[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw new FormatError(`input attribute '${name}' is not a Boolean`);
}

/** Those attributes with some replaced, or removed where the value is undefined. */
export function withAttrs(attrs: InputAttrs, changes: Readonly<Record<string, InputAttr | undefined>>): InputAttrs {
  const result: Record<string, InputAttr> = { ...attrs };
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete result[name];
    else result[name] = value;
  }
  return result;
}

export function equalAttrs(a: InputAttrs, b: InputAttrs): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** Names and values in the order they are printed. */
export function sortedAttrs(attrs: InputAttrs): [string, InputAttr][] {
  return Object.entries(attrs).sort(([x], [y]) => compareStrings(x, y));
}

export function inputType(attrs: InputAttrs): string {
  return requiredString(attrs, 'type');
}

/** The `narHash` attribute; an empty one stands for the hash of zeroes, as in Nix. */
export function narHashOf(attrs: InputAttrs): Hash | undefined {
  const text = stringAttr(attrs, 'narHash');
  if (text === undefined) return undefined;
  const hash = text === '' ? { algorithm: 'sha256' as const, bytes: new Uint8Array(32) } : parseSri(text);
  if (hash.algorithm !== 'sha256') throw new UsageError('narHash must use SHA-256');
  return hash;
}

/** The `rev` attribute; without an algorithm it is a SHA-1. */
export function revOf(attrs: InputAttrs): Hash | undefined {
  const text = stringAttr(attrs, 'rev');
  if (text === undefined) return undefined;
  try {
    return parseHash(text);
  } catch {
    return parseHash(text, 'sha1');
  }
}

export function refOf(attrs: InputAttrs): string | undefined {
  return stringAttr(attrs, 'ref');
}

/** Name of the tree in the store. */
function inputName(attrs: InputAttrs): string {
  return stringAttr(attrs, 'name') ?? 'source';
}

/** A revision in base 16, as git prints it. */
export function printRev(rev: Hash): string {
  return printHash(rev, 'base16');
}

/** A tree's store path, from its `narHash`. */
export function inputStorePath(attrs: InputAttrs, storeDir: StoreDir): StorePath {
  const hash = narHashOf(attrs);
  if (hash === undefined) throw new FormatError(`cannot compute store path for unlocked input '${printInput(attrs)}'`);
  return makeContentPath(inputName(attrs), { method: 'nar', hash }, NO_REFERENCES, storeDir);
}

function parseUnsigned(text: string): number | bigint | undefined {
  if (!/^\+?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return value >= 1n << 64n ? undefined : value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

function narHashQuery(attrs: InputAttrs): [string, string][] {
  const hash = narHashOf(attrs);
  return hash ? [['narHash', printHash(hash, 'sri')]] : [];
}

function cannotSet(attrs: InputAttrs, ref: string | undefined, rev: Hash | undefined): InputAttrs {
  if (ref !== undefined) throw new FormatError(`don't know how to set branch/tag name of input '${printInput(attrs)}' to '${ref}'`);
  if (rev) throw new FormatError(`don't know how to set revision of input '${printInput(attrs)}' to '${printRev(rev)}'`);
  return attrs;
}

function setRefAndRev(attrs: InputAttrs, ref: string | undefined, rev: Hash | undefined): InputAttrs {
  return withAttrs(attrs, { ...(rev && { rev: printRev(rev) }), ...(ref !== undefined && { ref }) });
}

/** The path of a `path` input, absolute or relative, with the query's pretended attributes. */
const pathScheme: InputScheme = {
  attributes: new Set(['path', 'rev', 'revCount', 'lastModified', 'narHash']),
  fromUrl(url) {
    if (url.scheme !== 'path') return undefined;
    if (url.authority && url.authority.host !== '') {
      throw new FormatError(`path URL '${printUrl(url)}' should not have an authority ('${printUrlAuthority(url.authority)}')`);
    }
    const attrs: Record<string, InputAttr> = { type: 'path', path: urlPathToFilePath(url.path) };
    for (const [name, value] of url.query) {
      if (name === 'rev' || name === 'narHash') attrs[name] = value;
      else if (name === 'revCount' || name === 'lastModified') {
        const number = parseUnsigned(value);
        if (number === undefined) throw new FormatError(`path URL '${printUrl(url)}' has invalid parameter '${name}'`);
        attrs[name] = number;
      } else throw new FormatError(`path URL '${printUrl(url)}' has unsupported parameter '${name}'`);
    }
    return attrs;
  },
  fromAttrs(attrs) {
    requiredString(attrs, 'path');
    return attrs;
  },
  toUrl(attrs) {
    const query = sortedAttrs(attrs).filter(([name]) => name !== 'path' && name !== 'type' && name !== '__final');
    return {
      scheme: 'path',
      path: requiredString(attrs, 'path').split('/'),
      query: new Map(query.map(([name, value]) => [name, typeof value === 'boolean' ? (value ? '1' : '0') : String(value)])),
      fragment: '',
    };
  },
  applyRefAndRev: cannotSet,
  isLocked: (attrs) => narHashOf(attrs) !== undefined,
};

const GIT_FLAGS = ['shallow', 'submodules', 'lfs', 'exportIgnore', 'allRefs', 'verifyCommit'];
const DEFAULT_KEY_TYPE = 'ssh-ed25519';
const NULL_REV = '0'.repeat(40);

/** Keys that sign commits, as they stand in a URL: one by name and type, several as JSON. */
function publicKeyQuery(attrs: InputAttrs): [string, string][] {
  const list = stringAttr(attrs, 'publicKeys');
  const json = list === undefined ? [] : parseJson(list, "the attribute 'publicKeys'");
  const keys = (Array.isArray(json) ? (json as readonly Json[]) : []).map((item) => {
    const members = item instanceof Map ? (item as ReadonlyMap<string, Json>) : new Map<string, Json>();
    return { key: String(members.get('key') ?? ''), type: String(members.get('type') ?? DEFAULT_KEY_TYPE) };
  });
  const key = stringAttr(attrs, 'publicKey');
  if (key !== undefined) keys.push({ key, type: stringAttr(attrs, 'keytype') ?? DEFAULT_KEY_TYPE });
  if (keys.length > 1) return [['publicKeys', printJson(keys)]];
  return keys.flatMap((one): [string, string][] => [
    ['keytype', one.type],
    ['publicKey', one.key],
  ]);
}

const gitScheme: InputScheme = {
  attributes: new Set([
    ...['url', 'ref', 'rev', 'shallow', 'submodules', 'lfs', 'exportIgnore', 'lastModified', 'revCount', 'narHash', 'allRefs', 'name'],
    ...['dirtyRev', 'dirtyShortRev', 'verifyCommit', 'keytype', 'publicKey', 'publicKeys'],
  ]),
  fromUrl(url) {
    if (url.scheme !== 'git' && splitScheme(url.scheme).application !== 'git') return undefined;
    const attrs: Record<string, InputAttr> = { type: 'git' };
    const rest: [string, string][] = [];
    for (const [name, value] of url.query) {
      if (['rev', 'ref', 'keytype', 'publicKey', 'publicKeys'].includes(name)) attrs[name] = value;
      else if (GIT_FLAGS.includes(name)) attrs[name] = value === '1';
      else rest.push([name, value]);
    }
    attrs['url'] = printUrl({ ...url, query: new Map(rest) });
    return gitScheme.fromAttrs(attrs);
  },
  fromAttrs(attrs) {
    booleanAttr(attrs, 'verifyCommit');
    const ref = refOf(attrs);
    if (ref !== undefined && !isLegalRefName(ref)) throw new BadUrlError(`invalid Git branch/tag name '${ref}'`);
    const url = printUrl(fixGitUrl(requiredString(attrs, 'url')));
    for (const name of ['shallow', 'submodules', 'allRefs']) booleanAttr(attrs, name);
    return withAttrs(attrs, { url });
  },
  toUrl(attrs) {
    const url = parseUrl(requiredString(attrs, 'url'));
    const query: [string, string][] = [];
    const rev = revOf(attrs);
    const ref = refOf(attrs);
    if (rev) query.push(['rev', printRev(rev)]);
    if (ref !== undefined) query.push(['ref', ref]);
    for (const name of ['shallow', 'lfs', 'submodules', 'exportIgnore', 'verifyCommit'])
      if (booleanAttr(attrs, name) ?? false) query.push([name, '1']);
    query.push(...publicKeyQuery(attrs));
    return { ...url, scheme: url.scheme === 'git' ? 'git' : `git+${url.scheme}`, query: withQuery(url.query, query) };
  },
  applyRefAndRev(attrs, ref, rev) {
    const result = setRefAndRev(attrs, ref, rev);
    if (refOf(result) === undefined && revOf(result) !== undefined) {
      throw new FormatError(`Git input '${printInput(result)}' has a commit hash but no branch/tag name`);
    }
    return result;
  },
  isLocked(attrs) {
    const rev = revOf(attrs);
    return rev !== undefined && printRev(rev) !== NULL_REV;
  },
};

const hgScheme: InputScheme = {
  attributes: new Set(['url', 'ref', 'rev', 'revCount', 'narHash', 'name']),
  fromUrl(url) {
    if (!['hg+http', 'hg+https', 'hg+ssh', 'hg+file'].includes(url.scheme)) return undefined;
    const attrs: Record<string, InputAttr> = { type: 'hg' };
    const rest: [string, string][] = [];
    for (const [name, value] of url.query) {
      if (name === 'rev' || name === 'ref') attrs[name] = value;
      else rest.push([name, value]);
    }
    attrs['url'] = printUrl({ ...url, scheme: url.scheme.slice(3), query: new Map(rest) });
    return hgScheme.fromAttrs(attrs);
  },
  fromAttrs(attrs) {
    parseUrl(requiredString(attrs, 'url'));
    const ref = refOf(attrs);
    if (ref !== undefined && !new RegExp(`^${REF_PATTERN}$`).test(ref)) throw new BadUrlError(`invalid Mercurial branch/tag name '${ref}'`);
    return attrs;
  },
  toUrl(attrs) {
    const url = parseUrl(requiredString(attrs, 'url'));
    const query: [string, string][] = [];
    const rev = revOf(attrs);
    const ref = refOf(attrs);
    if (rev) query.push(['rev', printRev(rev)]);
    if (ref !== undefined) query.push(['ref', ref]);
    return { ...url, scheme: `hg+${url.scheme}`, query: withQuery(url.query, query) };
  },
  applyRefAndRev: setRefAndRev,
  isLocked: (attrs) => revOf(attrs) !== undefined,
};

/** `http`, `https` and `file` URLs: `tarball` is unpacked, `file` is not. */
function curlScheme(type: 'file' | 'tarball'): InputScheme {
  const attributes = new Set(['url', 'narHash', 'name', 'unpack', 'rev', 'revCount', 'lastModified']);
  return {
    attributes,
    fromUrl(url, requireTree) {
      const { application, transport } = splitScheme(url.scheme);
      if (!['file', 'http', 'https'].includes(transport)) return undefined;
      const isArchive = /\.(?:zip|tar|tgz|tar\.gz|tar\.xz|tar\.bz2|tar\.zst)$/.test(url.path.at(-1)!);
      const isTarball = requireTree || isArchive;
      if (application === undefined ? isTarball !== (type === 'tarball') : application !== type) return undefined;
      const attrs: Record<string, InputAttr> = {};
      for (const name of ['narHash', 'rev']) {
        const value = url.query.get(name);
        if (value !== undefined) attrs[name] = value;
      }
      for (const name of ['revCount', 'lastModified']) {
        const value = parseUnsigned(url.query.get(name) ?? '');
        if (value !== undefined) attrs[name] = value;
      }
      // What Nix understands is not part of the request.
      const query = new Map([...url.query].filter(([name]) => !attributes.has(name)));
      return { ...attrs, type, url: printUrl({ ...url, scheme: transport, query }) };
    },
    fromAttrs: (attrs) => attrs,
    toUrl(attrs) {
      const url = parseUrl(requiredString(attrs, 'url'));
      return { ...url, query: withQuery(url.query, narHashQuery(attrs)) };
    },
    applyRefAndRev: cannotSet,
    isLocked: (attrs) => narHashOf(attrs) !== undefined,
  };
}

/** GitHub, GitLab and SourceHut: fetched as tarballs of a revision. */
function forgeScheme(type: 'github' | 'gitlab' | 'sourcehut'): InputScheme {
  const scheme: InputScheme = {
    attributes: new Set(['owner', 'repo', 'ref', 'rev', 'narHash', 'lastModified', 'host', 'treeHash']),
    fromUrl(url) {
      if (url.scheme !== type) return undefined;
      const path = url.path.filter((segment) => segment !== '');
      if (path.length < 2) throw new BadUrlError(`URL '${printUrl(url)}' is invalid`);
      const attrs: Record<string, InputAttr> = { type, owner: path[0]!, repo: path[1]! };
      if (path.length === 3 && isCommitHash(path[2]!)) attrs['rev'] = path[2]!;
      else if (path.length >= 3) attrs['ref'] = path.slice(2).join('/');
      for (const [name, value] of url.query) {
        if (name === 'rev' && Object.hasOwn(attrs, 'rev')) throw new BadUrlError(`URL '${printUrl(url)}' contains multiple commit hashes`);
        if (name === 'ref' && Object.hasOwn(attrs, 'ref'))
          throw new BadUrlError(`URL '${printUrl(url)}' contains multiple branch/tag names`);
        if (['rev', 'ref', 'host', 'narHash'].includes(name)) attrs[name] = value;
      }
      return scheme.fromAttrs(attrs);
    },
    fromAttrs(attrs) {
      for (const name of ['owner', 'repo']) requiredString(attrs, name);
      const ref = refOf(attrs);
      const rev = stringAttr(attrs, 'rev');
      if (ref !== undefined && rev !== undefined) {
        throw new BadUrlError(`input ${printInputAttrs(attrs)} contains both a commit hash ('${rev}') and a branch/tag name ('${ref}')`);
      }
      if (rev !== undefined) parseHash(rev, 'sha1');
      if (ref !== undefined && !isLegalRefName(ref))
        throw new BadUrlError(`input ${printInputAttrs(attrs)} contains an invalid branch/tag name`);
      const host = stringAttr(attrs, 'host');
      if (host !== undefined && !/^[a-zA-Z0-9.-]*$/.test(host))
        throw new BadUrlError(`input ${printInputAttrs(attrs)} contains an invalid instance host`);
      return attrs;
    },
    toUrl(attrs) {
      const ref = refOf(attrs);
      const rev = revOf(attrs);
      const host = stringAttr(attrs, 'host');
      const path = [
        requiredString(attrs, 'owner'),
        requiredString(attrs, 'repo'),
        ...(ref === undefined ? [] : [ref]),
        ...(rev ? [printRev(rev)] : []),
      ];
      return {
        scheme: type,
        path,
        query: withQuery(new Map(), [...narHashQuery(attrs), ...(host === undefined ? [] : [['host', host] as const])]),
        fragment: '',
      };
    },
    applyRefAndRev(attrs, ref, rev) {
      if (rev && ref !== undefined) {
        throw new BadUrlError(
          `cannot apply both a commit hash (${printRev(rev)}) and a branch/tag name ('${ref}') to input '${printInput(attrs)}'`,
        );
      }
      if (rev) return withAttrs(attrs, { rev: printRev(rev), ref: undefined });
      return ref === undefined ? attrs : withAttrs(attrs, { ref, rev: undefined });
    },
    isLocked: (attrs, settings) => revOf(attrs) !== undefined && (settings.trustTarballsFromGitForges || narHashOf(attrs) !== undefined),
  };
  return scheme;
}

const FLAKE_ID = /^[a-zA-Z][a-zA-Z0-9_-]*$/;

/** A name that a registry resolves. */
const indirectScheme: InputScheme = {
  attributes: new Set(['id', 'ref', 'rev', 'narHash']),
  fromUrl(url) {
    if (url.scheme !== 'flake') return undefined;
    const [id, second, third, ...more] = url.path.filter((segment) => segment !== '');
    if (id === undefined || more.length > 0) throw new BadUrlError(`flake URL '${printUrl(url)}' is invalid`);
    const attrs: Record<string, InputAttr> = { type: 'indirect', id };
    if (second !== undefined && third === undefined) {
      if (isCommitHash(second)) attrs['rev'] = second.toLowerCase();
      else if (isLegalRefName(second)) attrs['ref'] = second;
      else throw new BadUrlError(`in flake URL '${printUrl(url)}', '${second}' is not a commit hash or branch/tag name`);
    } else if (second !== undefined && third !== undefined) {
      if (!isLegalRefName(second)) throw new BadUrlError(`in flake URL '${printUrl(url)}', '${second}' is not a branch/tag name`);
      if (!isCommitHash(third)) throw new BadUrlError(`in flake URL '${printUrl(url)}', '${third}' is not a commit hash`);
      attrs['ref'] = second;
      attrs['rev'] = third.toLowerCase();
    }
    if (!FLAKE_ID.test(id)) throw new BadUrlError(`'${id}' is not a valid flake ID`);
    return attrs;
  },
  fromAttrs(attrs) {
    const id = requiredString(attrs, 'id');
    if (!FLAKE_ID.test(id)) throw new BadUrlError(`'${id}' is not a valid flake ID`);
    return attrs;
  },
  toUrl(attrs) {
    const ref = refOf(attrs);
    const rev = revOf(attrs);
    const path = [requiredString(attrs, 'id'), ...(ref === undefined ? [] : [ref]), ...(rev ? [printRev(rev)] : [])];
    return { scheme: 'flake', path, query: new Map(), fragment: '' };
  },
  applyRefAndRev: setRefAndRev,
  isLocked: () => false,
};

/** In the order in which URLs are offered to them. */
const SCHEMES: ReadonlyMap<string, InputScheme> = new Map([
  ['file', curlScheme('file')],
  ['git', gitScheme],
  ['github', forgeScheme('github')],
  ['gitlab', forgeScheme('gitlab')],
  ['hg', hgScheme],
  ['indirect', indirectScheme],
  ['path', pathScheme],
  ['sourcehut', forgeScheme('sourcehut')],
  ['tarball', curlScheme('tarball')],
]);

function checkSharedAttrs(attrs: InputAttrs): InputAttrs {
  inputType(attrs);
  refOf(attrs);
  for (const name of ['revCount', 'lastModified']) integerAttr(attrs, name);
  return attrs;
}

/** The input a URL stands for. `requireTree` says that an http or file URL without an archive's ending is unpacked all the same. */
export function parseInputUrl(url: Url, requireTree: boolean): InputAttrs {
  for (const scheme of SCHEMES.values()) {
    const attrs = scheme.fromUrl(url, requireTree);
    if (attrs) return checkSharedAttrs(attrs);
  }
  const { application, transport } = splitScheme(url.scheme);
  const hint = application === 'file' && transport === 'git' ? "; did you mean 'git+file' instead of 'file+git'?" : '';
  throw new FormatError(`input '${printUrl(url)}' is unsupported${hint}`);
}

/** Checks attributes as a lock file, a registry or a program gives them. */
export function checkInputAttrs(attrs: InputAttrs): InputAttrs {
  const type = stringAttr(attrs, 'type');
  if (type === undefined) throw new FormatError("'type' attribute to specify input scheme is required but not provided");
  const scheme = SCHEMES.get(type);
  if (!scheme) return checkSharedAttrs(attrs);
  for (const [name] of sortedAttrs(attrs)) {
    if (name !== 'type' && name !== '__final' && !scheme.attributes.has(name)) {
      throw new FormatError(`input attribute '${name}' not supported by scheme '${type}'`);
    }
  }
  return checkSharedAttrs(scheme.fromAttrs(attrs));
}

function schemeOf(attrs: InputAttrs): InputScheme | undefined {
  return SCHEMES.get(inputType(attrs));
}

/** Whether floe knows that input type at all. */
export function isKnownInput(attrs: InputAttrs): boolean {
  return schemeOf(attrs) !== undefined;
}

export function inputUrl(attrs: InputAttrs): Url {
  const scheme = schemeOf(attrs);
  if (!scheme) throw new FormatError(`cannot show unsupported input '${printInputAttrs(attrs)}'`);
  return scheme.toUrl(attrs);
}

/** The input as a URL, for people and for `url` fields. */
export function printInput(attrs: InputAttrs): string {
  return printUrl(inputUrl(attrs));
}

/** False for a name that a registry must resolve first. */
export function isDirectInput(attrs: InputAttrs): boolean {
  return inputType(attrs) !== 'indirect';
}

/** Whether the attributes alone say which content they stand for. */
export function isLockedInput(attrs: InputAttrs, settings: LockSettings = DEFAULT_LOCK_SETTINGS): boolean {
  return schemeOf(attrs)?.isLocked(attrs, settings) ?? false;
}

/** What names a git input's content besides the revision: the settings that change which bytes are seen. */
export function gitFingerprint(rev: string, attrs: InputAttrs): string {
  const flag = (name: string, mark: string) => ((booleanAttr(attrs, name) ?? false) ? mark : '');
  return rev + flag('submodules', ';s') + flag('exportIgnore', ';e') + flag('lfs', ';l');
}

/** A name for the content that the attributes alone give, as evaluation caches use it; undefined where they give none. */
export function inputFingerprint(attrs: InputAttrs): string | undefined {
  const rev = revOf(attrs);
  const narHash = narHashOf(attrs);
  switch (inputType(attrs)) {
    case 'git':
      return rev && gitFingerprint(printRev(rev), attrs);
    case 'tarball':
      return narHash ? printHash(narHash, 'sri') : rev && printRev(rev);
    case 'github':
    case 'gitlab':
    case 'sourcehut':
    case 'hg':
      return rev && printRev(rev);
    default:
      return undefined;
  }
}

/** Whether fetching may not change the attributes any more (all entries of a lock file). */
export function isFinalInput(attrs: InputAttrs): boolean {
  return booleanAttr(attrs, '__final') ?? false;
}

/** The path of a `path` input that is relative to the flake which names it; undefined for all others. */
export function relativePathOf(attrs: InputAttrs): string | undefined {
  if (attrs['type'] !== 'path') return undefined;
  const path = requiredString(attrs, 'path');
  return path.startsWith('/') ? undefined : path;
}

/** The input at another branch or revision. */
export function applyRefAndRev(attrs: InputAttrs, ref: string | undefined, rev: Hash | undefined): InputAttrs {
  return schemeOf(attrs)?.applyRefAndRev(attrs, ref, rev) ?? attrs;
}

/** The absolute folder of a `path` input as URL segments; for the resolver of typed flake references. */
export function pathUrl(path: string, query: ReadonlyMap<string, string>, fragment: string): Url {
  return {
    scheme: 'path',
    authority: path.startsWith('/') ? { host: '', hostKind: 'name' } : undefined,
    path: filePathToUrlPath(path),
    query,
    fragment,
  };
}
