// Options about hashes that several commands share, and printing as they ask.

import { Option } from 'clipanion';
import { UsageError } from '../base/errors.ts';
import { type HashFormat, type Hash, printHash } from '../base/hash.ts';

const FORMATS: readonly string[] = ['base16', 'nix32', 'base64', 'sri'];

/** "base16", "nix32", "base64" or "sri"; the old name "base32" with a warning. */
export function readHashFormat(text: string, warn: (message: string) => void): HashFormat {
  if (text === 'base32') {
    warn('"base32" is a deprecated alias for hash format "nix32".');
    return 'nix32';
  }
  if (!FORMATS.includes(text)) throw new UsageError(`unknown hash format '${text}', expect 'base16', 'base32', 'base64', or 'sri'`);
  return text as HashFormat;
}

/** `--sri`, `--base64`, `--base32`, `--base16`, `--type` of the commands that compute hashes. */
export function digestOptions() {
  return {
    sri: Option.Boolean('--sri', false, { description: 'Print the hash in SRI format.' }),
    base64: Option.Boolean('--base64', false, { description: 'Print the hash in base 64.' }),
    base32: Option.Boolean('--base32', false, { description: "Print the hash in Nix's base 32." }),
    base16: Option.Boolean('--base16', false, { description: 'Print the hash in base 16.' }),
    type: Option.String('--type', 'sha256', { description: 'Hash algorithm: blake3, md5, sha1, sha256 or sha512. {hash-algo}' }),
  };
}

/** The format the switches ask for. */
export function chosenFormat(options: ReturnType<typeof digestOptions>): HashFormat {
  return options.base64 ? 'base64' : options.base32 ? 'nix32' : options.base16 ? 'base16' : 'sri';
}

/** Digits without the algorithm, but in SRI. */
export function showHash(hash: Hash, format: HashFormat): string {
  return printHash(hash, format, format === 'sri');
}
