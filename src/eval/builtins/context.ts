// Builtins on the contexts of strings: which store objects a string speaks of. libexpr/primops/context.cc.

import { compareStrings } from '../../base/bytes.ts';
import { EvalError, FormatError } from '../../base/errors.ts';
import { type DerivationRef, printDerivationRef } from '../../model/derived-path.ts';
import { isDerivationPath, parseStorePath, printStorePath, type StorePath } from '../../model/store-path.ts';
import { AttrsBuilder, makeAttrs } from '../attrs.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { forceBelow } from '../call.ts';
import { coerceToString, forceAttrs, forceBool, forceList, forceStringInto, forceStringNoContext } from '../coerce.ts';
import { at } from '../error-position.ts';
import { NO_POSITION } from '../position.ts';
import type { EvalState } from '../state.ts';
import { printIdentifier } from '../../lang/print-ast.ts';
import { builtElement, ContextAccumulator, deepElement, makeContext, opaqueElement, parseContextElement } from '../string-context.ts';
import { internSymbol, symbolName, symbols } from '../symbol.ts';
import { isString, makeString, type Slot, stringText } from '../value.ts';
import { ensureValid } from './realise.ts';

/** builtins.hasContext */
export const hasContext: BuiltinDefinition = {
  args: ['s'],
  forces: [0],
  text: 'Whether a string has a context, that is, speaks of store objects.',
  run(state, pos, slot) {
    const context = new ContextAccumulator();
    forceStringInto(state, slot!, context, pos, 'while evaluating the argument passed to builtins.hasContext');
    return context.context !== null;
  },
};

/** builtins.unsafeDiscardStringContext */
export const unsafeDiscardStringContext: BuiltinDefinition = {
  args: ['s'],
  forces: [0],
  forceDepth: 2,
  text: 'The string without its context: what is made from it does not depend on the store objects it speaks of.',
  run(state, pos, slot) {
    const value = forceBelow(slot!, pos);
    if (isString(value)) return stringText(value);
    const what = 'while evaluating the argument passed to builtins.unsafeDiscardStringContext';
    return coerceToString(state, pos, value, new ContextAccumulator(), what);
  },
};

/** builtins.unsafeDiscardOutputDependency */
export const unsafeDiscardOutputDependency: BuiltinDefinition = {
  args: ['s'],
  text:
    'The string, where its context asks for derivations with all they need to be built, with a context of just the `.drv` files. ' +
    'The opposite of `addDrvOutputDependencies`.',
  run(state, pos, slot) {
    const context = new ContextAccumulator();
    const what = 'while evaluating the argument passed to builtins.unsafeDiscardOutputDependency';
    const text = coerceToString(state, pos, slot!, context, what);
    if (context.context === null) return text;
    return makeString(
      text,
      makeContext(context.context.map((element) => (element.kind === 'deep' ? opaqueElement(element.path) : element))),
    );
  },
};

/** builtins.addDrvOutputDependencies */
export const addDrvOutputDependencies: BuiltinDefinition = {
  args: ['s'],
  text:
    'The string, whose context must be a single `.drv` file, with a context that asks for the derivation with all it needs to be ' +
    'built. The opposite of `unsafeDiscardOutputDependency`.',
  run(state, pos, slot) {
    const context = new ContextAccumulator();
    const what = 'while evaluating the argument passed to builtins.addDrvOutputDependencies';
    const text = coerceToString(state, pos, slot!, context, what);
    const elements = context.context ?? [];
    if (elements.length !== 1) {
      throw new EvalError(`context of string '${text}' must have exactly one element, but has ${elements.length}`, at(pos));
    }
    const parsed = parseContextElement(elements[0]!);
    if (parsed.kind === 'built') {
      throw new EvalError(
        `\`addDrvOutputDependencies\` can only act on derivations, not on a derivation output such as '${parsed.output}'`,
        at(pos),
      );
    }
    if (!isDerivationPath(parsed.path)) {
      throw new EvalError(`path '${printStorePath(parsed.path, state.host.constants.storeDir)}' is not a derivation`, at(pos));
    }
    return makeString(text, makeContext([deepElement(parsed.path)]));
  },
};

interface ContextInfo {
  path: boolean;
  allOutputs: boolean;
  readonly outputs: string[];
}

