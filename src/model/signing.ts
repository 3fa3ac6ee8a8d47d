// Making and checking Ed25519 signatures. Apart from the texts (signature.ts), because @noble's arithmetic costs 30 ms of CPU to load,
// and most runs of floe check none.

import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesOf } from '../base/bytes.ts';
import { SignatureError } from '../base/errors.ts';
import { isContentAddressed, pathFingerprint, type PathInfo, sortSignatures } from './path-info.ts';
import {
  parseSignature,
  printSignature,
  type PublicKey,
  SECRET_SIZE,
  type SecretKey,
  SEED_SIZE,
  type Signature,
  SIGNATURE_SIZE,
} from './signature.ts';
import { type Realisation, realisationFingerprint } from './realisation.ts';
import type { StoreDir } from './store-path.ts';

/** `random` gives 32 bytes nobody can guess. */
export function makeSecretKey(name: string, random: Uint8Array): SecretKey {
  const bytes = new Uint8Array(SECRET_SIZE);
  bytes.set(random.subarray(0, SEED_SIZE), 0);
  bytes.set(ed25519.getPublicKey(random.subarray(0, SEED_SIZE)), SEED_SIZE);
  return { name, bytes };
}

/** Signs a byte string (a path's fingerprint). */
export function sign(secret: SecretKey, text: string): Signature {
  return { keyName: secret.name, bytes: ed25519.sign(bytesOf(text), secret.bytes.subarray(0, SEED_SIZE)) };
}

/** False where no key of that name is known or the signature is not its. SignatureError where it is no Ed25519 signature at all. */
export function verifySignature(signature: Signature, text: string, keys: ReadonlyMap<string, PublicKey>): boolean {
  const key = keys.get(signature.keyName);
  if (key === undefined) return false;
  if (signature.bytes.length !== SIGNATURE_SIZE) throw new SignatureError('signature is not valid', { data: { key: key.name } });
  try {
    // NIX: libsodium checks without the cofactor, hence zip215 off.
    return ed25519.verify(signature.bytes, bytesOf(text), key.bytes, { zip215: false });
  } catch {
    return false;
  }
}

/** The info with one more signature. */
export function signPath(info: PathInfo, key: SecretKey, storeDir: StoreDir): PathInfo {
  const signature = printSignature(sign(key, pathFingerprint(info, storeDir)));
  return { ...info, signatures: sortSignatures([...info.signatures, signature]) };
}

/** Number of signatures by these keys; Infinity for a content-addressed path. */
export function countGoodSignatures(info: PathInfo, storeDir: StoreDir, keys: ReadonlyMap<string, PublicKey>): number {
  if (isContentAddressed(info, storeDir)) return Infinity;
  const fingerprint = pathFingerprint(info, storeDir);
  return info.signatures.filter((text) => verifySignature(parseSignature(text), fingerprint, keys)).length;
}

/** The realisation with one more signature. */
export function signRealisation(realisation: Realisation, key: SecretKey): Realisation {
  const signature = printSignature(sign(key, realisationFingerprint(realisation)));
  return { ...realisation, signatures: sortSignatures([...realisation.signatures, signature]) };
}

/** Number of signatures of a realisation by these keys. */
export function countGoodRealisationSignatures(realisation: Realisation, keys: ReadonlyMap<string, PublicKey>): number {
  const fingerprint = realisationFingerprint(realisation);
  return realisation.signatures.filter((text) => verifySignature(parseSignature(text), fingerprint, keys)).length;
}
