// Indented strings, ''...'': how much indentation they lose. The rules are ParserState::stripIndentation of C++ Nix 2.34.8: the
// smallest run of blanks at the start of any line that holds something, tabs not counted, escapes and interpolations counted as text.

import { ConcatStrings, NodeKind, Str, type Node } from './ast.ts';

/** A piece of the string as the lexer gave it: text, or the expression of a `${...}`. */
export interface IndentedPart {
  readonly position: number;
  /** Null for text. */
  readonly node: Node | null;
  readonly text: string;
  /** False for what an escape stands for. */
  readonly hasIndentation: boolean;
}

const NEW_LINE = 10;
const BLANK = 32;
const NO_LINES = 1000000;

function smallestIndent(parts: readonly IndentedPart[]): number {
  let atLineStart = true;
  let smallest = NO_LINES;
  let current = 0;
  for (const part of parts) {
    if (!part.hasIndentation) {
      if (atLineStart) {
        atLineStart = false;
        if (current < smallest) smallest = current;
      }
      continue;
    }
    const text = part.text;
    const length = text.length;
    for (let i = 0; i < length;) {
      if (!atLineStart) {
        const end = text.indexOf('\n', i);
        if (end < 0) break;
        i = end + 1;
        atLineStart = true;
        current = 0;
        continue;
      }
      const c = text.charCodeAt(i++);
      if (c === BLANK) current++;
      else if (c === NEW_LINE) current = 0;
      else {
        atLineStart = false;
        if (current < smallest) smallest = current;
      }
    }
  }
  return smallest;
}

/** The expression an indented string stands for. */
export function stripIndentation(position: number, parts: readonly IndentedPart[]): Node {
  const indent = smallestIndent(parts);
  const nodes: Node[] = [];
  const positions: number[] = [];
  let atLineStart = true;
  let dropped = 0;
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index]!;
    if (part.node !== null) {
      atLineStart = false;
      dropped = 0;
      nodes.push(part.node);
      positions.push(part.position);
      continue;
    }
    const text = part.text;
    const length = text.length;
    let stripped = '';
    for (let i = 0; i < length;) {
      if (atLineStart) {
        const c = text.charCodeAt(i);
        if (c === BLANK) {
          i++;
          if (dropped++ >= indent) stripped += ' ';
          continue;
        }
        dropped = 0;
        if (c === NEW_LINE) {
          i++;
          stripped += '\n';
          continue;
        }
        atLineStart = false;
      }
      const end = text.indexOf('\n', i);
      if (end < 0) {
        stripped += text.slice(i);
        break;
      }
      stripped += text.slice(i, end + 1);
      i = end + 1;
      atLineStart = true;
    }
    // A last line of blanks alone is only there to place the closing quotes.
    if (index === parts.length - 1) {
      const lastLine = stripped.lastIndexOf('\n') + 1;
      if (lastLine > 0 && isBlank(stripped, lastLine)) stripped = stripped.slice(0, lastLine);
    }
    if (stripped !== '') {
      nodes.push(new Str(part.position, stripped));
      positions.push(part.position);
    }
  }
  if (nodes.length === 0) return new Str(position, '');
  if (nodes.length === 1 && nodes[0]!.kind === NodeKind.String) return nodes[0]!;
  return new ConcatStrings(position, true, nodes, positions);
}

function isBlank(text: string, from: number): boolean {
  for (let i = from; i < text.length; i++) if (text.charCodeAt(i) !== BLANK) return false;
  return true;
}
