// What `nix-build` builds: one output of each derivation that programs stand for, or of derivations in the store. nix-build/nix-build.cc.

import * as fs from 'node:fs';
import { resolve } from 'node:path';
import { FloeError, FormatError } from '../base/errors.ts';
import type { BuildMode } from '../build/outputs.ts';
import type { DerivedPath } from '../model/derived-path.ts';
import { isDerivationPath, parseStorePath, type StorePath } from '../model/store-path.ts';
import type { Engine, SourceChoice } from './engine.ts';
import { Instantiation } from './instantiate.ts';
import { StoreQueries } from './store-queries.ts';

/** One output of one derivation. */
export interface Wanted {
  readonly derivation: StorePath;
  readonly output: string;
}

/** A derivation in the store that a word names, perhaps over links and with `!output` behind it. */
export async function storedDerivation(engine: Engine, word: string): Promise<Wanted | undefined> {
  const queries = new StoreQueries(engine);
  let found: { path: StorePath; outputs: readonly string[] };
  try {
    const real = fs.existsSync(resolve(engine.cwd, word)) ? fs.realpathSync(resolve(engine.cwd, word)) : word;
    found = queries.resolveWithOutputs(real);
    parseStorePath(real.split('!')[0]!, engine.storeDir);
    // Links among the folders on the way are not written down.
    if (real !== word) engine.reads?.refuse(`'${word}' leads into the store`);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
  const { path, outputs } = found;
  if (!isDerivationPath(path)) return undefined;
  const derivation = await queries.derivation(path);
  if (outputs.length > 1) throw new FloeError('FLOE_USAGE', `building more than one derivation output is not supported, in '${word}'`);
  const output = outputs[0] ?? derivation.env.get('outputName') ?? 'out';
  if (!derivation.outputs.has(output)) {
    throw new FloeError('FLOE_NO_OUTPUT', `derivation '${engine.storeDir}/${path}' does not have output '${output}'`);
  }
  return { derivation: path, output };
}

/** Evaluates programs; derivations among the words come first. */
export async function wantedOf(engine: Engine, sources: readonly SourceChoice[], attrPaths: readonly string[]): Promise<Wanted[]> {
  const wanted: Wanted[] = [];
  const programs: SourceChoice[] = [];
  for (const source of sources) {
    const stored = source.kind === 'file' ? await storedDerivation(engine, source.path) : undefined;
    if (stored === undefined) programs.push(source);
    else wanted.push(stored);
  }
  const instantiation = new Instantiation(engine);
  for (const source of programs) {
    const root = instantiation.value(source);
    for (const attrPath of attrPaths)
      wanted.push(...instantiation.found(root, attrPath).map(({ path, output }) => ({ derivation: path, output })));
  }
  return wanted;
}

/** Builds them, after saying what that takes; where the outputs are, in the order of `wanted`. */
export async function buildWanted(
  engine: Engine,
  wanted: readonly Wanted[],
  { mode, dryRun }: { readonly mode: BuildMode; readonly dryRun: boolean },
): Promise<StorePath[]> {
  const { builds } = engine;
  const paths = wanted.map(({ derivation, output }): DerivedPath => ({ kind: 'built', derivation, outputs: [output] }));
  builds.flush(paths);
  if (!dryRun) await builds.build(paths, { mode, older: true });
  else if (engine.settings.get('print-missing')) await builds.printMissing(paths, 'info');
  return paths.flatMap((path) => [...builds.outputPaths(path).values()]);
}

/** Links `result`, `result-2`, `result-dev`: numbers count derivations, and outputs other than "out" add their names. */
export async function linkResults(engine: Engine, wanted: readonly Wanted[], link: string): Promise<void> {
  const numbers = new Map<StorePath, number>();
  for (const { derivation, output } of wanted) {
    if (!numbers.has(derivation)) numbers.set(derivation, numbers.size);
    const number = numbers.get(derivation)!;
    const [path] = engine.builds.outputPaths({ kind: 'built', derivation, outputs: [output] }).values();
    await engine.builds.makeLink(path!, `${link}${number > 0 ? `-${number + 1}` : ''}${output === 'out' ? '' : `-${output}`}`);
  }
}
