// Ed25519 keys and signatures as Nix writes them: `<key name>:<base 64>`. A secret key is libsodium's 64 bytes (seed, then public key).
// Only the texts: what is computed with keys is signing.ts's, so that reading a signature loads no arithmetic. Nix manual, "nix key";
// libutil/signature/local-keys.cc.

import { parseBase64, printBase64 } from '../base/bytes.ts';
import { FormatError } from '../base/errors.ts';

export interface SecretKey {
  readonly name: string;
  /** Seed and public key, 32 bytes each. */
  readonly bytes: Uint8Array;
}

export interface PublicKey {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Signature {
  readonly keyName: string;
  readonly bytes: Uint8Array;
}

export const SEED_SIZE = 32;
export const SECRET_SIZE = 64;
const PUBLIC_SIZE = 32;
export const SIGNATURE_SIZE = 64;

function splitNamed(text: string, what: string): { name: string; bytes: Uint8Array } {
  const colon = text.indexOf(':');
  const bytes = colon > 0 ? parseBase64(text.slice(colon + 1).trim()) : undefined;
  if (bytes === undefined || bytes.length === 0) throw new FormatError(`${what} is corrupt`);
  return { name: text.slice(0, colon), bytes };
}

/** FormatError that never shows the key's text. */
export function parseSecretKey(text: string): SecretKey {
  const key = splitNamed(text, 'key');
  if (key.bytes.length !== SECRET_SIZE) throw new FormatError('secret key is not valid');
  return key;
}

export function parsePublicKey(text: string): PublicKey {
  const key = splitNamed(text, `key with raw value '${text}'`);
  if (key.bytes.length !== PUBLIC_SIZE) throw new FormatError(`public key is not valid: '${text}'`);
  return key;
}

/** Keys of a setting such as `trusted-public-keys`, by name. */
export function parsePublicKeys(texts: Iterable<string>): Map<string, PublicKey> {
  const keys = new Map<string, PublicKey>();
  for (const text of texts) {
    const key = parsePublicKey(text);
    keys.set(key.name, key);
  }
  return keys;
}

export function parseSignature(text: string): Signature {
  const { name, bytes } = splitNamed(text, `signature '${text}'`);
  return { keyName: name, bytes };
}

export function printKey(key: SecretKey | PublicKey): string {
  return `${key.name}:${printBase64(key.bytes)}`;
}

export function printSignature(signature: Signature): string {
  return `${signature.keyName}:${printBase64(signature.bytes)}`;
}

export function publicKeyOf(secret: SecretKey): PublicKey {
  return { name: secret.name, bytes: secret.bytes.slice(SEED_SIZE) };
}
