// Reading structures off the wire without saying whether reading waits. A `Reading` asks for so many bytes at a time; `readNow` and
// `readLater` give them, from input that is there or from input that is waited for. So each format is written once, for
// clients that block (the evaluator), clients that wait and servers. The primitives are those of wire.ts.

import type { AsyncWireReader, WireReader } from './wire.ts';
import { checkLength, MAX_STRING, paddedLength, parseNumber, parseWord, unpad } from './wire.ts';

/** Asks for so many bytes, gets them, and in the end has a value. */
export type Reading<T> = Generator<number, T, Uint8Array>;

export function* readNumber(): Reading<number> {
  return parseNumber(yield 8);
}

/** All 64 bits: identities, and numbers that may stand for "no limit". */
export function* readWord(): Reading<bigint> {
  return parseWord(yield 8);
}

export function* readBoolean(): Reading<boolean> {
  return parseNumber(yield 8) !== 0;
}

/** A byte string. */
export function* readString(limit = MAX_STRING): Reading<string> {
  const length = checkLength(parseNumber(yield 8), limit);
  return length === 0 ? '' : unpad(yield paddedLength(length), length);
}

/** A list with its length before it. */
export function* readList<T>(element: () => Reading<T>): Reading<T[]> {
  const result: T[] = [];
  for (let left = yield* readNumber(); left > 0; left--) result.push(yield* element());
  return result;
}

export function readStrings(): Reading<string[]> {
  return readList(readString);
}

/** Runs a reading over input that is there when it is asked for. `before` is called before each look at the input. */
export function readNow<T>(reading: Reading<T>, reader: WireReader, before: () => void = () => {}): T {
  let step = reading.next();
  while (step.done !== true) {
    let bytes: Uint8Array;
    try {
      before();
      bytes = reader.bytes(step.value);
    } catch (error) {
      step = reading.throw(error);
      continue;
    }
    step = reading.next(bytes);
  }
  return step.value;
}

/** Runs a reading over input that has to be waited for. `before` is waited for before each wait. */
export async function readLater<T>(
  reading: Reading<T>,
  reader: AsyncWireReader,
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<T> {
  let step = reading.next();
  while (step.done !== true) {
    let bytes: Uint8Array | undefined;
    try {
      bytes = reader.bytesAtHand(step.value);
      if (bytes === undefined) {
        await before();
        bytes = await reader.bytes(step.value);
      }
    } catch (error) {
      step = reading.throw(error);
      continue;
    }
    step = reading.next(bytes);
  }
  return step.value;
}
