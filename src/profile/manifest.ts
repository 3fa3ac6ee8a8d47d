// manifest.json of a profile: which packages are in it and where they came from. Written in version 3, read in versions 1 to 3; every
// text in it is a byte string. nix/profile.cc, libflake/url-name.cc.

import { compareStrings } from '../base/bytes.ts';
import { type Json, parseJson } from '../base/canonical-json.ts';
import { FloeError, FormatError } from '../base/errors.ts';
import { type OutputsSpec, printOutputsSpec } from '../model/derived-path.ts';
import { type FlakeRef, parseFlakeRef, printFlakeRef } from '../model/flake-ref.ts';
import { jsonArray, jsonBoolean, jsonMember, type JsonObject, jsonObject, jsonString, jsonStrings } from '../model/json-fields.ts';
import { parseStorePath, type StoreDir, type StorePath, storePathName } from '../model/store-path.ts';
import { parseUrl, type Url } from '../model/url.ts';
import { NO_VERSIONS, printVersions, splitPackageName } from './package-versions.ts';

/** The flake output a package is. */
export interface ElementSource {
  /** As the user named the flake. */
  readonly originalRef: FlakeRef;
  readonly lockedRef: FlakeRef;
  readonly attrPath: string;
  /** Undefined where the user named none. */
  readonly outputs: OutputsSpec | undefined;
}

/** One package of a profile. */
export interface ProfileElement {
  /** Sorted. */
  readonly storePaths: readonly StorePath[];
  readonly source: ElementSource | undefined;
  readonly active: boolean;
  /** A lower number wins where files collide. */
  readonly priority: number;
}

/** Of packages that say nothing else. */
export const DEFAULT_PRIORITY = 5;

function printSource(source: ElementSource): string {
  return `${printFlakeRef(source.originalRef)}#${source.attrPath}${printExtendedOutputs(source.outputs)}`;
}

/** "^out,dev", or nothing where no outputs were named. */
export function printExtendedOutputs(outputs: OutputsSpec | undefined): string {
  return outputs === undefined ? '' : `^${printOutputsSpec(outputs)}`;
}

/** What messages call a package: its installable, or the names in its store paths. */
export function elementIdentifier({ source, storePaths }: ProfileElement): string {
  if (source !== undefined) return printSource(source);
  return [...new Set(storePaths.map((path) => splitPackageName(storePathName(path)).name))].sort(compareStrings).join(', ');
}

/** The words that add a package again. */
export function elementInstallables({ source, storePaths }: ProfileElement, storeDir: StoreDir): string[] {
  return source === undefined ? storePaths.map((path) => `${storeDir}/${path}`) : [printSource(source)];
}

function elementVersions({ storePaths }: ProfileElement): string {
  return printVersions(storePaths.map((path) => splitPackageName(storePathName(path)).version));
}

/** The name a package gets in its profile. */
export function elementName(element: ProfileElement): string {
  const named = element.source === undefined ? undefined : nameFromUrl(parseUrl(printSource(element.source), true));
  return named ?? elementIdentifier(element);
}

const LAST_ATTRIBUTE = /^((?:[a-zA-Z0-9_-]+\.)*)([a-zA-Z0-9_-]+)(\^.*)?$/;
const LAST_SEGMENT = /^.*\/([a-zA-Z0-9_-]+)$/;
const SECOND_SEGMENT = /^[a-zA-Z0-9_-]+\/([a-zA-Z0-9_-]+)(?:\/.*)?$/;

/** A short name for what a URL points at; undefined where nothing in it is fit to be one. */
export function nameFromUrl(url: Url): string | undefined {
  const folder = url.query.get('dir');
  if (folder !== undefined) return folder;
  const attribute = LAST_ATTRIBUTE.exec(url.fragment);
  if (attribute !== null && attribute[1] !== 'defaultPackage.' && attribute[2] !== 'default') return attribute[2];
  const path = url.path.join('/');
  const repository = /^(?:github|gitlab|sourcehut)$/.test(url.scheme) ? SECOND_SEGMENT.exec(path) : null;
  return (repository ?? LAST_SEGMENT.exec(path))?.[1];
}

/** The packages of a profile by their names. */
export class ProfileManifest {
  private readonly named = new Map<string, ProfileElement>();

  /** In the order of the names. */
  get elements(): [string, ProfileElement][] {
    return [...this.named].sort(([a], [b]) => compareStrings(a, b));
  }

  get size(): number {
    return this.named.size;
  }

  get(name: string): ProfileElement | undefined {
    return this.named.get(name);
  }

