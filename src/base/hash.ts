// A hash: an algorithm and its digest, in the textual forms Nix reads and writes (`sha256:<base16|base32|base64>`, bare digits with
// the algorithm known from elsewhere, and SRI `sha256-<base64>`). Nix manual, "nix hash"; libutil/hash.cc for what is refused.

import { base32Length, parseBase32, printBase32 } from './base32.ts';
import { compareBytes, parseBase64, parseHex, printBase64, printHex } from './bytes.ts';
import { FormatError } from './errors.ts';
import { digest, type HashAlgorithm } from './sha.ts';

export type { HashAlgorithm } from './sha.ts';
export type HashFormat = 'base16' | 'nix32' | 'base64' | 'sri';

export interface Hash {
  readonly algorithm: HashAlgorithm;
  readonly bytes: Uint8Array;
}

export const HASH_SIZES: Readonly<Record<HashAlgorithm, number>> = { blake3: 32, md5: 16, sha1: 20, sha256: 32, sha512: 64 };

export function isHashAlgorithm(text: string): text is HashAlgorithm {
  return Object.hasOwn(HASH_SIZES, text);
}

/** The algorithm of that name; FormatError in Nix's words otherwise. */
export function parseHashAlgorithm(text: string): HashAlgorithm {
  if (isHashAlgorithm(text)) return text;
  throw new FormatError(`unknown hash algorithm '${text}', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'`);
}

export function hashBytes(algorithm: HashAlgorithm, data: Uint8Array | string): Hash {
  return { algorithm, bytes: digest(algorithm, data) };
}

export function equalHash(a: Hash, b: Hash): boolean {
  return a.algorithm === b.algorithm && compareBytes(a.bytes, b.bytes) === 0;
}

/** Digits only, or SRI. With `withAlgorithm`, `sha256:...` (SRI always names it). */
export function printHash(hash: Hash, format: HashFormat, withAlgorithm = false): string {
  if (format === 'sri') return `${hash.algorithm}-${printBase64(hash.bytes)}`;
  const digits = format === 'base16' ? printHex(hash.bytes) : format === 'nix32' ? printBase32(hash.bytes) : printBase64(hash.bytes);
  return withAlgorithm ? `${hash.algorithm}:${digits}` : digits;
}

function parseDigits(digits: string, algorithm: HashAlgorithm, isSri: boolean, whole: string): Hash {
  const size = HASH_SIZES[algorithm];
  let bytes: Uint8Array | undefined;
  if (!isSri && digits.length === size * 2) {
    bytes = parseHex(digits);
    if (bytes === undefined) throw new FormatError(`invalid base-16 hash '${digits}'`);
  } else if (!isSri && digits.length === base32Length(size)) {
    bytes = parseBase32(digits);
    if (bytes === undefined) throw new FormatError(`invalid base-32 hash '${digits}'`);
  } else if (isSri || digits.length === Math.ceil(size / 3) * 4) {
    bytes = parseBase64(digits);
    if (bytes === undefined || bytes.length !== size) throw new FormatError(`invalid ${isSri ? 'SRI hash' : 'base-64 hash'} '${digits}'`);
  } else {
    throw new FormatError(`hash '${whole}' has wrong length for hash algorithm '${algorithm}'`);
  }
  return { algorithm, bytes };
}

/**
 * Any textual form. `expected` is the algorithm known from elsewhere: needed where the text does not name one, and checked where
 * it does. Throws FormatError.
 */
export function parseHash(text: string, expected?: HashAlgorithm): Hash {
  const colon = text.indexOf(':');
  const dash = text.indexOf('-');
  const separator = colon >= 0 ? colon : dash;
  if (separator < 0) {
    if (expected === undefined) throw new FormatError(`hash '${text}' does not include a type, nor is the type otherwise known from context`);
    return parseDigits(text, expected, false, text);
  }
  const algorithm = parseHashAlgorithm(text.slice(0, separator));
  if (expected !== undefined && expected !== algorithm) {
    throw new FormatError(`hash '${text}' should have type '${expected}'`);
  }
  return parseDigits(text.slice(separator + 1), algorithm, colon < 0, text);
}

/** SRI form only. */
export function parseSri(text: string): Hash {
  const dash = text.indexOf('-');
  if (dash < 0) throw new FormatError(`hash '${text}' is not SRI`);
  return parseDigits(text.slice(dash + 1), parseHashAlgorithm(text.slice(0, dash)), true, text);
}
