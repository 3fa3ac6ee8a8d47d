// `floe profile wipe-history`: deletes generations of a profile other than the current one.

import { Command, Option } from 'clipanion';
import { parseOlderThan } from '../../../engine/old-generations.ts';
import { Profile } from '../../../engine/profiles.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';
import { dryRunOptions, profileOptions } from '../../options.ts';

export class ProfileWipeHistoryCommand extends BaseCommand {
  static override paths = [['profile', 'wipe-history']];
  static override usage = Command.Usage({
    description: 'delete non-current versions of a profile',
    examples: [
      ['Keep only what is in use', 'floe profile wipe-history'],
      ['Look first what a month would cost', 'floe profile wipe-history --older-than 30d --dry-run'],
    ],
  });

  readonly profile = profileOptions();
  readonly dry = dryRunOptions();
  readonly olderThan = Option.String('--older-than', { description: 'Only versions that were not in use since, for example 30d. {age}' });

  async execute(): Promise<void> {
    const engine = openEngine(this);
    try {
      const profile = new Profile(engine, this.profile.profile);
      const olderThan = this.olderThan === undefined ? undefined : parseOlderThan(this.olderThan, Math.floor(Date.now() / 1000));
      await profile.wipeHistory(olderThan, this.dry.dryRun);
    } finally {
      await engine.close();
    }
  }
}
