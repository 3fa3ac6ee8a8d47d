// What can be asked to be realised: a store path as it is, or outputs of a derivation (`/nix/store/…-x.drv^out,dev`, `^*`), which may
// itself be an output of another (`x.drv^out^dev`: experimental feature `dynamic-derivations`, which callers ask for). Nix manual,
// "Deriving path"; libstore/derived-path.cc and outputs-spec.cc.

import type { Json } from '../base/canonical-json.ts';
import { printBase32 } from '../base/base32.ts';
import { compareStrings } from '../base/bytes.ts';
import { FormatError } from '../base/errors.ts';
import { digest } from '../base/sha.ts';
import { jsonMember, jsonObject, jsonString, jsonStrings } from './json-fields.ts';
import {
  checkStorePathName,
  compressHash,
  outputPathName,
  parseStorePath,
  parseStorePathBaseName,
  type StoreDir,
  type StorePath,
  storePathHash,
  storePathName,
} from './store-path.ts';

/** Outputs wanted of a derivation: all, or those named (sorted, at least one). */
export type OutputsSpec = 'all' | readonly string[];

/** A derivation: a store path, or the output that another derivation gives it as. */
export type DerivationRef = StorePath | OutputRef;

/** One output of a derivation. */
export interface OutputRef {
  readonly derivation: DerivationRef;
  readonly output: string;
}

export type DerivedPath =
  | { readonly kind: 'opaque'; readonly path: StorePath }
  | { readonly kind: 'built'; readonly derivation: DerivationRef; readonly outputs: OutputsSpec };

/** Exactly one path: a store path, or one output. */
export type SingleDerivedPath = { readonly kind: 'opaque'; readonly path: StorePath } | ({ readonly kind: 'built' } & OutputRef);

/** The derivation that has to be there before anything is built. */
export function baseDerivation(derivation: DerivationRef): StorePath {
  let base = derivation;
  while (typeof base !== 'string') base = base.derivation;
  return base;
}

/** What a single path is as a derivation. */
export function derivationRefOf(path: SingleDerivedPath): DerivationRef {
  return path.kind === 'opaque' ? path.path : { derivation: path.derivation, output: path.output };
}

/** Why a path needs the feature `dynamic-derivations`, as messages say it; undefined where it does not. */
export function dynamicReason(path: DerivedPath | SingleDerivedPath): string | undefined {
  if (path.kind === 'opaque' || typeof path.derivation === 'string') return undefined;
  // NIX: parsing goes from the inside out, so the innermost output is the one that is named.
  let inner = path.derivation;
  while (typeof inner.derivation !== 'string') inner = inner.derivation;
  return `building output '${inner.output}' of '${inner.derivation}'`;
}

/** What stands, in what depends on it, for an output whose path is known only after the build. Nix manual, "Placeholders". */
export function outputPlaceholder(ref: OutputRef): string {
  return `/${printBase32(placeholderHash(ref))}`;
}

function placeholderHash({ derivation, output }: OutputRef): Uint8Array {
  if (typeof derivation === 'string') {
    const name = outputPathName(storePathName(derivation).slice(0, -'.drv'.length), output);
    return digest('sha256', `nix-upstream-output:${storePathHash(derivation)}:${name}`);
  }
  const inner = printBase32(compressHash(placeholderHash(derivation), 20));
  return digest('sha256', `nix-computed-output:${inner}:${output}`);
}

/** `*` or names with commas. */
export function parseOutputsSpec(text: string): OutputsSpec {
  if (text === '*') return 'all';
  const names = text.split(',');
  for (const name of names) checkStorePathName(name);
  return [...new Set(names)].sort(compareStrings);
}

export function printOutputsSpec(outputs: OutputsSpec): string {
  return outputs === 'all' ? '*' : outputs.join(',');
}

export function unionOutputsSpec(a: OutputsSpec, b: OutputsSpec): OutputsSpec {
  return a === 'all' || b === 'all' ? 'all' : [...new Set([...a, ...b])].sort(compareStrings);
}

