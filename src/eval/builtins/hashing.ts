// Builtins that compute hashes and write them in other forms.

import { UsageError } from '../../base/errors.ts';
import { hashBytes, type HashFormat, parseHash, printHash } from '../../base/hash.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { forceAttrs, forceString, forceStringNoContext, requireAttr } from '../coerce.ts';
import type { EvalState } from '../state.ts';
import { internSymbol } from '../symbol.ts';
import { stringText } from '../value.ts';
import { requireHashAlgorithm } from './features.ts';
import { realiseAndResolve } from './realise.ts';

/** builtins.hashString */
export const hashString: BuiltinDefinition = {
  args: ['type', 's'],
  text: 'The hash of a string in base 16; *type* is `"md5"`, `"sha1"`, `"sha256"`, `"sha512"` or (an experimental feature) `"blake3"`.',
  run(state, pos, typeSlot, slot) {
    const type = forceStringNoContext(state, typeSlot!, pos, 'while evaluating the first argument passed to builtins.hashString');
    const algorithm = requireHashAlgorithm(state, type);
    const text = stringText(forceString(state, slot!, pos, 'while evaluating the second argument passed to builtins.hashString'));
    return printHash(hashBytes(algorithm, text), 'base16');
  },
};

/** builtins.hashFile */
export const hashFile: BuiltinDefinition = {
  args: ['type', 'p'],
  text: 'The hash of a file’s contents in base 16; *type* as for `hashString`.',
  run(state, pos, typeSlot, slot) {
    const type = forceStringNoContext(state, typeSlot!, pos, 'while evaluating the first argument passed to builtins.hashFile');
    const algorithm = requireHashAlgorithm(state, type);
    return printHash(hashBytes(algorithm, state.host.readFile(realiseAndResolve(state, pos, slot!))), 'base16');
  },
};

function parseHashFormat(state: EvalState, text: string): HashFormat {
  switch (text) {
    case 'base16':
    case 'nix32':
    case 'base64':
    case 'sri':
      return text;
    case 'base32':
      state.host.log('warn', '"base32" is a deprecated alias for hash format "nix32".');
      return 'nix32';
    default:
      throw new UsageError(`unknown hash format '${text}', expect 'base16', 'base32', 'base64', or 'sri'`);
  }
}

/** builtins.convertHash */
export const convertHash: BuiltinDefinition = {
  args: ['args'],
  text:
    'A hash in another form. *args* has `hash` (in any form), `hashAlgo` (where the hash does not name it) and `toHashFormat`: ' +
    '`"base16"`, `"nix32"`, `"base64"` or `"sri"`.',
  run(state, pos, slot) {
    const attrs = forceAttrs(state, slot!, pos, 'while evaluating the first argument passed to builtins.convertHash');
    const hashSlot = requireAttr(state, attrs, internSymbol('hash'), 'hash', "while locating the attribute 'hash'");
    const text = forceStringNoContext(state, hashSlot, pos, "while evaluating the attribute 'hash'");
    const algorithmSlot = attrs.get(internSymbol('hashAlgo'));
    const algorithm =
      algorithmSlot === undefined
        ? undefined
        : requireHashAlgorithm(state, forceStringNoContext(state, algorithmSlot, pos, "while evaluating the attribute 'hashAlgo'"));
    const formatSlot = requireAttr(
      state,
      attrs,
      internSymbol('toHashFormat'),
      'toHashFormat',
      "while locating the attribute 'toHashFormat'",
    );
    const format = parseHashFormat(state, forceStringNoContext(state, formatSlot, pos, "while evaluating the attribute 'toHashFormat'"));
    const named = /^([^:]*):|^([^-:]*)-/.exec(text);
    if (named !== null) requireHashAlgorithm(state, named[1] ?? named[2]!);
    return printHash(parseHash(text, algorithm), format);
  },
};
