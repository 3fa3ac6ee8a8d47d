// `floe run`: starts an app of a flake, or the main program of a package.

import { Command, Option } from 'clipanion';
import { requireClearChoices } from '../../engine/start-program.ts';
import { BaseCommand } from '../base-command.ts';
import { lockChoices } from '../lock-choices.ts';
import { openEvaluatingEngine, sourceChoice } from '../open-engine.ts';
import { environmentOptions, installableOptions } from '../options.ts';

export class RunCommand extends BaseCommand {
  static override paths = [['run']];
  static override usage = Command.Usage({
    description: 'run a Nix application',
    examples: [
      ["Run this flake's default app", 'floe run'],
      ['Run a package of another flake, with arguments', 'floe run debpkgs#jq -- --version'],
    ],
  });

  static override readonly keepsOutput = true;

  readonly options = installableOptions();
  readonly environment = environmentOptions();
  readonly installable = Option.String({ required: false });
  readonly args = Option.Rest({ name: 'args' });

  async execute(): Promise<void> {
    requireClearChoices(this.environment, this.session.launch.words);
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      const programs = await engine.programs();
      const wanted = await engine.findOut(async () => {
        const [target] = await engine.targets([this.installable ?? '.'], 'run', source, locking);
        return programs.find(target!);
      });
      const program = await programs.app(wanted);
      this.session.report.close();
      await programs.start(program, this.args, this.environment);
    } finally {
      await engine.close();
    }
  }
}
