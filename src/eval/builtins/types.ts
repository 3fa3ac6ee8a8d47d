// Builtins that ask what kind of value something is, and what arguments a function takes.

import { WrongTypeError } from '../../base/errors.ts';
import { Attrs, EMPTY_ATTRS, makeStaticShape } from '../attrs.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { at } from '../error-position.ts';
import type { LambdaCode } from '../interpret.ts';
import {
  force,
  isFunction as isAnyFunction,
  isInteger,
  isString as isAnyString,
  Lambda,
  NixFloat,
  NixPath,
  typeName,
  type Value,
} from '../value.ts';

/** A builtin that only looks at the kind of its argument. */
function question(text: string, test: (value: Value) => boolean): BuiltinDefinition {
  return { args: ['e'], forces: [0], text, run: (_state, pos, slot) => test(force(slot!, pos)) };
}

/** builtins.typeOf */
export const typeOf: BuiltinDefinition = {
  args: ['e'],
  forces: [0],
  text: 'The type of a value: `"int"`, `"bool"`, `"string"`, `"path"`, `"null"`, `"set"`, `"list"`, `"lambda"` or `"float"`.',
  run: (_state, pos, slot) => typeName(force(slot!, pos)),
};

/** builtins.isAttrs */
export const isAttrs = question('Whether the value is an attribute set.', (value) => value instanceof Attrs);
/** builtins.isBool */
export const isBool = question('Whether the value is `true` or `false`.', (value) => typeof value === 'boolean');
/** builtins.isFloat */
export const isFloat = question('Whether the value is a floating point number.', (value) => value instanceof NixFloat);
/** builtins.isFunction */
export const isFunction = question('Whether the value is a function. A set with `__functor` is none.', isAnyFunction);
/** builtins.isInt */
export const isInt = question('Whether the value is an integer.', isInteger);
/** builtins.isList */
export const isList = question('Whether the value is a list.', (value) => Array.isArray(value));
/** builtins.isNull */
export const isNull = question('Whether the value is `null`; the same as `e == null`.', (value) => value === null);
/** builtins.isPath */
export const isPath = question('Whether the value is a path.', (value) => value instanceof NixPath);
/** builtins.isString */
export const isString = question('Whether the value is a string.', isAnyString);

const ARGUMENTS = Symbol('sets that functionArgs gives');

function describeArguments(code: LambdaCode): Attrs {
  const formals = code.formals;
  if (formals === null || formals.length === 0) return EMPTY_ATTRS;
  const { shape, order } = makeStaticShape(
    formals.map((formal) => formal.symbol),
    formals.map((formal) => formal.position),
  );
  return new Attrs(
    shape,
    order.map((i) => formals[i]!.fallback !== null),
  );
}

/** builtins.functionArgs */
export const functionArgs: BuiltinDefinition = {
  args: ['f'],
  forces: [0],
  text:
    'For a function like `{ x, y ? 1, ... }: ...` a set with the name of each argument, its value telling whether the argument has a ' +
    'default: `{ x = false; y = true; }`. For other functions the empty set.',
  run(state, pos, slot) {
    const value = force(slot!, pos);
    if (value instanceof Lambda) {
      const known = state.cache(ARGUMENTS, () => new WeakMap<LambdaCode, Attrs>());
      let attrs = known.get(value.code);
      if (attrs === undefined) known.set(value.code, (attrs = describeArguments(value.code)));
      return attrs;
    }
    if (isAnyFunction(value)) return EMPTY_ATTRS;
    throw new WrongTypeError("'functionArgs' requires a function", at(pos));
  },
};
