// Random syntax, right and wrong, as `nix-instantiate --parse` prints it or explains what is wrong with it: every form of expression with odd
// layout (comments, tabs, CRLF, bytes that are no UTF-8), then mutilated by a few random edits.
//
//   FLOE_ORACLE=... node tests/oracle/syntax.ts [SEED] [COUNT]

import { temporaryPlace, compareInvocations, hunt, type Invocation, type Random } from './compare.ts';

const BLANKS = [
  ' ',
  ' ',
  ' ',
  ' ',
  ' ',
  '\n',
  '\t',
  '  ',
  '\r\n',
  ' # c\n',
  ' /* c */ ',
  '/** d */',
  '/**/',
  ' # \xc3\xa9\r\n',
  '\n\n',
  ' /* * \n */',
];
const NAMES = ['a', 'b', 'x', "y'", 'a-b', '_c', 'or', 'true', 'null', 'builtins', 'map', 'import', '__add', 'derivation', '__curPos'];
const NUMBERS = [
  '0',
  '1',
  '00',
  '007',
  '9223372036854775807',
  '9223372036854775808',
  '1.5',
  '.5',
  '1.',
  '0.1e3',
  '1e3',
  '1.e3',
  '1.5E-2',
  '1.0e+5',
  '01.5',
  '0.',
  '1e400',
  '5e-324',
  '123456789.123456789',
];
const PATHS = [
  './a',
  '/a/b',
  '../x',
  '~/h',
  './.',
  './a/../b',
  'a/b',
  '<nixpkgs>',
  '<a/b>',
  './a//b',
  '/a/',
  './a.${',
  'http://e.org/x?y=1',
  'x:y',
  'a:a',
  '/a-b/c+d',
  './a~b',
  '~/',
  '<a',
  '/.',
  './a${',
  './${x}',
  './a${x}b/c',
  '~/${x}',
  '/a${"b"}.nix',
];
const OPERATORS = ['+', '-', '*', '/', '//', '++', '==', '!=', '<', '<=', '>', '>=', '&&', '||', '->', '?', '.', '|>', '<|', '/ ', '- '];
const PIECES = [
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  ';',
  ':',
  ',',
  '@',
  '=',
  '...',
  '"',
  "''",
  '${',
  'if',
  'then',
  'else',
  'let',
  'in',
  'with',
  'rec',
  'inherit',
  'assert',
  'or',
  '\\',
  '#',
  '/*',
  '*/',
  '\xff',
  '\xc3\xa9',
  '$',
  '^',
  '&',
  '|',
  '!',
  "'",
  '\0',
  '\x01',
  '`',
  '%',
  '~',
  '..',
  '<',
  '>',
  '==',
];
const TEXT = [
  'a',
  ' ',
  '$',
  '$$',
  '\\n',
  '\\',
  '\\\\',
  '\\"',
  '\n',
  '\t',
  "'",
  "''",
  '\xc3\xa9',
  '\xff',
  '{',
  '}',
  '$${',
  '\\${',
  '\r\n',
  '\r',
  '#',
  '/*',
  '.',
  '\\t',
  '\\r',
  '\\x',
  '  ',
  "''$",
  "''\\n",
  "'''",
  "''\\",
  '\n  ',
  '\n\t',
];

/** Makes source texts, byte strings. */
export class Syntax {
  readonly #random: Random;
  constructor(random: Random) {
    this.#random = random;
  }

