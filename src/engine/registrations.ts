// Validity registrations: the text form in which paths are registered from outside (`--dump-db`, `--load-db`,
// `--register-validity`; exportReferencesGraph gives the same to builders). libstore/store-api.cc, makeValidityRegistration.

import { compareStrings } from '../base/bytes.ts';
import { FormatError } from '../base/errors.ts';
import { parseHash, printHash } from '../base/hash.ts';
import type { PathInfo } from '../model/path-info.ts';
import { parseStorePath, type StorePath } from '../model/store-path.ts';
import { canonicalise } from '../store/local/canonicalise.ts';
import { hashTree } from '../store/local/inspect-tree.ts';
import type { LocalStore } from '../store/local/local-store.ts';
import type { MachineStore } from '../store/local/machine-store.ts';

/** Lines for a valid path: path, hash, size, deriver or nothing, number of references, references. */
export function printRegistration(store: MachineStore, path: StorePath): string {
  const info = store.requirePathInfoSync(path);
  const lines = [
    store.printPath(path),
    printHash(info.narHash, 'base16'),
    String(info.narSize),
    info.deriver === undefined ? '' : store.printPath(info.deriver),
    String(info.references.length),
    ...info.references.map((reference) => store.printPath(reference)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

export interface RegisterOptions {
  /** Also those that are valid already. */
  readonly reregister: boolean;
  /** Hash and size are in the text; otherwise they are taken from the files. */
  readonly hashGiven: boolean;
  /** Set modes and times of the files first. */
  readonly canonicalise: boolean;
}

/** Reads registrations line by line and makes the paths valid. */
export function registerPaths(store: LocalStore, readLine: () => string | undefined, options: RegisterOptions): void {
  const infos = new Map<StorePath, PathInfo>();
  for (let line = readLine(); line !== undefined; line = readLine()) {
    const path = parseStorePath(line, store.storeDir);
    const given = options.hashGiven
      ? { narHash: parseHash(nextLine(readLine), 'sha256'), narSize: parseNumber(nextLine(readLine)) }
      : undefined;
    const deriver = nextLine(readLine);
    const count = parseNumber(nextLine(readLine));
    const references = Array.from({ length: count }, () => parseStorePath(nextLine(readLine), store.storeDir));
    if (!options.reregister && store.isValidPathSync(path)) continue;
    if (options.canonicalise) canonicalise(store.toRealPath(path));
    infos.set(path, {
      path,
      ...(given ?? hashTree(store.toRealPath(path))),
      references: [...new Set(references)].sort(compareStrings),
      deriver: deriver === '' ? undefined : parseStorePath(deriver, store.storeDir),
      registrationTime: 0,
      ultimate: false,
      signatures: [],
    });
  }
  store.registerValidPaths([...infos.values()]);
}

function nextLine(readLine: () => string | undefined): string {
  const line = readLine();
  if (line === undefined) throw new FormatError('missing input');
  return line;
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value)) throw new FormatError('number expected');
  return value;
}
