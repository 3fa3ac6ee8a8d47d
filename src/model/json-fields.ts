// Typed members out of JSON that parseJson read; what is missing or of another type is a FormatError that names the key.

import type { Json } from '../base/canonical-json.ts';
import { FormatError } from '../base/errors.ts';

export type JsonObject = ReadonlyMap<string, Json>;

function describe(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Map) return 'an object';
  return typeof value === 'object' ? 'a number' : `a ${typeof value}`;
}

function fail(wanted: string, value: Json, where: string): never {
  throw new FormatError(`expected JSON value of ${where} to be ${wanted}, but it is ${describe(value)}`);
}

export function jsonObject(value: Json, where: string): JsonObject {
  return value instanceof Map ? value : fail('an object', value, where);
}

export function jsonArray(value: Json, where: string): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : fail('an array', value, where);
}

export function jsonString(value: Json, where: string): string {
  return typeof value === 'string' ? value : fail('a string', value, where);
}

export function jsonBoolean(value: Json, where: string): boolean {
  return typeof value === 'boolean' ? value : fail('a boolean', value, where);
}

/** An integer that is not negative and that a JavaScript number holds exactly. */
export function jsonUnsigned(value: Json, where: string): number {
  return typeof value === 'number' && value >= 0 ? value : fail('an unsigned integer', value, where);
}

export function jsonStrings(value: Json, where: string): string[] {
  return jsonArray(value, where).map((element) => jsonString(element, where));
}

/** The member of that name; FormatError where there is none. */
export function jsonMember(object: JsonObject, key: string, where: string): Json {
  const value = object.get(key);
  if (value === undefined) throw new FormatError(`JSON object of ${where} has no key '${key}'`);
  return value;
}
