// Between evaluating and doing. Commands that build find out first what is to be built and what else they need to know, as plain data, and
// then do it. So that what was found out may come from a process that stays (warm-evaluators.ts): it has told nobody, and built nothing;
// the derivations are in the store. The user's process says what there was to say, and does the rest as if it had evaluated itself.

import { baseDerivation, type DerivedPath } from '../model/derived-path.ts';
import type { StorePath } from '../model/store-path.ts';
import type { FlakeValues } from './config.ts';
import type { Engine } from './engine.ts';
import { type ProgressEvent, ProgressReplay } from './progress-events.ts';

/** What a command found out: at least what has to be there before it goes on. JSON can hold all of it. */
export interface Findings {
  readonly paths: readonly DerivedPath[];
}

/** Findings on their way from one process to another, with what was told and what settings the flake made meanwhile. JSON, too. */
export interface HandedOver {
  readonly findings: Findings;
  readonly told: readonly ProgressEvent[];
  readonly settings: FlakeValues;
}

/** Where an engine gets findings from, and who hears of them. */
export interface FindingsPlace {
  /** Somebody else has evaluated. */
  readonly handed?: HandedOver | undefined;
  /** Told once they are there, before anything is done about them; only where this process has evaluated. */
  readonly onFound?: ((handOver: () => HandedOver) => void) | undefined;
}

/** The store objects that have to be there before anything is built. */
function rootsOf({ paths }: Findings): Set<StorePath> {
  return new Set(paths.map((path) => (path.kind === 'built' ? baseDerivation(path.derivation) : path.path)));
}

/** Findings that another process handed over; undefined where the store has lost something of them since. */
export function takeFindings<Found extends Findings>(engine: Engine, { findings, told, settings }: HandedOver): Found | undefined {
  const { store, progress } = engine;
  const roots = [...rootsOf(findings)];
  // What the other process kept from a collector it does not keep any more.
  store.addTempRootsSync(roots);
  if (!roots.every((path) => store.isValidPathSync(path))) return undefined;
  // What they rest on is not known here.
  engine.reads?.refuse('another process has evaluated');
  const replay = new ProgressReplay(progress);
  for (const event of told) replay.receive(event);
  engine.settings.takeFlakeValues(settings);
  return findings as Found;
}

/** Makes findings ready for another process: what is to be built is written. */
export function handOver(engine: Engine, findings: Findings, told: readonly ProgressEvent[]): HandedOver {
  engine.builds.flush(findings.paths);
  return { findings, told, settings: engine.settings.flakeValues() };
}
