// `floe profile upgrade`: builds packages of a profile anew from what their flakes are now.

import { Command, Option } from 'clipanion';
import { elementMatchers } from '../../../engine/profile-matchers.ts';
import { Profile } from '../../../engine/profiles.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockChoices } from '../../lock-choices.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { installableOptions, profileElementOptions, profileOptions } from '../../options.ts';

export class ProfileUpgradeCommand extends BaseCommand {
  static override paths = [['profile', 'upgrade']];
  static override usage = Command.Usage({
    description: 'upgrade packages using their most recent flake',
    examples: [
      ['Everything', 'floe profile upgrade --all'],
      ['One package by its name in `floe profile list`', 'floe profile upgrade jq'],
    ],
  });

  readonly options = installableOptions();
  readonly profile = profileOptions();
  readonly choice = profileElementOptions();
  readonly elements = Option.Rest({ name: 'elements' });

  async execute(): Promise<void> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      const matchers = elementMatchers({ all: this.choice.all, regexes: this.choice.regex, names: this.elements }, engine.storeDir);
      await new Profile(engine, this.profile.profile).upgrade(matchers, locking);
    } finally {
      await engine.close();
    }
  }
}
