// The parser on random input: it ends in a tree or a ParseError, it accepts exactly what bison's automaton accepts, and what it prints
// parses to the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ParseError } from '../../src/base/errors.ts';
import { NameTable } from '../../src/lang/name-table.ts';
import { parse, parseBindings } from '../../src/lang/parser.ts';
import { stringSource } from '../../src/lang/position.ts';
import { printNode } from '../../src/lang/print-ast.ts';
import { findSyntaxError } from '../../src/lang/syntax-error.ts';
import { anyByteString } from '../support/arbitraries.ts';

/** The tree printed, or the ParseError; anything else is thrown on. */
function attempt(text: string): string | ParseError {
  try {
    return printNode(parse(stringSource(text)).root, (literal) => literal.text);
  } catch (error) {
    if (error instanceof ParseError) return error;
    throw error;
  }
}

// Pieces that begin, end or break every mode of the lexer.
const PIECES =
  "a b x or if then else let in rec inherit with assert { } ( ) [ ] ${ \" '' ; : @ . ... , = == != < > <= >= // ++ && || -> + - * / ? ! " +
  "1 1.5 .5 0. a.b ./a a/b a/ ./${ ~/x ~/ /x <a/b> <a x:y \"a\" ' $ \\ ''$ ''' ''\\n #c /* */ ^ __curPos {a, {a?1 }: a: |> " +
  "999999999999999999999 n-1 a' A+b/c ../x";
const piece = fc.constantFrom(...PIECES.split(' '), ' ', '\n', '\r', '\0', '\xe9', 'x = 1;', 'inherit (x) y;', 'a.b = 1;', '${a} = 1;');
const soup = fc.array(fc.tuple(piece, fc.constantFrom('', ' ')), { maxLength: 14 }).map((pieces) => pieces.flat().join(''));

test('random bytes end in a tree or a ParseError', () => {
  fc.assert(
    fc.property(fc.oneof(anyByteString, soup), (text) => void attempt(text)),
    { numRuns: 2000 },
  );
});

test("the parser accepts what bison's automaton accepts", () => {
  // The other direction is checked whenever the parser refuses: the automaton must then find the error (syntax-error.ts).
  fc.assert(
    fc.property(soup, (text) => {
      if (typeof attempt(text) !== 'string') return;
      assert.equal(findSyntaxError(stringSource(text), new NameTable(), false, false), undefined);
    }),
    { numRuns: 3000 },
  );
});

test("the repl's bindings are accepted where the automaton accepts them", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', '=', '1', ';', 'a = 1;', 'inherit', '(', ')', '.', '"', '${', '}', 'b'), { maxLength: 8 }),
      (pieces) => {
        const source = stringSource(pieces.join(' '));
        try {
          parseBindings(source);
        } catch (error) {
          if (error instanceof ParseError) return;
          throw error;
        }
        assert.equal(findSyntaxError(source, new NameTable(), false, true), undefined);
      },
    ),
    { numRuns: 1000 },
  );
});

test('nesting that is too deep is a ParseError', () => {
  for (const text of ['('.repeat(200000), '['.repeat(200000), '"${'.repeat(100000), 'x: '.repeat(200000)]) {
    assert.ok(attempt(text) instanceof ParseError);
  }
});

// Expressions whose printed form is Nix again: no assert (printed without parentheses), no bare `${...}` name (printed in quotes), no
// float with an exponent (printed as Nix does not read it), and of interpolated strings those of two parts (others are printed as
// another number of sums).
const name = fc.constantFrom('a', 'b', 'c', "d'", 'e-1', '_f', 'if_', 'or1');
const quoted = fc.constantFrom('"if"', '"a b"', '"$"', '""', '"x\\ny"');
const key = fc.oneof(name, quoted);
const { expression } = fc.letrec((tie) => {
  const e = tie('expression') as fc.Arbitrary<string>;
  const p = e.map((text) => `(${text})`);
  const binding = fc.oneof(
    fc.tuple(fc.uniqueArray(name, { minLength: 1, maxLength: 2 }), e).map(([path, value]) => `${path.join('.')} = ${value};`),
    fc.tuple(e, name).map(([from, what]) => `inherit (${from}) ${what};`),
    fc.tuple(quoted, e).map(([what, value]) => `${what} = ${value};`),
  );
  const bindings = fc.array(binding, { maxLength: 3 }).map((list) => list.join(' '));
  const formal = fc.tuple(name, fc.option(p)).map(([what, fallback]) => (fallback === null ? what : `${what} ? ${fallback}`));
  return {
    expression: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(name, fc.nat().map(String), fc.constantFrom('1.5', '"s"', "''\n  i\n''", '/p/q', './r', '<s/t>', 'u:v', '__curPos', '[ ]')),
      fc
        .tuple(p, fc.constantFrom('+', '-', '*', '/', '==', '!=', '<', '<=', '>', '>=', '&&', '||', '->', '//', '++'), p)
        .map((parts) => parts.join(' ')),
      fc.tuple(fc.constantFrom('-', '!'), p).map((parts) => parts.join('')),
      fc.tuple(name, fc.array(p, { minLength: 1, maxLength: 3 })).map(([callee, args]) => [callee, ...args].join(' ')),
      fc
        .tuple(p, fc.array(key, { minLength: 1, maxLength: 2 }), fc.option(p))
        .map(([subject, path, fallback]) => `${subject}.${path.join('.')}${fallback === null ? '' : ` or ${fallback}`}`),
      fc.tuple(p, key).map(([subject, what]) => `${subject} ? ${what}`),
      fc.array(p, { maxLength: 3 }).map((items) => `[ ${items.join(' ')} ]`),
      fc.tuple(fc.constantFrom('', 'rec '), bindings).map(([rec, body]) => `${rec}{ ${body} }`),
      fc.tuple(bindings, e).map(([body, result]) => `let ${body} in ${result}`),
      fc.tuple(name, e).map(([parameter, body]) => `${parameter}: ${body}`),
      fc
        .tuple(fc.uniqueArray(formal, { maxLength: 3, selector: (text) => text.split(' ')[0] }), fc.constantFrom('', ', ...'), e)
        .map(([formals, rest, body]) => (formals.length === 0 ? `{ }: ${body}` : `{ ${formals.join(', ')}${rest} }: ${body}`)),
      fc.tuple(e, e).map(([set, body]) => `with ${set}; ${body}`),
      fc.tuple(e, e, e).map(([condition, yes, no]) => `if ${condition} then ${yes} else ${no}`),
      e.map((text) => '"$a\\n\\${ ${' + text + '}"'),
    ),
  };
}) as { expression: fc.Arbitrary<string> };

test('what is printed parses to the same', () => {
  let parsed = 0;
  fc.assert(
    fc.property(expression, (text) => {
      const printed = attempt(text);
      // Duplicate attributes are the only error there can be.
      if (typeof printed !== 'string') return assert.match(printed.message, /already defined/);
      parsed++;
      assert.equal(attempt(printed), printed);
    }),
    { numRuns: 1000 },
  );
  assert.ok(parsed > 500, `only ${parsed} of 1000 without duplicates`);
});
