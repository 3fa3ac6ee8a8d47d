// From targets to packages of a profile: what is to be built, where it came from, how it ranks. libcmd/installable-flake.cc.

import { compareStrings } from '../base/bytes.ts';
import { EvalError, WrongTypeError } from '../base/errors.ts';
import { Attrs, EMPTY_ATTRS } from '../eval/attrs.ts';
import { coerceToStorePath } from '../eval/coerce.ts';
import { isDerivation } from '../eval/equality.ts';
import { ContextAccumulator } from '../eval/string-context.ts';
import { internSymbol, symbols } from '../eval/symbol.ts';
import { force } from '../eval/value.ts';
import type { DerivedPath } from '../model/derived-path.ts';
import { DEFAULT_PRIORITY, type ElementSource, type ProfileElement } from '../profile/manifest.ts';
import type { Builds } from './builds.ts';
import { findDerivations } from './derivation-values.ts';
import type { Engine } from './engine.ts';
import { FlakeTarget, type Target } from './installables.ts';

/** A package before it is built. */
export interface PackageDescription {
  readonly paths: readonly DerivedPath[];
  readonly source: ElementSource | undefined;
  readonly priority: number;
}

/** Evaluates a target. Only derivations of flakes have a source that can be upgraded. */
export function describeTarget(engine: Engine, target: Target): PackageDescription {
  const paths = target.derivedPaths();
  if (!(target instanceof FlakeTarget)) return { paths, source: undefined, priority: DEFAULT_PRIORITY };
  const { evaluator } = engine.evaluation();
  return evaluator.guard(() => {
    const { value, attrPath } = target.value();
    if (!(value instanceof Attrs) || !isDerivation(value)) return { paths, source: undefined, priority: DEFAULT_PRIORITY };
    const source = { originalRef: target.ref, lockedRef: target.flake.top.lockedRef, attrPath, outputs: target.outputs };
    const meta = value.get(symbols.outputSpecified) === undefined ? value.force(symbols.meta) : undefined;
    const priority = meta instanceof Attrs ? meta.get(internSymbol('priority')) : undefined;
    if (priority === undefined) return { paths, source, priority: DEFAULT_PRIORITY };
    const number = force(priority);
    if (typeof number !== 'number' && typeof number !== 'bigint') throw new WrongTypeError(`'${attrPath}.meta.priority' is not an integer`);
    return { paths, source, priority: Number(number) };
  });
}

/** The package once everything is built. */
export function builtElement(builds: Builds, { paths, source, priority }: PackageDescription): ProfileElement {
  const storePaths = new Set(paths.flatMap((path) => [...builds.outputPaths(path).values()]));
  return { storePaths: [...storePaths].sort(compareStrings), source, active: true, priority };
}

/** The packages in a manifest.nix, which nix-env writes: an expression that imports nothing, a list of derivations. */
export function nixEnvElements(engine: Engine, text: string): ProfileElement[] {
  const { evaluator } = engine.evaluation();
  const { state } = evaluator;
  return evaluator.guard(() =>
    findDerivations(state, evaluator.evalText(text, '/'), EMPTY_ATTRS).map(({ attrs, name }) => {
      const outPath = attrs.get(symbols.outPath);
      if (outPath === undefined) throw new EvalError(`package '${name}' of a profile made by nix-env has no attribute 'outPath'`);
      const what = 'while evaluating the output path of a derivation';
      const path = coerceToStorePath(state, attrs.position(symbols.outPath), outPath, new ContextAccumulator(), what);
      return { storePaths: [path], source: undefined, active: true, priority: DEFAULT_PRIORITY };
    }),
  );
}
