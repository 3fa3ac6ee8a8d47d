// `floe store repair`: brings damaged store paths back.

import { Command, Option } from 'clipanion';
import { StoreCare } from '../../../engine/store-care.ts';
import { BaseCommand } from '../../base-command.ts';
import { storePathOptions, withStorePaths } from '../../store-paths.ts';

export class StoreRepairCommand extends BaseCommand {
  static override paths = [['store', 'repair']];
  static override usage = Command.Usage({
    description: 'repair store paths',
    examples: [
      ['A path', 'floe store repair /nix/store/...-hello'],
      ['A package with all it needs', 'floe store repair --recursive debpkgs#jq'],
    ],
  });

  readonly options = storePathOptions();
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    await withStorePaths(this, this.options, this.installables, async (engine, paths) => {
      for (const path of paths) await new StoreCare(engine).repair(path);
    });
  }
}
