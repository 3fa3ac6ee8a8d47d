// Builtins on JSON. Reading and writing follow nlohmann's library, which C++ Nix uses, to the byte: which numbers are integers, how
// floats print, and the words for what is wrong with a text.

import { byteStringToUtf8Strict, utf8ToByteString } from '../../base/bytes.ts';
import { printJsonFloat, quoteJsonString } from '../../base/canonical-json.ts';
import { EvalError, FloeError, FormatError, WrongTypeError } from '../../base/errors.ts';
import { Attrs, AttrsBuilder } from '../attrs.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { call1, enterCall, leaveCall } from '../call.ts';
import { coerceToString, copyPathToStore, forceStringNoContext } from '../coerce.ts';
import { addFrame, at } from '../error-position.ts';
import { type Integer, makeInteger } from '../number.ts';
import type { PositionId } from '../position.ts';
import { printIdentifier } from '../../lang/print-ast.ts';
import type { EvalState } from '../state.ts';
import { ContextAccumulator } from '../string-context.ts';
import { internSymbol, symbolName, symbols } from '../symbol.ts';
import { describeType, force, Lambda, makeString, NixFloat, NixPath, ContextString, peek, type Slot, Thunk, type Value } from '../value.ts';

// --- Writing ----------------------------------------------------------------------------------------------------------------------

const NON_ASCII = /[\x80-\xff]/;

const hexByte = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0');

/** Number of bytes of the character that starts with `byte`, and the range its second byte must lie in; 0 where none starts so. */
function utf8Lead(byte: number): readonly [length: number, low: number, high: number] {
  if (byte < 0x80) return [1, 0, 0];
  if (byte < 0xc2) return [0, 0, 0];
  if (byte < 0xe0) return [2, 0x80, 0xbf];
  if (byte < 0xf0) return [3, byte === 0xe0 ? 0xa0 : 0x80, byte === 0xed ? 0x9f : 0xbf];
  if (byte < 0xf5) return [4, byte === 0xf0 ? 0x90 : 0x80, byte === 0xf4 ? 0x8f : 0xbf];
  return [0, 0, 0];
}

/** What is wrong with a text that is no UTF-8. */
function describeBadUtf8(text: string): string {
  for (let i = 0; i < text.length;) {
    const [length, low, high] = utf8Lead(text.charCodeAt(i));
    if (length === 0) return `invalid UTF-8 byte at index ${i}: 0x${hexByte(text.charCodeAt(i))}`;
    for (let k = 1; k < length; k++) {
      if (i + k >= text.length) return `incomplete UTF-8 string; last byte: 0x${hexByte(text.charCodeAt(text.length - 1))}`;
      const byte = text.charCodeAt(i + k);
      if (byte < (k === 1 ? low : 0x80) || byte > (k === 1 ? high : 0xbf))
        return `invalid UTF-8 byte at index ${i + k}: 0x${hexByte(byte)}`;
    }
    i += length;
  }
  return 'invalid UTF-8';
}

/** Writes values as JSON, gathering the contexts of the strings met. */
export class JsonWriter {
  private readonly state: EvalState;
  private readonly context: ContextAccumulator;
  private readonly copyToStore: boolean;
  private readonly strict: boolean;
  /** The first text that is no UTF-8. C++ Nix meets it when all is evaluated, and so it is told at the end. */
  private badText: string | undefined;
  /** Unless `strict`, what is not evaluated yet is refused (`nix-instantiate --eval --json`). */
  constructor(state: EvalState, context: ContextAccumulator, copyToStore = true, strict = true) {
    this.state = state;
    this.context = context;
    this.copyToStore = copyToStore;
    this.strict = strict;
  }

  /** Throws where some text was no UTF-8; `prefix` starts the message. */
  finish(prefix: string): void {
    if (this.badText === undefined) return;
    throw new FormatError(`${prefix}[json.exception.type_error.316] ${describeBadUtf8(this.badText)}`);
  }

  string(text: string): string {
    if (NON_ASCII.test(text) && this.badText === undefined && byteStringToUtf8Strict(text) === undefined) this.badText = text;
    return quoteJsonString(text);
  }

