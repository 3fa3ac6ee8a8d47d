// From words to what they point at: flake outputs, store paths, attributes of a file or expression; and from there to values and to
// what is to be built. libcmd/installables.cc and installable-flake.cc for the order in which things are tried and for the words.

import { compareStrings } from '../base/bytes.ts';
import { MissingAttributeError, UsageError } from '../base/errors.ts';
import { type Progress, SILENT } from '../base/progress.ts';
import { nearestNames } from '../base/suggestions.ts';
import { Attrs } from '../eval/attrs.ts';
import { autoCallFunction } from '../eval/auto-call.ts';
import { internSymbol, querySymbol, symbolName } from '../eval/symbol.ts';
import { force, peek, type Slot, type Value } from '../eval/value.ts';
import { parseAttrPath } from '../model/attr-path.ts';
import { baseDerivation, type DerivedPath, type OutputsSpec, printDerivedPath } from '../model/derived-path.ts';
import { type FlakeRef, printFlakeRef } from '../model/flake-ref.ts';
import type { StorePath } from '../model/store-path.ts';
import { attrPathDerivedPaths, findAlongAttrPath, flakeOutputDerivedPath } from './derivation-values.ts';
import type { Evaluation } from './evaluation.ts';
import type { LockedFlake } from './flakes.ts';

/** Where a flake's outputs are looked for when the words do not say it all: whole paths for no fragment, prefixes before a fragment. */
export interface OutputDefaults {
  readonly paths: readonly string[];
  readonly prefixes: readonly string[];
}

/** What commands do with installables; each looks in other places first. */
export type Purpose = 'build' | 'develop' | 'run' | 'search' | 'bundle' | 'repl';

/** libcmd/installables.cc, nix/develop.cc and nix/run.cc: getDefaultFlakeAttrPaths and -Prefixes. */
export function outputDefaults(purpose: Purpose, system: string): OutputDefaults {
  const packages: OutputDefaults = {
    paths: [`packages.${system}.default`, `defaultPackage.${system}`],
    prefixes: [`packages.${system}.`, `legacyPackages.${system}.`],
  };
  switch (purpose) {
    case 'build':
      return packages;
    case 'develop':
      return {
        paths: [`devShells.${system}.default`, `devShell.${system}`, ...packages.paths],
        prefixes: [`devShells.${system}.`, ...packages.prefixes],
      };
    case 'run':
      return {
        paths: [`apps.${system}.default`, `defaultApp.${system}`, ...packages.paths],
        prefixes: [`apps.${system}.`, ...packages.prefixes],
      };
    case 'bundle':
      return { paths: [`bundlers.${system}.default`, `defaultBundler.${system}`], prefixes: [`bundlers.${system}.`] };
    case 'repl':
      return { paths: [''], prefixes: packages.prefixes };
    case 'search':
      return { paths: [`packages.${system}`, `legacyPackages.${system}`], prefixes: packages.prefixes };
  }
}

/** A value, and where it was found: the path as one text and, where that is ambiguous, its parts. */
export interface FoundValue {
  readonly value: Value;
  readonly attrPath: string;
  readonly path?: readonly string[];
}

/** Of the engine: its evaluator, which may be another one later, and the `--arg`s as that one has them. */
export interface Evaluating {
  evaluation(): Evaluation;
  autoArgs(): Attrs;
}

/** One installable, resolved as far as it goes without evaluating. */
export interface Target {
  /** As messages name it. */
  readonly what: string;
  /** Undefined for store paths. */
  readonly flake?: LockedFlake | undefined;
  /** The store object itself, for installables that are store paths. */
  readonly storePath?: StorePath | undefined;
  /** The value, and the attribute path at which it was found. UsageError where the installable is no value. */
  value(): FoundValue;
  /** The values at all places where it may be found, at least one: what `search` looks through. */
  values(): FoundValue[];
  derivedPaths(): DerivedPath[];
}

/** A store path, or outputs of a derivation in the store. */
export class StorePathTarget implements Target {
  readonly what: string;
  readonly storePath: StorePath;
  private readonly path: DerivedPath;

  constructor(path: DerivedPath, storeDir: string) {
    this.what = printDerivedPath(path, storeDir);
    this.storePath = path.kind === 'opaque' ? path.path : baseDerivation(path.derivation);
    this.path = path;
  }

  value(): never {
    throw new UsageError(`installable '${this.what}' does not correspond to a Nix language value`);
  }

  values(): never {
    return this.value();
  }

  derivedPaths(): DerivedPath[] {
    return [this.path];
  }
}

/** An attribute of what `--file` or `--expr` gave. */
export class AttributeTarget implements Target {
  readonly what: string;
  private readonly engine: Evaluating;
  private readonly root: () => Slot;
  private readonly outputs: OutputsSpec | undefined;

  constructor(engine: Evaluating, root: () => Slot, attrPath: string, outputs: OutputsSpec | undefined) {
    this.engine = engine;
    this.root = root;
    this.what = attrPath;
    this.outputs = outputs;
  }

  value(): { value: Value; attrPath: string } {
    const { evaluator } = this.engine.evaluation();
    const value = evaluator.guard(() => findAlongAttrPath(evaluator.state, this.what, this.engine.autoArgs(), this.root()));
    return { value, attrPath: this.what };
  }

