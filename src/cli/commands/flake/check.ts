// `floe flake check`: whether a flake evaluates, its outputs are what their names say, and its checks build.

import { Command, Option } from 'clipanion';
import { runFlakeCheck } from '../../../engine/flake-checks.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockChoices } from '../../lock-choices.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions, flakeOptions } from '../../options.ts';

export class FlakeCheckCommand extends BaseCommand {
  static override paths = [['flake', 'check']];
  static override usage = Command.Usage({
    description: 'check whether the flake evaluates and run its tests',
    examples: [
      ['Check the flake in this folder', 'floe flake check'],
      ['Only look at it, and at all systems', 'floe flake check --no-build --all-systems'],
    ],
  });

  static override readonly keepsOutput = true;

  readonly options = { ...evalOptions(), ...flakeOptions() };
  readonly noBuild = Option.Boolean('--no-build', false, { description: 'Do not build checks.' });
  readonly allSystems = Option.Boolean('--all-systems', false, { description: 'Check the outputs for all systems.' });
  readonly flakeUrl = Option.String({ required: false });

  async execute(): Promise<void> {
    const { report } = this.session;
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locked = await engine.flakes.lock(engine.flakes.parse(this.flakeUrl ?? '.'), lockChoices(this, engine, this.options));
      await runFlakeCheck(engine, locked, { build: !this.noBuild, allSystems: this.allSystems, showError: (error) => report.error(error) });
    } finally {
      await engine.close();
    }
  }
}