  value(slot: Slot, pos: PositionId): string {
    enterCall(pos);
    if (!this.strict && peek(slot) instanceof Thunk) throw new WrongTypeError('cannot convert a thunk to JSON', at(pos));
    const text = this.evaluated(force(slot, pos), pos);
    leaveCall();
    return text;
  }

  private evaluated(value: Value, pos: PositionId): string {
    switch (typeof value) {
      case 'string':
        return this.string(value);
      case 'number':
      case 'bigint':
      case 'boolean':
        return String(value);
    }
    if (value === null) return 'null';
    if (value instanceof ContextString) {
      this.context.add(value.context);
      return this.string(value.text);
    }
    if (Array.isArray(value)) return this.list(value, pos);
    if (value instanceof Attrs) return this.attrs(value, pos);
    if (value instanceof NixPath) return this.string(this.copyToStore ? copyPathToStore(this.state, this.context, value.path) : value.path);
    if (value instanceof NixFloat) return printJsonFloat(value.value);
    throw new WrongTypeError(`cannot convert ${describeType(value)} to JSON`, at(value instanceof Lambda ? value.code.position : pos));
  }

  private list(list: Slot[], pos: PositionId): string {
    let text = '[';
    for (let i = 0; i < list.length; i++) {
      if (i > 0) text += ',';
      try {
        text += this.value(list[i]!, pos);
      } catch (error) {
        if (error instanceof FloeError) addFrame(error, pos, `while evaluating list element at index ${i}`);
        throw error;
      }
    }
    return `${text}]`;
  }

  private attrs(attrs: Attrs, pos: PositionId): string {
    const toString = attrs.get(symbols.toString);
    if (toString !== undefined) {
      const result = call1(force(toString, pos), attrs, pos);
      const what = 'while evaluating the result of the `__toString` attribute';
      return this.string(coerceToString(this.state, pos, result, this.context, what, { copyToStore: false }));
    }
    const outPath = attrs.get(symbols.outPath);
    if (outPath !== undefined) return this.value(outPath, attrs.position(symbols.outPath));
    const keys = attrs.keys();
    let text = '{';
    let separator = '';
    for (const i of attrs.order()) {
      const name = symbolName(keys[i]!);
      const position = attrs.positionAt(i);
      text += `${separator}${this.string(name)}:`;
      separator = ',';
      try {
        text += this.value(attrs.slotAt(i), position);
      } catch (error) {
        if (error instanceof FloeError) addFrame(error, position, `while evaluating attribute '${printIdentifier(name)}'`);
        throw error;
      }
    }
    return `${text}}`;
  }
}

/** A value as compact JSON; paths are copied to the store unless told otherwise. Contexts go to `context`. */
export function printValueAsJson(
  state: EvalState,
  slot: Slot,
  pos: PositionId,
  context: ContextAccumulator,
  copyToStore = true,
  strict = true,
): string {
  const writer = new JsonWriter(state, context, copyToStore, strict);
  const text = writer.value(slot, pos);
  writer.finish('JSON serialization error: ');
  return text;
}

/** builtins.toJSON */
export const toJSON: BuiltinDefinition = {
  args: ['e'],
  forces: [0],
  forceDepth: 2,
  text:
    'The value as JSON, on one line. Sets are objects, unless they have `__toString` or `outPath`, which then count; paths are copied to ' +
    'the store. Functions cannot be written.',
  run(state, pos, slot) {
    const context = new ContextAccumulator();
    const text = printValueAsJson(state, slot!, pos, context);
    return makeString(text, context.context);
  },
};

// --- Reading ----------------------------------------------------------------------------------------------------------------------

/** A text that is no JSON; the caller adds where it was read. */
class JsonSyntaxError extends EvalError {
  constructor(message: string) {
    super(message, { code: 'FLOE_JSON_SYNTAX' });
  }
}

const END = -1;
const TOKEN_ERROR = -2;
const TOKEN_STRING = -3;
const TOKEN_NUMBER = -4;
const TOKEN_TRUE = -5;
const TOKEN_FALSE = -6;
const TOKEN_NULL = -7;

