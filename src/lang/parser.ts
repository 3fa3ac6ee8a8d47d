// Tokens -> tree: recursive descent with precedence climbing over the grammar of C++ Nix 2.34.8 (libexpr/parser.y, parser-state.hh),
// building what its actions build: merged nested sets, stripped indented strings, operators as calls. Names are not bound here
// (bind.ts). A syntax error is found here but worded by syntax-error.ts, which reads the text again the way bison would. The file is
// long because the grammar is one thing and is read as one.

import { unreachable } from '../base/assert.ts';
import { byteStringToUtf8 } from '../base/bytes.ts';
import { ParseError, RestrictedPathError } from '../base/errors.ts';
import {
  Assert,
  AttrDef,
  AttrKind,
  Attrs,
  Binary,
  Call,
  ConcatStrings,
  CurrentPosition,
  DynamicAttrDef,
  Float,
  Formal,
  HasAttr,
  If,
  InheritFrom,
  Int,
  Lambda,
  Let,
  List,
  NodeKind,
  Not,
  NO_DYNAMIC,
  NO_NODES,
  NO_POSITION,
  Path,
  PathForm,
  Select,
  Str,
  Var,
  With,
  type AttrName,
  type BinaryKind,
  type Node,
} from './ast.ts';
import { stripIndentation, type IndentedPart } from './indented-string.ts';
import { Lexer } from './lexer.ts';
import { NameTable } from './name-table.ts';
import type { Source } from './position.ts';
import { printAttrPath, printIdentifier } from './print-ast.ts';
import { explainSyntaxError, SyntaxMismatch } from './syntax-error.ts';
import { Token } from './token.ts';

/** What to do about a discouraged form. */
export type Lint = 'ignore' | 'warn' | 'fatal';

/** Settings that change what parses, or what is said about it. */
export interface ParseOptions {
  /** Shared by the files of one evaluation, to keep each name once. */
  readonly names?: NameTable;
  /** The experimental feature `pipe-operators`. */
  readonly pipeOperators?: boolean;
  /** Pure evaluation: `~/...` has no meaning. */
  readonly pureEval?: boolean;
  readonly lintUrlLiterals?: Lint;
  readonly lintShortPathLiterals?: Lint;
  readonly lintAbsolutePathLiterals?: Lint;
  /** Hears of what the user is to be told, as it is met: also where the text turns out to be wrong further on. */
  readonly warn?: (warning: ParseWarning) => void;
}

/** Something to tell the user about a text. */
export interface ParseWarning {
  readonly message: string;
  /** Undefined where the message names the place itself. */
  readonly offset: number | undefined;
}

/** A tree not yet bound. */
export interface ParseResult {
  readonly root: Node;
  /** All names in the order in which C++ Nix comes to know them, which shows where sets are walked in the order of its symbols. */
  readonly names: readonly string[];
}

/** Parses one expression. Throws ParseError. */
export function parse(source: Source, options: ParseOptions = {}): ParseResult {
  return run(source, options, false);
}

/** Parses what the repl takes beside expressions: one or more `a = 1;` or `inherit ...;`. The root is an Attrs. Throws ParseError. */
export function parseBindings(source: Source, options: ParseOptions = {}): ParseResult & { readonly root: Attrs } {
  return run(source, options, true) as ParseResult & { readonly root: Attrs };
}

function run(source: Source, options: ParseOptions, isBindings: boolean): ParseResult {
  const parser = new Parser(source, options);
  try {
    const root = isBindings ? parser.parseAllBindings() : parser.parseProgram();
    return { root, names: [...parser.seen] };
  } catch (error) {
    if (error instanceof SyntaxMismatch) throw explainSyntaxError(source, parser.names, options.pipeOperators === true, isBindings);
    if (error instanceof RangeError) {
      throw new ParseError('the expression is nested too deeply', {
        position: source.at(parser.offset),
        code: 'FLOE_STACK_OVERFLOW',
      });
    }
    throw error;
  }
}

/** Binding strength of binary operators by token, 0 for other tokens. `!` binds like 7, unary `-` like 12. */
const PRECEDENCE = new Uint8Array(64);
const NOT_OPERAND = 8;
const NEGATE_OPERAND = 13;
const EQUALITY = 4;
const COMPARISON = 5;
for (const [token, precedence] of [
  [Token.Implies, 1],
  [Token.Or, 2],
  [Token.And, 3],
  [Token.Equal, 4],
  [Token.NotEqual, 4],
  [Token.Less, 5],
  [Token.Greater, 5],
  [Token.LessEqual, 5],
  [Token.GreaterEqual, 5],
  [Token.Update, 6],
  [Token.Plus, 8],
  [Token.Minus, 8],
  [Token.Times, 9],
  [Token.Divide, 9],
  [Token.Concat, 10],
  [Token.Question, 11],
] as const) {
  PRECEDENCE[token] = precedence;
}

