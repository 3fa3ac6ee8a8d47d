// `floe profile add`: builds packages and adds them to a profile.

import { Command, Option } from 'clipanion';
import { Profile } from '../../../engine/profiles.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockChoices } from '../../lock-choices.ts';
import { openEvaluatingEngine, readInstallables, sourceChoice } from '../../open-engine.ts';
import { installableOptions, installablesFromStdin, profileOptions } from '../../options.ts';
import { readInteger } from '../../read-integer.ts';

export class ProfileAddCommand extends BaseCommand {
  static override paths = [['profile', 'add']];
  static override usage = Command.Usage({
    description: 'add a package to a profile',
    examples: [
      ['Have a package at hand in every shell', 'floe profile add debpkgs#jq'],
      ["Let its files win over another package's", 'floe profile add debpkgs#jq --priority 4'],
    ],
  });

  readonly options = installableOptions();
  readonly stdin = installablesFromStdin();
  readonly profile = profileOptions();
  readonly priority = Option.String('--priority', { description: 'The priority of the package; a lower number wins. {priority}' });
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    const priority = this.priority === undefined ? undefined : readInteger(this.priority);
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      const profile = new Profile(engine, this.profile.profile);
      const targets = await engine.targets(readInstallables(this, this.installables, this.stdin.stdin), 'build', source, locking);
      await profile.add(targets, priority);
    } finally {
      await engine.close();
    }
  }
}
