// `bundle`: a function of one flake applied to what another flake (or file) offers, and the derivation that comes out of it built.
// nix/bundle.cc.

import { byteStringToUtf8 } from '../base/bytes.ts';
import { EvalError } from '../base/errors.ts';
import { callFunction } from '../eval/call.ts';
import { coerceToStorePath, forceStringNoContext } from '../eval/coerce.ts';
import { isDerivation } from '../eval/equality.ts';
import { NO_POSITION } from '../eval/position.ts';
import { ContextAccumulator } from '../eval/string-context.ts';
import { symbols } from '../eval/symbol.ts';
import type { StorePath } from '../model/store-path.ts';
import { FoundDerivation } from './derivation-values.ts';
import type { Engine } from './engine.ts';
import type { Target } from './installables.ts';

/** The flake whose default bundler is taken unless another is named. */
export const DEFAULT_BUNDLER = 'github:NixOS/bundlers';

export interface Bundle {
  readonly outPath: StorePath;
  /** Of the derivation. */
  readonly name: string;
}

/** Applies the bundler to the target's value and builds what it gives. */
export async function bundle(engine: Engine, target: Target, bundler: string): Promise<Bundle> {
  const [found] = await engine.targets([bundler], 'bundle', undefined, { writeLockFile: false });
  const { evaluator } = engine.evaluation();
  const { state } = evaluator;
  const made = evaluator.guard(() => {
    const value = callFunction(state, found!.value().value, [target.value().value], NO_POSITION);
    if (!isDerivation(value) || value.get(symbols.outPath) === undefined)
      throw new EvalError(`the bundler '${found!.what}' does not produce a derivation`);
    const { drvPath } = new FoundDerivation(state, value, '');
    const outPath = coerceToStorePath(state, NO_POSITION, value.get(symbols.outPath)!, new ContextAccumulator(), '');
    const name = value.get(symbols.name);
    if (name === undefined) throw new EvalError("attribute 'name' missing");
    return { drvPath, outPath, name: byteStringToUtf8(forceStringNoContext(state, name, NO_POSITION, '')) };
  });
  await engine.builds.build([{ kind: 'built', derivation: made.drvPath, outputs: 'all' }], { quiet: true });
  return made;
}
