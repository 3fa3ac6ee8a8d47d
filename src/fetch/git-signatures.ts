// Signatures of git commits: `verifyCommit`, `publicKey` and `publicKeys` of an input. git and ssh-keygen verify; that they did it with
// one of the keys that were named is seen in what they say. (Nix: libfetchers/git.cc, git-utils.cc: verifyCommit.)

import { bytesOf } from '../base/bytes.ts';
import { type Json, parseJson } from '../base/canonical-json.ts';
import { FetchError, FloeError } from '../base/errors.ts';
import { hashBytes, printHash } from '../base/hash.ts';
import { booleanAttr, type InputAttrs, printInput, stringAttr } from '../model/input-scheme.ts';
import type { FetchContext } from './fetcher.ts';
import { runGit } from './git-mirror.ts';

const ATTRIBUTES = ['verifyCommit', 'keytype', 'publicKey', 'publicKeys'];

/** What OpenSSH calls each type of key. */
const KEY_TYPES: Readonly<Record<string, string>> = {
  'ssh-dsa': 'ssh-dsa',
  'ssh-ecdsa': 'ssh-ecdsa',
  'ssh-ecdsa-sk': 'sk-ecdsa-sha2-nistp256@openssh.com',
  'ssh-ed25519': 'ssh-ed25519',
  'ssh-ed25519-sk': 'sk-ssh-ed25519@openssh.com',
  'ssh-rsa': 'ssh-rsa',
};

interface PublicKey {
  readonly type: string;
  readonly key: string;
}

function publicKeysOf(attrs: InputAttrs): PublicKey[] {
  const keys: PublicKey[] = [];
  const list = stringAttr(attrs, 'publicKeys');
  if (list !== undefined) {
    const json = parseJson(list, "the attribute 'publicKeys'");
    if (!Array.isArray(json)) throw new FetchError(`'publicKeys' of input '${printInput(attrs)}' is not a list`);
    for (const item of json as readonly Json[]) {
      const members = item instanceof Map ? (item as ReadonlyMap<string, Json>) : new Map<string, Json>();
      const [type, key] = [members.get('type') ?? 'ssh-ed25519', members.get('key')];
      if (typeof type !== 'string' || typeof key !== 'string')
        throw new FetchError(`'publicKeys' of input '${printInput(attrs)}' holds something that is no key`, {
          hint: 'write { type = "ssh-ed25519"; key = "AAAA..."; }',
        });
      keys.push({ type, key });
    }
  }
  const key = stringAttr(attrs, 'publicKey');
  if (key !== undefined) keys.push({ type: stringAttr(attrs, 'keytype') ?? 'ssh-ed25519', key });
  return keys;
}

/** Refuses attributes about signatures as long as the experimental feature is off. */
export function checkSignatureAttrs(attrs: InputAttrs, { settings }: FetchContext): void {
  if (settings.verifiedFetches || !ATTRIBUTES.some((name) => Object.hasOwn(attrs, name))) return;
  throw new FloeError(
    'FLOE_EXPERIMENTAL_FEATURE',
    "experimental Nix feature 'verified-fetches' is disabled; add '--extra-experimental-features verified-fetches' to enable it",
    { data: { feature: 'verified-fetches' } },
  );
}

/** Verifies the commit where the input asks for it. `commit` is undefined for a tree with changes, which nobody signed. */
export function verifySignature(attrs: InputAttrs, repository: string, commit: string | undefined, context: FetchContext): void {
  const keys = publicKeysOf(attrs);
  if (!(booleanAttr(attrs, 'verifyCommit') ?? keys.length > 0)) return;
  if (commit === undefined)
    throw new FetchError(`commit verification is required for Git repository '${printInput(attrs)}', but it's dirty`);
  const signers = keys.map(({ type, key }) => {
    const name = KEY_TYPES[type];
    if (name === undefined) {
      const known = Object.keys(KEY_TYPES).map((one) => `  ${one}\n`);
      throw new FetchError(`Invalid SSH key type '${type}' in publicKeys.\nPlease use one of:\n${known.join('')}`);
    }
    return `* ${name} ${key}\n`;
  });
  const fingerprints = keys.map(({ key }) => fingerprintOf(key));
  const { files } = context.io;
  const folder = files.makeTemporaryFolder(context.cache.folder, 'signers-');
  try {
    files.createFile(`${folder}/allowed`, bytesOf(signers.join('')), false);
    const result = runGit(['-c', `gpg.ssh.allowedSignersFile=${folder}/allowed`, '-C', repository, 'verify-commit', commit], context);
    if (result === undefined) {
      throw new FetchError(`Commit signature verification on commit ${commit} failed: the program 'git' is not installed`, {
        hint: 'install git and ssh-keygen, which verify signatures',
      });
    }
    const output = result.stdout + result.stderr;
    // git may also have been content with some other key that the user trusts.
    const used = [...output.matchAll(/Good "git" signature for \* with .* key SHA256:(\S+)/g)].map(([, fingerprint]) => fingerprint!);
    if (result.status !== 0 || !used.some((fingerprint) => fingerprints.includes(fingerprint)))
      throw new FetchError(`Commit signature verification on commit ${commit} failed: ${output}`, { data: { commit, repository } });
  } finally {
    files.remove(folder);
  }
}

/** As ssh-keygen prints it. */
function fingerprintOf(key: string): string {
  let bytes: string;
  try {
    bytes = atob(key);
  } catch (error) {
    throw new FetchError(`the public key '${key}' is not in base 64`, { cause: error, data: { key } });
  }
  return printHash(hashBytes('sha256', bytesOf(bytes)), 'base64').replace(/=+$/, '');
}