/** Tokens that can begin a function's argument or a list item. */
const BEGINS_SIMPLE = new Uint8Array(64);
for (const token of [
  Token.Id,
  Token.Int,
  Token.Float,
  Token.Quote,
  Token.IndStringOpen,
  Token.Path,
  Token.HomePath,
  Token.SearchPath,
  Token.Uri,
  Token.ParenOpen,
  Token.Let,
  Token.Rec,
  Token.CurlyOpen,
  Token.BracketOpen,
]) {
  BEGINS_SIMPLE[token] = 1;
}

/** Linear search is quicker below this many attributes. */
const INDEX_FROM = 8;

class Parser {
  readonly names: NameTable;
  /** Names, each added where C++ Nix's grammar makes a symbol of it: those of parameters behind the body, of formals behind the default. */
  readonly seen = new Set<string>();
  readonly #source: Source;
  readonly #lexer: Lexer;
  readonly #options: ParseOptions;
  // PERF: items of lists and arguments are gathered here and then copied to arrays of exact size: an array that grows by push has room
  // for 17 at once, and the tree is mostly short arrays (heap of 2,179 parsed files 73 -> 61 MB, and the garbage collector copies less).
  readonly #gathered: Node[] = [];
  #top = 0;

  constructor(source: Source, options: ParseOptions) {
    this.#source = source;
    this.names = options.names ?? new NameTable();
    this.#options = options;
    this.#lexer = new Lexer(source, this.names, options.pipeOperators === true);
  }

  get offset(): number {
    return this.#lexer.start;
  }

  parseProgram(): Node {
    this.#lexer.next();
    const root = this.#expression();
    this.#require(Token.EndOfFile);
    return root;
  }

  parseAllBindings(): Attrs {
    this.#lexer.next();
    const attrs = new Attrs(NO_POSITION);
    do this.#binding(attrs);
    while (this.#lexer.token !== Token.EndOfFile);
    return attrs;
  }

  // ---- errors

  #mismatch(): never {
    throw new SyntaxMismatch();
  }

  #require(token: Token): void {
    if (this.#lexer.token !== token) this.#mismatch();
  }

