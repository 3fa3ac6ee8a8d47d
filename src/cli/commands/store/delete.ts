// `floe store delete`: deletes named paths, if nothing needs them.

import { Command, Option } from 'clipanion';
import { StoreCare } from '../../../engine/store-care.ts';
import { BaseCommand } from '../../base-command.ts';
import { printFreed } from '../../print-freed.ts';
import { storePathOptions, withStorePaths } from '../../store-paths.ts';

export class StoreDeleteCommand extends BaseCommand {
  static override paths = [['store', 'delete']];
  static override usage = Command.Usage({
    description: 'delete paths from the store',
    examples: [
      ['A path that nothing needs', 'floe store delete /nix/store/...-hello'],
      ['Though roots reach it', 'floe store delete --ignore-liveness /nix/store/...-hello'],
    ],
  });

  readonly options = storePathOptions();
  readonly ignoreLiveness = Option.Boolean('--ignore-liveness', false, { description: 'Do not ask whether roots reach the paths.' });
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    await withStorePaths(this, this.options, this.installables, async (engine, paths) => {
      await new StoreCare(engine).deletePaths(paths, this.ignoreLiveness, (results) => this.print(printFreed(results)));
    });
  }
}
