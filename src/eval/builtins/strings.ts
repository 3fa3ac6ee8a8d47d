// Builtins that make strings from strings. Strings are bytes; lengths and offsets count bytes. Contexts go along.

import { EvalError } from '../../base/errors.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { forceBelow } from '../call.ts';
import { coerceToString, type CoerceOptions, forceInt, forceList, forceString, forceStringInto } from '../coerce.ts';
import { at } from '../error-position.ts';
import { ContextAccumulator } from '../string-context.ts';
import { force, isString, makeString, stringContext, stringText } from '../value.ts';

const TO_STRING: CoerceOptions = { more: true, copyToStore: false };

/** builtins.toString */
const toString_: BuiltinDefinition = {
  args: ['e'],
  forces: [0],
  forceDepth: 2,
  text:
    'The value as a string: strings as they are, paths without copying them to the store, sets by `__toString` or `outPath`, numbers in ' +
    'decimal, lists with spaces between their elements, `true` as `"1"`, `false` and `null` as `""`.',
  run(state, pos, slot) {
    const value = forceBelow(slot!, pos);
    if (isString(value)) return value;
    if (typeof value === 'number') return String(value);
    const context = new ContextAccumulator();
    const text = coerceToString(state, pos, value, context, 'while evaluating the first argument passed to builtins.toString', TO_STRING);
    return makeString(text, context.context);
  },
};
export { toString_ as toString };

/** builtins.substring */
export const substring: BuiltinDefinition = {
  args: ['start', 'len', 's'],
  text: 'The part of *s* that starts at byte *start* and is *len* bytes long, or what there is of it. A negative *len* means all the rest.',
  run(state, pos, startSlot, lengthSlot, slot) {
    const start = forceInt(state, startSlot!, pos, 'while evaluating the first argument (the start offset) passed to builtins.substring');
    if (start < 0) throw new EvalError("negative start position in 'substring'", at(pos));
    const length = forceInt(
      state,
      lengthSlot!,
      pos,
      'while evaluating the second argument (the substring length) passed to builtins.substring',
    );
    if (length === 0) {
      const value = force(slot!, pos);
      if (isString(value)) return makeString('', stringContext(value));
    }
    const context = new ContextAccumulator();
    const text = coerceToString(
      state,
      pos,
      slot!,
      context,
      'while evaluating the third argument (the string) passed to builtins.substring',
    );
    const from = Number(start);
    const part = from >= text.length ? '' : length < 0 ? text.slice(from) : text.slice(from, from + Number(length));
    return makeString(part, context.context);
  },
};

/** builtins.stringLength */
export const stringLength: BuiltinDefinition = {
  args: ['e'],
  forces: [0],
  forceDepth: 2,
  text: 'The number of bytes of a string (or of what has one, such as a derivation).',
  run(state, pos, slot) {
    const context = new ContextAccumulator();
    return coerceToString(state, pos, slot!, context, 'while evaluating the argument passed to builtins.stringLength').length;
  },
};

/** builtins.concatStringsSep */
export const concatStringsSep: BuiltinDefinition = {
  args: ['separator', 'list'],
  forces: [0, 1],
  firstForced: 'string',
  text: 'The strings of *list*, put together with *separator* between them: `concatStringsSep "/" ["usr" "local"]` is `"usr/local"`.',
  run(state, pos, separatorSlot, listSlot) {
    const context = new ContextAccumulator();
    const separator = forceStringInto(
      state,
      separatorSlot!,
      context,
      pos,
      'while evaluating the first argument (the separator string) passed to builtins.concatStringsSep',
    );
    const list = forceList(
      state,
      listSlot!,
      pos,
      'while evaluating the second argument (the list of strings to concat) passed to builtins.concatStringsSep',
    );
    const parts: string[] = new Array<string>(list.length);
    for (let i = 0; i < list.length; i++) {
      const element = list[i]!;
      parts[i] =
        typeof element === 'string'
          ? element
          : coerceToString(
              state,
              pos,
              element,
              context,
              'while evaluating one element of the list of strings to concat passed to builtins.concatStringsSep',
            );
    }
    return makeString(parts.join(separator), context.context);
  },
};

/** For each first byte, which of the searched strings may begin there, in their order. The empty string begins everywhere. */
function candidatesByByte(from: readonly string[]): (readonly number[] | undefined)[] {
  const table: number[][] = [];
  from.forEach((searched, index) => {
    if (searched === '') for (let byte = 0; byte < 256; byte++) (table[byte] ??= []).push(index);
    else (table[searched.charCodeAt(0)] ??= []).push(index);
  });
  return table;
}

/** builtins.replaceStrings */
export const replaceStrings: BuiltinDefinition = {
  args: ['from', 'to', 's'],
  text:
    'Replaces in *s* each occurrence of a string of *from* by the string at the same place in *to*. The text is gone through once from ' +
    'left to right, and at each place the first of *from* that fits is taken. Elements of *to* are evaluated only when used.',
  run(state, pos, fromSlot, toSlot, slot) {
    const fromList = forceList(state, fromSlot!, pos, 'while evaluating the first argument passed to builtins.replaceStrings');
    const to = forceList(state, toSlot!, pos, 'while evaluating the second argument passed to builtins.replaceStrings');
    if (fromList.length !== to.length) {
      throw new EvalError("'from' and 'to' arguments passed to builtins.replaceStrings have different lengths", at(pos));
    }
    const from: string[] = new Array(fromList.length);
    for (let i = 0; i < from.length; i++) {
      const what = 'while evaluating one of the strings to replace passed to builtins.replaceStrings';
      from[i] = stringText(forceString(state, fromList[i]!, pos, what));
    }
    const context = new ContextAccumulator();
    const text = forceStringInto(state, slot!, context, pos, 'while evaluating the third argument passed to builtins.replaceStrings');
    const replacements: (string | undefined)[] = new Array(to.length);
    const replacement = (index: number): string =>
      (replacements[index] ??= forceStringInto(
        state,
        to[index]!,
        context,
        pos,
        'while evaluating one of the replacement strings passed to builtins.replaceStrings',
      ));

    const table = candidatesByByte(from);
    const firstEmpty = from.indexOf('');
    let result = '';
    let kept = 0;
    let place = 0;
    while (place < text.length) {
      const candidates = table[text.charCodeAt(place)];
      let found = -1;
      if (candidates !== undefined) {
        for (let i = 0; i < candidates.length && found < 0; i++) if (text.startsWith(from[candidates[i]!]!, place)) found = candidates[i]!;
      }
      if (found < 0) {
        place++;
        continue;
      }
      result += text.slice(kept, place) + replacement(found);
      const { length } = from[found]!;
      kept = place;
      // After an empty match the byte that follows stays.
      if (length === 0) place++;
      else kept = place += length;
    }
    result += text.slice(kept);
    if (firstEmpty >= 0) result += replacement(firstEmpty);
    return makeString(result, context.context);
  },
};
