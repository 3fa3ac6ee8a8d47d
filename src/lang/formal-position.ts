// Where a named argument of a function stands: compiled code only knows where the function begins, so the text is read once more. For
// messages.

import { Lambda, NO_POSITION } from './ast.ts';
import { parse, type ParseOptions } from './parser.ts';
import { stringSource } from './position.ts';

/** The offset of an argument of the function that begins at `offset`; NO_POSITION where there is none. */
export function findFormal(text: string, offset: number, name: string, options: ParseOptions): number {
  let found = NO_POSITION;
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if (node instanceof Lambda && node.position === offset)
      found = node.formals?.find((formal) => formal.name === name)?.position ?? NO_POSITION;
    for (const child of Object.values(node)) {
      if (Array.isArray(child)) child.forEach(visit);
      else visit(child);
    }
  };
  visit(parse(stringSource(text), options).root);
  return found;
}
