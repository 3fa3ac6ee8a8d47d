// `floe store copy-log`: build logs from one store into another.

import { Command, Option } from 'clipanion';
import { copyLogs } from '../../../engine/kept-logs.ts';
import { derivationsOf } from '../../../engine/store-paths.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockChoices } from '../../lock-choices.ts';
import { openEvaluatingEngine, readInstallables, sourceChoice } from '../../open-engine.ts';
import { installableOptions, installablesFromStdin } from '../../options.ts';

export class StoreCopyLogCommand extends BaseCommand {
  static override paths = [['store', 'copy-log']];
  static override usage = Command.Usage({
    description: 'copy build logs between Nix stores',
    examples: [
      ['The log of a package into a binary cache', 'floe store copy-log --to file:///srv/cache debpkgs#jq'],
      ['The log of a derivation out of another store', 'floe store copy-log --from /srv/other-root /nix/store/...-hello.drv'],
    ],
  });

  readonly options = { ...installableOptions(), ...installablesFromStdin() };
  readonly from = Option.String('--from', { description: 'The store to copy from. {store-uri}' });
  readonly to = Option.String('--to', { description: 'The store to copy to. {store-uri}' });
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      const words = readInstallables(this, this.installables, this.options.stdin);
      const targets = await engine.targets(words, 'build', source, locking);
      await copyLogs(engine, await derivationsOf(engine, targets), this);
    } finally {
      await engine.close();
    }
  }
}
