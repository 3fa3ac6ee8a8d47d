// What a user pointed at on the command line: an output of a flake, a store path (with outputs of a derivation), or an attribute of
// an expression given by `--file` or `--expr`. (Nix manual, "nix", "Installables".)

import { FloeError } from '../base/errors.ts';
import { type FlakeRef, parseFlakeRefWithFragment, type ParseFlakeRefOptions } from './flake-ref.ts';
import { baseDerivation, type DerivedPath, type OutputsSpec, parseDerivationRef, splitOutputsSpec } from './derived-path.ts';
import { isDerivationPath, splitStorePath, type StoreDir } from './store-path.ts';

export type Installable =
  | {
      readonly kind: 'flake';
      readonly ref: FlakeRef;
      /** Attribute path behind `#`, as typed; "" for the command's default. */
      readonly fragment: string;
      /** Undefined where nothing was said: those that the derivation wants installed. */
      readonly outputs: OutputsSpec | undefined;
    }
  /** A store object as it is, or with `^` outputs of a derivation (`^out^dev` of one that is itself an output). */
  | { readonly kind: 'store-path'; readonly path: DerivedPath }
  | {
      readonly kind: 'attribute';
      /** "" for the expression itself. */ readonly attrPath: string;
      readonly outputs: OutputsSpec | undefined;
    };

export interface ParseInstallableOptions extends ParseFlakeRefOptions {
  /** `--file` or `--expr` was given: words are attribute paths. */
  readonly inExpression?: boolean;
  readonly storeDir: StoreDir;
  /** Follows symbolic links from a typed path until it lies in the store; undefined where it never does. */
  readonly followToStore?: ((path: string) => string | undefined) | undefined;
}

export function parseInstallable(text: string, options: ParseInstallableOptions): Installable {
  const { prefix, outputs } = splitOutputsSpec(text);
  if (options.inExpression) return { kind: 'attribute', attrPath: prefix === '.' ? '' : prefix, outputs };
  if (prefix.includes('/')) {
    const stored = parseStored(prefix, outputs, options);
    if (stored) return stored;
  }
  const { ref, fragment } = parseFlakeRefWithFragment(prefix, options);
  return { kind: 'flake', ref, fragment, outputs };
}

function parseStored(
  prefix: string,
  outputs: OutputsSpec | undefined,
  { storeDir, followToStore }: ParseInstallableOptions,
): Installable | undefined {
  try {
    if (outputs === undefined) {
      const place = prefix.startsWith(`${storeDir}/`) ? prefix : followToStore?.(prefix);
      const found = place === undefined ? undefined : splitStorePath(place, storeDir);
      return found && { kind: 'store-path', path: { kind: 'opaque', path: found.storePath } };
    }
    // With outputs the text is taken literally.
    if (!prefix.startsWith(`${storeDir}/`)) return undefined;
    const derivation = parseDerivationRef(prefix, storeDir);
    return isDerivationPath(baseDerivation(derivation)) ? { kind: 'store-path', path: { kind: 'built', derivation, outputs } } : undefined;
  } catch (error) {
    // A name that no store object can have: perhaps it is a flake.
    if (error instanceof FloeError) return undefined;
    throw error;
  }
}
