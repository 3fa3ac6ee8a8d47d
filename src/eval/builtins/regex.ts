// Builtins on regular expressions; the expressions themselves are ../ere.ts.

import { EvalError } from '../../base/errors.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { forceString, forceStringNoContext } from '../coerce.ts';
import { type Ere, type EreGroups, parseEre } from '../ere.ts';
import { at } from '../error-position.ts';
import type { PositionId } from '../position.ts';
import type { EvalState } from '../state.ts';
import { type Slot, stringText } from '../value.ts';

const COMPILED = Symbol('compiled regular expressions');

function compile(state: EvalState, pattern: string, pos: PositionId): Ere {
  const compiled = state.cache(COMPILED, () => new Map<string, Ere>());
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    try {
      expression = parseEre(pattern);
    } catch (error) {
      if (error instanceof EvalError) error.position ??= at(pos).position;
      throw error;
    }
    compiled.set(pattern, expression);
  }
  return expression;
}

/** A match's groups as a list of its own. */
const listOf = (groups: EreGroups): Slot[] => groups as Slot[];

/** builtins.match */
export const match: BuiltinDefinition = {
  args: ['regex', 'str'],
  forces: [0],
  text:
    'Whether a POSIX extended regular expression matches all of *str*: a list of what its groups matched (`null` for groups that took ' +
    'no part), or `null` where it does not match.',
  run(state, pos, regex, str) {
    const pattern = forceStringNoContext(state, regex!, pos, 'while evaluating the first argument passed to builtins.match');
    const expression = compile(state, pattern, pos);
    const text = stringText(forceString(state, str!, pos, 'while evaluating the second argument passed to builtins.match'));
    const groups = expression.match(text);
    return groups === null ? null : listOf(groups);
  },
};

/** builtins.split */
export const split: BuiltinDefinition = {
  args: ['regex', 'str'],
  forces: [0],
  text:
    'Splits *str* where a POSIX extended regular expression matches: the pieces between the matches, and between them, for each match, ' +
    'the list of what its groups matched.',
  run(state, pos, regex, str) {
    const pattern = forceStringNoContext(state, regex!, pos, 'while evaluating the first argument passed to builtins.split');
    const expression = compile(state, pattern, pos);
    const value = forceString(state, str!, pos, 'while evaluating the second argument passed to builtins.split');
    const pieces = expression.split(stringText(value));
    // NIX: a string in which nothing matches keeps its context; the pieces have none.
    if (pieces.length === 1) return [value];
    return pieces as Slot[];
  },
};
