// Names in `builtins` (and some in every program's scope) that are no functions.

import { makeAttrs } from '../attrs.ts';
import type { BuiltinConstant } from '../builtin.ts';

/** The version of C++ Nix whose language this is. */
export const NIX_VERSION = '2.34.8';

/** builtins.builtins */
export const builtins: BuiltinConstant = {
  text: 'The set of all builtins, for those whose names are not in scope by themselves.',
  value: (state) => state.builtins,
};

/** builtins.true */
export const true_: BuiltinConstant = { text: 'The Boolean that is true.', value: () => true };

/** builtins.false */
export const false_: BuiltinConstant = { text: 'The Boolean that is false.', value: () => false };

/** builtins.null */
export const null_: BuiltinConstant = { text: 'The value that stands for "none".', value: () => null };

/** builtins.currentSystem */
export const currentSystem: BuiltinConstant = {
  text: 'The system that derivations are built for unless told otherwise (setting `eval-system` or `system`). Not in pure evaluation.',
  impureOnly: true,
  value: (state) => state.host.constants.currentSystem,
};

/** builtins.currentTime */
export const currentTime: BuiltinConstant = {
  text: 'The time at which evaluation started, in seconds since 1970. Not in pure evaluation.',
  impureOnly: true,
  value: (state) => state.host.constants.currentTime ?? 0,
};

/** builtins.nixVersion */
export const nixVersion: BuiltinConstant = { text: 'The version of C++ Nix whose language this is.', value: () => NIX_VERSION };

/** builtins.langVersion */
export const langVersion: BuiltinConstant = { text: 'The version of the language.', value: () => 6 };

/** builtins.storeDir */
export const storeDir: BuiltinConstant = {
  text: 'The store directory, usually `"/nix/store"`.',
  value: (state) => state.host.constants.storeDir,
};

/** builtins.nixPath */
export const nixPath: BuiltinConstant = {
  text: 'What `<name>` looks through: a list of `{ path, prefix }`. `<name>` is `findFile nixPath "name"`.',
  value: (state) =>
    state.host.constants.nixPath.map(({ prefix, path }) =>
      makeAttrs([
        ['path', path],
        ['prefix', prefix],
      ]),
    ),
};
