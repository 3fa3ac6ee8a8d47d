// `floe profile rollback`: makes an older generation of a profile the current one.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../../base/errors.ts';
import { Profile } from '../../../engine/profiles.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';
import { dryRunOptions, profileOptions } from '../../options.ts';
import { readInteger } from '../../read-integer.ts';

export class ProfileRollbackCommand extends BaseCommand {
  static override paths = [['profile', 'rollback']];
  static override usage = Command.Usage({
    description: 'roll back to the previous version or a specified version of a profile',
    examples: [
      ['To what was before the last change', 'floe profile rollback'],
      ['To a version that `floe profile history` names', 'floe profile rollback --to 5'],
    ],
  });

  readonly profile = profileOptions();
  readonly dry = dryRunOptions();
  readonly to = Option.String('--to', { description: 'The version to go back to. {version}' });

  async execute(): Promise<void> {
    const to = this.to === undefined ? undefined : readInteger(this.to);
    if (to !== undefined && to < 0) throw new UsageError(`'${this.to}' is not an integer`);
    const engine = openEngine(this);
    try {
      await new Profile(engine, this.profile.profile).rollback(to, this.dry.dryRun);
    } finally {
      await engine.close();
    }
  }
}
