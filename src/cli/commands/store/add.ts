// `floe store add`: a file or folder into the store.

import { Command } from 'clipanion';
import { AddToStoreCommand } from '../../add-to-store.ts';

export class StoreAddCommand extends AddToStoreCommand {
  static override paths = [['store', 'add']];
  static override usage = Command.Usage({
    description: 'add a file or folder to the store',
    examples: [
      ['A folder', 'floe store add ./templates'],
      ['A file, by the hash of its bytes', 'floe store add --mode flat --name config.json ./config.json'],
    ],
  });
}
