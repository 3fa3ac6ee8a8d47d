// Generators of model values for property tests.

import fc from 'fast-check';
import { BASE32_ALPHABET } from '../../src/base/base32.ts';
import { compareStrings, utf8ToByteString } from '../../src/base/bytes.ts';
import type { Hash, HashAlgorithm } from '../../src/base/hash.ts';
import { HASH_SIZES } from '../../src/base/hash.ts';
import type { Derivation, DerivationOutput, DynamicInput, DynamicInputs } from '../../src/model/derivation.ts';
import { type PathInfo, sortSignatures } from '../../src/model/path-info.ts';
import { printSignature } from '../../src/model/signature.ts';
import type { StorePath } from '../../src/model/store-path.ts';

/** A byte string: characters 0 to 255. */
export const anyByteString = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 20 });

const digits = fc.string({ unit: fc.constantFrom(...BASE32_ALPHABET), minLength: 32, maxLength: 32 });
const word = fc.stringMatching(/^[a-z][a-z0-9+._?=-]{0,12}$/);

export const anyStorePath = fc.tuple(digits, word).map(([hash, name]) => `${hash}-${name}` as StorePath);
export const anyDerivationPath = fc.tuple(digits, word).map(([hash, name]) => `${hash}-${name}.drv` as StorePath);

export const anyHash = (algorithm: HashAlgorithm): fc.Arbitrary<Hash> =>
  fc
    .uint8Array({ minLength: HASH_SIZES[algorithm], maxLength: HASH_SIZES[algorithm] })
    .map((bytes) => ({ algorithm, bytes: new Uint8Array(bytes) }));

const method = fc.constantFrom('flat', 'nar', 'text', 'git') as fc.Arbitrary<'flat' | 'nar' | 'text' | 'git'>;
const algorithm = fc.constantFrom<HashAlgorithm>('md5', 'sha1', 'sha256', 'sha512', 'blake3');

export const anyOutput: fc.Arbitrary<DerivationOutput> = fc.oneof(
  anyStorePath.map((path) => ({ kind: 'input-addressed' as const, path })),
  fc
    .tuple(anyStorePath, method, algorithm.chain(anyHash))
    .map(([path, method, hash]) => ({ kind: 'fixed' as const, path, address: { method, hash } })),
  fc.tuple(method, algorithm).map(([method, algorithm]) => ({ kind: 'floating' as const, method, algorithm })),
  fc.constant({ kind: 'deferred' as const }),
  fc.tuple(method, algorithm).map(([method, algorithm]) => ({ kind: 'impure' as const, method, algorithm })),
);

/** A map with its keys in byte order. */
export function sortedMapOf<K extends string, V>(
  key: fc.Arbitrary<K>,
  value: fc.Arbitrary<V>,
  constraints: { minLength?: number; maxLength?: number } = {},
): fc.Arbitrary<Map<K, V>> {
  return fc
    .uniqueArray(fc.tuple(key, value), { selector: (entry) => entry[0], maxLength: 5, ...constraints })
    .map((entries) => new Map(entries.sort((a, b) => compareStrings(a[0], b[0]))));
}

export function sortedSetOf<T extends string>(element: fc.Arbitrary<T>, maxLength = 5): fc.Arbitrary<T[]> {
  return fc.uniqueArray(element, { maxLength }).map((elements) => elements.sort(compareStrings));
}

/** What is wanted of outputs of derivations that are outputs. */
const { dynamicInputs } = fc.letrec<{ dynamicInputs: DynamicInputs; dynamicInput: DynamicInput }>((tie) => ({
  dynamicInputs: sortedMapOf(word, tie('dynamicInput'), { minLength: 1, maxLength: 2 }),
  dynamicInput: fc.oneof(
    { maxDepth: 3 },
    sortedSetOf(word, 3).map((outputs) => ({ outputs })),
    fc.record({ outputs: sortedSetOf(word, 3), dynamic: tie('dynamicInputs') }, { noNullPrototype: true }),
  ),
}));

/** A derivation in which some of the input derivations are wanted for what their outputs make. */
function withDynamicInputs(derivation: Derivation): fc.Arbitrary<Derivation> {
  const paths = [...derivation.inputDerivations.keys()];
  if (paths.length === 0) return fc.constant(derivation);
  return fc
    .option(sortedMapOf(fc.constantFrom(...paths), dynamicInputs, { minLength: 1, maxLength: paths.length }), { nil: undefined })
    .map((found) => (found === undefined ? derivation : { ...derivation, dynamicInputs: found }));
}

/** Sorted as the model wants it; kinds of outputs are mixed more freely than Nix allows. */
function derivationOf(text: fc.Arbitrary<string>, output: fc.Arbitrary<DerivationOutput>): fc.Arbitrary<Derivation> {
  const plain: fc.Arbitrary<Derivation> = fc.record(
    {
      name: word,
      outputs: sortedMapOf(word, output, { minLength: 1 }),
      inputDerivations: sortedMapOf(anyDerivationPath, sortedSetOf(word, 3)),
      inputSources: sortedSetOf(anyStorePath),
      system: word,
      builder: text,
      args: fc.array(text, { maxLength: 5 }),
      env: sortedMapOf(text, text),
    },
    { noNullPrototype: true },
  );
  return plain.chain(withDynamicInputs);
}

export const anyDerivation = derivationOf(anyByteString, anyOutput);

/** What JSON can carry: text that is UTF-8, and no fixed outputs with paths made up. */
export const anyJsonDerivation = derivationOf(
  fc.string({ unit: 'binary', maxLength: 20 }).map(utf8ToByteString),
  anyOutput.filter((output) => output.kind !== 'fixed'),
);

const anySignature = fc
  .tuple(word, fc.uint8Array({ minLength: 64, maxLength: 64 }))
  .map(([keyName, bytes]) => printSignature({ keyName, bytes }));

export const anyPathInfo: fc.Arbitrary<PathInfo> = fc.record(
  {
    path: anyStorePath,
    narHash: anyHash('sha256'),
    narSize: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    references: sortedSetOf(anyStorePath),
    deriver: fc.option(anyDerivationPath, { nil: undefined }),
    registrationTime: fc.nat(),
    ultimate: fc.boolean(),
    signatures: fc.array(anySignature, { maxLength: 3 }).map(sortSignatures),
    contentAddress: fc.option(
      fc.tuple(method, anyHash('sha256')).map(([method, hash]) => ({ method, hash })),
      { nil: undefined },
    ),
  },
  { noNullPrototype: true },
);
