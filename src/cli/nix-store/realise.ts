// `nix-store --realise`, and realising on the way of other operations.

import { FloeError } from '../../base/errors.ts';
import { type DerivedPath } from '../../model/derived-path.ts';
import { isDerivationPath, type StorePath } from '../../model/store-path.ts';
import type { OperationRun } from './operation.ts';

interface Wanted {
  readonly path: StorePath;
  /** Empty for all. */
  readonly outputs: readonly string[];
}

function derivedPath({ path, outputs }: Wanted): DerivedPath {
  if (!isDerivationPath(path)) return { kind: 'opaque', path };
  return { kind: 'built', derivation: path, outputs: outputs.length === 0 ? 'all' : [...outputs].sort() };
}

/** The paths, or the links to them, that realising gave; with `build` it is done now. */
export async function realisePath(run: OperationRun, path: StorePath, outputs: readonly string[], build: boolean): Promise<string[]> {
  const { engine, roots, queries, store } = run;
  const wanted = derivedPath({ path, outputs });
  if (build) await engine.builds.build([wanted], { quiet: true, older: true });
  roots.next();
  if (wanted.kind === 'opaque') {
    if (!store.isValidPathSync(path))
      throw new FloeError('FLOE_INVALID_PATH', `path '${engine.storeDir}/${path}' does not exist and cannot be created`);
    return [await roots.place(path)];
  }
  const derivation = await queries.derivation(path);
  const missing = outputs.find((name) => !derivation.outputs.has(name));
  if (missing !== undefined) {
    throw new FloeError('FLOE_NO_OUTPUT', `derivation '${engine.storeDir}/${path}' does not have an output named '${missing}'`);
  }
  const places: string[] = [];
  for (const [name, output] of engine.builds.outputPaths(wanted)) places.push(await roots.place(output, name));
  return [...new Set(places)].sort();
}

/** `nix-store --realise`. */
export async function realise(run: OperationRun): Promise<void> {
  const flags = run.readFlags('--dry-run', '--repair', '--check', '--ignore-unknown');
  const { builds, settings } = run.engine;
  const named: Wanted[] = run.args.map((arg) => run.queries.resolveWithOutputs(arg));
  const plan = await builds.plan(named.map(derivedPath));
  const ignoresUnknown = flags.has('--ignore-unknown');
  const known = ignoresUnknown ? named.filter(({ path }) => !plan.unknown.has(path)) : named;
  if (settings.get('print-missing')) builds.printPlan(ignoresUnknown ? { ...plan, unknown: new Set() } : plan, 'info');
  if (flags.has('--dry-run')) return;
  const mode = flags.has('--check') ? 'check' : flags.has('--repair') ? 'repair' : 'normal';
  await builds.build(known.map(derivedPath), { mode, quiet: true, older: true });
  if (ignoresUnknown) return;
  for (const { path, outputs } of known) {
    const places = await realisePath(run, path, outputs, false);
    if (run.printsResults) places.forEach((place) => run.print(place));
  }
}