/** How messages call a token; brackets and separators are their own character codes. */
function tokenName(token: number): string {
  switch (token) {
    case END:
      return 'end of input';
    case TOKEN_ERROR:
      return '<parse error>';
    case TOKEN_STRING:
      return 'string literal';
    case TOKEN_NUMBER:
      return 'number literal';
    case TOKEN_TRUE:
      return 'true literal';
    case TOKEN_FALSE:
      return 'false literal';
    case TOKEN_NULL:
      return 'null literal';
    default:
      return `'${String.fromCharCode(token)}'`;
  }
}

const A_VALUE = "'[', '{', or a literal";
const CONTROL_NAMES =
  'NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US'.split(' ');
const CONTROL_ESCAPES: Readonly<Record<number, string>> = { 8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r' };
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const PLAIN_RUN = /[^"\\\x00-\x1f\x80-\xff]*/y;

const isDigitCode = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** Refuses a string that a Nix string cannot hold. */
export function refuseNullBytes(text: string): void {
  if (!text.includes('\0')) return;
  const shown = text.replaceAll('\0', utf8ToByteString('␀'));
  throw new EvalError(`input string '${shown}' cannot be represented as Nix string because it contains null bytes`);
}

interface OpenObject {
  readonly list: null;
  readonly builder: AttrsBuilder;
  key: string;
}
interface OpenList {
  readonly list: Slot[];
}

class JsonReader {
  readonly text: string;
  /** Bytes consumed, the end counting as one. */
  read = 0;
  /** Where the text starts that errors call "last read": it runs on over brackets and separators until the next string or number. */
  tokenStart = 0;
  problem = '';
  stringValue = '';
  numberValue: Integer | NixFloat = 0;
  constructor(text: string) {
    this.text = text;
  }

  /** Reads the next byte; END (and still one more read) where there is none. */
  get(): number {
    const code = this.read < this.text.length ? this.text.charCodeAt(this.read) : END;
    this.read++;
    return code;
  }

  fail(problem: string): number {
    this.problem = problem;
    return TOKEN_ERROR;
  }

  token(): number {
    const { text } = this;
    if (this.read === 0 && text.charCodeAt(0) === 0xef) {
      if (this.get() !== 0xef || this.get() !== 0xbb || this.get() !== 0xbf)
        return this.fail('invalid BOM; must be 0xEF 0xBB 0xBF if given');
    }
    let code = this.get();
    while (code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d) code = this.get();
    switch (code) {
      case END:
      case 0x5b:
      case 0x5d:
      case 0x7b:
      case 0x7d:
      case 0x2c:
      case 0x3a:
        return code;
      case 0x74:
        return this.literal('rue', TOKEN_TRUE);
      case 0x66:
        return this.literal('alse', TOKEN_FALSE);
      case 0x6e:
        return this.literal('ull', TOKEN_NULL);
      case 0x22:
        this.tokenStart = this.read - 1;
        return this.string();
      default:
        if (code !== 0x2d && !isDigitCode(code)) return this.fail('invalid literal');
        this.tokenStart = this.read - 1;
        return this.number(code);
    }
  }

  literal(rest: string, token: number): number {
    for (let i = 0; i < rest.length; i++) if (this.get() !== rest.charCodeAt(i)) return this.fail('invalid literal');
    return token;
  }

  number(first: number): number {
    const { text } = this;
    const start = this.read - 1;
    let code = first;
    if (code === 0x2d) {
      code = this.get();
      if (!isDigitCode(code)) return this.fail("invalid number; expected digit after '-'");
    }
    const isZero = code === 0x30;
    code = this.get();
    if (!isZero) while (isDigitCode(code)) code = this.get();
    let isFloat = false;
    if (code === 0x2e) {
      isFloat = true;
      if (!isDigitCode((code = this.get()))) return this.fail("invalid number; expected digit after '.'");
      while (isDigitCode(code)) code = this.get();
    }
    if (code === 0x65 || code === 0x45) {
      isFloat = true;
      code = this.get();
      if (code === 0x2b || code === 0x2d) {
        if (!isDigitCode((code = this.get()))) return this.fail('invalid number; expected digit after exponent sign');
      } else if (!isDigitCode(code)) return this.fail("invalid number; expected '+', '-', or digit after exponent");
      while (isDigitCode(code)) code = this.get();
    }
    this.read--;
    const digits = text.slice(start, this.read);
    this.numberValue = isFloat ? new NixFloat(Number(digits)) : integerOrFloat(digits);
    return TOKEN_NUMBER;
  }

  string(): number {
    const { text } = this;
    let result = '';
    for (;;) {
      PLAIN_RUN.lastIndex = this.read;
      const run = PLAIN_RUN.exec(text)![0];
      result += run;
      this.read += run.length;
      const code = this.get();
      if (code === 0x22) {
        this.stringValue = result;
        return TOKEN_STRING;
      }
      if (code === END) return this.fail('invalid string: missing closing quote');
      if (code < 0x20) {
        const escape = CONTROL_ESCAPES[code];
        const number = hexByte(code).padStart(4, '0');
        return this.fail(
          `invalid string: control character U+${number} (${CONTROL_NAMES[code]}) must be escaped to \\u${number}${escape === undefined ? '' : ` or \\${escape}`}`,
        );
      }
      if (code === 0x5c) {
        const escaped = this.escape();
        if (escaped === undefined) return TOKEN_ERROR;
        result += escaped;
        continue;
      }
      const start = this.read - 1;
      const [length, low, high] = utf8Lead(code);
      if (length === 0) return this.fail('invalid string: ill-formed UTF-8 byte');
      for (let k = 1; k < length; k++) {
        const next = this.get();
        if (next < (k === 1 ? low : 0x80) || next > (k === 1 ? high : 0xbf)) return this.fail('invalid string: ill-formed UTF-8 byte');
      }
      result += text.slice(start, this.read);
    }
  }

  /** What follows a backslash; undefined after a failure. */
  escape(): string | undefined {
    const code = this.get();
    const character = code === END ? '' : String.fromCharCode(code);
    if (Object.hasOwn(ESCAPES, character)) return ESCAPES[character];
    if (character !== 'u') {
      this.fail('invalid string: forbidden character after backslash');
      return undefined;
    }
    const first = this.fourDigits();
    if (first < 0) return undefined;
    if (first < 0xd800 || first > 0xdfff) return utf8ToByteString(String.fromCharCode(first));
    if (first > 0xdbff) {
      this.fail('invalid string: surrogate U+DC00..U+DFFF must follow U+D800..U+DBFF');
      return undefined;
    }
    if (this.get() === 0x5c && this.get() === 0x75) {
      const second = this.fourDigits();
      if (second < 0) return undefined;
      if (second >= 0xdc00 && second <= 0xdfff) return utf8ToByteString(String.fromCharCode(first, second));
    }
    this.fail('invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF');
    return undefined;
  }

  fourDigits(): number {
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const code = this.get();
      const digit = code === END ? NaN : parseInt(String.fromCharCode(code), 16);
      if (Number.isNaN(digit)) {
        this.fail("invalid string: '\\u' must be followed by 4 hex digits");
        return -1;
      }
      value = value * 16 + digit;
    }
    return value;
  }

  error(token: number, expected: string, context: string): JsonSyntaxError {
    const { text } = this;
    const seen = text.slice(0, this.read);
    const lastLine = seen.lastIndexOf('\n') + 1;
    // NIX: nlohmann's count of columns is 0 after it looked at a line end behind a number and put it back.
    const column = token === TOKEN_NUMBER && text[this.read] === '\n' ? 0 : this.read - lastLine;
    let message = `[json.exception.parse_error.101] parse error at line ${seen.split('\n').length}, column ${column}: `;
    if (token === END && this.read === 1) {
      message += 'attempting to parse an empty input; check that your input string or stream contains the expected JSON';
      return new JsonSyntaxError(message);
    }
    message += `syntax error while parsing ${context} - `;
    if (token === TOKEN_ERROR) {
      const lastRead = seen
        .slice(this.tokenStart)
        .replace(/[\x00-\x1f]/g, (character) => `<U+${hexByte(character.charCodeAt(0)).padStart(4, '0')}>`);
      message += `${this.problem}; last read: '${lastRead}'`;
    } else {
      message += `unexpected ${tokenName(token)}`;
    }
    if (expected !== '') message += `; expected ${expected}`;
    return new JsonSyntaxError(message);
  }

  number64(): Value {
    const value = this.numberValue;
    if (value instanceof NixFloat) {
      if (Number.isFinite(value.value)) return value;
      const digits = this.text.slice(this.tokenStart, this.read);
      throw new JsonSyntaxError(`[json.exception.out_of_range.406] number overflow parsing '${digits}'`);
    }
    if (typeof value === 'bigint' && value > 0x7fffffffffffffffn)
      throw new EvalError(`unsigned json number ${value} outside of Nix integer range`);
    return value;
  }

  /** A key and the colon after it; `token` has been read. */
  key(token: number): string {
    if (token !== TOKEN_STRING) throw this.error(token, 'string literal', 'object key');
    const key = this.stringValue;
    refuseNullBytes(key);
    const separator = this.token();
    if (separator !== 0x3a) throw this.error(separator, "':'", 'object separator');
    return key;
  }

  document(): Value {
    const open: (OpenObject | OpenList)[] = [];
    let token = this.token();
    for (;;) {
      let value: Value;
      switch (token) {
        case 0x7b:
          token = this.token();
          if (token !== 0x7d) {
            open.push({ list: null, builder: new AttrsBuilder(), key: this.key(token) });
            token = this.token();
            continue;
          }
          value = new AttrsBuilder().build();
          break;
        case 0x5b:
          token = this.token();
          if (token !== 0x5d) {
            open.push({ list: [] });
            continue;
          }
          value = [];
          break;
        case TOKEN_STRING:
          value = this.stringValue;
          refuseNullBytes(value);
          break;
        case TOKEN_NUMBER:
          value = this.number64();
          break;
        case TOKEN_TRUE:
          value = true;
          break;
        case TOKEN_FALSE:
          value = false;
          break;
        case TOKEN_NULL:
          value = null;
          break;
        default:
          throw this.error(token, token === TOKEN_ERROR ? '' : A_VALUE, 'value');
      }
      // A value is complete: it goes where it belongs, and so do the lists and objects that end after it.
      for (;;) {
        const inside = open.at(-1);
        if (inside === undefined) {
          token = this.token();
          if (token !== END) throw this.error(token, 'end of input', 'value');
          return value;
        }
        if (inside.list !== null) {
          inside.list.push(value);
          token = this.token();
          if (token === 0x2c) {
            token = this.token();
            break;
          }
          if (token !== 0x5d) throw this.error(token, "']'", 'array');
          value = inside.list as Value;
        } else {
          inside.builder.set(internSymbol(inside.key), value);
          token = this.token();
          if (token === 0x2c) {
            inside.key = this.key(this.token());
            token = this.token();
            break;
          }
          if (token !== 0x7d) throw this.error(token, "'}'", 'object');
          value = inside.builder.build();
        }
        open.pop();
      }
    }
  }
}

function integerOrFloat(digits: string): Integer | NixFloat {
  if (digits.length < 16) return Number(digits) + 0;
  const value = BigInt(digits);
  return value > 0xffffffffffffffffn || value < -0x8000000000000000n ? new NixFloat(Number(digits)) : makeInteger(value);
}

/** The value of a JSON text. Throws what is wrong with it, in nlohmann's words. */
export function parseJsonValue(text: string): Value {
  return new JsonReader(text).document();
}

/** builtins.fromJSON */
export const fromJSON: BuiltinDefinition = {
  args: ['e'],
  forces: [0],
  text: 'The value that a JSON text stands for. Numbers with a point or an exponent are floats, others integers.',
  run(state, pos, slot) {
    const text = forceStringNoContext(state, slot!, pos, 'while evaluating the first argument passed to builtins.fromJSON');
    try {
      return parseJsonValue(text);
    } catch (error) {
      if (error instanceof JsonSyntaxError) addFrame(error, pos, 'while decoding a JSON string');
      throw error;
    }
  },
};
