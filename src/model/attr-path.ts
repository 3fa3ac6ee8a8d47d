// Attribute paths as users write them on the command line: `a.b`, `a."x.y".c`, `list.0`. libexpr/attr-path.cc.

import { ParseError } from '../base/errors.ts';

/** Names in order; quotes keep dots, a trailing dot is ignored. "" is the empty path. ParseError where a quote is not closed. */
export function parseAttrPath(text: string): string[] {
  const names: string[] = [];
  let current = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === '.') {
      names.push(current);
      current = '';
    } else if (character === '"') {
      const close = text.indexOf('"', i + 1);
      if (close < 0) throw new ParseError(`missing closing quote in selection path '${text}'`);
      current += text.slice(i + 1, close);
      i = close;
    } else {
      current += character;
    }
  }
  if (current !== '') names.push(current);
  return names;
}
