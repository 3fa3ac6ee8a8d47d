// The worker protocol's structures survive the wire, read at once and in pieces, and random bytes end in a FloeError and nothing else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../../src/base/bytes.ts';
import { FloeError } from '../../src/base/errors.ts';
import { AsyncWireReader, WireReader, WireWriter } from '../../src/base/wire.ts';
import { type Reading, readLater, readNow } from '../../src/base/wire-reading.ts';
import type { BuildResult } from '../../src/model/build-result.ts';
import type { DerivedPath } from '../../src/model/derived-path.ts';
import {
  readBasicDerivation,
  readBuildResult,
  readClientSettings,
  readDerivedPath,
  readFields,
  readKeyedPathInfo,
  readMessage,
  readMissing,
  readServeResult,
  since,
  writeBasicDerivation,
  writeBuildResult,
  writeClientSettings,
  writeDerivedPath,
  writeError,
  writeFields,
  writeKeyedPathInfo,
  writeMissing,
  writeServeResult,
} from '../../src/model/worker-protocol.ts';
import {
  anyByteString,
  anyDerivation,
  anyDerivationPath,
  anyHash,
  anyPathInfo,
  anyStorePath,
  sortedSetOf,
} from '../support/arbitraries.ts';

const context = { storeDir: '/nix/store', version: since(38) };

function written(write: (writer: WireWriter) => void): Uint8Array {
  const chunks: Uint8Array[] = [];
  write(new WireWriter((chunk) => void chunks.push(chunk)));
  return concatBytes(chunks);
}

/** Bytes in pieces of that size. */
function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array, undefined, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function* waited(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  yield* pieces(bytes, size);
}

async function check<T>(write: (writer: WireWriter) => void, read: () => Reading<T>, expected: T, size: number): Promise<void> {
  const bytes = written(write);
  const source = pieces(bytes, size);
  const reader = new WireReader(() => source.next().value);
  assert.deepEqual(readNow(read(), reader), expected);
  assert.ok(reader.isAtEnd());
  assert.deepEqual(await readLater(read(), new AsyncWireReader(waited(bytes, size))), expected);
}

const size = fc.integer({ min: 1, max: 64 });
const paths = sortedSetOf(anyStorePath);
const amount = fc.nat();

const anyDerivedPath: fc.Arbitrary<DerivedPath> = fc.oneof(
  anyStorePath.map((path) => ({ kind: 'opaque', path }) as const),
  fc
    .tuple(anyDerivationPath, sortedSetOf(fc.constantFrom('out', 'dev', 'lib'), 3))
    .map(([derivation, outputs]) => ({ kind: 'built', derivation, outputs: outputs.length === 0 ? 'all' : outputs }) as const),
);

const times = {
  timesBuilt: amount,
  startTime: amount,
  stopTime: amount,
  cpuUserUs: fc.option(amount, { nil: undefined }),
  cpuSystemUs: fc.option(amount, { nil: undefined }),
};

const builtOutputs = fc.dictionary(fc.constantFrom('dev', 'out'), fc.tuple(anyHash('sha256'), anyStorePath)).map(
  (outputs) =>
    new Map(
      Object.entries(outputs)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([output, [hash, path]]) => [output, { id: { hash, output }, path, signatures: [] }]),
    ),
);

const anyResult: fc.Arbitrary<BuildResult> = fc.oneof(
  fc.record(
    {
      success: fc.constant(true as const),
      status: fc.constantFrom('Built', 'Substituted', 'AlreadyValid', 'ResolvesToAlreadyValid'),
      builtOutputs,
      ...times,
    },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      success: fc.constant(false as const),
      status: fc.constantFrom('PermanentFailure', 'TimedOut', 'NotDeterministic', 'NoSubstituters'),
      message: anyByteString,
      isNonDeterministic: fc.boolean(),
      ...times,
    },
    { noNullPrototype: true },
  ),
);

test('path infos, derived paths, missing paths, fields', async () => {
  await fc.assert(
    fc.asyncProperty(anyPathInfo, anyDerivedPath, size, fc.array(fc.oneof(amount, anyByteString)), async (info, path, step, fields) => {
      await check(
        (writer) => writeKeyedPathInfo(writer, context, info),
        () => readKeyedPathInfo(context),
        info,
        step,
      );
      await check(
        (writer) => writeDerivedPath(writer, context, path),
        () => readDerivedPath(context),
        path,
        step,
      );
      await check((writer) => writeFields(writer, fields), readFields, fields, step);
    }),
  );
  await fc.assert(
    fc.asyncProperty(paths, paths, paths, amount, amount, size, async (willBuild, willSubstitute, unknown, downloadSize, narSize, step) => {
      const missing = { willBuild, willSubstitute, unknown, downloadSize, narSize };
      await check(
        (writer) => writeMissing(writer, context, missing),
        () => readMissing(context),
        missing,
        step,
      );
    }),
  );
});

test('build results, in both protocols', async () => {
  await fc.assert(
    fc.asyncProperty(anyResult, size, async (result, step) => {
      await check(
        (writer) => writeBuildResult(writer, context, result),
        () => readBuildResult(context),
        result,
        step,
      );
      const plain = { ...result, cpuUserUs: undefined, cpuSystemUs: undefined };
      await check(
        (writer) => writeServeResult(writer, 0x207, plain),
        () => readServeResult(0x207),
        plain,
        step,
      );
    }),
  );
});

test('derivations without their input derivations', async () => {
  await fc.assert(
    fc.asyncProperty(anyDerivation, size, async ({ dynamicInputs: _, ...derivation }, step) => {
      const basic = { ...derivation, inputDerivations: new Map() };
      await check(
        (writer) => writeBasicDerivation(writer, context, derivation),
        () => readBasicDerivation(context, derivation.name),
        basic,
        step,
      );
    }),
  );
});

test('what is dynamic of a derivation stays behind', async () => {
  await fc.assert(
    fc.asyncProperty(anyDerivation, async (derivation) => {
      const { dynamicInputs: _, ...plain } = derivation;
      const [one, other] = [derivation, plain].map((each) => written((writer) => writeBasicDerivation(writer, context, each)));
      assert.deepEqual(one, other);
    }),
  );
});

test('settings and errors', async () => {
  const settings = {
    keepFailed: true,
    keepGoing: false,
    fallback: true,
    verbosity: 'talkative',
    maxJobs: 3,
    maxSilentTimeS: 7,
    verboseBuild: false,
    cores: 0,
    substitute: true,
    overrides: new Map([['timeout', '3']]),
  } as const;
  await check((writer) => writeClientSettings(writer, settings), readClientSettings, settings, 5);
  const error = { message: 'no\xff', traces: ['outer', 'inner'] };
  await check(
    (writer) => writeError(writer, context, error),
    () => readMessage(context),
    { kind: 'error', error } as const,
    3,
  );
});

test('random bytes', () => {
  const readings = [
    () => readMessage(context),
    () => readKeyedPathInfo(context),
    () => readBuildResult(context),
    () => readBasicDerivation(context, 'x'),
    readClientSettings,
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      for (const reading of readings) {
        try {
          readNow<unknown>(reading(), readerOf(bytes));
        } catch (error) {
          assert.ok(error instanceof FloeError, String(error));
        }
      }
    }),
  );
});

function readerOf(bytes: Uint8Array): WireReader {
  const source = pieces(bytes, 17);
  return new WireReader(() => source.next().value);
}
