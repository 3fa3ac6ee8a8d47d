// What a store knows of one valid path: the facts, the fingerprint that signatures sign, and the JSON forms 1 and 2 of C++ Nix 2.34.8
// (Nix manual, "Store object info JSON format").

import type { Json } from '../base/canonical-json.ts';
import { compareBytes, compareStrings } from '../base/bytes.ts';
import { FormatError, StoreError } from '../base/errors.ts';
import { type Hash, parseSri, printHash } from '../base/hash.ts';
import {
  type ContentAddress,
  type ContentAddressMethod,
  makeContentPath,
  parseContentAddress,
  printContentAddress,
} from './content-address.ts';
import { jsonArray, jsonBoolean, jsonMember, jsonObject, jsonString, jsonStrings, jsonUnsigned } from './json-fields.ts';
import { parseSignature } from './signature.ts';
import { parseStorePath, parseStorePathBaseName, type StoreDir, type StorePath, storePathName } from './store-path.ts';

export interface PathInfo {
  readonly path: StorePath;
  /** SHA-256 of the object's NAR. */
  readonly narHash: Hash;
  /** Bytes of the object's NAR. */
  readonly narSize: number;
  /** Sorted; may contain the path itself. */
  readonly references: readonly StorePath[];
  readonly deriver?: StorePath | undefined;
  /** Seconds since 1970. */
  readonly registrationTime: number;
  /** Built on this machine by this user or one it trusts. */
  readonly ultimate: boolean;
  /** `<key name>:<base 64>` each. */
  readonly signatures: readonly string[];
  readonly contentAddress?: ContentAddress | undefined;
}

/** What a signature of the path signs. FormatError where the size is not known. */
export function pathFingerprint(info: PathInfo, storeDir: StoreDir): string {
  if (info.narSize === 0) {
    throw new FormatError(`cannot calculate fingerprint of path '${storeDir}/${info.path}' because its size is not known`);
  }
  const references = info.references.map((path) => `${storeDir}/${path}`).sort(compareStrings);
  return `1;${storeDir}/${info.path};${printHash(info.narHash, 'nix32', true)};${info.narSize};${references.join(',')}`;
}

/** Without doubles, in Nix's order: key name, then the signature's bytes. */
export function sortSignatures(signatures: Iterable<string>): string[] {
  return [...new Set(signatures)]
    .map((text) => ({ text, parsed: parseSignature(text) }))
    .sort((a, b) => compareStrings(a.parsed.keyName, b.parsed.keyName) || compareBytes(a.parsed.bytes, b.parsed.bytes))
    .map(({ text }) => text);
}

/** The path follows from its content address, so it needs no signature. */
export function isContentAddressed(info: PathInfo, storeDir: StoreDir): boolean {
  if (info.contentAddress === undefined) return false;
  const self = info.references.includes(info.path);
  if (self && info.contentAddress.method === 'text') return false;
  const others = info.references.filter((path) => path !== info.path);
  try {
    return makeContentPath(storePathName(info.path), info.contentAddress, { others, self }, storeDir) === info.path;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/** Refuses a path that claims an address it does not have: such claims need no signature. */
export function requireContentAddress(info: PathInfo, storeDir: StoreDir): void {
  if (info.contentAddress === undefined || isContentAddressed(info, storeDir)) return;
  throw new StoreError(`cannot add path '${storeDir}/${info.path}' to the Nix store because it claims to be content-addressed but isn't`, {
    code: 'FLOE_NOT_CONTENT_ADDRESSED',
    data: { path: info.path },
  });
}

export type PathInfoJsonFormat = 1 | 2;

/** Without the key. `impure` members are those that differ from store to store (time, signatures, deriver). */
export function pathInfoToJson(
  info: PathInfo,
  storeDir: StoreDir,
  format: PathInfoJsonFormat,
  includeImpure = true,
): { [key: string]: Json } {
  const path = (of: StorePath) => (format === 1 ? `${storeDir}/${of}` : of);
  const address = info.contentAddress;
  const json: { [key: string]: Json } = {
    version: format,
    storeDir,
    narHash: printHash(info.narHash, 'sri'),
    narSize: info.narSize,
    references: info.references.map(path),
    ca:
      address === undefined
        ? null
        : format === 1
          ? printContentAddress(address)
          : { method: address.method, hash: printHash(address.hash, 'sri') },
  };
  if (includeImpure) {
    json['deriver'] = info.deriver === undefined ? null : path(info.deriver);
    json['registrationTime'] = info.registrationTime === 0 ? null : info.registrationTime;
    json['ultimate'] = info.ultimate;
    json['signatures'] = sortSignatures(info.signatures);
  }
  return json;
}

function contentAddressFromJson(value: Json): ContentAddress {
  if (typeof value === 'string') return parseContentAddress(value);
  const object = jsonObject(value, "'ca'");
  const method = jsonString(jsonMember(object, 'method', "'ca'"), "'ca.method'");
  if (method !== 'flat' && method !== 'nar' && method !== 'text' && method !== 'git')
    throw new FormatError(`unknown content address method '${method}'`);
  return { method: method satisfies ContentAddressMethod, hash: parseSri(jsonString(jsonMember(object, 'hash', "'ca'"), "'ca.hash'")) };
}

/** Reads either form. */
export function pathInfoFromJson(path: StorePath, value: Json, storeDir: StoreDir): PathInfo {
  const where = 'a path info';
  const object = jsonObject(value, where);
  const member = (key: string) => jsonMember(object, key, where);
  const format = object.has('version') ? jsonUnsigned(member('version'), "'version'") : 1;
  if (format !== 1 && format !== 2)
    throw new FormatError(`unsupported path info JSON format version ${format}; supported versions are 1 and 2`);
  const readPath = (json: Json, key: string) => {
    const text = jsonString(json, `'${key}'`);
    return format === 1 ? parseStorePath(text, storeDir) : parseStorePathBaseName(text);
  };
  const optional = (key: string) => object.get(key) ?? null;
  const deriver = optional('deriver');
  const time = optional('registrationTime');
  const ultimate = optional('ultimate');
  const signatures = optional('signatures');
  const address = member('ca');
  return {
    path,
    narHash: parseSri(jsonString(member('narHash'), "'narHash'")),
    narSize: jsonUnsigned(member('narSize'), "'narSize'"),
    references: [...new Set(jsonArray(member('references'), "'references'").map((json) => readPath(json, 'references')))].sort(
      compareStrings,
    ),
    deriver: deriver === null ? undefined : readPath(deriver, 'deriver'),
    registrationTime: time === null ? 0 : jsonUnsigned(time, "'registrationTime'"),
    ultimate: ultimate === null ? false : jsonBoolean(ultimate, "'ultimate'"),
    signatures: signatures === null ? [] : sortSignatures(jsonStrings(signatures, "'signatures'")),
    contentAddress: address === null ? undefined : contentAddressFromJson(address),
  };
}
