// What a syntax error says. The parser only notices that a text does not follow the grammar; the words come from here, where the text
// is read once more by the automaton bison makes of Nix's grammar (grammar.ts), so that they equal C++ Nix 2.34.8's: the first token
// that cannot be, and what could have stood there, if that is at most four tokens.

import { assert } from '../base/assert.ts';
import { ParseError } from '../base/errors.ts';
import { makeAutomaton, type Automaton, type State } from './grammar.ts';
import { Lexer } from './lexer.ts';
import type { NameTable } from './name-table.ts';
import type { Source } from './position.ts';
import { Token, TOKEN_NAMES } from './token.ts';

/** Thrown inside the parser where the text does not follow the grammar; never leaves it. */
export class SyntaxMismatch extends Error {}

/** Bison names no more expected tokens than this: with more, it names none. */
const MAX_EXPECTED = 4;

let automaton: Automaton | undefined;

/** The error to report for a text that does not parse. */
export function explainSyntaxError(source: Source, names: NameTable, pipeOperators: boolean, isBindings: boolean): ParseError {
  const error = findSyntaxError(source, names, pipeOperators, isBindings);
  assert(error !== undefined, 'the parser refuses a text that follows the grammar');
  return error;
}

/** The first syntax error of a text, undefined if there is none. Throws what the lexer throws. */
export function findSyntaxError(source: Source, names: NameTable, pipeOperators: boolean, isBindings: boolean): ParseError | undefined {
  automaton ??= makeAutomaton();
  const { rules, states, acceptRule } = automaton;
  const lexer = new Lexer(source, names, pipeOperators);
  let token: number = -1;
  const read = (): void => {
    if (token >= 0) return;
    if (isBindings && stack.length === 1) token = Token.ReplBindings;
    else {
      lexer.next();
      token = lexer.token;
    }
  };
  const stack: number[] = [0];
  for (;;) {
    const state = states[stack[stack.length - 1]!]!;
    let rule = state.defaultRule;
    if (needsToken(state)) {
      read();
      const next = state.shifts.get(token);
      if (next !== undefined) {
        stack.push(next);
        token = -1;
        continue;
      }
      rule = state.errors.has(token) ? undefined : (state.reductions.get(token) ?? rule);
    }
    if (rule === undefined) break;
    if (rule === acceptRule) return undefined;
    const { left, right } = rules[rule]!;
    stack.length -= right.length;
    stack.push(states[stack[stack.length - 1]!]!.gotos.get(left)!);
  }
  const offset = token === Token.EndOfFile ? lexer.end : lexer.start;
  return new ParseError(message(states[stack[stack.length - 1]!]!, token), { position: source.at(offset) });
}

/** A state with nothing but a default reduction reduces without looking at the next token. */
function needsToken(state: State): boolean {
  return state.shifts.size > 0 || state.reductions.size > 0 || state.errors.size > 0 || state.defaultRule === undefined;
}

function message(state: State, token: number): string {
  const expected = [...state.shifts.keys(), ...state.reductions.keys()].sort((a, b) => a - b);
  const unexpected = `syntax error, unexpected ${TOKEN_NAMES[token]}`;
  if (expected.length === 0 || expected.length > MAX_EXPECTED) return unexpected;
  return `${unexpected}, expecting ${expected.map((other) => TOKEN_NAMES[other]).join(' or ')}`;
}
