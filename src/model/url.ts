// URLs as Nix reads and prints them: RFC 3986 by the letter (nothing is normalised but percent encoding), a path held as its decoded
// segments, a query as a sorted map whose first value wins. `lenient` lets spaces and double quotes stand unescaped in queries and
// fragments, and `^` in fragments, as flake references are typed. All text is byte strings. (Nix: libutil/url.cc; RFC 3986.)

import { compareStrings } from '../base/bytes.ts';
import { FormatError } from '../base/errors.ts';

/** Text that is no URL, or not one of the form that was asked for: callers go on to read it as something else. */
export class BadUrlError extends FormatError {}

export interface UrlAuthority {
  /** Without brackets, percent-decoded. */
  readonly host: string;
  readonly hostKind: 'name' | 'ipv4' | 'ip-literal';
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly port?: number | undefined;
}

/** A URL in parts, percent-decoded. An empty authority (`file:///x`) is not the same as none (`file:/x`). */
export interface Url {
  readonly scheme: string;
  readonly authority?: UrlAuthority | undefined;
  /** What stands between slashes: `/a/b` is ["", "a", "b"], `a` is ["a"]. */
  readonly path: readonly string[];
  readonly query: ReadonlyMap<string, string>;
  readonly fragment: string;
}

export type WarningSink = (message: string) => void;

const UNRESERVED = 'A-Za-z0-9\\-._~';
const PCHAR = `(?:[${UNRESERVED}!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})`;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.\-]*):/;
const PATH = new RegExp(`^(?:${PCHAR}|/)*$`);
const QUERY = new RegExp(`^(?:${PCHAR}|[/?[\\]])*$`);
const FRAGMENT = new RegExp(`^(?:${PCHAR}|[/?#])*$`);
const AUTHORITY = new RegExp(
  `^(?:((?:[${UNRESERVED}!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)(:(?:[${UNRESERVED}!$&'()*+,;=:]|%[0-9A-Fa-f]{2})*)?@)?` +
    `(\\[[0-9A-Fa-f:.]+(?:%25(?:[${UNRESERVED}]|%[0-9A-Fa-f]{2})+)?\\]|\\[v[0-9A-Fa-f]+\\.[${UNRESERVED}!$&'()*+,;=:]+\\]|(?:[${UNRESERVED}!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)` +
    `(?::([0-9]*))?$`,
);
const IPV4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.|$)){4}$/;
const NOT_UNRESERVED = new RegExp(`[^${UNRESERVED}]`, 'g');
const NOT_IN_QUERY = new RegExp(`[^${UNRESERVED}:@/?]`, 'g');
const NOT_IN_PATH = new RegExp(`[^${UNRESERVED}:@]`, 'g');

function escapeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** Everything but unreserved characters escaped. */
function percentEncode(text: string): string {
  return text.replace(NOT_UNRESERVED, escapeByte);
}

/** BadUrlError where a `%` is not followed by two hexadecimal digits. */
export function percentDecode(text: string): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) throw new BadUrlError(`invalid URI parameter '${text}': bad pct-encoded digit`);
  return decode(text);
}

function decode(text: string): string {
  return text.includes('%') ? text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16))) : text;
}

