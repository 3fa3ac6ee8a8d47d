// .narinfo files: what a binary cache says of one store object and where its compressed NAR lies. Nix manual, "Binary cache"; read as
// tolerantly as libstore/nar-info.cc does (unknown fields pass), printed as it prints.

import type { Json } from '../base/canonical-json.ts';
import { compareStrings } from '../base/bytes.ts';
import { FormatError } from '../base/errors.ts';
import { type Hash, parseHash, printHash } from '../base/hash.ts';
import { type ContentAddress, parseContentAddress, printContentAddress } from './content-address.ts';
import { type PathInfo, type PathInfoJsonFormat, pathInfoToJson, sortSignatures } from './path-info.ts';
import { parseStorePath, parseStorePathBaseName, type StoreDir, type StorePath } from './store-path.ts';

export interface NarInfo extends PathInfo {
  /** Of the compressed NAR, relative to the cache. */
  readonly url: string;
  /** "none", "xz", "zstd", "bzip2", ... */
  readonly compression: string;
  /** Of the compressed file. */
  readonly fileHash?: Hash | undefined;
  /** 0 where not known. */
  readonly fileSize: number;
}

/** FormatError naming `whence` (an address) and the line. */
export function parseNarInfo(text: string, storeDir: StoreDir, whence: string): NarInfo {
  let line = 1;
  const corrupt = (reason: string, cause?: unknown): never => {
    const place = line > 0 ? ` at line ${line}` : '';
    throw new FormatError(`NAR info file '${whence}' is corrupt: ${reason}${place}`, { data: { whence, line }, cause });
  };
  const guarded = <T>(reason: string, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      return error instanceof FormatError ? corrupt(`${reason} (${error.message})`, error) : corrupt(reason, error);
    }
  };
  const readSize = (value: string, reason: string): number => {
    const size = /^[0-9]+$/.test(value) ? Number(value) : NaN;
    return Number.isSafeInteger(size) ? size : corrupt(reason);
  };
  let path: StorePath | undefined;
  let narHash: Hash | undefined;
  let fileHash: Hash | undefined;
  let deriver: StorePath | undefined;
  let contentAddress: ContentAddress | undefined;
  let url = '';
  let compression = '';
  let fileSize = 0;
  let narSize = 0;
  const references = new Set<StorePath>();
  const signatures: string[] = [];
  for (let position = 0; position < text.length; line++) {
    const colon = text.indexOf(':', position);
    if (colon < 0) corrupt("expecting ':'");
    const end = text.indexOf('\n', colon + 1);
    if (end < 0) corrupt("expecting '\\n'");
    const field = text.slice(position, colon);
    const value = text.slice(colon + 2, end);
    position = end + 1;
    switch (field) {
      case 'StorePath':
        path = guarded('bad store path', () => parseStorePath(value, storeDir));
        break;
      case 'URL':
        url = value;
        break;
      case 'Compression':
        compression = value;
        break;
      case 'FileHash':
        fileHash = guarded('bad hash', () => parseHash(value));
        break;
      case 'FileSize':
        fileSize = readSize(value, 'invalid FileSize');
        break;
      case 'NarHash':
        narHash = guarded('bad hash', () => parseHash(value));
        break;
      case 'NarSize':
        narSize = readSize(value, 'invalid NarSize');
        break;
      case 'References':
        if (references.size > 0) corrupt('extra References');
        for (const reference of value.split(' '))
          if (reference !== '') references.add(guarded('bad reference', () => parseStorePathBaseName(reference)));
        break;
      case 'Deriver':
        if (value !== 'unknown-deriver') deriver = guarded('bad deriver', () => parseStorePathBaseName(value));
        break;
      case 'Sig':
        signatures.push(value);
        break;
      case 'CA':
        if (contentAddress !== undefined) corrupt('extra CA');
        if (value !== '') contentAddress = guarded('bad content address', () => parseContentAddress(value));
        break;
    }
  }
  line = 0;
  return {
    path: path ?? corrupt('StorePath missing'),
    narHash: narHash ?? corrupt('NarHash missing'),
    narSize: narSize || corrupt('NarSize missing or zero'),
    references: [...references].sort(compareStrings),
    deriver,
    registrationTime: 0,
    ultimate: false,
    signatures: guarded('bad signature', () => sortSignatures(signatures)),
    contentAddress,
    url: url || corrupt('URL missing'),
    compression: compression || 'bzip2',
    fileHash,
    fileSize,
  };
}

/** Needs the hash of the compressed file. */
export function printNarInfo(info: NarInfo & { readonly fileHash: Hash }, storeDir: StoreDir): string {
  const lines = [
    `StorePath: ${storeDir}/${info.path}`,
    `URL: ${info.url}`,
    `Compression: ${info.compression}`,
    `FileHash: ${printHash(info.fileHash, 'nix32', true)}`,
    `FileSize: ${info.fileSize}`,
    `NarHash: ${printHash(info.narHash, 'nix32', true)}`,
    `NarSize: ${info.narSize}`,
    `References: ${info.references.join(' ')}`,
  ];
  if (info.deriver !== undefined) lines.push(`Deriver: ${info.deriver}`);
  for (const signature of sortSignatures(info.signatures)) lines.push(`Sig: ${signature}`);
  if (info.contentAddress !== undefined) lines.push(`CA: ${printContentAddress(info.contentAddress)}`);
  return `${lines.join('\n')}\n`;
}

/** As `nix path-info --json` prints what a binary cache says. */
export function narInfoToJson(info: NarInfo, storeDir: StoreDir, format: PathInfoJsonFormat): Json {
  return {
    ...pathInfoToJson(info, storeDir, format),
    url: info.url,
    compression: info.compression,
    downloadHash: info.fileHash === undefined ? undefined : printHash(info.fileHash, 'sri'),
    downloadSize: info.fileSize === 0 ? undefined : info.fileSize,
  };
}
