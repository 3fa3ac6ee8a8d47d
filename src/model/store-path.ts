// Store paths: `<hash>-<name>` under a store directory, and how they are computed from what they hold. Nix manual, "Store path
// specification". A StorePath is only the base name; the directory belongs to the store (StoreDir) and is added by `printStorePath`.

import { BASE32_ALPHABET, printBase32 } from '../base/base32.ts';
import { textOfByteString } from '../base/bytes.ts';
import { FormatError } from '../base/errors.ts';
import { digest, hexDigest, textDigest } from '../base/sha.ts';

declare const storePathBrand: unique symbol;
/** The base name of a store object: 32 base-32 digits, a dash, a name. */
export type StorePath = string & { readonly [storePathBrand]: true };

/** The logical store directory, for example "/nix/store"; no slash at the end. */
export type StoreDir = string;

export const DEFAULT_STORE_DIR: StoreDir = '/nix/store';
const HASH_LENGTH = 32;
const MAX_NAME_LENGTH = 211;
const NAME = /^[0-9a-zA-Z+\-._?=]+$/;
const NOT_A_DIGIT = new RegExp(`[^${BASE32_ALPHABET}]`);

/** Refuses names Nix refuses, in its words. */
export function checkStorePathName(name: string): void {
  if (name === '') throw new FormatError('name must not be empty');
  if (name.length > MAX_NAME_LENGTH) throw new FormatError(`name '${name}' must be no longer than ${MAX_NAME_LENGTH} characters`);
  if (name[0] === '.') {
    if (name === '.' || name === '..') throw new FormatError(`name '${name}' is not valid`);
    if (name.startsWith('.-')) throw new FormatError(`name '${name}' is not valid: first dash-separated component must not be '.'`);
    if (name.startsWith('..-')) throw new FormatError(`name '${name}' is not valid: first dash-separated component must not be '..'`);
  }
  if (!NAME.test(name)) {
    const illegal = [...name].find((character) => !NAME.test(character))!;
    throw new FormatError(`name '${name}' contains illegal character '${textOfByteString(illegal)}'`);
  }
}

/** Checks a base name `<hash>-<name>`; FormatError where it is none. */
export function parseStorePathBaseName(baseName: string): StorePath {
  if (baseName.length < HASH_LENGTH + 1) throw new FormatError(`'${baseName}' is too short to be a valid store path`);
  const illegal = NOT_A_DIGIT.exec(baseName.slice(0, HASH_LENGTH));
  if (illegal) throw new FormatError(`store path '${baseName}' contains illegal base-32 character '${illegal[0]}'`);
  if (baseName[HASH_LENGTH] !== '-') throw new FormatError(`store path '${baseName}' has no dash after its hash`);
  checkStorePathName(baseName.slice(HASH_LENGTH + 1));
  return baseName as StorePath;
}

/** `/nix/store/<hash>-<name>` exactly (nothing below it). FormatError otherwise. */
export function parseStorePath(path: string, storeDir: StoreDir): StorePath {
  if (!path.startsWith(`${storeDir}/`) || path.indexOf('/', storeDir.length + 1) >= 0) {
    throw new FormatError(`path '${path}' is not in the Nix store`);
  }
  return parseStorePathBaseName(path.slice(storeDir.length + 1));
}

/** The store path that `path` is or lies in, and the rest ("" or "/..."); undefined where it is not in the store. */
export function splitStorePath(path: string, storeDir: StoreDir): { storePath: StorePath; rest: string } | undefined {
  if (!path.startsWith(`${storeDir}/`)) return undefined;
  const slash = path.indexOf('/', storeDir.length + 1);
  const baseName = slash < 0 ? path.slice(storeDir.length + 1) : path.slice(storeDir.length + 1, slash);
  if (baseName === '') return undefined;
  return { storePath: parseStorePathBaseName(baseName), rest: slash < 0 ? '' : path.slice(slash) };
}

export function printStorePath(path: StorePath, storeDir: StoreDir): string {
  return `${storeDir}/${path}`;
}

export function storePathHash(path: StorePath): string {
  return path.slice(0, HASH_LENGTH);
}

export function storePathName(path: StorePath): string {
  return path.slice(HASH_LENGTH + 1);
}

export function isDerivationPath(path: StorePath): boolean {
  return path.endsWith('.drv');
}

/** XOR-folds a digest to 20 bytes, as store paths and placeholders do. */
export function compressHash(bytes: Uint8Array, size: number): Uint8Array {
  const folded = new Uint8Array(size);
  for (let i = 0; i < bytes.length; i++) folded[i % size]! ^= bytes[i]!;
  return folded;
}

const folded = new Uint8Array(20);

/** The digits of a path that this is the fingerprint of. */
function hashPart(fingerprint: string): string {
  const digest = textDigest('sha256', fingerprint);
  for (let i = 0; i < 20; i++) folded[i] = digest.charCodeAt(i) ^ (i < 12 ? digest.charCodeAt(i + 20) : 0);
  return printBase32(folded);
}

/**
 * `type` is the fingerprint's first field ("text:ref:ref", "source", "output:out"); `innerHash` a SHA-256 in base 16 or the text
 * that stands for it.
 */
export function makeStorePath(type: string, innerHash: string, name: string, storeDir: StoreDir): StorePath {
  const fingerprint = `${type}:${innerHash}:${storeDir}:${name}`;
  const path = `${hashPart(fingerprint)}-${name}`;
  try {
    checkStorePathName(name);
  } catch (error) {
    if (error instanceof FormatError)
      throw new FormatError(`path '${path}' is not a valid store path: ${error.message}`, { data: error.data });
    throw error;
  }
  return path as StorePath;
}

/** Path of a derivation's output, given the derivation's hash modulo in base 16. */
export function makeOutputPath(output: string, hashModulo: string, derivationName: string, storeDir: StoreDir): StorePath {
  return makeStorePath(`output:${output}`, `sha256:${hashModulo}`, outputPathName(derivationName, output), storeDir);
}

/** The name that the path of an output has. */
export function outputPathName(derivationName: string, output: string): string {
  return output === 'out' ? derivationName : `${derivationName}-${output}`;
}

/** What stands in a derivation for a path that is not known yet. */
export function hashPlaceholder(output: string): string {
  return `/${printBase32(digest('sha256', `nix-output:${output}`))}`;
}

export function sha256Hex(text: string | Uint8Array): string {
  return hexDigest('sha256', text);
}
