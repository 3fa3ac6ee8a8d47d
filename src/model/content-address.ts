// Content addresses: how a store object's path follows from its bytes. `text:sha256:..`, `fixed:sha256:..` (flat),
// `fixed:r:sha256:..` (NAR) and `fixed:git:..`. Nix manual, "Content-addressing store objects".

import { FormatError } from '../base/errors.ts';
import { type Hash, type HashAlgorithm, parseHash, parseHashAlgorithm, printHash } from '../base/hash.ts';
import { printHex } from '../base/bytes.ts';
import { compareStrings } from '../base/bytes.ts';
import { makeStorePath, sha256Hex, type StoreDir, type StorePath } from './store-path.ts';

export type ContentAddressMethod = 'text' | 'flat' | 'nar' | 'git';

export interface ContentAddress {
  readonly method: ContentAddressMethod;
  readonly hash: Hash;
}

/** References of a content-addressed object; `self` for one that names itself. */
export interface ContentReferences {
  readonly others: readonly StorePath[];
  readonly self: boolean;
}

export const NO_REFERENCES: ContentReferences = { others: [], self: false };

const PREFIXES: Readonly<Record<ContentAddressMethod, string>> = { text: 'text:', flat: 'fixed:', nar: 'fixed:r:', git: 'fixed:git:' };

/** The prefix of a derivation output's algorithm field: "", "r:", "text:" or "git:". */
export function printMethodPrefix(method: ContentAddressMethod): string {
  return method === 'flat' ? '' : method === 'nar' ? 'r:' : `${method}:`;
}

/** `outputHashMode` as users write it. */
export function parseIngestionMode(text: string): ContentAddressMethod | undefined {
  switch (text) {
    case 'flat':
    case 'text':
    case 'git':
    case 'nar':
      return text;
    case 'recursive':
      return 'nar';
    default:
      return undefined;
  }
}

/** As the database and narinfo files hold it. */
export function printContentAddress(address: ContentAddress): string {
  return PREFIXES[address.method] + printHash(address.hash, 'nix32', true);
}

export function parseContentAddress(text: string): ContentAddress {
  for (const method of ['text', 'nar', 'git', 'flat'] as const) {
    const prefix = PREFIXES[method];
    if (text.startsWith(prefix)) return { method, hash: parseHash(text.slice(prefix.length)) };
  }
  throw new FormatError(`not a content address because it is not in the form '<prefix>:<rest>': ${text}`);
}

export function parseMethodWithAlgorithm(text: string): { readonly method: ContentAddressMethod; readonly algorithm: HashAlgorithm } {
  for (const method of ['text', 'nar', 'git', 'flat'] as const) {
    const prefix = PREFIXES[method];
    if (text.startsWith(prefix)) return { method, algorithm: parseHashAlgorithm(text.slice(prefix.length)) };
  }
  throw new FormatError(`content address method '${text}' is not in the form '<prefix>:<algorithm>'`);
}

function isAscending(paths: readonly string[]): boolean {
  for (let i = 1; i < paths.length; i++) if (paths[i - 1]! >= paths[i]!) return false;
  return true;
}

function withReferences(type: string, paths: readonly StorePath[], self: boolean, storeDir: StoreDir): string {
  let result = type;
  // A set: a derivation may name another both as what it builds from and as a file.
  const sorted = isAscending(paths) ? paths : [...new Set(paths)].sort(compareStrings);
  for (let i = 0; i < sorted.length; i++) result += `:${storeDir}/${sorted[i]!}`;
  return self ? `${result}:self` : result;
}

/** Store path of text (for example a .drv file), from the text's SHA-256. */
export function makeTextPath(name: string, hash: Hash, references: readonly StorePath[], storeDir: StoreDir): StorePath {
  return makeStorePath(withReferences('text', references, false, storeDir), printHash(hash, 'base16', true), name, storeDir);
}

/** As makeTextPath, from the SHA-256 in base 16. */
export function makeTextPathOf(name: string, sha256: string, references: readonly StorePath[], storeDir: StoreDir): StorePath {
  return makeStorePath(withReferences('text', references, false, storeDir), `sha256:${sha256}`, name, storeDir);
}

/** Store path of a content-addressed object. */
export function makeContentPath(name: string, address: ContentAddress, references: ContentReferences, storeDir: StoreDir): StorePath {
  const { method, hash } = address;
  if (method === 'git' && hash.algorithm !== 'sha1' && hash.algorithm !== 'sha256')
    throw new FormatError(`Git file ingestion must use SHA-1 or SHA-256 hash, but instead using: ${hash.algorithm}`);
  if (method === 'text' && hash.algorithm !== 'sha256')
    throw new FormatError(`text-hashed objects must use SHA-256, but '${name}' uses ${hash.algorithm}`);
  if (method === 'text') return makeTextPath(name, hash, references.others, storeDir);
  if (method === 'nar' && hash.algorithm === 'sha256') {
    return makeStorePath(
      withReferences('source', references.others, references.self, storeDir),
      printHash(hash, 'base16', true),
      name,
      storeDir,
    );
  }
  if (references.others.length > 0 || references.self)
    throw new FormatError(
      `fixed output derivation '${name}' is not allowed to refer to other store paths.\nYou may need to use the 'unsafeDiscardReferences' derivation attribute, see the manual for more details.`,
    );
  const inner = sha256Hex(`fixed:out:${printMethodPrefix(method)}${hash.algorithm}:${printHex(hash.bytes)}:`);
  return makeStorePath('output:out', `sha256:${inner}`, name, storeDir);
}
