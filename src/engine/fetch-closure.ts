// `builtins.fetchClosure`: a path and all that it refers to out of a binary cache, as it is or rewritten so that every path follows
// from its contents. The evaluator's thread checks what is asked for, the worker behind the bridge copies.
// (Nix: libexpr/primops/fetchClosure.cc.)

import { EvalError } from '../base/errors.ts';
import type { ClosureRequest, FetchedClosure } from '../eval/host.ts';
import { isContentAddressed } from '../model/path-info.ts';
import type { StorePath } from '../model/store-path.ts';
import type { Engine } from './engine.ts';

/** In the evaluator's thread: copies what the store does not have yet. */
export function fetchClosureForEvaluation(
  engine: Engine,
  request: ClosureRequest,
): FetchedClosure & { readonly closure: readonly StorePath[] } {
  const { fromStore, fromPath, toPath, inputAddressed } = request;
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(fromStore)?.[1];
  const isTest = engine.env['_NIX_IN_TEST'] !== undefined;
  if (scheme !== 'http' && scheme !== 'https' && !(isTest && scheme === 'file'))
    throw new EvalError("'fetchClosure' only supports http:// and https:// stores");
  if (fromStore.includes('?')) throw new EvalError(`'fetchClosure' does not support URL query parameters (in '${fromStore}')`);
  const wanted = toPath ?? fromPath;
  const isThere = toPath !== null && engine.evalStore.isValidPathSync(wanted);
  const rewritten = isThere
    ? undefined
    : (engine.callBridge('fetch-closure', { fromStore, fromPath, toPath, inputAddressed }) as StorePath | undefined);
  if (rewritten !== undefined && rewritten !== toPath) return { rewritten, isContentAddressed: true, closure: [] };
  const info = engine.evalStore.queryPathInfoSync(wanted);
  return {
    rewritten,
    isContentAddressed: info !== undefined && isContentAddressed(info, engine.storeDir),
    closure: closureOf(engine, wanted),
  };
}

function closureOf({ evalStore }: Engine, root: StorePath): StorePath[] {
  const seen = new Set([root]);
  for (const path of seen) for (const reference of evalStore.queryPathInfoSync(path)?.references ?? []) seen.add(reference);
  return [...seen];
}

/** In the worker. Gives the path that rewriting led to. */
export async function fetchClosure(engine: Engine, { fromStore, fromPath, toPath }: ClosureRequest): Promise<StorePath | undefined> {
  if (toPath === undefined) {
    const { copyBetweenStores } = await import('./copy-paths.ts');
    await copyBetweenStores(engine, { from: fromStore, to: undefined, paths: [fromPath], recursive: true, checkSignatures: true });
    return undefined;
  }
  const { makeContentAddressed } = await import('./make-content-addressed.ts');
  return (await makeContentAddressed(engine, [fromPath], { from: fromStore, to: undefined })).get(fromPath);
}
