// `floe profile diff-closures`: how the closure of each generation differs from the one before.

import { Command } from 'clipanion';
import { Profile } from '../../../engine/profiles.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';
import { profileOptions } from '../../options.ts';
import { SIZE_STYLE } from '../../size-style.ts';

export class ProfileDiffClosuresCommand extends BaseCommand {
  static override paths = [['profile', 'diff-closures']];
  static override usage = Command.Usage({
    description: 'show the closure difference between each version of a profile',
    examples: [
      ['Of the default profile', 'floe profile diff-closures'],
      ['Of another one', 'floe profile diff-closures --profile ./tools'],
    ],
  });

  readonly profile = profileOptions();

  async execute(): Promise<void> {
    const engine = openEngine(this);
    try {
      let isFirst = true;
      await new Profile(engine, this.profile.profile).diffClosures(SIZE_STYLE, (from, to, lines) => {
        if (!isFirst) this.print('');
        isFirst = false;
        this.print(`Version ${from} -> ${to}:`);
        for (const line of lines) this.writeByteString(`  ${line}\n`);
      });
    } finally {
      await engine.close();
    }
  }
}
