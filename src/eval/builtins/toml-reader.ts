// TOML 1.0.0, read into values of the language. Texts are byte strings holding UTF-8. What is refused, and in which words, follows
// toml11, the library of C++ Nix; like it, the reader goes on with the next line after an error, so that one report tells several.

import { utf8ToByteString } from '../../base/bytes.ts';
import { NEGATIVE_NAN } from '../../base/float-text.ts';
import { AttrsBuilder } from '../attrs.ts';
import { makeInteger } from '../number.ts';
import { NixFloat, type Slot, type Value } from '../value.ts';

/** A date or time, as text in RFC 3339's form. */
export class TomlTime {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What is wrong with a text; `message` may tell of several places. */
export class TomlSyntaxError extends Error {}

type TomlValue = string | number | bigint | boolean | NixFloat | TomlTime | TomlArray | TomlTable;

/** Where something stands: offset and number of bytes. */
interface Span {
  readonly at: number;
  readonly length: number;
}

class TomlArray {
  readonly items: TomlValue[] = [];
  /** Written as `[[header]]`, so that more may follow. */
  readonly isOfTables: boolean;
  readonly span: Span;
  constructor(isOfTables: boolean, span: Span) {
    this.isOfTables = isOfTables;
    this.span = span;
  }
}

/**
 * How a table came to be, which decides what may still be added to it: named by a header, implied by a longer header, made by dotted
 * keys, or inline.
 */
type TableKind = 'header' | 'implied' | 'dotted' | 'inline';

class TomlTable {
  readonly members = new Map<string, { value: TomlValue; span: Span }>();
  kind: TableKind;
  span: Span;
  constructor(kind: TableKind, span: Span) {
    this.kind = kind;
    this.span = span;
  }
}

/** One error; thrown inside this file, gathered by `TomlReader.document`. */
class Failure {
  readonly text: string;
  /** Where reading goes on: with the next line, the next table, or not at all. */
  resume: 'line' | 'table' | 'never' = 'line';
  constructor(text: string) {
    this.text = text;
  }
}

const INTEGER_HINT = 'Hint: valid  : -42, 1_000, 1_2_3_4_5, 0xC0FFEE, 0b0010, 0o755\nHint: invalid: _42, 1__000, 0123\n';
const FLOAT_HINT = 'Hint: valid  : +1.0, -2e-2, 3.141_592_653_589, inf, nan\nHint: invalid: .0, 1., _1.0, 1.0_, 1_.0, 1.0__0\n';
const TIME_HINT = 'Hint: valid  : 1979-05-27T07:32:00, 1979-05-27 07:32:00.999999\nHint: invalid: 1979-05-27T7:32:00, 1979-05-27 17:32\n';
const DATE_HINT =
  'Hint: valid  : 1979-05-27T07:32:00-07:00, 1979-05-27 07:32:00.999999Z\nHint: invalid: 1979-05-27T7:32:00-7:00, 1979-05-27 7:32-00:30';
const OFFSET_HINT = 'Hint: valid  : +09:00, -05:30\nHint: invalid: +9:00,  -5:30\n';
const KEY_HINT = 'Hint: non-ASCII scripts are allowed in toml v1.1.0, but not in v1.0.0.\n';
const CONTROL_HINT = 'Hint: most of the control characters are not allowed in comments';

const BARE_KEY = /[A-Za-z0-9_-]+/y;
const COMMENT =
  /#(?:[\t\x20-\x7e]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*/y;
const MULTIBYTE =
  '[\\xc2-\\xdf][\\x80-\\xbf]|\\xe0[\\xa0-\\xbf][\\x80-\\xbf]|[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}|\\xed[\\x80-\\x9f][\\x80-\\xbf]|' +
  '\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}|[\\xf1-\\xf3][\\x80-\\xbf]{3}|\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}';
const ESCAPE = '\\\\(?:[btnfr"\\\\]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})';
/** Runs of what may stand in each kind of string. */
const BASIC_RUN = new RegExp(`(?:[\\t\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|${MULTIBYTE}|${ESCAPE})*`, 'y');
const LITERAL_RUN = new RegExp(`(?:[\\t\\x20-\\x26\\x28-\\x7e]|${MULTIBYTE})*`, 'y');
const LONG_BASIC_RUN = new RegExp(
  `(?:[\\t\\n\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\r\\n|${MULTIBYTE}|${ESCAPE}|\\\\[ \\t]*\\r?\\n[ \\t\\r\\n]*)*`,
  'y',
);
const LONG_LITERAL_RUN = new RegExp(`(?:[\\t\\n\\x20-\\x26\\x28-\\x7e]|\\r\\n|${MULTIBYTE})*`, 'y');
const SPACE = /[ \t]*/y;
const NEWLINE = /\r?\n/y;
const DATE = /\d{4}-\d{2}-\d{2}/y;
const TIME = /\d{2}:\d{2}:\d{2}(?:\.\d+)?/y;
const DECIMAL = /[+-]?(?:0|[1-9](?:_?\d)*)/y;
const FRACTION = /\.\d(?:_?\d)*/y;
const EXPONENT = /[eE][+-]?\d(?:_?\d)*/y;
const SHORT_ESCAPES: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', '"': '"', '\\': '\\' };
const MAX_INTEGER = 0x7fffffffffffffffn;
const MIN_INTEGER = -0x8000000000000000n;

/** Excerpts show so many bytes on either side of what they point at. */
const EXCERPT_MARGIN = 30;

const isDigit = (character: string | undefined): boolean => character !== undefined && character >= '0' && character <= '9';

function showLine(line: string): string {
  return line.replace(/[^\t\x20-\x7e]/g, (character) => {
    const hex = `0x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
    return character === '\r' ? `${hex}(CARRIAGE RETURN)` : hex;
  });
}

class TomlReader {
  readonly text: string;
  at = 0;
  private headerEnd = 0;
  /** Errors so far, in order. */
  readonly failures: string[] = [];
  constructor(text: string) {
    this.text = text;
  }

  // --- Reports

  private lineOf(offset: number): { number: number; start: number; end: number } {
    const { text } = this;
    const start = text.lastIndexOf('\n', offset - 1) + 1;
    const end = text.indexOf('\n', offset);
    let number = 1;
    for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) number++;
    return { number, start, end: end < 0 ? text.length : end };
  }

  /** The report of an error: a title, excerpts with what they show underlined, hints. */
  private report(title: string, places: readonly (readonly [span: Span, note: string])[], hint = ''): string {
    const lines = places.map(([{ at }]) => this.lineOf(at));
    const width = Math.max(...lines.map(({ number }) => String(number).length));
    const margin = ' '.repeat(width + 2);
    let text = `[error] ${title}\n --> fromTOML\n${margin}|\n`;
    places.forEach(([span, note], i) => {
      const { number, start, end } = lines[i]!;
      if (i > 0) text += ` ...\n${margin}|\n`.replace(' ...', `${margin}| ...`);
      const length = Math.max(1, span.length);
      const from = Math.max(start, span.at - EXCERPT_MARGIN);
      const to = Math.min(end, span.at + length - 1 + EXCERPT_MARGIN);
      const before = from > start ? '... ' : '';
      text += ` ${String(number).padStart(width)} | ${before}${showLine(this.text.slice(from, to))}${to < end ? ' ...' : ''}\n`;
      text += `${margin}| ${' '.repeat(before.length + span.at - from)}${'^'.repeat(length)}-- ${note}\n`;
    });
    return text + hint;
  }

  private fail(title: string, note: string, span: Span = { at: this.at, length: 1 }, hint = ''): never {
    throw new Failure(this.report(title, [[span, note]], hint));
  }

  private conflict(title: string, span: Span, note: string, other: Span, otherNote: string): never {
    throw new Failure(
      this.report(title, [
        [span, note],
        [other, otherNote],
      ]),
    );
  }

  /** Runs a part of the grammar; where it fails, reading goes on as told. */
  private resuming<T>(resume: Failure['resume'], part: () => T): T {
    try {
      return part();
    } catch (error) {
      if (error instanceof Failure) error.resume = resume;
      throw error;
    }
  }

  // --- Small pieces

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.at = pattern.lastIndex;
    return match[0];
  }

  private skipSpace(): void {
    this.match(SPACE);
  }

  /** Spaces, comments and line ends. */
  private skipBlank(): void {
    for (;;) {
      this.skipSpace();
      if (this.text[this.at] === '#') this.comment();
      else if (this.match(NEWLINE) === undefined) return;
    }
  }

  private comment(): void {
    const start = this.at;
    this.match(COMMENT);
    const next = this.text[this.at];
    if (next === undefined || next === '\n' || this.text.startsWith('\r\n', this.at)) return;
    this.fail(
      'toml::parse_comment_line: newline (LF / CRLF) or EOF is expected',
      'but got this',
      { at: start, length: this.at - start },
      CONTROL_HINT,
    );
  }

  private isAtLineEnd(): boolean {
    return this.at >= this.text.length || this.text[this.at] === '\n' || this.text.startsWith('\r\n', this.at);
  }

  // --- Keys

  private simpleKey(): string {
    const next = this.text[this.at];
    if (next === '"') return this.basicString();
    if (next === "'") return this.literalString();
    const bare = this.match(BARE_KEY);
    if (bare !== undefined) return bare;
    this.fail(
      'toml::parse_simple_key: invalid key: key must be "quoted", \'quoted-literal\', or bare key.',
      'expected alpha [a-zA-Z], digit [0-9], -, or _',
      undefined,
      KEY_HINT,
    );
  }

  /** A key with its dots; spaces around dots do not count. */
  private key(): { parts: string[]; span: Span } {
    const start = this.at;
    const parts = [this.simpleKey()];
    let end = this.at;
    for (;;) {
      this.skipSpace();
      if (this.text[this.at] !== '.') break;
      this.at++;
      this.skipSpace();
      parts.push(this.simpleKey());
      end = this.at;
    }
    this.at = end;
    return { parts, span: { at: start, length: end - start } };
  }

  // --- Strings

  private codePoint(digits: string): string {
    const value = parseInt(digits.slice(1), 16);
    const quoted = `\\${digits}`;
    const excerpt = (note: string, length: number, title: string): never => {
      throw new Failure(`[error] ${title}\n --> internal temporary\n   |\n 1 | ${quoted}\n   |  ${'^'.repeat(length)}-- ${note}\n`);
    };
    if (value >= 0xd800 && value <= 0xdfff)
      excerpt('here', digits.length, 'toml::parse_utf8_codepoint: [0xD800, 0xDFFF] is not a valid UTF-8');
    if (value > 0x10ffff) {
      excerpt('must be in range [0x00, 0x10FFFF]', digits.length, 'toml::parse_utf8_codepoint: input codepoint is too large.');
    }
    return utf8ToByteString(String.fromCodePoint(value));
  }

  private unescape(body: string): string {
    if (!body.includes('\\')) return body;
    return body.replace(
      /\\(?:([btnfr"\\])|(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|[ \t]*\r?\n[ \t\r\n]*)/g,
      (_, short?: string, long?: string) => (short !== undefined ? SHORT_ESCAPES[short]! : long !== undefined ? this.codePoint(long) : ''),
    );
  }

  private basicString(): string {
    this.at++;
    const body = this.match(BASIC_RUN)!;
    if (this.text[this.at] !== '"') this.fail('toml::parse_basic_string: invalid string format', 'expected "');
    this.at++;
    return this.unescape(body);
  }

  private literalString(): string {
    this.at++;
    const body = this.match(LITERAL_RUN)!;
    if (this.text[this.at] !== "'") this.fail('toml::parse_literal_string: invalid string format', "expected '");
    this.at++;
    return body;
  }

  /** A string in three quotes: up to two of them may stand in it, also right before its end. */
  private longString(quote: '"' | "'"): string {
    const start = this.at;
    const run = quote === '"' ? LONG_BASIC_RUN : LONG_LITERAL_RUN;
    const delimiter = quote.repeat(3);
    this.at += 3;
    this.match(NEWLINE);
    let body = '';
    for (;;) {
      body += this.match(run)!;
      let quotes = 0;
      while (quotes < 5 && this.text[this.at + quotes] === quote) quotes++;
      if (quotes === 0) {
        const name = quote === '"' ? 'toml::parse_ml_basic_string' : 'toml::parse_ml_literal_string';
        this.fail(`${name}: invalid string format`, `expected ${delimiter}`, { at: start, length: this.at - start });
      }
      this.at += quotes;
      if (quotes >= 3) {
        body += quote.repeat(quotes - 3);
        return quote === '"' ? this.unescape(body) : body;
      }
      body += quote.repeat(quotes);
    }
  }

  // --- Numbers

  private badUnderscore(at: number): never {
    this.fail('bad integer: `_` must be surrounded by digits', 'invalid underscore', { at, length: 1 }, INTEGER_HINT);
  }

  private prefixed(digit: string, prefix: string, name: string, example: string, title: string): Value {
    const { text } = this;
    const start = this.at;
    const format = `toml::parse_${name}_integer: invalid integer: ${name}_int must be like: ${example}`;
    if (text[start] === '+' || text[start] === '-') this.fail(format, `expected ${prefix}`);
    this.at += 2;
    const digits = this.match(new RegExp(`${digit}(?:_?${digit})*`, 'y'));
    if (digits === undefined) this.fail(format, `expected ${title}`);
    const next = text[this.at];
    if (next === '_') this.badUnderscore(this.at);
    if (isDigit(next)) this.fail('bad integer: invalid digit after an integer', 'this digit is not allowed', undefined, INTEGER_HINT);
    const value = BigInt(prefix + digits.replaceAll('_', ''));
    if (value > MAX_INTEGER) this.fail(`toml::parse_${name}_integer: too large integer: current max value = 2^63`, 'must be < 2^63');
    return makeInteger(value);
  }

  private number(): Value {
    const { text } = this;
    const start = this.at;
    const afterSign = text[start] === '+' || text[start] === '-' ? start + 1 : start;
    const first = text[afterSign];
    if (text.startsWith('inf', afterSign) || text.startsWith('nan', afterSign)) {
      this.at = afterSign + 3;
      const isMinus = text[start] === '-';
      if (text.startsWith('nan', afterSign)) return new NixFloat(isMinus ? NEGATIVE_NAN : NaN);
      return new NixFloat(isMinus ? -Infinity : Infinity);
    }
    if (first === '0') {
      const kind = text[afterSign + 1];
      if (kind === 'x') return this.prefixed('[0-9a-fA-F]', '0x', 'hex', '0xC0FFEE, 0xdead_beef', 'hex [0-9a-fA-F]');
      if (kind === 'o') return this.prefixed('[0-7]', '0o', 'oct', '0o775, 0o04_44', 'oct [0-7]');
      if (kind === 'b') return this.prefixed('[01]', '0b', 'bin', '0b0001, 0b0010_1010', 'bin [0-1]');
    }
    if (first === '.') {
      this.fail('bad float: integer part is required before decimal point', 'missing integer part', undefined, FLOAT_HINT);
    }
    if (first === '_') {
      this.fail('bad number: `_` must be surrounded by digits', 'digits required before `_`', { at: afterSign, length: 1 }, INTEGER_HINT);
    }
    if (!isDigit(first)) this.unknownValue();
    const whole = this.match(DECIMAL)!;
    const next = text[this.at];
    if (isDigit(next)) {
      const rest = /[0-9_]*[.eE]/y;
      rest.lastIndex = this.at;
      if (rest.test(text)) {
        this.fail('bad integer: leading zero', 'leading zero is not allowed', { at: start, length: 1 }, INTEGER_HINT);
      }
      this.fail('bad integer: invalid digit after an integer', 'this digit is not allowed', undefined, INTEGER_HINT);
    }
    if (next === '_') this.badUnderscore(this.at);
    if (next !== '.' && next !== 'e' && next !== 'E') {
      const value = BigInt(whole.replaceAll('_', '').replace(/^\+/, ''));
      if (value > MAX_INTEGER || value < MIN_INTEGER) {
        this.fail('toml::parse_dec_integer: too large integer: current max digits = 2^63', 'must be < 2^63');
      }
      return makeInteger(value);
    }
    const fraction = this.match(FRACTION) ?? '';
    const exponent = fraction === '' && next === '.' ? undefined : this.match(EXPONENT);
    if ((fraction === '' && exponent === undefined) || text[this.at] === '_') {
      this.fail('bad float: invalid format', 'here', undefined, FLOAT_HINT);
    }
    const value = Number((whole + fraction + (exponent ?? '')).replaceAll('_', ''));
    if (!Number.isFinite(value)) this.fail('toml::parse_floating: failed to read floating point value from stream', 'here');
    return new NixFloat(value);
  }

  // --- Dates and times

  private date(): string {
    const start = this.at;
    const text = this.match(DATE);
    if (text === undefined) this.fail('bad datetime: invalid format', 'here', { at: start + 4, length: 1 }, DATE_HINT);
    const [year, month, day] = text.split('-').map(Number) as [number, number, number];
    const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
    const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
    if (day < 1 || day > days) {
      this.fail(
        'toml::parse_local_date: invalid date.',
        'month must be 01-12, day must be any of 01-28,29,30,31 depending on the month/year.',
        {
          at: start,
          length: 1,
        },
      );
    }
    return text;
  }

  /** A time; the fraction of a second with three, six or nine digits, none where it is zero. */
  private time(): string {
    const start = this.at;
    const text = this.match(TIME);
    if (text === undefined) {
      const shape = /\d?\d?(?::\d?\d?(?::\d?\d?)?)?/y;
      shape.lastIndex = start;
      const seen = shape.exec(this.text)![0].length;
      this.at = start + seen;
      this.fail(
        'bad time: must be HH:MM:SS.subsec',
        seen === 2 || seen === 5 ? 'expected :' : 'expected digit [0-9]',
        undefined,
        TIME_HINT,
      );
    }
    const [hour, minute, second] = text.slice(0, 8).split(':').map(Number) as [number, number, number];
    const place = { at: start, length: 1 };
    if (hour > 23 || minute > 59) this.fail('toml::parse_local_time: invalid time.', 'hour must be 00-23, minute must be 00-59.', place);
    if (second > 60) this.fail('toml::parse_local_time: invalid time.', 'second must be 00-60.', place);
    const digits = text.slice(9, 18).replace(/0+$/, '');
    return digits === '' ? text.slice(0, 8) : `${text.slice(0, 8)}.${digits.padEnd(Math.ceil(digits.length / 3) * 3, '0')}`;
  }

  private dateTime(): TomlTime {
    const { text } = this;
    const start = this.at;
    const date = this.date();
    const separator = text[this.at];
    const hasTime = separator === 'T' || separator === 't' || (separator === ' ' && isDigit(text[this.at + 1]));
    if (!hasTime) return new TomlTime(date);
    this.at++;
    const local = `${date}T${this.time()}`;
    const next = text[this.at];
    if (next === 'Z' || next === 'z') {
      this.at++;
      return new TomlTime(`${local}Z`);
    }
    if (next !== '+' && next !== '-') return new TomlTime(local);
    this.at++;
    const offset = this.match(/\d{2}:\d{2}/y);
    if (offset === undefined) {
      const shape = /\d?\d?(?::\d?)?/y;
      shape.lastIndex = this.at;
      const seen = shape.exec(text)![0].length;
      this.at += seen;
      this.fail('bad offset: must be [+-]HH:MM or Z', seen === 2 ? 'expected z or Z or :' : 'expected digit [0-9]', undefined, OFFSET_HINT);
    }
    const [hours, minutes] = offset.split(':').map(Number) as [number, number];
    if (hours > 24 || minutes > 60) {
      this.fail('toml::parse_offset_datetime: too large offset: |hour| <= 24, |minute| <= 60', 'here', {
        at: start,
        length: this.at - start,
      });
    }
    return new TomlTime(hours === 0 && minutes === 0 ? `${local}Z` : `${local}${next}${offset}`);
  }

  // --- Values

  private unknownValue(): never {
    this.fail('bad format: unknown value appeared', 'here');
  }

  private value(): TomlValue {
    const { text } = this;
    const next = text[this.at];
    switch (next) {
      case '"':
        return text.startsWith('"""', this.at) ? this.longString('"') : this.basicString();
      case "'":
        return text.startsWith("'''", this.at) ? this.longString("'") : this.literalString();
      case '[':
        return this.array();
      case '{':
        return this.inlineTable();
      case 't':
      case 'f': {
        const word = next === 't' ? 'true' : 'false';
        if (!text.startsWith(word, this.at)) {
          this.fail(
            'toml::parse_boolean: invalid boolean: boolean must be `true` or `false`, in lowercase. string must be surrounded by `"`',
            'expected true or false',
          );
        }
        this.at += word.length;
        return next === 't';
      }
      case 'T':
      case 'F': {
        const word = next === 'T' ? 'true' : 'false';
        this.fail(`toml::parse_value: \`${word}\` must be in lowercase. A string must be surrounded by quotes.`, 'expected true or false');
      }
    }
    if (next === undefined || !/[0-9+\-._in]/.test(next)) this.unknownValue();
    if (/^\d{4}-/.test(text.slice(this.at, this.at + 5))) return this.dateTime();
    if (/^\d{2}:\d{2}:/.test(text.slice(this.at, this.at + 6))) return new TomlTime(this.time());
    return this.number() as TomlValue;
  }

  private array(): TomlArray {
    const { text } = this;
    const start = this.at;
    this.at++;
    const items: TomlValue[] = [];
    for (;;) {
      this.skipBlank();
      const next = text[this.at];
      if (next === undefined) {
        this.fail('toml::parse_array: missing closing bracket `]`', 'expected `]`, reached EOF', { at: start, length: this.at - start });
      }
      if (next === ']') break;
      if (next === ',') {
        this.failures.push(this.report('bad format: unknown value appeared', [[{ at: this.at, length: 1 }, 'here']]));
        this.fail('toml::parse_array: missing closing bracket `]`', 'expected `]`, reached EOF');
      }
      items.push(this.value());
      this.skipBlank();
      const separator = text[this.at];
      if (separator === ']') break;
      if (separator === undefined) continue;
      if (separator !== ',') this.fail('toml::parse_array: expected value-separator `,` or closing `]`', 'here');
      this.at++;
    }
    this.at++;
    const array = new TomlArray(false, { at: start, length: this.at - start });
    array.items.push(...items);
    return array;
  }

  private inlineTable(): TomlTable {
    const { text } = this;
    const start = this.at;
    const table = new TomlTable('inline', { at: start, length: 1 });
    this.at++;
    this.skipSpace();
    if (text[this.at] !== '}') {
      for (;;) {
        this.skipSpace();
        this.member(table);
        this.skipSpace();
        if (text[this.at] === '}') break;
        if (text[this.at] !== ',') this.fail('toml::parse_inline_table: expected value-separator `,` or closing `}`', 'here');
        this.at++;
        this.skipSpace();
        if (text[this.at] === '}') {
          this.at--;
          const comma = text.lastIndexOf(',', this.at);
          this.fail('toml::parse_inline_table: trailing comma is not allowed in TOML-v1.0.0)', 'here', { at: comma + 1, length: 1 });
        }
      }
    }
    this.at++;
    table.span = { at: start, length: this.at - start };
    freeze(table);
    return table;
  }

  // --- Tables

  /** `key = value`, put into the table or, with a dotted key, into tables below it. */
  private member(table: TomlTable): void {
    const { parts, span } = this.key();
    this.skipSpace();
    if (this.text[this.at] !== '=') this.fail('toml::parse_key_value_pair: invalid key value separator `=`', 'expected =');
    this.at++;
    this.skipSpace();
    const start = this.at;
    const value = this.value();
    const valueSpan = { at: start, length: this.at - start };
    let inside = table;
    for (const part of parts.slice(0, -1)) {
      const known = inside.members.get(part);
      if (known === undefined) {
        const made = new TomlTable('dotted', span);
        inside.members.set(part, { value: made, span });
        inside = made;
        continue;
      }
      if (!(known.value instanceof TomlTable)) {
        this.conflict(
          'toml::insert_value: failed to insert a value, value already exists',
          span,
          'while inserting this',
          known.span,
          'non-table value already exists',
        );
      }
      if (known.value.kind === 'inline') {
        this.conflict(
          'toml::insert_value: failed to insert a value: inline table is immutable',
          span,
          'inserting this',
          known.value.span,
          'to this table',
        );
      }
      if (known.value.kind !== 'dotted') {
        this.conflict(
          'toml::insert_value: reopening a table using dotted keys',
          span,
          'dotted key cannot reopen a table',
          known.value.span,
          'this table is already closed',
        );
      }
      inside = known.value;
    }
    const last = parts.at(-1)!;
    const known = inside.members.get(last);
    if (known !== undefined) {
      this.conflict(
        'toml::insert_value: failed to insert a value, value already exists',
        span,
        'inserting this',
        known.span,
        'but value already exists',
      );
    }
    inside.members.set(last, { value, span: value instanceof TomlTable || value instanceof TomlArray ? value.span : valueSpan });
  }

  /** The table that all but the last part of a header's key name, made where it is missing. */
  private parentTable(root: TomlTable, parts: readonly string[], span: Span): TomlTable {
    let inside = root;
    for (const part of parts.slice(0, -1)) {
      const known = inside.members.get(part);
      if (known === undefined) {
        const made = new TomlTable('implied', span);
        inside.members.set(part, { value: made, span });
        inside = made;
      } else if (known.value instanceof TomlTable && known.value.kind !== 'inline') inside = known.value;
      else if (known.value instanceof TomlArray && known.value.isOfTables) inside = known.value.items.at(-1) as TomlTable;
      else if (known.value instanceof TomlTable) {
        this.conflict(
          'toml::insert_value: failed to insert a value: inline table is immutable',
          span,
          'inserting this',
          known.value.span,
          'to this table',
        );
      } else {
        this.conflict(
          'toml::insert_value: failed to insert a value, value already exists',
          span,
          'while inserting this',
          known.span,
          'non-table value already exists',
        );
      }
    }
    return inside;
  }

  /** `[key]` or `[[key]]`; gives the table that the lines after it fill. */
  private header(root: TomlTable): TomlTable {
    const start = this.at;
    const isArray = this.text.startsWith('[[', start);
    const parts = this.resuming('never', () => this.headerKey(isArray));
    this.endHeader();
    const table = new TomlTable('header', { at: start, length: this.headerEnd - start });
    try {
      return this.openTable(root, table, parts, isArray);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.failures.push(error.text);
      return table;
    }
  }

  /** The key between brackets, which are read too. */
  private headerKey(isArray: boolean): string[] {
    this.at += isArray ? 2 : 1;
    this.skipSpace();
    const next = this.text[this.at];
    if (next !== '"' && next !== "'" && (next === undefined || !/[A-Za-z0-9_-]/.test(next))) {
      this.fail('toml::parse_file: invalid table key', 'expected basic key([a-zA-Z0-9_-]) or quoted key(" or \')');
    }
    const { parts } = this.key();
    this.skipSpace();
    const close = isArray ? ']]' : ']';
    if (!this.text.startsWith(close, this.at)) this.fail('toml::parse_file: invalid table key', 'expected ]');
    this.at += close.length;
    this.headerEnd = this.at;
    return parts;
  }

  /** Puts a header's table where its key says, or finds the one that is there already. */
  private openTable(root: TomlTable, table: TomlTable, parts: readonly string[], isArray: boolean): TomlTable {
    const { span } = table;
    const parent = this.parentTable(root, parts, span);
    const last = parts.at(-1)!;
    const known = parent.members.get(last);
    if (isArray) {
      if (known === undefined) {
        const array = new TomlArray(true, span);
        array.items.push(table);
        parent.members.set(last, { value: array, span });
      } else if (known.value instanceof TomlArray && holdsTables(known.value)) {
        if (!known.value.isOfTables) {
          this.conflict(
            'toml::insert_value: failed to insert a table, inline array of tables is immutable',
            span,
            'while inserting this',
            known.span,
            'this is inline array-of-tables',
          );
        }
        known.value.items.push(table);
      } else {
        this.conflict(
          'toml::insert_value: failed to insert an array of tables, value already exists',
          span,
          'while inserting this',
          known.span,
          'non-table value already exists',
        );
      }
    } else if (known === undefined) {
      parent.members.set(last, { value: table, span });
    } else if (known.value instanceof TomlTable && known.value.kind === 'implied') {
      known.value.kind = 'header';
      known.value.span = span;
      known.span = span;
      return known.value;
    } else {
      this.conflict(
        'toml::insert_value: failed to insert a table, table already defined',
        span,
        'inserting this',
        known.span,
        'this table is explicitly defined',
      );
    }
    return table;
  }

  private endHeader(): void {
    this.skipSpace();
    if (this.text[this.at] === '#') this.comment();
    if (!this.isAtLineEnd()) this.fail('toml::parse_file: newline (or EOF) expected', 'expected 0x0a(LINE FEED) or \r\n');
  }

  private line(root: TomlTable, table: TomlTable): TomlTable {
    if (this.text[this.at] === '[') return this.header(root);
    this.member(table);
    this.skipSpace();
    if (this.text[this.at] === '#') this.comment();
    if (!this.isAtLineEnd()) this.resuming('table', () => this.fail('toml::parse_table: newline (LF / CRLF) or EOF is expected', 'here'));
    return table;
  }

  document(): TomlTable {
    const { text } = this;
    if (text.startsWith('\xef\xbb\xbf')) this.at = 3;
    const root = new TomlTable('header', { at: 0, length: 1 });
    let table = root;
    for (;;) {
      try {
        this.skipBlank();
        if (this.at >= text.length) break;
        table = this.line(root, table);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        this.failures.push(error.text);
        if (error.resume === 'never') break;
        const end = error.resume === 'line' ? text.indexOf('\n', this.at) : nextTable(text, this.at);
        this.at = end < 0 ? text.length : end + 1;
      }
    }
    if (this.failures.length > 0) throw new TomlSyntaxError(this.failures.join(''));
    return root;
  }
}

