// Text -> tokens, one at a time, by hand: C++ Nix 2.34.8's libexpr/lexer.l is the specification (longest match, then the earlier
// rule). What a byte means depends on a stack of modes: plain code, a string, an indented string, a path that may go on. The text is a
// byte string. The file is long because the modes share the cursor and must be read together.

import { byteStringToUtf8 } from '../base/bytes.ts';
import { ParseError } from '../base/errors.ts';
import { HASH_PRIME, HASH_START, type NameTable } from './name-table.ts';
import type { Source } from './position.ts';
import { KEYWORDS, Token } from './token.ts';

/** Modes. Initial is plain code at the bottom of the stack, which no `}` closes. */
const Mode = { Initial: 0, Code: 1, Str: 2, IndStr: 3, Path: 4, PathAfterSlash: 5 } as const;

/** Classes of bytes, as bits. */
const ID_START = 1;
const ID_PART = 2;
const DIGIT = 4;
const PATH_PART = 8;
const SCHEME_PART = 16;
const URI_PART = 32;
const SPACE = 64;

const CLASSES = makeClasses();

function makeClasses(): Uint8Array {
  const classes = new Uint8Array(256);
  const add = (characters: string, bits: number): void => {
    for (const character of characters) classes[character.charCodeAt(0)]! |= bits;
  };
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  add(letters, ID_START | ID_PART | PATH_PART | SCHEME_PART | URI_PART);
  add('0123456789', DIGIT | ID_PART | PATH_PART | SCHEME_PART | URI_PART);
  add('_', ID_START | ID_PART | PATH_PART);
  add("'-", ID_PART);
  add('.-+', PATH_PART | SCHEME_PART);
  add("%/?:@&=+$,-_.!~*'", URI_PART);
  add(' \t\r\n', SPACE);
  return classes;
}

/** Tokens that are one byte, by that byte; what begins longer tokens too is dealt with before this is asked. */
const SINGLE = makeSingles();

function makeSingles(): Uint8Array {
  const singles = new Uint8Array(256).fill(Token.Invalid);
  const table: Readonly<Record<string, Token>> = {
    '<': Token.Less,
    '>': Token.Greater,
    '+': Token.Plus,
    '-': Token.Minus,
    '*': Token.Times,
    '/': Token.Divide,
    '?': Token.Question,
    ':': Token.Colon,
    '@': Token.At,
    ';': Token.Semicolon,
    '!': Token.Bang,
    '.': Token.Dot,
    '(': Token.ParenOpen,
    ')': Token.ParenClose,
    '[': Token.BracketOpen,
    ']': Token.BracketClose,
    '=': Token.Assign,
    ',': Token.Comma,
    // NIX: a NUL byte in code ends the text without a word (2.34.8).
    '\0': Token.EndOfFile,
  };
  for (const [character, token] of Object.entries(table)) singles[character.charCodeAt(0)] = token;
  return singles;
}

const MIN_NORMAL_FLOAT = 2.2250738585072014e-308;
const MAX_INTEGER = 9223372036854775807n;
/** Every run of digits this short is exact as a number. */
const SAFE_DIGITS = 15;

const code = (character: string): number => character.charCodeAt(0);
const NEW_LINE = code('\n');
const RETURN = code('\r');
const QUOTE = code('"');
const APOSTROPHE = code("'");
const DOLLAR = code('$');
const CURLY_OPEN = code('{');
const CURLY_CLOSE = code('}');
const BACKSLASH = code('\\');
const SLASH = code('/');
const STAR = code('*');
const HASH = code('#');
const DOT = code('.');
const COLON = code(':');
const TILDE = code('~');
const LESS = code('<');
const GREATER = code('>');
const EQUALS = code('=');
const BAR = code('|');
const AMPERSAND = code('&');
const MINUS = code('-');
const PLUS = code('+');
const BANG = code('!');
const BLANK = code(' ');
const ZERO = code('0');

