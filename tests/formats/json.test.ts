// JSON forms of the model: what C++ Nix 2.34.8 printed for the golden derivations, its own test data where a checkout is at hand
// (FLOE_NIX_SUITE), and round trips.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseJson, printJson, type Json } from '../../src/base/canonical-json.ts';
import { FormatError } from '../../src/base/errors.ts';
import { parseATerm } from '../../src/model/aterm.ts';
import { buildResultFromJson, buildResultToJson, exitStatusOf } from '../../src/model/build-result.ts';
import { derivationFromJson, derivationsToJson, derivationToJson } from '../../src/model/derivation-json.ts';
import { derivedPathFromJson, derivedPathToJson } from '../../src/model/derived-path.ts';
import { narListingFromJson } from '../../src/model/nar-listing.ts';
import { pathInfoFromJson, pathInfoToJson } from '../../src/model/path-info.ts';
import { realisationFromJson, realisationToJson } from '../../src/model/realisation.ts';
import { DEFAULT_STORE_DIR, type StorePath } from '../../src/model/store-path.ts';
import { anyJsonDerivation, anyPathInfo } from '../support/arbitraries.ts';

const folder = new URL('derivations/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.drv')) as StorePath[];
const read = (path: string) => parseATerm(readFileSync(new URL(path, folder), 'latin1'), path.slice(33, -4), DEFAULT_STORE_DIR);

test('golden: nix derivation show', () => {
  const shown = readFileSync(new URL('show.json', folder), 'latin1').trimEnd();
  assert.equal(printJson(derivationsToJson(new Map(files.map((file) => [file, read(file)])))), shown);
});

test('golden derivations come back out of their JSON', () => {
  for (const file of files) {
    const derivation = read(file);
    assert.deepEqual(derivationFromJson(parseJson(printJson(derivationToJson(derivation)), file), DEFAULT_STORE_DIR), derivation, file);
  }
});

test('property: derivation JSON', () => {
  fc.assert(
    fc.property(anyJsonDerivation, (derivation) => {
      assert.deepEqual(derivationFromJson(parseJson(printJson(derivationToJson(derivation)), 'x'), DEFAULT_STORE_DIR), derivation);
    }),
  );
});

test('derivation JSON of another version is refused', () => {
  const json = new Map(derivationToJsonMap(read(files[0]!)));
  json.set('version', 3);
  assert.throws(() => derivationFromJson(json, DEFAULT_STORE_DIR), /only format version 4/);
  json.delete('version');
  assert.throws(() => derivationFromJson(json, DEFAULT_STORE_DIR), FormatError);
});

function derivationToJsonMap(derivation: Parameters<typeof derivationToJson>[0]): ReadonlyMap<string, Json> {
  return parseJson(printJson(derivationToJson(derivation)), 'x') as ReadonlyMap<string, Json>;
}

test('property: path info JSON, both forms', () => {
  fc.assert(
    fc.property(anyPathInfo, fc.constantFrom(1 as const, 2 as const), (info, format) => {
      const json = parseJson(printJson(pathInfoToJson(info, DEFAULT_STORE_DIR, format)), 'x');
      assert.deepEqual(pathInfoFromJson(info.path, json, DEFAULT_STORE_DIR), info);
    }),
  );
});

test('property: random JSON is refused with FormatError by every reader', () => {
  const keys = fc.constantFrom('name', 'version', 'outputs', 'inputs', 'env', 'path', 'method', 'hash', 'narHash', 'id', 'status', 'success', 'type', 'root', 'drvPath');
  const value = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, fc.constantFrom<Json>(null, true, 4, 'x', 'directory', 'sha256:1!x'), fc.array(tie('value'), { maxLength: 3 }), fc.array(fc.tuple(keys, tie('value')), { maxLength: 5 }).map((entries) => new Map(entries))),
  })).value;
  const readers: ((value: Json) => unknown)[] = [
    (value) => derivationFromJson(value, DEFAULT_STORE_DIR),
    (value) => pathInfoFromJson(files[0]!, value, DEFAULT_STORE_DIR),
    realisationFromJson,
    buildResultFromJson,
    derivedPathFromJson,
    narListingFromJson,
  ];
  fc.assert(
    fc.property(value, (json) => {
      for (const reader of readers) {
        try {
          reader(json);
        } catch (error) {
          assert.ok(error instanceof FormatError, String(error));
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('exit status of failed builds', () => {
  assert.equal(exitStatusOf(['MiscFailure', 'DependencyFailed']), 1);
  assert.equal(exitStatusOf(['PermanentFailure']), 100);
  assert.equal(exitStatusOf(['TimedOut']), 101);
  assert.equal(exitStatusOf(['HashMismatch']), 102);
  assert.equal(exitStatusOf(['NotDeterministic']), 104);
  assert.equal(exitStatusOf(['TimedOut', 'HashMismatch', 'NotDeterministic']), 111);
});

const suite = process.env['FLOE_NIX_SUITE'];
const data = suite === undefined ? undefined : join(suite, 'src/libstore-tests/data');
/** Older checkouts have other files. */
const skipWithout = (name: string): string | false =>
  data === undefined || !existsSync(join(data, name)) ? 'needs FLOE_NIX_SUITE, a checkout of Nix 2.34.8 with its unit test data' : false;

/** Reads each file of that folder and expects the same JSON back. */
function checkFolder(name: string, again: (value: Json) => Json, leaveOut: RegExp = /^$/): void {
  test(`Nix's own data: ${name}`, { skip: skipWithout(name) }, () => {
    for (const file of readdirSync(join(data!, name))) {
      if (!file.endsWith('.json') || leaveOut.test(file)) continue;
      const value = parseJson(readFileSync(join(data!, name, file), 'latin1'), file);
      assert.equal(printJson(again(value)), printJson(value), file);
    }
  });
}

checkFolder('derivation/ia', (value) => derivationToJson(derivationFromJson(value, DEFAULT_STORE_DIR)));
checkFolder('derivation/ca', (value) => derivationToJson(derivationFromJson(value, DEFAULT_STORE_DIR)));
checkFolder('realisation', (value) => realisationToJson(realisationFromJson(value)), /with-dependent/);
checkFolder('build-result', (value) => buildResultToJson(buildResultFromJson(value)));
checkFolder('derived-path', (value) => derivedPathToJson(derivedPathFromJson(value)), /built_built|single_built/);