/** Whether an array is one of tables alone, written in whichever way. */
function holdsTables({ items }: TomlArray): boolean {
  return items.length > 0 && items.every((item) => item instanceof TomlTable);
}

/** The line end before the next line that starts with "[", -1 where there is none. */
function nextTable(text: string, from: number): number {
  const next = /\n[ \t]*\[/g;
  next.lastIndex = from;
  return next.exec(text)?.index ?? -1;
}

/** An inline table takes no more members, nor do the tables its dotted keys made. */
function freeze(table: TomlTable): void {
  for (const { value } of table.members.values()) {
    if (value instanceof TomlTable && value.kind === 'dotted') {
      value.kind = 'inline';
      freeze(value);
    }
  }
}

function convert(value: TomlValue, convertTime: (time: TomlTime) => Value, checkText: (text: string) => void): Slot {
  if (typeof value === 'string') checkText(value);
  if (value instanceof TomlTime) return convertTime(value);
  if (value instanceof TomlArray) return value.items.map((item) => convert(item, convertTime, checkText));
  if (!(value instanceof TomlTable)) return value;
  const builder = new AttrsBuilder();
  for (const [key, member] of value.members) {
    checkText(key);
    builder.setName(key, convert(member.value, convertTime, checkText));
  }
  return builder.build();
}

/** The set that a TOML text stands for. TomlSyntaxError where it is none; the two functions are asked for each time and each text. */
export function parseToml(text: string, convertTime: (time: TomlTime) => Value, checkText: (text: string) => void): Value {
  return convert(new TomlReader(text).document(), convertTime, checkText) as Value;
}
