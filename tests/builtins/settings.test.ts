// What settings change about builtins: pure and restricted evaluation, experimental features, abort-on-warn, trace-verbose.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FloeError } from '../../src/base/errors.ts';
import { BUILTINS } from '../../src/eval/builtins/index.ts';
import { Evaluator } from '../../src/eval/evaluator.ts';
import type { EvalConstants, EvalHost } from '../../src/eval/host.ts';
import { printAmbiguous } from '../../src/eval/print.ts';
import { DiskHost } from '../support/eval-host.ts';

const messages: string[] = [];

/** The value of an expression as text, or "error: " and the message. */
function evaluate(expression: string, constants: Partial<EvalConstants> = {}, host?: EvalHost): string {
  messages.length = 0;
  const log = (level: string, message: string) => void messages.push(`${level}: ${message}`);
  const evaluator = new Evaluator({ host: host ?? new DiskHost({ constants, env: { X: 'set' }, log }), builtins: BUILTINS });
  try {
    const value = evaluator.evalText(expression, '/');
    evaluator.forceDeep(value);
    return printAmbiguous(value);
  } catch (error) {
    if (error instanceof FloeError) return `error: ${error.message}`;
    throw error;
  }
}

function check(expression: string, constants: Partial<EvalConstants>, expected: string): void {
  assert.equal(evaluate(expression, constants), expected);
}

test('pure evaluation', () => {
  const pure = { pureEval: true };
  check('builtins ? currentSystem || builtins ? currentTime', pure, 'false');
  check('builtins.getEnv "X"', pure, '""');
  check('builtins.getEnv "X"', {}, '"set"');
  check('builtins.storePath "/x"', pure, "error: 'builtins.storePath' is not allowed in pure evaluation mode");
  check('builtins.nixPath', pure, '[ ]');
  check('builtins.fetchurl "https://example.org/x"', pure, "error: in pure evaluation mode, 'fetchurl' requires a 'sha256' argument");
  check('fetchTarball "https://example.org/x"', pure, "error: in pure evaluation mode, 'fetchTarball' requires a 'sha256' argument");
  check(
    'fetchGit "https://example.org/x"',
    pure,
    "error: in pure evaluation mode, 'fetchGit' doesn't fetch unlocked input 'git+https://example.org/x?exportIgnore=1'",
  );
  check('fetchMercurial "/x"', pure, "error: in pure evaluation mode, 'fetchMercurial' requires a Mercurial revision");
  check(
    'builtins.getFlake "github:a/b"',
    pure,
    "error: cannot call 'getFlake' on unlocked flake reference 'github:a/b', at «none»:0 (use --impure to override)",
  );
});

test('restricted evaluation', () => {
  const restricted = { restrictEval: true, allowedUris: ['https://example.org/ok', 'github:'] };
  const refused = (uri: string): string => `error: access to URI '${uri}' is forbidden in restricted mode`;
  const tried = 'error: this host fetches nothing';
  check('builtins.getEnv "X"', restricted, '""');
  check('builtins.fetchurl "https://example.org/no"', restricted, refused('https://example.org/no'));
  check('builtins.fetchurl "https://example.org/okay"', restricted, refused('https://example.org/okay'));
  check('builtins.fetchurl "https://example.org/ok"', restricted, tried);
  check('builtins.fetchurl "https://example.org/ok/x"', restricted, tried);
  check('fetchTree "github:a/b"', restricted, tried);
  check('fetchTree "gitlab:a/b"', restricted, refused('gitlab:a/b'));
});

test('experimental features', () => {
  const features = (...names: string[]): Partial<EvalConstants> => ({ experimentalFeatures: new Set(names) });
  const names = 'map (name: builtins ? ${name}) [ "getFlake" "fetchTree" "fetchClosure" "outputOf" ]';
  check(names, features(), '[ false false false false ]');
  check(names, features('flakes'), '[ true true false false ]');
  check(names, features('fetch-tree', 'fetch-closure', 'dynamic-derivations'), '[ false true true true ]');
  check('builtins.hashString "blake3" ""', features('blake3-hashes'), '"af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"');
  check(
    'builtins.fromTOML "a = 1979-05-27 07:32:00.5Z"',
    features('parse-toml-timestamps'),
    '{ a = { _type = "timestamp"; value = "1979-05-27T07:32:00.500Z"; }; }',
  );
  const strict = (more: string): string => `(derivationStrict { name = "x"; system = "s"; builder = "/b"; ${more} }).drvPath`;
  // Paths as C++ Nix 2.34.8 gives them.
  check(
    strict('__contentAddressed = true; outputs = [ "out" "dev" ];'),
    features('ca-derivations'),
    '"/nix/store/wk6460k3pplaj633mqzr5h6dcxjss68x-x.drv"',
  );
  check(strict('__impure = true;'), features('impure-derivations'), '"/nix/store/y7iihyp4d32pvwl57r449q89m7h66ymc-x.drv"');
  check(
    `(derivationStrict { name = "y"; system = "s"; builder = "/b"; a = derivation { name = "x"; system = "s"; builder = "/b"; __contentAddressed = true; }; }).out`,
    features('ca-derivations'),
    '"/01n3ibn8gv08vss82fc18gi80nrgs7pbc3xi0fyy16b0wr7mhkb5"',
  );
  check(
    strict('outputHashMode = "text"; outputHash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";'),
    features('dynamic-derivations'),
    '"/nix/store/aqkwl2hdi6a4545zirn7zvvl54d6ak5a-x.drv"',
  );
});

test('warnings and traces', () => {
  check('builtins.warn "careful" 1', {}, '1');
  assert.deepEqual(messages, ['evaluation warning: careful']);
  check(
    'builtins.warn "careful" 1',
    { abortOnWarn: true },
    'error: aborting to reveal stack trace of warning, as abort-on-warn is set',
  );
  check(
    '(builtins.tryEval (builtins.warn "careful" 1)).success',
    { abortOnWarn: true },
    'error: aborting to reveal stack trace of warning, as abort-on-warn is set',
  );
  check('builtins.trace { a = 1; b = "x"; } (builtins.trace "text" 2)', {}, '2');
  assert.deepEqual(messages, ['trace: { a = 1; b = "x"; }', 'trace: text']);
  check('builtins.traceVerbose "text" 2', { traceVerbose: true }, '2');
  assert.deepEqual(messages, ['trace: text']);
  check('builtins.traceVerbose "text" 2', {}, '2');
  assert.deepEqual(messages, []);
});

test('a file in the store speaks of what its store object refers to', () => {
  const base = new DiskHost();
  const reference = '00000000000000000000000000000000-x';
  const host = new Proxy(base, {
    get(target, name) {
      if (name === 'readFile') return () => `see /nix/store/${reference}/bin`;
      if (name === 'queryReferences') return () => [reference, '11111111111111111111111111111111-y'];
      if (name === 'pathKind') return () => 'regular';
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  }) as EvalHost;
  const expression = 'builtins.getContext (builtins.readFile "/nix/store/22222222222222222222222222222222-z")';
  assert.equal(evaluate(expression, {}, host), `{ "/nix/store/${reference}" = { path = true; }; }`);
});
