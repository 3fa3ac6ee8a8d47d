// Names that C++ Nix makes symbols of before it reads a program, in its order (2.34.8: createBaseEnv, the registration of its primops, its
// source of `derivation`). The order shows where sets are walked in the order of symbols.

import type { BuiltinTable } from './builtin.ts';

/** Names of the base environment. */
export const BASE_NAMES: readonly string[] = (
  'builtins true false null currentTime currentSystem nixVersion storeDir langVersion importNative exec traceVerbose nixPath ' +
  'scopedImport import typeOf isNull isFunction isInt isFloat isString isBool isPath genericClosure break abort throw addErrorContext ' +
  'ceil floor tryEval getEnv seq deepSeq trace warn derivationStrict placeholder toPath storePath pathExists baseNameOf dirOf ' +
  'readFile findFile hashFile readFileType readDir outputOf toXML toJSON fromJSON toFile filterSource path attrNames attrValues ' +
  'getAttr unsafeGetAttrPos hasAttr isAttrs removeAttrs listToAttrs intersectAttrs catAttrs functionArgs mapAttrs zipAttrsWith isList ' +
  "elemAt head tail map filter elem concatLists length foldl' any all genList sort partition groupBy concatMap add sub mul div bitAnd " +
  'bitOr bitXor lessThan toString substring stringLength hashString convertHash match split concatStringsSep replaceStrings ' +
  'parseDrvName compareVersions splitVersion unsafeDiscardStringContext hasContext unsafeDiscardOutputDependency ' +
  'addDrvOutputDependencies getContext appendContext fetchClosure fetchMercurial fetchTree fetchurl fetchTarball fetchGit fromTOML ' +
  'getFlake parseFlakeRef flakeRefToString derivation'
).split(' ');

/** Those that programs use bare; all others are in scope as `__name`. */
export const BARE_NAMES: ReadonlySet<string> = new Set(
  (
    'abort baseNameOf break builtins derivation derivationStrict dirOf false fetchGit fetchMercurial fetchTarball fetchTree fromTOML import ' +
    'isNull map null placeholder removeAttrs scopedImport throw toString true'
  ).split(' '),
);

/** Names in the source of `derivation`, in the order in which parsing it makes symbols of them. */
export const DERIVATION_NAMES: readonly string[] = (
  'outputs strict derivationStrict drvAttrs commonAttrs builtins listToAttrs outputsList all map x value ' +
  'outputToAttrListElement outputName name outPath getAttr drvPath type head'
).split(' ');

/** Whether the base environment has a name, for whoever binds a text without an evaluator at hand. */
export function isGlobalName(
  { functions, constants }: BuiltinTable,
  name: string,
  { hasFeature, isPure }: { hasFeature(feature: string): boolean; readonly isPure: boolean },
): boolean {
  if (name === 'builtins' || name === 'derivation') return true;
  const own = BARE_NAMES.has(name) ? name : name.slice(2);
  if (own !== name && (!name.startsWith('__') || BARE_NAMES.has(own))) return false;
  if (Object.hasOwn(constants, own)) return !(isPure && constants[own]!.impureOnly === true);
  if (!Object.hasOwn(functions, own)) return false;
  const feature = functions[own]!.experimentalFeature;
  return feature === undefined || hasFeature(feature);
}