/** Resolves backslashes and turns "\r\n" and "\r" into "\n". */
function unescape(text: string): string {
  if (!/[\\\r]/.test(text)) return text;
  return text.replace(/\\([^])|\r\n?/g, (_, escaped: string | undefined) => {
    if (escaped === undefined) return '\n';
    if (escaped === 'n') return '\n';
    if (escaped === 'r') return '\r';
    if (escaped === 't') return '\t';
    return escaped;
  });
}

/** Reads one text. After each `next()` the fields describe the current token. */
export class Lexer {
  readonly text: string;
  readonly source: Source;
  readonly names: NameTable;
  readonly #pipeOperators: boolean;

  token: Token = Token.EndOfFile;
  /** Offsets of the token's first byte and behind its last. */
  start = 0;
  end = 0;
  /** Id: the name. Str, IndStr: the content, escapes resolved. Path, HomePath, SearchPath, Uri: as written. */
  value = '';
  /** Int and Float: the number. */
  number: number | bigint = 0;
  /** IndStr: whether it is text as it stands in the file, whose indentation counts (not an escape). */
  hasIndentation = false;

  #cursor = 0;
  /** Where errors place the end of the file. */
  #endOffset: number;
  /** Where the token before the latest part of a path begins. */
  #startBeforePart = 0;
  #mode: number = Mode.Initial;
  readonly #modes: number[] = [];

  constructor(source: Source, names: NameTable, pipeOperators: boolean) {
    this.source = source;
    this.text = source.text;
    this.#endOffset = source.text.length;
    this.names = names;
    this.#pipeOperators = pipeOperators;
  }

  /** Moves to the next token. */
  next(): void {
    switch (this.#mode) {
      case Mode.Str:
        return this.#nextInString();
      case Mode.IndStr:
        return this.#nextInIndentedString();
      case Mode.Path:
      case Mode.PathAfterSlash:
        return this.#nextInPath();
      default:
        return this.#nextInCode();
    }
  }

