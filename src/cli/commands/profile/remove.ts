// `floe profile remove`: takes packages out of a profile.

import { Command, Option } from 'clipanion';
import { elementMatchers } from '../../../engine/profile-matchers.ts';
import { Profile } from '../../../engine/profiles.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions, profileElementOptions, profileOptions } from '../../options.ts';

export class ProfileRemoveCommand extends BaseCommand {
  static override paths = [['profile', 'remove']];
  static override usage = Command.Usage({
    description: 'remove packages from a profile',
    examples: [
      ['A package by its name in `floe profile list`', 'floe profile remove jq'],
      ['All packages of one flake', "floe profile remove --regex 'flake:debpkgs.*'"],
    ],
  });

  readonly options = evalOptions();
  readonly profile = profileOptions();
  readonly choice = profileElementOptions();
  readonly elements = Option.Rest({ name: 'elements' });

  async execute(): Promise<void> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const matchers = elementMatchers({ all: this.choice.all, regexes: this.choice.regex, names: this.elements }, engine.storeDir);
      await new Profile(engine, this.profile.profile).remove(matchers);
    } finally {
      await engine.close();
    }
  }
}
