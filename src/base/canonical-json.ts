// JSON as C++ Nix prints it (nlohmann's `dump`): keys in byte order, no spaces (or an indent), floating-point digits as Grisu2 finds
// them with a point or an exponent, UTF-8 left as it is. And a reader that keeps what printing needs: 1.0 stays apart from 1, and integers beyond
// 2^53 stay exact. Texts and strings are byte strings holding UTF-8.

import { byteStringToUtf8Strict, compareStrings, utf8ToByteString } from './bytes.ts';
import { FormatError } from './errors.ts';
import { grisuDigits } from './grisu.ts';

/** A floating-point number, also where its value is whole. */
export class JsonFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** What can be printed. A plain number prints as an integer where it is whole. The reader gives Maps for objects. */
export type Json =
  | null
  | boolean
  | string
  | number
  | bigint
  | JsonFloat
  | readonly Json[]
  | ReadonlyMap<string, Json>
  | { readonly [key: string]: Json | undefined };

const NEEDS_ESCAPE = /["\\\x00-\x1f]/;
const TO_ESCAPE = /["\\\x00-\x1f]/g;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function escapeCharacter(character: string): string {
  return SHORT_ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A string with quotes and escapes. FormatError where its bytes are no UTF-8. */
export function printJsonString(text: string): string {
  if (byteStringToUtf8Strict(text) === undefined) throw new FormatError('a string that is not valid UTF-8 cannot be written as JSON');
  return quoteJsonString(text);
}

/** The same for bytes of any kind, which pass as they are. */
export function quoteJsonString(text: string): string {
  return NEEDS_ESCAPE.test(text) ? `"${text.replace(TO_ESCAPE, escapeCharacter)}"` : `"${text}"`;
}

/** A floating-point number with a point or an exponent; `null` where it is not finite. */
export function printJsonFloat(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const { digits, point } = grisuDigits(Math.abs(value));
  const sign = value < 0 ? '-' : '';
  if (digits.length <= point && point <= 15) return `${sign}${digits.padEnd(point, '0')}.0`;
  if (point > 0 && point <= 15) return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
  if (point > -4 && point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  const exponent = point - 1;
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  return `${sign}${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Compact, or with `indent` spaces a level. Members that are undefined are left out. */
export function printJson(value: Json, indent?: number, level = 0): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return printJsonString(value);
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value).toString() : printJsonFloat(value);
  if (value instanceof JsonFloat) return printJsonFloat(value.value);
  const [separator, close, colon] =
    indent === undefined ? [',', '', ':'] : [`,\n${' '.repeat(indent * (level + 1))}`, `\n${' '.repeat(indent * level)}`, ': '];
  const open = separator.slice(1);
  if (isList(value)) {
    if (value.length === 0) return '[]';
    return `[${open}${value.map((element) => printJson(element, indent, level + 1)).join(separator)}${close}]`;
  }
  const members =
    value instanceof Map
      ? [...(value as ReadonlyMap<string, Json>)]
      : Object.entries(value as { readonly [key: string]: Json | undefined });
  const present = members.filter((member): member is [string, Json] => member[1] !== undefined).sort((a, b) => compareStrings(a[0], b[0]));
  if (present.length === 0) return '{}';
  return `{${open}${present.map(([key, member]) => printJsonString(key) + colon + printJson(member, indent, level + 1)).join(separator)}${close}}`;
}

const MAX_DEPTH = 1000;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;
const PLAIN_RUN = /[^"\\\x00-\x1f]*/y;
const MAX_UNSIGNED = 0xffffffffffffffffn;
const MIN_SIGNED = -0x8000000000000000n;
const UNESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

class JsonReader {
  readonly text: string;
  readonly what: string;
  position = 0;
  constructor(text: string, what: string) {
    this.text = text;
    this.what = what;
  }

  fail(problem: string): never {
    const line = this.text.slice(0, this.position).split('\n').length;
    throw new FormatError(`${this.what} is not valid JSON: line ${line}: ${problem}`, { data: { offset: this.position, line } });
  }

  match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.text);
    if (match !== null) this.position = pattern.lastIndex;
    return match;
  }

  /** The next character that is no space; "" at the end. */
  peek(): string {
    this.match(SPACE);
    return this.text[this.position] ?? '';
  }

  value(depth: number): Json {
    if (depth > MAX_DEPTH) this.fail(`nested deeper than ${MAX_DEPTH} levels`);
    const next = this.peek();
    switch (next) {
      case '{':
        return this.object(depth);
      case '[':
        return this.list(depth);
      case '"':
        return this.string();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
      default:
        return this.number(next);
    }
  }

  word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.position)) this.fail(`expected '${word}'`);
    this.position += word.length;
    return value;
  }

  number(next: string): Json {
    const match = this.match(NUMBER);
    if (match === null) this.fail(next === '' ? 'unexpected end' : `unexpected character '${next}'`);
    const text = match[0];
    if (match[1] === undefined && match[2] === undefined) {
      if (text.length < 16) return Number(text);
      const value = BigInt(text);
      if (value <= MAX_UNSIGNED && value >= MIN_SIGNED) return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    const value = Number(text);
    if (!Number.isFinite(value)) this.fail(`number out of range '${text}'`);
    return new JsonFloat(value);
  }

  string(): string {
    this.position++;
    let result = '';
    for (;;) {
      result += this.match(PLAIN_RUN)![0];
      const next = this.text[this.position];
      if (next === '"') {
        this.position++;
        return result;
      }
      if (next !== '\\') this.fail(next === undefined ? 'unterminated string' : 'control character in a string');
      const escape = this.text[this.position + 1] ?? '';
      this.position += 2;
      if (escape === 'u') result += this.unicodeEscape();
      else result += UNESCAPES[escape] ?? this.fail(`unknown escape '\\${escape}'`);
    }
  }

  hexDigits(): number {
    const digits = this.text.slice(this.position, this.position + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail("'\\u' must be followed by 4 hex digits");
    this.position += 4;
    return parseInt(digits, 16);
  }

  unicodeEscape(): string {
    const first = this.hexDigits();
    if (first < 0xd800 || first > 0xdfff) return utf8ToByteString(String.fromCharCode(first));
    if (first < 0xdc00 && this.text.startsWith('\\u', this.position)) {
      this.position += 2;
      const second = this.hexDigits();
      if (second >= 0xdc00 && second <= 0xdfff) return utf8ToByteString(String.fromCharCode(first, second));
    }
    return this.fail('half of a surrogate pair in a string');
  }

  list(depth: number): Json[] {
    this.position++;
    const result: Json[] = [];
    if (this.peek() === ']') {
      this.position++;
      return result;
    }
    for (;;) {
      result.push(this.value(depth + 1));
      const next = this.peek();
      if (next !== ',' && next !== ']') this.fail("expected ',' or ']'");
      this.position++;
      if (next === ']') return result;
    }
  }

  object(depth: number): Map<string, Json> {
    this.position++;
    const result = new Map<string, Json>();
    if (this.peek() === '}') {
      this.position++;
      return result;
    }
    for (;;) {
      if (this.peek() !== '"') this.fail('expected a string as key');
      const key = this.string();
      if (this.peek() !== ':') this.fail("expected ':'");
      this.position++;
      result.set(key, this.value(depth + 1));
      const next = this.peek();
      if (next !== ',' && next !== '}') this.fail("expected ',' or '}'");
      this.position++;
      if (next === '}') return result;
    }
  }
}

/** Reads one JSON text; `what` names it in errors ("lock file '/a/flake.lock'"). Of equal keys the last counts. FormatError. */
export function parseJson(text: string, what: string): Json {
  const reader = new JsonReader(text, what);
  if (byteStringToUtf8Strict(text) === undefined) reader.fail('invalid UTF-8');
  const value = reader.value(0);
  if (reader.peek() !== '') reader.fail('unexpected text after the value');
  return value;
}
