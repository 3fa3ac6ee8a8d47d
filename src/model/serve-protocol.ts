// The older ssh protocol of Nix ("serve"): what `nix-store --serve` and ssh:// stores say to each other. Numbers of commands, versions,
// build statuses, and how path infos go over the wire. libstore/serve-protocol.hh at 2.34.8. Strings are byte strings.

import type { AsyncWireReader, WireWriter } from '../base/wire.ts';
import { compareStrings } from '../base/bytes.ts';
import { FormatError } from '../base/errors.ts';
import { parseHash, printHash } from '../base/hash.ts';
import type { BuildFailureStatus, BuildSuccessStatus } from './build-result.ts';
import { parseContentAddress, printContentAddress } from './content-address.ts';
import type { PathInfo } from './path-info.ts';
import { parseStorePath, type StoreDir, type StorePath } from './store-path.ts';

/** What the client says first. */
export const CLIENT_MAGIC = 0x390c9deb;
/** What the server answers. */
export const SERVER_MAGIC = 0x5452eecb;
/** Version 2.7; the higher byte is the major number. */
export const SERVE_VERSION = 0x207;
/** The oldest version of a server that clients talk to. */
export const OLDEST_SERVER = 0x205;

/** Requests by number. */
export const SERVE_COMMANDS = {
  queryValidPaths: 1,
  queryPathInfos: 2,
  dumpStorePath: 3,
  importPaths: 4,
  buildPaths: 6,
  queryClosure: 7,
  buildDerivation: 8,
  addToStoreNar: 9,
} as const;

const STATUSES: readonly (BuildSuccessStatus | BuildFailureStatus)[] = [
  'Built',
  'Substituted',
  'AlreadyValid',
  'PermanentFailure',
  'InputRejected',
  'OutputRejected',
  'TransientFailure',
  'CachedFailure',
  'TimedOut',
  'MiscFailure',
  'DependencyFailed',
  'LogLimitExceeded',
  'NotDeterministic',
  'ResolvesToAlreadyValid',
  'NoSubstituters',
];

/** The number of a build status. A wrong hash has none of its own: the output is rejected. */
export function buildStatusNumber(status: string): number {
  const number = STATUSES.indexOf((status === 'HashMismatch' ? 'OutputRejected' : status) as BuildSuccessStatus);
  return number < 0 ? STATUSES.indexOf('MiscFailure') : number;
}

/** The build status of a number. */
export function buildStatusOf(number: number): BuildSuccessStatus | BuildFailureStatus {
  const status = STATUSES[number];
  if (status === undefined) throw new FormatError(`Invalid BuildResult status ${number} from remote`);
  return status;
}

/** A set of paths, in order. */
export function writePaths(writer: WireWriter, paths: Iterable<StorePath>, storeDir: StoreDir): void {
  writer.strings([...paths].sort(compareStrings).map((path) => `${storeDir}/${path}`));
}

export async function readPaths(reader: AsyncWireReader, storeDir: StoreDir): Promise<StorePath[]> {
  return (await reader.strings()).map((text) => parseStorePath(text, storeDir)).sort(compareStrings);
}

/** An answer to queryPathInfos, without the path. */
export function writePathInfo(writer: WireWriter, info: PathInfo, storeDir: StoreDir, version: number): void {
  writer.string(info.deriver === undefined ? '' : `${storeDir}/${info.deriver}`);
  writePaths(writer, info.references, storeDir);
  // The first is the size of a download, which nobody knows.
  writer.number(info.narSize).number(info.narSize);
  if (version < 0x204) return;
  writer.string(printHash(info.narHash, 'nix32', true));
  writer.string(info.contentAddress === undefined ? '' : printContentAddress(info.contentAddress)).strings(info.signatures);
}

/** The same, read; servers older than 2.5 are not talked to. */
export async function readPathInfo(reader: AsyncWireReader, path: StorePath, storeDir: StoreDir): Promise<PathInfo> {
  const deriver = await reader.string();
  const references = await readPaths(reader, storeDir);
  await reader.number();
  const narSize = await reader.number();
  const narHash = await reader.string();
  const contentAddress = await reader.string();
  const signatures = await reader.strings();
  if (narHash === '') throw new FormatError('NAR hash is now mandatory');
  return {
    path,
    narHash: parseHash(narHash),
    narSize,
    references,
    deriver: deriver === '' ? undefined : parseStorePath(deriver, storeDir),
    registrationTime: 0,
    ultimate: false,
    signatures,
    contentAddress: contentAddress === '' ? undefined : parseContentAddress(contentAddress),
  };
}
