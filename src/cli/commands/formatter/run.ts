// `floe formatter run`: runs the formatter of the flake around the working folder; `floe fmt` in more words.

import { Command, Option } from 'clipanion';
import { findFormatter, runFormatter } from '../../../engine/formatters.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockChoices } from '../../lock-choices.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions, flakeOptions, jsonOptions, refuseSource, sourceOptions } from '../../options.ts';

export class FormatterRunCommand extends BaseCommand {
  static override paths = [['formatter', 'run']];
  static override usage = Command.Usage({
    description: 'reformat your code in the standard style',
    examples: [
      ['Everything in this flake', 'floe formatter run'],
      ['Two files', 'floe formatter run ./flake.nix ./package.nix'],
    ],
  });

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