  #take(token: Token): void {
    this.#require(token);
    this.#lexer.next();
  }

  #fail(message: string, offset: number): never {
    throw new ParseError(message, { position: this.#source.at(offset) });
  }

  /** `name` is printed already. */
  #failDuplicate(name: string, offset: number, previous: number): never {
    this.#fail(`attribute '${byteStringToUtf8(name)}' already defined at ${this.#source.print(previous)}`, offset);
  }

  #lint(level: Lint | undefined, setting: string, offset: number, message: (isFatal: boolean) => string): void {
    if (level === undefined || level === 'ignore') return;
    const text = `${message(level === 'fatal')} (${setting})`;
    if (level === 'fatal') this.#fail(text, offset);
    this.#options.warn?.({ message: text, offset });
  }

  /** `x or` as an argument, a list item or a default will be read otherwise by a future Nix. */
  #warnIfCursedOr(node: Node): void {
    if (node.kind !== NodeKind.Call || node.cursedOrEnd < 0) return;
    const text = byteStringToUtf8(this.#source.text.slice(node.position, node.cursedOrEnd)).replace(/\r\n?/g, '\n');
    this.#options.warn?.({
      message:
        `at ${this.#source.print(node.position)}: This expression uses \`or\` as an identifier in a way that will change in a future Nix release.\n` +
        `Wrap this entire expression in parentheses to preserve its current meaning:\n    (${text})\n` +
        'Give feedback at https://github.com/NixOS/nix/pull/11121',
      offset: undefined,
    });
  }

  // ---- expressions

  #expression(): Node {
    const lexer = this.#lexer;
    const position = lexer.start;
    switch (lexer.token) {
      case Token.Id: {
        const name = lexer.value;
        lexer.next();
        const token = lexer.token as Token;
        if (token === Token.Colon) {
          lexer.next();
          const body = this.#expression();
          this.seen.add(name);
          return new Lambda(position, name, null, false, body);
        }
        if (token === Token.At) {
          lexer.next();
          this.#take(Token.CurlyOpen);
          const formals: Formal[] = [];
          const ellipsis = this.#formals(formals);
          this.#take(Token.Colon);
          return this.#lambda(position, name, formals, ellipsis);
        }
        return this.#operators(this.#variable(position, name), position);
      }
      case Token.CurlyOpen:
        return this.#curlyExpression(position);
      case Token.Assert: {
        lexer.next();
        const condition = this.#expression();
        this.#take(Token.Semicolon);
        return new Assert(position, condition, this.#expression());
      }
      case Token.With: {
        lexer.next();
        const set = this.#expression();
        this.#take(Token.Semicolon);
        return new With(position, set, this.#expression());
      }
      case Token.Let: {
        lexer.next();
        if ((lexer.token as Token) === Token.CurlyOpen) return this.#operators(this.#letBody(position), position);
        const attrs = new Attrs(NO_POSITION);
        this.#bindings(attrs, Token.In);
        lexer.next();
        const body = this.#expression();
        if (attrs.dynamic.length > 0) this.#fail('dynamic attributes not allowed in let', position);
        return new Let(position, attrs, body);
      }
      case Token.If: {
        lexer.next();
        const condition = this.#expression();
        this.#take(Token.Then);
        const consequent = this.#expression();
        this.#take(Token.Else);
        return new If(position, condition, consequent, this.#expression());
      }
      default:
        return this.#operators(null, position);
    }
  }

  /** An expression that begins with `{`: a function with formals, or an operator expression that begins with a set. */
  #curlyExpression(position: number): Node {
    const lexer = this.#lexer;
    lexer.next();
    const attrs = new Attrs(position);
    switch (lexer.token) {
      case Token.CurlyClose: {
        lexer.next();
        const token = lexer.token as Token;
        if (token === Token.Colon || token === Token.At) return this.#formalsTail(position, [], false);
        return this.#operators(attrs, position);
      }
      case Token.Ellipsis: {
        const ellipsis = this.#formals([]);
        return this.#formalsTail(position, [], ellipsis);
      }
      case Token.Id: {
        // `{ a` goes on as formals with `,` `?` or `}`, as a binding with `.` or `=`.
        const namePosition = lexer.start;
        const name = lexer.value;
        lexer.next();
        const token = lexer.token as Token;
        if (token === Token.Comma || token === Token.Question || token === Token.CurlyClose) {
          const formals: Formal[] = [];
          this.#formalTail(namePosition, name, formals);
          const ellipsis = this.#moreFormals(formals);
          return this.#formalsTail(position, formals, ellipsis);
        }
        this.seen.add(name);
        this.#attrBinding(attrs, namePosition, name);
        break;
      }
    }
    this.#bindings(attrs, Token.CurlyClose);
    lexer.next();
    return this.#operators(attrs, position);
  }

  /** What follows the closing brace of formals. */
  #formalsTail(position: number, formals: Formal[], ellipsis: boolean): Node {
    const lexer = this.#lexer;
    let parameter: string | null = null;
    if (lexer.token === Token.At) {
      lexer.next();
      this.#require(Token.Id);
      parameter = lexer.value;
      lexer.next();
    }
    this.#take(Token.Colon);
    return this.#lambda(position, parameter, formals, ellipsis);
  }

  /** The body, and then the check for duplicates: C++ Nix's order. */
  #lambda(position: number, parameter: string | null, formals: Formal[], ellipsis: boolean): Node {
    const body = this.#expression();
    if (parameter !== null) this.seen.add(parameter);
    this.#checkFormals(position, parameter, formals);
    return new Lambda(position, parameter, formals.slice(), ellipsis, body);
  }

  #checkFormals(position: number, parameter: string | null, formals: readonly Formal[]): void {
    if (formals.length > INDEX_FROM) {
      const seen = new Set<string>();
      for (const formal of formals) {
        if (seen.has(formal.name)) this.#failDuplicateFormal(formal.name, formal.position);
        seen.add(formal.name);
      }
    } else {
      for (let i = 1; i < formals.length; i++) {
        const formal = formals[i]!;
        for (let j = 0; j < i; j++) if (formals[j]!.name === formal.name) this.#failDuplicateFormal(formal.name, formal.position);
      }
    }
    if (parameter === null) return;
    for (const formal of formals) if (formal.name === parameter) this.#failDuplicateFormal(parameter, position);
  }

  #failDuplicateFormal(name: string, offset: number): never {
    this.#fail(`duplicate formal function argument '${byteStringToUtf8(printIdentifier(name))}'`, offset);
  }

  /** Behind `{`: formals up to and with the closing brace. True if they end in `...`. */
  #formals(formals: Formal[]): boolean {
    const lexer = this.#lexer;
    if (lexer.token === Token.CurlyClose) {
      lexer.next();
      return false;
    }
    if (lexer.token === Token.Ellipsis) {
      lexer.next();
      this.#take(Token.CurlyClose);
      return true;
    }
    this.#require(Token.Id);
    const position = lexer.start;
    const name = lexer.value;
    lexer.next();
    this.#formalTail(position, name, formals);
    return this.#moreFormals(formals);
  }

  /** Behind a formal's name. */
  #formalTail(position: number, name: string, formals: Formal[]): void {
    let fallback: Node | null = null;
    if (this.#lexer.token === Token.Question) {
      this.#lexer.next();
      fallback = this.#expression();
    }
    this.seen.add(name);
    formals.push(new Formal(position, name, fallback));
  }

  /** Behind a complete formal. */
  #moreFormals(formals: Formal[]): boolean {
    const lexer = this.#lexer;
    while (lexer.token === Token.Comma) {
      lexer.next();
      if ((lexer.token as Token) === Token.Ellipsis) {
        lexer.next();
        this.#take(Token.CurlyClose);
        return true;
      }
      if ((lexer.token as Token) !== Token.Id) break;
      const position = lexer.start;
      const name = lexer.value;
      lexer.next();
      this.#formalTail(position, name, formals);
    }
    this.#take(Token.CurlyClose);
    return false;
  }

  /**
   * An operator expression and the pipes that may follow it. `first` is the simple expression it begins with, where that was read
   * already; `start` is where it begins (which is before `first` if that stood in parentheses).
   */
  #operators(first: Node | null, start: number): Node {
    const left = this.#binary(1, first, start);
    if (this.#lexer.token === Token.PipeInto) return this.#pipesInto(left);
    if (this.#lexer.token === Token.PipeFrom) return this.#pipesFrom(left);
    return left;
  }

  #pipesInto(left: Node): Node {
    while (this.#lexer.token === Token.PipeInto) {
      const position = this.#lexer.start;
      this.#lexer.next();
      left = call(position, this.#binary(1, null, this.#lexer.start), left);
    }
    return left;
  }

  #pipesFrom(left: Node): Node {
    const position = this.#lexer.start;
    this.#lexer.next();
    const right = this.#binary(1, null, this.#lexer.start);
    return call(position, left, this.#lexer.token === Token.PipeFrom ? this.#pipesFrom(right) : right);
  }

  /** Operators that bind at least as strongly as `minimum`. */
  #binary(minimum: number, first: Node | null, start: number): Node {
    const lexer = this.#lexer;
    let left = first === null ? this.#unary(start) : this.#application(first, start);
    for (;;) {
      const token = lexer.token;
      const precedence = PRECEDENCE[token]!;
      if (precedence === 0 || precedence < minimum) return left;
      const position = lexer.start;
      lexer.next();
      if (token === Token.Question) {
        left = new HasAttr(position, left, this.#attrPath());
        continue;
      }
      const rightStart = lexer.start;
      const isRightAssociative = token === Token.Implies || token === Token.Update || token === Token.Concat;
      const right = this.#binary(isRightAssociative ? precedence : precedence + 1, null, rightStart);
      left =
        token === Token.Plus
          ? new ConcatStrings(position, false, [left, right], [start, rightStart])
          : operation(token, position, left, right);
      if ((precedence === EQUALITY || precedence === COMPARISON) && PRECEDENCE[lexer.token] === precedence) this.#mismatch();
    }
  }

  #unary(start: number): Node {
    const lexer = this.#lexer;
    if (lexer.token === Token.Bang) {
      lexer.next();
      return new Not(start, this.#binary(NOT_OPERAND, null, lexer.start));
    }
    if (lexer.token === Token.Minus) {
      lexer.next();
      const operand = this.#binary(NEGATE_OPERAND, null, lexer.start);
      return new Call(start, new Var(NO_POSITION, '__sub'), [new Int(start, 0), operand]);
    }
    return this.#application(null, start);
  }

  /** `f a b`. */
  #application(first: Node | null, start: number): Node {
    const lexer = this.#lexer;
    const node = this.#select(first, start);
    if (node.kind === NodeKind.Call) node.cursedOrEnd = NO_POSITION;
    if (BEGINS_SIMPLE[lexer.token] === 0) return node;
    const args = this.#selects();
    if (node.kind !== NodeKind.Call) return new Call(start, node, args);
    node.args.push(...args);
    return node;
  }

  /** One or more arguments or list items. */
  #selects(): Node[] {
    const lexer = this.#lexer;
    const base = this.#top;
    do {
      const item = this.#select(null, lexer.start);
      this.#warnIfCursedOr(item);
      this.#gathered[this.#top++] = item;
    } while (BEGINS_SIMPLE[lexer.token] !== 0);
    const items = this.#gathered.slice(base, this.#top);
    this.#top = base;
    return items;
  }

  /** A simple expression, with `.a.b` or `.a.b or e` or the old `or` behind it. */
  #select(first: Node | null, start: number): Node {
    const lexer = this.#lexer;
    const subject = first ?? this.#simple();
    if (lexer.token === Token.Dot) {
      lexer.next();
      const path = this.#attrPath();
      if ((lexer.token as Token) !== Token.OrKeyword) return new Select(start, subject, path, null);
      lexer.next();
      const fallback = this.#select(null, lexer.start);
      this.#warnIfCursedOr(fallback);
      return new Select(start, subject, path, fallback);
    }
    if (lexer.token === Token.OrKeyword) {
      const node = new Call(start, subject, [new Var(start, 'or')]);
      node.cursedOrEnd = lexer.end;
      lexer.next();
      return node;
    }
    return subject;
  }

  #simple(): Node {
    const lexer = this.#lexer;
    const position = lexer.start;
    switch (lexer.token) {
      case Token.Id: {
        const name = lexer.value;
        lexer.next();
        return this.#variable(position, name);
      }
      case Token.Int: {
        const value = lexer.number;
        lexer.next();
        return new Int(position, value);
      }
      case Token.Float: {
        const value = lexer.number as number;
        lexer.next();
        return new Float(position, value);
      }
      case Token.Quote: {
        lexer.next();
        const content = this.#stringParts();
        this.#take(Token.Quote);
        return typeof content === 'string' ? new Str(position, content) : content;
      }
      case Token.IndStringOpen:
        return this.#indentedString(position);
      case Token.Path:
        return this.#path(position, lexer.value.charCodeAt(0) === SLASH ? PathForm.Absolute : PathForm.Relative);
      case Token.HomePath:
        return this.#path(position, PathForm.Home);
      case Token.SearchPath: {
        const name = lexer.value.slice(1, -1);
        lexer.next();
        return new Call(position, new Var(NO_POSITION, '__findFile'), [new Var(NO_POSITION, '__nixPath'), new Str(position, name)]);
      }
      case Token.Uri: {
        const text = lexer.value;
        this.#lint(
          this.#options.lintUrlLiterals,
          'lint-url-literals',
          position,
          (isFatal) => `URL literals are ${isFatal ? 'disallowed' : 'discouraged'}. Consider using a string literal "${text}" instead`,
        );
        lexer.next();
        return new Str(position, text);
      }
      case Token.ParenOpen: {
        lexer.next();
        const inner = this.#expression();
        this.#take(Token.ParenClose);
        return inner;
      }
      case Token.Let:
        lexer.next();
        return this.#letBody(position);
      case Token.Rec: {
        lexer.next();
        this.#require(Token.CurlyOpen);
        const attrs = this.#set(position);
        attrs.recursive = true;
        return attrs;
      }
      case Token.CurlyOpen:
        return this.#set(position);
      case Token.BracketOpen: {
        lexer.next();
        if ((lexer.token as Token) === Token.BracketClose) {
          lexer.next();
          return new List(position, NO_NODES);
        }
        if (BEGINS_SIMPLE[lexer.token] === 0) this.#mismatch();
        const items = this.#selects();
        this.#take(Token.BracketClose);
        return new List(position, items);
      }
      default:
        this.#mismatch();
    }
  }

  /** At the brace. */
  #set(position: number): Attrs {
    this.#lexer.next();
    const attrs = new Attrs(position);
    this.#bindings(attrs, Token.CurlyClose);
    this.#lexer.next();
    return attrs;
  }

  /** `let { ...; body = e; }`, at the brace. */
  #letBody(position: number): Node {
    this.#require(Token.CurlyOpen);
    const attrs = this.#set(position);
    attrs.recursive = true;
    return new Select(NO_POSITION, attrs, ['body'], null);
  }

  // ---- strings and paths

  /** Behind the opening quote, up to the closing one. */
  #stringParts(): string | Node {
    const lexer = this.#lexer;
    if (lexer.token === Token.Quote) return '';
    const position = lexer.start;
    if (lexer.token === Token.Str) {
      const text = lexer.value;
      lexer.next();
      if ((lexer.token as Token) === Token.Quote) return text;
      this.#require(Token.DollarCurly);
      return this.#interpolated(position, true, [new Str(position, text)], [position], Token.Quote);
    }
    this.#require(Token.DollarCurly);
    return this.#interpolated(position, true, [], [], Token.Quote);
  }

  /** The rest of a string or path with interpolations, up to `closing`. */
  #interpolated(position: number, forceString: boolean, parts: Node[], positions: number[], closing: Token): Node {
    const lexer = this.#lexer;
    while (lexer.token !== closing) {
      positions.push(lexer.start);
      parts.push(lexer.token === Token.Str ? this.#text() : this.#interpolation());
    }
    return new ConcatStrings(position, forceString, parts.slice(), positions.slice());
  }

  #text(): Str {
    const node = new Str(this.#lexer.start, this.#lexer.value);
    this.#lexer.next();
    return node;
  }

  /** `${e}`. */
  #interpolation(): Node {
    this.#take(Token.DollarCurly);
    const node = this.#expression();
    this.#take(Token.CurlyClose);
    return node;
  }

  #indentedString(position: number): Node {
    const lexer = this.#lexer;
    const parts: IndentedPart[] = [];
    lexer.next();
    while (lexer.token !== Token.IndStringClose) {
      const start = lexer.start;
      if (lexer.token === Token.IndStr) {
        parts.push({ position: start, node: null, text: lexer.value, hasIndentation: lexer.hasIndentation });
        lexer.next();
      } else parts.push({ position: start, node: this.#interpolation(), text: '', hasIndentation: false });
    }
    lexer.next();
    return stripIndentation(position, parts);
  }

  #path(position: number, form: PathForm): Node {
    const lexer = this.#lexer;
    const text = lexer.value;
    this.#checkPath(position, form, text);
    const path = new Path(position, form, text);
    lexer.next();
    if (lexer.token === Token.PathEnd) {
      lexer.next();
      return path;
    }
    const parts: Node[] = [path];
    const positions = [position];
    if ((lexer.token as Token) === Token.Str) {
      positions.push(lexer.start);
      parts.push(this.#text());
    }
    this.#require(Token.DollarCurly);
    const node = this.#interpolated(position, false, parts, positions, Token.PathEnd);
    lexer.next();
    return node;
  }

  #checkPath(position: number, form: PathForm, text: string): void {
    const options = this.#options;
    if (form === PathForm.Home && options.pureEval === true) {
      throw new RestrictedPathError(`the path '${text}' can not be resolved in pure mode`);
    }
    if (form === PathForm.Relative) {
      if (text.charCodeAt(0) === DOT) return;
      this.#lint(
        options.lintShortPathLiterals,
        'lint-short-path-literals',
        position,
        () => `relative path literal '${text}' should be prefixed with '.' for clarity: './${text}'`,
      );
    } else {
      const what = form === PathForm.Absolute ? 'absolute' : 'home';
      this.#lint(
        options.lintAbsolutePathLiterals,
        'lint-absolute-path-literals',
        position,
        () => `${what} path literals are not portable. Consider replacing path literal '${text}' by a string, relative path, or parameter`,
      );
    }
  }

  #variable(position: number, name: string): Node {
    if (name === '__curPos') return new CurrentPosition(position);
    this.seen.add(name);
    return new Var(position, name);
  }

  // ---- attributes

  #attrPath(): AttrName[] {
    const lexer = this.#lexer;
    const first = this.#attrName();
    if (lexer.token !== Token.Dot) return [first];
    lexer.next();
    const path = [first, this.#attrName()];
    while (lexer.token === Token.Dot) {
      this.#lexer.next();
      path.push(this.#attrName());
    }
    return path;
  }

  #attrName(): AttrName {
    const lexer = this.#lexer;
    switch (lexer.token) {
      case Token.Id:
      case Token.OrKeyword: {
        const name = lexer.value;
        this.seen.add(name);
        lexer.next();
        return name;
      }
      case Token.Quote: {
        lexer.next();
        const content = this.#stringParts();
        this.#take(Token.Quote);
        return typeof content === 'string' ? this.#name(content) : content;
      }
      case Token.DollarCurly: {
        const node = this.#interpolation();
        return node.kind === NodeKind.String ? this.#name(node.value) : node;
      }
      default:
        this.#mismatch();
    }
  }

  /** A name that was written as a string. */
  #name(text: string): string {
    const name = this.names.intern(text);
    this.seen.add(name);
    return name;
  }

  #bindings(attrs: Attrs, closing: Token): void {
    while (this.#lexer.token !== closing) this.#binding(attrs);
    attrs.attrs = attrs.attrs.slice();
    attrs.index = null;
  }

  #binding(attrs: Attrs): void {
    const lexer = this.#lexer;
    if (lexer.token === Token.Inherit) return this.#inherit(attrs);
    const position = lexer.start;
    const first = this.#attrName();
    this.#attrBinding(attrs, position, first);
  }

  /** `first.b.c = e;` behind its first name. */
  #attrBinding(attrs: Attrs, position: number, first: AttrName): void {
    const lexer = this.#lexer;
    let path: AttrName[] | null = null;
    while (lexer.token === Token.Dot) {
      lexer.next();
      path ??= [first];
      path.push(this.#attrName());
    }
    this.#take(Token.Assign);
    const value = this.#expression();
    this.#require(Token.Semicolon);
    if (path !== null) this.#addPath(attrs, path, position, value);
    else if (typeof first === 'string') this.#add(attrs, new AttrDef(first, value, position, AttrKind.Plain), null);
    else addDynamic(attrs, new DynamicAttrDef(first, value, position));
    lexer.next();
  }

  #inherit(attrs: Attrs): void {
    const lexer = this.#lexer;
    lexer.next();
    let from: InheritFrom | null = null;
    let source: Node | null = null;
    if ((lexer.token as Token) === Token.ParenOpen) {
      lexer.next();
      from = new InheritFrom(lexer.start, attrs.inheritFrom.length);
      source = this.#expression();
      this.#take(Token.ParenClose);
    }
    const names: string[] = [];
    const positions: number[] = [];
    while ((lexer.token as Token) !== Token.Semicolon) {
      const position = lexer.start;
      const name = this.#attrName();
      if (typeof name !== 'string') this.#fail('dynamic attributes not allowed in inherit', position);
      names.push(name);
      positions.push(position);
    }
    if (source !== null) addInheritFrom(attrs, source);
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      const position = positions[i]!;
      const previous = findAttr(attrs, name);
      if (previous !== undefined) this.#failDuplicate(printIdentifier(name), position, previous.position);
      const def =
        from === null
          ? new AttrDef(name, new Var(position, name), position, AttrKind.Inherited)
          : new AttrDef(name, new Select(position, from, [name], null), position, AttrKind.InheritedFrom);
      insertAttr(attrs, def);
    }
    lexer.next();
  }

  /** `a.b.c = value`: descends into sets that are there or makes them. */
  #addPath(attrs: Attrs, path: AttrName[], position: number, value: Node): void {
    const last = path.length - 1;
    for (let i = 0; i < last; i++) {
      const name = path[i]!;
      let nested: Attrs;
      if (typeof name === 'string') {
        const previous = findAttr(attrs, name);
        if (previous === undefined) {
          nested = new Attrs(NO_POSITION);
          insertAttr(attrs, new AttrDef(name, nested, position, AttrKind.Plain));
        } else if (previous.value.kind === NodeKind.Attrs) nested = previous.value;
        else this.#failDuplicate(this.#showPath(path.slice(0, i + 1)), position, previous.position);
      } else {
        nested = new Attrs(NO_POSITION);
        addDynamic(attrs, new DynamicAttrDef(name, nested, position));
      }
      attrs = nested;
    }
    const name = path[last]!;
    if (typeof name === 'string') this.#add(attrs, new AttrDef(name, value, position, AttrKind.Plain), path);
    else addDynamic(attrs, new DynamicAttrDef(name, value, position));
  }

  /** Adds one definition; two sets under the same name become one. `path` is for messages and ends in the name; null for just the name. */
  #add(attrs: Attrs, def: AttrDef, path: AttrName[] | null): void {
    const previous = findAttr(attrs, def.name);
    if (previous === undefined) {
      insertAttr(attrs, def);
      nameLambdas(def.value, def.name);
      return;
    }
    if (previous.value.kind !== NodeKind.Attrs || def.value.kind !== NodeKind.Attrs) {
      this.#failDuplicate(this.#showPath(path ?? [def.name]), def.position, previous.position);
    }
    this.#merge(previous.value, def.value, path ?? [def.name]);
  }

  /** NIX: whether the result is recursive depends on the first of the two sets alone (2.34.8, NixOS/nix issue 9020). */
  #merge(target: Attrs, added: Attrs, path: AttrName[]): void {
    const shift = target.inheritFrom.length;
    const shifted = new Set<InheritFrom>();
    for (const def of added.attrs) {
      if (def.attrKind === AttrKind.InheritedFrom && shift > 0) {
        const from = (def.value as Select).subject as InheritFrom;
        if (!shifted.has(from)) from.index += shift;
        shifted.add(from);
      }
      path.push(def.name);
      this.#add(target, def, path);
      path.pop();
    }
    for (const def of added.dynamic) addDynamic(target, def);
    for (const source of added.inheritFrom) addInheritFrom(target, source);
  }

  #showPath(path: readonly AttrName[]): string {
    return printAttrPath(path, (literal) => literal.text);
  }
}

