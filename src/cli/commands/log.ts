// `floe log`: the kept log of a build.

import { Command, Option } from 'clipanion';
import { readTargetLog } from '../../engine/kept-logs.ts';
import { BaseCommand } from '../base-command.ts';
import { lockChoices } from '../lock-choices.ts';
import { openEvaluatingEngine, sourceChoice } from '../open-engine.ts';
import { installableOptions } from '../options.ts';

export class LogCommand extends BaseCommand {
  static override paths = [['log']];
  static override usage = Command.Usage({
    description: 'show the build log of the specified packages or paths, if available',
    examples: [
      ["The log of this flake's default package", 'floe log'],
      ['Of what a link leads to', 'floe log ./result'],
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
      this.write(await readTargetLog(engine, target!));
    } finally {
      await engine.close();
    }
  }
}
