// `floe edit`: the definition of a package, in the user's editor.

import { Command, Option } from 'clipanion';
import { editDefinition } from '../../engine/definitions.ts';
import { BaseCommand } from '../base-command.ts';
import { lockChoices } from '../lock-choices.ts';
import { openEvaluatingEngine, sourceChoice } from '../open-engine.ts';
import { installableOptions } from '../options.ts';

export class EditCommand extends BaseCommand {
  static override paths = [['edit']];
  static override usage = Command.Usage({
    description: 'open the Nix expression of a Nix package in $EDITOR',
    examples: [
      ['A package of the embedded set', 'floe edit debpkgs#jq'],
      ['With another editor', 'EDITOR=nano floe edit debpkgs#jq'],
    ],
  });

  readonly options = installableOptions();
  readonly installable = Option.String({ required: false });

  async execute(): Promise<void> {
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      const [target] = await engine.targets([this.installable ?? '.'], 'build', source, locking);
      this.session.report.close();
      await editDefinition(engine, target!);
    } finally {
      await engine.close();
    }
  }
}
