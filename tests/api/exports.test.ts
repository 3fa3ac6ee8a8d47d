// The public interface: which names each entry offers. A name that appears or goes is a change for everybody who imports floe; the list
// below is changed with it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as node from '../../src/index.ts';
import * as pure from '../../src/pure.ts';

const PURE = `AbortError AssertionError CatchableError EvalError FloeError FormatError MissingAttributeError NarReader NarWriter NixValue
  ParseError PureEvaluator ThrownError UndefinedVariableError WrongTypeError openEvaluator parseATerm parseFlakeRef parseHash parseLockFile
  parseNarInfo parseStorePath printATerm printFlakeRef printHash printLockFile printNarInfo printParsed printStorePath writeNar`;
const NODE = 'BuildError FetchError Floe HashMismatchError IoError LockFileError StoreError UsageError openFloe';

const names = (text: string): string[] => text.split(/\s+/).sort();

test('floe/pure offers the language and the formats', () => {
  assert.deepEqual(Object.keys(pure).sort(), names(PURE));
});

test('floe offers that and the engine', () => {
  assert.deepEqual(Object.keys(node).sort(), names(`${PURE} ${NODE}`));
});
