// What can be asked to be realised: a store path as it is, or outputs of a derivation (`/nix/store/…-x.drv^out,dev`, `^*`). Nix manual,
// "Deriving path"; libstore/derived-path.cc and outputs-spec.cc. Outputs of outputs (dynamic derivations) are refused.

import type { Json } from '../base/canonical-json.ts';
import { compareStrings } from '../base/bytes.ts';
import { FormatError } from '../base/errors.ts';
import { jsonMember, jsonObject, jsonString, jsonStrings } from './json-fields.ts';
import { checkStorePathName, parseStorePath, parseStorePathBaseName, type StoreDir, type StorePath } from './store-path.ts';

/** Outputs wanted of a derivation: all, or those named (sorted, at least one). */
export type OutputsSpec = 'all' | readonly string[];

export type DerivedPath =
  | { readonly kind: 'opaque'; readonly path: StorePath }
  | { readonly kind: 'built'; readonly derivation: StorePath; readonly outputs: OutputsSpec };

/** Exactly one path: a store path, or one output. */
export type SingleDerivedPath =
  | { readonly kind: 'opaque'; readonly path: StorePath }
  | { readonly kind: 'built'; readonly derivation: StorePath; readonly output: string };

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

function refuseDynamic(text: string): never {
  throw new FormatError(`'${text}' asks for an output of a dynamic derivation, which floe does not support`);
}

/** `separator` is "^", or "!" in the old form. */
export function parseDerivedPath(text: string, storeDir: StoreDir, separator: '^' | '!' = '^'): DerivedPath {
  const at = text.lastIndexOf(separator);
  if (at < 0) return { kind: 'opaque', path: parseStorePath(text, storeDir) };
  if (text.indexOf(separator) !== at) refuseDynamic(text);
  return { kind: 'built', derivation: parseStorePath(text.slice(0, at), storeDir), outputs: parseOutputsSpec(text.slice(at + 1)) };
}

export function parseSingleDerivedPath(text: string, storeDir: StoreDir, separator: '^' | '!' = '^'): SingleDerivedPath {
  const at = text.lastIndexOf(separator);
  if (at < 0) return { kind: 'opaque', path: parseStorePath(text, storeDir) };
  if (text.indexOf(separator) !== at) refuseDynamic(text);
  const output = text.slice(at + 1);
  checkStorePathName(output);
  return { kind: 'built', derivation: parseStorePath(text.slice(0, at), storeDir), output };
}

export function printDerivedPath(path: DerivedPath | SingleDerivedPath, storeDir: StoreDir, separator: '^' | '!' = '^'): string {
  if (path.kind === 'opaque') return `${storeDir}/${path.path}`;
  const outputs = 'output' in path ? path.output : printOutputsSpec(path.outputs);
  return `${storeDir}/${path.derivation}${separator}${outputs}`;
}

export function derivedPathToJson(path: DerivedPath): Json {
  if (path.kind === 'opaque') return path.path;
  return { drvPath: path.derivation, outputs: path.outputs === 'all' ? ['*'] : path.outputs };
}

export function derivedPathFromJson(value: Json): DerivedPath {
  const where = 'a derived path';
  if (typeof value === 'string') return { kind: 'opaque', path: parseStorePathBaseName(value) };
  const object = jsonObject(value, where);
  const derivation = jsonMember(object, 'drvPath', where);
  if (typeof derivation !== 'string') refuseDynamic('a derived path');
  const outputs = jsonStrings(jsonMember(object, 'outputs', where), "'outputs'");
  return {
    kind: 'built',
    derivation: parseStorePathBaseName(jsonString(derivation, "'drvPath'")),
    outputs: outputs.length === 1 && outputs[0] === '*' ? 'all' : [...new Set(outputs)].sort(compareStrings),
  };
}
