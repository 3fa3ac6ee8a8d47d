// `floe profile history`: the generations of a profile and what each changed.

import { Command } from 'clipanion';
import { Profile } from '../../../engine/profiles.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions, profileOptions } from '../../options.ts';
import { BOLD, GREEN, NORMAL } from '../../terminal.ts';

export class ProfileHistoryCommand extends BaseCommand {
  static override paths = [['profile', 'history']];
  static override usage = Command.Usage({
    description: 'show all versions of a profile',
    examples: [
      ['Of the default profile', 'floe profile history'],
      ['Of another one', 'floe profile history --profile ./tools'],
    ],
  });

  readonly options = evalOptions();
  readonly profile = profileOptions();

  async execute(): Promise<void> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const history = new Profile(engine, this.profile.profile).history();
      for (const { generation, isCurrent, previous, changes } of history) {
        const date = new Date(generation.creationTime * 1000).toISOString().slice(0, 'YYYY-MM-DD'.length);
        const before = previous === undefined ? '' : ` <- ${previous}`;
        if (previous !== undefined) this.print('');
        this.print(`Version ${isCurrent ? GREEN : BOLD}${generation.number}${NORMAL} (${date})${before}:`);
        for (const change of changes) this.writeByteString(`  ${change}\n`);
      }
    } finally {
      await engine.close();
    }
  }
}