/** `a=b&c=d`, sorted by name in the result. A part without `=` is ignored with a warning. */
export function decodeQuery(query: string, lenient: boolean, warn?: WarningSink): Map<string, string> {
  const fixed = lenient ? query.replace(/[ "]/g, escapeByte) : query;
  if (!QUERY.test(fixed)) throw new BadUrlError(`invalid URI query '${query}': leftover`);
  const result = new Map<string, string>();
  if (fixed === '') return result;
  for (const part of fixed.split('&')) {
    const equals = part.indexOf('=');
    if (equals < 0) {
      warn?.(`dubious URI query '${part}' is missing equal sign '=', ignoring`);
      continue;
    }
    const name = decode(part.slice(0, equals));
    if (!result.has(name)) result.set(name, decode(part.slice(equals + 1)));
  }
  return sortedQuery(result);
}

function sortedQuery(query: Iterable<readonly [string, string]>): Map<string, string> {
  return new Map([...query].sort(([a], [b]) => compareStrings(a, b)));
}

/** That query with one entry more (or another value for it), sorted again. */
export function withQuery(query: ReadonlyMap<string, string>, entries: Iterable<readonly [string, string]>): Map<string, string> {
  return sortedQuery(new Map([...query, ...entries]));
}

function parseAuthority(text: string): UrlAuthority {
  const match = AUTHORITY.exec(text);
  if (!match) throw new BadUrlError(`invalid URL authority: '${text}': leftover`);
  const [, user, password, hostText, portText] = match;
  const literal = hostText!.startsWith('[');
  const host = decode(literal ? hostText!.slice(1, -1) : hostText!);
  const port = portText === undefined || portText === '' ? undefined : Number(portText);
  if (port !== undefined && (port === 0 || port > 0xffff)) throw new BadUrlError(`port '${portText}' is invalid`);
  return {
    host,
    hostKind: literal ? 'ip-literal' : IPV4.test(host) ? 'ipv4' : 'name',
    user: user === undefined ? undefined : decode(user),
    password: password === undefined ? undefined : decode(password.slice(1)),
    port,
  };
}

/** `git+https` is application "git" over transport "https"; `https` has no application. */
export function splitScheme(scheme: string): { readonly application: string | undefined; readonly transport: string } {
  const plus = scheme.indexOf('+');
  return plus < 0
    ? { application: undefined, transport: scheme }
    : { application: scheme.slice(0, plus), transport: scheme.slice(plus + 1) };
}

function escapeLeniently(url: string): string {
  const hash = url.indexOf('#');
  const beforeFragment = hash < 0 ? url : url.slice(0, hash);
  const question = beforeFragment.indexOf('?');
  const head =
    question < 0 ? beforeFragment : beforeFragment.slice(0, question + 1) + beforeFragment.slice(question + 1).replace(/[ "]/g, escapeByte);
  return hash < 0 ? head : `${head}#${url.slice(hash + 1).replace(/[ "^]/g, escapeByte)}`;
}

/** Throws BadUrlError where the text is no absolute URL. */
export function parseUrl(text: string, lenient = false, warn?: WarningSink): Url {
  const url = lenient ? escapeLeniently(text) : text;
  const bad = (why: string) => new BadUrlError(`'${text}' is not a valid URL: ${why}`);
  const scheme = SCHEME.exec(url)?.[1];
  const rest = scheme === undefined ? url : url.slice(scheme.length + 1);
  const hash = rest.indexOf('#');
  const fragment = hash < 0 ? '' : rest.slice(hash + 1);
  const beforeFragment = hash < 0 ? rest : rest.slice(0, hash);
  const question = beforeFragment.indexOf('?');
  const query = question < 0 ? '' : beforeFragment.slice(question + 1);
  const hierarchy = question < 0 ? beforeFragment : beforeFragment.slice(0, question);
  const hasAuthority = hierarchy.startsWith('//');
  const slash = hasAuthority ? hierarchy.indexOf('/', 2) : 0;
  let path = hasAuthority ? (slash < 0 ? '' : hierarchy.slice(slash)) : hierarchy;
  if (!PATH.test(path) || !QUERY.test(query) || !FRAGMENT.test(fragment)) throw bad('leftover');
  if (scheme === undefined) {
    if (/^[^/]*:/.test(path)) throw bad('leftover');
    throw new BadUrlError(`'${url}' doesn't have a scheme`);
  }
  const authority = hasAuthority ? parseAuthority(hierarchy.slice(2, slash < 0 ? undefined : slash)) : undefined;
  const isFile = splitScheme(scheme).transport === 'file';
  if (authority && authority.host !== '' && isFile)
    throw new BadUrlError(`file:// URL '${url}' has unexpected authority '${printAuthority(authority)}'`);
  if (isFile && path === '') path = '/';
  return { scheme, authority, path: path.split('/').map(decode), query: decodeQuery(query, lenient, warn), fragment: decode(fragment) };
}

function printAuthority(authority: UrlAuthority): string {
  const { user, password, host, hostKind, port } = authority;
  const login = user === undefined ? '' : `${percentEncode(user)}${password === undefined ? '' : `:${percentEncode(password)}`}@`;
  const hostText =
    hostKind === 'ipv4'
      ? host
      : hostKind === 'name'
        ? percentEncode(host)
        : `[${host.replace(new RegExp(`[^${UNRESERVED}:]`, 'g'), escapeByte)}]`;
  return `${login}${hostText}${port === undefined ? '' : `:${port}`}`;
}

export function printUrlAuthority(authority: UrlAuthority): string {
  return printAuthority(authority);
}

/** `a=b&c=d`, in the map's order (sorted, as all queries here are). */
function encodeQuery(query: ReadonlyMap<string, string>): string {
  return [...query]
    .map(([name, value]) => `${name.replace(NOT_IN_QUERY, escapeByte)}=${value.replace(NOT_IN_QUERY, escapeByte)}`)
    .join('&');
}

/** The URL as Nix prints it: all that need not stand bare is escaped. */
export function printUrl(url: Url): string {
  const authority = url.authority ? `//${printAuthority(url.authority)}` : '';
  const path = url.path.map((segment) => segment.replace(NOT_IN_PATH, escapeByte)).join('/');
  const query = url.query.size > 0 ? `?${encodeQuery(url.query)}` : '';
  return `${url.scheme}:${authority}${path}${query}${url.fragment === '' ? '' : `#${percentEncode(url.fragment)}`}`;
}

/** The file system path those URL segments name. BadUrlError where one holds a slash or a NUL. */
export function urlPathToFilePath(segments: readonly string[]): string {
  for (const segment of segments) {
    if (segment.includes('/')) throw new BadUrlError(`URL path component '${segment}' contains '/', which is not allowed in file names`);
    if (segment.includes('\0')) {
      // The sign is Nix's own (U+2400), here as the bytes of its UTF-8.
      throw new BadUrlError(`URL path component '${segment.replaceAll('\0', '\xe2\x90\x80')}' contains NUL byte which is not allowed`);
    }
  }
  const absolute = segments[0] === '';
  let result = absolute ? '/' : '';
  for (const segment of absolute ? segments.slice(1) : segments) result += result === '' || result.endsWith('/') ? segment : `/${segment}`;
  return result;
}

/** The URL segments of a file system path; doubled slashes count as one, a last one stays. */
export function filePathToUrlPath(path: string): string[] {
  const segments = path.split('/').filter((segment) => segment !== '');
  if (path.startsWith('/')) segments.unshift('');
  if (path.endsWith('/') || path === '') segments.push('');
  return segments;
}

/** What git is given: `git@host:path` becomes ssh, a bare path a file URL, and a leading `git+` goes. */
export function fixGitUrl(text: string): Url {
  const scp = text.startsWith('/') ? null : /^([^/]*)@(.*):(.*)$/s.exec(text);
  const url = scp ? `ssh://${scp[1]}@${scp[2]}/${scp[3]}` : text;
  if (!url.startsWith('file:') && !url.startsWith('git+file:') && !url.includes('://')) {
    const path = url.split('/');
    if (path[0]!.includes(':')) throw new BadUrlError(`SCP-like URL '${url}' is not supported; use SSH URL syntax instead (ssh://...)`);
    const authority: UrlAuthority | undefined = url.startsWith('/') ? { host: '', hostKind: 'name' } : undefined;
    return { scheme: 'file', authority, path, query: new Map(), fragment: '' };
  }
  const parsed = parseUrl(url);
  const { application, transport } = splitScheme(parsed.scheme);
  return application === 'git' ? { ...parsed, scheme: transport } : parsed;
}
