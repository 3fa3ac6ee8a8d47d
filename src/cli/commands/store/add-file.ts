// `floe store add-file`: the older name of `store add --mode flat`.

import { Command } from 'clipanion';
import { AddToStoreCommand } from '../../add-to-store.ts';

export class StoreAddFileCommand extends AddToStoreCommand {
  static override paths = [['store', 'add-file']];
  static override usage = Command.Usage({
    description: "add a file to the store by the hash of its bytes (deprecated: use 'store add --mode flat')",
    examples: [
      ['A file', 'floe store add-file ./config.json'],
      ['What its path would be', 'floe store add-file --dry-run ./config.json'],
    ],
  });

  protected override readonly defaultMode = 'flat';
}
