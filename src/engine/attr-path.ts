// Attribute paths as users write them on the command line ("a.b", 'a."x.y".c', "list.0"): parsing, and walking a value along one.
// libexpr/attr-path.cc for the words.

import { ParseError } from '../base/errors.ts';

/** Names in order; quotes keep dots. "" is the empty path. */
export function parseAttrPath(text: string): string[] {
  const names: string[] = [];
  let current = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === '.') {
      names.push(current);
      current = '';
    } else if (character === '"') {
      const end = text.indexOf('"', i + 1);
      if (end < 0) throw new ParseError(`missing closing quote in selection path '${text}'`);
      current += text.slice(i + 1, end);
      i = end;
    } else {
      current += character;
    }
  }
  if (current !== '') names.push(current);
  return names;
}
