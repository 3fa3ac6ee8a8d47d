// Documentation comments: `/** text */` before a function or before the attribute that has it as its value (RFC 145). They are no part of
// the tree; who wants one reads the source again. libexpr/lexer-helpers.cc and nixexpr.cc (DocComment) say which comment belongs to what.

import { AttrDef, Lambda, type Node } from './ast.ts';
import { stripCommentIndentation } from './comment-text.ts';
import { parse, type ParseOptions } from './parser.ts';
import { stringSource } from './position.ts';

const BEGIN = '/**';
/** Enough for comments that hold the beginning of another. */
const MAX_CANDIDATES = 4;
const COMMENT = /\/\*\*[^/*](?:[^*]|\*+[^*/])*\*+\//y;
const BETWEEN = /(?:[ \t\r\n]+|#[^\r\n]*|\/\*(?:[^*]|\*+[^*/])*\*+\/)*/y;

/** The documentation comment right before an offset, with its marks; undefined where there is none. */
function commentBefore(text: string, offset: number): string | undefined {
  let begin = text.lastIndexOf(BEGIN, offset - 1);
  for (let tried = 0; begin >= 0 && tried < MAX_CANDIDATES; tried++) {
    COMMENT.lastIndex = begin;
    const comment = COMMENT.exec(text);
    if (comment !== null) {
      BETWEEN.lastIndex = COMMENT.lastIndex;
      BETWEEN.exec(text);
      if (BETWEEN.lastIndex === offset) return comment[0];
    }
    begin = begin === 0 ? -1 : text.lastIndexOf(BEGIN, begin - 1);
  }
  return undefined;
}

/** The text of a comment without its marks and indentation. */
function innerText(comment: string | undefined): string | undefined {
  if (comment === undefined) return undefined;
  const inner = comment.slice(BEGIN.length, -2);
  // The mark counts as indentation of the first line.
  return inner === '' ? undefined : stripCommentIndentation(`   ${inner}`);
}

/** Of the attribute whose definition begins at an offset. */
export function docOfAttribute(text: string, offset: number): string | undefined {
  return innerText(commentBefore(text, offset));
}

/** Of the function that begins at an offset. A comment goes on from a function to the one that is its whole body, unless that has its own. */
export function docOfFunction(text: string, offset: number, options: ParseOptions): string | undefined {
  const found = new Map<Lambda, string>();
  const give = (lambda: Lambda, comment: string): void => {
    if (found.has(lambda)) return;
    found.set(lambda, comment);
    if (lambda.body instanceof Lambda) give(lambda.body, comment);
  };
  let wanted: Lambda | undefined;
  // Inner things first, as a parser meets them.
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const child of Object.values(node)) {
      if (Array.isArray(child)) child.forEach(visit);
      else visit(child);
    }
    const isFunction = node instanceof Lambda;
    const target = isFunction ? node : node instanceof AttrDef && node.value instanceof Lambda ? node.value : undefined;
    if (isFunction && node.position === offset) wanted = node;
    if (target === undefined) return;
    const comment = commentBefore(text, (node as Lambda | AttrDef).position);
    if (comment !== undefined) give(target, comment);
  };
  const root: Node = parse(stringSource(text), options).root;
  visit(root);
  return wanted === undefined ? undefined : innerText(found.get(wanted));
}
