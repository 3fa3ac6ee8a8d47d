// Builtins on flakes: calling one, and flake references as attributes and back.

import { EvalError, FloeError } from '../../base/errors.ts';
import { flakeRefAttrs, flakeRefFromAttrs, parseFlakeRef as readFlakeRef, printFlakeRef } from '../../model/flake-ref.ts';
import { isLockedInput } from '../../model/input-scheme.ts';
import { makeAttrs } from '../attrs.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { callFlake } from '../call-flake.ts';
import { forceAttrs, forceStringNoContext } from '../coerce.ts';
import { at } from '../error-position.ts';
import { NO_POSITION } from '../position.ts';
import { printIdentifier } from '../../lang/print-ast.ts';
import { symbolName } from '../symbol.ts';
import { describeType, force, isString, stringText } from '../value.ts';

/** builtins.getFlake */
export const getFlake: BuiltinDefinition = {
  args: ['args'],
  text: 'Fetches and locks the flake that a flake reference names and gives its outputs. In pure evaluation the reference must be locked.',
  experimentalFeature: 'flakes',
  run(state, pos, slot) {
    const text = forceStringNoContext(state, slot!, pos, 'while evaluating the argument passed to builtins.getFlake');
    const ref = readFlakeRef(text, { warn: (message) => state.host.log('warn', message) });
    if (state.host.constants.pureEval && !isLockedInput(ref.input)) {
      const position = state.positions.resolve(pos);
      const place = position === undefined ? '«none»:0' : `${position.file}:${position.line}:${position.column}`;
      throw new FloeError(
        'FLOE_UNLOCKED_FLAKE',
        `cannot call 'getFlake' on unlocked flake reference '${text}', at ${place} (use --impure to override)`,
      );
    }
    // In full: an absolute path means that folder, whatever repository it lies in.
    return callFlake(state, state.host.lockFlake(printFlakeRef(ref)));
  },
};

/** builtins.parseFlakeRef */
export const parseFlakeRef: BuiltinDefinition = {
  args: ['flake-ref'],
  text: 'The attributes of a flake reference: `"github:a/b?dir=c"` gives `{ dir = "c"; owner = "a"; repo = "b"; type = "github"; }`.',
  experimentalFeature: 'flakes',
  run(state, pos, slot) {
    const text = forceStringNoContext(state, slot!, pos, 'while evaluating the argument passed to builtins.parseFlakeRef');
    return makeAttrs(Object.entries(flakeRefAttrs(readFlakeRef(text, { warn: (message) => state.host.log('warn', message) }))));
  },
};

/** builtins.flakeRefToString */
export const flakeRefToString: BuiltinDefinition = {
  args: ['attrs'],
  text: 'The flake reference that attributes stand for, as a URL; the opposite of `parseFlakeRef`.',
  experimentalFeature: 'flakes',
  run(state, pos, slot) {
    const attrs = forceAttrs(state, slot!, NO_POSITION, 'while evaluating the argument passed to builtins.flakeRefToString');
    const input: Record<string, string | number | bigint | boolean> = {};
    for (let i = 0; i < attrs.size; i++) {
      const name = symbolName(attrs.keys()[i]!);
      const value = force(attrs.slots()[i]!, attrs.positionAt(i));
      if (typeof value === 'number' || typeof value === 'bigint') {
        if (value < 0) throw new EvalError(`negative value given for flake ref attr ${printIdentifier(name)}: ${value}`, at(pos));
        input[name] = value;
      } else if (typeof value === 'boolean') input[name] = value;
      else if (isString(value)) input[name] = stringText(value);
      else {
        throw new EvalError(
          `flake reference attribute sets may only contain integers, Booleans, and strings, but attribute '${printIdentifier(name)}' is ${describeType(value)}`,
        );
      }
    }
    return printFlakeRef(flakeRefFromAttrs(input));
  },
};