  values(): FoundValue[] {
    // NIX: whatever path led there, what is below counts from the value.
    return [{ value: this.value().value, attrPath: '', path: [] }];
  }

  derivedPaths(): DerivedPath[] {
    const { evaluator } = this.engine.evaluation();
    const { value } = this.value();
    return evaluator.guard(() => attrPathDerivedPaths(evaluator.state, value, this.what, this.engine.autoArgs(), this.outputs));
  }

  /** The value with `--arg`s applied, as `nix-instantiate --eval` shows it. */
  calledValue(): Value {
    const { evaluator } = this.engine.evaluation();
    return evaluator.guard(() => autoCallFunction(evaluator.state, this.engine.autoArgs(), this.value().value));
  }
}

/** An output of a locked flake. */
export class FlakeTarget implements Target {
  readonly what: string;
  readonly flake: LockedFlake;
  readonly ref: FlakeRef;
  /** As the user named them; undefined for the default ones. */
  readonly outputs: OutputsSpec | undefined;
  private readonly engine: Evaluating;
  private readonly progress: Progress;
  private readonly candidates: readonly string[];

  constructor(
    engine: Evaluating,
    flake: LockedFlake,
    ref: FlakeRef,
    fragment: string,
    outputs: OutputsSpec | undefined,
    defaults: OutputDefaults,
    progress: Progress = SILENT,
  ) {
    this.progress = progress;
    this.engine = engine;
    this.flake = flake;
    this.ref = ref;
    this.outputs = outputs;
    this.candidates = candidatePaths(fragment, defaults);
    this.what = `${printFlakeRef(ref)}#${fragment === '' ? (this.candidates[0] ?? '') : fragment}`;
  }

  value(): FoundValue {
    return this.find(1)[0]!;
  }

  values(): FoundValue[] {
    return this.find(Infinity);
  }

  /** At most that many; MissingAttributeError where there is none. */
  private find(limit: number): FoundValue[] {
    return this.engine.evaluation().evaluator.guard(() => {
      // NIX: the names of a path are known before anything is evaluated; see symbols in symbol.ts.
      for (const candidate of this.candidates) parseAttrPath(candidate).forEach(internSymbol);
      const root = this.flake.outputs();
      const near: string[] = [];
      const all: FoundValue[] = [];
      for (const candidate of this.candidates) {
        const path = parseAttrPath(candidate);
        const found = selectOutput(root, path, near);
        if (found !== undefined) all.push({ value: found, attrPath: path.join('.'), path });
        if (all.length === limit) break;
      }
      if (all.length > 0) return all;
      throw new MissingAttributeError(
        `flake '${printFlakeRef(this.ref)}' does not provide attribute ${printAlternatives(this.candidates)}`,
        {
          suggestions: near.slice(0, 5),
          hint: this.otherSystems(root),
        },
      );
    });
  }

  /** What to say where a flake has what is wanted, but for other systems. */
  private otherSystems(root: Value): string | undefined {
    const system = this.engine.evaluation().host.constants.currentSystem;
    for (const [kind, asked] of this.candidates.map((candidate) => parseAttrPath(candidate))) {
      const symbol = querySymbol(kind!);
      const slot = asked !== system || symbol === undefined || !(root instanceof Attrs) ? undefined : root.get(symbol);
      const value = slot === undefined ? undefined : peek(slot);
      if (!(value instanceof Attrs) || value.size === 0) continue;
      const systems = value.keys().map(symbolName).sort(compareStrings);
      if (!systems.includes(system)) return `'${kind}' is there for ${systems.join(', ')}, but not for this system, ${system}`;
    }
    return undefined;
  }

  derivedPaths(): DerivedPath[] {
    const { evaluator } = this.engine.evaluation();
    const activity = this.progress.start('unknown', `evaluating derivation '${this.what}'`, { level: 'talkative' });
    try {
      return evaluator.guard(() => {
        const { value, attrPath } = this.value();
        return [flakeOutputDerivedPath(evaluator.state, value, attrPath, this.outputs)];
      });
    } finally {
      activity.stop();
    }
  }
}

function candidatePaths(fragment: string, { paths, prefixes }: OutputDefaults): string[] {
  if (fragment === '') return [...paths];
  if (fragment.startsWith('.')) return [fragment.slice(1)];
  return [...prefixes.map((prefix) => prefix + fragment), fragment];
}

/** The value at a path; undefined where there is none, with names like the missing one added to `near`. */
function selectOutput(root: Value, path: readonly string[], near: string[]): Value | undefined {
  let value = root;
  for (const name of path) {
    if (!(value instanceof Attrs)) return undefined;
    const symbol = querySymbol(name);
    const slot = symbol === undefined ? undefined : value.get(symbol);
    if (slot === undefined) {
      const names = value.keys().map(symbolName).sort(compareStrings);
      near.push(...nearestNames(names, name).filter((candidate) => !near.includes(candidate)));
      return undefined;
    }
    value = force(slot);
  }
  return value;
}

function printAlternatives(paths: readonly string[]): string {
  return paths.map((path, index) => `${index === 0 ? '' : index + 1 === paths.length ? ' or ' : ', '}'${path}'`).join('');
}
