// Signing keys as texts: made, and turned into the public half. nix/sigs.cc.

import { randomBytes } from 'node:crypto';
import { FormatError } from '../base/errors.ts';
import { parseSecretKey, printKey, publicKeyOf, SEED_SIZE } from '../model/signature.ts';
import { makeSecretKey } from '../model/signing.ts';

/** A new secret key of that name. */
export function generateSecretKey(name: string): string {
  return printKey(makeSecretKey(name, randomBytes(SEED_SIZE)));
}

/** The public key of a secret one. FormatError that never shows the key. */
export function publicKeyText(secret: string): string {
  try {
    return printKey(publicKeyOf(parseSecretKey(secret)));
  } catch (error) {
    if (error instanceof FormatError && error.message === 'key is corrupt') {
      const name = secret.slice(0, Math.max(0, secret.indexOf(':')));
      error.frames.push({ text: `while decoding key named '${name}'` });
    }
    throw error;
  }
}
