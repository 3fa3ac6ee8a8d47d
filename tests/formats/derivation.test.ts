// .drv files that C++ Nix 2.34.8 wrote (from derivations/golden.nix and golden-ca.nix): read, printed again, hashed modulo.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { FormatError } from '../../src/base/errors.ts';
import { parseATerm, printATerm } from '../../src/model/aterm.ts';
import { makeContentPath } from '../../src/model/content-address.ts';
import { type Derivation, derivationInputs, type DerivationOutput, makeDerivationPath } from '../../src/model/derivation.ts';
import { printDerivationRef } from '../../src/model/derived-path.ts';
import {
  checkOutputPaths,
  derivationType,
  fillInOutputPaths,
  makeHashModuloLookup,
  makeOutputPaths,
} from '../../src/model/derivation-hash.ts';
import { DEFAULT_STORE_DIR, parseStorePathBaseName, type StorePath } from '../../src/model/store-path.ts';
import { anyDerivation } from '../support/arbitraries.ts';

const folder = new URL('derivations/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.drv')) as StorePath[];
const nameOf = (path: string) => path.slice(33, -4);
const textOf = (path: string) => readFileSync(new URL(path, folder), 'latin1');
const read = (path: string) => parseATerm(textOf(path), nameOf(path), DEFAULT_STORE_DIR);
const lookup = makeHashModuloLookup(read, DEFAULT_STORE_DIR);

for (const file of files) {
  test(`golden derivation ${file}`, () => {
    const text = textOf(file);
    const derivation = read(file);
    assert.equal(printATerm(derivation, DEFAULT_STORE_DIR), text);
    assert.equal(makeDerivationPath(derivation, text, DEFAULT_STORE_DIR), file);
    checkOutputPaths(derivation, DEFAULT_STORE_DIR, lookup);
    const type = derivationType(derivation);
    for (const [name, output] of derivation.outputs) {
      if (output.kind === 'fixed') {
        assert.equal(makeContentPath(nameOf(file), output.address, { others: [], self: false }, DEFAULT_STORE_DIR), output.path);
      }
      if (output.kind === 'input-addressed') {
        assert.equal(makeOutputPaths(derivation, DEFAULT_STORE_DIR, lookup)!.get(name), output.path);
      }
    }
    if (type === 'input-addressed') {
      const blank = new Map<string, DerivationOutput>([...derivation.outputs.keys()].map((name) => [name, { kind: 'deferred' }]));
      const env = new Map([...derivation.env].filter(([name]) => !derivation.outputs.has(name)));
      assert.deepEqual(fillInOutputPaths({ ...derivation, outputs: blank, env }, DEFAULT_STORE_DIR, lookup), derivation);
    }
    if (type === 'deferred') assert.equal(makeOutputPaths(derivation, DEFAULT_STORE_DIR, lookup), undefined);
  });
}

test('two inputs that share one hash modulo are merged', () => {
  const merged = read(files.find((file) => file.endsWith('-merged.drv'))!);
  const [a, b] = [...merged.inputDerivations.keys()];
  assert.notEqual(a, b);
  assert.equal(lookup(a!).hash, lookup(b!).hash);
});

test('a wrong output path is refused', () => {
  const lib = read(files.find((file) => file.endsWith('-lib.drv'))!);
  const outputs = new Map(lib.outputs);
  outputs.set('out', { kind: 'input-addressed', path: parseStorePathBaseName(`${'0'.repeat(32)}-lib`) });
  assert.throws(() => checkOutputPaths({ ...lib, outputs }, DEFAULT_STORE_DIR, lookup), /incorrect output .* should be/);
});

test('property: any derivation survives printing and reading', () => {
  fc.assert(
    fc.property(anyDerivation, (derivation: Derivation) => {
      assert.deepEqual(parseATerm(printATerm(derivation, DEFAULT_STORE_DIR), derivation.name, DEFAULT_STORE_DIR), derivation);
    }),
    { numRuns: 200 },
  );
});

test('property: random and damaged text ends in FormatError', () => {
  const good = textOf(files.find((file) => file.endsWith('-escapes.drv'))!);
  const damaged = fc.tuple(fc.nat(good.length), fc.nat(4), fc.string({ unit: 'binary-ascii', maxLength: 4 })).map(([at, drop, insert]) => good.slice(0, at) + insert + good.slice(at + drop));
  fc.assert(
    fc.property(fc.oneof(fc.string(), damaged), (text) => {
      try {
        parseATerm(text, 'escapes', DEFAULT_STORE_DIR);
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test('dynamic inputs have a form of their own', () => {
  const base = `${'0'.repeat(32)}-a.drv`;
  const input = `("/nix/store/${base}",(["dev"],[("out",(["out"],[("lib",["doc","out"])]))]))`;
  const text = `DrvWithVersion("xp-dyn-drv",[("out","","","")],[${input}],[],"s","b",[],[])`;
  const derivation = parseATerm(text, 'x', DEFAULT_STORE_DIR);
  assert.equal(printATerm(derivation, DEFAULT_STORE_DIR), text);
  assert.deepEqual(
    derivationInputs(derivation).map(([ref, outputs]) => `${printDerivationRef(ref, '')}^${outputs.join(',')}`),
    [`/${base}^dev`, `/${base}^out^out`, `/${base}^out^lib^doc,out`],
  );
  assert.throws(() => parseATerm(text.replace('xp-dyn-drv', 'next'), 'x', DEFAULT_STORE_DIR), /Unknown derivation ATerm format version 'next'/);
  assert.throws(() => parseATerm(text.replace('DrvWithVersion("xp-dyn-drv",', 'Derive('), 'x', DEFAULT_STORE_DIR), /expected string '\['/);
});