  /** Adds a package; a number is put behind a name that is taken. */
  add(element: ProfileElement, name = elementName(element)): void {
    let free = name;
    for (let number = 1; this.named.has(free); number++) free = `${name}-${number}`;
    this.named.set(free, element);
  }

  /** Puts another package in the place of one. */
  replace(name: string, element: ProfileElement): void {
    this.named.set(name, element);
  }

  remove(name: string): void {
    this.named.delete(name);
  }

  /** Version 3. */
  toJson(storeDir: StoreDir): Json {
    const elements = new Map(this.elements.map(([name, element]): [string, Json] => [name, elementToJson(element, storeDir)]));
    return { version: 3, elements };
  }
}

function elementToJson({ storePaths, active, priority, source }: ProfileElement, storeDir: StoreDir): Json {
  const common = { storePaths: storePaths.map((path) => `${storeDir}/${path}`), active, priority };
  if (source === undefined) return common;
  return {
    ...common,
    originalUrl: printFlakeRef(source.originalRef),
    url: printFlakeRef(source.lockedRef),
    attrPath: source.attrPath,
    outputs: source.outputs === undefined ? null : source.outputs === 'all' ? ['*'] : source.outputs,
  };
}

/** Reads a manifest; `place` names its file in errors. FormatError for what is none. */
export function parseManifest(text: string, place: string, storeDir: StoreDir): ProfileManifest {
  const what = `profile manifest "${place}"`;
  const json = jsonObject(parseJson(text, what), what);
  const version = json.get('version') ?? 0;
  if (version !== 1 && version !== 2 && version !== 3) {
    throw new FloeError('FLOE_PROFILE_VERSION', `${what} has unsupported version ${typeof version === 'number' ? version : 0}`, {
      hint: 'a newer program made this profile; use that, or name another one with --profile',
    });
  }
  const manifest = new ProfileManifest();
  const elements = json.get('elements') ?? null;
  if (elements instanceof Map) {
    for (const [name, element] of elements as JsonObject)
      manifest.add(parseElement(element, version, `'${name}' in ${what}`, storeDir), name);
  } else if (elements !== null) {
    jsonArray(elements, `'elements' of ${what}`).forEach((element, index) => {
      manifest.add(parseElement(element, version, `package ${index} in ${what}`, storeDir));
    });
  }
  return manifest;
}

function parseElement(value: Json, version: number, what: string, storeDir: StoreDir): ProfileElement {
  const json = jsonObject(value, what);
  const paths = jsonStrings(json.get('storePaths') ?? [], `'storePaths' of ${what}`);
  const priority = json.get('priority') ?? DEFAULT_PRIORITY;
  if (typeof priority !== 'number') throw new FormatError(`'priority' of ${what} is no integer`);
  return {
    storePaths: [...new Set(paths.map((path) => parseStorePath(path, storeDir)))].sort(compareStrings),
    active: jsonBoolean(jsonMember(json, 'active', what), `'active' of ${what}`),
    priority,
    source: parseSource(json, version, what),
  };
}

function parseSource(json: JsonObject, version: number, what: string): ElementSource | undefined {
  const [locked, original] = version === 1 ? ['uri', 'originalUri'] : ['url', 'originalUrl'];
  const member = (name: string): string => jsonString(jsonMember(json, name, what), `'${name}' of ${what}`);
  const isFromFlake = (json.get(locked) ?? '') !== '';
  if (!isFromFlake) return undefined;
  const outputs = jsonMember(json, 'outputs', what);
  const names = outputs === null ? undefined : jsonStrings(outputs, `'outputs' of ${what}`);
  return {
    originalRef: parseFlakeRef(member(original)),
    lockedRef: parseFlakeRef(member(locked)),
    attrPath: member('attrPath'),
    outputs: names === undefined ? undefined : names.includes('*') ? 'all' : [...new Set(names)].sort(compareStrings),
  };
}

/** What became of the packages from one manifest to the next, a line each. Byte strings. */
export function* manifestChanges(before: ProfileManifest, after: ProfileManifest): Generator<string, void, undefined> {
  let isSame = true;
  const names = new Set([...before.elements, ...after.elements].map(([name]) => name));
  for (const name of [...names].sort(compareStrings)) {
    const was = before.get(name);
    const is = after.get(name);
    const [from, to] = [was, is].map((element) => (element === undefined ? NO_VERSIONS : elementVersions(element)));
    // A package without versions prints as one that is not there, so both are asked.
    if (was !== undefined && is !== undefined && from === to) continue;
    isSame = false;
    yield `${elementIdentifier((was ?? is)!)}: ${from} -> ${to}`;
  }
  if (isSame) yield 'No changes.';
}
