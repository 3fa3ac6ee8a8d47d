// `flake check` on this machine: outputs are checked by flake/check.ts, the derivations of `checks` are built. nix/flake.cc.

import { FloeError } from '../base/errors.ts';
import { EMPTY_ATTRS } from '../eval/attrs.ts';
import { isDerivation } from '../eval/equality.ts';
import { symbols } from '../eval/symbol.ts';
import { resolveError } from '../eval/trace.ts';
import { force } from '../eval/value.ts';
import type { Activity } from '../base/progress.ts';
import { type CheckHelper, checkFlake, type CheckResult, type FoundCheck } from '../flake/check.ts';
import type { Parts } from '../flake/parts.ts';
import { type DerivedPath, printDerivedPath } from '../model/derived-path.ts';
import { findAlongAttrPath, FoundDerivation } from './derivation-values.ts';
import type { Engine } from './engine.ts';
import type { LockedFlake } from './flakes.ts';
import { walkTogether } from './shared-work.ts';

export interface FlakeCheckOptions {
  readonly build: boolean;
  readonly allSystems: boolean;
  /** Gets the errors of a run that goes on after them. */
  readonly showError: (error: FloeError) => void;
}

/** Checks a flake, and builds its checks. FloeError where something is wrong. */
export async function runFlakeCheck(engine: Engine, flake: LockedFlake, options: FlakeCheckOptions): Promise<void> {
  const run = new FlakeCheck(engine, options);
  const { checks, omittedSystems } = await run.evaluate(flake);
  if (options.build && checks.length > 0) await run.build(checks);
  if (run.hasErrors) throw new FloeError('FLOE_FLAKE_CHECK', 'some errors were encountered during the evaluation');
  engine.progress.log('info', 'all checks passed!');
  if (omittedSystems.length > 0) {
    engine.progress.log(
      'warn',
      `The check omitted these incompatible systems: ${omittedSystems.join(', ')}\nUse '--all-systems' to check all.`,
    );
  }
}

/** What a check says as it goes. */
type CheckSaying = readonly ['start' | 'note' | 'warn', string] | readonly ['stop'];

class FlakeCheck {
  private readonly engine: Engine;
  private readonly options: FlakeCheckOptions;
  hasErrors = false;
  private readonly activities: Activity[] = [];

  constructor(engine: Engine, options: FlakeCheckOptions) {
    this.engine = engine;
    this.options = options;
  }

  async evaluate(flake: LockedFlake): Promise<CheckResult> {
    const { settings, builds } = this.engine;
    const options = { system: settings.get('system'), allSystems: this.options.allSystems };
    const result = await walkTogether<CheckSaying, CheckResult>(this.engine, {
      writes: this.options.build,
      show: (saying) => this.show(saying),
      run: (parts) => {
        this.hasErrors = false;
        return during(parts, 'evaluating flake', () => {
          const { evaluator } = this.engine.evaluation();
          const outputs = flake.outputs();
          return evaluator.guard(() => checkFlake(evaluator.state, outputs, options, this.helper(parts)));
        });
      },
    });
    if (this.options.build) builds.flushAll();
    return result;
  }

  private show([kind, text]: CheckSaying): void {
    const { progress } = this.engine;
    if (kind === 'stop') this.activities.pop()?.stop();
    else if (kind === 'start') this.activities.push(progress.start('unknown', text, { level: 'info' }));
    else progress.log(kind === 'note' ? 'info' : 'warn', text);
  }

  private report(error: FloeError): void {
    resolveError(error, this.engine.evaluation().evaluator.state.positions);
    this.options.showError(error);
    this.hasErrors = true;
  }

  private helper(parts: Parts<CheckSaying>): CheckHelper {
    const { state } = this.engine.evaluation().evaluator;
    return {
      parts,
      derivation(slot) {
        const value = force(slot);
        if (!isDerivation(value)) return null;
        const found = new FoundDerivation(state, value, '');
        void found.name;
        return value.get(symbols.drvPath) === undefined ? undefined : found.drvPath;
      },
      select: (slot, path) => findAlongAttrPath(state, path, EMPTY_ATTRS, slot),
      during: (text, run) => during(parts, text, run),
      note: (text) => parts.say(['note', text]),
      warn: (text) => parts.say(['warn', text]),
      report: (error) => {
        if (!this.engine.settings.get('keep-going')) throw error;
        parts.aloud(() => this.report(error));
      },
    };
  }

  /** NIX: what could be substituted is not fetched; that it can be is enough. */
  async build(checks: readonly FoundCheck[]): Promise<void> {
    const { builds, progress, storeDir } = this.engine;
    const all = (derivation: string): DerivedPath => ({ kind: 'built', derivation, outputs: 'all' }) as DerivedPath;
    const wanted = checks.map(({ derivation }) => all(derivation));
    const plan = await builds.plan(wanted);
    builds.noteDone(wanted, plan);
    const paths = [...plan.willBuild.keys()].sort().map(all);
    const activity = progress.start('unknown', `running ${paths.length} flake checks`, { level: 'info' });
    const { results } = await builds.tryBuild(paths).finally(() => activity.stop());
    for (const result of results) {
      if (result.success) continue;
      const { request, error } = result;
      const words = `build of '${printDerivedPath(request, storeDir)}' failed: ${error.message}`;
      const names = checks.filter(({ derivation }) => request.kind === 'built' && derivation === request.derivation);
      for (const { attrPath } of names)
        this.reportBuild(new FloeError('FLOE_FLAKE_CHECK', `failed to build attribute '${attrPath}', ${words}`));
      if (names.length === 0) this.reportBuild(new FloeError('FLOE_FLAKE_CHECK', words));
    }
  }
  private reportBuild(error: FloeError): void {
    if (!this.engine.settings.get('keep-going')) throw error;
    this.report(error);
  }
}

function during<Result>(parts: Parts<CheckSaying>, text: string, run: () => Result): Result {
  parts.say(['start', text]);
  try {
    return run();
  } finally {
    parts.say(['stop']);
  }
}
