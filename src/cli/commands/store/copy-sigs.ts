// `floe store copy-sigs`: takes over the signatures that other stores have on paths.

import { Command, Option } from 'clipanion';
import { copySignatures } from '../../../engine/path-signatures.ts';
import { BaseCommand } from '../../base-command.ts';
import { storePathOptions, withStorePaths } from '../../store-paths.ts';

export class StoreCopySigsCommand extends BaseCommand {
  static override paths = [['store', 'copy-sigs']];
  static override usage = Command.Usage({
    description: 'copy store path signatures from substituters',
    examples: [
      ['Those that a binary cache has on a package', 'floe store copy-sigs -s https://cache.example.org debpkgs#jq'],
      ['On everything in the store', 'floe store copy-sigs --all --substituter file:///srv/cache'],
    ],
  });

  readonly options = storePathOptions();
  readonly substituters = Option.Array('--substituter,-s', [], { description: 'Take signatures from this store. {store-uri}' });
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    await withStorePaths(this, this.options, this.installables, async (engine, paths) => {
      const added = await copySignatures(engine, paths, this.substituters);
      this.session.report.log('info', `imported ${added} signatures`);
    });
  }
}
