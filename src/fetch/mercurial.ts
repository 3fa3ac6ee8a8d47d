// Inputs of type `hg`. Their references are read, printed and kept in lock files; fetching them is not written yet.

import { FloeError } from '../base/errors.ts';
import { type InputAttrs, printInput } from '../model/input-scheme.ts';

export function fetchMercurial(attrs: InputAttrs): never {
  throw new FloeError('FLOE_UNSUPPORTED', `floe cannot fetch Mercurial repositories yet (input '${printInput(attrs)}')`, {
    hint: 'use a tarball of the repository, or a `path:` to a checkout',
  });
}
