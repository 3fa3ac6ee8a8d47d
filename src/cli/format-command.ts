// What `floe fmt` and `floe formatter run` share: everything but their words.

import { Option } from 'clipanion';
import { findFormatter, runFormatter } from '../engine/formatters.ts';
import { BaseCommand } from './base-command.ts';
import { lockChoices } from './lock-choices.ts';
import { openEvaluatingEngine } from './open-engine.ts';
import { evalOptions, flakeOptions, jsonOptions, refuseSource, sourceOptions } from './options.ts';

/** Runs the formatter of the flake around the working folder. */
export abstract class FormatCommand extends BaseCommand {
  readonly options = { ...evalOptions(), ...flakeOptions(), ...sourceOptions() };
  readonly json = jsonOptions();
  readonly args = Option.Rest({ name: 'args' });

  async execute(): Promise<void> {
    refuseSource(this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const formatter = await findFormatter(engine, lockChoices(this, engine, this.options));
      this.session.report.close();
      await runFormatter(engine, formatter, this.args);
    } finally {
      await engine.close();
    }
  }
}
