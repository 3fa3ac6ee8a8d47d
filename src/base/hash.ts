// A hash: an algorithm and its digest, in the textual forms Nix reads and writes (`sha256:<base16|base32|base64>`, bare digits with
// the algorithm known from elsewhere, and SRI `sha256-<base64>`). Nix manual, "nix hash"; libutil/hash.cc for what is refused.

import { base32Length, parseBase32, printBase32 } from './base32.ts';
import { compareBytes, parseBase64, parseHex, printBase64, printHex } from './bytes.ts';
import { FormatError, UsageError } from './errors.ts';
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

/** The algorithm of that name. NIX: what is none is wrong usage, also where a program names it. */
export function parseHashAlgorithm(text: string): HashAlgorithm {
  if (isHashAlgorithm(text)) return text;
  throw new UsageError(`unknown hash algorithm '${text}', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'`);
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

/** As Nix reads base 64: ends at the first "=", skips line ends, ignores what bits are left over. Undefined where a digit is none. */
function decodeBase64(digits: string): Uint8Array | undefined {
  const end = digits.indexOf('=');
  const plain = (end < 0 ? digits : digits.slice(0, end)).replaceAll('\n', '');
  // A lone last digit holds no whole byte.
  return parseBase64(plain.length % 4 === 1 ? plain.slice(0, -1) : plain);
}

function parseDigits(digits: string, algorithm: HashAlgorithm, isSri: boolean): Hash {
  const size = HASH_SIZES[algorithm];
  let name: string;
  let bytes: Uint8Array | undefined;
  if (isSri) {
    name = 'SRI';
    bytes = decodeBase64(digits);
  } else if (digits.length === size * 2) {
    name = 'base16';
    bytes = parseHex(digits);
  } else if (digits.length === base32Length(size)) {
    name = 'nix32';
    bytes = parseBase32(digits);
  } else if (digits.length === Math.ceil(size / 3) * 4) {
    name = 'Base64';
    bytes = decodeBase64(digits);
  } else {
    throw new FormatError(`hash '${digits}' has wrong length for hash algorithm '${algorithm}'`);
  }
  if (bytes === undefined || bytes.length !== size) {
    // NIX: 2.34.8 forgets which digit was wrong and finds nothing decoded.
    throw new FormatError(`invalid ${name} hash '${digits}', length ${bytes?.length ?? 0} != expected length ${size}`);
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
    if (expected === undefined)
      throw new FormatError(`hash '${text}' does not include a type, nor is the type otherwise known from context`);
    return parseDigits(text, expected, false);
  }
  const algorithm = parseHashAlgorithm(text.slice(0, separator));
  if (expected !== undefined && expected !== algorithm) {
    throw new FormatError(`hash '${text}' should have type '${expected}'`);
  }
  return parseDigits(text.slice(separator + 1), algorithm, colon < 0);
}

/** SRI form only. */
export function parseSri(text: string): Hash {
  const dash = text.indexOf('-');
  if (dash < 0) throw new FormatError(`hash '${text}' is not SRI`);
  return parseDigits(text.slice(dash + 1), parseHashAlgorithm(text.slice(0, dash)), true);
}