  #blank(): string {
    return this.#random.pick(BLANKS);
  }

  /** Pieces with something between them. */
  #join(...pieces: string[]): string {
    return pieces.map((piece) => `${piece}${this.#blank()}`).join('');
  }

  #name(): string {
    return this.#random.pick(NAMES);
  }

  #text(quote: '"' | "''", depth: number): string {
    const random = this.#random;
    const parts = random.list(7, () => (depth > 0 && random.once(4) ? `\${${this.expression(depth - 1)}}` : random.pick(TEXT)));
    const text = parts.join('');
    return quote === '"' ? `"${text.replace(/(^|[^\\])"/g, '$1')}"` : `''${text}''`;
  }

  #string(depth: number): string {
    return this.#text(this.#random.pick(['"', '"', "''"] as const), depth);
  }

  #attribute(depth: number): string {
    const random = this.#random;
    switch (random.below(8)) {
      case 0:
        return this.#string(depth - 1);
      case 1:
        return `\${${this.expression(depth - 1)}}`;
      case 2:
        return `"${this.#name()}"`;
      case 3:
        return `\${"${this.#name()}"}`;
      default:
        return this.#name();
    }
  }

  #path(depth: number): string {
    return [this.#attribute(depth), ...this.#random.list(3, () => this.#attribute(depth))].join(
      this.#random.pick(['.', '.', ' . ', '\n.']),
    );
  }

  #bindings(depth: number): string {
    const random = this.#random;
    return random
      .list(4, () => {
        switch (random.below(6)) {
          case 0:
            return this.#join('inherit', ...random.list(4, () => (random.once(5) ? this.#attribute(depth) : this.#name())), ';');
          case 1:
            return this.#join('inherit', `(${this.expression(depth - 1)})`, ...random.list(3, () => this.#attribute(depth)), ';');
          default:
            return this.#join(this.#path(depth - 1), '=', this.expression(depth - 1), ';');
        }
      })
      .join('');
  }

  #formals(depth: number): string {
    const random = this.#random;
    const formals = random.list(4, () => (random.once(3) ? this.#join(this.#name(), '?', this.expression(depth - 1)) : this.#name()));
    if (random.once(3)) formals.push('...');
    const set = `{${this.#blank()}${formals.join(random.pick([',', ', ', ' ,\n']))}${random.once(8) ? ',' : ''}${this.#blank()}}`;
    return random.pick([set, set, `${set}@${this.#name()}`, `${this.#name()} @ ${set}`, this.#name(), this.#name()]);
  }

  expression(depth: number): string {
    const random = this.#random;
    const sub = (): string => this.expression(depth - 1);
    if (depth <= 0) {
      return random.pick([
        () => this.#name(),
        () => random.pick(NUMBERS),
        () => random.pick(PATHS),
        () => this.#string(0),
        () => '{}',
        () => '[]',
      ])();
    }
    switch (random.below(18)) {
      case 0:
        return this.#join('if', sub(), 'then', sub(), 'else', sub());
      case 1:
        return this.#join('let', this.#bindings(depth), 'in', sub());
      case 2:
        return this.#join('with', sub(), ';', sub());
      case 3:
        return this.#join('assert', sub(), ';', sub());
      case 4:
        return this.#join(this.#formals(depth), ':', sub());
      case 5:
        return `${random.pick(['', 'rec '])}{${this.#blank()}${this.#bindings(depth)}}`;
      case 6:
        return `[${this.#blank()}${random.list(4, () => `${sub()}${this.#blank()}`).join('')}]`;
      case 7:
        return `(${sub()})`;
      case 8:
        return `${sub()}.${this.#path(depth)}${random.once(3) ? ` or ${sub()}` : ''}`;
      case 9:
        return this.#join(sub(), '?', this.#path(depth));
      case 10:
        return `${random.pick(['!', '-', '- ', '! '])}${sub()}`;
      case 11:
        return this.#join(`(${sub()})`, `(${sub()})`);
      case 12:
        return this.#string(depth);
      case 13:
        return `let${this.#blank()}{${this.#bindings(depth)}}`;
      case 14:
        return this.#join(sub(), sub());
      default:
        return this.#join(sub(), random.pick(OPERATORS), sub());
    }
  }

  /** A source text; half of them have been damaged. */
  source(): string {
    const random = this.#random;
    let text = `${this.#blank()}${this.expression(1 + random.below(4))}${random.once(3) ? this.#blank() : ''}`;
    if (random.once(2)) return text;
    for (let edits = 1 + random.below(3); edits > 0; edits--) {
      const at = random.below(text.length + 1);
      const end = random.once(2) ? at : Math.min(text.length, at + 1 + random.below(6));
      text =
        text.slice(0, at) +
        random.pick(['', random.pick(PIECES), random.pick(PIECES), random.pick(TEXT), random.pick(NAMES)]) +
        text.slice(end);
    }
    return text;
  }
}

/** Of several undefined variables, which one is named depends on the order of C++ Nix's symbols. */
export function comparableTree(text: string): string {
  return text.replace(/undefined variable [^]*/, 'undefined variable');
}

/** How a text is parsed. */
export function parsing(random: Random): Invocation {
  return { words: ['nix-instantiate', '--parse', '-'], stdin: new Syntax(random).source() };
}

if (process.argv[1] === import.meta.filename)
  await hunt('texts', 200, (random, size, command) =>
    compareInvocations(
      temporaryPlace(),
      command,
      Array.from({ length: size }, () => parsing(random)),
      comparableTree,
    ),
  );