/** Where a derivation lies that may be an output of another. */
function resolveDerivation(state: EvalState, ref: DerivationRef): StorePath {
  if (typeof ref === 'string') return ref;
  const { host } = state;
  const { storeDir } = host.constants;
  const outer = resolveDerivation(state, ref.derivation);
  const output = host.readDerivation(outer)?.outputs.get(ref.output);
  if (output === undefined) {
    throw new FormatError(`derivation '${printStorePath(outer, storeDir)}' does not have an output named '${ref.output}'`);
  }
  const path = 'path' in output ? output.path : host.realisedOutput?.(outer, ref.output);
  if (path !== undefined) return path;
  const printed = printDerivationRef(ref.derivation, storeDir);
  throw new FormatError(`cannot operate on output '${ref.output}' of the unbuilt derivation '${printed}'`);
}

/** builtins.getContext */
export const getContext: BuiltinDefinition = {
  args: ['s'],
  text:
    'The context of a string as a set: for each store path `path = true` where the object itself is meant, `allOutputs = true` where it ' +
    'is a derivation with all it needs to be built, and `outputs`, the list of outputs meant.',
  run(state, pos, slot) {
    const context = new ContextAccumulator();
    forceStringInto(state, slot!, context, pos, 'while evaluating the argument passed to builtins.getContext');
    const infos = new Map<StorePath, ContextInfo>();
    const infoOf = (path: StorePath): ContextInfo => {
      let info = infos.get(path);
      if (info === undefined) infos.set(path, (info = { path: false, allOutputs: false, outputs: [] }));
      return info;
    };
    for (const { kind, path, derivation, output } of context.context ?? []) {
      if (kind === 'deep') infoOf(path).allOutputs = true;
      else if (kind === 'opaque') infoOf(path).path = true;
      else infoOf(resolveDerivation(state, derivation)).outputs.push(output);
    }
    const builder = new AttrsBuilder();
    for (const [path, info] of infos) {
      const entries: [string, Slot][] = [];
      if (info.path) entries.push(['path', true]);
      if (info.allOutputs) entries.push(['allOutputs', true]);
      if (info.outputs.length > 0) entries.push(['outputs', info.outputs.sort(compareStrings)]);
      builder.setName(printStorePath(path, state.host.constants.storeDir), makeAttrs(entries));
    }
    return builder.build();
  },
};

/** builtins.appendContext */
export const appendContext: BuiltinDefinition = {
  args: ['s', 'context'],
  text: 'The string with more context, given in the form that `getContext` gives.',
  run(state, pos, slot, contextSlot) {
    const context = new ContextAccumulator();
    const what = 'while evaluating the first argument passed to builtins.appendContext';
    const text = forceStringInto(state, slot!, context, NO_POSITION, what);
    const added = forceAttrs(state, contextSlot!, pos, 'while evaluating the second argument passed to builtins.appendContext');
    const { storeDir } = state.host.constants;
    for (let i = 0; i < added.size; i++) {
      const name = symbolName(added.keys()[i]!);
      const namePos = added.positionAt(i);
      let path: StorePath;
      try {
        path = parseStorePath(name, storeDir);
      } catch {
        throw new EvalError(`context key '${printIdentifier(name)}' is not a store path`, at(namePos));
      }
      ensureValid(state, path);
      const info = forceAttrs(state, added.slots()[i]!, namePos, 'while evaluating the value of a string context');
      const pathSlot = info.get(symbols.path);
      if (
        pathSlot !== undefined &&
        forceBool(state, pathSlot, info.position(symbols.path), 'while evaluating the `path` attribute of a string context')
      ) {
        context.addElement(opaqueElement(path));
      }
      const allOutputs = internSymbol('allOutputs');
      const allSlot = info.get(allOutputs);
      const whatAll = 'while evaluating the `allOutputs` attribute of a string context';
      if (allSlot !== undefined && forceBool(state, allSlot, info.position(allOutputs), whatAll)) {
        if (!isDerivationPath(path)) {
          throw new EvalError(
            `tried to add all-outputs context of ${printIdentifier(name)}, which is not a derivation, to a string`,
            at(namePos),
          );
        }
        context.addElement(deepElement(path));
      }
      const outputsSlot = info.get(symbols.outputs);
      if (outputsSlot !== undefined) {
        const outputsPos = info.position(symbols.outputs);
        const outputs = forceList(state, outputsSlot, outputsPos, 'while evaluating the `outputs` attribute of a string context');
        if (outputs.length > 0 && !isDerivationPath(path)) {
          throw new EvalError(
            `tried to add derivation output context of ${printIdentifier(name)}, which is not a derivation, to a string`,
            at(namePos),
          );
        }
        for (const output of outputs) {
          const whatOutput = 'while evaluating an output name within a string context';
          context.addElement(builtElement(path, forceStringNoContext(state, output, outputsPos, whatOutput)));
        }
      }
    }
    return makeString(text, context.context);
  },
};
