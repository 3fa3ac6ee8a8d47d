// `floe flake lock`: adds what is missing to a flake's lock file.

import { Command, Option } from 'clipanion';
import { BaseCommand } from '../../base-command.ts';
import { lockChoices } from '../../lock-choices.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions, flakeOptions } from '../../options.ts';

export class FlakeLockCommand extends BaseCommand {
  static override paths = [['flake', 'lock']];
  static override usage = Command.Usage({
    description: 'create missing lock file entries',
    examples: [
      ['Lock the flake in this folder', 'floe flake lock'],
      ['Lock one input to a revision of your choice', 'floe flake lock --override-input nixpkgs github:NixOS/nixpkgs/nixos-25.11'],
    ],
  });

  readonly options = { ...evalOptions(), ...flakeOptions() };
  readonly flakeUrl = Option.String({ required: false });

  async execute(): Promise<void> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      this.session.settings.set('tarball-ttl', 0);
      const choices = lockChoices(this, engine, this.options);
      await engine.flakes.lock(engine.flakes.parse(this.flakeUrl ?? '.'), {
        ...choices,
        writeLockFile: true,
        forceWrite: true,
        failOnUnlocked: true,
      });
    } finally {
      await engine.close();
    }
  }
}