const SLASH = 47;
const DOT = 46;

/** NIX: a call that is called becomes one call with more arguments, also `(f a) b` and `(a - b) c` (2.34.8). */
function call(position: number, callee: Node, argument: Node): Node {
  if (callee.kind !== NodeKind.Call) return new Call(position, callee, [argument]);
  callee.args.push(argument);
  return callee;
}

function operation(token: Token, position: number, left: Node, right: Node): Node {
  switch (token) {
    case Token.Minus:
      return operatorCall('__sub', position, left, right);
    case Token.Times:
      return operatorCall('__mul', position, left, right);
    case Token.Divide:
      return operatorCall('__div', position, left, right);
    case Token.Less:
      return operatorCall('__lessThan', position, left, right);
    case Token.Greater:
      return operatorCall('__lessThan', position, right, left);
    case Token.LessEqual:
      return new Not(position, operatorCall('__lessThan', position, right, left));
    case Token.GreaterEqual:
      return new Not(position, operatorCall('__lessThan', position, left, right));
    default:
      return new Binary(binaryKind(token), position, left, right);
  }
}

function operatorCall(name: string, position: number, left: Node, right: Node): Call {
  return new Call(position, new Var(NO_POSITION, name), [left, right]);
}

function binaryKind(token: Token): BinaryKind {
  switch (token) {
    case Token.Equal:
      return NodeKind.Equal;
    case Token.NotEqual:
      return NodeKind.NotEqual;
    case Token.And:
      return NodeKind.And;
    case Token.Or:
      return NodeKind.Or;
    case Token.Implies:
      return NodeKind.Implies;
    case Token.Update:
      return NodeKind.Update;
    case Token.Concat:
      return NodeKind.ConcatLists;
    default:
      unreachable('a token with precedence is an operator');
  }
}

