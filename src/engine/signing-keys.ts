// Key pairs for signing store paths, made and written to files.

import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { printKey, publicKeyOf } from '../model/signature.ts';
import { makeSecretKey } from '../model/signing.ts';

const ED25519_SEED_SIZE = 32;

function writeDurably(path: string, text: string, mode: number): void {
  const file = openSync(path, 'w', mode);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes a key pair of that name; the secret key's file is readable for its owner alone. */
export function writeKeyPair(name: string, secretFile: string, publicFile: string): void {
  const secret = makeSecretKey(name, randomBytes(ED25519_SEED_SIZE));
  writeDurably(publicFile, printKey(publicKeyOf(secret)), 0o666);
  writeDurably(secretFile, printKey(secret), 0o600);
}
