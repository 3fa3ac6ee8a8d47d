// `floe store add-path`: the older name of `store add`.

import { Command } from 'clipanion';
import { AddToStoreCommand } from '../../add-to-store.ts';

export class StoreAddPathCommand extends AddToStoreCommand {
  static override paths = [['store', 'add-path']];
  static override usage = Command.Usage({
    description: "add a file or folder to the store (deprecated: use 'store add')",
    examples: [
      ['A folder', 'floe store add-path ./templates'],
      ['Under another name', 'floe store add-path --name source ./src'],
    ],
  });
}