/** A function is called after the attribute it is the value of, and so are the functions it returns directly. */
function nameLambdas(value: Node, name: string): void {
  while (value.kind === NodeKind.Lambda) {
    value.name = name;
    value = value.body;
  }
}

function findAttr(attrs: Attrs, name: string): AttrDef | undefined {
  const defs = attrs.attrs;
  if (defs.length < INDEX_FROM) {
    for (let i = 0; i < defs.length; i++) if (defs[i]!.name === name) return defs[i];
    return undefined;
  }
  let index = attrs.index;
  if (index === null) {
    index = attrs.index = new Map();
    for (let i = 0; i < defs.length; i++) index.set(defs[i]!.name, i);
  }
  const i = index.get(name);
  return i === undefined ? undefined : defs[i];
}

/** The name is known not to be there. */
function insertAttr(attrs: Attrs, def: AttrDef): void {
  const position = attrs.attrs.push(def) - 1;
  if (attrs.index !== null) attrs.index.set(def.name, position);
}

function addDynamic(attrs: Attrs, def: DynamicAttrDef): void {
  if (attrs.dynamic === NO_DYNAMIC) attrs.dynamic = [def];
  else attrs.dynamic.push(def);
}

function addInheritFrom(attrs: Attrs, source: Node): void {
  if (attrs.inheritFrom === NO_NODES) attrs.inheritFrom = [source];
  else attrs.inheritFrom.push(source);
}
