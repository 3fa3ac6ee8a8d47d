// `floe store dump-path`: the NAR of a store path on standard output.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../../base/errors.ts';
import { writeStoreNar } from '../../../engine/store-archives.ts';
import { BaseCommand } from '../../base-command.ts';
import { storePathOptions, withStorePaths } from '../../store-paths.ts';

export class StoreDumpPathCommand extends BaseCommand {
  static override paths = [['store', 'dump-path']];
  static override usage = Command.Usage({
    description: 'serialise a store path to standard output in NAR format',
    examples: [
      ['Into a file', 'floe store dump-path /nix/store/...-hello > hello.nar'],
      ['Of a package', 'floe store dump-path debpkgs#jq > jq.nar'],
    ],
  });

  readonly options = storePathOptions();
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    await withStorePaths(this, this.options, this.installables, async (engine, paths) => {
      if (paths.length !== 1) throw new UsageError('this command requires exactly one store path');
      if (this.session.stdout.isTerminal) throw new UsageError('refusing to write NAR to a terminal');
      await writeStoreNar(engine.store, paths[0]!, (chunk) => this.write(chunk));
    });
  }
}