  #push(mode: number): void {
    this.#modes.push(this.#mode);
    this.#mode = mode;
  }

  #pop(): void {
    this.#mode = this.#modes.pop()!;
  }

  #set(token: Token, end: number): void {
    this.token = token;
    this.end = end;
    this.#cursor = end;
  }

  #fail(message: string, offset: number): never {
    throw new ParseError(message, { position: this.source.at(offset) });
  }

  #endOfFile(): void {
    this.#cursor = this.text.length;
    this.start = this.end = this.#endOffset;
    this.token = Token.EndOfFile;
  }

  #nextInCode(): void {
    const text = this.text;
    const length = text.length;
    let cursor = this.#cursor;
    for (;;) {
      if (cursor >= length) return this.#endOfFile();
      const c = text.charCodeAt(cursor);
      const bits = CLASSES[c]!;
      if ((bits & SPACE) !== 0) {
        cursor++;
        continue;
      }
      if (c === HASH) {
        cursor = this.#endOfLine(cursor + 1);
        continue;
      }
      if (c === SLASH && text.charCodeAt(cursor + 1) === STAR) {
        const close = text.indexOf('*/', cursor + 2);
        // Without an end it is no comment: the slash and the star are operators.
        if (close >= 0) {
          cursor = close + 2;
          continue;
        }
      }
      this.start = cursor;
      if ((bits & ID_START) !== 0) return this.#word(cursor);
      return this.#symbol(c, cursor);
    }
  }

  #endOfLine(cursor: number): number {
    const text = this.text;
    const length = text.length;
    while (cursor < length) {
      const c = text.charCodeAt(cursor);
      if (c === NEW_LINE || c === RETURN) break;
      cursor++;
    }
    return cursor;
  }

  /** A token that begins with a letter or an underscore: a name, a keyword, a path or a URI. */
  #word(start: number): void {
    const text = this.text;
    let cursor = start;
    let hash = HASH_START;
    let c = text.charCodeAt(cursor);
    do {
      hash = Math.imul(hash ^ c, HASH_PRIME) | 0;
      c = text.charCodeAt(++cursor);
    } while ((CLASSES[c]! & ID_PART) !== 0);
    if ((c === COLON || c === SLASH || c === DOT || c === PLUS) && this.#pathOrUri(start)) return;
    const index = this.names.internSlice(text, start, cursor, hash);
    if (index < KEYWORDS.length) {
      const token = KEYWORDS[index]![1];
      this.value = KEYWORDS[index]![0];
      return this.#set(token, cursor);
    }
    this.value = this.names.names[index]!;
    this.#set(Token.Id, cursor);
  }

  /** Tries a path (`a/b`, `a/${`) or a URI (`a:b`) at `start`; false, and nothing changed, if there is neither. */
  #pathOrUri(start: number): boolean {
    const text = this.text;
    let cursor = start;
    let isScheme = true;
    let c = text.charCodeAt(cursor);
    for (;;) {
      const bits = CLASSES[c]!;
      if ((bits & PATH_PART) === 0) break;
      if ((bits & SCHEME_PART) === 0) isScheme = false;
      c = text.charCodeAt(++cursor);
    }
    if (c === SLASH) return this.#path(start, cursor);
    if (c !== COLON || !isScheme) return false;
    // INVARIANT: only words come here with a colon, so the scheme begins with a letter.
    const content = cursor + 1;
    cursor = content;
    while ((CLASSES[text.charCodeAt(cursor)]! & URI_PART) !== 0) cursor++;
    if (cursor === content) return false;
    this.value = text.slice(start, cursor);
    this.#set(Token.Uri, cursor);
    return true;
  }

  /** Tries a path at `start` whose first slash is at `slash`. */
  #path(start: number, slash: number): boolean {
    const text = this.text;
    const after = text.charCodeAt(slash + 1);
    if ((CLASSES[after]! & PATH_PART) !== 0) {
      const end = this.#pathSegments(slash);
      this.value = text.slice(start, end);
      this.#set(Token.Path, end);
      this.#push(text.charCodeAt(end - 1) === SLASH ? Mode.PathAfterSlash : Mode.Path);
      return true;
    }
    if (after === DOLLAR && text.charCodeAt(slash + 2) === CURLY_OPEN) {
      this.value = text.slice(start, slash + 1);
      this.#set(Token.Path, slash + 1);
      this.#push(Mode.PathAfterSlash);
      return true;
    }
    return false;
  }

  /** End of the "/x/y/z" or "/x/y/z/" that begins at `slash`. */
  #pathSegments(slash: number): number {
    const text = this.text;
    let cursor = slash;
    while (text.charCodeAt(cursor) === SLASH) {
      let end = cursor + 1;
      while ((CLASSES[text.charCodeAt(end)]! & PATH_PART) !== 0) end++;
      if (end === cursor + 1) return end;
      cursor = end;
    }
    return cursor;
  }

  /** A token that begins with anything but a letter or an underscore. */
  #symbol(c: number, start: number): void {
    const text = this.text;
    const following = text.charCodeAt(start + 1);
    const bits = CLASSES[c]!;
    if ((bits & DIGIT) !== 0) {
      if (this.#startsPath(start)) return;
      return this.#numberAt(start);
    }
    switch (c) {
      case CURLY_CLOSE:
        if (this.#mode !== Mode.Initial) this.#pop();
        return this.#set(Token.CurlyClose, start + 1);
      case CURLY_OPEN:
        this.#push(Mode.Code);
        return this.#set(Token.CurlyOpen, start + 1);
      case QUOTE:
        this.#push(Mode.Str);
        return this.#set(Token.Quote, start + 1);
      case APOSTROPHE:
        if (following !== APOSTROPHE) break;
        this.#push(Mode.IndStr);
        return this.#set(Token.IndStringOpen, this.#indentedStringStart(start + 2));
      case DOLLAR:
        if (following !== CURLY_OPEN) break;
        this.#push(Mode.Code);
        return this.#set(Token.DollarCurly, start + 2);
      case DOT:
        if ((following === DOT || (CLASSES[following]! & PATH_PART) !== 0 || following === SLASH) && this.#startsPath(start)) return;
        if (following === DOT && text.charCodeAt(start + 2) === DOT) return this.#set(Token.Ellipsis, start + 3);
        if ((CLASSES[following]! & DIGIT) !== 0) return this.#numberAt(start);
        break;
      case SLASH:
        if (this.#path(start, start)) return;
        if (following === SLASH) return this.#set(Token.Update, start + 2);
        break;
      case PLUS:
      case MINUS:
        if (this.#startsPath(start)) return;
        if (c === PLUS && following === PLUS) return this.#set(Token.Concat, start + 2);
        if (c === MINUS && following === GREATER) return this.#set(Token.Implies, start + 2);
        break;
      case TILDE:
        if (following === SLASH && this.#homePath(start)) return;
        break;
      case LESS:
        if (this.#searchPath(start)) return;
        if (following === EQUALS) return this.#set(Token.LessEqual, start + 2);
        if (following === BAR) return this.#pipe(Token.PipeFrom, start);
        break;
      case GREATER:
        if (following === EQUALS) return this.#set(Token.GreaterEqual, start + 2);
        break;
      case EQUALS:
        if (following === EQUALS) return this.#set(Token.Equal, start + 2);
        break;
      case BANG:
        if (following === EQUALS) return this.#set(Token.NotEqual, start + 2);
        break;
      case AMPERSAND:
        if (following === AMPERSAND) return this.#set(Token.And, start + 2);
        break;
      case BAR:
        if (following === BAR) return this.#set(Token.Or, start + 2);
        if (following === GREATER) return this.#pipe(Token.PipeInto, start);
        break;
    }
    this.#set(SINGLE[c] as Token, start + 1);
  }

  #pipe(token: Token, start: number): void {
    if (!this.#pipeOperators) {
      this.#fail(
        "experimental Nix feature 'pipe-operators' is disabled; add '--extra-experimental-features pipe-operators' to enable it",
        start,
      );
    }
    this.#set(token, start + 2);
  }

  /** A path that begins with path characters other than a letter: `./x`, `../x`, `1/2`, `-/x`. */
  #startsPath(start: number): boolean {
    const text = this.text;
    let cursor = start + 1;
    while ((CLASSES[text.charCodeAt(cursor)]! & PATH_PART) !== 0) cursor++;
    return text.charCodeAt(cursor) === SLASH && this.#path(start, cursor);
  }

  #homePath(start: number): boolean {
    const text = this.text;
    const after = text.charCodeAt(start + 2);
    if ((CLASSES[after]! & PATH_PART) !== 0) {
      const end = this.#pathSegments(start + 1);
      this.value = text.slice(start, end);
      this.#set(Token.HomePath, end);
      this.#push(text.charCodeAt(end - 1) === SLASH ? Mode.PathAfterSlash : Mode.Path);
      return true;
    }
    if (after === DOLLAR && text.charCodeAt(start + 3) === CURLY_OPEN) {
      this.value = '~/';
      this.#set(Token.HomePath, start + 2);
      this.#push(Mode.PathAfterSlash);
      return true;
    }
    return false;
  }

  /** `<a/b>`. */
  #searchPath(start: number): boolean {
    const text = this.text;
    let cursor = start + 1;
    for (;;) {
      const segment = cursor;
      while ((CLASSES[text.charCodeAt(cursor)]! & PATH_PART) !== 0) cursor++;
      if (cursor === segment) return false;
      const c = text.charCodeAt(cursor);
      if (c === GREATER) break;
      if (c !== SLASH) return false;
      cursor++;
    }
    this.value = text.slice(start, cursor + 1);
    this.#set(Token.SearchPath, cursor + 1);
    return true;
  }

  /** An integer, or a float: `1.`, `1.5`, `0.5`, `.5`, each with an exponent or without (but `00.5` is `00` and `.5`). */
  #numberAt(start: number): void {
    const text = this.text;
    let cursor = start;
    while ((CLASSES[text.charCodeAt(cursor)]! & DIGIT) !== 0) cursor++;
    const digits = cursor - start;
    if (text.charCodeAt(cursor) === DOT) {
      const fraction = cursor + 1;
      let end = fraction;
      while ((CLASSES[text.charCodeAt(end)]! & DIGIT) !== 0) end++;
      const hasFraction = end > fraction;
      const leadingZero = digits > 0 && text.charCodeAt(start) === ZERO;
      if (digits === 0 || (leadingZero ? digits === 1 && hasFraction : true)) return this.#float(start, this.#exponent(end));
    }
    const literal = text.slice(start, cursor);
    if (digits <= SAFE_DIGITS) this.number = +literal;
    else {
      const value = BigInt(literal);
      if (value > MAX_INTEGER) this.#fail(`invalid integer '${literal}'`, start);
      this.number = value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
    }
    this.#set(Token.Int, cursor);
  }

  /** End of the exponent at `cursor`, or `cursor` if there is none. */
  #exponent(cursor: number): number {
    const text = this.text;
    const c = text.charCodeAt(cursor) | 0x20;
    if (c !== 0x65) return cursor;
    let end = cursor + 1;
    const sign = text.charCodeAt(end);
    if (sign === PLUS || sign === MINUS) end++;
    const digits = end;
    while ((CLASSES[text.charCodeAt(end)]! & DIGIT) !== 0) end++;
    return end > digits ? end : cursor;
  }

  #float(start: number, end: number): void {
    const literal = this.text.slice(start, end);
    const value = Number(literal);
    // What strtod calls out of range: too large, or too small to be a normal number.
    const isZero = value === 0 && !/[1-9]/.test(literal.replace(/e.*$/i, ''));
    if (value === Infinity || (value < MIN_NORMAL_FLOAT && !isZero)) this.#fail(`invalid float '${literal}'`, start);
    this.number = value;
    this.#set(Token.Float, end);
  }

  /** Blanks up to the end of the first line belong to the opening quotes. */
  #indentedStringStart(cursor: number): number {
    const text = this.text;
    let end = cursor;
    while (text.charCodeAt(end) === BLANK) end++;
    return text.charCodeAt(end) === NEW_LINE ? end + 1 : cursor;
  }

  #nextInString(): void {
    const text = this.text;
    const length = text.length;
    const start = this.#cursor;
    this.start = start;
    let cursor = start;
    // Lone "$" and "\" at the very end of the file leave `cursor` before the end: the parser then meets the end of the file.
    scan: while (cursor < length) {
      switch (text.charCodeAt(cursor)) {
        case QUOTE:
          break scan;
        case BACKSLASH:
          if (cursor + 1 >= length) break scan;
          cursor += 2;
          break;
        case DOLLAR: {
          if (cursor + 1 >= length) break scan;
          const following = text.charCodeAt(cursor + 1);
          if (following === CURLY_OPEN) break scan;
          if (following === QUOTE) {
            cursor++;
            break scan;
          }
          if (following === BACKSLASH) {
            if (cursor + 2 >= length) break scan;
            cursor++;
          }
          cursor += 2;
          break;
        }
        default:
          cursor++;
      }
    }
    if (cursor > start) {
      const raw = text.slice(start, cursor);
      this.value = unescape(raw);
      this.#refuseNull(raw, this.value, start);
      return this.#set(Token.Str, cursor);
    }
    const c = text.charCodeAt(cursor);
    if (c === QUOTE) {
      this.#pop();
      return this.#set(Token.Quote, cursor + 1);
    }
    if (c === DOLLAR && text.charCodeAt(cursor + 1) === CURLY_OPEN) {
      this.#push(Mode.Code);
      return this.#set(Token.DollarCurly, cursor + 2);
    }
    this.#endOfFile();
  }

  #nextInIndentedString(): void {
    const text = this.text;
    const length = text.length;
    const start = this.#cursor;
    this.start = start;
    if (start >= length) return this.#endOfFile();
    let cursor = start;
    scan: while (cursor < length) {
      const c = text.charCodeAt(cursor);
      if (c === DOLLAR) {
        if (cursor + 1 >= length) break;
        const following = text.charCodeAt(cursor + 1);
        if (following === CURLY_OPEN || following === APOSTROPHE) break scan;
        cursor += 2;
      } else if (c === APOSTROPHE) {
        if (cursor + 1 >= length) break;
        const following = text.charCodeAt(cursor + 1);
        if (following === APOSTROPHE || following === DOLLAR) break scan;
        cursor += 2;
      } else cursor++;
    }
    if (cursor > start) {
      this.value = text.slice(start, cursor);
      this.hasIndentation = true;
      this.#refuseNull(this.value, this.value, start);
      return this.#set(Token.IndStr, cursor);
    }
    this.hasIndentation = false;
    const following = text.charCodeAt(cursor + 1);
    if (text.charCodeAt(cursor) === DOLLAR) {
      if (following === CURLY_OPEN) {
        this.#push(Mode.Code);
        return this.#set(Token.DollarCurly, cursor + 2);
      }
      this.value = '$';
      return this.#set(Token.IndStr, cursor + 1);
    }
    if (following !== APOSTROPHE) {
      this.value = "'";
      return this.#set(Token.IndStr, cursor + 1);
    }
    const third = text.charCodeAt(cursor + 2);
    if (third === DOLLAR) {
      this.value = '$';
      return this.#set(Token.IndStr, cursor + 3);
    }
    if (third === APOSTROPHE) {
      this.value = "''";
      return this.#set(Token.IndStr, cursor + 3);
    }
    if (third === BACKSLASH && cursor + 3 < length) {
      const raw = text.slice(cursor + 2, cursor + 4);
      this.value = unescape(raw);
      return this.#set(Token.IndStr, cursor + 4);
    }
    this.#pop();
    this.#set(Token.IndStringClose, cursor + 2);
  }

  /** Nix strings hold no NUL byte (C++ Nix overlooks one behind a backslash). */
  #refuseNull(raw: string, value: string, offset: number): void {
    if (raw.indexOf('\0') < 0) return;
    const shown = byteStringToUtf8(value).replaceAll('\0', '␀');
    this.#fail(`input string '${shown}' cannot be represented as Nix string because it contains null bytes`, offset);
  }

  #nextInPath(): void {
    const text = this.text;
    const start = this.#cursor;
    if (text.charCodeAt(start) === DOLLAR && text.charCodeAt(start + 1) === CURLY_OPEN) {
      this.start = start;
      this.#mode = Mode.Path;
      this.#push(Mode.Code);
      return this.#set(Token.DollarCurly, start + 2);
    }
    let cursor = start;
    while ((CLASSES[text.charCodeAt(cursor)]! & PATH_PART) !== 0) cursor++;
    if (text.charCodeAt(cursor) === SLASH) {
      const hasSegment = (CLASSES[text.charCodeAt(cursor + 1)]! & PATH_PART) !== 0;
      cursor = hasSegment ? this.#pathSegments(cursor) : cursor + 1;
    }
    if (cursor > start) {
      this.#startBeforePart = this.start;
      this.start = start;
      this.#mode = text.charCodeAt(cursor - 1) === SLASH ? Mode.PathAfterSlash : Mode.Path;
      this.value = text.slice(start, cursor);
      return this.#set(Token.Str, cursor);
    }
    if (this.#mode === Mode.PathAfterSlash) {
      this.#fail('path has a trailing slash', start < text.length ? start : this.start);
    }
    // Nothing more of the path: it ends where the token before ended, and the byte here is read as code.
    // NIX: at the end of the file, flex's location is set back once too often: the end of the file is where the path's last token
    // begins, and the end of the path where the token before that begins (2.34.8).
    if (start >= text.length) {
      this.#endOffset = this.start;
      this.start = this.#startBeforePart;
    }
    this.#pop();
    this.token = Token.PathEnd;
  }
}
