// The files of structured attributes: .attrs.json and .attrs.sh, to the byte as C++ Nix 2.34.8 writes them. Nix manual, "Advanced
// attributes: __structuredAttrs"; libstore/parsed-derivations.cc.

import { compareStrings } from '../base/bytes.ts';
import { type Json, JsonFloat } from '../base/canonical-json.ts';
import type { JsonObject } from '../model/json-fields.ts';

/** A shell word in single quotes. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A string, whole number, boolean or null as a shell word; undefined for anything else. */
function printScalar(value: Json): string | undefined {
  if (typeof value === 'string') return quote(value);
  if (value === null) return "''";
  if (typeof value === 'boolean') return value ? '1' : '';
  // NIX: 2.34.8 looks at numbers as 32-bit floats and prints them as 32-bit integers; large integers wrap
  // around, large floats become the smallest one.
  if (typeof value === 'bigint' || typeof value === 'number') return String(BigInt.asIntN(32, BigInt(value)));
  if (value instanceof JsonFloat && Number.isInteger(Math.fround(value.value))) {
    const whole = Math.trunc(value.value);
    return String(Math.abs(whole) < 2 ** 31 ? whole : -(2 ** 31));
  }
  return undefined;
}

/** All of them as shell words with a space after each; undefined where one cannot be. */
function printAll<T>(items: Iterable<T>, print: (item: T) => string | undefined): string | undefined {
  let text = '';
  for (const item of items) {
    const word = print(item);
    if (word === undefined) return undefined;
    text += `${word} `;
  }
  return text;
}

const isObject = (value: Json): value is ReadonlyMap<string, Json> => value instanceof Map;

const inOrder = (object: JsonObject) => [...object].sort((a, b) => compareStrings(a[0], b[0]));

const SHELL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `declare` lines for everything that a bash variable can hold. */
export function printShellAttrs(attrs: JsonObject): string {
  let text = '';
  for (const [name, value] of inOrder(attrs)) {
    if (!SHELL_NAME.test(name)) continue;
    const scalar = printScalar(value);
    if (scalar !== undefined) text += `declare ${name}=${scalar}\n`;
    else if (Array.isArray(value)) {
      const words = printAll(value as readonly Json[], printScalar);
      if (words !== undefined) text += `declare -a ${name}=(${words})\n`;
    } else if (isObject(value)) {
      const words = printAll(inOrder(value), ([key, member]) => {
        const word = printScalar(member);
        return word === undefined ? undefined : `[${quote(key)}]=${word}`;
      });
      if (words !== undefined) text += `declare -A ${name}=(${words})\n`;
    }
  }
  return text;
}
