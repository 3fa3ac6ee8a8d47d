// Strings that stand for exactly one thing to build: their context has one element, and their text is the path or the placeholder of
// that. libexpr/eval.cc, coerceToSingleDerivedPath.

import { EvalError, FormatError } from '../base/errors.ts';
import { outputPlaceholder, printDerivationRef, type SingleDerivedPath } from '../model/derived-path.ts';
import { printStorePath } from '../model/store-path.ts';
import { addFrame } from './error-position.ts';
import type { PositionId } from './position.ts';
import type { EvalState } from './state.ts';
import { parseContextElement } from './string-context.ts';
import { type ContextString, stringContext, stringText } from './value.ts';

/** What the string stands for. EvalError, without a place, where it is not one thing. */
export function singleDerivedPathOf(state: EvalState, value: string | ContextString): SingleDerivedPath {
  const text = stringText(value);
  const context = stringContext(value) ?? [];
  if (context.length !== 1) {
    throw new EvalError(`string '${text}' has ${context.length} entries in its context. It should only have exactly one entry`);
  }
  const element = parseContextElement(context[0]!);
  if (element.kind === 'deep') {
    throw new EvalError(
      `string '${text}' has a context which refers to a complete source and binary closure. This is not supported at this time`,
    );
  }
  const expected = derivedPathText(state, element);
  if (text === expected) return element;
  if (element.kind === 'opaque') throw new EvalError(`path string '${text}' has context with the different path '${expected}'`);
  const derivation = printDerivationRef(element.derivation, state.host.constants.storeDir);
  throw new EvalError(
    `string '${text}' has context with the output '${element.output}' from derivation '${derivation}', but the string is not the right placeholder for this derivation output. It should be '${expected}'`,
  );
}

/** As singleDerivedPathOf, with a place for the error. */
export function coerceToSingleDerivedPath(
  state: EvalState,
  value: string | ContextString,
  pos: PositionId,
  what: string,
): SingleDerivedPath {
  try {
    return singleDerivedPathOf(state, value);
  } catch (error) {
    throw error instanceof EvalError ? addFrame(error, pos, what) : error;
  }
}

/** The text that stands for it in values: its path where that is known already, otherwise a placeholder. */
export function derivedPathText({ host }: EvalState, path: SingleDerivedPath): string {
  const { storeDir } = host.constants;
  if (path.kind === 'opaque') return printStorePath(path.path, storeDir);
  const { derivation, output } = path;
  if (typeof derivation !== 'string') return outputPlaceholder(path);
  const known = host.readDerivation(derivation)?.outputs;
  if (known !== undefined && !known.has(output)) {
    throw new FormatError(`derivation '${printStorePath(derivation, storeDir)}' does not have output '${output}'`);
  }
  const found = known?.get(output);
  return found !== undefined && 'path' in found ? printStorePath(found.path, storeDir) : outputPlaceholder(path);
}
