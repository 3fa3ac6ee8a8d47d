// `import` and `scopedImport`. Reading, parsing and remembering what a file evaluated to is the evaluator's; here is what may be
// imported: files, folders (their default.nix), and derivations in the store, which become derivation values again.

import { isDerivationPath, splitStorePath, type StorePath } from '../../model/store-path.ts';
import { makeAttrs } from '../attrs.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { call1 } from '../call.ts';
import { forceAttrs, forceFunction } from '../coerce.ts';
import type { PositionId } from '../position.ts';
import type { EvalState } from '../state.ts';
import { contextOf, deepElement } from '../string-context.ts';
import { makeString, type Slot, type Value } from '../value.ts';
import { outputString } from './derivation.ts';
import { realisePath } from './realise.ts';

/** Makes of `{ drvPath, name, outputs, <output> = path }` what `derivation` would have made. */
const IMPORTED_DERIVATION = `described@{ drvPath, name, outputs, ... }:
let
  common = builtins.listToAttrs variants // {
    inherit drvPath name;
    all = map (variant: variant.value) variants;
    type = "derivation";
  };
  variants = map (outputName: {
    name = outputName;
    value = common // {
      inherit outputName;
      outPath = builtins.getAttr outputName described;
    };
  }) outputs;
in
(builtins.head variants).value
`;

const WRAPPER = Symbol('function that makes values of imported derivations');

/** The derivation that a path is, where it is one and valid. */
function derivationAt(state: EvalState, path: string): StorePath | undefined {
  if (!path.endsWith('.drv')) return undefined;
  const split = splitStorePath(path, state.host.constants.storeDir);
  if (split === undefined || split.rest !== '' || !isDerivationPath(split.storePath)) return undefined;
  return state.host.isValidPath(split.storePath) ? split.storePath : undefined;
}

function importDerivation(state: EvalState, pos: PositionId, path: string, storePath: StorePath): Value | undefined {
  const derivation = state.host.readDerivation(storePath);
  if (derivation === undefined) return undefined;
  const entries: [string, Slot][] = [
    ['drvPath', makeString(path, contextOf(deepElement(storePath)))],
    ['name', derivation.env.get('name') ?? ''],
    ['outputs', [...derivation.outputs.keys()]],
  ];
  for (const [output, kind] of derivation.outputs) {
    entries.push([output, outputString(state, storePath, output, kind)]);
  }
  const wrapper = state.cache(WRAPPER, () => state.evalText(IMPORTED_DERIVATION, '/', '«nix-internal»/imported-drv-to-derivation.nix'));
  const fn = forceFunction(state, wrapper, pos, 'while evaluating imported-drv-to-derivation.nix.gen.hh');
  return forceAttrs(state, call1(fn, makeAttrs(entries), pos), pos, 'while calling imported-drv-to-derivation.nix.gen.hh');
}

/** builtins.import */
export const import_: BuiltinDefinition = {
  args: ['path'],
  forces: [0],
  text:
    'The value of the expression in a file; of a folder, that in its `default.nix`. A file is evaluated once, however often it is ' +
    'imported. It sees the builtins and nothing of who imports it.',
  run(state, pos, slot) {
    const path = realisePath(state, pos, slot!);
    const storePath = derivationAt(state, path);
    return (storePath === undefined ? undefined : importDerivation(state, pos, path, storePath)) ?? state.importFile(path, pos);
  },
};

/** builtins.scopedImport */
export const scopedImport: BuiltinDefinition = {
  args: ['scope', 'path'],
  text: 'Like `import`, but the names in the set *scope* are in scope too, before the builtins. The file is evaluated anew each time.',
  run(state, pos, scopeSlot, slot) {
    const path = realisePath(state, pos, slot!);
    const storePath = derivationAt(state, path);
    const imported = storePath === undefined ? undefined : importDerivation(state, pos, path, storePath);
    if (imported !== undefined) return imported;
    const scope = forceAttrs(state, scopeSlot!, pos, 'while evaluating the first argument passed to builtins.scopedImport');
    return state.importScoped(path, scope, pos);
  },
};
