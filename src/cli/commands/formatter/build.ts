// `floe formatter build`: builds the flake's formatter and tells its program.

import { Command, Option } from 'clipanion';
import { findFormatter, linkFormatter } from '../../../engine/formatters.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockChoices } from '../../lock-choices.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions, flakeOptions, refuseSource, sourceOptions } from '../../options.ts';

export class FormatterBuildCommand extends BaseCommand {
  static override paths = [['formatter', 'build']];
  static override usage = Command.Usage({
    description: "build the current flake's formatter",
    examples: [
      ['Build it; ./result is a link to it', 'floe formatter build'],
      ['Only its program', 'floe formatter build --no-link'],
    ],
  });

  readonly options = { ...evalOptions(), ...flakeOptions(), ...sourceOptions() };
  readonly outLink = Option.String('--out-link,-o', 'result', { description: 'Name of the link to the result. {path}' });
  readonly noLink = Option.Boolean('--no-link', false, { description: 'Make no link to the result.' });

  async execute(): Promise<void> {
    refuseSource(this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const formatter = await findFormatter(engine, lockChoices(this, engine, this.options));
      if (!this.noLink) await linkFormatter(engine, formatter, this.outLink);
      this.print(formatter.program);
    } finally {
      await engine.close();
    }
  }
}