export function outputsSpecContains(outputs: OutputsSpec, name: string): boolean {
  return outputs === 'all' || outputs.includes(name);
}

/** An installable's text without its `^outputs`; undefined outputs mean the default ones. FormatError where the part after `^` is no outputs spec. */
export function splitOutputsSpec(text: string): { readonly prefix: string; readonly outputs: OutputsSpec | undefined } {
  const caret = text.lastIndexOf('^');
  if (caret < 0) return { prefix: text, outputs: undefined };
  try {
    return { prefix: text.slice(0, caret), outputs: parseOutputsSpec(text.slice(caret + 1)) };
  } catch (cause) {
    throw new FormatError(`invalid extended outputs specifier '${text}'`, { cause });
  }
}

/** `separator` is "^", or "!" in the old form. */
export function parseDerivedPath(text: string, storeDir: StoreDir, separator: '^' | '!' = '^'): DerivedPath {
  const at = text.lastIndexOf(separator);
  if (at < 0) return { kind: 'opaque', path: parseStorePath(text, storeDir) };
  return {
    kind: 'built',
    derivation: parseDerivationRef(text.slice(0, at), storeDir, separator),
    outputs: parseOutputsSpec(text.slice(at + 1)),
  };
}

/** A derivation by its path, or by the output that it is. */
export function parseDerivationRef(text: string, storeDir: StoreDir, separator: '^' | '!' = '^'): DerivationRef {
  return derivationRefOf(parseSingleDerivedPath(text, storeDir, separator));
}

export function parseSingleDerivedPath(text: string, storeDir: StoreDir, separator: '^' | '!' = '^'): SingleDerivedPath {
  const at = text.lastIndexOf(separator);
  if (at < 0) return { kind: 'opaque', path: parseStorePath(text, storeDir) };
  const output = text.slice(at + 1);
  checkStorePathName(output);
  return { kind: 'built', derivation: parseDerivationRef(text.slice(0, at), storeDir, separator), output };
}

export function printDerivationRef(derivation: DerivationRef, storeDir: StoreDir, separator: '^' | '!' = '^'): string {
  if (typeof derivation === 'string') return `${storeDir}/${derivation}`;
  return `${printDerivationRef(derivation.derivation, storeDir, separator)}${separator}${derivation.output}`;
}

export function printDerivedPath(path: DerivedPath | SingleDerivedPath, storeDir: StoreDir, separator: '^' | '!' = '^'): string {
  if (path.kind === 'opaque') return `${storeDir}/${path.path}`;
  const outputs = 'output' in path ? path.output : printOutputsSpec(path.outputs);
  return `${printDerivationRef(path.derivation, storeDir, separator)}${separator}${outputs}`;
}

export function derivationRefToJson(derivation: DerivationRef): Json {
  if (typeof derivation === 'string') return derivation;
  return { drvPath: derivationRefToJson(derivation.derivation), output: derivation.output };
}

export function derivedPathToJson(path: DerivedPath): Json {
  if (path.kind === 'opaque') return path.path;
  return { drvPath: derivationRefToJson(path.derivation), outputs: path.outputs === 'all' ? ['*'] : path.outputs };
}

function derivationRefFromJson(value: Json): DerivationRef {
  const where = 'a derived path';
  if (typeof value === 'string') return parseStorePathBaseName(value);
  const object = jsonObject(value, where);
  return {
    derivation: derivationRefFromJson(jsonMember(object, 'drvPath', where)),
    output: jsonString(jsonMember(object, 'output', where), "'output'"),
  };
}

export function derivedPathFromJson(value: Json): DerivedPath {
  const where = 'a derived path';
  if (typeof value === 'string') return { kind: 'opaque', path: parseStorePathBaseName(value) };
  const object = jsonObject(value, where);
  const outputs = jsonStrings(jsonMember(object, 'outputs', where), "'outputs'");
  return {
    kind: 'built',
    derivation: derivationRefFromJson(jsonMember(object, 'drvPath', where)),
    outputs: outputs.length === 1 && outputs[0] === '*' ? 'all' : [...new Set(outputs)].sort(compareStrings),
  };
}
