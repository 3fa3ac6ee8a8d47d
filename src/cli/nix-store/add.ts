// `nix-store --add`, `--add-fixed`, `--print-fixed-path`, `--generate-binary-cache-key`: things into the store, and what they would be
// called there.

import { basename, resolve } from 'node:path';
import { utf8ToByteString } from '../../base/bytes.ts';
import { UsageError } from '../../base/errors.ts';
import { type HashAlgorithm, parseHash, parseHashAlgorithm } from '../../base/hash.ts';
import { writeKeyPair } from '../../engine/signing-keys.ts';
import { addToStore } from '../../engine/store-archives.ts';
import { type ContentAddressMethod, makeContentPath, NO_REFERENCES } from '../../model/content-address.ts';
import type { OperationRun } from './operation.ts';

function addPath(run: OperationRun, text: string, method: ContentAddressMethod, algorithm: HashAlgorithm): void {
  // NIX: the name is taken from the words, so that "." has none that would do.
  const request = { path: resolve(run.engine.cwd, text), name: basename(text), method, algorithm };
  run.print(`${run.engine.storeDir}/${addToStore(run.store, request)}`);
}

/** `nix-store --add`. */
export async function add(run: OperationRun): Promise<void> {
  run.refuseFlags();
  for (const arg of run.args) addPath(run, arg, 'nar', 'sha256');
}

/** `nix-store --add-fixed`. */
export async function addFixed(run: OperationRun): Promise<void> {
  const method = run.readFlags('--recursive').has('--recursive') ? 'nar' : 'flat';
  if (run.args.length === 0) throw new UsageError('first argument must be hash algorithm');
  const algorithm = parseHashAlgorithm(run.args[0]!);
  for (const arg of run.args.slice(1)) addPath(run, arg, method, algorithm);
}

/** `nix-store --print-fixed-path`. */
export async function printFixedPath(run: OperationRun): Promise<void> {
  const method = run.readFlags('--recursive').has('--recursive') ? 'nar' : 'flat';
  if (run.args.length !== 3) throw new UsageError("'--print-fixed-path' requires three arguments");
  const [algorithm, hash, name] = run.args as [string, string, string];
  const address = { method, hash: parseHash(hash, parseHashAlgorithm(algorithm)) } as const;
  run.print(`${run.engine.storeDir}/${makeContentPath(utf8ToByteString(name), address, NO_REFERENCES, run.engine.storeDir)}`);
}

/** `nix-store --generate-binary-cache-key`. */
export async function generateBinaryCacheKey(run: OperationRun): Promise<void> {
  run.readFlags();
  if (run.args.length !== 3) throw new UsageError('three arguments expected');
  const [name, secretFile, publicFile] = run.args as [string, string, string];
  writeKeyPair(name, resolve(run.engine.cwd, secretFile), resolve(run.engine.cwd, publicFile));
}
