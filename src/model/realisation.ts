// Realisations: which store path an output of a content-addressed derivation turned out to be. Keyed by the derivation's hash modulo
// and the output's name. Nix manual, "Realisation JSON format"; libstore/realisation.cc.

import { type Json, printJson } from '../base/canonical-json.ts';
import { FormatError } from '../base/errors.ts';
import { type Hash, parseHash, printHash } from '../base/hash.ts';
import { jsonMember, jsonObject, jsonString, jsonStrings } from './json-fields.ts';
import { sortSignatures } from './path-info.ts';
import { parseStorePathBaseName, type StorePath } from './store-path.ts';

export interface DerivationOutputId {
  /** Hash modulo of the derivation. */
  readonly hash: Hash;
  readonly output: string;
}

export interface Realisation {
  readonly id: DerivationOutputId;
  readonly path: StorePath;
  readonly signatures: readonly string[];
}

/** `sha256:<base 16>!<output>`. */
export function parseDerivationOutputId(text: string): DerivationOutputId {
  const mark = text.indexOf('!');
  if (mark < 0) throw new FormatError(`Invalid derivation output id ${text}`);
  return { hash: parseHash(text.slice(0, mark)), output: text.slice(mark + 1) };
}

export function printDerivationOutputId(id: DerivationOutputId): string {
  return `${printHash(id.hash, 'base16', true)}!${id.output}`;
}

export function realisationToJson(realisation: Realisation): { [key: string]: Json } {
  return {
    id: printDerivationOutputId(realisation.id),
    outPath: realisation.path,
    signatures: sortSignatures(realisation.signatures),
    // NIX: 2.34.8 still writes this member, always empty, for older readers.
    dependentRealisations: {},
  };
}

export function realisationFromJson(value: Json): Realisation {
  const where = 'a realisation';
  const object = jsonObject(value, where);
  const signatures = object.get('signatures');
  return {
    id: parseDerivationOutputId(jsonString(jsonMember(object, 'id', where), "'id'")),
    path: parseStorePathBaseName(jsonString(jsonMember(object, 'outPath', where), "'outPath'")),
    signatures: signatures === undefined ? [] : sortSignatures(jsonStrings(signatures, "'signatures'")),
  };
}

/** What a signature of the realisation signs. */
export function realisationFingerprint(realisation: Realisation): string {
  return printJson({ ...realisationToJson(realisation), signatures: undefined } as Json);
}
