// Inputs of type `indirect` are names; the registries turn them into other inputs before anything is fetched.

import { FetchError } from '../base/errors.ts';
import { type InputAttrs, printInput } from '../model/input-scheme.ts';

export function fetchIndirect(attrs: InputAttrs): never {
  throw new FetchError(`indirect input '${printInput(attrs)}' cannot be fetched directly`);
}
